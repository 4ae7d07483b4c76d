package builtins

import (
	"fmt"
	"regexp"

	"go.starlark.net/starlark"
)

// breakpointName is what a breakpoint can be called.
var breakpointName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// breakpoint is framework.breakpoint.
func (f *Framework) breakpoint(in invocation) (starlark.Value, error) {
	var given starlark.Value = starlark.None
	if err := in.unpack("name?", &given); err != nil {
		return nil, err
	}
	name := ""
	if given != starlark.None {
		text, ok := starlark.AsString(given)
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: got %s, want a name", in.name, given.Type())
		case text == "hook" || text == "all":
			return nil, fmt.Errorf("%s: %q stands for other breakpoints in JUJU_DEBUG_AT: choose another name", in.name, text)
		case !breakpointName.MatchString(text):
			return nil, fmt.Errorf("%s: %q cannot be the name of a breakpoint: want lower-case letters, digits, and - between them", in.name, text)
		}
		name = text
	}
	if f.hook.Breakpoint == nil {
		return starlark.None, nil
	}
	return starlark.None, f.hook.Breakpoint(in.thread, name)
}
