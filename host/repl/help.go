package repl

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
)

// shellTable lists the functions of every shell.
var shellTable = builtins.NewTable("repl", "Functions of starcharm repl.",
	builtins.Member[*Shell]{Name: "help", Sig: "(about: any = None)", Doc: "Says what a value, a function, a module or a type is for: help(model.unit), help(model.unit.open_port), help(\"container.push\"). Without an argument: what there is here.",
		Call: (*Shell).help},
)

func (sh *Shell) help(in builtins.Invocation) (starlark.Value, error) {
	var about starlark.Value = starlark.None
	if err := in.Unpack("about?", &about); err != nil {
		return nil, err
	}
	var text string
	switch about := about.(type) {
	case starlark.NoneType:
		text = sh.overview()
	case *starlark.Function:
		text = functionHelp(about)
	case *starlark.Builtin:
		text = sh.helpOn(about.Name())
	case starlark.String:
		text = sh.helpOn(string(about))
	default:
		name := about.Type()
		if name == "module" {
			name = strings.TrimSuffix(strings.TrimPrefix(about.String(), `<module "`), `">`)
		}
		text = sh.helpOn(name)
	}
	if text == "" {
		return nil, fmt.Errorf("%s: nothing is written about %s; help() says what there is", in.Name(), about)
	}
	fmt.Fprint(sh.Out, host.Printable(text))
	return starlark.None, nil
}

// overview says what there is.
func (sh *Shell) overview() string {
	var b strings.Builder
	module, _, doc := sh.Place.functions()
	fmt.Fprintf(&b, "The charm's files are loaded: all names that its entry script can use or defines are there.\n\n%s\n", doc.Doc)
	for _, m := range doc.Members {
		first, _, _ := strings.Cut(m.Doc, ". ")
		fmt.Fprintf(&b, "  %-16s %s\n", m.Name, strings.TrimSuffix(first, "."))
	}
	fmt.Fprintf(&b, "\nhelp(%s.%s) says more, so does help() of any value: help(model), help(model.unit). Tab completes.\n", module, doc.Members[0].Name)
	return b.String()
}

func functionHelp(f *starlark.Function) string {
	params := make([]string, f.NumParams())
	for i := range params {
		params[i], _ = f.Param(i)
		if v := f.ParamDefault(i); v != nil {
			params[i] += " = " + v.String()
		}
	}
	if f.HasKwargs() {
		params[len(params)-1] = "**" + params[len(params)-1]
	}
	if f.HasVarargs() {
		i := len(params) - 1
		if f.HasKwargs() {
			i--
		}
		params[i] = "*" + params[i]
	}
	text := fmt.Sprintf("%s(%s)\n", f.Name(), strings.Join(params, ", "))
	if doc := f.Doc(); doc != "" {
		text += indented(doc) + "\n"
	}
	return text + fmt.Sprintf("  (%s)\n", f.Position())
}

// helpOn is what the tables say of "container.push", "container" or "push".
func (sh *Shell) helpOn(name string) string {
	var b strings.Builder
	owner, member, _ := cutLast(name)
	for _, t := range sh.docs {
		if t.Name == name && name != "" {
			kind := "a value"
			if t.Module {
				kind = "a module"
			}
			fmt.Fprintf(&b, "%s, %s\n%s\n", name, kind, indented(t.Doc))
			for _, m := range t.Members {
				fmt.Fprintf(&b, "  .%s%s\n", m.Name, signature(m))
			}
		}
		for _, m := range t.Members {
			if m.Name == member && t.Name == owner {
				fmt.Fprintf(&b, "%s%s\n%s\n", name, signature(m), indented(m.Doc))
				if len(m.Only) > 0 {
					fmt.Fprintf(&b, "  (of %s)\n", strings.Join(m.Only, ", "))
				}
			}
		}
	}
	if b.Len() == 0 && owner == "" {
		// A function by its bare name, whatever it belongs to.
		for _, t := range sh.docs {
			if i := slices.IndexFunc(t.Members, func(m builtins.MemberDoc) bool { return m.Name == name }); i >= 0 {
				m := t.Members[i]
				fmt.Fprintf(&b, "%s.%s%s\n%s\n", t.Name, m.Name, signature(m), indented(m.Doc))
			}
		}
	}
	return b.String()
}

// cutLast cuts a name at its last dot.
func cutLast(name string) (before, after string, found bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

func signature(m builtins.MemberDoc) string {
	if m.Method {
		return m.Signature
	}
	return ": " + m.Signature
}

// indented folds a text to lines that are read with ease.
func indented(text string) string {
	const width = 100
	var lines []string
	for paragraph := range strings.Lines(text) {
		line := " "
		for word := range strings.FieldsSeq(paragraph) {
			if len(line)+len(word) > width {
				lines = append(lines, line)
				line = " "
			}
			line += " " + word
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
