package hooktool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// execTransport runs the programs that the agent puts on a hook's PATH.
type execTransport struct {
	env         []string
	path        []string
	dir         string
	orphanDelay time.Duration
}

func newExecTransport(env map[string]string, opts Options) *execTransport {
	t := &execTransport{dir: env["JUJU_CHARM_DIR"], orphanDelay: opts.OrphanDelay}
	for name, value := range env {
		t.env = append(t.env, name+"="+value)
	}
	slices.Sort(t.env)
	for _, dir := range filepath.SplitList(env["PATH"]) {
		// A relative folder would be the charm's, or worse.
		if filepath.IsAbs(dir) {
			t.path = append(t.path, dir)
		}
	}
	return t
}

func (t *execTransport) run(ctx context.Context, call Call) (Result, error) {
	program := t.find(call.Name)
	if program == "" {
		return Result{}, &Error{Tool: call.Name, Reason: Missing, Err: errors.New("no such hook tool on PATH: this version of Juju lacks it, or this is not a hook")}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tooLarge := func() { cancel(errTooLarge) }
	stdout := &boundedBuffer{left: maxStdout, exceeded: tooLarge}
	stderr := &boundedBuffer{left: maxStderr, exceeded: tooLarge}

	cmd := exec.CommandContext(ctx, program, call.Args...)
	cmd.Args[0] = call.Name
	cmd.Dir = t.dir
	cmd.Env = t.env
	if call.Stdin != nil {
		cmd.Stdin = bytes.NewReader(call.Stdin)
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = t.orphanDelay

	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return Result{}, contextError(ctx, call.Name, false)
		}
		return Result{}, &Error{Tool: call.Name, Reason: Lost, Err: fmt.Errorf("cannot start it: %w", err)}
	}
	err := cmd.Wait()
	// err may be exec.ErrWaitDelay: the tool has ended, and all that it wrote
	// is read, but a process that it left behind keeps the pipes open.
	state := cmd.ProcessState
	switch {
	case errors.Is(context.Cause(ctx), errTooLarge):
		return Result{}, &Error{Tool: call.Name, Reason: Garbage, MayHaveRun: true, Err: errTooLarge}
	case state == nil:
		return Result{}, &Error{Tool: call.Name, Reason: Lost, MayHaveRun: true, Err: err}
	case state.Exited():
		return Result{Stdout: stdout.data.Bytes(), Stderr: stderr.data.Bytes(), Code: state.ExitCode()}, nil
	case ctx.Err() != nil:
		return Result{}, contextError(ctx, call.Name, true)
	default:
		return Result{}, &Error{Tool: call.Name, Reason: Lost, MayHaveRun: true, Err: fmt.Errorf("the tool was killed: %v", state)}
	}
}

// everyHook is a tool that every Juju has in every hook: where it lies on PATH,
// the agent's tools are.
const everyHook = "juju-log"

// find returns the path of the tool, or "". The rest of PATH has programs that
// are no hook tools and that nobody may reach by calling one.
func (t *execTransport) find(name string) string {
	for _, dir := range t.path {
		if !isProgram(filepath.Join(dir, everyHook)) {
			continue
		}
		if path := filepath.Join(dir, name); isProgram(path) {
			return path
		}
		return ""
	}
	return ""
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func killGroup(pid int) error {
	err := syscall.Kill(-pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// boundedBuffer keeps what is written up to a limit, then calls exceeded and
// drops the rest.
type boundedBuffer struct {
	data     bytes.Buffer
	left     int
	exceeded func()
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if len(p) > b.left {
		b.left = 0
		b.exceeded()
		return len(p), nil
	}
	b.left -= len(p)
	return b.data.Write(p)
}
