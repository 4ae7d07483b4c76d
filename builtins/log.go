package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// This file defines the log module: lines for juju debug-log.

var logTable = table[*Hook]{
	typ: "log",
	doc: "Lines for juju debug-log: `log.info(\"%s has %d\", name, n)`. print(…) logs at INFO. The values of secrets that were read are shown as `<secret>`.",
	members: []member[*Hook]{
		{name: "debug", sig: "(message: str, *args)", doc: "Logs at DEBUG. With args, message is a format as of the % operator.", call: logAt("DEBUG")},
		{name: "info", sig: "(message: str, *args)", doc: "Logs at INFO. With args, message is a format as of the % operator.", call: logAt("INFO")},
		{name: "warning", sig: "(message: str, *args)", doc: "Logs at WARNING. With args, message is a format as of the % operator.", call: logAt("WARNING")},
		{name: "error", sig: "(message: str, *args)", doc: "Logs at ERROR. With args, message is a format as of the % operator.", call: logAt("ERROR")},
	},
}

func logAt(level string) func(*Hook, invocation) (starlark.Value, error) {
	return func(h *Hook, in invocation) (starlark.Value, error) {
		if len(in.kwargs) > 0 {
			return nil, fmt.Errorf("%s: unexpected keyword argument %s", in.name, in.kwargs[0][0])
		}
		if len(in.args) == 0 {
			return nil, fmt.Errorf("%s: missing argument for message", in.name)
		}
		message := in.args[0]
		if len(in.args) > 1 {
			formatted, err := starlark.Binary(syntax.PERCENT, message, in.args[1:])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", in.name, err)
			}
			message = formatted
		}
		text, ok := starlark.AsString(message)
		if !ok {
			text = message.String()
		}
		h.Log(level, text)
		return starlark.None, nil
	}
}
