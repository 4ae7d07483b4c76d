package builtins

import (
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// This file calls the modules that come with the Starlark interpreter, whose
// members our tables document.

// upstream calls a function of one of the interpreter's own modules.
func upstream(m *starlarkstruct.Module, name string, in invocation) (starlark.Value, error) {
	return m.Members[name].(*starlark.Builtin).CallInternal(in.thread, in.args, in.kwargs)
}

// bareMessage is the text of err without the name of the function before it.
func bareMessage(err error, function string) string {
	return strings.TrimPrefix(err.Error(), function+": ")
}
