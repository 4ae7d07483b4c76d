// Package simulate runs one hook or action of a charm on the simulated Juju,
// Pebble and machine, and tells what happened: every call in order, the log,
// and the difference that it made to the world.
//
// All three are fakes at the wire, so that the charm and everything above runs
// as it does in production.
package simulate

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
	"golang.org/x/sys/unix"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// An Outcome is what a hook did.
type Outcome struct {
	// Event is the hook's name, or "NAME action"; Unit the unit's.
	Event string `json:"event"`
	Unit  string `json:"unit"`
	// Steps are the charm's calls and log lines, in order.
	Steps []Step `json:"steps"`
	// Changes are what is different afterwards. A hook that failed keeps what
	// takes effect at once: statuses, the workload version, Pebble's doings.
	Changes []Change `json:"changes"`
	// Action is what an action's user is told; nil for a hook.
	Action   *Action `json:"action,omitempty"`
	ExitCode int     `json:"exit_code"`
	// Reboot says whether the machine would reboot: "after" the hook, or
	// "now", which keeps nothing but what takes effect at once; "" for not.
	Reboot modeltest.Reboot `json:"reboot,omitempty"`
	// Diagnostics say what was wrong when the exit code is not 0.
	Diagnostics []host.Diagnostic `json:"diagnostics,omitempty"`
	// Stderr is what the charm wrote there.
	Stderr string `json:"stderr,omitempty"`

	// State is the world afterwards.
	State *State `json:"-"`
	// Before is the world that the hook found, with all defaults filled in.
	Before *State `json:"-"`
	// Err is the error that ended the hook, or nil.
	Err error `json:"-"`
	// Value is what a function that was called returned, or nil.
	Value starlark.Value `json:"-"`
	// Statuses are those that the hook set, in order.
	Statuses []modeltest.StatusChange `json:"-"`
	// Execs are the commands that the hook ran in containers, in order.
	Execs []Exec `json:"-"`
	// Emitted are the events that were emitted, in order.
	Emitted []Emitted `json:"-"`
	// Mask masks the values of the secrets that the hook read or wrote, if it was
	// traced.
	Mask func(string) string `json:"-"`
	// Touches are what the charm looked at and changed besides its calls, in
	// order, of a hook that was traced; and Services what Pebbles did to
	// services.
	Touches  []Touch         `json:"-"`
	Services []ServiceAction `json:"-"`
	// Registered is what the top level came to, of a charm of which nothing
	// else was to run.
	Registered *host.Registration `json:"-"`
}

// Emitted is an event that was emitted: Juju's own, a deferred one that came
// again, one of a library, or one that asks for a status.
type Emitted struct {
	// Name is the event's, "db_relation_changed"; Scope the library instance
	// that defined it, "" for Juju's.
	Name, Scope string
	Data        map[string]any
	// Again says that it was deferred before.
	Again bool
}

// An Exec is a command that a hook ran in a container.
type Exec struct {
	// Container is its name, or the path of its Pebble's socket.
	Container string
	pebbletest.Execution
}

// An Action is what an action's user is told.
type Action struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Results are nested as Juju shows them: the key a.b is {"a": {"b": …}}.
	Results map[string]any `json:"results"`
	Log     []string       `json:"log"`
	Failed  bool           `json:"failed"`
	// Message says why it failed.
	Message string `json:"message"`
}

// A Step is one call of the charm to the world, or one line of its log.
type Step struct {
	// Via is "juju", "pebble", "http", "process", "clock" or "log".
	Via string `json:"via"`
	// What is the call: "config-get", "add-layer web", "GET http://…"; for a
	// log line its level.
	What string `json:"what"`
	// Input is what was written to the call, Result what came back; for a log
	// line the message.
	Input  string `json:"input,omitempty"`
	Result string `json:"result,omitempty"`
	// Failed says that the call did not succeed.
	Failed bool `json:"failed,omitempty"`
	// Args are a command's.
	Args []string `json:"-"`
	// Writes says that the call was for changing something.
	Writes bool `json:"-"`
	// At is the statement of the charm that led to it, if there was one.
	At syntax.Position `json:"-"`
	// Within are the handlers that ran then, if the hook was traced.
	Within []Handling `json:"-"`
}

// A Hook is a hook or action of a charm that is to be simulated.
type Hook struct {
	Charm *host.Charm
	// State is the world before; it stays as it is.
	State *State
	Event modeltest.Event
	// Function, unless nil, is called instead of the event's handlers.
	Function *Function
	// Instead, unless nil, is emitted in the place of the event.
	Instead *host.CustomEvent
	// Register, when set, has the scripts' top level run and no handler.
	Register bool
	// Consistency, unless nil, says which rules the state and the event may
	// break, and gets those that they do; all that are not notes end the run
	// before it begins.
	Consistency *consistency.Checker
	// DebugAt is what JUJU_DEBUG_AT names, and Debugger, unless nil, holds the
	// charm, which it has loaded, there.
	DebugAt  []string
	Debugger *host.Debugger
	// Thread, unless nil, is what the charm runs on.
	Thread *starlark.Thread
	// MaxSteps, unless 0, is how many steps the charm may take.
	MaxSteps uint64
	// Pebble, unless nil, makes the Pebble of each container that can be
	// reached, instead of a simulated one. The state has no defaults to fill in.
	Pebble func(context.Context, *pebbletest.State) (Pebble, error)
	// Trace has the outcome tell what the charm looked at, and in which handler.
	// What it did before something that cannot be known is kept then.
	Trace bool
	// Live, unless nil, is what stands below the simulation of a unit that lives,
	// of which State is a snapshot.
	Live *Live
	// Secrets is how many secrets there are in the model that State does not
	// tell of: the ids of new ones are counted on from there.
	Secrets int
	// Keys, unless nil, are the RSA keys that this hook shares with others.
	Keys *machinetest.Keys
}

// A Function is a function of a charm's files, and its arguments.
type Function struct {
	File, Name string
	Args       starlark.Tuple
	Kwargs     []starlark.Tuple
}

// Run runs one hook or action of the charm, starting from state, which stays
// as it is. Containers that state does not name are there and can be reached;
// for a relation event of an endpoint without a relation, one is there. The
// event of a check or a notice is about the only one if it does not say which;
// a check need not be in the plan.
//
// The error is about the event, or a [StateError]; one of the charm is in the
// outcome.
func Run(ctx context.Context, charm *host.Charm, state *State, event modeltest.Event) (*Outcome, error) {
	found, err := consistency.Allowing([]string{"SC003"})
	if err != nil {
		return nil, err
	}
	return (&Hook{Charm: charm, State: state, Event: event, Consistency: found}).Run(ctx)
}

// Run is the function [Run] for this hook.
func (h *Hook) Run(ctx context.Context) (*Outcome, error) {
	w, err := h.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if h.Register {
		w.outcome.Registered, err = h.Charm.Register(ctx, w.Options)
	} else if f := h.Function; f != nil {
		w.outcome.Value, err = h.Charm.Call(ctx, w.Options, f.File, f.Name, f.Args, f.Kwargs)
	} else {
		err = h.Charm.Dispatch(ctx, w.Options)
	}
	return w.End(ctx, err)
}

// A World is a simulated one in which a hook runs, until End.
type World struct {
	// Options are the hook's environment and its ways out to the world.
	Options host.Options

	hook      *Hook
	before    *State
	juju      *modeltest.Juju
	running   *modeltest.Hook
	simulated *machinetest.Machine
	pebbles   map[string]Pebble
	others    map[string]*pebbletest.Server
	store     *host.MemoryStore
	recorder  *recorder
	stderr    bytes.Buffer
	outcome   Outcome
}

// Begin makes the world in which the hook runs, for who runs something else in
// it than the charm's handlers. Errors are as from [Run].
func (h *Hook) Begin(ctx context.Context) (w *World, err error) {
	charm, event := h.Charm, h.Event
	found := h.Consistency
	if found == nil {
		found = &consistency.Checker{}
	}
	before := h.State.Clone()
	if slices.Contains(before.Containers, nil) {
		return nil, &StateError{errors.New("cannot use the state: containers holds an element with nothing in it")}
	}
	before.complete(charm.Metadata)
	before.relate(charm.Metadata, &event)
	juju, err := modeltest.Checked(charm.Metadata, &before.Juju, found)
	if err != nil {
		return nil, &StateError{err}
	}
	before.Juju = *juju.State() // with all defaults filled in
	juju.Secrets = h.Secrets
	juju.CharmDir = fmt.Sprintf("/var/lib/juju/agents/unit-%s-%d/charm", before.Juju.AppName, before.Juju.UnitID)
	if h.Live != nil {
		juju.CharmDir = h.Live.CharmDir
	}
	simulated, err := machinetest.New(before.Machine)
	if err != nil {
		return nil, &StateError{err}
	}
	simulated.ShareKeys(h.Keys)
	juju.Now = simulated.Now
	before.Machine.HostFiles = simulated.Files() // without directories that are there anyway
	pebbles := map[string]Pebble{}
	if err := before.check(charm.Metadata, found); err != nil {
		return nil, &StateError{err}
	}
	for i, c := range before.Containers {
		server := pebbletest.New(pebbletest.Config{State: c, Now: simulated.Now})
		pebbles[c.Name] = simulatedPebble{server}
		before.Containers[i] = explicit(server.State()) // with all defaults filled in
	}
	others := map[string]*pebbletest.Server{}
	for path, c := range before.Pebbles {
		if c == nil {
			c = &pebbletest.State{}
		}
		if err := c.Validate(); err != nil {
			return nil, &StateError{fmt.Errorf("pebbles[%s]: %w", path, err)}
		}
		others[path] = pebbletest.New(pebbletest.Config{State: c, Now: simulated.Now})
		before.Pebbles[path] = explicit(others[path].State())
	}
	wrong := found.Err()
	undecided := before.choose(charm.Metadata, &event)
	env, err := juju.Env(event) // which adds what is wrong with the event
	switch {
	case wrong != nil:
		return nil, &StateError{found.Err()}
	case undecided != nil:
		return nil, undecided
	case err != nil:
		return nil, err
	}
	if err := checkEnvironment(before.Machine.Environment); err != nil {
		return nil, &StateError{err}
	}
	simulated.ForUnit(env["JUJU_UNIT_NAME"], env, before.Juju.Model.Kubernetes())
	hookContext, err := model.ParseContext(env)
	if err != nil {
		return nil, err
	}
	hookContext.DebugAt = h.DebugAt
	document, err := before.document()
	if err != nil {
		return nil, &StateError{err}
	}
	hook, err := juju.Begin(event)
	if err != nil {
		return nil, err
	}
	w = &World{hook: h, before: before, juju: juju, running: hook, simulated: simulated, pebbles: pebbles, others: others}
	makePebble := h.Pebble
	if h.Live != nil {
		makePebble = h.Live.pebble(w)
	}
	if makePebble != nil {
		defer func() {
			if err != nil {
				err = errors.Join(err, w.close())
			}
		}()
		for i, c := range before.Containers {
			if !c.Reachable() {
				continue
			}
			server, err := makePebble(ctx, c)
			if err != nil {
				return nil, err
			}
			pebbles[c.Name] = server
			if c, err = server.State(ctx); err != nil {
				return nil, err
			}
			before.Containers[i] = explicit(c)
		}
	}

	thread := h.Thread
	if thread == nil {
		thread = &starlark.Thread{}
	}
	if h.MaxSteps > 0 {
		thread.SetMaxExecutionSteps(h.MaxSteps)
		thread.OnMaxSteps = func(thread *starlark.Thread) {
			thread.Cancel(fmt.Sprintf("it took more than %d steps; is there a loop that does not end?", h.MaxSteps))
		}
	}
	r := &recorder{thread: thread, writes: map[write]syntax.Position{}}
	w.recorder, w.store = r, &host.MemoryStore{Document: document}
	o := &w.outcome
	o.Event, o.Unit = hookName(event), hookContext.UnitName
	w.Options = host.Options{
		Context: hookContext,
		Tools:   tools{hook, r, hook},
		Pebble: func(path string) *pebble.Client {
			return pebble.New(pebble.Config{SocketPath: path, Transport: w.Transport(path)})
		},
		Machine:  recordedMachine{simulated, r, h.Trace},
		Store:    w.store,
		Stderr:   &w.stderr,
		Failed:   func(found []host.Diagnostic) { o.Diagnostics = found },
		Thread:   thread,
		Debugger: h.Debugger,
		Instead:  h.Instead,
		Wrote:    r.wrote,
		Emitted: func(source *builtins.EventSource, data map[string]any, again bool) {
			o.Emitted = append(o.Emitted, Emitted{source.Name, source.Scope, data, again})
		},
	}
	if h.Live != nil {
		w.Options.Tools = tools{h.Live.tools(ctx, w), r, hook}
		w.Options.Machine = recordedMachine{h.Live.machine(env), r, h.Trace}
	}
	if h.Trace {
		w.Options.Touched, w.Options.Handles = r.touched, r.handles
		w.Options.Keeps = unknowable
		w.Options.Masker = func(mask func(string) string) { o.Mask = mask }
	}
	return w, nil
}

// Transport carries requests to the Pebble on a socket path.
func (w *World) Transport(path string) http.RoundTripper {
	name := path
	var server Pebble
	if other := w.others[path]; other != nil {
		server = simulatedPebble{other}
	} else if inner, ok := strings.CutPrefix(path, "/charm/containers/"); ok {
		name = strings.TrimSuffix(inner, "/pebble.socket")
		server = w.pebbles[name]
	}
	if server == nil && w.hook.Live != nil {
		return unknownPebble(path)
	}
	if server == nil {
		return undescribedPebble(path)
	}
	return &containerTransport{container{name, server}, w.recorder}
}

// Before is the world that the hook found, with all defaults filled in.
func (w *World) Before() *State { return w.before }

// End ends the hook, with the error that ended what ran in it, and tells what
// came of it. The world is gone.
func (w *World) End(ctx context.Context, ended error) (o *Outcome, err error) {
	defer func() { err = errors.Join(err, w.close()) }()
	before, juju, hook, simulated := w.before, w.juju, w.running, w.simulated
	pebbles, others, store, r := w.pebbles, w.others, w.store, w.recorder
	o = &w.outcome
	o.Err = ended
	if o.Err != nil {
		o.ExitCode = 1
	}
	code := o.ExitCode
	if w.hook.Trace && o.Err != nil && unknowable(o.Err) {
		code = 0
	}
	if err := hook.End(code); err != nil {
		o.ExitCode, o.Err = 1, err
		o.Diagnostics = host.Diagnose(err, w.hook.Charm.Source)
	}
	o.Steps, o.Stderr, o.Before = r.steps, w.stderr.String(), before
	o.Statuses, o.Reboot = hook.StatusHistory(), hook.Reboot()
	if result := hook.ActionResult(); result != nil {
		a := Action(*result)
		o.Action = &a
	}

	if w.hook.Trace {
		if o.Services, err = w.services(ctx); err != nil {
			return nil, err
		}
	}

	after := *before
	after.Juju = *juju.State()
	after.Machine.HostFiles, after.Machine.Seed = simulated.Files(), simulated.Seed()
	if simulated.Slept() > 0 {
		after.Machine.Now = simulated.Now()
	}
	after.Machine.Running = simulated.Running()
	after.Containers = nil
	for _, name := range slices.Sorted(maps.Keys(pebbles)) {
		c, err := pebbles[name].End(ctx)
		if err != nil {
			return nil, err
		}
		after.Containers = append(after.Containers, explicit(c))
	}
	if w.hook.Live != nil {
		w.hook.Live.learnt(before, &after)
	}
	o.Execs, o.Touches = r.executions(), r.touches
	after.Pebbles = nil
	for path, server := range others {
		if after.Pebbles == nil {
			after.Pebbles = map[string]*pebbletest.State{}
		}
		after.Pebbles[path] = explicit(server.State())
	}
	if err := after.keep(store.Document); err != nil {
		return nil, err
	}
	o.State = &after
	o.Changes, err = difference(before, &after)
	return o, err
}

// close ends Pebbles that are not simulated.
func (w *World) close() (err error) {
	for _, server := range w.pebbles {
		err = errors.Join(err, server.Close())
	}
	return err
}

// checkEnvironment refuses variables that follow from the state and the event.
func checkEnvironment(variables map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		switch name {
		case "JUJU_API_ADDRESSES", "JUJU_CHARM_HTTP_PROXY", "JUJU_CHARM_HTTPS_PROXY", "JUJU_CHARM_FTP_PROXY", "JUJU_CHARM_NO_PROXY":
			continue
		}
		if strings.HasPrefix(name, "JUJU_") || name == "CHARM_DIR" {
			return fmt.Errorf("cannot use environment: %s follows from the rest of the state, and the event; of Juju's variables, JUJU_API_ADDRESSES and the proxies JUJU_CHARM_…_PROXY can be given", name)
		}
	}
	return nil
}

func hookName(e modeltest.Event) string {
	if e.Action {
		return e.Name + " action"
	}
	return e.Name
}

// A recorder keeps the steps of all seams in their order.
type recorder struct {
	thread *starlark.Thread
	mu     sync.Mutex
	steps  []Step
	// writes are where databags were written last, by relation and side.
	writes map[write]syntax.Position
	// execs are the containers of commands, in their order.
	execs []container
	trace
}

// A container is one with its Pebble.
type container struct {
	name   string
	server Pebble
}

// asked remembers whose command it was if one was asked for.
func (r *recorder) asked(c container) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := 0
	for _, other := range r.execs {
		if other.server == c.server {
			known++
		}
	}
	if len(c.server.Executions()) > known {
		r.execs = append(r.execs, c)
	}
}

// executions are the commands that were run, in order.
func (r *recorder) executions() []Exec {
	var all []Exec
	next := map[Pebble]int{}
	for _, c := range r.execs {
		found := c.server.Executions()
		all = append(all, Exec{c.name, found[next[c.server]]})
		next[c.server]++
	}
	return all
}

// A write names a databag of this unit or its application.
type write struct {
	relation string // "db:1"
	app      bool
}

// wrote remembers where a databag was written: Juju is told at the end.
func (r *recorder) wrote(bag *model.Databag) {
	key := write{bag.Relation().Key(), !strings.Contains(bag.Entity, "/")}
	r.writes[key] = r.at()
}

// at is the statement of the charm that runs now.
func (r *recorder) at() syntax.Position {
	for depth := range r.thread.CallStackDepth() {
		if at := r.thread.CallFrame(depth).Pos; at.Line > 0 && !strings.HasPrefix(at.Filename(), "@") {
			return at
		}
	}
	return syntax.Position{}
}

// add adds a step that the charm's thread takes and waits for.
func (r *recorder) add(s Step) {
	if s.At.Line == 0 {
		s.At = r.at()
	}
	s.Within = r.within
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, s)
}

// tools records hook tools.
type tools struct {
	runner hooktool.Runner
	r      *recorder
	hook   *modeltest.Hook
}

func (t tools) Run(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
	result, err := t.runner.Run(ctx, call)
	if call.Name == "juju-log" && err == nil && result.Code == 0 {
		if line, ok := t.hook.LastLog(); ok {
			t.r.add(Step{Via: "log", What: line.Level, Result: line.Message})
		}
		return result, err
	}
	s := Step{Via: "juju", What: commandLine(call), Input: string(call.Stdin), Writes: call.Writes()}
	if i := slices.Index(call.Args, "-r"); call.Name == "relation-set" && i >= 0 && i+1 < len(call.Args) {
		s.At = t.r.writes[write{call.Args[i+1], slices.Contains(call.Args, "--app")}]
	}
	switch {
	case err != nil:
		s.Failed, s.Result = true, err.Error()
	case result.Code != 0:
		s.Failed, s.Result = true, strings.TrimSpace(string(result.Stderr))
	default:
		s.Result = strings.TrimSpace(string(result.Stdout))
	}
	t.r.add(s)
	return result, err
}

// commandLine is a call as one would type it. The file that hands over a value
// of a secret is gone after the call and has another name each time.
func commandLine(call hooktool.Call) string {
	line := []string{call.Name}
	for _, arg := range call.Args {
		if key, _, found := strings.Cut(arg, "#file="); found && strings.HasPrefix(call.Name, "secret-") {
			arg = key + "#file=/tmp/…/" + key
		}
		line = append(line, arg)
	}
	return machine.Command{Args: line}.Line()
}

// containerTransport records requests to one container's Pebble.
type containerTransport struct {
	container
	r *recorder
}

func (t *containerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.server.Transport().RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil // a part of the exec that is a step already
	}
	s := Step{Via: "pebble", What: t.name + ": " + req.Method + " " + req.URL.Path, Writes: req.Method != http.MethodGet}
	if err != nil {
		s.Failed, s.Result = true, err.Error()
	} else if last, ok := t.server.LastRequest(); ok {
		s.What = t.name + ": " + last.Summary
		if last.Code >= 400 {
			s.Failed, s.Result = true, fmt.Sprintf("%d %s", last.Code, http.StatusText(last.Code))
		}
	}
	t.r.add(s)
	if req.URL.Path == "/v1/exec" {
		t.r.asked(t.container)
	}
	return resp, err
}

// undescribedPebble is a Pebble at a path that the state does not tell of.
type undescribedPebble string

func (path undescribedPebble) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &machine.UndescribedError{
		What: fmt.Sprintf("the Pebble at %s", string(path)),
		Cure: fmt.Sprintf("add it to pebbles, %q: {…}, with what a container has", string(path)),
	}
}

// recordedMachine records HTTP requests, commands, signals and sleeps, and, if
// the hook is traced, what is done with files.
type recordedMachine struct {
	machine.Machine
	r     *recorder
	trace bool
}

// OpenDir traces what is done in the directory.
func (m recordedMachine) OpenDir(path string, make bool) (machine.Dir, error) {
	d, err := m.Machine.OpenDir(path, make)
	if err != nil || !m.trace {
		return d, err
	}
	return tracedDir{d, m.r, path}, nil
}

func (m recordedMachine) Transport(o machine.TransportOptions) http.RoundTripper {
	return httpTransport{m.Machine.Transport(o), m.r}
}

// Run records commands.
func (m recordedMachine) Run(ctx context.Context, c machine.Command) (*machine.Result, error) {
	result, err := m.Machine.Run(ctx, c)
	s := Step{Via: "process", What: c.Line(), Args: c.Args, Input: string(c.Stdin[:min(len(c.Stdin), maxInput)]), Writes: true}
	switch {
	case err != nil:
		s.Failed, s.Result = true, reason(err)
	case result.ExitCode != 0:
		s.Failed, s.Result = true, fmt.Sprintf("exit code %d", result.ExitCode)
	default:
		s.Result = strings.TrimSpace(string(result.Stdout[:min(len(result.Stdout), maxInput)]))
	}
	m.r.add(s)
	return result, err
}

// Signal records signals, but not questions whether a process is there.
func (m recordedMachine) Signal(pid int, name string, s syscall.Signal) (bool, error) {
	there, err := m.Machine.Signal(pid, name, s)
	if s != 0 {
		step := Step{Via: "process", Writes: true, What: fmt.Sprintf("signal %s %d", cmp.Or(strings.TrimPrefix(unix.SignalName(s), "SIG"), fmt.Sprint(int(s))), pid)}
		if !there {
			step.Failed, step.Result = true, "there is no such process"
		}
		m.r.add(step)
	}
	return there, err
}

// Sleep records sleeps.
func (m recordedMachine) Sleep(ctx context.Context, d time.Duration) error {
	m.r.add(Step{Via: "clock", What: "sleep " + d.String()})
	return m.Machine.Sleep(ctx, d)
}

// reason says why the machine did not do what the charm asked of it.
func reason(err error) string {
	var undescribed *machine.UndescribedError
	if errors.As(err, &undescribed) {
		return "the simulation was not told of it"
	}
	return err.Error()
}

// maxInput is how much of a request's body, and of a command's input and output, is
// recorded, in bytes.
const maxInput = 64 << 10

type httpTransport struct {
	next http.RoundTripper
	r    *recorder
}

func (t httpTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	s := Step{Via: "http", What: req.Method + " " + req.URL.Redacted(), Writes: req.Method != http.MethodGet && req.Method != http.MethodHead}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		input, err := io.ReadAll(io.LimitReader(body, maxInput))
		if err != nil {
			return nil, err
		}
		s.Input = string(input)
	}
	resp, err := t.next.RoundTrip(req)
	switch {
	case err != nil:
		s.Failed, s.Result = true, reason(err)
	default:
		s.Result = resp.Status
	}
	t.r.add(s)
	return resp, err
}
