package check

import (
	"regexp"
	"strings"
)

// This file cuts a file that cannot be parsed into its statements, so that
// those that are right can be checked, and every wrong one be told of.

// A chunk is the text of a statement at the top level.
type chunk struct {
	line int // where it starts, from 1
	text string
}

// chunks cuts lines where one starts that can be the start of a statement. A
// text in three quotes is not cut.
func chunks(lines []string) []chunk {
	var all []chunk
	var text []string
	start := 1
	flush := func(next int) {
		if strings.TrimSpace(strings.Join(text, "")) != "" {
			all = append(all, chunk{start, strings.Join(text, "\n") + "\n"})
		}
		text, start = nil, next
	}
	open := "" // the quotes of a text that goes on
	for i, line := range lines {
		if open == "" && startsStatement(line) {
			flush(i + 1)
		}
		text = append(text, line)
		open = openText(line, open)
	}
	flush(0)
	return all
}

// startsStatement says whether a line can be a new statement: it has no
// indent and does not go on with what was before.
func startsStatement(line string) bool {
	if line == "" || strings.ContainsRune(" \t\r)]}#", rune(line[0])) {
		return false
	}
	word := word.FindString(line)
	return word != "else" && word != "elif"
}

// openText is the quotes of a text that is still open after a line.
func openText(line, open string) string {
	for i := 0; i < len(line); {
		rest := line[i:]
		switch {
		case open != "":
			switch {
			case rest[0] == '\\':
				i += 2
			case strings.HasPrefix(rest, open):
				i += len(open)
				open = ""
			default:
				i++
			}
		case strings.HasPrefix(rest, `"""`), strings.HasPrefix(rest, "'''"):
			open = rest[:3]
			i += 3
		case rest[0] == '#':
			return open
		case rest[0] == '"' || rest[0] == '\'':
			open = rest[:1]
			i++
		default:
			i++
		}
	}
	if len(open) == 1 {
		return "" // it ends with the line, and is a mistake
	}
	return open
}

var (
	word    = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*`)
	words   = regexp.MustCompile(`[A-Za-z_][A-Za-z_0-9]*`)
	defines = regexp.MustCompile(`^(?:def\s+)?([A-Za-z_][A-Za-z_0-9]*)\s*(?:\(|=[^=])`)
	loads   = regexp.MustCompile(`([A-Za-z_][A-Za-z_0-9]*)\s*=|"([A-Za-z_][A-Za-z_0-9]*)"`)
)

// defines are the names that a statement seems to define that cannot be read.
func (c chunk) defines() []string {
	if rest, ok := strings.CutPrefix(c.text, "load("); ok {
		var names []string
		for _, found := range loads.FindAllStringSubmatch(rest, -1) {
			names = append(names, found[1]+found[2])
		}
		return names
	}
	if found := defines.FindStringSubmatch(c.text); found != nil {
		return []string{found[1]}
	}
	return nil
}
