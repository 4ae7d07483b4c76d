package modeltest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
)

// tool is a hook tool.
type tool struct {
	name string
	// use is the arguments, for the help text.
	use string
	// prepare declares the flags and returns the tool's two halves. parse
	// takes the arguments, and its errors are mistakes in the call: exit code
	// 2. do does the work, and its errors have exit code 1.
	prepare func(h *Hook, c *invocation) (parse func(args []string) error, do func() error)
}

// families returns the functions that make the tools, those that hooks call
// most first.
func families() []func() []tool {
	return []func() []tool{
		configTools, leaderTools, relationTools, statusTools, logTools, actionTools, portTools,
		resourceTools, storageTools, storedTools, secretTools, networkTools, goalTools, cloudTools,
		unitTools, rebootTools, metricTools, payloadTools, podSpecTools,
	}
}

// findTool finds a tool that this version of Juju has.
func findTool(name string, version model.Version) (tool, bool) {
	for _, family := range families() {
		for _, t := range family() {
			if t.name == name {
				return t, model.GateOfTool(name).Open(version)
			}
		}
	}
	return tool{}, false
}

// invocation is one call of a tool.
type invocation struct {
	flags  flagSet
	stdin  []byte
	stdout bytes.Buffer
	stderr bytes.Buffer
	format string
	output string
}

func runTool(h *Hook, t tool, call hooktool.Call) hooktool.Result {
	c := &invocation{stdin: call.Stdin}
	code := 0
	parse, do := t.prepare(h, c)
	args, help, err := c.flags.parse(call.Args)
	switch {
	case help:
		fmt.Fprintln(&c.stdout, strings.TrimSpace("Usage: "+t.name+" [options] "+t.use))
		c.flags.describe(&c.stdout)
	case err != nil:
		code = 2
	default:
		if err = parse(args); err != nil {
			code = 2
		} else if err = h.restrict(t.name, do)(); err != nil {
			code = 1
		}
	}
	if err != nil {
		fmt.Fprintf(&c.stderr, "ERROR %v\n", err)
	}
	return hooktool.Result{Stdout: c.stdout.Bytes(), Stderr: c.stderr.Bytes(), Code: code}
}

// formatted declares the flags of a tool that prints a value.
func (c *invocation) formatted() { c.formattedAs("smart", "json", "yaml") }

// formattedAs declares them for a tool with these formats, its default first.
func (c *invocation) formattedAs(formats ...string) {
	c.format = formats[0]
	c.flags.value(func(value string) error {
		if !slices.Contains(formats, value) {
			return fmt.Errorf("unknown format %q", value)
		}
		c.format = value
		return nil
	}, "format")
	c.flags.text(&c.output, "o", "output")
}

// oldFormat declares the --format that tools without output still accept.
func (c *invocation) oldFormat() {
	c.flags.text(&c.format, "format")
}

// warnFormat tells that --format is of no use.
func (c *invocation) warnFormat(tool string) {
	if c.format != "" {
		fmt.Fprintf(&c.stderr, "--format flag deprecated for command %q", tool)
	}
}

// print writes the tool's value.
func (c *invocation) print(value any) error {
	if c.output != "" {
		return fmt.Errorf("cannot write %s: the simulated Juju writes no files", c.output)
	}
	text, err := render(c.format, value)
	if err != nil {
		return err
	}
	c.stdout.WriteString(text)
	return nil
}

// noMore refuses arguments that are left.
func noMore(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unrecognized args: %q", args)
	}
	return nil
}

// shift takes the first argument, or "".
func shift(args *[]string) string {
	if len(*args) == 0 {
		return ""
	}
	first := (*args)[0]
	*args = (*args)[1:]
	return first
}
