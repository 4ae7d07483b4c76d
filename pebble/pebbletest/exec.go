package pebbletest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/starcharm/starcharm/pebble"
)

// Exec is what a command does.
type Exec struct {
	// CommandPrefix is how the command begins; the longest that fits counts,
	// and an empty one fits every command. Several of one prefix have their
	// turns in order, and the last of them ever after.
	CommandPrefix []string `yaml:"command_prefix"`
	ExitCode      int      `yaml:"exit_code,omitempty"`
	Stdout        string   `yaml:"stdout,omitempty"`
	Stderr        string   `yaml:"stderr,omitempty"`
	// Files are those that the command writes, by absolute path, and Removes
	// those that it removes, with all that is in them.
	Files   map[string]*File `yaml:"files,omitempty"`
	Removes []string         `yaml:"removes,omitempty"`
	// Hangs is set for a command that ends by a signal or its timeout only,
	// after its output. The timeout is over as soon as somebody waits for it.
	Hangs bool `yaml:"hangs,omitempty"`
	// Handler, unless nil, is the command. What else is said of the output, the
	// files and the return code does not count then.
	Handler Handler `yaml:"-"`
}

// A Handler is a command in Go.
type Handler interface {
	// Run returns the exit code. It has to return when ctx ends, which is when
	// the command is killed.
	Run(ctx context.Context, c *Command) (exitCode int)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, c *Command) (exitCode int)

// Run calls f.
func (f HandlerFunc) Run(ctx context.Context, c *Command) int { return f(ctx, c) }

// copy shares nothing but the handler.
func (e *Exec) copy() *Exec {
	copied := *e
	copied.CommandPrefix = slices.Clone(e.CommandPrefix)
	copied.Removes = slices.Clone(e.Removes)
	copied.Files = map[string]*File{}
	for p, f := range e.Files {
		file := *f
		copied.Files[p] = &file
	}
	if len(copied.Files) == 0 {
		copied.Files = nil
	}
	return &copied
}

// validate reports what no command can be.
func (e *Exec) validate() error {
	if _, err := newTree(e.Files, time.Time{}); err != nil {
		return fmt.Errorf("command %q: %w", e.CommandPrefix, err)
	}
	for _, p := range e.Removes {
		if !path.IsAbs(p) || path.Clean(p) != p || p == "/" {
			return fmt.Errorf("command %q removes %q: the path must be absolute, without \".\", \"..\" and a slash at the end", e.CommandPrefix, p)
		}
	}
	return nil
}

// exec returns what a command does, nil if the container does not have it.
func (s *Server) exec(command []string) *Exec {
	var turns []*Exec
	for _, e := range s.execs {
		n := len(e.CommandPrefix)
		switch {
		case n > len(command) || !slices.Equal(e.CommandPrefix, command[:n]):
		case len(turns) == 0 || n > len(turns[0].CommandPrefix):
			turns = []*Exec{e}
		case n == len(turns[0].CommandPrefix):
			turns = append(turns, e)
		}
	}
	if len(turns) == 0 {
		return nil
	}
	prefix := strings.Join(turns[0].CommandPrefix, "\x00")
	turn := min(s.turns[prefix], len(turns)-1)
	s.turns[prefix]++
	return turns[turn]
}

// execPayload is the body of a request to run a command. The daemon's errors
// have its name.
type execPayload struct {
	Command        []string          `json:"command"`
	ServiceContext string            `json:"service-context"`
	Environment    map[string]string `json:"environment"`
	WorkingDir     string            `json:"working-dir"`
	Timeout        string            `json:"timeout"`
	UserID         *int              `json:"user-id"`
	User           string            `json:"user"`
	GroupID        *int              `json:"group-id"`
	Group          string            `json:"group"`
	Terminal       bool              `json:"terminal"`
	Interactive    bool              `json:"interactive"`
	SplitStderr    bool              `json:"split-stderr"`
	Width          int               `json:"width"`
	Height         int               `json:"height"`
}

// inContext adds what the service gives that the request does not.
func (r *execPayload) inContext(service *pebble.Service) {
	environment := maps.Clone(service.Environment)
	if environment == nil {
		environment = map[string]string{}
	}
	maps.Copy(environment, r.Environment)
	r.Environment = environment
	for _, field := range []struct {
		given *string
		usual string
	}{{&r.User, service.User}, {&r.Group, service.Group}, {&r.WorkingDir, service.WorkingDir}} {
		if *field.given == "" {
			*field.given = field.usual
		}
	}
	if r.UserID == nil {
		r.UserID = service.UserID
	}
	if r.GroupID == nil {
		r.GroupID = service.GroupID
	}
}

func (s *Server) startExec(c *call) response {
	var r execPayload
	if err := c.decode("request body", &r); err != nil {
		return badRequest(err)
	}
	c.summary = strings.Join(append([]string{"exec"}, r.Command...), " ")
	if len(r.Command) == 0 {
		return badRequest(errors.New("must specify command"))
	}
	var timeout time.Duration
	if r.Timeout != "" {
		var err error
		if timeout, err = time.ParseDuration(r.Timeout); err != nil {
			return badRequest(fmt.Errorf("invalid timeout: %w", err))
		}
	}
	does := s.exec(r.Command)
	if does == nil {
		s.executions = append(s.executions, &Execution{Command: &Command{Args: r.Command}, Unknown: true})
		return badRequest(fmt.Errorf("cannot find executable %q", r.Command[0]))
	}
	if r.ServiceContext != "" {
		service := s.plan.Services[r.ServiceContext]
		if service == nil {
			return badRequest(fmt.Errorf("context service %q not found", r.ServiceContext))
		}
		r.inContext(service)
	}
	accounts := s.files.accounts()
	runsAs, err := accounts.find(wanted{r.UserID, r.User, r.GroupID, r.Group})
	if err != nil {
		return badRequest(err)
	}
	if r.Interactive && !r.Terminal {
		return failed(http.StatusInternalServerError, "", errors.New("cannot call exec: cannot use interactive mode without a terminal"))
	}
	command := &Command{
		Args: r.Command, WorkingDir: r.WorkingDir, UserID: runsAs.user, GroupID: runsAs.group, Timeout: timeout, server: s,
		Environment: accounts.environment(runsAs, r.Environment),
	}
	if err := s.enter(command); err != nil {
		return failed(http.StatusInternalServerError, "", fmt.Errorf("cannot call exec: %w", err))
	}
	p := s.newProcess(does, command, r.SplitStderr)
	return accepted(p.change.ID, map[string]any{"task-id": p.task.ID, "environment": command.Environment, "working-dir": command.WorkingDir})
}

// environment is what a command of a user gets.
func (a *accounts) environment(o owner, given map[string]string) map[string]string {
	home, name := "/root", "root"
	if o.user != 0 {
		home, name = "", ""
		if user, ok := byID(a.users, o.user); ok {
			home, name = user.home, user.name
		}
	}
	environment := map[string]string{"HOME": home, "USER": name}
	maps.DeleteFunc(environment, func(_, value string) bool { return value == "" })
	for name, value := range given {
		// The daemon takes an empty one for none.
		if value != "" || name != "HOME" && name != "USER" {
			environment[name] = value
		}
	}
	for name, value := range map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG": "C.UTF-8",
	} {
		if _, ok := environment[name]; !ok {
			environment[name] = value
		}
	}
	return environment
}

// enter finds the directory that a command runs in. The home of root, and of a
// user that no file lists, is there.
func (s *Server) enter(c *Command) error {
	what := "working directory"
	if c.WorkingDir == "" {
		home, given := c.Environment["HOME"]
		what, c.WorkingDir = "home directory", home
		if !given || home == "" {
			c.WorkingDir = "/"
			return nil
		}
		_, listed := s.files.accountFile("/etc/passwd")
		if home == "/root" || !listed {
			return nil
		}
	}
	_, n, err := s.files.lookup(c.WorkingDir, true)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %q does not exist", what, c.WorkingDir)
	case err != nil:
		return fmt.Errorf("cannot stat %s %q: %w", what, c.WorkingDir, pathError("stat", c.WorkingDir, err))
	case n.kind != pebble.TypeDirectory:
		return fmt.Errorf("%s %q not a directory", what, c.WorkingDir)
	}
	return nil
}

// process is a command that runs, or ran.
type process struct {
	server  *Server
	does    *Exec
	command *Command
	split   bool
	task    *pebble.Task
	change  *pebble.Change

	// What follows is guarded by the server. A socket is nil while it is
	// connecting.
	sockets map[string]*websocket.Conn
	// settle waits until what the client has sent over the control connection
	// is dealt with.
	settle  func()
	started bool
	record  *Execution
	// done is closed when the change is ready.
	done chan struct{}

	// kill ends the command, with the exit code or error of the first call.
	kill context.CancelCauseFunc
	ctx  context.Context
}

func (s *Server) newProcess(does *Exec, command *Command, split bool) *process {
	summary := fmt.Sprintf("Execute command %q", command.Args[0])
	task := s.newTask("exec", summary)
	task.Status, task.Progress.Done = "Doing", 1
	p := &process{server: s, does: does, command: command, split: split, task: task, done: make(chan struct{}), sockets: map[string]*websocket.Conn{}, settle: func() {}}
	p.change = s.newChange("exec", summary, []*pebble.Task{task})
	p.change.Status = "Doing"
	p.record = &Execution{Command: command, ExitCode: -1}
	s.executions = append(s.executions, p.record)
	p.ctx, p.kill = context.WithCancelCause(context.Background())
	s.processes[task.ID] = p
	for range 2 {
		s.notifyExec(p.change)
	}
	return p
}

func (s *Server) notifyExec(change *pebble.Change) {
	s.notify(nil, pebble.NoticeChangeUpdate, change.ID, map[string]string{"kind": "exec"}, 0)
}

// finish makes the change ready. The server is locked.
func (p *process) finish(exitCode int, err error) {
	s := p.server
	p.task.Status, p.task.ReadyTime = "Done", s.now()
	if err != nil {
		p.task.Status = "Error"
		p.task.Log = []string{s.logLine("ERROR", "%v", err)}
	}
	p.record.ExitCode = exitCode
	if p.started {
		p.task.Data = map[string]any{"exit-code": exitCode}
	}
	p.change.Status, p.change.Ready, p.change.ReadyTime = p.task.Status, true, s.now()
	if err != nil {
		p.change.Err = fmt.Sprintf("cannot perform the following tasks:\n- %s (%v)", p.task.Summary, err)
	}
	s.notifyExec(p.change)
	p.kill(nil)
	close(p.done)
}

// wait is what becomes of waiting for the change that runs the command.
func (p *process) wait(c *call, expired func() response) response {
	_, stdio := p.sockets["stdio"]
	_, stderr := p.sockets["stderr"]
	if !stdio || p.split && !stderr {
		// Nobody else is there who could connect.
		p.finish(-1, fmt.Errorf("exec %s: timeout waiting for websocket connections: %w", p.task.ID, context.DeadlineExceeded))
		return result(p.change)
	}
	limit := time.Hour
	if d, err := time.ParseDuration(c.query.Get("timeout")); err == nil {
		limit = d
	}
	settle := p.settle
	return response{later: func(ctx context.Context) response {
		if p.does.Hangs && p.does.Handler == nil {
			settle()
			p.expire()
		}
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-p.done:
			p.server.mu.Lock()
			defer p.server.mu.Unlock()
			return result(p.change)
		case <-ctx.Done():
			return failed(http.StatusInternalServerError, "", errors.New("request cancelled"))
		case <-timer.C:
			return expired()
		}
	}}
}

// abort kills the command.
func (p *process) abort() {
	if !p.started {
		p.finish(-1, nil)
		return
	}
	p.kill(exited(137))
}

// expire makes the timeout of a command that hangs be over.
func (p *process) expire() {
	if p.command.Timeout > 0 {
		p.kill(p.timedOut())
		return
	}
	p.kill(errors.New("the simulated command hangs, without a timeout, and nobody sends it a signal"))
}

func (p *process) timedOut() error {
	return fmt.Errorf("timed out after %v: %w", p.command.Timeout, context.DeadlineExceeded)
}

// exited is the exit code of a command that was killed.
type exited int

func (e exited) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// process returns the command that a change runs, nil if it runs none.
func (s *Server) process(change *pebble.Change) *process {
	if change.Kind != "exec" {
		return nil
	}
	return s.processes[change.Tasks[0].ID]
}
