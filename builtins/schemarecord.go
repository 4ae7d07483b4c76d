package builtins

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// A recordType is what schema.record returns: fields, in their order.
type recordType struct {
	fields []recordField
	codec  string // of the fields that name none
	check  starlark.Callable
	doc    string
}

// A recordField is one field of a record.
type recordField struct {
	name string
	*schemaType
}

// wire is the field's name outside of the charm.
func (f *recordField) wire() string {
	if f.alias != "" {
		return f.alias
	}
	return f.name
}

var _ starlark.Callable = (*recordType)(nil)

// newRecordType is schema.record. Of its own arguments and the fields, which
// are arguments too, only fields are types.
func newRecordType(in invocation) (starlark.Value, error) {
	if len(in.args) > 0 {
		return nil, fmt.Errorf("%s: got %d positional arguments, want fields by name: port = schema.int()", in.name, len(in.args))
	}
	t := &recordType{}
	var own []starlark.Tuple
	for _, arg := range in.kwargs {
		name := string(arg[0].(starlark.String))
		field := recordField{name, new(schemaType)}
		err := field.Unpack(arg[1])
		_, isFunction := arg[1].(starlark.Callable)
		_, isText := arg[1].(starlark.String)
		switch {
		case err == nil:
			t.fields = append(t.fields, field)
		case name == "check" && isFunction, (name == "doc" || name == "codec") && isText:
			own = append(own, arg)
		default:
			return nil, fmt.Errorf("%s: %s: %w", in.name, name, err)
		}
	}
	if err := (invocation{in.thread, in.name, nil, own}).unpack("check?", &t.check, "doc?", &t.doc, "codec?", &t.codec); err != nil {
		return nil, err
	}
	if err := (&schemaType{kind: "string", codec: t.codec}).validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	names := map[string]string{}
	for i := range t.fields {
		f := &t.fields[i]
		if other, ok := names[f.wire()]; ok {
			return nil, fmt.Errorf("%s: the fields %s and %s have one name outside, %q", in.name, other, f.name, f.wire())
		}
		names[f.wire()] = f.name
		if f.codec == "" && t.codec != "" {
			one := *f.schemaType
			one.codec = t.codec
			if err := one.validate(); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", in.name, f.name, err)
			}
		}
	}
	return t, nil
}

func (t *recordType) Name() string         { return "record" }
func (t *recordType) Type() string         { return "record_type" }
func (t *recordType) Freeze()              {}
func (t *recordType) Truth() starlark.Bool { return true }
func (t *recordType) Hash() (uint32, error) {
	return 0, errors.New("unhashable: record_type")
}

// CallInternal implements starlark.Callable: it makes a record.
func (t *recordType) CallInternal(thread *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) > 0 {
		return nil, fmt.Errorf("record: got %d positional arguments, want fields by name: %s", len(args), strings.Join(t.names(), ", "))
	}
	values := make(map[string]starlark.Value, len(kwargs))
	for _, arg := range kwargs {
		name := string(arg[0].(starlark.String))
		if !slices.Contains(t.names(), name) {
			return nil, fmt.Errorf("record: unexpected keyword argument %s: the record has no such field%s", name, didYouMean(name, t.names()))
		}
		values[name] = arg[1]
	}
	r := &schemaReading{thread: thread, names: fieldNames}
	rec, err := r.record(t, "", r.keyed(func(key string) starlark.Value { return values[key] }))
	if err != nil {
		return nil, err
	}
	if err := r.failure(""); err != nil {
		return nil, err
	}
	return rec, nil
}

// names are the names of the fields.
func (t *recordType) names() []string {
	names := make([]string, len(t.fields))
	for i := range t.fields {
		names[i] = t.fields[i].name
	}
	return names
}

// codecOf is how a databag holds a field.
func (t *recordType) codecOf(f *recordField) string {
	switch {
	case f.codec != "":
		return f.codec
	case t.codec != "":
		return t.codec
	}
	return "json"
}

// A record is a value whose fields fit its type. It does not change.
type record struct {
	typ    *recordType
	values []starlark.Value // in the order of the fields; frozen
}

var (
	_ starlark.HasAttrs    = (*record)(nil)
	_ starlark.HasSetField = (*record)(nil)
	_ starlark.Comparable  = (*record)(nil)
)

func (r *record) Type() string         { return "record" }
func (r *record) Freeze()              {}
func (r *record) Truth() starlark.Bool { return true }

// Hash implements starlark.Value. A record that holds a list or dict has none.
func (r *record) Hash() (uint32, error) { return starlark.Tuple(r.values).Hash() }

func (r *record) String() string {
	fields := make([]string, len(r.values))
	for i, v := range r.values {
		fields[i] = r.typ.fields[i].name + " = " + v.String()
	}
	return "record(" + strings.Join(fields, ", ") + ")"
}

func (r *record) Attr(name string) (starlark.Value, error) {
	if i := slices.Index(r.typ.names(), name); i >= 0 {
		return r.values[i], nil
	}
	// The names that go on from this one, or end in it, are no slips of the
	// keyboard, of which the interpreter tells.
	var like []string
	for _, known := range r.AttrNames() {
		if len(name) > 2 && (strings.HasPrefix(known, name) || strings.HasSuffix(known, name)) && model.Nearest(name, []string{known}) == "" {
			like = append(like, "."+known)
		}
	}
	if len(like) == 0 {
		return nil, nil
	}
	return nil, starlark.NoSuchAttrError(fmt.Sprintf("record has no .%s field or method; there is %s", name, strings.Join(like, ", ")))
}

func (r *record) AttrNames() []string {
	names := r.typ.names()
	sort.Strings(names)
	return names
}

// SetField implements starlark.HasSetField, to say what to do instead.
func (r *record) SetField(name string, _ starlark.Value) error {
	return fmt.Errorf("cannot set record.%s: a record does not change; make another one", name)
}

// CompareSameType implements starlark.Comparable.
func (r *record) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	other := y.(*record)
	switch op {
	case syntax.EQL, syntax.NEQ:
		equal := r.typ == other.typ
		for i := 0; equal && i < len(r.values); i++ {
			var err error
			if equal, err = starlark.EqualDepth(r.values[i], other.values[i], depth-1); err != nil {
				return false, err
			}
		}
		return equal == (op == syntax.EQL), nil
	}
	return false, fmt.Errorf("%s %s %s not implemented", r.Type(), op, y.Type())
}
