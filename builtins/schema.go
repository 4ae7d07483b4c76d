package builtins

import (
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// This file defines module schema: what options, action parameters and
// databags have to be. schematype.go holds the types, schemarecord.go the
// records, schemareading.go the checking of values, schemacodec.go what is
// written in databags, schemaload.go the ways in and out, schemadoc.go how
// schemas are shown.

// schemaValidationError is the kind of failure of values that do not fit.
var schemaValidationError = &Kind{Name: "schema.ValidationError"}

var schemaTable = table[struct{}]{
	typ: "schema",
	doc: "Says what options, action parameters and databags have to be. A field is required unless it has a default or is optional. All types take, by name: default, the value of a field that is not there; alias, the field's name outside of the charm; codec, how a databag holds it (\"json\" by default, \"yaml\", or \"raw\", the text itself); check, a function that gets a value that fits otherwise and returns None, or what is wrong with it; doc, a text for people. A mistake in a schema itself, such as a default that does not fit, is an error where it is written.",
	members: []member[struct{}]{
		{name: "record", sig: "(*, doc: str = None, codec: str = None, check: function = None, **fields: schema_type) -> record_type", doc: "A type with these fields, in this order. Calling it makes a record. codec is that of the fields that name none; check gets a record whose fields fit. A field may be called doc, codec or check as well: what is a schema type is a field.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) { return newRecordType(in) }},
		{name: "int", sig: "(*, default: int = <none>, min: int = None, max: int = None, forbid: dict[int, str] = {}, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "A whole number, from min to max. forbid has the numbers that are not allowed, and why.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) { return newNumberType("int", in) }},
		{name: "float", sig: "(*, default: float = <none>, min: float = None, max: float = None, forbid: dict[float, str] = {}, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "A finite number, from min to max; an int is turned into a float.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) { return newNumberType("float", in) }},
		{name: "bool", sig: "(*, default: bool = <none>, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "True or False.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				t := &schemaType{kind: "bool"}
				return t.defined(in, t.unpack(in, byName, nil))
			}},
		{name: "string", sig: "(*, default: str = <none>, min_length: int = None, max_length: int = None, pattern: str = None, forbid: dict[str, str] = {}, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "A string. The lengths are in characters. pattern is a regular expression (RE2) that has to match somewhere: ^ and $ tie it to the ends. forbid has the strings that are not allowed, and why.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				t := &schemaType{kind: "string"}
				pattern := ""
				err := t.unpack(in, byName, nil, "min_length??", &t.minLength, "max_length??", &t.maxLength, "pattern??", &pattern, "forbid??", &t.forbid)
				if err == nil && pattern != "" {
					if t.pattern, err = regexp.Compile(pattern); err != nil {
						err = fmt.Errorf("%s: pattern: %w", in.name, err)
					}
				}
				return t.defined(in, err)
			}},
		{name: "enum", sig: "(*choices: str | int, default: str | int = <none>, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "One of some strings or whole numbers.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				t := &schemaType{kind: "enum", choices: in.args}
				in.args = nil
				return t.defined(in, t.unpack(in, byName, nil))
			}},
		{name: "list", sig: "(of: schema_type = schema.any(), *, default: list = <none>, min_length: int = None, max_length: int = None, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "A list whose elements are of one type; it is frozen.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				t := &schemaType{kind: "list", of: &schemaType{kind: "any"}}
				return t.defined(in, t.unpack(in, "of?", t.of, byName, nil, "min_length??", &t.minLength, "max_length??", &t.maxLength))
			}},
		{name: "dict", sig: "(of: schema_type = schema.any(), *, keys: schema_type = schema.string(), default: dict = <none>, min_length: int = None, max_length: int = None, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "A dict whose values are of one type, and whose keys are strings; it is frozen.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				t := &schemaType{kind: "dict", of: &schemaType{kind: "any"}, keys: &schemaType{kind: "string"}}
				return t.defined(in, t.unpack(in, "of?", t.of, byName, nil, "keys?", t.keys, "min_length??", &t.minLength, "max_length??", &t.maxLength))
			}},
		{name: "secret", sig: "(*, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "A secret: outside of the charm its URI, inside a secret value, whose content is asked of Juju when it is used. A URI that does not fit is not shown.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				t := &schemaType{kind: "secret"}
				err := t.unpack(in, byName, nil)
				if err == nil && t.fallback != nil {
					err = fmt.Errorf("%s: a secret has no default: write schema.optional(schema.secret())", in.name)
				}
				return t.defined(in, err)
			}},
		{name: "any", sig: "(*, default = <none>, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "Any plain data: None, a bool, a number, a string, a list, or a dict with string keys.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				t := &schemaType{kind: "any"}
				return t.defined(in, t.unpack(in, byName, nil))
			}},
		{name: "optional", sig: "(of: schema_type, *, default = None, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "A type whose values may be None, which they are by default. A databag does not have the key of a field that is None. What is given here takes the place of what of says.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) { return newWrappedType(in, true) }},
		{name: "field", sig: "(of: schema_type, *, default = <none>, alias: str = None, codec: str = None, check: function = None, doc: str = None) -> schema_type", doc: "A type as it is, but for what is given here. It gives an alias or a codec to a field that is a record.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) { return newWrappedType(in, false) }},
		{name: "ValidationError", sig: "kind", doc: "The failure of values that do not fit their schema. Its message names every mistake: its fields are a list of struct(path, message), one for each, of which there are 20 at most.",
			get: func(struct{}) (starlark.Value, error) { return schemaValidationError, nil }},
	},
}

// newSchema returns module schema.
func newSchema() starlark.Value { return &module[struct{}]{table: &schemaTable} }

func newNumberType(kind string, in invocation) (starlark.Value, error) {
	t := &schemaType{kind: kind}
	return t.defined(in, t.unpack(in, byName, nil, "min??", &t.min, "max??", &t.max, "forbid??", &t.forbid))
}

// newWrappedType copies a type, for a field.
func newWrappedType(in invocation, optional bool) (starlark.Value, error) {
	var t, rest schemaType
	if err := rest.unpack(in, "of", &t, byName, nil); err != nil {
		return nil, err
	}
	t.optional = t.optional || optional
	if rest.fallback != nil {
		t.fallback = rest.fallback
	} else if optional && t.fallback == nil {
		t.fallback = starlark.None
	}
	if rest.alias != "" {
		t.alias = rest.alias
	}
	if rest.codec != "" {
		t.codec = rest.codec
	}
	if rest.check != nil {
		t.check = rest.check
	}
	if rest.doc != "" {
		t.doc = rest.doc
	}
	return t.defined(in, nil)
}

// defined ends the definition of a type: what is wrong with it is an error.
func (t *schemaType) defined(in invocation, err error) (starlark.Value, error) {
	if err != nil {
		return nil, err
	}
	if err := t.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	if t.fallback == nil {
		return t, nil
	}
	r := &schemaReading{thread: in.thread, names: fieldNames}
	v, err := r.value(t, "default", t.fallback)
	switch {
	case err != nil:
		return nil, err
	case len(r.mistakes) > 0:
		cure := ""
		if t.fallback == starlark.None {
			cure = "; where None is allowed, write schema.optional(…)"
		}
		return nil, fmt.Errorf("%s: %s%s", in.name, r.message(), cure)
	}
	t.fallback = v
	return t, nil
}

// validate says what is wrong with a type, its default aside.
func (t *schemaType) validate() error {
	for _, bound := range []struct {
		name string
		v    starlark.Value
	}{{"min", t.min}, {"max", t.max}} {
		if bound.v != nil && !t.ofKind(bound.v) {
			return fmt.Errorf("%s is a %s, want %s", bound.name, bound.v.Type(), article(t.kind))
		}
	}
	if t.min != nil && t.max != nil && less(t.max, t.min) {
		return fmt.Errorf("min is %v, which is more than max, %v", t.min, t.max)
	}
	for _, bound := range []struct {
		name string
		v    starlark.Value
	}{{"min_length", t.minLength}, {"max_length", t.maxLength}} {
		if bound.v == nil {
			continue
		}
		if n, err := starlark.AsInt32(bound.v); err != nil || n < 0 {
			return fmt.Errorf("%s is %s, want a length", bound.name, shown(bound.v))
		}
	}
	if t.minLength != nil && t.maxLength != nil && less(t.maxLength, t.minLength) {
		return fmt.Errorf("min_length is %v, which is more than max_length, %v", t.minLength, t.maxLength)
	}
	if t.forbid != nil {
		for _, item := range t.forbid.Items() {
			if !t.ofKind(item[0]) {
				return fmt.Errorf("forbid: %v is a %s, want %s", item[0], item[0].Type(), article(t.kind))
			}
			if reason, ok := starlark.AsString(item[1]); !ok || reason == "" {
				return fmt.Errorf("forbid: %v has %v, want the reason, a string", item[0], item[1])
			}
		}
		t.forbid.Freeze()
	}
	if t.kind == "enum" {
		if len(t.choices) == 0 {
			return errors.New("want at least one choice")
		}
		for i, choice := range t.choices {
			switch choice.(type) {
			case starlark.String, starlark.Int:
			default:
				return fmt.Errorf("choice %d is a %s, want a string or int", i+1, choice.Type())
			}
		}
	}
	for _, part := range []struct {
		name string
		typ  *schemaType
	}{{"elements", t.of}, {"keys", t.keys}} {
		if part.typ == nil {
			continue
		}
		if t.kind == "dict" && part.name == "elements" {
			part.name = "values"
		}
		// An optional element has the default None, which is never used.
		if part.typ.fallback != nil && part.typ.fallback != starlark.None || part.typ.alias != "" || part.typ.codec != "" {
			return fmt.Errorf("the %s of a %s have no default, alias or codec", part.name, t.kind)
		}
	}
	if t.keys != nil && t.keys.kind != "string" && t.keys.kind != "enum" {
		return fmt.Errorf("keys is %s, want schema.string(…) or schema.enum(…)", t.keys)
	}
	switch t.codec {
	case "", "json", "yaml":
		return nil
	case "raw":
		return t.validateRaw()
	}
	return fmt.Errorf("codec is %q, want \"json\", \"yaml\" or \"raw\"", t.codec)
}

// validateRaw says whether a type has values that text alone can hold.
func (t *schemaType) validateRaw() error {
	switch t.kind {
	case "list", "dict", "record", "any":
		return fmt.Errorf("the codec raw is for one string, number, bool, enum or secret, and not for a %s: use \"json\" or \"yaml\"", t.kind)
	}
	return nil
}

// length is how long a value of this type is, in characters or elements.
func length(v starlark.Value) int {
	if s, ok := starlark.AsString(v); ok {
		return utf8.RuneCountInString(s)
	}
	return starlark.Len(v)
}
