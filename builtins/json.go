package builtins

import (
	"bytes"
	gojson "encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.starlark.net/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Bounds on what the decoders accept. A databag or a workload's answer may
// hold anything; within these no input costs more than its size.
const (
	maxDecodeBytes = 16 << 20 // of text
	maxDecodeDepth = 500      // of lists and dicts in each other
	maxDecodeDigit = 4096     // of one number
)

// Kinds of failure of module json.
var jsonDecodeError = &Kind{Name: "json.DecodeError"}

var jsonTable = table[struct{}]{
	typ: "json",
	doc: "Encodes and decodes JSON.",
	members: []member[struct{}]{
		{name: "encode", sig: "(x, /) -> str", doc: "Encodes x, compactly and with sorted keys, so that equal values give equal text.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) { return encodeJSON(in, "encode") }},
		{name: "encode_indent", sig: "(x, /, *, prefix: str = \"\", indent: str = \"\\t\") -> str", doc: "Encodes x over several lines, for people.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) { return encodeJSON(in, "encode_indent") }},
		{name: "decode", sig: "(text: str, default = <fail>) -> value", doc: "Decodes text. What is not JSON gives default if there is one, otherwise the failure json.DecodeError. Text over 16 MiB, nested deeper than 500, or with a number of more than 4096 digits is refused in the same way.",
			call: decodeJSON},
		{name: "indent", sig: "(text: str, prefix: str = \"\", indent: str = \"\\t\") -> str", doc: "Lays JSON text out over several lines. What is not JSON is the failure json.DecodeError.",
			call: indentJSON},
		{name: "DecodeError", sig: "kind", doc: "The failure when text is not JSON.",
			get: func(struct{}) (starlark.Value, error) { return jsonDecodeError, nil }},
	},
}

// newJSON returns module json.
func newJSON() starlark.Value { return &module[struct{}]{table: &jsonTable} }

func encodeJSON(in invocation, name string) (starlark.Value, error) {
	if len(in.args) > 0 {
		if err := boundEncode(in.args[0], in.name); err != nil {
			return nil, err
		}
	}
	v, err := upstream(json.Module, name, in)
	if err != nil {
		return nil, err
	}
	return starlark.String(escapeDelete(string(v.(starlark.String)))), nil
}

// escapeDelete mends what the interpreter's encoder makes of U+007F: \x7f, an
// escape that JSON does not have.
func escapeDelete(encoded string) string {
	if !strings.Contains(encoded, `\x7f`) {
		return encoded
	}
	var out strings.Builder
	for i := 0; i < len(encoded); i++ {
		switch {
		case strings.HasPrefix(encoded[i:], `\x7f`):
			out.WriteString(`\u007f`)
			i += len(`\x7f`) - 1
		case encoded[i] == '\\':
			out.WriteString(encoded[i : i+2]) // an escape: what is behind the backslash starts none
			i++
		default:
			out.WriteByte(encoded[i])
		}
	}
	return out.String()
}

func decodeJSON(_ struct{}, in invocation) (starlark.Value, error) {
	var text string
	var fallback starlark.Value
	if err := in.unpack("text", &text, "default?", &fallback); err != nil {
		return nil, err
	}
	err := boundJSON(text)
	var v starlark.Value
	if err == nil {
		v, err = upstream(json.Module, "decode", invocation{in.thread, in.name, starlark.Tuple{starlark.String(text)}, nil})
	}
	switch {
	case err == nil:
		return v, nil
	case fallback != nil:
		return fallback, nil
	}
	return nil, &Failure{Kind: jsonDecodeError, Message: "cannot decode the text: " + bareMessage(err, "json.decode"), Err: err}
}

func indentJSON(_ struct{}, in invocation) (starlark.Value, error) {
	var text string
	prefix, indent := "", "\t"
	if err := in.unpack("text", &text, "prefix?", &prefix, "indent?", &indent); err != nil {
		return nil, err
	}
	err := boundJSON(text)
	var out bytes.Buffer
	if err == nil {
		err = jsonCause(gojson.Indent(&out, []byte(text), prefix, indent), text)
	}
	if err != nil {
		return nil, &Failure{Kind: jsonDecodeError, Message: "cannot lay the text out: " + err.Error(), Err: err}
	}
	return starlark.String(out.String()), nil
}

// jsonCause says why text is not JSON, in terms of its characters: a decoder
// tells of a byte, and not each of them where it is. Another error stays as it
// is.
func jsonCause(err error, text string) error {
	var syntax *gojson.SyntaxError
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends in the middle")
	case !errors.As(err, &syntax), !errors.As(gojson.Unmarshal([]byte(text), new(gojson.RawMessage)), &syntax):
		return err
	case syntax.Offset < 1 || syntax.Offset > int64(len(text)) || strings.HasPrefix(syntax.Error(), "unexpected end"):
		return errors.New("it ends in the middle")
	}
	r, _ := utf8.DecodeRuneInString(text[syntax.Offset-1:])
	return fmt.Errorf("at offset %d, unexpected character %q", syntax.Offset-1, r)
}

// boundJSON refuses text that the recursive decoder must not see. It need not
// understand the text otherwise.
func boundJSON(text string) error {
	if len(text) > maxDecodeBytes {
		return fmt.Errorf("it has %d bytes, more than %d", len(text), maxDecodeBytes)
	}
	depth, digits, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if quoted {
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
			continue
		}
		if '0' <= c && c <= '9' {
			if digits++; digits > maxDecodeDigit {
				return fmt.Errorf("at offset %d, a number has more than %d digits", i, maxDecodeDigit)
			}
			continue
		}
		digits = 0
		switch c {
		case '"':
			quoted = true
		case '[', '{':
			if depth++; depth > maxDecodeDepth {
				return fmt.Errorf("at offset %d, it nests deeper than %d", i, maxDecodeDepth)
			}
		case ']', '}':
			depth--
		}
	}
	return nil
}

// boundEncode refuses a value that an encoder could not get through: one that
// contains itself, or is so deep or so large that it must be a mistake.
func boundEncode(v starlark.Value, name string) error {
	const maxValues = 4 << 20
	left := maxValues
	var walk func(v starlark.Value, depth int) error
	walk = func(v starlark.Value, depth int) error {
		if left--; left < 0 {
			return fmt.Errorf("%s: the value has more than %d parts", name, maxValues)
		}
		if depth > maxDecodeDepth {
			return fmt.Errorf("%s: the value contains itself or nests deeper than %d", name, maxDecodeDepth)
		}
		switch v := v.(type) {
		case starlark.String, starlark.Bytes:
		case starlark.IterableMapping:
			for _, item := range v.Items() {
				if err := walk(item[1], depth+1); err != nil {
					return err
				}
			}
		case starlark.Iterable:
			for elem := range starlark.Elements(v) {
				if err := walk(elem, depth+1); err != nil {
					return err
				}
			}
		case *starlarkstruct.Struct, *record:
			fields := v.(starlark.HasAttrs)
			for _, field := range fields.AttrNames() {
				elem, err := fields.Attr(field)
				if err != nil {
					return err
				}
				if err := walk(elem, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(v, 0)
}
