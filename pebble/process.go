package pebble

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Process is a command that runs, or ran.
type Process struct {
	client  *Client
	command []string
	change  string
	sockets *sockets
	// ctx ends with the process; its cause says why.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// release frees what ctx holds.
	release []func()
	// taking ends when the command takes no more input.
	taking     context.Context
	stopTaking context.CancelFunc

	stdin          *input
	stdout, stderr *output
	maxOutput      int
	// pumps are the goroutines that read the outputs, watching the one that
	// reads the control connection.
	pumps, watching sync.WaitGroup

	finish sync.Once
	err    error

	mu sync.Mutex
	// moved is broadcast when anything below, or in an output, changes.
	moved *sync.Cond
	// waiting counts the calls that wait for the command, so that its outputs
	// must not wait for them.
	waiting int
	// ended is set when the command has ended. What it started may live on, and
	// hold the outputs open.
	ended bool
	// progress is when something was last read, silence what ends the process
	// when nothing is for the time of patience.
	progress time.Time
	silence  *time.Timer
	patience time.Duration
	mute     error
}

// newProcess takes over the connections of a command that starts.
func (c *Client) newProcess(ctx context.Context, change string, o ExecOptions, s *sockets) *Process {
	p := &Process{client: c, command: o.Command, change: change, sockets: s, maxOutput: o.MaxOutput}
	if p.maxOutput <= 0 {
		p.maxOutput = defaultMaxOutput
	}
	p.moved = sync.NewCond(&p.mu)
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	if o.Timeout > 0 {
		limit := o.Timeout + c.timeout
		late := time.AfterFunc(limit, func() {
			p.cancel(&Error{Kind: TimeoutError, Message: fmt.Sprintf("timed out waiting for command %s (%s)", executable(p.command), seconds(limit))})
		})
		p.release = append(p.release, func() { late.Stop() })
	}
	p.taking, p.stopTaking = context.WithCancel(p.ctx)
	stop := context.AfterFunc(p.ctx, p.changed)
	p.release = append(p.release, p.stopTaking, func() { stop() })

	p.stdout = &output{p: p, name: "stdout", conn: s.stdio, writer: o.Stdout}
	p.stderr = &output{p: p, name: "stderr", conn: s.stderr, writer: o.Stderr}
	p.watching.Go(p.watch)
	p.pumps.Go(p.stdout.pump)
	if s.stderr != nil {
		p.pumps.Go(p.stderr.pump)
	} else {
		p.stderr.err = io.EOF
	}
	p.stdin = &input{p: p, pipe: o.PipeStdin}
	if o.Stdin != nil {
		go p.stdin.copy(o.Stdin)
	} else if !o.PipeStdin {
		// A failure shows where the outputs are read.
		_ = p.stdin.Close()
	}
	return p
}

// changed wakes up all that wait.
func (p *Process) changed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved.Broadcast()
}

// Stdin is the command's input, when it is a pipe. Closing it is its end; a
// Write after that, or after the end of the command, fails.
func (p *Process) Stdin() io.WriteCloser { return p.stdin }

// Stdout is the command's output, unless it has a writer. What it gives is what
// the command wrote, byte by byte.
func (p *Process) Stdout() io.Reader { return p.stdout }

// Stderr is the command's error output, unless it has a writer, and empty if it
// is combined with the output.
func (p *Process) Stderr() io.Reader { return p.stderr }

// ChangeID returns the id of the change that runs the command.
func (p *Process) ChangeID() string { return p.change }

// SendSignal sends a signal, by name such as "SIGHUP", to the command, and not
// to what it started. A command that has ended gets none.
func (p *Process) SendSignal(name string) error {
	type signal struct {
		Name string `json:"name"`
	}
	text, err := json.Marshal(struct {
		Command string `json:"command"`
		Signal  signal `json:"signal"`
	}{"signal", signal{name}})
	if err != nil {
		return fmt.Errorf("cannot encode the signal %q: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.client.timeout)
	defer cancel()
	err = p.sockets.control.Write(ctx, websocket.MessageText, text)
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if err == nil || ended {
		return nil
	}
	return p.failure("send a signal to", err)
}

// Wait ends the input, waits for the end of the command and of its outputs, and
// frees what the process held. Another exit code than 0 is an [ExecError], and a
// timeout a [ChangeError]. When the command has ended and something that it
// started keeps an output open without writing to it, Wait gives up after the
// client's IdleTimeout, with a [TimeoutError].
func (p *Process) Wait() error {
	p.finish.Do(func() {
		p.mu.Lock()
		p.waiting++
		p.moved.Broadcast()
		p.mu.Unlock()
		p.err = p.wait()
		p.Close()
	})
	return p.err
}

// Output waits as [Process.Wait] does and returns what was written to the
// outputs and has not been read, which an [ExecError] has too. An output that
// has a writer is empty.
func (p *Process) Output() (stdout, stderr []byte, err error) {
	err = p.Wait()
	stdout, stderr = p.stdout.rest(), p.stderr.rest()
	if IsKind(err, ExecError) {
		e := *err.(*Error)
		e.Stdout, e.Stderr = string(stdout), string(stderr)
		err = &e
	}
	return stdout, stderr, err
}

func (p *Process) wait() error {
	if p.stdin.pipe {
		_ = p.stdin.Close()
	}
	change, err := p.client.WaitChange(p.ctx, p.change, WaitOptions{Timeout: -1})
	if err != nil {
		return err
	}
	// All output is on its way. One that fails may not get an end.
	patience := p.client.timeout
	if change.Err != "" {
		patience = min(patience, time.Second)
	}
	p.hush(patience, protocolError("Pebble's change %s is ready, and the outputs of command %s have no end", p.change, executable(p.command)))
	p.pumps.Wait()
	if change.Err != "" {
		return &Error{Kind: ChangeError, Message: change.Err, Change: change}
	}
	for _, o := range []*output{p.stdout, p.stderr} {
		if o.err != io.EOF {
			return o.err
		}
	}
	code, err := exitCode(change)
	if err == nil && code != 0 {
		err = &Error{Kind: ExecError, Message: fmt.Sprintf("command %s ended with exit code %d", executable(p.command), code), Command: p.command, ExitCode: code}
	}
	return err
}

// Close kills the command if it has not ended, and frees what the process held.
func (p *Process) Close() {
	p.cancel(&Error{Kind: RootError, Message: fmt.Sprintf("the process of command %s was closed", executable(p.command))})
	p.mu.Lock()
	if p.silence != nil {
		p.silence.Stop()
	}
	p.mu.Unlock()
	p.sockets.close()
	p.pumps.Wait()
	p.watching.Wait()
	for _, release := range p.release {
		release()
	}
}

// watch reads the control connection, on which nothing comes, and which the
// daemon closes when the command ends.
func (p *Process) watch() {
	for {
		_, r, err := p.sockets.control.Reader(p.ctx)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			break
		}
	}
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.inputDone()
	p.hush(p.client.idleTimeout, &Error{Kind: TimeoutError, Message: fmt.Sprintf(
		"command %s has ended, and what it started keeps its output open (nothing came for %s)", executable(p.command), seconds(p.client.idleTimeout))})
}

// inputDone stops the input when the command has ended and its output has come,
// which an input that nobody takes must not hold up.
func (p *Process) inputDone() {
	p.mu.Lock()
	done := p.ended && p.stdout.err != nil
	p.mu.Unlock()
	if done {
		p.stopTaking()
	}
}

// hush ends the process with err when nothing is read for a time, until both
// outputs are at their end.
func (p *Process) hush(patience time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress, p.patience, p.mute = time.Now(), patience, err
	if p.silence != nil {
		p.silence.Reset(patience)
	} else if p.ctx.Err() == nil {
		p.silence = time.AfterFunc(patience, p.silent)
	}
}

func (p *Process) silent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stdout.err != nil && p.stderr.err != nil || p.ctx.Err() != nil {
		return
	}
	left := p.patience - time.Since(p.progress)
	if p.stdout.busy || p.stderr.busy {
		// Whoever takes the output is slow, not the daemon.
		left = p.patience
	}
	if left > 0 {
		p.silence.Reset(left)
		return
	}
	p.cancel(p.mute)
}

// failure describes an error of a connection.
func (p *Process) failure(what string, err error) error {
	return p.client.transportError(what+" command "+executable(p.command), contextCause(p.ctx, err))
}
