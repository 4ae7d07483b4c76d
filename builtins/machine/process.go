package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Command is a program that is to be run, never by a shell.
type Command struct {
	// Args are the program, by its path or its name on PATH, and its
	// arguments.
	Args []string
	// Env is added to the environment of this process.
	Env map[string]string
	// Dir is the directory to run in; "": that of this process.
	Dir string
	// User is whom it runs as, by name or number; "": as this process does.
	User  string
	Stdin []byte
	// Timeout is how long it and what it starts may run.
	Timeout time.Duration
	// MaxOutput is how much it may write to each of its outputs, in bytes.
	MaxOutput int
}

// A Result is what came of a command.
type Result struct {
	// ExitCode is 128 and the signal's number for one that a signal ended.
	ExitCode       int
	Stdout, Stderr []byte
}

// Failures of [Machine.Run], besides those to start the command.
var (
	ErrTimeout = errors.New("timed out")
	ErrOutput  = errors.New("it wrote too much")
)

// lingering is how long the outputs are read after the command has ended, for
// what it has left behind that still writes to them.
const lingering = time.Second

func (real) Run(ctx context.Context, c Command) (*Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if c.Timeout > 0 {
		timer := time.AfterFunc(c.Timeout, func() { cancel(ErrTimeout) })
		defer timer.Stop()
	}
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Stdin = c.Dir, bytes.NewReader(c.Stdin)
	cmd.Env = os.Environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.User != "" {
		u, err := lookupUser(c.User)
		if err != nil {
			return nil, err
		}
		if cmd.SysProcAttr.Credential, err = credential(u); err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, "HOME="+u.HomeDir, "USER="+u.Username, "LOGNAME="+u.Username)
	}
	for name, value := range c.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	// All that it has started ends with it when it has to.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = lingering
	tooMuch := func() { cancel(ErrOutput) }
	stdout, stderr := &limited{left: c.MaxOutput, full: tooMuch}, &limited{left: c.MaxOutput, full: tooMuch}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	result := &Result{Stdout: stdout.buffer.Bytes(), Stderr: stderr.buffer.Bytes()}
	var exited *exec.ExitError
	switch {
	case cmd.ProcessState == nil: // it has not started
		return nil, err
	case context.Cause(ctx) != nil:
		return result, context.Cause(ctx)
	case err == nil || errors.As(err, &exited) || errors.Is(err, exec.ErrWaitDelay):
	case errors.Is(err, syscall.EPIPE): // it did not read its input
	default:
		return result, err
	}
	result.ExitCode = cmd.ProcessState.ExitCode()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		result.ExitCode = 128 + int(status.Signal())
	}
	return result, nil
}

// limited is a buffer that takes a limited number of bytes. (It does not embed
// the buffer, whose ReadFrom would take any number.)
type limited struct {
	buffer bytes.Buffer
	left   int
	full   func()
}

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.buffer.Write(b[:n])
	l.left -= n
	if n < len(b) {
		l.full()
	}
	return len(b), nil
}

func lookupUser(name string) (*user.User, error) {
	u, err := user.Lookup(name)
	if _, numberErr := strconv.ParseUint(name, 10, 32); err != nil && numberErr == nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	return u, nil
}

func credential(u *user.User) (*syscall.Credential, error) {
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	groups, err := u.GroupIds()
	if err := errors.Join(uidErr, gidErr, err); err != nil {
		return nil, fmt.Errorf("cannot find the groups of %s: %w", u.Username, err)
	}
	c := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	for _, group := range groups {
		if id, err := strconv.ParseUint(group, 10, 32); err == nil {
			c.Groups = append(c.Groups, uint32(id))
		}
	}
	// Nothing has to be changed, and need be allowed, for who it is already.
	if int(c.Uid) == os.Getuid() && int(c.Gid) == os.Getgid() {
		return nil, nil
	}
	return c, nil
}

// Line is the command as one would type it.
func (c Command) Line() string {
	words := slices.Clone(c.Args)
	for i, word := range words {
		if word == "" || strings.ContainsAny(word, " \t\n'\"$\\|&;<>()*?#~`") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
