package check

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
)

// This file takes from the globals of a charm that was loaded what the text does
// not tell: what a library's function returned.

// A globalName is a global of a file.
type globalName struct {
	file *file
	name string
}

// real is what a global came to; nil if that is not known.
func (c *checker) real(key *syntax.Ident) value {
	at, ok := c.globals[key]
	if !ok || c.loaded.registered == nil {
		return nil
	}
	return c.realValue(c.loaded.registered.globals[at.file.name][at.name], maxRealDepth)
}

// maxRealDepth is how deep structs are looked into.
const maxRealDepth = 3

func (c *checker) realValue(v starlark.Value, depth int) value {
	switch v := v.(type) {
	case nil:
		return nil
	case starlark.String:
		return c.typed("str") // its text may be the simulation's
	case *starlark.Function:
		at := v.Position()
		if d, ok := c.nodes[handlerID(at.Filename(), v.Name(), int(at.Line))]; ok {
			return c.functionOf(d.file, d.function)
		}
		return nil
	case *starlarkstruct.Struct:
		s := &fieldsValue{typ: "struct", names: v.AttrNames(), fields: map[string]value{}}
		for _, name := range s.names {
			if inner, err := v.Attr(name); err == nil && depth > 0 {
				s.fields[name] = c.realValue(inner, depth-1)
			}
		}
		return s
	case *builtins.EventSource:
		return &sourceValue{def: v.EventDef, any: isAny(v), defined: v.Scope != "", fields: v.Fields}
	case starlark.NoneType, *starlark.Builtin:
		return nil
	}
	switch name := v.Type(); name {
	case "int", "float", "bool", "list", "dict", "container", "unit", "application":
		return c.typed(name)
	}
	return nil
}

// isAny says whether an event is framework.on.any.
func isAny(s *builtins.EventSource) bool { return s.Name == "any" && s.Kind == "" }
