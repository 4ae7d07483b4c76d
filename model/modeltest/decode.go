package modeltest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/model"
)

// Decode reads a state that is written in YAML into v, a pointer to a [State]
// or to a struct that holds one. The keys are those of the yaml tags. The error
// names the line of each key that is unknown, with the nearest one, and of each
// value that is of the wrong type.
func Decode(text []byte, v any) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	err := dec.Decode(v)
	var types *yaml.TypeError
	switch {
	case errors.Is(err, io.EOF): // no text
		return nil
	case errors.As(err, &types):
		lines := make([]string, len(types.Errors))
		for i, line := range types.Errors {
			lines[i] = explain(line, reflect.TypeOf(v))
		}
		return errors.New(strings.Join(lines, "; "))
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return nil
}

// maxKeysNamed is how many keys a message names at most.
const maxKeysNamed = 12

// explain turns yaml's "line 3: field foo not found in type modeltest.State"
// into what a reader of YAML knows, with the nearest key.
func explain(line string, root reflect.Type) string {
	if m := regexp.MustCompile("(?s)^(line \\d+): cannot unmarshal !!(\\w+) (?:`(.*)` )?into (\\S+)$").FindStringSubmatch(line); m != nil {
		got := map[string]string{"seq": "a list", "map": "a map"}[m[2]]
		if got == "" {
			got = fmt.Sprintf("%q", m[3])
		}
		return fmt.Sprintf("%s: got %s, want %s", m[1], got, wanted(m[4]))
	}
	m := regexp.MustCompile(`^(line \d+): field (.*) not found in type (\S+)$`).FindStringSubmatch(line)
	if m == nil {
		return line
	}
	text := fmt.Sprintf("%s: there is no key %q here", m[1], m[2])
	known := keysIn(root, m[3], map[reflect.Type]bool{})
	if m[2] == "remote_app_name" && slices.Contains(known, "remote_app") {
		return text + "; did you mean \"remote_app\"?" // the other is its name in tests
	}
	if near := model.Nearest(m[2], known); near != "" {
		return text + fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) <= maxKeysNamed {
		text += "; there are " + strings.Join(known, ", ")
	}
	return text
}

// wanted says in YAML's terms what a Go type is read from.
func wanted(goType string) string {
	goType = strings.TrimLeft(goType, "*")
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case goType == "bool":
		return "true or false"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	case goType == "string":
		return "a string"
	case strings.HasSuffix(goType, ".Time"):
		return "a time such as 2026-01-31T12:00:00Z"
	}
	return "a map"
}

// keysIn are the keys of the type of that name, which is t or in it.
func keysIn(t reflect.Type, name string, seen map[reflect.Type]bool) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	if t.String() == name {
		return keysOf(t)
	}
	for i := range t.NumField() {
		if found := keysIn(t.Field(i).Type, name, seen); found != nil {
			return found
		}
	}
	return nil
}

func keysOf(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		key, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline" && t.Field(i).Type.Kind() == reflect.Struct:
			all = append(all, keysOf(t.Field(i).Type)...)
		case key != "" && key != "-":
			all = append(all, key)
		}
	}
	return all
}
