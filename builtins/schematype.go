package builtins

import (
	"fmt"
	"math"
	"regexp"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A schemaType is what a value has to be. It does not change.
type schemaType struct {
	kind string // "int", …, "record", "any": as the module's member is called

	min, max             starlark.Value // of a number; nil: no bound
	minLength, maxLength starlark.Value // of a string, list or dict; nil: no bound
	pattern              *regexp.Regexp
	forbid               *starlark.Dict
	choices              starlark.Tuple
	of, keys             *schemaType // of a list's elements, a dict's values and keys
	record               *recordType
	optional             bool // None is allowed

	// What follows is about the field that has the type.

	fallback starlark.Value // nil: the field is required
	alias    string
	codec    string // "": as the record says
	check    starlark.Callable
	doc      string
}

var (
	_ starlark.Value    = (*schemaType)(nil)
	_ starlark.Unpacker = (*schemaType)(nil)
)

func (t *schemaType) Type() string         { return "schema_type" }
func (t *schemaType) Freeze()              {}
func (t *schemaType) Truth() starlark.Bool { return true }
func (t *schemaType) Hash() (uint32, error) {
	return 0, fmt.Errorf("unhashable: schema_type")
}

// Unpack implements starlark.Unpacker.
func (t *schemaType) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case *schemaType:
		*t = *v
	case *recordType:
		*t = schemaType{kind: "record", record: v}
	case *starlark.Builtin:
		return fmt.Errorf("got the function %s, want a type: write %s()", v.Name(), v.Name())
	default:
		return fmt.Errorf("got %s, want a type such as schema.string()", v.Type())
	}
	return nil
}

// unpack reads the arguments of a type: own, and those that all types have.
func (t *schemaType) unpack(in invocation, own ...any) error {
	return in.unpack(slices.Concat(own, []any{
		"default?", &t.fallback, "alias??", &t.alias, "codec??", &t.codec, "check??", &t.check, "doc??", &t.doc,
	})...)
}

// ofKind says whether v is of the kind, its bounds aside; an int is a float.
func (t *schemaType) ofKind(v starlark.Value) bool {
	switch v := v.(type) {
	case starlark.Int:
		return t.kind == "int" || t.kind == "float" && !math.IsInf(float64(v.Float()), 0)
	case starlark.Float:
		return t.kind == "float" && !math.IsInf(float64(v), 0) && !math.IsNaN(float64(v))
	case starlark.String:
		return t.kind == "string"
	case starlark.Bool:
		return t.kind == "bool"
	}
	return false
}

// less compares numbers.
func less(a, b starlark.Value) bool {
	is, err := starlark.Compare(syntax.LT, a, b)
	return is && err == nil
}
