package charmtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
)

// This file writes values as the text of a test that makes them.

// maxLine is how long a line of a written test is to be, in characters.
const maxLine = 120

// source is the text of a value. indent is that of the line on which it begins,
// of which it takes no more than width characters if it can.
func source(v starlark.Value, indent string, width int) string {
	begin, end := "", ""
	var parts []string
	inner := indent + "    "
	part := func(name string, v starlark.Value) {
		parts = append(parts, name+source(v, inner, maxLine-len(inner)-len(name)-1))
	}
	switch v := v.(type) {
	case *component:
		begin, end = "testing."+v.kind.name+"(", ")"
		for name, value := range v.unusual() {
			if name != "" {
				name += " = "
			}
			part(name, value)
		}
	case *builtins.Status:
		return "model." + v.String()
	case startime.Time:
		return fmt.Sprintf("%q", time.Time(v).UTC().Format(time.RFC3339Nano))
	case startime.Duration:
		return fmt.Sprintf("time.parse_duration(%q)", time.Duration(v).String())
	case *starlark.Dict:
		begin, end = "{", "}"
		for _, item := range v.Items() {
			part(source(item[0], inner, maxLine)+": ", item[1])
		}
	case *starlark.List:
		begin, end = "[", "]"
		for i := range v.Len() {
			part("", v.Index(i))
		}
	case starlark.Tuple:
		begin, end = "[", "]"
		for _, elem := range v {
			part("", elem)
		}
	default:
		if fields := builtins.PlanFields(v); fields != nil { // a dict does for a layer
			plain, err := builtins.ToStarlark(fields)
			if err == nil {
				return source(plain, indent, width)
			}
		}
		return v.String()
	}
	line := begin + strings.Join(parts, ", ") + end
	if len(line) <= width && !strings.Contains(line, "\n") || len(parts) == 0 {
		return line
	}
	return begin + "\n" + inner + strings.Join(parts, ",\n"+inner) + ",\n" + indent + end
}

// keyword is an argument with a name in a call.
func keyword(name string, v starlark.Value, indent string) string {
	return name + " = " + source(v, indent, maxLine-len(indent)-len(name)-4)
}

// statement is a call of a function, of which each argument has a line if they do
// not fit on one. indent is that of its line, begin what is before the
// parenthesis.
func statement(indent, begin string, args ...string) string {
	line := indent + begin + "(" + strings.Join(args, ", ") + ")\n"
	if len(line) <= maxLine && !slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, "\n") }) {
		return line
	}
	return indent + begin + "(\n" + indent + "    " + strings.Join(args, ",\n"+indent+"    ") + ",\n" + indent + ")\n"
}
