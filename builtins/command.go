package builtins

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

const (
	maxCommandOutput  = 64 << 20    // of each output, in bytes
	commandTimeout    = 300.0       // default, in seconds
	maxCommandTimeout = 24 * 3600.0 // in seconds
)

// Kinds of failure of module process.
var (
	commandError           = &Kind{Name: "process.Error"}
	commandExitError       = &Kind{Name: "process.ExitError", Parent: commandError}
	commandTimeoutError    = &Kind{Name: "process.TimeoutError", Parent: commandError}
	commandStartError      = &Kind{Name: "process.StartError", Parent: commandError}
	commandPermissionError = &Kind{Name: "process.PermissionError", Parent: commandError}
	commandOutputError     = &Kind{Name: "process.OutputError", Parent: commandError}
)

const commandOptions = "(command: list[str], *, timeout: float = 300, env: dict = {}, cwd: str = None, user: str = None, stdin: str | bytes = None, encoding: str = \"utf-8\")"

var commandTable = table[*commands]{
	typ: "process",
	doc: "Commands on the unit's own machine, or in the charm container: `load(\"@std//process.star\", \"process\")`. A command is a list, the program and its arguments, and no shell looks at it. It gets the charm's environment and env, a dict of strings, and runs in cwd, by default the charm's directory, as user, a name or number, by default as the charm. stdin is its whole input. After timeout seconds, more than 0 and at most a day, it is killed with all that it has started. Output over 64 MiB is a process.OutputError. With encoding = None input and output are bytes; otherwise what is not UTF-8 becomes U+FFFD. The charm's environment is the dict `environment`, `load(\"@std//process.star\", \"environment\")`: the variables of the hook, such as JUJU_CHARM_HTTPS_PROXY, without those that speak for the unit's agent, JUJU_CONTEXT_ID and JUJU_AGENT_TOKEN, which only commands get. It cannot be changed: a command's env is for that. Databags that were written are sent before a command runs, which may look at them by hook tools; what it changes by these, model does not notice.",
	members: []member[*commands]{
		{name: "run", sig: commandOptions + " -> process_result", doc: "Runs the command to its end, and returns what came of it, whatever the exit code.",
			call: func(c *commands, in invocation) (starlark.Value, error) { return c.run(in, false) }},
		{name: "check", sig: commandOptions + " -> process_result", doc: "The same, but an exit code that is not 0 is the failure process.ExitError.",
			call: func(c *commands, in invocation) (starlark.Value, error) { return c.run(in, true) }},
		{name: "capture", sig: commandOptions + " -> str | bytes", doc: "Runs the command as check does, and returns its output.",
			call: func(c *commands, in invocation) (starlark.Value, error) {
				r, err := c.run(in, true)
				if err != nil {
					return nil, err
				}
				return r.stdout, nil
			}},
		{name: "signal", sig: "(pid: int, signal: str | int, *, name: str = None) -> bool", doc: "Sends a signal such as \"TERM\" or 15 to a process, and returns whether it was there. With name, a process that runs a program of another name is not it: a number from a file may be another's by now.",
			call: (*commands).signal},
		{name: "is_running", sig: "(pid: int, *, name: str = None) -> bool", doc: "Whether there is a process of that number, and, with name, whether it runs that program. One that has ended and was not yet collected by its parent is not running.",
			call: (*commands).isRunning},
		{name: "Error", sig: "kind", doc: "The family of all failures of this module.", get: commandKind(commandError)},
		{name: "ExitError", sig: "kind", doc: "The exit code is not 0. Its fields are exit_code, stdout and stderr; only the program is in the message.", get: commandKind(commandExitError)},
		{name: "TimeoutError", sig: "kind", doc: "It did not end within timeout. Its fields are stdout and stderr.", get: commandKind(commandTimeoutError)},
		{name: "StartError", sig: "kind", doc: "It cannot be started: no such program, user or directory, or it is not allowed.", get: commandKind(commandStartError)},
		{name: "PermissionError", sig: "kind", doc: "The charm's user may not signal the process, or it is process 1 or one of the hook's own process group, where the unit's agent may be.", get: commandKind(commandPermissionError)},
		{name: "OutputError", sig: "kind", doc: "It wrote more than 64 MiB.", get: commandKind(commandOutputError)},
	},
}

// newProcess returns module process. ctx ends every command when the hook
// ends. flush tells Juju of what the charm wrote: a command may ask Juju, by
// hook tools.
func newProcess(ctx context.Context, m machine.Machine, dir string, flush func() error) starlark.Value {
	return &module[*commands]{table: &commandTable, self: &commands{ctx, m, dir, flush}}
}

func commandKind(k *Kind) func(*commands) (starlark.Value, error) {
	return func(*commands) (starlark.Value, error) { return k, nil }
}

// commands runs commands.
type commands struct {
	ctx     context.Context
	machine machine.Machine
	dir     string
	flush   func() error
}

func (c *commands) run(in invocation, check bool) (*commandResult, error) {
	var command starlark.Iterable
	var seconds, env, input, encoding starlark.Value = starlark.Float(commandTimeout), starlark.None, starlark.None, starlark.String("utf-8")
	cmd := machine.Command{Dir: c.dir, MaxOutput: maxCommandOutput}
	if err := in.unpack("command", &command, byName, nil, "timeout?", &seconds, "env??", &env, "cwd??", &cmd.Dir, "user??", &cmd.User,
		"stdin??", &input, "encoding?", &encoding); err != nil {
		return nil, err
	}
	for word := range starlark.Elements(command) {
		text, ok := starlark.AsString(word)
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: command[%d] is a %s, want a string", in.name, len(cmd.Args), word.Type())
		case strings.ContainsRune(text, 0):
			return nil, fmt.Errorf("%s: command[%d] has a zero byte", in.name, len(cmd.Args))
		}
		cmd.Args = append(cmd.Args, text)
	}
	if len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return nil, fmt.Errorf("%s: command is empty, want the program and its arguments", in.name)
	}
	timeout, ok := starlark.AsFloat(seconds)
	cmd.Timeout = time.Duration(timeout * float64(time.Second))
	if !ok || math.IsNaN(timeout) || timeout > maxCommandTimeout || cmd.Timeout <= 0 { // 0 would be no limit
		return nil, fmt.Errorf("%s: timeout is %s, want seconds between 0 and %g", in.name, shown(seconds), maxCommandTimeout)
	}
	var err error
	if cmd.Env, err = stringDict(in, "env", env); err != nil {
		return nil, err
	}
	for name, value := range cmd.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("%s: env has %q, which no variable can be", in.name, name)
		}
	}
	text, err := isText(in, encoding)
	if err != nil {
		return nil, err
	}
	if input != starlark.None {
		stdin, err := inputOf(in, "stdin", input, text)
		if err != nil {
			return nil, err
		}
		cmd.Stdin = []byte(stdin)
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	result, err := c.machine.Run(c.ctx, cmd)
	if err != nil && c.ctx.Err() != nil {
		return nil, fmt.Errorf("cannot finish the command %q: %w", cmd.Args[0], context.Cause(c.ctx))
	}
	return c.result(cmd, result, err, text, check)
}

func (c *commands) result(cmd machine.Command, result *machine.Result, err error, text, check bool) (*commandResult, error) {
	r := &commandResult{stdout: starlark.None, stderr: starlark.None}
	if result != nil {
		show := func(data []byte) starlark.Value {
			if text {
				return starlark.String(strings.ToValidUTF8(string(data), "\uFFFD"))
			}
			return starlark.Bytes(data)
		}
		r.code, r.stdout, r.stderr = result.ExitCode, show(result.Stdout), show(result.Stderr)
	}
	fields := starlark.StringDict{"stdout": r.stdout, "stderr": r.stderr}
	var undescribed *machine.UndescribedError
	switch {
	case errors.As(err, &undescribed):
		return nil, undescribed
	case errors.Is(err, machine.ErrTimeout):
		return nil, &Failure{Kind: commandTimeoutError, Message: fmt.Sprintf("the command %q did not end within %s", cmd.Args[0], cmd.Timeout), Fields: fields, Err: err}
	case errors.Is(err, machine.ErrOutput):
		return nil, &Failure{Kind: commandOutputError, Message: fmt.Sprintf("the command %q wrote more than %d bytes", cmd.Args[0], cmd.MaxOutput), Err: err}
	case err != nil:
		return nil, &Failure{Kind: commandStartError, Message: fmt.Sprintf("cannot run the command %q: %v", cmd.Args[0], err), Err: err}
	case check && r.code != 0:
		fields["exit_code"] = starlark.MakeInt(r.code)
		return nil, &Failure{Kind: commandExitError, Message: fmt.Sprintf("the command %q ended with exit code %d%s", cmd.Args[0], r.code, lastLine(result.Stderr)), Fields: fields}
	}
	return r, nil
}

// lastLine is the end of an error output, as a message shows it.
func lastLine(stderr []byte) string {
	const most = 200
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(stderr[max(0, len(stderr)-4*most):]), "\uFFFD")), "\n")
	last := []rune(strings.TrimSpace(lines[len(lines)-1]))
	if len(last) == 0 {
		return ""
	}
	return ": " + string(last[:min(len(last), most)])
}

var commandResultTable = table[*commandResult]{
	typ: "process_result",
	doc: "What came of a command.",
	members: []member[*commandResult]{
		{name: "exit_code", sig: "int", doc: "How it ended; 128 and the signal's number if a signal ended it.",
			get: func(r *commandResult) (starlark.Value, error) { return starlark.MakeInt(r.code), nil }},
		{name: "ok", sig: "bool", doc: "Whether the exit code is 0.",
			get: func(r *commandResult) (starlark.Value, error) { return starlark.Bool(r.code == 0), nil }},
		{name: "stdout", sig: "str | bytes", doc: "What it wrote.",
			get: func(r *commandResult) (starlark.Value, error) { return r.stdout, nil }},
		{name: "stderr", sig: "str | bytes", doc: "What it wrote to its standard error.",
			get: func(r *commandResult) (starlark.Value, error) { return r.stderr, nil }},
	},
}

type commandResult struct {
	handle
	code           int
	stdout, stderr starlark.Value
}

func (r *commandResult) String() string       { return fmt.Sprintf("<process_result %d>", r.code) }
func (r *commandResult) Type() string         { return commandResultTable.typ }
func (r *commandResult) AttrNames() []string  { return commandResultTable.attrNames(r) }
func (r *commandResult) Truth() starlark.Bool { return r.code == 0 }
func (r *commandResult) Attr(name string) (starlark.Value, error) {
	return commandResultTable.attr(r, name)
}
