package builtins

import (
	"errors"
	"fmt"
	"sort"

	"go.starlark.net/starlark"
)

// This file defines failures: what a running charm may meet and may catch.
// A failure has a kind; kinds form families. Everything else that goes wrong
// (a type error, an unknown name, fail()) is a bug and passes through catch.

// A Kind is the Starlark value that names a kind of failure, for instance
// pebble.ConnectionError.
type Kind struct {
	// Name is qualified by the module that raises it: "pebble.ConnectionError".
	Name string
	// Parent is the wider kind of the same family, or nil.
	Parent *Kind
}

var _ starlark.Value = (*Kind)(nil)

func (k *Kind) String() string        { return k.Name }
func (k *Kind) Type() string          { return "kind" }
func (k *Kind) Freeze()               {}
func (k *Kind) Truth() starlark.Bool  { return true }
func (k *Kind) Hash() (uint32, error) { return starlark.String(k.Name).Hash() }

// newKind makes a kind of failure for a library: native.kind("apt.LockError",
// Error).
func newKind(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	k := new(Kind)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &k.Name, "parent?", &k.Parent); err != nil {
		return nil, err
	}
	return k, nil
}

// Matches says whether k is family or one of its descendants.
func (k *Kind) Matches(family *Kind) bool {
	for ; k != nil; k = k.Parent {
		if k == family {
			return true
		}
	}
	return false
}

// A Failure is both the Go error that a builtin returns and the Starlark
// value that catch gives to the charm.
type Failure struct {
	Kind    *Kind
	Message string
	// Fields are further attributes of this kind of failure, by name.
	Fields starlark.StringDict
	// Err is the Go error behind it, if any.
	Err error
	// Backtrace is the Starlark call stack at which it was first raised, set
	// when it is caught, so that throw(err) can show it.
	Backtrace string
}

var failureTable = table[*Failure]{
	typ: "failure",
	doc: "What a running charm met: its kind, a message, and fields that depend on the kind. catch() returns it, throw() raises it again.",
	members: []member[*Failure]{
		{name: "kind", sig: "kind", doc: "The kind of failure, for instance pebble.ConnectionError.",
			get: func(f *Failure) (starlark.Value, error) { return f.Kind, nil }},
		{name: "message", sig: "str", doc: "What happened, for people.",
			get: func(f *Failure) (starlark.Value, error) { return starlark.String(f.Message), nil }},
		{name: "traceback", sig: "str", doc: "Where it was raised, as text.",
			get: func(f *Failure) (starlark.Value, error) { return starlark.String(f.Backtrace), nil }},
		{name: "matches", sig: "(*kinds: kind) -> bool", doc: "Whether the failure is of one of these kinds or of a kind in their families.",
			call: func(f *Failure, in invocation) (starlark.Value, error) {
				if len(in.kwargs) > 0 {
					return nil, fmt.Errorf("%s: unexpected keyword argument %s", in.name, in.kwargs[0][0])
				}
				if len(in.args) == 0 {
					return nil, fmt.Errorf("%s: want at least one kind, for instance pebble.Error", in.name)
				}
				for i, arg := range in.args {
					k, ok := arg.(*Kind)
					if !ok {
						return nil, fmt.Errorf("%s: argument %d is a %s, want a kind such as pebble.Error", in.name, i+1, arg.Type())
					}
					if f.Kind.Matches(k) {
						return starlark.True, nil
					}
				}
				return starlark.False, nil
			}},
	},
}

func (f *Failure) Error() string         { return f.Kind.Name + ": " + f.Message }
func (f *Failure) Unwrap() error         { return f.Err }
func (f *Failure) String() string        { return "<failure " + f.Error() + ">" }
func (f *Failure) Type() string          { return "failure" }
func (f *Failure) Freeze()               {}
func (f *Failure) Truth() starlark.Bool  { return true }
func (f *Failure) Hash() (uint32, error) { return 0, errors.New("unhashable: failure") }

func (f *Failure) Attr(name string) (starlark.Value, error) {
	if v, ok := f.Fields[name]; ok {
		return v, nil
	}
	return failureTable.attr(f, name)
}

func (f *Failure) AttrNames() []string {
	names := append(failureTable.attrNames(f), f.Fields.Keys()...)
	sort.Strings(names)
	return names
}

// catch calls fn(*args, **kwargs) and returns (value, None), or (None, failure)
// if it met a failure. Bugs, fail() and cancellation pass through.
func catch(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, errors.New("catch: missing the function to call: catch(fn, *args, **kwargs)")
	}
	fn, ok := args[0].(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("catch: got %s, want a function: write catch(fn, arg), not catch(fn(arg))", args[0].Type())
	}
	v, err := starlark.Call(thread, fn, args[1:], kwargs)
	if err == nil {
		return starlark.Tuple{v, starlark.None}, nil
	}
	var failure *Failure
	if !errors.As(err, &failure) {
		return nil, err
	}
	caught := *failure
	var eval *starlark.EvalError
	if caught.Backtrace == "" && errors.As(err, &eval) {
		caught.Backtrace = eval.CallStack.String()
	}
	return starlark.Tuple{starlark.None, &caught}, nil
}

// throw raises a failure: throw(kind, message) or throw(err), the latter with
// the kind, fields and traceback that it had.
func throw(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var what starlark.Value
	var message starlark.Value = starlark.None
	if err := starlark.UnpackArgs("throw", args, kwargs, "what", &what, "message?", &message); err != nil {
		return nil, err
	}
	text, isText := starlark.AsString(message)
	switch what := what.(type) {
	case *Failure:
		if message == starlark.None {
			return nil, what
		}
		if !isText {
			return nil, fmt.Errorf("throw: message is a %s, want a string", message.Type())
		}
		again := *what
		again.Message = text
		return nil, &again
	case *Kind:
		if !isText {
			return nil, fmt.Errorf("throw: %s needs a message, a string", what.Name)
		}
		return nil, &Failure{Kind: what, Message: text}
	}
	return nil, fmt.Errorf("throw: got %s, want a failure from catch() or a kind such as model.ModelError; to end the hook on a bug use fail()", what.Type())
}
