package hooktool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// ModeVariable names the environment variable that forces one way of reaching
// Juju: "rpc" or "exec". Unset or empty, the client chooses.
const ModeVariable = "STARCHARM_HOOK_TOOLS"

// What a single answer may hold. More is an error with reason [Garbage].
const (
	maxStdout = 64 << 20
	maxStderr = 1 << 20
)

// Options bounds the time that calls take. Zero values mean the defaults.
type Options struct {
	// Timeout is how long a tool may take: 10 minutes by default.
	Timeout time.Duration
	// ResourceTimeout is how long resource-get may take, which downloads:
	// 1 hour by default.
	ResourceTimeout time.Duration
	// DialTimeout is how long connecting to the agent may take: 10 seconds by
	// default.
	DialTimeout time.Duration
	// OrphanDelay is how long to wait, after a tool has ended, for processes
	// that it left behind and that still hold its output: 2 seconds by
	// default.
	OrphanDelay time.Duration
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	set(&o.Timeout, 10*time.Minute)
	set(&o.ResourceTimeout, time.Hour)
	set(&o.DialTimeout, 10*time.Second)
	set(&o.OrphanDelay, 2*time.Second)
	return o
}

func (o Options) timeout(tool string) time.Duration {
	if tool == "resource-get" {
		return o.ResourceTimeout
	}
	return o.Timeout
}

// Client runs hook tools of the unit agent that started this hook. It is a
// [Runner]; use [Open] to make one and close it when the hook ends, because
// the agent waits for connections that are still open.
type Client struct {
	opts Options
	rpc  *rpcTransport  // nil: do not try
	exec *execTransport // nil: do not fall back
	turn chan struct{}  // holds a token while no call is running

	life context.Context // ends with Close
	end  context.CancelCauseFunc
}

var _ Runner = (*Client)(nil)

// Open returns a client for the hook whose environment is env. It connects at
// the first call.
//
// Calls go to the agent's socket (JUJU_AGENT_SOCKET_ADDRESS) over one
// connection. When there is no such socket, when it cannot be reached at the
// first call, or when what listens there has no Jujuc.Main, the tools on env's
// PATH are run instead. STARCHARM_HOOK_TOOLS in env forces one of the two
// ("rpc" or "exec"); another value is an error.
func Open(env map[string]string, opts Options) (*Client, error) {
	env = maps.Clone(env)
	c := &Client{opts: opts.withDefaults(), turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	c.life, c.end = context.WithCancelCause(context.Background())
	rpc, err := newRPCTransport(env, c.opts)
	switch mode := env[ModeVariable]; mode {
	case "":
		c.rpc = rpc
		c.exec = newExecTransport(env, c.opts)
	case "rpc":
		if err != nil {
			return nil, fmt.Errorf("cannot use %s=rpc: %w", ModeVariable, err)
		}
		c.rpc = rpc
	case "exec":
		c.exec = newExecTransport(env, c.opts)
	default:
		return nil, fmt.Errorf("cannot use %s=%q: it must be rpc, exec or unset", ModeVariable, mode)
	}
	return c, nil
}

// errNoService says that what listens on the socket is not Juju's agent, or
// that nothing does, so the call cannot have been carried out.
var errNoService = errors.New("no hook tool service")

// Run implements [Runner].
func (c *Client) Run(ctx context.Context, call Call) (Result, error) {
	if !validName(call.Name) {
		return Result{}, &Error{Tool: call.Name, Reason: Missing, Err: errors.New("not the name of a hook tool")}
	}
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return Result{}, contextError(ctx, call.Name, false)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(c.life, func() { stop(errClosed) })()
	if c.life.Err() != nil {
		return Result{}, &Error{Tool: call.Name, Reason: Lost, Err: errClosed}
	}
	if ctx.Err() != nil {
		return Result{}, contextError(ctx, call.Name, false)
	}
	timeout := c.opts.timeout(call.Name)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, timeoutError(timeout))
	defer cancel()
	if c.rpc == nil {
		return c.exec.run(ctx, call)
	}
	result, err := c.rpc.run(ctx, call)
	if err != nil && c.exec != nil && errors.Is(err, errNoService) {
		c.rpc.close()
		c.rpc = nil
		return c.exec.run(ctx, call)
	}
	return result, err
}

// Close closes the connection to the agent. A call that is running fails, and
// so do later ones.
func (c *Client) Close() error {
	c.end(errClosed)
	<-c.turn
	defer func() { c.turn <- struct{}{} }()
	if c.rpc != nil {
		c.rpc.close()
	}
	return nil
}

var errClosed = errors.New("the connection to Juju was closed, the hook is over")

// timeoutError is the cause of a context that ended because the tool took too
// long.
type timeoutError time.Duration

func (d timeoutError) Error() string {
	return fmt.Sprintf("no answer within %v", time.Duration(d))
}

// contextError is the error for a call that ended because its context did.
func contextError(ctx context.Context, tool string, mayHaveRun bool) *Error {
	reason := Canceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		reason = Timeout
	}
	if errors.Is(context.Cause(ctx), errClosed) {
		reason = Lost
	}
	return &Error{Tool: tool, Reason: reason, MayHaveRun: mayHaveRun, Err: context.Cause(ctx)}
}

// validName tells whether name can be a hook tool's: never a path.
func validName(name string) bool {
	if name == "" || len(name) > 64 || name[0] == '-' {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}
