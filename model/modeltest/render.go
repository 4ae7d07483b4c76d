package modeltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// object is a mapping whose keys have an order, and other names in JSON than
// in YAML.
type object []field

// field is one of them.
type field struct {
	json, yaml string
	value      any
	yamlOnly   bool
}

// same is a field with the same name in both.
func same(name string, value any) field { return field{json: name, yaml: name, value: value} }

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for _, f := range o {
		if f.yamlOnly {
			continue
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		key, err := json.Marshal(f.json)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// render writes a value as Juju's tools do: with a line's end, or nothing.
func render(format string, value any) (string, error) {
	text := ""
	switch format {
	case "json":
		out, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		text = string(out)
	case "smart":
		switch v := value.(type) {
		case nil:
		case string:
			text = v
		case []string:
			text = strings.Join(v, "\n")
		case bool:
			text = "False"
			if v {
				text = "True"
			}
		default:
			text = renderYAML(value)
		}
	default:
		if value != nil {
			text = renderYAML(value)
		}
	}
	if text != "" {
		text += "\n"
	}
	return text, nil
}

// renderYAML writes a document without its last line's end, in the layout of
// Juju: lists are not indented.
func renderYAML(value any) string {
	w := &yamlWriter{}
	w.value(value, "", false)
	return strings.TrimPrefix(strings.TrimSuffix(w.String(), "\n"), " ")
}

type yamlWriter struct{ strings.Builder }

// value writes what follows "key:" or "-", or a document. inline is set after
// "-", where a mapping begins on the same line.
func (w *yamlWriter) value(value any, indent string, inline bool) {
	switch v := value.(type) {
	case object:
		w.mapping(v, indent, inline)
	case map[string]string:
		o := object{}
		for _, key := range yamlOrder(v) {
			o = append(o, same(key, v[key]))
		}
		w.mapping(o, indent, inline)
	case map[string]any:
		o := object{}
		for _, key := range yamlOrder(v) {
			o = append(o, same(key, v[key]))
		}
		w.mapping(o, indent, inline)
	case []string:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		w.list(list, indent)
	case []any:
		w.list(v, indent)
	default:
		w.WriteString(" " + strings.ReplaceAll(yamlScalar(v), "\n", "\n"+indent) + "\n")
	}
}

func (w *yamlWriter) mapping(o object, indent string, inline bool) {
	if len(o) == 0 {
		w.WriteString(" {}\n")
		return
	}
	switch {
	case inline:
		w.WriteByte(' ')
	case w.Len() > 0:
		w.WriteByte('\n')
	}
	for i, f := range o {
		if i > 0 || !inline {
			w.WriteString(indent)
		}
		if key := yamlScalar(f.yaml); len(key) > 128 || strings.Contains(key, "\n") {
			w.WriteString("? " + strings.ReplaceAll(key, "\n", "\n"+indent) + "\n" + indent + ":")
		} else {
			w.WriteString(key + ":")
		}
		child := indent
		if _, list := f.value.([]any); !list {
			if _, list := f.value.([]string); !list {
				child += "  "
			}
		}
		if scalarValue(f.value) {
			child = indent
		}
		w.value(f.value, child, false)
	}
}

// yamlOrder sorts keys as YAML libraries do: a2 before a10.
func yamlOrder[T any](m map[string]T) []string {
	names := keys(m)
	index := make(map[string]int, len(m))
	for i, name := range names {
		index[name] = i
	}
	node := &yaml.Node{}
	if err := node.Encode(index); err != nil {
		return names
	}
	sorted := make([]string, 0, len(m))
	for i := 1; i < len(node.Content); i += 2 {
		if n, err := strconv.Atoi(node.Content[i].Value); err == nil {
			sorted = append(sorted, names[n])
		}
	}
	return sorted
}

func scalarValue(value any) bool {
	switch value.(type) {
	case object, map[string]string, map[string]any, []any, []string:
		return false
	}
	return true
}

func (w *yamlWriter) list(list []any, indent string) {
	if len(list) == 0 {
		w.WriteString(" []\n")
		return
	}
	if w.Len() > 0 {
		w.WriteByte('\n')
	}
	for _, item := range list {
		w.WriteString(indent + "-")
		w.value(item, indent+"  ", true)
	}
}

// yamlScalar writes a scalar, with the lines of a block indented by two.
func yamlScalar(value any) string {
	node := &yaml.Node{}
	text, _ := value.(string)
	if strings.Contains(text, "\n") {
		node.SetString(text) // Encode would lose line breaks at the ends
	} else if err := node.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	if strings.Contains(text, "\n") {
		if line := strings.TrimSuffix(text, "\n"); line != strings.TrimSpace(line) || line == "" {
			node.Style = yaml.DoubleQuotedStyle // blanks at the ends of a block are lost
		}
	}
	// Block indentation is relative to a parent.
	parent := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "k"}, node}}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(parent); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimPrefix(strings.TrimSuffix(out.String(), "\n"), "k: ")
}
