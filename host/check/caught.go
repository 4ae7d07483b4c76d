package check

import (
	"slices"

	"go.starlark.net/syntax"
)

// This file checks what catch() is given.

// failing says whether a builtin may end in a failure that catch() is for:
// what asks Pebble, Juju or the machine for something that may not be there.
func failing(m *method) bool {
	switch name := m.String(); m.member.owner.name {
	case "container":
		return name != "container.can_connect"
	case "exec_process", "fs", "http", "net", "process", "response", "secret":
		return true
	default:
		return slices.Contains([]string{"model.get_secret", "model.get_cloud_spec", "model.load_config", "json.decode", "relation.load_data", "event.load_params"}, name)
	}
}

// uncaught says of catch(f(x).g) that f fails before catch is called.
func (w *walk) uncaught(fn syntax.Expr) {
	for {
		switch e := fn.(type) {
		case *syntax.ParenExpr:
			fn = e.X
		case *syntax.DotExpr:
			fn = e.X
		case *syntax.IndexExpr:
			fn = e.X
		case *syntax.CallExpr:
			inner, args := w.c.callee(w.file, e)
			if _, _, ok := w.c.caught(w.file, inner, args); ok {
				return // the one inside catches
			}
			if m, ok := inner.(*method); ok && failing(m) {
				w.c.at(w.file, callPos(e.Fn), "uncaught-call", "give catch all of it, catch(lambda: …), or catch this call first, on its own",
					"%s is called before catch() is, which does not catch its failure", m)
				return
			}
			fn = e.Fn
		default:
			return
		}
	}
}
