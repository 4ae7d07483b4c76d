package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
)

func (r *relation) publish(in invocation) (starlark.Value, error) {
	var data mappingArgument
	var to starlark.Value = starlark.String(r.h.Model.Context().AppName)
	var keep starlark.Value = starlark.Tuple(nil)
	if err := in.unpack("data", &data, "to?", &to, byName, nil, "keep?", &keep); err != nil {
		return nil, err
	}
	items := databagItems{}
	if err := items.add(data.Items()); err != nil {
		return nil, err
	}
	keys, ok := keep.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("%s: keep is a %s, want a list of the names of keys", in.name, keep.Type())
	}
	var kept []string
	for elem := range starlark.Elements(keys) {
		key, ok := starlark.AsString(elem)
		if !ok {
			return nil, fmt.Errorf("%s: keep has a %s, want the names of keys, strings", in.name, elem.Type())
		}
		kept = append(kept, key)
	}
	name, err := entityName(to)
	if err != nil {
		return nil, fmt.Errorf("%s: to: %w", in.name, err)
	}
	bag, err := r.r.Databag(name)
	if err != nil {
		return nil, failure(err)
	}
	published, err := bag.Publish(items, kept)
	return starlark.Bool(published), failure(err)
}

// A mappingArgument is a dict, or what can be read as one, such as a databag.
type mappingArgument struct{ starlark.IterableMapping }

func (a *mappingArgument) Unpack(v starlark.Value) error {
	mapping, ok := v.(starlark.IterableMapping)
	if !ok {
		return fmt.Errorf("got %s, want a dict", v.Type())
	}
	a.IterableMapping = mapping
	return nil
}
