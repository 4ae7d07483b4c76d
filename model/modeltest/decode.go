package modeltest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/model"
)

// maxState is how large a written state may be.
const maxState = 1 << 20

// DecodeState reads a state that is written in YAML, with the names of the
// State's yaml tags. Unknown keys are an error with their lines.
func DecodeState(data []byte) (*State, error) {
	if len(data) > maxState {
		return nil, fmt.Errorf("cannot read the state: it is larger than %d bytes", maxState)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf("cannot read the state: %w", err)
	}
	state := &State{}
	if len(document.Content) == 0 {
		return state, nil
	}
	if errs := unknownKeys(document.Content[0], reflect.TypeFor[State](), ""); len(errs) > 0 {
		return nil, fmt.Errorf("cannot read the state: %w", errors.Join(errs...))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(state); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read the state: %w", err)
	}
	return state, nil
}

// unknownKeys finds mapping keys that t has no field for. What an alias means
// is looked at where its anchor is.
func unknownKeys(node *yaml.Node, t reflect.Type, path string) []error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var errs []error
	switch {
	case node.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range node.Content {
			errs = append(errs, unknownKeys(item, t.Elem(), path)...)
		}
	case node.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		fields := yamlFields(t)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			field, ok := fields[key.Value]
			if ok {
				errs = append(errs, unknownKeys(value, field, path+key.Value+".")...)
				continue
			}
			hint := ""
			if near := model.Nearest(key.Value, keys(fields)); near != "" {
				hint = fmt.Sprintf(" (did you mean %q?)", near)
			}
			errs = append(errs, fmt.Errorf("line %d: unknown key %q%s", key.Line, path+key.Value, hint))
		}
	}
	return errs
}

func yamlFields(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" {
			fields[name] = t.Field(i).Type
		}
	}
	return fields
}
