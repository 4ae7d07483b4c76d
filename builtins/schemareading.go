package builtins

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// This file checks values against schemas, and collects what is wrong.

// maxMistakes bounds how many mistakes a message tells of.
const maxMistakes = 20

// A naming is how the fields of records are called in what is read.
type naming int

const (
	fieldNames naming = iota // as in the charm
	wireNames                // by their aliases
	dashNames                // by their aliases, else with - for _ if the name itself is not there
)

// A schemaReading turns values that come from elsewhere into ones that fit
// their schema.
type schemaReading struct {
	thread   *starlark.Thread
	hook     *Hook // of secrets; nil where there are none to look up
	names    naming
	mistakes []mistake
	left     int // mistakes that are not told
	absent   int // mistakes that are a required field of the outermost record which is not there
}

// maxMistake is how much is shown of a mistake, which may name what the other
// side of a relation wrote, in characters.
const maxMistake = 500

// A mistake is why a value does not fit.
type mistake struct{ path, message string }

func (r *schemaReading) mistake(path, format string, args ...any) {
	if len(r.mistakes) == maxMistakes {
		r.left++
		return
	}
	r.mistakes = append(r.mistakes, mistake{path, fmt.Sprintf(format, args...)})
}

// message names every mistake.
func (r *schemaReading) message() string {
	var all []string
	for _, m := range r.mistakes {
		text := shortened(m.message, maxMistake)
		if m.path != "" {
			text = shortened(m.path, maxMistake) + ": " + text
		}
		all = append(all, text)
	}
	if r.left > 0 {
		all = append(all, fmt.Sprintf("and %d more", r.left))
	}
	return strings.Join(all, "; ")
}

// failure is the failure of what was read, if there were mistakes; its message
// starts with about.
func (r *schemaReading) failure(about string) error {
	if len(r.mistakes) == 0 {
		return nil
	}
	fields := make([]starlark.Value, len(r.mistakes))
	for i, m := range r.mistakes {
		fields[i] = starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
			"path": starlark.String(m.path), "message": starlark.String(m.message),
		})
	}
	list := starlark.NewList(fields)
	list.Freeze()
	return &Failure{Kind: schemaValidationError, Message: about + r.message(), Fields: starlark.StringDict{"fields": list}}
}

// A fieldSource gives the value of a field and the name that it has there. A
// nil value is a field that is not there; false says that there is one, but
// that a mistake was found in it already.
type fieldSource func(f *recordField) (v starlark.Value, name string, ok bool)

// keyed is a source whose values have keys.
func (r *schemaReading) keyed(get func(key string) starlark.Value) fieldSource {
	return func(f *recordField) (starlark.Value, string, bool) {
		if r.names == fieldNames {
			return get(f.name), f.name, true
		}
		v, name := get(f.wire()), f.wire()
		if dashed := strings.ReplaceAll(f.name, "_", "-"); v == nil && r.names == dashNames && f.alias == "" {
			if v = get(dashed); v != nil {
				name = dashed
			}
		}
		return v, name, true
	}
}

// record reads a record. It is nil if there were mistakes; the error is a bug
// in a check function, or a failure in it.
func (r *schemaReading) record(t *recordType, path string, source fieldSource) (starlark.Value, error) {
	before := len(r.mistakes) + r.left
	values := make([]starlark.Value, len(t.fields))
	for i := range t.fields {
		f := &t.fields[i]
		v, name, ok := source(f)
		if !ok {
			continue
		}
		if path != "" {
			name = path + "." + name
		}
		switch {
		case v == nil && f.fallback != nil:
			values[i] = f.fallback
		case v == nil:
			if path == "" {
				r.absent++
			}
			r.mistake(name, "missing, want %s", f.wanted())
		default:
			var err error
			if values[i], err = r.value(f.schemaType, name, v); err != nil {
				return nil, err
			}
		}
	}
	if len(r.mistakes)+r.left > before {
		return nil, nil
	}
	rec := &record{typ: t, values: values}
	return rec, r.ask(t.check, path, rec)
}

// ask has a check function look at a value that fits otherwise.
func (r *schemaReading) ask(check starlark.Callable, path string, v starlark.Value) error {
	if check == nil {
		return nil
	}
	answer, err := starlark.Call(r.thread, check, starlark.Tuple{v}, nil)
	if err != nil {
		return err
	}
	switch answer := answer.(type) {
	case starlark.NoneType:
	case starlark.String:
		r.mistake(path, "%s", string(answer))
	default:
		return fmt.Errorf("%s, a check function, returned a %s, want None, or a string that says what is wrong", check.Name(), answer.Type())
	}
	return nil
}

// value reads one value. It is nil if there was a mistake.
func (r *schemaReading) value(t *schemaType, path string, v starlark.Value) (starlark.Value, error) {
	if v == starlark.None && t.optional {
		return v, nil
	}
	before := len(r.mistakes) + r.left
	v, err := r.fit(t, path, v)
	if err != nil || len(r.mistakes)+r.left > before {
		return nil, err
	}
	v.Freeze() // it is a copy, or cannot change anyway
	if t.forbid != nil {
		if reason, found, err := t.forbid.Get(v); err == nil && found {
			r.mistake(path, "%s", string(reason.(starlark.String)))
			return nil, nil
		}
	}
	if err := r.ask(t.check, path, v); err != nil || len(r.mistakes)+r.left > before {
		return nil, err
	}
	return v, nil
}

// fit reads a value, what is forbidden and the check function aside.
func (r *schemaReading) fit(t *schemaType, path string, v starlark.Value) (starlark.Value, error) {
	switch t.kind {
	case "int", "float", "bool", "string":
		if !t.ofKind(v) || !t.within(v) {
			r.mistake(path, "got %s, want %s", shown(v), t.wanted())
		}
		if n, isInt := v.(starlark.Int); isInt && t.kind == "float" {
			return n.Float(), nil
		}
	case "enum":
		for _, choice := range t.choices {
			if same, err := starlark.Equal(choice, v); err == nil && same && choice.Type() == v.Type() {
				return choice, nil
			}
		}
		r.mistake(path, "got %s, want %s%s", shown(v), t.wanted(), t.nearest(v))
	case "list":
		return r.list(t, path, v)
	case "dict":
		return r.dict(t, path, v)
	case "record":
		if rec, ok := v.(*record); ok && rec.typ == t.record {
			return rec, nil
		}
		m, ok := v.(starlark.IterableMapping)
		if !ok {
			r.mistake(path, "got %s, want %s", shown(v), t.wanted())
			return nil, nil
		}
		if r.names == fieldNames {
			known := t.record.names()
			for _, item := range m.Items() {
				if key, ok := starlark.AsString(item[0]); !ok || !slices.Contains(known, key) {
					r.mistake(path, "the record has no field %s%s", shown(item[0]), didYouMean(key, known))
				}
			}
		}
		return r.record(t.record, path, r.keyed(func(key string) starlark.Value {
			if field, found, err := m.Get(starlark.String(key)); err == nil && found {
				return field
			}
			return nil
		}))
	case "secret":
		return r.secret(t, path, v)
	case "any":
		plain, err := copyPlain(v, 0)
		if err != nil {
			r.mistake(path, "%v", err)
		}
		return plain, nil
	}
	return v, nil
}

// within says whether a value of the right kind is within the bounds.
func (t *schemaType) within(v starlark.Value) bool {
	switch {
	case t.min != nil && less(v, t.min), t.max != nil && less(t.max, v):
		return false
	case t.minLength != nil && less(starlark.MakeInt(length(v)), t.minLength), t.maxLength != nil && less(t.maxLength, starlark.MakeInt(length(v))):
		return false
	}
	return t.pattern == nil || t.pattern.MatchString(string(v.(starlark.String)))
}

// nearest is the choice that was probably meant, as the end of a message.
func (t *schemaType) nearest(v starlark.Value) string {
	name, ok := starlark.AsString(v)
	if !ok {
		return ""
	}
	var known []string
	for _, choice := range t.choices {
		if s, ok := starlark.AsString(choice); ok {
			known = append(known, s)
		}
	}
	return didYouMean(name, known)
}

func (r *schemaReading) list(t *schemaType, path string, v starlark.Value) (starlark.Value, error) {
	_, isList := v.(*starlark.List)
	_, isTuple := v.(starlark.Tuple)
	if !isList && !isTuple || !t.within(v) {
		r.mistake(path, "got %s, want %s", shown(v), t.wanted())
		return nil, nil
	}
	var elems []starlark.Value
	for elem := range starlark.Elements(v.(starlark.Iterable)) {
		fit, err := r.value(t.of, fmt.Sprintf("%s[%d]", path, len(elems)), elem)
		if err != nil {
			return nil, err
		}
		elems = append(elems, fit)
	}
	return starlark.NewList(elems), nil
}

func (r *schemaReading) dict(t *schemaType, path string, v starlark.Value) (starlark.Value, error) {
	m, ok := v.(*starlark.Dict)
	if !ok || !t.within(v) {
		r.mistake(path, "got %s, want %s", shown(v), t.wanted())
		return nil, nil
	}
	dict := starlark.NewDict(m.Len())
	for _, item := range m.Items() {
		at := fmt.Sprintf("%s[%s]", path, shown(item[0]))
		key, err := r.value(t.keys, at, item[0])
		if err != nil {
			return nil, err
		}
		value, err := r.value(t.of, at, item[1])
		if err != nil {
			return nil, err
		}
		if key != nil && value != nil {
			if err := dict.SetKey(key, value); err != nil {
				return nil, err
			}
		}
	}
	return dict, nil
}

// secretURI is what the URI of a secret looks like; that of another model's has
// the model's UUID. Juju takes no other for one.
var secretURI = regexp.MustCompile(`^secret:((//?)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/)?[0-9a-z]{20}$`)

func (r *schemaReading) secret(t *schemaType, path string, v starlark.Value) (starlark.Value, error) {
	if s, ok := v.(*secret); ok {
		return s, nil
	}
	uri, ok := starlark.AsString(v)
	if !ok || !secretURI.MatchString(uri) {
		r.mistake(path, "this is not the URI of a secret, want %s", t.wanted())
		return nil, nil
	}
	if r.hook == nil {
		r.mistake(path, "got the URI of a secret, want the secret: model.get_secret(id = …)")
		return nil, nil
	}
	s, err := r.hook.Model.Secret(uri, "")
	if err != nil {
		return nil, err
	}
	return r.hook.secret(s), nil
}

// copyPlain copies plain data.
func copyPlain(v starlark.Value, depth int) (starlark.Value, error) {
	if depth > maxPlainDepth {
		return nil, fmt.Errorf("nested deeper than %d levels, or contains itself", maxPlainDepth)
	}
	switch v := v.(type) {
	case starlark.NoneType, starlark.Bool, starlark.Int, starlark.Float, starlark.String:
		return v, nil
	case *starlark.List, starlark.Tuple:
		var elems []starlark.Value
		for elem := range starlark.Elements(v.(starlark.Iterable)) {
			part, err := copyPlain(elem, depth+1)
			if err != nil {
				return nil, err
			}
			elems = append(elems, part)
		}
		return starlark.NewList(elems), nil
	case *starlark.Dict:
		dict := starlark.NewDict(v.Len())
		for _, item := range v.Items() {
			part, err := copyPlain(item[1], depth+1)
			if err != nil {
				return nil, err
			}
			if _, ok := item[0].(starlark.String); !ok {
				return nil, fmt.Errorf("it has the key %s of type %s, want strings", shown(item[0]), item[0].Type())
			}
			if err := dict.SetKey(item[0], part); err != nil {
				return nil, err
			}
		}
		return dict, nil
	}
	return nil, fmt.Errorf("got a %s, want plain data", v.Type())
}

// maxShown bounds, in characters, a value in a message.
const maxShown = 60

// shown is a value in a message; of one that is no single thing the type.
func shown(v starlark.Value) string {
	switch v.(type) {
	case starlark.NoneType, starlark.Bool, starlark.Int, starlark.Float, starlark.String:
		if s, ok := starlark.AsString(v); ok && len(s) > 4*maxShown {
			v = starlark.String(s[:4*maxShown])
		}
		return shortened(v.String(), maxShown)
	case *starlark.List, *starlark.Dict, starlark.Tuple:
		return fmt.Sprintf("a %s of %d", v.Type(), starlark.Len(v))
	}
	return article(v.Type())
}

// shortened is text of at most so many characters.
func shortened(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
