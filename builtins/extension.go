package builtins

import (
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// This file is for packages above this one that add types and modules of their
// own, as the tests' do: they have tables like those here.

// A Member is an attribute or method of a type or module of another package.
// Exactly one of Get and Call is set.
type Member[T any] struct {
	Name string
	// Sig is the type of an attribute or the signature of a method.
	Sig string
	Doc string
	Get func(self T) (starlark.Value, error)
	// Call runs the method.
	Call func(self T, in Invocation) (starlark.Value, error)
}

// An Invocation is one call of a builtin of another package.
type Invocation struct{ invocation }

// Thread is the caller's.
func (in Invocation) Thread() *starlark.Thread { return in.thread }

// Name is the builtin's qualified name, for messages.
func (in Invocation) Name() string { return in.name }

// Args are the arguments by position, Kwargs those by name.
func (in Invocation) Args() starlark.Tuple     { return in.args }
func (in Invocation) Kwargs() []starlark.Tuple { return in.kwargs }

// Unpack is starlark.UnpackArgs for this invocation. What comes after the pair
// ByName, nil can be given by name only.
func (in Invocation) Unpack(pairs ...any) error { return in.unpack(pairs...) }

// ByName stands in the arguments of Unpack, before nil, where a signature has *.
const ByName = byName

// A Table lists the members of a type or module of another package.
type Table[T any] struct{ table table[T] }

// NewTable returns a table. typ is the name of the type or module as Starlark
// shows it.
func NewTable[T any](typ, doc string, members ...Member[T]) *Table[T] {
	t := &Table[T]{table[T]{typ: typ, doc: doc}}
	for _, m := range members {
		inner := member[T]{name: m.Name, sig: m.Sig, doc: m.Doc, get: m.Get}
		if m.Call != nil {
			inner.call = func(self T, in invocation) (starlark.Value, error) { return m.Call(self, Invocation{in}) }
		}
		t.table.members = append(t.table.members, inner)
	}
	return t
}

// Type is the name of the type or module.
func (t *Table[T]) Type() string { return t.table.typ }

// Attr implements starlark.HasAttrs.Attr for self.
func (t *Table[T]) Attr(self T, name string) (starlark.Value, error) { return t.table.attr(self, name) }

// AttrNames implements starlark.HasAttrs.AttrNames for self.
func (t *Table[T]) AttrNames(self T) []string { return t.table.attrNames(self) }

// Document describes the table for the manual.
func (t *Table[T]) Document() TypeDoc { return t.table.document() }

// NewModule returns the module whose members the table lists.
func NewModule[T any](t *Table[T], self T) starlark.Value {
	return &module[T]{table: &t.table, self: self}
}

// ToStarlark converts plain data (strings, numbers, bools, nil, []any,
// map[string]any) to a frozen Starlark value.
func ToStarlark(v any) (starlark.Value, error) { return toStarlark(v) }

// FromStarlark converts plain data to Go: nil, bool, int64, *big.Int, float64,
// string, []any, map[string]any. name is that of v in messages.
func FromStarlark(name string, v starlark.Value) (any, error) { return fromStarlark(name, v) }

// LayerOf reads a layer from itself, a dict, or YAML.
func LayerOf(v starlark.Value) (*pebble.Layer, error) { return planObjectOf[pebble.Layer](v) }

// NewLayer returns the Starlark value of a layer.
func NewLayer(l *pebble.Layer) (starlark.Value, error) { return wrapPlanObject(l) }

// NewServiceInfo returns the Starlark value of a service's state.
func NewServiceInfo(info *pebble.ServiceInfo) starlark.Value { return &serviceInfo{ServiceInfo: info} }

// NewPlan returns the Starlark value of a plan.
func NewPlan(p *pebble.Plan) (starlark.Value, error) { return wrapPlanObject(p) }

// PlanFields are a layer's, a plan's, or one of their parts' as plain data, with
// Pebble's own names; nil if v is none of these.
func PlanFields(v starlark.Value) map[string]any {
	switch v := v.(type) {
	case *planObject[pebble.Layer]:
		return v.fields
	case *planObject[pebble.Plan]:
		return v.fields
	case *planObject[pebble.Service]:
		return v.fields
	case *planObject[pebble.Check]:
		return v.fields
	case *planObject[pebble.LogTarget]:
		return v.fields
	}
	return nil
}
