package charmfmt

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bazelbuild/buildtools/build"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/host"
)

// Source formats the text of a file. The error of a text that is not Starlark
// is a [host.SourceError], for [host.Diagnose]; name is the file's in it.
//
// What comes out is the same program with the same comments, or an error.
func Source(name string, src []byte) ([]byte, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	before, err := parse(name, src)
	if err != nil {
		return nil, &host.SourceError{File: name, Source: src, Err: err}
	}
	if tooDeep(before) {
		return nil, fmt.Errorf("cannot format %s: an expression has more than %d steps; give parts of it names", name, maxDepth)
	}
	lines := bytes.ReplaceAll(bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	formatted, err := layout(name, withParens(lines, before))
	if err != nil {
		return nil, fmt.Errorf("cannot format %s: %w", name, err)
	}
	if bytes.Equal(formatted, src) {
		return src, nil
	}
	after, err := parse(name, formatted)
	if err != nil {
		return nil, fmt.Errorf("cannot format %s: what comes out is no Starlark: %w", name, err)
	}
	if !equal(before, after) {
		return nil, fmt.Errorf("cannot format %s: what comes out is another program; it is left as it is", name)
	}
	if !slices.Equal(sortedComments(src), sortedComments(formatted)) {
		return nil, fmt.Errorf("cannot format %s: a comment in it has no place to go; put it on a line of its own", name)
	}
	return formatted, nil
}

func sortedComments(src []byte) []string { return slices.Sorted(slices.Values(scanText(src).comments)) }

// maxPasses is how often a text is laid out until nothing changes any more.
const maxPasses = 5

// layout is the text in buildifier's layout. One pass of it may leave a line
// for the next to change, near comments.
func layout(name string, src []byte) ([]byte, error) {
	for range maxPasses {
		stand, plain := standIns(src, scanText(src))
		file, err := build.ParseDefault(name, plain)
		if err != nil {
			return nil, err
		}
		formatted := stand.undo(build.FormatWithoutRewriting(file))
		if bytes.Equal(formatted, src) {
			break
		}
		src = formatted
	}
	return src, nil
}

func parse(name string, src []byte) (*syntax.File, error) {
	return (&syntax.FileOptions{Set: true, Recursion: true}).Parse(name, src, 0)
}

// maxDepth is how deep an expression may be nested: 1 + 2 + 3 is two deep. The
// time that buildtools takes grows with the square of it.
const maxDepth = 1000

func tooDeep(file *syntax.File) bool {
	depth, deep := 0, false
	syntax.Walk(file, func(n syntax.Node) bool {
		if n == nil {
			depth--
			return false
		}
		if depth == maxDepth {
			deep = true
		}
		if deep {
			return false
		}
		depth++
		return true
	})
	return deep
}

// A standIn replaces literals by names that occur nowhere else.
type standIn struct {
	prefix   string
	literals [][]byte
}

// tabWidth is what the interpreter takes a tab for: so many columns at most.
const tabWidth = 8

// standIns is the text as buildtools can read it.
func standIns(src []byte, text scan) (standIn, []byte) {
	var s standIn
	if len(text.kept) == 0 && len(text.tabs) == 0 {
		return s, src
	}
	for s.prefix = "literal_"; bytes.Contains(src, []byte(s.prefix)); s.prefix += "_" {
	}
	var out []byte
	last := 0
	for len(text.kept) > 0 || len(text.tabs) > 0 {
		var p part
		if len(text.tabs) == 0 || len(text.kept) > 0 && text.kept[0].start < text.tabs[0].start {
			p, text.kept = text.kept[0], text.kept[1:]
			out = append(out, src[last:p.start]...)
			out = append(out, s.name(len(s.literals))...)
			s.literals = append(s.literals, src[p.start:p.end])
		} else {
			p, text.tabs = text.tabs[0], text.tabs[1:]
			out = append(out, src[last:p.start]...)
			columns := 0
			for _, c := range src[p.start:p.end] {
				if columns++; c == '\t' {
					columns += (tabWidth - columns%tabWidth) % tabWidth
				}
			}
			out = append(out, bytes.Repeat([]byte(" "), columns)...)
		}
		last = p.end
	}
	return s, append(out, src[last:]...)
}

// name ends with what no number goes on with.
func (s standIn) name(i int) string { return s.prefix + strconv.Itoa(i) + "x" }

// undo puts the literals back.
func (s standIn) undo(src []byte) []byte {
	if len(s.literals) == 0 {
		return src
	}
	var pairs []string
	for i, l := range s.literals {
		pairs = append(pairs, s.name(i), string(l))
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(src)))
}
