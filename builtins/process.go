package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/pebble"
)

// A process is a command that runs, or ran, in a container.
type process struct {
	handle
	container *container
	*pebble.Process
	// executable is the command without its arguments, which may be secret.
	executable     string
	text           bool
	combined       bool
	stdin          *inputStream
	stdout, stderr *outputStream
	waited         bool
	unread         error // why the lines of an output ended before it did
}

var processTable = table[*process]{
	typ: "exec_process",
	doc: "A command that container.exec() started. wait() or wait_output() ends it; one that is still there when the hook ends is killed, with a warning in the log. Each may meet pebble.ConnectionError, pebble.TimeoutError and pebble.ChangeError.",
	members: []member[*process]{
		{name: "wait", sig: "()", doc: "Ends the input and waits for the command. pebble.ExecError if its exit code is not 0, pebble.ChangeError if its timeout is over. Output that has not been read can be read afterwards. A command that leaves something behind that holds its output open is a pebble.TimeoutError once that has been silent for 30 seconds. More than 64 MiB of output that nobody reads is a pebble.Error, and the command is killed.",
			call: func(p *process, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				return starlark.None, p.failure(p.wait(), starlark.None, starlark.None)
			}},
		{name: "wait_output", sig: "() -> (str | bytes, str | bytes | None)", doc: "Waits as wait() does and returns the output and the error output that have not been read; the latter is None if it is combined with the output. An ExecError has both; after another failure, such as a timeout, stdout and stderr can still be read. Text that is not UTF-8 has U+FFFD in place of each byte that is wrong.",
			call: (*process).waitOutput},
		{name: "send_signal", sig: "(signal: str | int)", doc: "Sends a signal, by name such as \"SIGHUP\" or by number, to the command, and not to what it started. One that has ended gets none.",
			call: func(p *process, in invocation) (starlark.Value, error) {
				var signal starlark.Value
				if err := in.unpack("signal", &signal); err != nil {
					return nil, err
				}
				name, err := signalName(in, signal)
				if err != nil {
					return nil, err
				}
				return starlark.None, p.failure(p.SendSignal(name), starlark.None, starlark.None)
			}},
		{name: "stdin", sig: "input_stream", doc: "The command's input if it was started with pipe_stdin, else None.",
			get: func(p *process) (starlark.Value, error) {
				if p.stdin == nil {
					return starlark.None, nil
				}
				return p.stdin, nil
			}},
		{name: "stdout", sig: "output_stream", doc: "The command's output.",
			get: func(p *process) (starlark.Value, error) { return p.stdout, nil }},
		{name: "stderr", sig: "output_stream", doc: "The command's error output; None if it is combined with the output.",
			get: func(p *process) (starlark.Value, error) {
				if p.combined {
					return starlark.None, nil
				}
				return p.stderr, nil
			}},
	},
}

func (p *process) String() string {
	return fmt.Sprintf("<exec_process %s in %s>", p.executable, p.container.name)
}
func (p *process) Type() string                             { return "exec_process" }
func (p *process) Attr(name string) (starlark.Value, error) { return processTable.attr(p, name) }
func (p *process) AttrNames() []string                      { return processTable.attrNames(p) }

// exec starts a command.
func (c *container) exec(in invocation) (starlark.Value, error) {
	var command starlark.Value
	var serviceContext, environment, workingDir, timeout, stdin starlark.Value = starlark.None, starlark.None, starlark.None, starlark.None, starlark.None
	var encoding starlark.Value = starlark.String("utf-8")
	var pipe, combine bool
	var a fileAttributes
	pairs := []any{"command", &command, byName, nil, "service_context?", &serviceContext, "environment?", &environment, "working_dir?", &workingDir,
		"timeout?", &timeout, "stdin?", &stdin, "pipe_stdin?", &pipe, "encoding?", &encoding, "combine_stderr?", &combine}
	pairs = append(pairs, a.pairs()[2:]...)
	if err := in.unpack(pairs...); err != nil {
		return nil, err
	}
	o := pebble.ExecOptions{PipeStdin: pipe, CombineStderr: combine}
	var err error
	if _, isText := starlark.AsString(command); isText {
		return nil, fmt.Errorf("%s: command is a string; want a list of the executable and its arguments: there is no shell", in.name)
	}
	if o.Command, err = stringsOf(in, "command", command); err != nil {
		return nil, err
	}
	if len(o.Command) == 0 {
		return nil, fmt.Errorf("%s: command is empty", in.name)
	}
	if _, o.Owner, err = a.read(in); err != nil {
		return nil, err
	}
	for _, field := range []struct {
		name  string
		value starlark.Value
		to    *string
	}{{"service_context", serviceContext, &o.ServiceContext}, {"working_dir", workingDir, &o.WorkingDir}} {
		text, ok := starlark.AsString(field.value)
		if !ok && field.value != starlark.None {
			return nil, fmt.Errorf("%s: %s is a %s, want a string", in.name, field.name, field.value.Type())
		}
		*field.to = text
	}
	if o.Environment, err = stringDict(in, "environment", environment); err != nil {
		return nil, err
	}
	if timeout != starlark.None {
		if o.Timeout, err = seconds(in, "timeout", timeout); err != nil {
			return nil, err
		}
		if o.Timeout == 0 {
			return nil, fmt.Errorf("%s: timeout is %s, want more than 0 seconds, or None for no end", in.name, shown(timeout))
		}
	}
	text, err := isText(in, encoding)
	if err != nil {
		return nil, err
	}
	if stdin != starlark.None {
		data, err := inputOf(in, "stdin", stdin, text)
		if err != nil {
			return nil, err
		}
		if pipe {
			return nil, fmt.Errorf("%s: got both stdin and pipe_stdin", in.name)
		}
		o.Stdin = strings.NewReader(data)
	}
	if o.ServiceContext != "" {
		if version := c.h.Model.Context().Version; !version.SupportsExecServiceContext() {
			return nil, &Failure{Kind: modelKinds[string(model.VersionError)],
				Message: fmt.Sprintf("cannot run a command in the context of service %q: the Pebble of Juju %s does not do that; it came with Juju 3.1.6, and is not in 3.2.0", o.ServiceContext, version)}
		}
	}
	started, err := c.client.Exec(c.h.Context, o)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	p := &process{container: c, Process: started, executable: fmt.Sprintf("%q", o.Command[0]), text: text, combined: combine}
	p.stdout, p.stderr = newOutputStream(p, started.Stdout()), newOutputStream(p, started.Stderr())
	if pipe {
		p.stdin = &inputStream{p: p, to: started.Stdin()}
	}
	c.h.processes = append(c.h.processes, p)
	return p, nil
}

// stringDict reads a dict of strings; None is nil.
func stringDict(in invocation, name string, v starlark.Value) (map[string]string, error) {
	if v == starlark.None {
		return nil, nil
	}
	dict, ok := v.(starlark.IterableMapping)
	if !ok {
		return nil, fmt.Errorf("%s: %s is a %s, want a dict of strings", in.name, name, v.Type())
	}
	all := map[string]string{}
	for _, item := range dict.Items() {
		key, isKey := starlark.AsString(item[0])
		value, isText := starlark.AsString(item[1])
		if !isKey || !isText {
			return nil, fmt.Errorf("%s: %s: %v = %s; want strings", in.name, name, item[0], item[1].Type())
		}
		all[key] = value
	}
	return all, nil
}

// isText reads the argument encoding.
func isText(in invocation, encoding starlark.Value) (bool, error) {
	name, ok := starlark.AsString(encoding)
	if encoding != starlark.None && (!ok || !strings.EqualFold(name, "utf-8")) {
		return false, fmt.Errorf("%s: encoding is %s; want \"utf-8\", or None for bytes", in.name, shown(encoding))
	}
	return encoding != starlark.None, nil
}

// inputOf reads what is written to a command: a string, or bytes when there is
// no encoding.
func inputOf(in invocation, name string, v starlark.Value, text bool) (string, error) {
	switch v := v.(type) {
	case starlark.String:
		if text {
			return string(v), nil
		}
		return "", fmt.Errorf("%s: %s is a string, and encoding is None; want bytes", in.name, name)
	case starlark.Bytes:
		if !text {
			return string(v), nil
		}
		return "", fmt.Errorf("%s: %s is bytes, which need encoding = None", in.name, name)
	}
	return "", fmt.Errorf("%s: %s is a %s, want a string, or bytes with encoding = None", in.name, name, v.Type())
}

// decoded is output as the script sees it.
func (p *process) decoded(data []byte) starlark.Value {
	if !p.text {
		return starlark.Bytes(data)
	}
	return starlark.String(strings.ToValidUTF8(string(data), "\uFFFD"))
}

// failure turns an error of the process into what the script sees; stdout and
// stderr are the outputs that it returned.
func (p *process) failure(err error, stdout, stderr starlark.Value) error {
	err = p.container.h.pebbleFailure(err)
	if f, ok := err.(*Failure); ok && f.Kind == pebbleKinds[string(pebble.ExecError)] {
		f.Fields["stdout"], f.Fields["stderr"] = stdout, stderr
	}
	return err
}

// wait waits for the command, and meets what ended a loop over its lines.
func (p *process) wait() error {
	p.waited = true
	if err := p.Wait(); err != nil {
		return err
	}
	return p.unread
}

func (p *process) waitOutput(in invocation) (starlark.Value, error) {
	if err := in.none(); err != nil {
		return nil, err
	}
	if err := p.wait(); err != nil && !pebble.IsKind(err, pebble.ExecError) {
		return nil, p.failure(err, starlark.None, starlark.None)
	}
	out, errOut, err := p.Output()
	stdout, stderr := p.decoded(append(p.stdout.ahead(), out...)), p.decoded(append(p.stderr.ahead(), errOut...))
	if p.combined {
		stderr = starlark.None
	}
	if err != nil {
		return nil, p.failure(err, stdout, stderr)
	}
	return starlark.Tuple{stdout, stderr}, nil
}

// End ends what the hook leaves behind: commands that nobody has waited for.
func (h *Hook) End() {
	for _, p := range h.processes {
		if !p.waited {
			h.Log("WARNING", fmt.Sprintf("The command %s in container %s is killed: the charm has started it and not waited for it.", p.executable, p.container.name))
		}
		p.Close()
	}
	h.processes = nil
}
