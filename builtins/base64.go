package builtins

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// Kinds of failure of module base64.
var base64DecodeError = &Kind{Name: "base64.DecodeError"}

var base64Table = table[struct{}]{
	typ: "base64",
	doc: "Base64, RFC 4648.",
	members: []member[struct{}]{
		{name: "encode", sig: "(data: str | bytes, urlsafe: bool = False) -> str", doc: "Encodes data, with padding. urlsafe writes - and _ for + and /.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				var data starlark.Value
				var urlsafe bool
				if err := in.unpack("data", &data, "urlsafe?", &urlsafe); err != nil {
					return nil, err
				}
				raw, err := rawBytes(in.name, "data", data)
				if err != nil {
					return nil, err
				}
				encoding := base64.StdEncoding
				if urlsafe {
					encoding = base64.URLEncoding
				}
				return starlark.String(encoding.EncodeToString(raw)), nil
			}},
		{name: "decode", sig: "(text: str, default = <fail>) -> str", doc: "Decodes text to a string. Either alphabet is read, white space and missing padding are allowed. What is not base64, or not UTF-8 inside, gives default if there is one, otherwise the failure base64.DecodeError.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				return decodeBase64(in, func(raw string) (starlark.Value, error) {
					if !utf8.ValidString(raw) {
						return nil, fmt.Errorf("what it holds is not UTF-8 text: use base64.decode_bytes")
					}
					return starlark.String(raw), nil
				})
			}},
		{name: "decode_bytes", sig: "(text: str, default = <fail>) -> bytes", doc: "Decodes text to bytes, as decode does.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				return decodeBase64(in, func(raw string) (starlark.Value, error) { return starlark.Bytes(raw), nil })
			}},
		{name: "DecodeError", sig: "kind", doc: "The failure when text is not base64.",
			get: func(struct{}) (starlark.Value, error) { return base64DecodeError, nil }},
	},
}

// newBase64 returns module base64.
func newBase64() starlark.Value { return &module[struct{}]{table: &base64Table} }

func decodeBase64(in invocation, convert func(raw string) (starlark.Value, error)) (starlark.Value, error) {
	var text string
	var fallback starlark.Value
	if err := in.unpack("text", &text, "default?", &fallback); err != nil {
		return nil, err
	}
	compact := strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(compact, "-_") {
		encoding = base64.RawURLEncoding
	}
	raw, err := encoding.DecodeString(compact)
	var v starlark.Value
	if err == nil {
		v, err = convert(string(raw))
	}
	switch {
	case err == nil:
		return v, nil
	case fallback != nil:
		return fallback, nil
	}
	return nil, &Failure{Kind: base64DecodeError, Message: "cannot decode the text: " + err.Error(), Err: err}
}

// rawBytes is the content of a string or bytes argument.
func rawBytes(function, param string, v starlark.Value) ([]byte, error) {
	switch v := v.(type) {
	case starlark.String:
		return []byte(v), nil
	case starlark.Bytes:
		return []byte(v), nil
	}
	return nil, fmt.Errorf("%s: for parameter %s: got %s, want string or bytes", function, param, v.Type())
}
