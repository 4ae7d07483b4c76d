package model

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// What a YAML file may hold. Aliases count as often as they are used, which
// keeps a few lines from growing into gigabytes.
const (
	maxYAMLBytes = 1 << 20
	maxYAMLNodes = 200_000
	maxYAMLDepth = 64
)

// yamlNode is a value in a YAML file, with aliases and merge keys resolved.
type yamlNode struct {
	line, column int
	kind         yaml.Kind // ScalarNode, MappingNode or SequenceNode
	value        any       // of a scalar: nil, bool, int64, float64 or string
	text         string    // of a scalar: as written
	plain        bool      // a scalar without quotes
	keys         []string  // of a mapping, in the order of the file
	values       map[string]*yamlNode
	places       map[string]yamlPlace // of the keys that are written here
	items        []*yamlNode          // of a sequence
}

// yamlPlace is where something is in a file, from 1.
type yamlPlace struct{ line, column int }

// readYAML parses one file. It returns nil for an empty one, and an error that
// wraps [fs.ErrNotExist] when there is none.
func readYAML(fsys fs.FS, name string) (*yamlNode, error) {
	file, err := fsys.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, &MetadataError{File: name, Message: "cannot read it: " + err.Error(), Err: err}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxYAMLBytes+1))
	if err != nil {
		return nil, &MetadataError{File: name, Message: "cannot read it: " + err.Error(), Err: err}
	}
	return parseYAML(name, data)
}

var yamlErrorLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^line (\d+): `) })

func parseYAML(name string, data []byte) (*yamlNode, error) {
	if len(data) > maxYAMLBytes {
		return nil, &MetadataError{File: name, Message: fmt.Sprintf("larger than %d MiB", maxYAMLBytes>>20)}
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		message := strings.TrimPrefix(err.Error(), "yaml: ")
		e := &MetadataError{File: name, Err: err}
		if at := yamlErrorLine().FindStringSubmatch(message); at != nil {
			message = message[len(at[0]):]
			e.Line, _ = strconv.Atoi(at[1])
			e.Column = 1
		}
		e.Message = "not YAML: " + message
		return nil, e
	}
	if document.Kind == 0 {
		return nil, nil
	}
	r := &yamlResolver{file: name, left: maxYAMLNodes}
	return r.resolve(document.Content[0], 0)
}

type yamlResolver struct {
	file string
	left int
}

func (r *yamlResolver) fail(n *yaml.Node, format string, args ...any) error {
	return &MetadataError{File: r.file, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
}

func (r *yamlResolver) resolve(n *yaml.Node, depth int) (*yamlNode, error) {
	if r.left--; r.left < 0 {
		return nil, r.fail(n, "more than %d values (aliases count as often as they are used)", maxYAMLNodes)
	}
	if depth > maxYAMLDepth {
		return nil, r.fail(n, "nested deeper than %d levels", maxYAMLDepth)
	}
	node := &yamlNode{line: n.Line, column: n.Column, kind: n.Kind}
	switch n.Kind {
	case yaml.AliasNode:
		return r.resolve(n.Alias, depth+1)
	case yaml.ScalarNode:
		node.text = n.Value
		node.plain = n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
		node.value = scalar(n)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			value, err := r.resolve(item, depth+1)
			if err != nil {
				return nil, err
			}
			node.items = append(node.items, value)
		}
	case yaml.MappingNode:
		node.values, node.places = make(map[string]*yamlNode), make(map[string]yamlPlace)
		if err := r.resolveMapping(node, n, depth); err != nil {
			return nil, err
		}
	default:
		return nil, r.fail(n, "cannot understand this value")
	}
	return node, nil
}

func (r *yamlResolver) resolveMapping(node *yamlNode, n *yaml.Node, depth int) error {
	var merged []*yamlNode
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return r.fail(key, "a key must be a string")
		}
		value, err := r.resolve(n.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if earlier, twice := node.values[key.Value]; twice {
			return r.fail(n.Content[i], "the key %q is here twice, first with the value in line %d", key.Value, earlier.line)
		}
		node.keys = append(node.keys, key.Value)
		node.values[key.Value] = value
		node.places[key.Value] = yamlPlace{n.Content[i].Line, n.Content[i].Column}
	}
	for i := 0; i < len(merged); i++ {
		switch from := merged[i]; from.kind {
		case yaml.SequenceNode:
			for _, item := range from.items {
				if item.kind == yaml.SequenceNode {
					return r.fail(n, "only mappings can be merged with <<")
				}
			}
			merged = append(merged, from.items...)
		case yaml.MappingNode:
			for _, key := range from.keys {
				if _, ok := node.values[key]; !ok {
					node.keys = append(node.keys, key)
					node.values[key] = from.values[key]
				}
			}
		default:
			return r.fail(n, "only mappings can be merged with <<")
		}
	}
	return nil
}

// scalar is the value of a scalar as YAML 1.2 has it; what JSON cannot hold
// (dates, binary data) stays the text that it is in the file.
func scalar(n *yaml.Node) any {
	var value any
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		if n.Decode(&value) != nil {
			return n.Value
		}
	}
	switch value := value.(type) {
	case bool:
		return value
	case int:
		return int64(value)
	case int64:
		return value
	case uint64:
		return float64(value)
	case float64:
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			return value
		}
	}
	return n.Value
}

// data returns the value as plain data: nil, bool, int64, float64, string,
// []any and map[string]any.
func (n *yamlNode) data() any {
	switch {
	case n == nil:
		return nil
	case n.kind == yaml.SequenceNode:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.data()
		}
		return list
	case n.kind == yaml.MappingNode:
		mapping := make(map[string]any, len(n.keys))
		for key, value := range n.values {
			mapping[key] = value.data()
		}
		return mapping
	}
	return n.value
}

// null tells whether the value is absent, or there without content.
func (n *yamlNode) null() bool {
	return n == nil || n.kind == yaml.ScalarNode && n.value == nil
}

// what names the value's type for a message.
func (n *yamlNode) what() string {
	switch {
	case n.null():
		return "nothing"
	case n.kind == yaml.SequenceNode:
		return "a list"
	case n.kind == yaml.MappingNode:
		return "a mapping"
	}
	switch n.value.(type) {
	case bool:
		return "the boolean " + n.text
	case int64, float64:
		return "the number " + n.text
	}
	return "the string " + strconv.Quote(shorten(n.text))
}

func shorten(text string) string {
	const limit = 60
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
