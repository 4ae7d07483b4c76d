package charmtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
)

// This file has the commands that a charm runs on its own machine.

var processKind = &kind{
	name: "Process", typ: reflect.TypeFor[machinetest.Process](), positional: 1,
	doc: "What a command does that is run on the unit's own machine, by @std//process.star.",
	fields: []field{
		{name: "command_prefix", sig: "list[str]", doc: "How the command begins; the longest that fits counts, [] fits all. Several of one prefix have their turns in order, the last of them ever after.", need: true},
		{name: "exit_code", sig: "int = 0", doc: "How it ends."},
		{name: "stdout", binary: true, sig: "str | bytes = \"\"", doc: "What it writes."},
		{name: "stderr", binary: true, sig: "str | bytes = \"\"", doc: "What it writes to its standard error."},
		{name: "files", sig: "dict[str, str | HostFile] = {}", doc: "The files that it writes, by path."},
		{name: "removes", sig: "list[str] = []", doc: "The files and directories that it removes."},
		{name: "starts", sig: "list[RunningProcess] = []", doc: "The processes that it leaves running."},
		{name: "ends", sig: "list[int] = []", doc: "The processes that it ends, by their number."},
		{name: "missing", sig: "bool = False", doc: "Whether there is no such program."},
		{name: "hangs", sig: "bool = False", doc: "Whether it ends by its timeout only, which is over at once."},
		{name: "handler", key: "Handler", sig: "function = None", doc: "A function of the test that is the command: handler(call: ProcessCall) -> (stdout, stderr, exit_code), or None for (\"\", \"\", 0). The fields above do not count then."},
	},
	identity: func(v any) string { return strings.Join(v.(*machinetest.Process).CommandPrefix, "\x00") },
}

var runningKind = &kind{
	name: "RunningProcess", typ: reflect.TypeFor[machinetest.Running](), positional: 2,
	doc: "A process that runs on the unit's own machine. TERM, INT, QUIT and KILL end it, other signals do not.",
	fields: []field{
		{name: "pid", sig: "int", doc: "Its number.", need: true},
		{name: "name", sig: "str", doc: "The name of its program.", need: true},
		{name: "after", sig: "int = 0", doc: "How many seconds it takes until it is there; time.sleep lets them go by."},
		{name: "lingers", sig: "int = 0", doc: "How many seconds it is still there after the signal that ends it."},
		{name: "ignores", sig: "list[str] = []", doc: "Those of \"TERM\", \"INT\" and \"QUIT\" that do not end it."},
	},
	check: func(v any) error {
		_, err := machinetest.New(machinetest.State{Running: []*machinetest.Running{v.(*machinetest.Running)}})
		return err
	},
	identity: func(v any) string { return fmt.Sprint(v.(*machinetest.Running).PID) },
}

// A processHandler is a function of the test that stands for a command of the
// machine.
type processHandler struct {
	fn starlark.Callable
	// run is the hook that is running; nil before.
	run *handlers
}

// Run calls the function.
func (h *processHandler) Run(ctx context.Context, c machine.Command, environment map[string]string) (*machine.Result, error) {
	stdout, stderr, code := h.run.call(ctx, h.fn, &processCall{c, environment})
	return &machine.Result{ExitCode: code, Stdout: []byte(stdout), Stderr: []byte(stderr)}, nil
}

// A processCall is what a handler is given.
type processCall struct {
	command     machine.Command
	environment map[string]string
}

var processCallTable = builtins.NewTable("ProcessCall", "A command that a charm runs on its own machine, for its handler.",
	builtins.Member[*processCall]{Name: "command", Sig: "list[str]", Doc: "The command and its arguments.",
		Get: func(c *processCall) (starlark.Value, error) { return toStarlark(reflect.ValueOf(c.command.Args)) }},
	builtins.Member[*processCall]{Name: "env", Sig: "dict[str, str]", Doc: "What the charm adds to the environment.",
		Get: func(c *processCall) (starlark.Value, error) { return toStarlark(reflect.ValueOf(c.command.Env)) }},
	builtins.Member[*processCall]{Name: "environment", Sig: "dict[str, str]", Doc: "The environment that it has: the hook's, and env.",
		Get: func(c *processCall) (starlark.Value, error) { return toStarlark(reflect.ValueOf(c.environment)) }},
	builtins.Member[*processCall]{Name: "cwd", Sig: "str", Doc: "The directory that it runs in.",
		Get: func(c *processCall) (starlark.Value, error) { return starlark.String(c.command.Dir), nil }},
	builtins.Member[*processCall]{Name: "user", Sig: "str", Doc: "Whom it runs as; \"\" for the charm's own user.",
		Get: func(c *processCall) (starlark.Value, error) { return starlark.String(c.command.User), nil }},
	builtins.Member[*processCall]{Name: "stdin", Sig: "str | bytes", Doc: "Its input; bytes if it is not UTF-8.",
		Get: func(c *processCall) (starlark.Value, error) { return shownOutput(string(c.command.Stdin)), nil }},
	builtins.Member[*processCall]{Name: "timeout", Sig: "time.duration", Doc: "How long it may take.",
		Get: func(c *processCall) (starlark.Value, error) { return startime.Duration(c.command.Timeout), nil }},
)

var _ starlark.HasAttrs = (*processCall)(nil)

func (c *processCall) String() string        { return fmt.Sprintf("<ProcessCall %q>", c.command.Args) }
func (c *processCall) Type() string          { return processCallTable.Type() }
func (c *processCall) Freeze()               {}
func (c *processCall) Truth() starlark.Bool  { return true }
func (c *processCall) Hash() (uint32, error) { return 0, errors.New("unhashable: ProcessCall") }
func (c *processCall) Attr(name string) (starlark.Value, error) {
	return processCallTable.Attr(c, name)
}
func (c *processCall) AttrNames() []string { return processCallTable.AttrNames(c) }
