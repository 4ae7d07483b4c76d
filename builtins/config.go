package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
)

// config is the value of model.config. An option without a value reads as
// None, and is not among the keys.
type config struct{ eagerMapping }

var (
	_ starlark.IterableMapping = (*config)(nil)
	_ starlark.Container       = (*config)(nil)
)

// Has implements starlark.Container: whether the option has a value.
func (c *config) Has(key starlark.Value) (bool, error) {
	v, _, err := c.Get(key)
	return v != starlark.None && err == nil, err
}

func (h *Hook) config() (starlark.Value, error) {
	values, err := h.Model.Config()
	if err != nil {
		return nil, failure(err)
	}
	var names []string
	for _, name := range sortedNames(h.Metadata.Options) {
		if _, set := values[name]; set {
			names = append(names, name)
		}
	}
	return &config{eagerMapping{mapping{typ: "config", keys: stringKeys(names), lookup: h.option}}}, nil
}

// option looks up an option; every one that the metadata has is found.
func (h *Hook) option(key starlark.Value) (starlark.Value, bool, error) {
	name, ok := starlark.AsString(key)
	if !ok {
		return nil, false, fmt.Errorf("model.config wants the name of an option, got %s", key.Type())
	}
	v, set, err := h.Model.Option(name)
	if err != nil {
		return nil, false, failure(err)
	}
	if !set {
		return starlark.None, true, nil
	}
	value, err := toStarlark(v)
	return value, true, err
}
