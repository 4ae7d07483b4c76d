package builtins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// This file converts plain data, which is what may be kept from one hook to
// the next, to JSON and back: None, bool, int of any size, float, string, list,
// and dict with string keys. A float keeps being a float (1.0 is written as
// such), and dicts keep their order.

// maxPlainDepth bounds how deep lists and dicts may be nested; a value that
// contains itself ends there.
const maxPlainDepth = 100

// encodePlain writes v as JSON. The error names the path to what cannot be
// kept, starting with name.
func encodePlain(name string, v starlark.Value) (json.RawMessage, error) {
	var buf bytes.Buffer
	if err := appendPlain(&buf, name, v, 0); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func appendPlain(buf *bytes.Buffer, path string, v starlark.Value, depth int) error {
	if depth > maxPlainDepth {
		return fmt.Errorf("%s is nested deeper than %d levels, or contains itself", shortenPath(path), maxPlainDepth)
	}
	switch v := v.(type) {
	case starlark.NoneType:
		buf.WriteString("null")
	case starlark.Bool:
		buf.WriteString(strconv.FormatBool(bool(v)))
	case starlark.Int:
		buf.WriteString(v.String())
	case starlark.Float:
		f := float64(v)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s is %v, which cannot be kept", path, v)
		}
		text := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		buf.WriteString(text)
	case starlark.String:
		return appendPlainString(buf, path, string(v))
	case *starlark.List:
		buf.WriteByte('[')
		for i := 0; i < v.Len(); i++ {
			if i > 0 {
				buf.WriteByte(',')
			}
			if err := appendPlain(buf, fmt.Sprintf("%s[%d]", path, i), v.Index(i), depth+1); err != nil {
				return err
			}
		}
		buf.WriteByte(']')
	case *starlark.Dict:
		buf.WriteByte('{')
		for i, item := range v.Items() {
			key, ok := item[0].(starlark.String)
			if !ok {
				return fmt.Errorf("%s has the key %v of type %s; keys must be strings", path, item[0], item[0].Type())
			}
			if i > 0 {
				buf.WriteByte(',')
			}
			if err := appendPlainString(buf, path, string(key)); err != nil {
				return err
			}
			buf.WriteByte(':')
			if err := appendPlain(buf, fmt.Sprintf("%s[%s]", path, key), item[1], depth+1); err != nil {
				return err
			}
		}
		buf.WriteByte('}')
	default:
		return fmt.Errorf("%s is a %s, which cannot be kept%s", path, v.Type(), plainCure(v))
	}
	return nil
}

func appendPlainString(buf *bytes.Buffer, path, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not valid UTF-8; keep bytes as base64.encode(…)", path)
	}
	// A JSON encoder that leaves <, > and & alone.
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - 1) // Encode ends with a newline
	return nil
}

// plainCure says what to write instead of v.
func plainCure(v starlark.Value) string {
	switch v.(type) {
	case starlark.Tuple:
		return "; use list(…)"
	case *starlark.Set:
		return "; use sorted(…)"
	case starlark.Bytes:
		return "; use base64.encode(…)"
	case *record:
		return "; keep its fields"
	case starlark.Callable:
		return ""
	}
	return "; keep its name or id instead"
}

func shortenPath(path string) string {
	if len(path) > 60 {
		return path[:60] + "…"
	}
	return path
}

// decodePlain reads JSON as a frozen Starlark value.
func decodePlain(raw json.RawMessage) (starlark.Value, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := decodePlainValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more data after the value")
	}
	v.Freeze()
	return v, nil
}

func decodePlainValue(dec *json.Decoder, depth int) (starlark.Value, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	return decodePlainToken(dec, token, depth)
}

func decodePlainToken(dec *json.Decoder, token json.Token, depth int) (starlark.Value, error) {
	if depth > maxPlainDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxPlainDepth)
	}
	switch token := token.(type) {
	case nil:
		return starlark.None, nil
	case bool:
		return starlark.Bool(token), nil
	case string:
		return starlark.String(token), nil
	case json.Number:
		return decodePlainNumber(string(token))
	case json.Delim:
		if token == '[' {
			var elems []starlark.Value
			for dec.More() {
				v, err := decodePlainValue(dec, depth+1)
				if err != nil {
					return nil, err
				}
				elems = append(elems, v)
			}
			_, err := dec.Token()
			return starlark.NewList(elems), err
		}
		dict := new(starlark.Dict)
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name := starlark.String(key.(string))
			if _, twice, _ := dict.Get(name); twice {
				return nil, fmt.Errorf("the key %s is there twice", shown(name))
			}
			v, err := decodePlainValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(name, v); err != nil {
				return nil, err
			}
		}
		_, err := dec.Token()
		return dict, err
	}
	return nil, fmt.Errorf("unexpected %v", token)
}

func decodePlainNumber(text string) (starlark.Value, error) {
	if !strings.ContainsAny(text, ".eE") {
		if n, ok := new(big.Int).SetString(text, 10); ok {
			return starlark.MakeBigInt(n), nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("cannot read the number %s", text)
	}
	return starlark.Float(f), nil
}

// toStarlark converts what package model gives (strings, numbers, bools, nil,
// []any, map[string]any, whose keys it sorts) to a frozen Starlark value.
func toStarlark(v any) (starlark.Value, error) {
	switch v := v.(type) {
	case nil:
		return starlark.None, nil
	case bool:
		return starlark.Bool(v), nil
	case string:
		return starlark.String(v), nil
	case int:
		return starlark.MakeInt(v), nil
	case int64:
		return starlark.MakeInt64(v), nil
	case float64:
		return starlark.Float(v), nil
	case json.RawMessage:
		return decodePlain(v)
	case *big.Int:
		return starlark.MakeBigInt(v), nil
	case []any:
		elems := make([]starlark.Value, len(v))
		for i := range v {
			elem, err := toStarlark(v[i])
			if err != nil {
				return nil, err
			}
			elems[i] = elem
		}
		list := starlark.NewList(elems)
		list.Freeze()
		return list, nil
	case map[string]any:
		dict := starlark.NewDict(len(v))
		for _, key := range sortedNames(v) {
			value, err := toStarlark(v[key])
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(starlark.String(key), value); err != nil {
				return nil, err
			}
		}
		dict.Freeze()
		return dict, nil
	}
	return nil, fmt.Errorf("%T is no plain data", v)
}

// fromStarlark converts a plain Starlark value to Go: nil, bool, int64,
// *big.Int, float64, string, []any, map[string]any.
func fromStarlark(name string, v starlark.Value) (any, error) {
	return fromStarlarkAt(name, v, 0)
}

func fromStarlarkAt(name string, v starlark.Value, depth int) (any, error) {
	if depth > maxPlainDepth {
		return nil, fmt.Errorf("%s is nested deeper than %d levels, or contains itself", shortenPath(name), maxPlainDepth)
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		if n, ok := v.Int64(); ok {
			return n, nil
		}
		return v.BigInt(), nil
	case starlark.Float:
		return float64(v), nil
	case starlark.String:
		return string(v), nil
	case *starlark.Dict:
		m := make(map[string]any, v.Len())
		for _, item := range v.Items() {
			key, ok := item[0].(starlark.String)
			if !ok {
				return nil, fmt.Errorf("%s has the key %v of type %s; keys must be strings", name, item[0], item[0].Type())
			}
			value, err := fromStarlarkAt(fmt.Sprintf("%s[%s]", name, key), item[1], depth+1)
			if err != nil {
				return nil, err
			}
			m[string(key)] = value
		}
		return m, nil
	case starlark.Sequence:
		list := make([]any, 0, v.Len())
		for elem := range starlark.Elements(v) {
			value, err := fromStarlarkAt(fmt.Sprintf("%s[%d]", name, len(list)), elem, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	return nil, fmt.Errorf("%s is a %s; want plain data: None, bool, int, float, string, list or dict", name, v.Type())
}
