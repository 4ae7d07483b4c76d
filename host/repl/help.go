package repl

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/manual"
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
	text, name := "", ""
	switch about := about.(type) {
	case starlark.NoneType:
		text = sh.overview()
	case *starlark.Function:
		text = manual.FunctionText(about)
	case *starlark.Builtin:
		name = about.Name()
	case starlark.String:
		name = string(about)
	default:
		name = about.Type()
		if name == "module" {
			name = strings.TrimSuffix(strings.TrimPrefix(about.String(), `<module "`), `">`)
		}
	}
	if text == "" {
		m, err := sh.manual()
		if err != nil {
			return nil, err
		}
		if text, err = m.Text(name); err != nil {
			return nil, fmt.Errorf("%s: %w; help() says what there is", in.Name(), err)
		}
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

// cutLast cuts a name at its last dot.
func cutLast(name string) (before, after string, found bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}
