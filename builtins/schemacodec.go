package builtins

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// This file reads and writes databags by a schema.

// loadRecord is relation.load_data.
func (r *relation) loadRecord(in invocation) (starlark.Value, error) {
	var t *recordType
	var src, fallback starlark.Value
	if err := in.unpack("schema", &t, "src", &src, byName, nil, "default?", &fallback); err != nil {
		return nil, err
	}
	name, err := entityName(src)
	if err != nil {
		return nil, fmt.Errorf("%s: src: %w", in.name, err)
	}
	bag, err := r.r.Databag(name)
	if err != nil {
		return nil, failure(err)
	}
	items, err := bag.Items()
	if err != nil {
		return nil, failure(err)
	}
	reading := &schemaReading{thread: in.thread, hook: r.h, names: wireNames}
	rec, err := reading.record(t, "", func(f *recordField) (starlark.Value, string, bool) {
		text, found := items[f.wire()]
		if !found {
			return nil, f.wire(), true
		}
		v, err := f.decode(t.codecOf(f), text)
		if err != nil {
			reading.mistake(f.wire(), "%v", err)
			return nil, f.wire(), false
		}
		return v, f.wire(), true
	})
	if err != nil {
		return nil, err
	}
	if fallback != nil && reading.absent > 0 && reading.absent == len(reading.mistakes)+reading.left {
		return fallback, nil
	}
	if err := reading.failure(fmt.Sprintf("the databag of %s in %s: ", name, r.r.Key())); err != nil {
		return nil, err
	}
	return rec, nil
}

// saveRecord is relation.save_data.
func (r *relation) saveRecord(in invocation) (starlark.Value, error) {
	var rec *record
	var dst starlark.Value
	if err := in.unpack("data", &rec, "dst", &dst); err != nil {
		return nil, err
	}
	name, err := entityName(dst)
	if err != nil {
		return nil, fmt.Errorf("%s: dst: %w", in.name, err)
	}
	bag, err := r.r.Databag(name)
	if err != nil {
		return nil, failure(err)
	}
	values := make(map[string]string, len(rec.values))
	for i, v := range rec.values {
		f := &rec.typ.fields[i]
		if values[f.wire()], err = encodeField(in.thread, rec.typ.codecOf(f), v); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", in.name, f.name, err)
		}
	}
	return starlark.None, failure(bag.Update(values))
}

// decode reads the text of a field, which may be anything.
func (t *schemaType) decode(codec, text string) (starlark.Value, error) {
	switch codec {
	case "raw":
		return t.decodeRaw(text), nil
	case "yaml":
		err := boundField(text, maxYAMLField)
		var docs []starlark.Value
		if err == nil {
			docs, err = yamlDocuments(text)
		}
		if err == nil && len(docs) != 1 {
			err = fmt.Errorf("it holds %d documents", len(docs))
		}
		if err != nil {
			return nil, fmt.Errorf("this is not YAML: %s", shortened(err.Error(), maxReason))
		}
		return docs[0], nil
	}
	err := boundField(text, maxJSONField)
	if err == nil {
		err = boundJSON(text)
	}
	var v starlark.Value
	if err == nil {
		v, err = decodePlain([]byte(text))
	}
	if err := jsonCause(err, text); err != nil {
		return nil, fmt.Errorf("this is not JSON: %s", shortened(err.Error(), maxReason))
	}
	return v, nil
}

// Bounds on the text of one field, in bytes: decoded, JSON takes up to 30 times
// its size, YAML 200 times.
const (
	maxJSONField = 4 << 20
	maxYAMLField = 1 << 20
)

// maxReason bounds, in characters, why a text could not be decoded.
const maxReason = 200

func boundField(text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("it has %d bytes, more than %d", len(text), most)
	}
	return nil
}

// decodeRaw reads text as the type says. What does not fit stays a string, so
// that it is refused as one.
func (t *schemaType) decodeRaw(text string) starlark.Value {
	switch t.kind {
	case "int":
		if len(text) > maxDecodeDigit { // reading them takes the square of their number
			break
		}
		if n, ok := new(big.Int).SetString(text, 10); ok {
			return starlark.MakeBigInt(n)
		}
	case "float":
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return starlark.Float(f)
		}
	case "bool":
		switch strings.ToLower(text) {
		case "true":
			return starlark.True
		case "false":
			return starlark.False
		}
	case "enum":
		for _, choice := range t.choices {
			if choice.Type() == "int" && choice.String() == text {
				return choice
			}
		}
	}
	return starlark.String(text)
}

// encodeField is the text of a field; that of None is empty, so that there is
// no key.
func encodeField(thread *starlark.Thread, codec string, v starlark.Value) (string, error) {
	if v == starlark.None {
		return "", nil
	}
	wire, err := onWire(v)
	if err != nil {
		return "", err
	}
	switch codec {
	case "yaml":
		return yamlText(wire)
	case "json":
		text, err := encodeJSON(invocation{thread, "json.encode", starlark.Tuple{wire}, nil}, "encode")
		if err != nil {
			return "", err
		}
		return string(text.(starlark.String)), nil
	}
	switch wire := wire.(type) {
	case starlark.String:
		return string(wire), nil
	case starlark.Bool:
		return strconv.FormatBool(bool(wire)), nil
	}
	return wire.String(), nil
}

// onWire is a value as plain data: records are dicts by their aliases, without
// the fields that are None, and secrets their URIs.
func onWire(v starlark.Value) (starlark.Value, error) {
	switch v := v.(type) {
	case *record:
		dict := starlark.NewDict(len(v.values))
		for i, value := range v.values {
			if value == starlark.None {
				continue
			}
			plain, err := onWire(value)
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(starlark.String(v.typ.fields[i].wire()), plain); err != nil {
				return nil, err
			}
		}
		return dict, nil
	case *starlark.List:
		elems := make([]starlark.Value, v.Len())
		for i := range elems {
			var err error
			if elems[i], err = onWire(v.Index(i)); err != nil {
				return nil, err
			}
		}
		return starlark.NewList(elems), nil
	case *starlark.Dict:
		dict := starlark.NewDict(v.Len())
		for _, item := range v.Items() {
			plain, err := onWire(item[1])
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(item[0], plain); err != nil {
				return nil, err
			}
		}
		return dict, nil
	case *secret:
		if v.s.ID == "" {
			return nil, fmt.Errorf("the secret %q is known by its label only: get it by its id, or save the id that add_secret gave", v.s.Label)
		}
		return starlark.String(v.s.ID), nil
	}
	return v, nil
}
