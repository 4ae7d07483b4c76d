package repl

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
)

// This file prints values: plain data as one would write it, lists of things
// with attributes as tables, other things as trees.

const (
	// maxLine is how long a value may be to be shown on one line, in characters.
	maxLine = 100
	// maxText is how much of a text is shown, in characters.
	maxText = 4000
	// maxRows is how many lines of a tree or table are shown.
	maxRows = 100
	// maxCell is how much of a value is shown in a table, in characters.
	maxCell = 40
	// maxDepth is how deep a tree is.
	maxDepth = 3
)

// show prints a value.
func (sh *Shell) show(v starlark.Value) { show(sh.Out, sh.Color, sh.Place.mask, v) }

func show(out io.Writer, color bool, mask func(string) string, v starlark.Value) {
	p := &printer{paint: host.Painter(color), mask: mask}
	p.value(v)
	text := strings.Join(p.lines, "\n")
	if p.left > 0 {
		text += fmt.Sprintf("\n… %d lines more", p.left)
	}
	fmt.Fprintln(out, text)
}

// A printer lays a value out in lines.
type printer struct {
	paint func(host.Color, string) string
	mask  func(string) string
	lines []string
	// left is how many lines there are no more of.
	left int
}

func (p *printer) line(format string, args ...any) {
	if len(p.lines) == maxRows {
		p.left++
		return
	}
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// text is a text that is shown on one line, not longer than limit.
func (p *printer) text(text string, limit int) string {
	text = strings.NewReplacer("\n", "⏎", "\t", " ").Replace(host.Printable(p.mask(text)))
	if n := utf8.RuneCountInString(text); n > limit {
		text = string([]rune(text)[:limit]) + fmt.Sprintf("… (%d characters more)", n-limit)
	}
	return text
}

// bounded is a value as one would write it. Of one that is large only a part is
// asked for its text.
func bounded(v starlark.Value) string {
	if s, ok := v.(starlark.String); ok {
		if len(s) > 4*maxText {
			s = starlark.String(strings.ToValidUTF8(string(s[:4*maxText]), ""))
		}
		return s.String()
	}
	if budget := maxText; !fits(v, &budget) {
		if n := starlark.Len(v); n >= 0 {
			return fmt.Sprintf("<%s of %d>", v.Type(), n)
		}
	}
	return v.String()
}

// fits says whether the elements of a value, and theirs, are no more than the
// budget, of which it takes them: the text of one that holds one thing many
// times over would fill the memory.
func fits(v starlark.Value, budget *int) bool {
	*budget--
	switch v := v.(type) {
	case starlark.String:
		*budget -= len(v)
	case *starlark.Dict:
		for key, value := range v.Entries() {
			if !fits(key, budget) || !fits(value, budget) {
				return false
			}
		}
	case *starlark.List, starlark.Tuple, *starlark.Set:
		for elem := range starlark.Elements(v.(starlark.Iterable)) {
			if !fits(elem, budget) {
				return false
			}
		}
	}
	return *budget >= 0
}

func (p *printer) value(v starlark.Value) {
	switch v := v.(type) {
	case starlark.String:
		if strings.Contains(string(v), "\n") {
			p.paragraphs(string(v))
			return
		}
	case starlark.Mapping:
		if rows := branches(v); things(rows) {
			p.table(rows)
			return
		}
		if deep(v) {
			p.tree(v, "", 0)
			return
		}
	case *starlark.List, starlark.Tuple:
		if rows := branches(v); things(rows) {
			p.table(rows)
			return
		}
		if !short(v) {
			p.tree(v, "", 0)
			return
		}
	case starlark.Callable, *builtins.Status, *builtins.Kind:
	case starlark.HasAttrs:
		if starlark.Len(v) < 0 {
			p.line("%s", p.paint(host.Bold, p.text(v.String(), maxLine)))
			p.tree(v, "", 0)
			return
		}
	}
	p.line("%s", p.text(bounded(v), maxText))
}

// short says whether a value fits on a line.
func short(v starlark.Value) bool {
	budget := maxLine
	return fits(v, &budget) && utf8.RuneCountInString(v.String()) <= maxLine
}

// paragraphs shows a text of several lines as it is.
func (p *printer) paragraphs(text string) {
	for line := range strings.Lines(text) {
		p.line("%s", p.text(strings.TrimRight(line, "\r\n"), 4*maxLine))
	}
}

// A branch is a part of a value.
type branch struct {
	name  string
	value starlark.Value
	err   error
}

// branches are the parts of a value: attributes that are no methods, entries,
// elements.
func branches(v starlark.Value) []branch {
	var all []branch
	switch v := v.(type) {
	case starlark.String:
	case starlark.Mapping:
		keys, ok := v.(starlark.Iterable)
		if !ok {
			return nil
		}
		for key := range starlark.Elements(keys) {
			name, ok := starlark.AsString(key)
			if !ok {
				name = key.String()
			}
			value, found, err := v.Get(key)
			if found || err != nil {
				all = append(all, branch{name, value, err})
			}
		}
	case *starlark.List, starlark.Tuple:
		elems := v.(starlark.Indexable)
		for i := range elems.Len() {
			all = append(all, branch{name: fmt.Sprintf("[%d]", i), value: elems.Index(i)})
		}
	case *builtins.Status, *builtins.Kind, starlark.Callable:
	case starlark.HasAttrs:
		for _, name := range v.AttrNames() {
			value, err := v.Attr(name)
			switch value.(type) {
			case *starlark.Builtin, *starlark.Function, *builtins.Kind:
				continue
			}
			if value != nil || err != nil {
				all = append(all, branch{name, value, err})
			}
		}
	}
	return all
}

// tree shows the parts of a value, and theirs.
func (p *printer) tree(v starlark.Value, indent string, depth int) {
	parts := branches(v)
	for i, b := range parts {
		stem, next := "├─ ", "│  "
		if i == len(parts)-1 {
			stem, next = "└─ ", "   "
		}
		stem, next = p.paint(host.Dim, indent+stem), indent+next
		name := p.text(b.name, maxCell)
		if b.err != nil {
			p.line("%s%s %s", stem, name, p.paint(host.Red, "✗ "+p.text(b.err.Error(), maxLine)))
			continue
		}
		inner := depth+1 < maxDepth && len(p.lines) < maxRows && deep(b.value)
		if !inner {
			p.line("%s%s %s", stem, name, p.text(bounded(b.value), maxLine))
			continue
		}
		switch b.value.(type) {
		case starlark.Mapping, *starlark.List, starlark.Tuple:
			p.line("%s%s", stem, name)
		default:
			p.line("%s%s %s", stem, name, p.paint(host.Dim, p.text(b.value.String(), maxLine)))
		}
		p.tree(b.value, next, depth+1)
	}
}

// deep says whether a part of a value is shown part by part: a mapping of the
// model, and what holds entries or elements that do not fit on a line. Other
// things are told by their name.
func deep(v starlark.Value) bool {
	switch v := v.(type) {
	case *starlark.Dict, *starlark.List, starlark.Tuple:
		return starlark.Len(v) > 0 && !short(v)
	case starlark.Mapping:
		return starlark.Len(v) > 0
	}
	return false
}

// things says whether all are of one type that has attributes, and none is
// plain data.
func things(all []branch) bool {
	for _, b := range all {
		thing, ok := b.value.(starlark.HasAttrs)
		if !ok || starlark.Len(thing) >= 0 || thing.Type() != all[0].value.Type() {
			return false
		}
		switch thing.(type) {
		case starlark.Callable, *builtins.Status:
			return false
		}
	}
	return len(all) > 0
}

// table shows things in rows, with their attributes in columns.
func (p *printer) table(things []branch) {
	var columns []string
	p.left = max(0, len(things)-maxRows)
	things = things[:min(len(things), maxRows)]
	rows := make([]map[string]string, len(things))
	for i, thing := range things {
		rows[i] = map[string]string{}
		for _, b := range branches(thing.value) {
			cell := ""
			switch text, isText := b.value.(starlark.String); {
			case b.err != nil:
				cell = "✗ " + b.err.Error()
			case isText:
				cell = string(text)
			default:
				cell = bounded(b.value)
			}
			if !slices.Contains(columns, b.name) {
				columns = append(columns, b.name)
			}
			cell = host.Printable(p.mask(cell))
			cell = strings.NewReplacer("\n", "⏎", "\t", " ").Replace(cell)
			if utf8.RuneCountInString(cell) > maxCell {
				cell = string([]rune(cell)[:maxCell-1]) + "…"
			}
			rows[i][b.name] = cell
		}
	}
	// Rows go by their names, unless these are in a column already.
	named := false
	for _, column := range columns {
		same := true
		for i, thing := range things {
			same = same && rows[i][column] == thing.name
		}
		named = named || same
	}
	if !named {
		columns = slices.Insert(columns, 0, "")
		for i, thing := range things {
			rows[i][""] = p.text(thing.name, maxCell)
		}
	}
	widths := map[string]int{}
	for _, name := range columns {
		widths[name] = utf8.RuneCountInString(name)
		for _, row := range rows {
			widths[name] = max(widths[name], utf8.RuneCountInString(row[name]))
		}
	}
	write := func(cell func(name string) string) string {
		var b strings.Builder
		for _, name := range columns {
			text := cell(name)
			b.WriteString(text + strings.Repeat(" ", widths[name]-utf8.RuneCountInString(text)+2))
		}
		return strings.TrimRight(b.String(), " ")
	}
	p.line("%s", p.paint(host.Bold, write(func(name string) string { return name })))
	for _, row := range rows {
		p.line("%s", write(func(name string) string { return row[name] }))
	}
}
