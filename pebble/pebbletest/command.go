package pebbletest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/starcharm/starcharm/pebble"
	"golang.org/x/sys/unix"
)

// Command is a command while it runs, for a [Handler].
type Command struct {
	Args        []string
	Environment map[string]string
	WorkingDir  string
	// UserID and GroupID are whom it runs as.
	UserID, GroupID int
	// Timeout is 0 for none.
	Timeout time.Duration
	// Stdin is at its end when the client says so.
	Stdin io.Reader
	// Stderr is Stdout when the client combines them.
	Stdout, Stderr io.Writer

	server *Server
}

// ReadFile returns a file of the container.
func (c *Command) ReadFile(name string) (string, error) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	_, n, err := c.server.files.lookup(c.path(name), true)
	if err != nil {
		return "", pathError("open", name, err)
	}
	return n.content, nil
}

// WriteFile writes a file of the container, and makes the directories above it.
func (c *Command) WriteFile(name, content string) error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.server.files.put(c.path(name), &node{
		kind: pebble.TypeFile, content: content, mode: 0o644, modified: c.server.now(), owner: owner{c.UserID, c.GroupID}})
}

// RemoveAll removes a file or directory of the container.
func (c *Command) RemoveAll(name string) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.files.removeAll(c.path(name))
}

// path is name as seen from the working directory.
func (c *Command) path(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(c.WorkingDir, name)
}

// put puts a node at an absolute, clean path.
func (t *tree) put(p string, n *node) error {
	for parent := path.Dir(p); ; parent = path.Dir(parent) {
		if above := t.nodes[parent]; above == nil {
			t.nodes[parent] = &node{kind: pebble.TypeDirectory, mode: 0o755, modified: n.modified}
		} else if above.kind != pebble.TypeDirectory {
			return pathError("open", p, syscall.ENOTDIR)
		}
		if parent == "/" {
			break
		}
	}
	if old := t.nodes[p]; old != nil && old.kind == pebble.TypeDirectory {
		return pathError("open", p, syscall.EISDIR)
	}
	t.nodes[p] = n
	return nil
}

// run is what a command does that is described.
func (e *Exec) run(ctx context.Context, c *Command) int {
	if err := e.touch(c); err != nil {
		fmt.Fprintln(c.Stderr, err)
		return 1
	}
	for _, out := range []struct {
		to   io.Writer
		text string
	}{{c.Stdout, e.Stdout}, {c.Stderr, e.Stderr}} {
		if _, err := io.WriteString(out.to, out.text); err != nil {
			return 128 + int(unix.SIGPIPE)
		}
	}
	if e.Hangs {
		<-ctx.Done()
	}
	return e.ExitCode
}

// touch does what the command does to files.
func (e *Exec) touch(c *Command) error {
	for _, p := range e.Removes {
		c.RemoveAll(p)
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	written, err := newTree(e.Files, c.server.now())
	if err != nil {
		return err
	}
	for p := range e.Files {
		if written.nodes[p].kind == pebble.TypeDirectory && c.server.files.nodes[p] != nil {
			continue
		}
		if err := c.server.files.put(p, written.nodes[p]); err != nil {
			return err
		}
	}
	return nil
}

// connectTask answers the request for a websocket.
func (s *Server) connectTask(c *call) response {
	id, name, _ := strings.Cut(c.id, websocketPath)
	c.summary = "connect " + name + " of task " + id
	p := s.processes[id]
	if p == nil {
		for _, change := range s.changes {
			for _, task := range change.Tasks {
				if task.ID == id {
					return badRequest(fmt.Errorf("%q tasks do not have websockets", task.Kind))
				}
			}
		}
		return failed(http.StatusNotFound, "", fmt.Errorf("cannot find task %q", id))
	}
	switch _, taken := p.sockets[name]; {
	case p.change.Ready && p.change.Err != "":
		return failed(http.StatusInternalServerError, "", errors.New(p.change.Err))
	case p.change.Ready:
		return response{code: http.StatusOK}
	case name != "control" && name != "stdio" && (name != "stderr" || !p.split):
		return failed(http.StatusNotFound, "", fmt.Errorf("cannot find %s websocket for task %q", name, id))
	case taken:
		return failed(http.StatusInternalServerError, "", fmt.Errorf("%s websocket already connected", name))
	}
	// The client may go on before the connection is made here.
	p.sockets[name] = nil
	return response{code: http.StatusSwitchingProtocols, upgrade: func(socket *websocket.Conn, settle func()) { p.connect(name, socket, settle) }}
}

// connect takes a connection, nil if it failed, and starts the command when all
// are there.
func (p *process) connect(name string, conn *websocket.Conn, settle func()) {
	s := p.server
	s.mu.Lock()
	ready := p.change.Ready
	switch {
	case conn == nil:
		delete(p.sockets, name)
	case !ready:
		p.sockets[name] = conn
		if name == "control" {
			p.settle = settle
		}
	}
	start := !ready && !p.started && p.sockets["stdio"] != nil && (!p.split || p.sockets["stderr"] != nil)
	if start {
		p.started = true
	}
	s.mu.Unlock()
	if conn == nil {
		return
	}
	if ready {
		_ = conn.CloseNow()
		return
	}
	conn.SetReadLimit(-1)
	if name == "control" {
		go p.obey(conn)
	}
	if start {
		go p.run()
	}
}

// run runs the command.
func (p *process) run() {
	s := p.server
	s.mu.Lock()
	stdio, stderr := p.sockets["stdio"], p.sockets["stderr"]
	s.mu.Unlock()
	input, inputWriter := io.Pipe()
	stop := context.AfterFunc(p.ctx, func() { _ = inputWriter.CloseWithError(errKilled) })
	defer stop()
	go p.receive(stdio, inputWriter)
	c := p.command
	c.Stdin, c.Stdout = input, &sender{stdio}
	c.Stderr = c.Stdout
	if p.split {
		c.Stderr = &sender{stderr}
	}
	if c.Timeout > 0 {
		late := time.AfterFunc(c.Timeout, func() { p.kill(p.timedOut()) })
		defer late.Stop()
	}
	var do Handler = HandlerFunc(p.does.run)
	if p.does.Handler != nil {
		do = p.does.Handler
	}
	p.watch(c)
	exitCode := do.Run(p.ctx, c)
	var err error
	switch cause := context.Cause(p.ctx).(type) {
	case nil:
	case exited:
		exitCode = int(cause)
	default:
		exitCode, err = -1, cause
	}
	_ = input.Close()
	s.mu.Lock()
	control := p.sockets["control"]
	s.mu.Unlock()
	if control != nil {
		_ = control.CloseNow()
	}
	for _, conn := range []*websocket.Conn{stdio, stderr} {
		if conn != nil {
			// An error means that the client went away.
			_ = conn.Write(context.Background(), websocket.MessageText, []byte(`{"command":"end"}`))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.finish(exitCode, err)
}

// errKilled is what a command that was killed meets when it reads on.
var errKilled = errors.New("the command was killed")

// receive hands the client's input to the command, until the client closes the
// connection.
func (p *process) receive(conn *websocket.Conn, to *io.PipeWriter) {
	defer p.hangUp()
	defer to.Close()
	for {
		kind, r, err := conn.Reader(context.Background())
		if err != nil {
			return
		}
		if kind == websocket.MessageBinary {
			// What the command does not take is dropped when it has ended.
			_, _ = io.Copy(to, r)
			_, _ = io.Copy(io.Discard, r)
			continue
		}
		var message struct {
			Command string `json:"command"`
		}
		text, _ := io.ReadAll(io.LimitReader(r, maxMessage))
		_, _ = io.Copy(io.Discard, r)
		if json.Unmarshal(text, &message) == nil && message.Command == "end" {
			to.Close()
		}
	}
}

// hangUp closes all connections.
func (p *process) hangUp() {
	p.server.mu.Lock()
	sockets := slices.Collect(maps.Values(p.sockets))
	p.server.mu.Unlock()
	for _, socket := range sockets {
		if socket != nil {
			_ = socket.CloseNow()
		}
	}
}

// maxMessage is how large a message may be that is no input, in bytes.
const maxMessage = 4 << 10

// obey follows what comes over the control connection.
func (p *process) obey(conn *websocket.Conn) {
	for {
		_, r, err := conn.Reader(context.Background())
		if err != nil {
			if websocket.CloseStatus(err) == -1 {
				// The client is gone without a farewell.
				p.kill(exited(128 + int(unix.SIGKILL)))
			}
			return
		}
		var message struct {
			Command string `json:"command"`
			Signal  *struct {
				Name string `json:"name"`
			} `json:"signal"`
		}
		text, _ := io.ReadAll(io.LimitReader(r, maxMessage))
		_, _ = io.Copy(io.Discard, r)
		if json.Unmarshal(text, &message) == nil && message.Command == "signal" && message.Signal != nil {
			p.signal(message.Signal.Name)
		}
	}
}

// signal does what a signal does to a process that does not handle it.
func (p *process) signal(name string) {
	switch number := unix.SignalNum(name); number {
	case 0, unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
	default:
		p.kill(exited(128 + int(number)))
	}
}

// sender sends output.
type sender struct{ conn *websocket.Conn }

// maxChunk is how much output is sent in one message, in bytes.
const maxChunk = 128 << 10

func (s *sender) Write(b []byte) (sent int, err error) {
	for sent < len(b) {
		n := min(maxChunk, len(b)-sent)
		if err := s.conn.Write(context.Background(), websocket.MessageBinary, b[sent:sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}
