package builtins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"go.starlark.net/starlark"
)

// This file defines the storedstate module: what a charm keeps from one hook
// to the next.

// scopePrefix starts the names of the stored objects of libraries.
const scopePrefix = "scope:"

// A Store keeps the values of stored objects. What is set is saved when the
// hook succeeds, and forgotten when it fails.
type Store interface {
	// Value returns what was last set; nil if nothing ever was.
	Value(object, name string) (json.RawMessage, error)
	SetValue(object, name string, value json.RawMessage) error
}

var storedstateTable = table[*Hook]{
	typ: "storedstate",
	doc: "What the charm keeps from one hook to the next.",
	members: []member[*Hook]{
		{name: "define", sig: "(name: str = \"charm\", **defaults) -> stored", doc: "An object whose attributes persist: one for each keyword argument, whose value is what the attribute has until it is first set. Values are plain data: None, bool, int, float, string, list, and dict with string keys. They are saved when the hook succeeds. A name can be taken once.",
			call: func(h *Hook, in invocation) (starlark.Value, error) {
				if err := h.Framework.mustBeLoading(in.name); err != nil {
					return nil, err
				}
				name := "charm"
				defaults := make([]starlark.Tuple, 0, len(in.kwargs))
				for _, kv := range in.kwargs {
					if kv[0] == starlark.String("name") {
						in.args = append(in.args, kv[1])
					} else {
						defaults = append(defaults, kv)
					}
				}
				if len(in.args) > 1 {
					return nil, fmt.Errorf("%s: want at most a name; values are keyword arguments: define(count = 0)", in.name)
				}
				if len(in.args) == 1 {
					given, ok := starlark.AsString(in.args[0])
					if !ok || given == "" {
						return nil, fmt.Errorf("%s: name is %v, want a string", in.name, in.args[0])
					}
					if strings.HasPrefix(given, scopePrefix) {
						return nil, fmt.Errorf("%s: the name %q belongs to a library; choose one that does not start with %q", in.name, given, scopePrefix)
					}
					name = given
				}
				in.args, in.kwargs = nil, defaults
				return defineStored(h, name, in)
			}},
	},
}

// A stored object's attributes persist.
type stored struct {
	handle
	h        *Hook
	name     string
	defaults map[string]json.RawMessage
	// read caches the values that were read in this hook.
	read map[string]starlark.Value
}

var _ starlark.HasSetField = (*stored)(nil)

// defineStored makes the stored object of that name; defaults are the keyword
// arguments.
func defineStored(h *Hook, name string, in invocation) (starlark.Value, error) {
	if err := h.Framework.mustBeLoading(in.name); err != nil {
		return nil, err
	}
	if len(in.args) > 0 {
		return nil, fmt.Errorf("%s: unexpected positional argument; values are keyword arguments: (count = 0)", in.name)
	}
	if h.Framework.stored[name] != nil {
		return nil, fmt.Errorf("%s: %q is defined already; give each stored state its own name", in.name, name)
	}
	s := &stored{h: h, name: name, defaults: map[string]json.RawMessage{}, read: map[string]starlark.Value{}}
	for _, kv := range in.kwargs {
		field := string(kv[0].(starlark.String))
		raw, err := encodePlain(field, kv[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		s.defaults[field] = raw
	}
	h.Framework.stored[name] = s
	return s, nil
}

func (s *stored) String() string { return "<stored " + s.name + ">" }
func (s *stored) Type() string   { return "stored" }

func (s *stored) AttrNames() []string {
	names := make([]string, 0, len(s.defaults))
	for name := range s.defaults {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (s *stored) unknown(name string) error {
	if name == "set_default" {
		return starlark.NoSuchAttrError(fmt.Sprintf("stored state %q has no set_default: storedstate.define(name = value) gives the defaults", s.name))
	}
	return starlark.NoSuchAttrError(fmt.Sprintf("stored state %q has no attribute %q: name it in define(%s = …)", s.name, name, name))
}

// Attr gives a frozen value: changing a list or dict that is stored, without
// storing it again, is an error and not a surprise.
func (s *stored) Attr(name string) (starlark.Value, error) {
	fallback, ok := s.defaults[name]
	if !ok {
		return nil, s.unknown(name)
	}
	s.h.looks("stored " + s.name + "." + name)
	if v, ok := s.read[name]; ok {
		return v, nil
	}
	s.h.Framework.stateRead = true
	raw, err := s.h.Store.Value(s.name, name)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		raw = fallback
	}
	v, err := decodePlain(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot read the stored value %s.%s: %w", s.name, name, err)
	}
	s.read[name] = v
	return v, nil
}

func (s *stored) SetField(name string, v starlark.Value) error {
	fallback, ok := s.defaults[name]
	if !ok {
		return s.unknown(name)
	}
	if s.h.Framework.Loading {
		return fmt.Errorf("cannot set stored state %s.%s while the charm is loading; set it in a handler", s.name, name)
	}
	raw, err := encodePlain(name, v)
	if err != nil {
		return fmt.Errorf("cannot store this: %w", err)
	}
	was, err := s.h.Store.Value(s.name, name)
	if err != nil {
		return err
	}
	if was == nil {
		was = fallback
	}
	delete(s.read, name)
	if bytes.Equal(was, raw) {
		return nil
	}
	s.h.writes("stored_state." + s.name + "." + name)
	return s.h.Store.SetValue(s.name, name, raw)
}
