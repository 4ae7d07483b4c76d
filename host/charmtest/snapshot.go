package charmtest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
)

// This file defines expect.snapshot: what a value was once, in a file that
// people review.
//
// The file of a test has a section for each of its snapshots: a line with the
// name and a colon, and the text, indented.

// snapshotDir is where the files are, in the charm.
const snapshotDir = "tests/snapshots"

// maxSnapshots is how large the file of a test may be.
const maxSnapshots = 16 << 20

// onlySnapshot is the name of a test's snapshot that was given none.
const onlySnapshot = "value"

// snapshots are those of one test.
type snapshots struct {
	file string
	// kept are those of the file, taken those of the test that runs, by name.
	kept, taken map[string]string
}

// snapshotFile is the file of a test, by the full name.
func snapshotFile(t *test) string {
	escape := func(name string) string {
		var b strings.Builder
		for _, c := range []byte(name) {
			switch {
			case c == '/':
				b.WriteByte('.')
			case c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
				b.WriteByte(c)
			default:
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		return b.String()
	}
	name := strings.TrimSuffix(strings.TrimPrefix(t.file.name, "tests/"), "_test.star")
	return path.Join(snapshotDir, escape(name)+"."+escape(t.name)+".txt")
}

func (s *session) snapshot(in builtins.Invocation) (starlark.Value, error) {
	var value starlark.Value
	var name string
	if err := in.Unpack("value", &value, builtins.ByName, nil, "name?", &name); err != nil {
		return nil, err
	}
	if s.test == nil {
		return nil, errors.New("expect.snapshot: a snapshot is that of a test: take it in a function test_…")
	}
	if name == "" {
		name = onlySnapshot
	}
	if inner := strings.TrimPrefix(s.running.name, s.test.name); inner != "" {
		name = inner[1:] + " " + name
	}
	if !isName(name) {
		return nil, fmt.Errorf("expect.snapshot: the name %q is none: want a line of text", name)
	}
	if s.snapshots == nil {
		kept, err := s.suite.readSnapshots(snapshotFile(s.test))
		if err != nil {
			return nil, fmt.Errorf("expect.snapshot: %w", err)
		}
		s.snapshots = &snapshots{snapshotFile(s.test), kept, map[string]string{}}
	}
	all := s.snapshots
	if _, ok := all.taken[name]; ok {
		return nil, fmt.Errorf("expect.snapshot: the test has a snapshot %q already: give this one a name of its own, name = …", name)
	}
	got := snapshotText(value)
	all.taken[name] = got
	want, ok := all.kept[name]
	switch {
	case s.suite.options.Update || ok && got == want:
		return starlark.None, nil
	case !ok:
		return nil, &failure{
			message: fmt.Sprintf("there is no snapshot %q in %s", name, all.file),
			outcome: s.last, cure: "starcharm test --update writes it",
		}
	}
	f := s.unmet("the value is not that of the snapshot %q in %s%s", name, all.file, changedLines(want, got))
	f.cure = "if it is to be so, starcharm test --update writes it"
	return nil, f
}

// isName says whether a snapshot can have the name: a line of text.
func isName(name string) bool {
	return name != "" && name == strings.TrimSpace(name) && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' })
}

// changedLines shows what is different between two texts: what the lines are
// that do not agree, without what is the same before and after them.
func changedLines(want, got string) string {
	old, now := strings.Split(want, "\n"), strings.Split(got, "\n")
	start := 0
	for start < min(len(old), len(now)) && old[start] == now[start] {
		start++
	}
	end := 0
	for end < min(len(old), len(now))-start && old[len(old)-1-end] == now[len(now)-1-end] {
		end++
	}
	var b strings.Builder
	write := func(mark string, lines []string) {
		for i, line := range lines {
			if i == maxDifferences {
				fmt.Fprintf(&b, "\n%s… and %d more lines", mark, len(lines)-i)
				return
			}
			b.WriteString("\n" + mark + short(line))
		}
	}
	if start > 0 {
		write("  ", old[start-1:start])
	}
	write("- ", old[start:len(old)-end])
	write("+ ", now[start:len(now)-end])
	if end > 0 {
		write("  ", old[len(old)-end:len(old)-end+1])
	}
	return b.String()
}

// readSnapshots reads the file of a test; one that is not there has none.
func (s *Suite) readSnapshots(name string) (map[string]string, error) {
	f, err := s.charm.Files().Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the snapshots: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSnapshots+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the snapshots: %w", err)
	}
	if len(text) > maxSnapshots {
		return nil, fmt.Errorf("cannot read the snapshots: %s is larger than %d MiB", name, maxSnapshots>>20)
	}
	return parseSnapshots(string(text)), nil
}

// parseSnapshots reads the sections of a file.
func parseSnapshots(text string) map[string]string {
	all := map[string]string{}
	name, inSection := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		heading, isHeading := strings.CutSuffix(line, ":")
		switch {
		case strings.HasPrefix(line, snapshotIndent) && inSection:
			all[name] += line[len(snapshotIndent):] + "\n"
		case line == "" && inSection:
			all[name] += "\n"
		case isHeading && !strings.HasPrefix(line, " "):
			name, inSection = heading, true
			all[name] = ""
		}
	}
	for name, text := range all {
		all[name] = strings.TrimRight(text, "\n")
	}
	return all
}

const snapshotIndent = "    "

// writeSnapshots writes the sections of a file, by name.
func writeSnapshots(all map[string]string) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(name + ":\n")
		for line := range strings.SplitSeq(all[name], "\n") {
			if line != "" {
				b.WriteString(snapshotIndent + line)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// keep writes the snapshots of a test that has ended, if they are to be
// updated, and notes which ones it took. One that failed may not have come to
// all of them.
func (s *session) keep(passed bool) error {
	file := snapshotFile(s.test)
	taken := map[string]string{}
	if s.snapshots != nil {
		taken = s.snapshots.taken
	}
	if passed {
		s.suite.mu.Lock()
		s.suite.taken[file] = slices.Sorted(maps.Keys(taken))
		s.suite.mu.Unlock()
	}
	if !s.suite.options.Update || len(taken) == 0 {
		return nil
	}
	all := maps.Clone(s.snapshots.kept)
	if passed || all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, taken)
	if s.snapshots.kept != nil && maps.Equal(all, s.snapshots.kept) {
		return nil
	}
	root, err := os.OpenRoot(s.suite.dir)
	if err != nil {
		return fmt.Errorf("cannot write the snapshots: %w", err)
	}
	defer root.Close()
	if err := root.MkdirAll(snapshotDir, 0o777); err != nil {
		return fmt.Errorf("cannot write the snapshots: %w", err)
	}
	if err := root.WriteFile(file, []byte(writeSnapshots(all)), 0o666); err != nil {
		return fmt.Errorf("cannot write the snapshots: %w", err)
	}
	return nil
}

// StaleSnapshots are those that no test takes any more, as far as the tests
// that passed tell: "tests/snapshots/web.test_a.txt", or one of several in a
// file, "tests/snapshots/web.test_a.txt: name". With Options.Update the files
// are removed.
func (s *Suite) StaleSnapshots() ([]string, error) {
	var stale, files []string
	entries, err := fs.ReadDir(s.charm.Files(), snapshotDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the snapshots: %w", err)
	}
	for _, entry := range entries {
		file := path.Join(snapshotDir, entry.Name())
		taken, judged := s.taken[file]
		switch {
		case entry.IsDir() || path.Ext(file) != ".txt":
		case !s.snapshotFiles[file] || judged && len(taken) == 0:
			files = append(files, file)
			stale = append(stale, file)
		case judged:
			kept, err := s.readSnapshots(file)
			if err != nil {
				return nil, err
			}
			for _, name := range slices.Sorted(maps.Keys(kept)) {
				if !slices.Contains(taken, name) {
					stale = append(stale, file+": "+name)
				}
			}
		}
	}
	if !s.options.Update || len(files) == 0 {
		return stale, nil
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, fmt.Errorf("cannot remove old snapshots: %w", err)
	}
	defer root.Close()
	for _, file := range files {
		if err := root.Remove(file); err != nil {
			return nil, fmt.Errorf("cannot remove old snapshots: %w", err)
		}
	}
	return stale, nil
}

// snapshotText writes a value for people: text of several lines as it is, else
// one part a line, dicts by their keys.
func snapshotText(v starlark.Value) string {
	if text, ok := v.(starlark.String); ok && isPlainText(string(text)) {
		return strings.TrimSuffix(string(text), "\n")
	}
	var p prettyPrinter
	p.write(v, "", 0)
	return p.String()
}

// isPlainText says whether a text can stand in a snapshot as it is: lines that
// say all there is to say.
func isPlainText(text string) bool {
	lines, ended := strings.CutSuffix(text, "\n")
	return ended && lines != "" && !strings.HasPrefix(lines, "\n") && !strings.HasSuffix(lines, "\n") &&
		!strings.HasSuffix(lines, " ") && !strings.Contains(lines, " \n") &&
		!strings.ContainsFunc(lines, func(r rune) bool { return r != '\n' && (r < ' ' || r == '\u007f' || r == '\ufffd') })
}

type prettyPrinter struct{ strings.Builder }

// write writes a value whose first line follows what is there, and whose other
// lines begin with indent.
func (p *prettyPrinter) write(v starlark.Value, indent string, depth int) {
	inner := indent + "  "
	many := func(open, end string, parts []string, write func(int)) {
		if len(parts) == 0 {
			p.WriteString(open + end)
			return
		}
		p.WriteString(open + "\n")
		for i, part := range parts {
			p.WriteString(inner + part)
			write(i)
			p.WriteString(",\n")
		}
		p.WriteString(indent + end)
	}
	if depth > maxNested {
		p.WriteString("…")
		return
	}
	switch v := v.(type) {
	case starlark.String:
		if !isPlainText(string(v)) || strings.Contains(string(v), `"""`) || strings.Contains(string(v), `\`) {
			p.WriteString(v.String())
			return
		}
		p.WriteString(`"""` + "\n")
		for line := range strings.Lines(string(v)) {
			if line != "\n" {
				p.WriteString(inner)
			}
			p.WriteString(line)
		}
		p.WriteString(inner + `"""`)
	case *component:
		var names []string
		var values []starlark.Value
		for name, value := range v.unusual() {
			if name != "" {
				name += " = "
			}
			names, values = append(names, name), append(values, value)
		}
		many(v.kind.name+"(", ")", names, func(i int) { p.write(values[i], inner, depth+1) })
	case *outcome:
		p.WriteString(v.o.Event + " on " + v.o.Unit)
		for _, s := range v.o.Steps {
			if s.Via == "log" {
				continue
			}
			p.WriteString("\n" + inner + callText(s))
			if s.Input != "" {
				p.WriteString(" ← " + starlark.String(s.Input).String())
			}
			if s.Failed {
				p.WriteString(" ✗ " + starlark.String(s.Result).String())
			}
		}
		for _, c := range v.o.Changes {
			p.WriteString("\n" + inner + c.Path + ": ")
			p.plain(c.Before, inner, depth)
			p.WriteString(" → ")
			p.plain(c.After, inner, depth)
		}
	case starlark.IterableMapping:
		items := v.Items()
		slices.SortFunc(items, func(a, b starlark.Tuple) int { return strings.Compare(a[0].String(), b[0].String()) })
		keys := make([]string, len(items))
		for i, item := range items {
			keys[i] = item[0].String() + ": "
		}
		many("{", "}", keys, func(i int) { p.write(items[i][1], inner, depth+1) })
	case *starlark.List, starlark.Tuple:
		open, end := "[", "]"
		if _, ok := v.(starlark.Tuple); ok {
			open, end = "(", ")"
		}
		list := slices.Collect(starlark.Elements(v.(starlark.Iterable)))
		many(open, end, make([]string, len(list)), func(i int) { p.write(list[i], inner, depth+1) })
	default:
		p.WriteString(v.String())
	}
}

// plain writes what a change is about.
func (p *prettyPrinter) plain(v any, indent string, depth int) {
	if v == nil {
		p.WriteString("nothing")
		return
	}
	value, err := builtins.ToStarlark(v)
	if err != nil {
		fmt.Fprint(p, v)
		return
	}
	p.write(value, indent, depth+1)
}
