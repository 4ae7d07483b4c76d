package charmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"
	"unicode/utf8"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file has the commands that a charm runs in containers: handlers, which
// are functions of the test, and what was run.

// A handler is a function of the test that stands for a command in a container.
type handler struct {
	fn starlark.Callable
	// run is the hook that is running; nil before.
	run *handlers
}

// Run calls the function.
func (h *handler) Run(ctx context.Context, c *pebbletest.Command) int {
	stdout, stderr, code := h.run.call(ctx, h.fn, &execCall{command: c})
	for _, out := range []struct {
		to   io.Writer
		text string
	}{{c.Stdout, stdout}, {c.Stderr, stderr}} {
		if _, err := io.WriteString(out.to, out.text); err != nil {
			return killed // the charm went away
		}
	}
	return code
}

// handlers are those of one hook. They run one at a time, and none when the hook
// has ended.
type handlers struct {
	session *session

	mu    sync.Mutex
	ended bool
	err   error
}

// bind gives the commands that are functions to the hook.
func (r *handlers) bind(s *simulate.State) {
	for i, c := range s.Containers {
		s.Containers[i] = r.bound(c)
	}
	s.Pebbles = maps.Clone(s.Pebbles)
	for path, c := range s.Pebbles {
		s.Pebbles[path] = r.bound(c)
	}
	s.Machine.Processes = slices.Clone(s.Machine.Processes)
	for i, p := range s.Machine.Processes {
		if h, ok := p.Handler.(*processHandler); ok {
			bound := *p
			bound.Handler = &processHandler{h.fn, r}
			s.Machine.Processes[i] = &bound
		}
	}
}

func (r *handlers) bound(c *pebbletest.State) *pebbletest.State {
	if !slices.ContainsFunc(c.Execs, func(e *pebbletest.Exec) bool { return e.Handler != nil }) {
		return c
	}
	bound := *c
	bound.Execs = slices.Clone(c.Execs)
	for j, e := range bound.Execs {
		if h, ok := e.Handler.(*handler); ok {
			exec := *e
			exec.Handler = &handler{h.fn, r}
			bound.Execs[j] = &exec
		}
	}
	return &bound
}

// end waits for the handler that runs, and returns the first error of one.
func (r *handlers) end() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	return r.err
}

// runHook runs a hook with the commands that are functions of the test. The
// first error of one of these is apart from that of the hook.
func (s *session) runHook(ctx context.Context, hook *simulate.Hook) (o *simulate.Outcome, handlerErr, err error) {
	hook.MaxSteps = s.suite.options.MaxSteps
	hook.DebugAt, hook.Debugger = s.suite.options.DebugAt, s.suite.options.Debugger
	hook.Keys = &s.suite.keys
	running := &handlers{session: s}
	running.bind(hook.State)
	s.suite.tally.ran(hook)
	hook.Pebble = s.pebble()
	if o, err = hook.Run(ctx); err == nil {
		s.last = o
	}
	return o, running.end(), err
}

// call is what a command does whose handler is fn: 0 and no output if it
// returns None, otherwise what its (stdout, stderr, exit_code) says.
func (r *handlers) call(ctx context.Context, fn starlark.Callable, arg starlark.Value) (stdout, stderr string, code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.err != nil {
		return "", "", killed
	}
	s := r.session
	thread := &starlark.Thread{Name: "handler", Print: s.thread.Print, Load: s.thread.Load}
	if limit := s.suite.options.MaxSteps; limit > 0 {
		thread.SetMaxExecutionSteps(limit)
		thread.OnMaxSteps = func(thread *starlark.Thread) {
			thread.Cancel(fmt.Sprintf("the handler took more than %d steps; is there a loop that does not end?", limit))
		}
	}
	for _, end := range []context.Context{ctx, s.ctx} {
		stop := context.AfterFunc(end, func() { thread.Cancel("the command was killed") })
		defer stop()
	}
	v, err := starlark.Call(thread, fn, starlark.Tuple{arg}, nil)
	if ctx.Err() != nil {
		return "", "", killed
	}
	if err == nil {
		stdout, stderr, code, err = execResult(fn.Name(), v)
	}
	if err != nil {
		r.err = err
		return "", "", killed
	}
	return stdout, stderr, code
}

// killed is the exit code of a command that SIGKILL ends.
const killed = 128 + 9

func execResult(name string, v starlark.Value) (stdout, stderr string, code int, err error) {
	if v == starlark.None {
		return "", "", 0, nil
	}
	result, ok := v.(starlark.Tuple)
	if ok && len(result) == 3 {
		var ok1, ok2 bool
		stdout, ok1 = textOrBytes(result[0])
		stderr, ok2 = textOrBytes(result[1])
		n, codeErr := starlark.AsInt32(result[2])
		if ok1 && ok2 && codeErr == nil && n >= 0 && n <= 255 {
			return stdout, stderr, n, nil
		}
	}
	return "", "", 0, fmt.Errorf("the handler %s returned %s, want (stdout, stderr, exit_code), for instance (\"done\\n\", \"\", 0), or None", name, v)
}

func textOrBytes(v starlark.Value) (string, bool) {
	switch v := v.(type) {
	case starlark.String:
		return string(v), true
	case starlark.Bytes:
		return string(v), true
	}
	return "", false
}

// shownOutput is a string, or bytes if it is no text.
func shownOutput(text string) starlark.Value {
	if utf8.ValidString(text) {
		return starlark.String(text)
	}
	return starlark.Bytes(text)
}

// An execCall is what a handler is given: the command as it runs.
type execCall struct {
	command *pebbletest.Command
	// stdin is what it has read; nil if it did not look.
	stdin starlark.Value
}

// maxStdin is how much input a handler can read, in bytes.
const maxStdin = 64 << 20

var execCallTable = builtins.NewTable("ExecCall", "A command that a charm runs in a container, for its handler.",
	builtins.Member[*execCall]{Name: "command", Sig: "list[str]", Doc: "The command and its arguments.",
		Get: func(c *execCall) (starlark.Value, error) { return toStarlark(reflect.ValueOf(c.command.Args)) }},
	builtins.Member[*execCall]{Name: "environment", Sig: "dict[str, str]", Doc: "The environment that it has, with what Pebble and a service context add.",
		Get: func(c *execCall) (starlark.Value, error) { return toStarlark(reflect.ValueOf(c.command.Environment)) }},
	builtins.Member[*execCall]{Name: "working_dir", Sig: "str", Doc: "The directory that it runs in.",
		Get: func(c *execCall) (starlark.Value, error) { return starlark.String(c.command.WorkingDir), nil }},
	builtins.Member[*execCall]{Name: "user_id", Sig: "int", Doc: "Whom it runs as; 0 is root.",
		Get: func(c *execCall) (starlark.Value, error) { return starlark.MakeInt(c.command.UserID), nil }},
	builtins.Member[*execCall]{Name: "group_id", Sig: "int", Doc: "The group that it runs as; 0 is root.",
		Get: func(c *execCall) (starlark.Value, error) { return starlark.MakeInt(c.command.GroupID), nil }},
	builtins.Member[*execCall]{Name: "timeout", Sig: "time.duration", Doc: "How long it may take; 0 for any time.",
		Get: func(c *execCall) (starlark.Value, error) { return startime.Duration(c.command.Timeout), nil }},
	builtins.Member[*execCall]{Name: "stdin", Sig: "str | bytes", Doc: "All of its input, once the charm has ended it; bytes if it is not UTF-8. At most 64 MiB.",
		Get: func(c *execCall) (starlark.Value, error) {
			if c.stdin == nil {
				data, err := io.ReadAll(io.LimitReader(c.command.Stdin, maxStdin+1))
				if err == nil && len(data) > maxStdin {
					err = fmt.Errorf("it has more than %d bytes", maxStdin)
				}
				if err != nil {
					return nil, fmt.Errorf("cannot read stdin: %w", err)
				}
				c.stdin = shownOutput(string(data))
			}
			return c.stdin, nil
		}},
	builtins.Member[*execCall]{Name: "read_file", Sig: "(path: str) -> str | bytes", Doc: "A file of the container, relative to working_dir. None is an error.",
		Call: func(c *execCall, in builtins.Invocation) (starlark.Value, error) {
			var path string
			if err := in.Unpack("path", &path); err != nil {
				return nil, err
			}
			content, err := c.command.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", in.Name(), err)
			}
			return shownOutput(content), nil
		}},
	builtins.Member[*execCall]{Name: "write_file", Sig: "(path: str, content: str | bytes)", Doc: "Writes a file of the container, relative to working_dir, and makes the directories above it.",
		Call: func(c *execCall, in builtins.Invocation) (starlark.Value, error) {
			var path string
			var content starlark.Value
			if err := in.Unpack("path", &path, "content", &content); err != nil {
				return nil, err
			}
			text, ok := textOrBytes(content)
			if !ok {
				return nil, fmt.Errorf("%s: content is a %s, want a string or bytes", in.Name(), content.Type())
			}
			if err := c.command.WriteFile(path, text); err != nil {
				return nil, fmt.Errorf("%s: %w", in.Name(), err)
			}
			return starlark.None, nil
		}},
	builtins.Member[*execCall]{Name: "remove", Sig: "(path: str)", Doc: "Removes a file or directory of the container, with all that is in it.",
		Call: func(c *execCall, in builtins.Invocation) (starlark.Value, error) {
			var path string
			if err := in.Unpack("path", &path); err != nil {
				return nil, err
			}
			c.command.RemoveAll(path)
			return starlark.None, nil
		}},
)

var _ starlark.HasAttrs = (*execCall)(nil)

func (c *execCall) String() string                           { return fmt.Sprintf("<ExecCall %q>", c.command.Args) }
func (c *execCall) Type() string                             { return execCallTable.Type() }
func (c *execCall) Freeze()                                  {}
func (c *execCall) Truth() starlark.Bool                     { return true }
func (c *execCall) Hash() (uint32, error)                    { return 0, errors.New("unhashable: ExecCall") }
func (c *execCall) Attr(name string) (starlark.Value, error) { return execCallTable.Attr(c, name) }
func (c *execCall) AttrNames() []string                      { return execCallTable.AttrNames(c) }

// An execution is a command that the charm ran.
type execution struct {
	Container   string            `yaml:"container"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	WorkingDir  string            `yaml:"working_dir"`
	UserID      int               `yaml:"user_id"`
	GroupID     int               `yaml:"group_id"`
	Stdin       string            `yaml:"stdin"`
	ExitCode    int               `yaml:"exit_code"`
	Stdout      string            `yaml:"stdout"`
	Stderr      string            `yaml:"stderr"`
}

var executionKind = &kind{
	name: "Execution", typ: reflect.TypeFor[execution](),
	doc: "A command that the charm ran in a container.",
	fields: []field{
		{name: "container", sig: "str", doc: "The container's name, or the path of the Pebble's socket."},
		{name: "command", sig: "list[str]", doc: "The command and its arguments."},
		{name: "environment", sig: "dict[str, str]", doc: "The environment that it had, with what Pebble and a service context add."},
		{name: "working_dir", sig: "str", doc: "The directory that it ran in."},
		{name: "user_id", sig: "int", doc: "Whom it ran as."},
		{name: "group_id", sig: "int", doc: "The group that it ran as."},
		{name: "stdin", binary: true, sig: "str | bytes", doc: "What it read. Of the streams the first MiB is kept; what is not UTF-8 is bytes."},
		{name: "exit_code", sig: "int", doc: "How it ended; -1 if it timed out or was not waited for."},
		{name: "stdout", binary: true, sig: "str | bytes", doc: "What it wrote."},
		{name: "stderr", binary: true, sig: "str | bytes", doc: "What it wrote to its standard error; \"\" when the two are combined."},
	},
}

// executions are the commands of a hook.
func executions(o *simulate.Outcome) (starlark.Value, error) {
	all := []execution{}
	for _, e := range o.Execs {
		if e.Unknown {
			continue
		}
		all = append(all, execution{
			Container: e.Container, Command: e.Args, Environment: e.Environment, WorkingDir: e.WorkingDir,
			UserID: e.UserID, GroupID: e.GroupID, ExitCode: e.ExitCode, Stdin: e.Input, Stdout: e.Output, Stderr: e.Errors,
		})
	}
	return toStarlark(reflect.ValueOf(all))
}

// commandList is a command as a test writes it.
func commandList(args []string) string {
	words := make([]starlark.Value, len(args))
	for i, arg := range args {
		words[i] = starlark.String(arg)
	}
	return starlark.NewList(words).String()
}

// undescribedExec is the line to add for a command that a container of the
// State does not have; "" if there was none.
func undescribedExec(o *simulate.Outcome) string {
	for _, e := range o.Execs {
		if e.Unknown {
			return fmt.Sprintf("add to the container %q: execs = [testing.Exec(%s, stdout = …)]", e.Container, short(commandList(e.Args)))
		}
	}
	return ""
}
