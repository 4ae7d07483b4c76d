package builtins

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/starcharm/starcharm/builtins/machine"
)

// This file has signals to the machine's processes, of module process.

func (c *commands) signal(in invocation) (starlark.Value, error) {
	var pid, signal starlark.Value
	var name string
	if err := in.unpack("pid", &pid, "signal", &signal, byName, nil, "name??", &name); err != nil {
		return nil, err
	}
	number, err := signalOf(in, signal)
	if err != nil {
		return nil, err
	}
	return c.send(in, pid, name, number)
}

func (c *commands) isRunning(in invocation) (starlark.Value, error) {
	var pid starlark.Value
	var name string
	if err := in.unpack("pid", &pid, byName, nil, "name??", &name); err != nil {
		return nil, err
	}
	return c.send(in, pid, name, 0)
}

func (c *commands) send(in invocation, pid starlark.Value, name string, s syscall.Signal) (starlark.Value, error) {
	n, err := starlark.AsInt32(pid)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%s: pid is %s, want a process's number, from 1", in.name, shown(pid))
	}
	there, err := c.machine.Signal(n, name, s)
	var undescribed *machine.UndescribedError
	switch {
	case errors.As(err, &undescribed):
		return nil, undescribed
	case errors.Is(err, machine.ErrProtected):
		return nil, &Failure{Kind: commandPermissionError, Message: fmt.Sprintf("cannot signal process %d: %v", n, err), Err: err}
	case errors.Is(err, fs.ErrPermission):
		return nil, &Failure{Kind: commandPermissionError, Message: fmt.Sprintf("cannot signal process %d: the charm's user may not", n), Err: err}
	case err != nil:
		return nil, &Failure{Kind: commandError, Message: fmt.Sprintf("cannot signal process %d: %v", n, err), Err: err}
	}
	return starlark.Bool(there), nil
}

// signalOf reads a signal from its name or number.
func signalOf(in invocation, v starlark.Value) (syscall.Signal, error) {
	switch v := v.(type) {
	case starlark.Int:
		if n, ok := v.Int64(); ok && n >= 1 && n <= 64 {
			return syscall.Signal(n), nil
		}
	case starlark.String:
		if s := unix.SignalNum("SIG" + strings.TrimPrefix(string(v), "SIG")); s != 0 {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%s: signal is %s, want one such as \"TERM\", \"HUP\" or 15", in.name, shown(v))
}
