package host

import (
	"errors"
	"maps"
	"slices"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
)

// This file finds the schemas with which a charm loads its options, so that a
// field that no option fills is told of when the charm loads, and not in the
// hook that comes to use it.

// A configLoad is a call of model.load_config with a schema that is a global.
type configLoad struct {
	pos syntax.Position
	// module and name are where the schema is defined.
	module, name string
}

// configLoads are those of a resolved file: model.load_config(S) and
// catch(model.load_config, S). loads are the modules behind its load labels.
func configLoads(name string, file *syntax.File, loads map[string]string) []configLoad {
	var found []configLoad
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok {
			return true
		}
		fn, args := call.Fn, call.Args
		if isPredeclaredName(fn, "catch") && len(args) > 0 {
			fn, args = args[0], args[1:]
		}
		dot, ok := fn.(*syntax.DotExpr)
		if !ok || dot.Name.Name != "load_config" || !isPredeclaredName(dot.X, "model") || len(args) == 0 {
			return true
		}
		schema, ok := args[0].(*syntax.Ident)
		if !ok {
			return true
		}
		if at, as, ok := defined(schema, name, file, loads); ok {
			found = append(found, configLoad{dot.Name.NamePos, at, as})
		}
		return true
	})
	return found
}

func isPredeclaredName(e syntax.Expr, name string) bool {
	id, ok := e.(*syntax.Ident)
	if !ok || id.Name != name {
		return false
	}
	binding, ok := id.Binding.(*resolve.Binding)
	return ok && binding.Scope == resolve.Predeclared
}

// defined says which module's global a name in a file is, if it is one.
func defined(id *syntax.Ident, module string, file *syntax.File, loads map[string]string) (at, as string, ok bool) {
	binding, ok := id.Binding.(*resolve.Binding)
	if !ok {
		return "", "", false
	}
	if binding.Scope == resolve.Global {
		return module, id.Name, true
	}
	for _, stmt := range file.Stmts {
		load, ok := stmt.(*syntax.LoadStmt)
		if !ok {
			continue
		}
		for i, to := range load.To {
			if to == binding.First {
				return loads[load.ModuleName()], load.From[i].Name, true
			}
		}
	}
	return "", "", false
}

// checkConfigLoads says which fields of the charm's schemas no option fills.
func (p *program) checkConfigLoads() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(p.loaded)) {
		for _, load := range p.charm.modules[name].configLoads {
			if err := builtins.CheckOptions(p.loaded[load.module][load.name], p.charm.Metadata); err != nil {
				errs = append(errs, &LoadError{Pos: load.pos, Message: "model.load_config: " + err.Error()})
			}
		}
	}
	return errors.Join(errs...)
}
