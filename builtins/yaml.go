package builtins

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	yaml "gopkg.in/yaml.v3"
)

// maxYAMLBytes bounds what is decoded: the parser's nodes take 200 times the
// memory of the shortest text.
const maxYAMLBytes = 4 << 20

// Kinds of failure of module yaml.
var yamlDecodeError = &Kind{Name: "yaml.DecodeError"}

var yamlTable = table[struct{}]{
	typ: "yaml",
	doc: "Encodes and decodes YAML. The order of keys is kept; true and false are booleans, yes and no are strings; dates stay strings.",
	members: []member[struct{}]{
		{name: "decode", sig: "(text: str, default = <fail>) -> value", doc: "Decodes text that holds one document; empty text gives None. What is not YAML, has a key twice or is out of bounds (4 MiB, nested deeper than 500, aliases that stand for more than a million values) gives default if there is one, otherwise the failure yaml.DecodeError, whose field line is the line or 0.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				return decodeYAML(in, func(docs []starlark.Value) (starlark.Value, error) {
					switch len(docs) {
					case 0:
						return starlark.None, nil
					case 1:
						return docs[0], nil
					}
					return nil, &yamlError{message: fmt.Sprintf("it holds %d documents, want one: use yaml.decode_all", len(docs))}
				})
			}},
		{name: "decode_all", sig: "(text: str, default = <fail>) -> list", doc: "Decodes every document of text, as decode does.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				return decodeYAML(in, func(docs []starlark.Value) (starlark.Value, error) { return starlark.NewList(docs), nil })
			}},
		{name: "encode", sig: "(value) -> str", doc: "Encodes None, bools, numbers, strings, lists, tuples, sets, dicts, structs and records, in block style; a dict keeps its order, the fields of the others are sorted. Strings that an older YAML would read as something else are quoted.",
			call: encodeYAML},
		{name: "DecodeError", sig: "kind", doc: "The failure when text is not acceptable YAML.",
			get: func(struct{}) (starlark.Value, error) { return yamlDecodeError, nil }},
	},
}

// newYAML returns module yaml.
func newYAML() starlark.Value { return &module[struct{}]{table: &yamlTable} }

// A yamlError is why a text could not be decoded.
type yamlError struct {
	line    int // 0: unknown
	message string
}

func (e *yamlError) Error() string {
	if e.line > 0 {
		return fmt.Sprintf("line %d: %s", e.line, e.message)
	}
	return e.message
}

func decodeYAML(in invocation, pick func([]starlark.Value) (starlark.Value, error)) (starlark.Value, error) {
	var text string
	var fallback starlark.Value
	if err := in.unpack("text", &text, "default?", &fallback); err != nil {
		return nil, err
	}
	docs, err := yamlDocuments(text)
	var v starlark.Value
	if err == nil {
		v, err = pick(docs)
	}
	switch {
	case err == nil:
		return v, nil
	case fallback != nil:
		return fallback, nil
	}
	line := 0
	var where *yamlError
	if errors.As(err, &where) {
		line = where.line
	}
	return nil, &Failure{
		Kind: yamlDecodeError, Message: "cannot decode the text: " + err.Error(), Err: err,
		Fields: starlark.StringDict{"line": starlark.MakeInt(line)},
	}
}

// yamlDocuments decodes every document of text.
func yamlDocuments(text string) (docs []starlark.Value, err error) {
	if len(text) > maxYAMLBytes {
		return nil, &yamlError{message: fmt.Sprintf("it has %d bytes, more than %d", len(text), maxYAMLBytes)}
	}
	// The parser reports what it cannot read by panicking inside; should a
	// panic ever get out, hostile text must not end the hook.
	defer func() {
		if p := recover(); p != nil {
			docs, err = nil, &yamlError{message: fmt.Sprintf("the YAML parser gave up: %v", p)}
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	reader := yamlReader{left: 1_000_000, expanding: make(map[*yaml.Node]bool)}
	for {
		var doc yaml.Node
		if err := decoder.Decode(&doc); err == io.EOF {
			return docs, nil
		} else if err != nil {
			return nil, parseYAMLError(err)
		}
		v, err := reader.value(&doc, 0)
		if err != nil {
			return nil, err
		}
		docs = append(docs, v)
	}
}

// parseYAMLError finds the line in the parser's "yaml: line 3: did not find …".
func parseYAMLError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, message, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				return &yamlError{line, message}
			}
		}
	}
	return &yamlError{message: text}
}

// A yamlReader turns nodes into Starlark values.
type yamlReader struct {
	left      int                 // values that may still be made, aliases counted each time
	expanding map[*yaml.Node]bool // aliases being followed: a cycle comes back to one
}

func (r *yamlReader) value(n *yaml.Node, depth int) (starlark.Value, error) {
	fail := func(format string, args ...any) (starlark.Value, error) {
		return nil, &yamlError{n.Line, fmt.Sprintf(format, args...)}
	}
	if r.left--; r.left < 0 {
		return fail("it stands for more than a million values")
	}
	if depth > maxDecodeDepth {
		return fail("it nests deeper than %d", maxDecodeDepth)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.value(n.Content[0], depth)
	case yaml.AliasNode:
		if r.expanding[n.Alias] {
			return fail("the value of &%s contains itself", n.Value)
		}
		r.expanding[n.Alias] = true
		defer delete(r.expanding, n.Alias)
		return r.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		if tag := n.ShortTag(); tag != "!!seq" {
			return fail("cannot use the tag %s", tag)
		}
		elems := make([]starlark.Value, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := r.value(c, depth+1)
			if err != nil {
				return nil, err
			}
			elems = append(elems, v)
		}
		return starlark.NewList(elems), nil
	case yaml.MappingNode:
		return r.mapping(n, depth)
	case yaml.ScalarNode:
		return r.scalar(n)
	}
	return starlark.None, nil // a document without content
}

func (r *yamlReader) mapping(n *yaml.Node, depth int) (starlark.Value, error) {
	if tag := n.ShortTag(); tag != "!!map" {
		return nil, &yamlError{n.Line, fmt.Sprintf("cannot use the tag %s", tag)}
	}
	dict := starlark.NewDict(len(n.Content) / 2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		k, err := r.value(key, depth+1)
		if err != nil {
			return nil, err
		}
		if _, err := k.Hash(); err != nil {
			return nil, &yamlError{key.Line, fmt.Sprintf("a %s cannot be a key", k.Type())}
		}
		if _, twice, _ := dict.Get(k); twice {
			return nil, &yamlError{key.Line, fmt.Sprintf("the key %s is there twice", k)}
		}
		v, err := r.value(value, depth+1)
		if err != nil {
			return nil, err
		}
		if err := dict.SetKey(k, v); err != nil {
			return nil, err
		}
	}
	for _, source := range merged {
		if err := r.merge(dict, source, depth); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// merge adds what "<<: source" brings to dict: the keys that it lacks. source
// is a mapping, or a list of them of which the first wins.
func (r *yamlReader) merge(dict *starlark.Dict, source *yaml.Node, depth int) error {
	v, err := r.value(source, depth+1)
	if err != nil {
		return err
	}
	sources := []starlark.Value{v}
	if list, ok := v.(*starlark.List); ok {
		sources = sources[:0]
		for elem := range list.Elements() {
			sources = append(sources, elem)
		}
	}
	for _, s := range sources {
		from, ok := s.(*starlark.Dict)
		if !ok {
			return &yamlError{source.Line, fmt.Sprintf("<< wants a mapping or a list of mappings, got a %s", s.Type())}
		}
		for _, item := range from.Items() {
			if _, there, _ := dict.Get(item[0]); !there {
				if err := dict.SetKey(item[0], item[1]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *yamlReader) scalar(n *yaml.Node) (starlark.Value, error) {
	unfit := func() (starlark.Value, error) {
		return nil, &yamlError{n.Line, fmt.Sprintf("%.40q is not a %s", n.Value, n.ShortTag())}
	}
	if n.Style == 0 && isDecimal(n.Value) { // the parser has bounds for integers
		if len(n.Value) > maxDecodeDigit {
			return nil, &yamlError{n.Line, fmt.Sprintf("a number has more than %d digits", maxDecodeDigit)}
		}
		if i, ok := new(big.Int).SetString(n.Value, 10); ok {
			return starlark.MakeBigInt(i), nil
		}
	}
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp", "!!merge":
		return starlark.String(n.Value), nil
	case "!!null":
		return starlark.None, nil
	case "!!bool":
		var b bool
		if n.Decode(&b) != nil {
			return unfit()
		}
		return starlark.Bool(b), nil
	case "!!int", "!!float":
		var number any
		if n.Decode(&number) != nil {
			return unfit()
		}
		switch number := number.(type) {
		case int:
			return starlark.MakeInt(number), nil
		case int64:
			return starlark.MakeInt64(number), nil
		case uint64:
			return starlark.MakeUint64(number), nil
		case float64:
			return starlark.Float(number), nil
		}
		return unfit()
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return unfit()
		}
		return starlark.Bytes(data), nil
	default:
		return nil, &yamlError{n.Line, fmt.Sprintf("cannot use the tag %s", tag)}
	}
}

// isDecimal says whether text is an integer in decimal, of any size.
func isDecimal(text string) bool {
	digits := strings.TrimLeft(text, "+-")
	return len(digits) >= len(text)-1 && digits != "" && (digits[0] != '0' || len(digits) == 1) && strings.Trim(digits, "0123456789") == ""
}

func encodeYAML(_ struct{}, in invocation) (starlark.Value, error) {
	var v starlark.Value
	if err := in.unpack("value", &v); err != nil {
		return nil, err
	}
	if err := boundEncode(v, in.name); err != nil {
		return nil, err
	}
	text, err := yamlText(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	return starlark.String(text), nil
}

func yamlText(v starlark.Value) (string, error) {
	node, err := yamlNode(v)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return "", err
	}
	if err := encoder.Close(); err != nil {
		return "", err
	}
	return out.String(), nil
}

// yamlNode is v as the encoder's input.
func yamlNode(v starlark.Value) (*yaml.Node, error) {
	scalar := func(tag, text string) (*yaml.Node, error) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}, nil
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return scalar("", "null")
	case starlark.Bool:
		return scalar("", strconv.FormatBool(bool(v)))
	case starlark.Int:
		return scalar("", v.String())
	case starlark.Float:
		return scalar("", yamlFloat(float64(v)))
	case starlark.String:
		if !utf8.ValidString(string(v)) {
			return nil, errors.New("cannot encode a string that is not UTF-8 as YAML: use bytes(…)")
		}
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(v)}
		if ambiguousYAML(string(v)) || strings.Contains(string(v), "\n") && !blockYAML(string(v)) {
			node.Style = yaml.DoubleQuotedStyle
		}
		return node, nil
	case starlark.Bytes:
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!binary", Value: base64.StdEncoding.EncodeToString([]byte(v))}
		return node, nil
	case starlark.IterableMapping:
		return yamlMapping(v.Items())
	case starlark.Iterable:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for elem := range starlark.Elements(v) {
			child, err := yamlNode(elem)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		return node, nil
	case *starlarkstruct.Struct, *record:
		fields := v.(starlark.HasAttrs)
		var items []starlark.Tuple
		for _, name := range fields.AttrNames() {
			field, err := fields.Attr(name)
			if err != nil {
				return nil, err
			}
			items = append(items, starlark.Tuple{starlark.String(name), field})
		}
		return yamlMapping(items)
	}
	return nil, fmt.Errorf("cannot encode a %s as YAML", v.Type())
}

func yamlMapping(items []starlark.Tuple) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, item := range items {
		key, err := yamlNode(item[0])
		if err != nil {
			return nil, err
		}
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("cannot encode a %s as a YAML key", item[0].Type())
		}
		value, err := yamlNode(item[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", item[0], err)
		}
		node.Content = append(node.Content, key, value)
	}
	return node, nil
}

// yamlFloat writes f so that it is read as a float again.
func yamlFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	text := starlark.Float(f).String()
	if mantissa, exponent, ok := strings.Cut(text, "e"); ok && !strings.Contains(mantissa, ".") {
		return mantissa + ".0e" + exponent // 1e+20 is a string to YAML 1.1
	}
	return text
}

// ambiguousYAML says whether text, unquoted, is a string to YAML 1.2 but a
// boolean, a base-60 number, a merge or a default to YAML 1.1, which much
// software still reads.
func ambiguousYAML(text string) bool {
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off", "<<", "=":
		return true
	}
	return strings.Contains(text, ":") && strings.Trim(text, "+-0123456789_:.") == ""
}

// blockYAML says whether text of several lines keeps every character when it
// is written as a block, below a "|". Otherwise it is written in quotes.
func blockYAML(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimRight(line, " \t") != line {
			return false
		}
	}
	return !strings.ContainsAny(text[:1], " \t\n") &&
		strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }) < 0
}
