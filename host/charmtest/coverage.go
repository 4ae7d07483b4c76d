package charmtest

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
)

// This file defines what tests covered of a charm: its statements, and what its
// metadata and its handlers promise.

// A Coverage is what ran of a charm in its tests.
type Coverage struct {
	// Charm is its name.
	Charm string         `json:"charm"`
	Files []FileCoverage `json:"files"`
	// Statements is how many there are, Ran how many of them ran.
	Statements int `json:"statements"`
	Ran        int `json:"ran"`
	// Model is what of the charm's model tests came upon, by kind.
	Model []ModelCoverage `json:"model"`
}

// A FileCoverage is what ran of one file.
type FileCoverage struct {
	File       string `json:"file"`
	Statements int    `json:"statements"`
	Ran        int    `json:"ran"`
	// Lines are the lines on which statements begin.
	Lines []LineCoverage `json:"lines"`
	// Missed are the lines of statements that did not run, "3-5".
	Missed []string `json:"missed,omitempty"`

	source []byte
}

// A LineCoverage is how often the statements that begin on a line ran. Missed
// says that not all of them did.
type LineCoverage struct {
	Line   int   `json:"line"`
	Count  int64 `json:"count"`
	Missed bool  `json:"missed,omitempty"`
}

// A ModelCoverage is what tests came upon of one kind of thing.
type ModelCoverage struct {
	// Kind is "handlers", "options", "relations", "actions" or "statuses".
	Kind    string   `json:"kind"`
	Total   int      `json:"total"`
	Reached int      `json:"reached"`
	Missed  []Missed `json:"missed,omitempty"`
}

// Missed is one that no test came upon.
type Missed struct {
	Name string `json:"name"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// A tally counts while tests run. A nil one does not.
type tally struct {
	statements host.Coverage

	mu                          sync.Mutex
	options, endpoints, actions map[string]bool
}

func newTally() *tally {
	return &tally{
		statements: host.Coverage{Exclude: isTestCode},
		options:    map[string]bool{}, endpoints: map[string]bool{}, actions: map[string]bool{},
	}
}

// ran notes what a hook of the charm came upon.
func (c *tally) ran(hook *simulate.Hook) {
	if c == nil || !c.statements.Counts(hook.Charm) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range hook.State.Juju.Config {
		c.options[name] = true
	}
	for _, r := range hook.State.Juju.Relations {
		c.endpoints[r.Endpoint] = true
	}
	if hook.Event.Action {
		c.actions[hook.Event.Name] = true
	}
}

// Coverage is what the tests that ran so far covered; nil if Options.Cover is
// not set.
func (s *Suite) Coverage() *Coverage {
	c := s.tally
	if c == nil {
		return nil
	}
	all := &Coverage{Charm: s.charm.Metadata.Name, Files: []FileCoverage{}}
	statuses := ModelCoverage{Kind: "statuses"}
	for _, f := range c.statements.Files() {
		file := fileCoverage(f)
		all.Files = append(all.Files, file)
		all.Statements += file.Statements
		all.Ran += file.Ran
		for _, at := range f.Statuses {
			statuses.add(at.Count > 0, Missed{text(f.Source, at), f.Name, int(at.Start.Line)})
		}
	}
	handlers := ModelCoverage{Kind: "handlers"}
	for _, h := range c.statements.Handlers() {
		name := h.Handler + " (" + h.Event + ")"
		if h.Event == "" {
			name = h.Handler + " (reconcile)"
		}
		handlers.add(h.Count > 0, Missed{name, h.File, h.Line})
	}
	meta := s.charm.Metadata
	c.mu.Lock()
	defer c.mu.Unlock()
	all.Model = []ModelCoverage{
		handlers,
		named("options", slices.Collect(maps.Keys(meta.Options)), c.options),
		named("relations", slices.Concat(slices.Collect(maps.Keys(meta.Requires)), slices.Collect(maps.Keys(meta.Provides)), slices.Collect(maps.Keys(meta.Peers))), c.endpoints),
		named("actions", slices.Collect(maps.Keys(meta.Actions)), c.actions),
		statuses,
	}
	return all
}

// named is what tests came upon of things with names.
func named(kind string, names []string, reached map[string]bool) ModelCoverage {
	m := ModelCoverage{Kind: kind}
	slices.Sort(names)
	for _, name := range names {
		m.add(reached[name], Missed{Name: name})
	}
	return m
}

func (m *ModelCoverage) add(reached bool, missed Missed) {
	m.Total++
	if reached {
		m.Reached++
	} else {
		m.Missed = append(m.Missed, missed)
	}
}

// text is the first line of what is between two places.
func text(source []byte, at host.Counted) string {
	line := lineOf(source, int(at.Start.Line))
	from := min(int(at.Start.Col)-1, len(line))
	to := len(line)
	if at.End.Line == at.Start.Line {
		to = max(from, min(int(at.End.Col)-1, len(line)))
	}
	return short(string(line[from:to]))
}

// lineOf is a line of a text, counted from 1, in characters.
func lineOf(source []byte, n int) []rune {
	for line := range strings.Lines(string(source)) {
		if n--; n == 0 {
			return []rune(strings.TrimRight(line, "\r\n"))
		}
	}
	return nil
}

func fileCoverage(f host.FileCoverage) FileCoverage {
	file := FileCoverage{File: f.Name, Statements: len(f.Statements), source: f.Source, Lines: []LineCoverage{}}
	slices.SortStableFunc(f.Statements, func(a, b host.Counted) int { return cmp.Compare(a.Start.Line, b.Start.Line) })
	first, last := 0, 0 // lines of statements that were missed one after the other
	flush := func() {
		switch {
		case first == 0:
		case first == last:
			file.Missed = append(file.Missed, fmt.Sprint(first))
		default:
			file.Missed = append(file.Missed, fmt.Sprintf("%d-%d", first, last))
		}
		first = 0
	}
	for _, s := range f.Statements {
		n := int(s.Start.Line)
		if len(file.Lines) == 0 || file.Lines[len(file.Lines)-1].Line != n {
			file.Lines = append(file.Lines, LineCoverage{Line: n})
		}
		line := &file.Lines[len(file.Lines)-1]
		line.Count = max(line.Count, s.Count)
		line.Missed = line.Missed || s.Count == 0
		if s.Count > 0 {
			file.Ran++
			if n != last {
				flush()
			}
			continue
		}
		if first == 0 {
			first = n
		}
		last = int(s.End.Line)
	}
	flush()
	return file
}

// percent is how much of a whole was reached; nothing of nothing is all.
func percent(part, whole int) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}

// maxMissed is how many of the missed are named for a person.
const maxMissed = 20

// Render writes the coverage for a person.
func (c *Coverage) Render(color bool) string {
	paint := host.Painter(color)
	width := len("all files")
	for _, f := range c.Files {
		width = max(width, len(host.Printable(f.File)))
	}
	var b strings.Builder
	line := func(name string, ran, total int, what string, missed []string) {
		more := ""
		if len(missed) > maxMissed {
			more = fmt.Sprintf(" and %d more", len(missed)-maxMissed)
			missed = missed[:maxMissed]
		}
		share := fmt.Sprintf("%5.1f%%", percent(ran, total))
		if ran == total {
			share = paint(host.Green, share)
		} else {
			share = paint(host.Amber, share)
		}
		fmt.Fprintf(&b, "%-*s %s  %d of %d%s", width, name, share, ran, total, what)
		if len(missed) > 0 {
			fmt.Fprintf(&b, "  missed: %s%s", strings.Join(missed, ", "), more)
		}
		b.WriteString("\n")
	}
	for _, f := range c.Files {
		line(host.Printable(f.File), f.Ran, f.Statements, " statements", f.Missed)
	}
	if len(c.Files) > 1 {
		line("all files", c.Ran, c.Statements, " statements", nil)
	}
	for _, m := range c.Model {
		if m.Total == 0 {
			continue
		}
		var missed []string
		for _, one := range m.Missed {
			name := host.Printable(one.Name)
			if one.File != "" {
				name += " " + host.Printable(fmt.Sprintf("%s:%d", one.File, one.Line))
			}
			missed = append(missed, name)
		}
		line(m.Kind, m.Reached, m.Total, "", missed)
	}
	return b.String()
}

// LCOV writes the statements that ran in lcov's format, one record a line on
// which a statement begins. dir is where the charm is.
func (c *Coverage) LCOV(dir string) string {
	var b strings.Builder
	for _, f := range c.Files {
		fmt.Fprintf(&b, "TN:\nSF:%s\n", oneLine(filepath.Join(dir, filepath.FromSlash(f.File))))
		hit := 0
		for _, l := range f.Lines {
			fmt.Fprintf(&b, "DA:%d,%d\n", l.Line, l.Count)
			if l.Count > 0 {
				hit++
			}
		}
		fmt.Fprintf(&b, "LF:%d\nLH:%d\nend_of_record\n", len(f.Lines), hit)
	}
	return b.String()
}

func oneLine(text string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(text) }

// HTML writes a page that shows the sources, and what of them ran.
func (c *Coverage) HTML() ([]byte, error) {
	type line struct {
		Number int
		Class  string
		Count  int64
		Text   string
	}
	type file struct {
		FileCoverage
		Percent string
		Rows    []line
	}
	page := struct {
		Percent string
		*Coverage
		Sources []file
	}{fmt.Sprintf("%.1f%%", percent(c.Ran, c.Statements)), c, nil}
	for _, f := range c.Files {
		shown := file{FileCoverage: f, Percent: fmt.Sprintf("%.1f%%", percent(f.Ran, f.Statements))}
		counted := map[int]LineCoverage{}
		for _, l := range f.Lines {
			counted[l.Line] = l
		}
		number := 0
		for text := range strings.Lines(string(f.source)) {
			number++
			row := line{Number: number, Text: strings.TrimRight(text, "\r\n")}
			if l, ok := counted[number]; ok {
				row.Count, row.Class = l.Count, "ran"
				switch {
				case l.Count == 0:
					row.Class = "missed"
				case l.Missed:
					row.Class = "part"
				}
			}
			shown.Rows = append(shown.Rows, row)
		}
		page.Sources = append(page.Sources, shown)
	}
	t, err := template.New("coverage").Parse(coveragePage)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if err := t.Execute(&b, page); err != nil {
		return nil, fmt.Errorf("cannot write the coverage: %w", err)
	}
	return []byte(b.String()), nil
}

const coveragePage = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Coverage of {{.Charm | html}}</title>
<style>
body { font-family: sans-serif; margin: 2em; color-scheme: light dark; }
table { border-spacing: 1em 0; }
td.number { text-align: right; }
ol, .source { font-family: monospace; }
.source td { padding: 0 .5em; white-space: pre; }
.source { border-collapse: collapse; }
.ran { background: #8d85; }
.missed { background: #e555; }
.part { background: #eb55; }
</style>
<h1>{{.Charm | html}}: {{.Percent}}</h1>
<table>
{{range $i, $f := .Sources}}<tr><td><a href="#f{{$i}}">{{$f.File | html}}</a><td class="number">{{$f.Percent}}<td>{{$f.Ran}} of {{$f.Statements}} statements
{{end}}{{range .Model}}{{if .Total}}<tr><td>{{.Kind}}<td><td>{{.Reached}} of {{.Total}}{{if .Missed}}; missed:<ul>{{range .Missed}}<li>{{.Name | html}}{{if .File}} {{.File | html}}:{{.Line}}{{end}}{{end}}</ul>{{end}}
{{end}}{{end}}</table>
{{range $i, $f := .Sources}}<h2 id="f{{$i}}">{{$f.File | html}}</h2>
<table class="source">
{{range $f.Rows}}<tr class="{{.Class}}"><td class="number">{{.Number}}<td class="number">{{if .Class}}{{.Count}}{{end}}<td>{{.Text | html}}
{{end}}</table>
{{end}}`
