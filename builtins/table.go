// Package builtins is the Starlark face of starcharm: the modules and values
// that a charm's .star files see.
//
// It converts between Starlark and Go and holds no rules of its own: those of
// Juju are in package model, those of Pebble in package pebble.
//
// Every type and module has one table of its members (see [table]); attribute
// look-up, dir(), "did you mean" and the reference manual come from it. A file
// reads in order: the table, the values, the conversions.
package builtins

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.starlark.net/starlark"
)

// A member is an attribute or method of a builtin type or module, T being the
// Go type behind it. Exactly one of get and call is set.
type member[T any] struct {
	name string
	// sig is the type of an attribute ("str") or the signature of a method
	// ("(path: str, *, encoding: str = \"utf-8\") -> str").
	sig string
	doc string
	// fields are the attributes of a struct.
	fields []string
	// get reads the attribute; a nil value and nil error mean that this
	// particular value does not have it.
	get func(self T) (starlark.Value, error)
	// set assigns the attribute, when that is allowed.
	set func(self T, v starlark.Value) error
	// call runs the method. name is the qualified name for messages.
	call func(self T, in invocation) (starlark.Value, error)
	// only, when set, says whether this particular value has the member.
	only func(self T) bool
}

// An invocation is one call of a builtin from Starlark.
type invocation struct {
	thread *starlark.Thread
	// name is the builtin's qualified name, "container.pull".
	name   string
	args   starlark.Tuple
	kwargs []starlark.Tuple
}

// unpack is starlark.UnpackArgs for this invocation. What comes after a pair
// byName can be given by name only.
func (in invocation) unpack(pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] != byName {
			continue
		}
		pairs = slices.Concat(pairs[:i], pairs[i+2:])
		if most := i / 2; len(in.args) > most {
			var names []string
			for j := i; j < len(pairs); j += 2 {
				names = append(names, strings.TrimRight(pairs[j].(string), "?"))
			}
			return fmt.Errorf("%s: got %d positional arguments, want at most %d; by name: %s", in.name, len(in.args), most, strings.Join(names, ", "))
		}
		break
	}
	return starlark.UnpackArgs(in.name, in.args, in.kwargs, pairs...)
}

// byName stands in the arguments of unpack, before nil, where a signature has *.
const byName = "*"

// none unpacks an empty list of arguments.
func (in invocation) none() error { return in.unpack() }

// A table lists the members of one builtin type or module.
type table[T any] struct {
	// typ is the name of the type or module as Starlark shows it.
	typ     string
	doc     string
	members []member[T]
}

func (t *table[T]) find(self T, name string) *member[T] {
	for i := range t.members {
		m := &t.members[i]
		if m.name == name && (m.only == nil || m.only(self)) {
			return m
		}
	}
	return nil
}

// membersOf are the members of a table for a type that has all of them because
// it is made of the table's type.
func membersOf[T, U any](t *table[U], part func(T) U) []member[T] {
	var members []member[T]
	for _, m := range t.members {
		members = append(members, member[T]{name: m.name, sig: m.sig, doc: m.doc,
			call: func(self T, in invocation) (starlark.Value, error) { return m.call(part(self), in) }})
	}
	return members
}

// attr implements starlark.HasAttrs.Attr.
func (t *table[T]) attr(self T, name string) (starlark.Value, error) {
	m := t.find(self, name)
	switch {
	case m == nil:
		return nil, nil
	case m.get != nil:
		return m.get(self)
	}
	qualified := t.typ + "." + name
	return starlark.NewBuiltin(qualified, func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return m.call(self, invocation{thread, qualified, args, kwargs})
	}), nil
}

// attrNames implements starlark.HasAttrs.AttrNames.
func (t *table[T]) attrNames(self T) []string {
	names := make([]string, 0, len(t.members))
	for i := range t.members {
		if m := &t.members[i]; m.only == nil || m.only(self) {
			names = append(names, m.name)
		}
	}
	sort.Strings(names)
	return names
}

// setField implements starlark.HasSetField.SetField.
func (t *table[T]) setField(self T, name string, v starlark.Value) error {
	m := t.find(self, name)
	switch {
	case m == nil:
		return starlark.NoSuchAttrError(fmt.Sprintf("%s has no .%s attribute", t.typ, name))
	case m.set == nil:
		return fmt.Errorf("cannot set %s.%s: it is read-only", t.typ, name)
	}
	return m.set(self, v)
}

// A MemberDoc describes one member of a builtin for the manual.
type MemberDoc struct {
	Name string
	// Signature is "(path: str) -> str" for a method, "str" for an attribute.
	Signature string
	// Method tells a method from an attribute.
	Method bool
	// Writable says that the attribute can be assigned.
	Writable bool
	// Only names the events that have the member, if not all do.
	Only []string
	// Fields are the attributes of a struct, if they are always the same.
	Fields []string
	Doc    string
}

// A TypeDoc describes one builtin type or module for the manual.
type TypeDoc struct {
	// Name is as Starlark's type() gives it, or the module's; "" for functions
	// that belong to no module.
	Name string
	// Module tells a module from a type.
	Module bool
	// Of names the module that a type belongs to: its values come from there.
	Of      string
	Doc     string
	Members []MemberDoc
}

// document describes the table.
func (t *table[T]) document() TypeDoc {
	d := TypeDoc{Name: t.typ, Doc: t.doc}
	for _, m := range t.members {
		d.Members = append(d.Members, MemberDoc{
			Name: m.name, Signature: m.sig, Method: m.call != nil, Writable: m.set != nil, Doc: m.doc, Fields: m.fields,
		})
	}
	return d
}

// A handle is embedded by values that stand for something outside Starlark: a
// unit, a container, a stored state. Freezing the module that holds it must
// not disable it, so its Freeze does nothing; and it is no dictionary key.
type handle struct{}

func (handle) Freeze()              {}
func (handle) Truth() starlark.Bool { return true }
func (handle) Hash() (uint32, error) {
	return 0, fmt.Errorf("unhashable: it stands for something outside Starlark")
}

// A module is a named set of functions and values that is there without
// load(): framework, model, log. T is what its members work on.
type module[T any] struct {
	handle
	table *table[T]
	self  T
}

func (m *module[T]) String() string      { return fmt.Sprintf("<module %q>", m.table.typ) }
func (m *module[T]) Type() string        { return "module" }
func (m *module[T]) AttrNames() []string { return m.table.attrNames(m.self) }
func (m *module[T]) Attr(name string) (starlark.Value, error) {
	v, err := m.table.attr(m.self, name)
	if v == nil && err == nil {
		// With the module's name; the interpreter would say "module", and adds
		// what may have been meant.
		err = starlark.NoSuchAttrError(fmt.Sprintf("%s has no .%s field or method", m.table.typ, name))
	}
	return v, err
}
func (m *module[T]) SetField(name string, v starlark.Value) error {
	return m.table.setField(m.self, name, v)
}
