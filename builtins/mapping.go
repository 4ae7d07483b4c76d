package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

// A mapping is a read-only dictionary-like value over something outside
// Starlark, such as the charm's options or a databag: m[k], k in m, len(m),
// iteration, get, keys, values, items.
type mapping struct {
	handle
	typ string
	// keys are the keys in order; they are known when the mapping is made, so
	// that iteration, which has no way to fail, does not.
	keys []starlark.Value
	// lookup returns the value of a key; false says that it is not there. An
	// error says that the key can never be one.
	lookup func(key starlark.Value) (starlark.Value, bool, error)
}

var (
	_ starlark.Mapping  = (*mapping)(nil)
	_ starlark.Sequence = (*mapping)(nil)
	_ starlark.HasAttrs = (*mapping)(nil)
)

var mappingTable = table[*mapping]{
	typ: "mapping",
	doc: "A read-only dictionary of things that are looked up when asked for: `m[key]`, `key in m`, `len(m)` and `for key in m` work as with a dict. It is what model.config, model.relations, relation.data and others are.",
	members: []member[*mapping]{
		{name: "get", sig: "(key, default = None)", doc: "The value of key; default if there is none, or it is None.",
			call: func(m *mapping, in invocation) (starlark.Value, error) {
				var key starlark.Value
				var fallback starlark.Value = starlark.None
				if err := in.unpack("key", &key, "default?", &fallback); err != nil {
					return nil, err
				}
				v, found, err := m.lookup(key)
				if err != nil || !found || v == starlark.None {
					return fallback, err
				}
				return v, nil
			}},
		{name: "keys", sig: "() -> list", doc: "The keys.",
			call: func(m *mapping, in invocation) (starlark.Value, error) {
				return starlark.NewList(append([]starlark.Value(nil), m.keys...)), in.none()
			}},
		{name: "values", sig: "() -> list", doc: "The values, in the order of the keys.",
			call: func(m *mapping, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				items, err := m.items()
				if err != nil {
					return nil, err
				}
				values := make([]starlark.Value, len(items))
				for i, item := range items {
					values[i] = item[1]
				}
				return starlark.NewList(values), nil
			}},
		{name: "items", sig: "() -> list", doc: "The (key, value) pairs.",
			call: func(m *mapping, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				items, err := m.items()
				if err != nil {
					return nil, err
				}
				pairs := make([]starlark.Value, len(items))
				for i, item := range items {
					pairs[i] = item
				}
				return starlark.NewList(pairs), nil
			}},
	},
}

func (m *mapping) items() ([]starlark.Tuple, error) {
	items := make([]starlark.Tuple, 0, len(m.keys))
	for _, k := range m.keys {
		v, found, err := m.lookup(k)
		if err != nil {
			return nil, err
		}
		if found {
			items = append(items, starlark.Tuple{k, v})
		}
	}
	return items, nil
}

func (m *mapping) String() string {
	var b strings.Builder
	b.WriteString("{")
	for i, k := range m.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k.String())
	}
	b.WriteString("}")
	return fmt.Sprintf("<%s %s>", m.typ, b.String())
}

func (m *mapping) Type() string                             { return m.typ }
func (m *mapping) Truth() starlark.Bool                     { return len(m.keys) > 0 }
func (m *mapping) Len() int                                 { return len(m.keys) }
func (m *mapping) Iterate() starlark.Iterator               { return starlark.Tuple(m.keys).Iterate() }
func (m *mapping) Attr(name string) (starlark.Value, error) { return mappingTable.attr(m, name) }
func (m *mapping) AttrNames() []string                      { return mappingTable.attrNames(m) }

func (m *mapping) Get(key starlark.Value) (starlark.Value, bool, error) { return m.lookup(key) }

// An eagerMapping is a mapping whose values are known when it is made, so that
// dict(m) and json.encode(m) work: they have no way to fail either.
type eagerMapping struct{ mapping }

var _ starlark.IterableMapping = (*eagerMapping)(nil)

// Items implements starlark.IterableMapping.
func (m *eagerMapping) Items() []starlark.Tuple {
	items, _ := m.items() // the look-ups of an eager mapping do not fail for its own keys
	return items
}

// A declaredMapping is a mapping whose keys are the names of something that
// the metadata declares. To ask whether it has another one is a mistake, too.
type declaredMapping struct {
	mapping
	name func(key starlark.Value) (string, error)
}

var _ starlark.Container = (*declaredMapping)(nil)

// newDeclaredMapping makes a mapping of these names; what is one of them, for
// messages, and value looks it up.
func newDeclaredMapping(typ, what string, names []string, value func(name string) (starlark.Value, error)) *declaredMapping {
	m := &declaredMapping{name: func(key starlark.Value) (string, error) { return declaredName(what, key, names) }}
	m.mapping = mapping{typ: typ, keys: stringKeys(names), lookup: func(key starlark.Value) (starlark.Value, bool, error) {
		name, err := m.name(key)
		if err != nil {
			return nil, false, err
		}
		v, err := value(name)
		return v, err == nil, err
	}}
	return m
}

// Has implements starlark.Container.
func (m *declaredMapping) Has(key starlark.Value) (bool, error) {
	_, err := m.name(key)
	return err == nil, err
}

// declaredName reads the key of a mapping whose keys are names that the
// metadata declares.
func declaredName(what string, key starlark.Value, known []string) (string, error) {
	name, ok := starlark.AsString(key)
	if !ok {
		return "", fmt.Errorf("got %s, want a string: the name of the %s", key.Type(), what)
	}
	for _, k := range known {
		if k == name {
			return name, nil
		}
	}
	return "", fmt.Errorf("the charm's metadata has no %s %q%s", what, name, didYouMean(name, known))
}

// stringKeys makes keys of names.
func stringKeys(names []string) []starlark.Value {
	keys := make([]starlark.Value, len(names))
	for i, name := range names {
		keys[i] = starlark.String(name)
	}
	return keys
}
