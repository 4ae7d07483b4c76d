package charmtest

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// This file defines components: the State and its parts, as values that do not
// change. A component is one of the simulation's own structs, whose fields its
// kind lists; conversion.go turns fields into Starlark values and back.

// A kind is a type of component.
type kind struct {
	name string
	doc  string
	// typ is the struct behind it.
	typ reflect.Type
	// positional is how many of the fields can be given without their names.
	positional int
	fields     []field
	// defaults fills in what differs from the struct's zero value.
	defaults func(s *session, v any)
	// made takes note of one that a test has made.
	made func(s *session, v any)
	// check says what is wrong with the fields together.
	check func(v any) error
	// identity names it among its like; nil: nothing does.
	identity func(v any) string
	// derived are attributes that follow from the fields, and methods.
	derived *builtins.Table[*component]
}

// A field is a field of a kind.
type field struct {
	name string
	// key is the field's name in a state file if that is another.
	key  string
	sig  string
	doc  string
	need bool // it has to be given
	// usual is the field that it is equal to if nothing was given.
	usual string
	// binary says that the string is one of bytes: what is not UTF-8 is shown
	// as bytes, and both can be given.
	binary bool
	// always says that it is shown even if it is as usual.
	always bool
}

// A component is a value of a kind. It does not change.
type component struct {
	kind *kind
	v    reflect.Value // the struct
}

var (
	_ starlark.HasAttrs   = (*component)(nil)
	_ starlark.Comparable = (*component)(nil)
)

// of returns the component that p, a pointer to a struct of the simulation, is.
func of(k *kind, p any) *component { return &component{k, reflect.ValueOf(p).Elem()} }

// ptr is a pointer to the component's struct, which must not be written to.
func (c *component) ptr() any { return c.v.Addr().Interface() }

func (c *component) Freeze()              {}
func (c *component) Truth() starlark.Bool { return true }

func (c *component) Type() string {
	if c == nil { // a parameter that nothing was given for
		return "component"
	}
	return c.kind.name
}

func (c *component) Hash() (uint32, error) {
	if c.kind.identity == nil {
		return 0, fmt.Errorf("unhashable: %s", c.kind.name)
	}
	return starlark.String(c.kind.name + "\x00" + c.kind.identity(c.ptr())).Hash()
}

// index is the path to a field in the struct, by its name in a state file or, if
// it has none there, by that of the struct's.
func (k *kind) index(f *field) []int {
	key := f.key
	if key == "" {
		key = f.name
	}
	if index := indexOf(k.typ, key); index != nil {
		return index
	}
	of, _ := k.typ.FieldByName(key)
	return of.Index
}

func indexOf(t reflect.Type, key string) []int {
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == key && options != "inline" {
			return []int{i}
		}
		if options == "inline" && t.Field(i).Type.Kind() == reflect.Struct {
			if inner := indexOf(t.Field(i).Type, key); inner != nil {
				return append([]int{i}, inner...)
			}
		}
	}
	return nil
}

func (c *component) field(f *field) reflect.Value { return c.v.FieldByIndex(c.kind.index(f)) }

// show is a field as a value.
func (c *component) show(f *field) (starlark.Value, error) {
	if f.binary {
		return shownOutput(c.field(f).String()), nil
	}
	if f.usual != "" && c.field(f).IsZero() {
		return c.Attr(f.usual)
	}
	return toStarlark(c.field(f))
}

func (c *component) Attr(name string) (starlark.Value, error) {
	for i := range c.kind.fields {
		if f := &c.kind.fields[i]; f.name == name {
			return c.show(f)
		}
	}
	if v, err := builtin(c, name); v != nil || err != nil {
		return v, err
	}
	if c.kind.derived != nil {
		return c.kind.derived.Attr(c, name)
	}
	return nil, nil
}

func (c *component) AttrNames() []string {
	var names []string
	for _, f := range c.kind.fields {
		names = append(names, f.name)
	}
	names = append(names, componentTable.AttrNames(c)...)
	if c.kind.derived != nil {
		names = append(names, c.kind.derived.AttrNames(c)...)
	}
	slices.Sort(names)
	return names
}

// String shows the component as one would write it, without what is usual.
func (c *component) String() string {
	var parts []string
	for name, value := range c.unusual() {
		text := value.String()
		if name != "" {
			text = name + " = " + text
		}
		parts = append(parts, text)
	}
	return c.kind.name + "(" + strings.Join(parts, ", ") + ")"
}

// unusual are the fields that one would write, in their order. Those that go
// without a name have the name "".
func (c *component) unusual() iter.Seq2[string, starlark.Value] {
	return func(yield func(string, starlark.Value) bool) {
		usual := reflect.New(c.kind.typ)
		if c.kind.defaults != nil {
			c.kind.defaults(&session{}, usual.Interface())
		}
		for i := range c.kind.fields {
			f := &c.kind.fields[i]
			v := c.field(f)
			if !f.need && !f.always && (isEmpty(v) || equal(v, usual.Elem().FieldByIndex(c.kind.index(f)))) {
				continue
			}
			value, err := c.show(f)
			if err != nil {
				continue
			}
			name := f.name
			if f.need && i < c.kind.positional {
				name = ""
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

func (c *component) CompareSameType(op syntax.Token, other starlark.Value, _ int) (bool, error) {
	same := c.equal(other.(*component))
	switch op {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, fmt.Errorf("a %s has no order: cannot compare with %s", c.kind.name, op)
}

func (c *component) equal(o *component) bool {
	if c.kind != o.kind {
		return false
	}
	for i := range c.kind.fields {
		if f := &c.kind.fields[i]; !equal(c.field(f), o.field(f)) {
			return false
		}
	}
	return true
}

// construct makes a component of the arguments of its constructor.
func (k *kind) construct(s *session, name string, args starlark.Tuple, kwargs []starlark.Tuple) (*component, error) {
	c := &component{k, reflect.New(k.typ).Elem()}
	if k.defaults != nil {
		k.defaults(s, c.ptr())
	}
	given, err := c.assign(name, k.positional, args, kwargs)
	if err != nil {
		return nil, err
	}
	for _, f := range k.fields {
		if f.need && !slices.Contains(given, f.name) {
			return nil, fmt.Errorf("%s: missing argument for %s", name, f.name)
		}
	}
	if k.check != nil {
		if err := k.check(c.ptr()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if k.made != nil {
		k.made(s, c.ptr())
	}
	return c, nil
}

// assign sets the fields that arguments name, and returns which these are.
func (c *component) assign(name string, positional int, args starlark.Tuple, kwargs []starlark.Tuple) ([]string, error) {
	k := c.kind
	if len(args) > positional {
		if positional == 0 {
			return nil, fmt.Errorf("%s: fields go by name here: %s = …", name, k.fields[0].name)
		}
		return nil, fmt.Errorf("%s: got %d arguments without a name, want at most %d (%s)", name, len(args), positional, strings.Join(k.names()[:positional], ", "))
	}
	var given []string
	set := func(f *field, v starlark.Value) error {
		if slices.Contains(given, f.name) {
			return fmt.Errorf("%s: got multiple values for %s", name, f.name)
		}
		given = append(given, f.name)
		if data, ok := v.(starlark.Bytes); ok && f.binary {
			v = starlark.String(data)
		}
		if err := fromStarlark(f.name, v, c.v.FieldByIndex(k.index(f))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	for i, arg := range args {
		if err := set(&k.fields[i], arg); err != nil {
			return nil, err
		}
	}
	for _, pair := range kwargs {
		key := string(pair[0].(starlark.String))
		i := slices.IndexFunc(k.fields, func(f field) bool { return f.name == key })
		if i < 0 {
			return nil, fmt.Errorf("%s: unexpected keyword argument %q%s", name, key, nearest(key, k.names()))
		}
		if err := set(&k.fields[i], pair[1]); err != nil {
			return nil, err
		}
	}
	return given, nil
}

func (k *kind) names() []string {
	names := make([]string, len(k.fields))
	for i, f := range k.fields {
		names[i] = f.name
	}
	return names
}

// nearest is an error's last words: what may have been meant, or what there is.
func nearest(name string, known []string) string {
	if near := model.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) == 0 {
		return "; there are none"
	}
	known = slices.Sorted(slices.Values(known))
	return "; there are " + strings.Join(known, ", ")
}

// copied is the component with a struct of its own.
func (c *component) copied() *component {
	v := reflect.New(c.kind.typ).Elem()
	v.Set(c.v)
	return &component{c.kind, v}
}

// componentTable holds the methods that all components have.
var componentTable = builtins.NewTable("component", "What all components have.",
	builtins.Member[*component]{Name: "replace", Sig: "(**fields) -> component",
		Doc: "The same with other values for these fields.",
		Call: func(c *component, in builtins.Invocation) (starlark.Value, error) {
			name := c.kind.name + ".replace"
			next := c.copied()
			if _, err := next.assign(name, 0, in.Args(), in.Kwargs()); err != nil {
				return nil, err
			}
			if c.kind.check != nil {
				if err := c.kind.check(next.ptr()); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
			}
			return next, nil
		}},
	builtins.Member[*component]{Name: "put", Sig: "(*components: component) -> component",
		Doc: "The same with these parts, each in the place of the one with its identity (a relation's id, a container's name), or added.",
		Call: func(c *component, in builtins.Invocation) (starlark.Value, error) {
			return c.edit(in, func(list reflect.Value, part *component) (reflect.Value, error) {
				next := reflect.MakeSlice(list.Type(), 0, list.Len()+1)
				done := false
				for i := range list.Len() {
					if part.kind.identity == nil || !part.same(list.Index(i)) {
						next = reflect.Append(next, list.Index(i))
					} else if !done {
						next = reflect.Append(next, part.elem(list.Type().Elem()))
						done = true
					}
				}
				if !done {
					next = reflect.Append(next, part.elem(list.Type().Elem()))
				}
				return next, nil
			})
		}},
	builtins.Member[*component]{Name: "drop", Sig: "(*components: component) -> component",
		Doc: "The same without these parts, which are known by their identity. One that is not there is an error.",
		Call: func(c *component, in builtins.Invocation) (starlark.Value, error) {
			return c.edit(in, func(list reflect.Value, part *component) (reflect.Value, error) {
				next := reflect.MakeSlice(list.Type(), 0, list.Len())
				for i := range list.Len() {
					if !part.same(list.Index(i)) {
						next = reflect.Append(next, list.Index(i))
					}
				}
				if next.Len() == list.Len() {
					return next, fmt.Errorf("there is no such %s: %s", part.kind.name, part)
				}
				return next, nil
			})
		}},
)

// builtin is an attribute that components have by their nature: replace, and
// put and drop if they have parts.
func builtin(c *component, name string) (starlark.Value, error) {
	return componentTable.Attr(c, name)
}

// same says whether an element of a list is the part, by its identity, or by
// all of it if it has none.
func (c *component) same(elem reflect.Value) bool {
	for elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	other := &component{c.kind, elem}
	if c.kind.identity == nil {
		return c.equal(other)
	}
	p := reflect.New(c.kind.typ)
	p.Elem().Set(elem)
	return c.kind.identity(c.ptr()) == c.kind.identity(p.Interface())
}

// elem is the component as an element of a list of that type.
func (c *component) elem(t reflect.Type) reflect.Value {
	if t.Kind() == reflect.Pointer {
		return c.v.Addr()
	}
	return c.v
}

// edit changes the lists that the parts, the arguments, belong to.
func (c *component) edit(in builtins.Invocation, change func(list reflect.Value, part *component) (reflect.Value, error)) (starlark.Value, error) {
	if len(in.Kwargs()) > 0 {
		return nil, fmt.Errorf("%s.%s: unexpected keyword argument %s", c.kind.name, in.Name()[strings.LastIndexByte(in.Name(), '.')+1:], in.Kwargs()[0][0])
	}
	name := c.kind.name + "." + in.Name()[strings.LastIndexByte(in.Name(), '.')+1:]
	next := c.copied()
	for i, arg := range in.Args() {
		part, ok := arg.(*component)
		if !ok {
			return nil, fmt.Errorf("%s: argument %d is a %s, want a component such as testing.Relation(…)", name, i+1, arg.Type())
		}
		place := reflect.Value{}
		for j := range c.kind.fields {
			f := next.field(&c.kind.fields[j])
			if f.Type() == part.kind.typ {
				f.Set(part.v)
				place = f
			}
			if f.Kind() == reflect.Slice && (f.Type().Elem() == part.kind.typ || f.Type().Elem() == reflect.PointerTo(part.kind.typ)) {
				list, err := change(f, part)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				f.Set(list)
				place = f
			}
		}
		if !place.IsValid() {
			return nil, fmt.Errorf("%s: a testing.%s has no place in a %s", name, part.kind.name, c.kind.name)
		}
	}
	return next, nil
}
