package simulate

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Change is one leaf of the state that is not what it was.
type Change struct {
	// Path names it: "unit_status.name", "relations[db:1].local_app_data.url".
	Path string `json:"path"`
	// Before and After are plain values; nil is not there.
	Before any `json:"before"`
	After  any `json:"after"`
}

// difference lists what differs between two states, sorted by path.
func difference(before, after *State) ([]Change, error) {
	// A hook leaves most of a state as it was, and to take a part to pieces
	// costs far more than to see that it is the same.
	old, new := map[string]any{}, map[string]any{}
	differing(before, after, old, new)
	differing(&before.Juju, &after.Juju, old, new)
	machine := after.Machine
	// That random bytes were taken and time went by is nothing that one sees.
	machine.Seed, machine.Now = before.Machine.Seed, before.Machine.Now
	differing(&before.Machine, &machine, old, new)
	a, err := leaves(old)
	if err != nil {
		return nil, err
	}
	b, err := leaves(new)
	if err != nil {
		return nil, err
	}
	paths := map[string]bool{}
	for path := range a {
		paths[path] = true
	}
	for path := range b {
		paths[path] = true
	}
	changes := []Change{}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if fmt.Sprintf("%T%v", a[path], a[path]) != fmt.Sprintf("%T%v", b[path], b[path]) {
			changes = append(changes, Change{Path: path, Before: a[path], After: b[path]})
		}
	}
	return changes, nil
}

// differing adds the fields that are not equal in two structs to old and new,
// by their names in a state file.
func differing[T any](before, after *T, old, new map[string]any) {
	b, a := reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem()
	for i := range b.NumField() {
		name, options, _ := strings.Cut(b.Type().Field(i).Tag.Get("yaml"), ",")
		if options == "inline" {
			continue // its fields are the state's own
		}
		if was, is := b.Field(i).Interface(), a.Field(i).Interface(); !reflect.DeepEqual(was, is) {
			old[name], new[name] = was, is
		}
	}
}

// leaves are the scalars in parts of a state by path. What is empty is not
// there, but for what the charm has stored: False and "" are values to it.
func leaves(parts map[string]any) (map[string]any, error) {
	found := map[string]any{}
	if len(parts) == 0 {
		return found, nil
	}
	var root yaml.Node
	if err := root.Encode(parts); err != nil {
		return nil, fmt.Errorf("cannot compare the states: %w", err)
	}
	var v any
	if err := root.Decode(&v); err != nil {
		return nil, fmt.Errorf("cannot compare the states: %w", err)
	}
	collect(found, "", v)
	return found, nil
}

func collect(found map[string]any, path string, v any) {
	join := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	stored := strings.HasPrefix(path, "stored_state.")
	switch v := v.(type) {
	case nil:
	case string:
		if v != "" || stored {
			found[path] = v
		}
	case map[string]any:
		for key, value := range v {
			collect(found, join(key), value)
		}
	case map[any]any:
		for key, value := range v {
			collect(found, join(fmt.Sprint(key)), value)
		}
	case []any:
		for i, elem := range v {
			collect(found, path+"["+elementName(i, elem)+"]", elem)
		}
	case bool:
		if v || stored {
			found[path] = v
		}
	default:
		found[path] = v
	}
}

// elementName is how a list's element is called: by its name, else endpoint
// and id, else number.
func elementName(i int, elem any) string {
	m, ok := elem.(map[string]any)
	if !ok {
		return strconv.Itoa(i)
	}
	for _, keys := range [][]string{{"endpoint", "id"}, {"name", "index"}, {"protocol", "port"}, {"name"}, {"binding"}, {"id"}} {
		var parts []string
		for _, key := range keys {
			if v, ok := m[key]; ok && v != "" {
				parts = append(parts, fmt.Sprint(v))
			}
		}
		if len(parts) == len(keys) {
			return strings.Join(parts, ":")
		}
	}
	return strconv.Itoa(i)
}
