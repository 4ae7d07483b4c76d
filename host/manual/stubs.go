package manual

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// StubHeader is the first line of each file of stubs.
const StubHeader = "# Made by starcharm stubs, for editors: what the files of charms can use. It is not run."

// Stubs are the manual in the form that language servers read: a folder of
// Python's type stubs, as --builtin-paths of starlark-lsp wants it. A module is
// a file; functions that belong to none, those that libraries hand out, and the
// types, as classes, are in __init__.py. The events are those of a charm.
func (m *Manual) Stubs(meta *model.Metadata) map[string]string {
	global := &stub{}
	files := map[string]*stub{"__init__.py": global}
	var types []*Topic
	for i := range m.Pages {
		p := &m.Pages[i]
		if p.Group == Parts || p.Group == Shell {
			continue
		}
		for j := range p.Topics {
			switch t := &p.Topics[j]; t.Kind {
			case Functions:
				global.members(t.Members, "")
			case Library:
				if len(t.Members) > 0 {
					fmt.Fprintf(&global.text, "\n# load(%q, …)\n", t.Name)
				}
				global.members(t.Members, "")
			case Module:
				file := files[t.Name+".py"]
				if file == nil {
					file = &stub{}
					files[t.Name+".py"] = file
				}
				file.text.WriteString("\n" + quoted(cmp.Or(t.Doc, p.Topics[0].Doc), "") + "\n")
				file.members(t.Members, "")
			case Type:
				types = append(types, t)
			}
		}
	}
	for _, t := range types {
		fmt.Fprintf(&global.text, "\nclass %s:\n%s\n", className(t.Name), quoted(t.Doc, "    "))
		members := &stub{}
		if t.Name == "events" {
			for _, e := range meta.Events() {
				if !identifier.MatchString(e.Name) {
					continue // of metadata with mistakes
				}
				members.member(builtins.MemberDoc{Name: e.Name, Signature: "event_source", Doc: e.Kind.Doc()}, "    ")
			}
		}
		members.members(t.Members, "    ")
		global.text.WriteString(members.text.String())
	}
	texts := map[string]string{}
	for name, file := range files {
		texts[name] = StubHeader + "\n" + file.text.String()
	}
	return texts
}

// A stub is a file in the making, or a part of one. Of two members of one name
// it has the first.
type stub struct {
	text  strings.Builder
	names []string
}

func (s *stub) members(members []builtins.MemberDoc, indent string) {
	for _, m := range members {
		s.member(m, indent)
	}
}

func (s *stub) member(m builtins.MemberDoc, indent string) {
	if slices.Contains(s.names, m.Name) || slices.Contains(pythonKeywords[:], m.Name) {
		return
	}
	s.names = append(s.names, m.Name)
	doc := m.Doc
	if m.Writable {
		doc += "\n\nCan be assigned."
	}
	if len(m.Only) > 0 {
		doc += "\n\nOnly of " + strings.Join(m.Only, ", ") + "."
	}
	if !m.Method {
		typ := "any"
		if declared, _, _ := strings.Cut(m.Signature, " = "); declared != "" {
			typ = stubType(declared)
		}
		fmt.Fprintf(&s.text, "\n%s%s: %s\n", indent, m.Name, typ)
		if doc != "" {
			s.text.WriteString(quoted(doc, indent) + "\n")
		}
		return
	}
	params, result := cutSignature(m.Signature)
	var kept []string
	if indent != "" {
		kept = append(kept, "self")
	}
	for _, param := range params {
		kept = append(kept, stubParam(param))
	}
	returns := ""
	if result != "" {
		returns = " -> " + stubType(result)
	}
	fmt.Fprintf(&s.text, "\n%sdef %s(%s)%s:\n%s\n%s    pass\n", indent, m.Name, strings.Join(kept, ", "), returns, quoted(doc, indent+"    "), indent)
}

// pythonKeywords are names that Starlark allows and Python does not.
var pythonKeywords = [...]string{"async", "await", "except", "finally", "try", "raise", "with", "yield", "class", "assert", "del", "from", "global", "import", "is", "nonlocal"}

// identifier is what a name may be that comes from metadata.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// className is a type's name without a dot: "time_duration".
func className(name string) string { return strings.ReplaceAll(name, ".", "_") }

// plainType is a type that means the same in Python.
var plainType = regexp.MustCompile(`^[\w.]+(\[[\w., |]+(\[[\w., |]+\])?\])?( \| [\w.]+(\[[\w., |]+(\[[\w., |]+\])?\])?)*$`)

// stubType is a type for Python: as it is written, or, if that is more than
// a type, in quotes.
func stubType(typ string) string {
	switch {
	case typ == "None":
		return typ
	case plainType.MatchString(typ):
		return className(typ)
	case strings.HasPrefix(typ, "("):
		return "tuple"
	}
	return fmt.Sprintf("%q", typ)
}

// cutSignature takes "(a: str, *, b = 1) -> str" apart.
func cutSignature(signature string) (params []string, result string) {
	depth, inString, start := 0, false, 1
	for i := 0; i < len(signature); i++ {
		c := signature[i]
		switch {
		case c == '\\' && inString:
			i++
		case c == '"':
			inString = !inString
		case inString:
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case c == ',' && depth == 1:
			params = append(params, strings.TrimSpace(signature[start:i]))
			start = i + 1
		case strings.IndexByte(")]}", c) >= 0:
			depth--
			if depth > 0 {
				continue
			}
			if last := strings.TrimSpace(signature[start:i]); last != "" {
				params = append(params, last)
			}
			return params, strings.TrimPrefix(signature[i+1:], " -> ")
		}
	}
	return params, ""
}

// stubParam is a parameter for Python: "name: type = default".
func stubParam(param string) string {
	rest, value, hasDefault := strings.Cut(param, " = ")
	name, typ, typed := strings.Cut(rest, ": ")
	text := name
	if typed {
		text += ": " + stubType(typ)
	}
	if hasDefault {
		if !isLiteral(value) {
			value = "..."
		}
		text += " = " + value
	}
	return text
}

// isLiteral says whether an expression is the same in Python, and names nothing.
func isLiteral(text string) bool {
	options := syntax.FileOptions{}
	expr, err := options.ParseExpr("default", text, 0)
	if err != nil {
		return false
	}
	literal := true
	syntax.Walk(expr, func(n syntax.Node) bool {
		switch n := n.(type) {
		case nil, *syntax.Literal, *syntax.ListExpr, *syntax.DictExpr, *syntax.DictEntry, *syntax.TupleExpr, *syntax.ParenExpr:
		case *syntax.Ident:
			literal = literal && slices.Contains([]string{"None", "True", "False"}, n.Name)
		default:
			literal = false
		}
		return literal
	})
	return literal
}

// quoted is a docstring in quotes, in lines of which none is very long.
func quoted(doc, indent string) string {
	d := ReadDocstring(doc)
	var lines []string
	for i, b := range d.Blocks {
		if i > 0 && !(b.Item && d.Blocks[i-1].Item) {
			lines = append(lines, "")
		}
		switch {
		case b.Example:
			for line := range strings.SplitSeq(b.Text, "\n") {
				lines = append(lines, "    "+line)
			}
		case b.Item:
			lines = append(lines, "* "+b.Text)
		default:
			lines = append(lines, fold(b.Text, 100)...)
		}
	}
	for _, s := range d.Sections {
		lines = append(lines, "", s.Title+":")
		indent := "  "
		for _, line := range fold(s.Text, 96) {
			lines = append(lines, "  "+line)
			indent = "    "
		}
		for _, item := range s.Items {
			lines = append(lines, indent+item.Name+": "+item.Text)
		}
	}
	text := strings.ReplaceAll(strings.ReplaceAll(strings.Join(lines, "\n"), `\`, `\\`), `"""`, `\"\"\"`)
	if strings.HasSuffix(text, `"`) {
		text += " "
	}
	var b strings.Builder
	for i, line := range strings.Split(`"""`+text+`"""`, "\n") {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(strings.TrimRight(indent+line, " "))
	}
	return b.String()
}
