package manual

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
)

// width is how long lines are at most.
const width = 80

// most is how many members of one name are told in full.
const most = 3

// overview says what there is.
func (m *Manual) overview() string {
	var b strings.Builder
	b.WriteString(indented("Ask for a module, a type, a member, an event, a library or a function of one: container, container.push, config_changed, @std//apt.star, ensure_packages.", ""))
	var group Group
	var parts []string
	for _, p := range m.Pages {
		first := &p.Topics[0]
		name, summary := first.Name, ReadDocstring(first.Doc).Summary()
		if p.Group == Parts {
			parts = append(parts, first.stem())
			continue
		}
		if p.Group != group {
			group = p.Group
			fmt.Fprintf(&b, "\n%s\n\n", groupTitle(group))
		}
		switch first.Kind {
		case Library:
			name = first.stem()
		case Functions, Events:
			var names []string
			for _, member := range first.Members {
				names = append(names, member.Name)
			}
			name, _, _ = strings.Cut(name, " ")
			summary = strings.Join(names, ", ")
		}
		b.WriteString(entry("  ", name, 24, summary))
		if types := typeNames(p.Topics[1:]); types != "" && p.Group != Libraries {
			b.WriteString(entry("  ", "", 24, "Types: "+types))
		}
	}
	fmt.Fprintf(&b, "\n%s\n\n%s", groupTitle(Parts), indented(strings.Join(parts, ", "), "  "))
	return b.String()
}

// groupTitle is a group's name with how its libraries are loaded.
func groupTitle(g Group) string {
	switch g {
	case Libraries:
		return string(g) + ": @std//NAME.star"
	case Interfaces, Parts:
		return string(g) + ": @std//interfaces/NAME.star"
	}
	return string(g)
}

func typeNames(topics []Topic) string {
	var names []string
	for _, t := range topics {
		if t.Kind == Type {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, ", ")
}

// entry is a name and what is said of it, beside each other where there is room.
func entry(indent, name string, column int, text string) string {
	lines := fold(text, width-len(indent)-column-1)
	var b strings.Builder
	if utf8.RuneCountInString(name) > column {
		fmt.Fprintf(&b, "%s%s\n", indent, name)
		name = ""
		if len(lines) == 0 {
			return b.String()
		}
	}
	if len(lines) == 0 {
		lines = []string{""}
	}
	for _, line := range lines {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%s%-*s %s", indent, column, name, line), " ") + "\n")
		name = ""
	}
	return b.String()
}

func renderHits(hits []hit) string {
	var b strings.Builder
	if len(hits) > most && hits[0].member != nil {
		// A name that many have: which, and for what.
		for _, h := range hits {
			b.WriteString(entry("", h.name, 32, ReadDocstring(h.member.Doc).Summary()))
		}
		return b.String()
	}
	for i, h := range hits {
		if i > 0 {
			b.WriteString("\n")
		}
		switch {
		case h.member != nil:
			b.WriteString(renderMember(h))
		case h.page != nil:
			b.WriteString(renderPage(h.page))
		default:
			b.WriteString(renderTopic(h.topic))
		}
	}
	return b.String()
}

// renderPage is all of a library.
func renderPage(p *Page) string {
	var b strings.Builder
	for i := range p.Topics {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(renderTopic(&p.Topics[i]))
	}
	return b.String()
}

// renderTopic is a topic with one line for each of its members.
func renderTopic(t *Topic) string {
	var b strings.Builder
	switch {
	case t.Kind == Library:
		fmt.Fprintf(&b, "%s\n", t.Name)
	case t.From != "":
		fmt.Fprintf(&b, "%s, a module: load(%q, %q)\n", t.Name, t.From, t.Name)
	default:
		fmt.Fprintf(&b, "%s, a %s\n", t.Name, t.Kind)
	}
	b.WriteString(docText(t.Doc))
	if len(t.Members) > 0 {
		b.WriteString("\n")
	}
	for _, m := range t.Members {
		name := t.qualified(m)
		if t.Kind == Type {
			name = "." + m.Name
		}
		b.WriteString(call("  ", name+signature(m)))
	}
	return b.String()
}

// renderMember is all that there is to say of a member.
func renderMember(h hit) string {
	m := *h.member
	var b strings.Builder
	b.WriteString(call("", h.name+signature(m)))
	if h.topic.Kind == Library || h.topic.From != "" {
		name, from := h.topic.Name, h.topic.From
		if h.topic.Kind == Library {
			name, from = m.Name, h.topic.Name
		}
		fmt.Fprintf(&b, "  load(%q, %q)\n\n", from, name)
	}
	b.WriteString(docText(m.Doc))
	if m.Writable {
		b.WriteString("  Can be assigned.\n")
	}
	if len(h.details) > 0 {
		b.WriteString("\n  Attributes:\n")
		for _, item := range h.details {
			b.WriteString(entry("    ", item.Name, 16, item.Text))
		}
	}
	if len(m.Only) > 0 {
		b.WriteString(indented("Only of "+strings.Join(m.Only, ", ")+".", "  "))
	}
	return b.String()
}

func signature(m builtins.MemberDoc) string {
	if m.Method || m.Signature == "" {
		return m.Signature
	}
	return ": " + m.Signature
}

// together are what signatures are not cut at.
var together = strings.NewReplacer(" = ", "\x00=\x00", ": ", ":\x00", " | ", "\x00|\x00", " -> ", "\x00->\x00")

// call is a name with its signature, folded between arguments where it can be.
func call(indent, text string) string {
	var b strings.Builder
	for i, line := range fold(together.Replace(text), width-len(indent)-4) {
		if i > 0 {
			b.WriteString("    ")
		}
		b.WriteString(indent + strings.ReplaceAll(line, "\x00", " ") + "\n")
	}
	return b.String()
}

// docText is a docstring as the manual shows it in a terminal.
func docText(doc string) string {
	d := ReadDocstring(doc)
	var b strings.Builder
	for i, block := range d.Blocks {
		if i > 0 && !(block.Item && d.Blocks[i-1].Item) {
			b.WriteString("\n")
		}
		switch {
		case block.Example:
			for line := range strings.SplitSeq(block.Text, "\n") {
				b.WriteString(strings.TrimRight("      "+line, " ") + "\n")
			}
		case block.Item:
			b.WriteString(entry("  ", "*", 1, block.Text))
		default:
			b.WriteString(indented(block.Text, "  "))
		}
	}
	for _, s := range d.Sections {
		fmt.Fprintf(&b, "\n  %s:\n", s.Title)
		b.WriteString(indented(s.Text, "    "))
		for _, item := range s.Items {
			b.WriteString(entry("    ", item.Name, 16, item.Text))
		}
	}
	return b.String()
}

// indented folds a text to indented lines.
func indented(text, indent string) string {
	var b strings.Builder
	for _, line := range fold(text, width-len(indent)) {
		b.WriteString(indent + line + "\n")
	}
	return b.String()
}

// fold cuts a text into lines between words.
func fold(text string, width int) []string {
	var lines []string
	length := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if len(lines) > 0 && length+1+n <= width {
			lines[len(lines)-1] += " " + word
			length += 1 + n
			continue
		}
		lines = append(lines, word)
		length = n
	}
	return lines
}

// FunctionText is what there is to say of a function that a charm or a library
// defines.
func FunctionText(f *starlark.Function) string {
	params := make([]string, f.NumParams())
	for i := range params {
		params[i], _ = f.Param(i)
		if v := f.ParamDefault(i); v != nil {
			params[i] += " = " + v.String()
		}
	}
	last := len(params) - 1
	if f.HasKwargs() {
		params[last] = "**" + params[last]
		last--
	}
	switch named := last + 1 - f.NumKwonlyParams(); {
	case f.HasVarargs():
		named--
		varargs := "*" + params[last]
		params = slices.Insert(slices.Delete(params, last, last+1), named, varargs)
	case f.NumKwonlyParams() > 0:
		params = slices.Insert(params, named, "*")
	}
	text := call("", f.Name()+"("+strings.Join(params, ", ")+")")
	if doc := f.Doc(); doc != "" {
		text += docText(doc)
	}
	return text + fmt.Sprintf("  (%s)\n", f.Position())
}
