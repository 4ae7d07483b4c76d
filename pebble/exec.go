package pebble

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

const (
	// defaultMaxOutput is how much of a command's output may be waiting for its
	// reader, in bytes a stream.
	defaultMaxOutput = 64 << 20
	// maxTextMessage is how large a message of the websockets may be that is
	// not output, in bytes.
	maxTextMessage = 4 << 10
)

// ExecOptions says what command to run, and how.
type ExecOptions struct {
	// Command is the executable and its arguments. There is no shell.
	Command []string
	// ServiceContext names a service whose environment, user, group and working
	// directory the command gets, unless others are given here.
	ServiceContext string
	// Environment is added to the daemon's.
	Environment map[string]string
	// WorkingDir is the home of the user that the command runs as by default.
	WorkingDir string
	// Timeout ends the command with SIGKILL: a [ChangeError]. The client gives
	// the daemon its own Timeout longer than that, and then gives up with a
	// [TimeoutError]. 0 is without end, and less than a millisecond is one.
	Timeout time.Duration
	// Owner is whom the command runs as.
	Owner

	// Stdin is the command's input, nil an empty one. It is read no further
	// than the command takes it, and a Read that blocks outlives the process.
	Stdin io.Reader
	// PipeStdin makes the input what is written to [Process.Stdin] instead.
	PipeStdin bool
	// Stdout and Stderr take the output as it comes. What has no writer is kept
	// for the readers of the Process, up to MaxOutput bytes each.
	Stdout, Stderr io.Writer
	// CombineStderr makes the error output part of the output.
	CombineStderr bool
	// MaxOutput is how many bytes of each output may be waiting for their
	// reader before the command is killed: 64 MiB by default. While there is a
	// reader that nothing holds up, much less is waiting.
	MaxOutput int
}

// request is the body of the request that o comes to.
func (o ExecOptions) request() any {
	timeout := ""
	if o.Timeout > 0 {
		timeout = seconds(o.Timeout)
	}
	return struct {
		Command        []string          `json:"command"`
		ServiceContext string            `json:"service-context,omitempty"`
		Environment    map[string]string `json:"environment,omitempty"`
		WorkingDir     string            `json:"working-dir,omitempty"`
		Timeout        string            `json:"timeout,omitempty"`
		SplitStderr    bool              `json:"split-stderr,omitempty"`
		attributes
	}{o.Command, o.ServiceContext, o.Environment, o.WorkingDir, timeout, !o.CombineStderr, newAttributes(nil, o.Owner)}
}

// Exec starts a command. The process, which [Process.Wait], [Process.Output] or
// [Process.Close] must end, is killed when ctx ends.
//
// An executable, service context, user or directory that is not there is an
// [APIError].
func (c *Client) Exec(ctx context.Context, o ExecOptions) (*Process, error) {
	switch {
	case len(o.Command) == 0:
		return nil, errors.New("cannot run an empty command")
	case o.CombineStderr && o.Stderr != nil:
		return nil, errors.New("cannot write the error output by itself: it is combined with the output")
	case o.PipeStdin && o.Stdin != nil:
		return nil, errors.New("cannot give input both as a reader and through a pipe")
	}
	r := request{method: http.MethodPost, path: "/v1/exec", body: o.request()}
	a, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	var made struct {
		TaskID string `json:"task-id"`
	}
	if a.Type != "async" || a.Change == "" {
		return nil, protocolError("Pebble's answer to %s %s is of type %q, want \"async\" with a change", r.method, r.path, a.Type)
	}
	if err := a.decode(r, &made); err != nil {
		return nil, err
	}
	sockets, err := c.connect(ctx, a.Change, made.TaskID, !o.CombineStderr)
	if err != nil {
		return nil, err
	}
	return c.newProcess(ctx, a.Change, o, sockets), nil
}

// sockets are the connections that a process has.
type sockets struct {
	control, stdio *websocket.Conn
	// stderr is nil when the error output is combined with the output.
	stderr *websocket.Conn
}

func (s *sockets) close() {
	for _, conn := range []*websocket.Conn{s.control, s.stdio, s.stderr} {
		if conn != nil {
			// Without a closing handshake: on the control connection that is
			// what kills the command.
			_ = conn.CloseNow()
		}
	}
}

// connect connects to the task that runs a command. The daemon starts it when
// all connections are there.
func (c *Client) connect(ctx context.Context, change, task string, splitStderr bool) (*sockets, error) {
	ctx, cancel := within(ctx, c.timeout)
	defer cancel()
	s := &sockets{}
	// The control connection has to be the first: a command may end, and the
	// task with it, as soon as the others are there.
	var err error
	if s.control, err = c.dial(ctx, task, "control"); err == nil {
		s.stdio, err = c.dial(ctx, task, "stdio")
	}
	if err == nil && splitStderr {
		s.stderr, err = c.dial(ctx, task, "stderr")
	}
	if err == nil {
		return s, nil
	}
	s.close()
	// The change tells more than a handshake that was refused.
	if known, changeErr := c.Change(ctx, change); changeErr == nil && known.Ready && known.Err != "" {
		return nil, &Error{Kind: ChangeError, Message: known.Err, Change: known}
	}
	return nil, err
}

func (c *Client) dial(ctx context.Context, task, name string) (*websocket.Conn, error) {
	r := request{method: http.MethodGet, path: "/v1/tasks/" + url.PathEscape(task) + "/websocket/" + name}
	conn, resp, err := websocket.Dial(ctx, "ws://localhost"+r.path, &websocket.DialOptions{
		// A connection of its own, which nothing else uses afterwards.
		HTTPClient: &http.Client{Transport: c.post},
	})
	if err == nil {
		// Messages are read in pieces, so their size does not matter.
		conn.SetReadLimit(-1)
		return conn, nil
	}
	var a answer
	if resp != nil && resp.StatusCode >= http.StatusBadRequest && json.NewDecoder(resp.Body).Decode(&a) == nil && a.Type == "error" {
		return nil, apiError(resp.StatusCode, &a)
	}
	if resp != nil {
		return nil, protocolError("Pebble's answer to %s %s has status %d and does not make a websocket", r.method, r.path, resp.StatusCode)
	}
	return nil, c.transportError("connect to the "+name+" of task "+task, contextCause(ctx, err))
}

// message reads a message that is no output, and whether it says that the
// stream is at its end. What it is not known to say is of no matter.
func message(r io.Reader) (end bool, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTextMessage))
	if err != nil {
		return false, err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return false, err
	}
	return isEnd(text), nil
}

// isEnd reports whether a message says that a stream is at its end.
func isEnd(text []byte) bool {
	var m struct {
		Command string `json:"command"`
	}
	return json.Unmarshal(text, &m) == nil && m.Command == "end"
}

const endMessage = `{"command":"end"}`

// exitCode returns a finished command's exit code.
func exitCode(change *Change) (int, error) {
	if len(change.Tasks) > 0 {
		if code, ok := change.Tasks[0].Data["exit-code"].(float64); ok && code == float64(int(code)) {
			return int(code), nil
		}
	}
	return 0, protocolError("Pebble's change %s has no exit code", change.ID)
}

// executable describes a command in messages: its arguments are nobody's
// business.
func executable(command []string) string {
	if len(command) == 0 {
		return `""`
	}
	return fmt.Sprintf("%q", command[0])
}
