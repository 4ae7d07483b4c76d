package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/pebble"
)

// Options are one dispatch's environment and its ways out to the world.
type Options struct {
	// Context is the environment of the hook.
	Context *model.Context
	// Tools runs hook tools.
	Tools hooktool.Runner
	// Pebble connects to the Pebble on a socket path.
	Pebble func(socketPath string) *pebble.Client
	// Machine is the machine that the charm runs on.
	Machine machine.Machine
	// Store keeps the state. Nil: a file in the charm's directory.
	Store Store
	// Stderr takes what Juju's log could not, and what an action's user is to
	// see when the charm fails.
	Stderr io.Writer
	// Failed, unless nil, is told what was wrong when the charm fails, with
	// the values of secrets masked, which the error itself may hold.
	Failed func([]Diagnostic)
	// Thread, unless nil, is a new thread to run the charm on, for who bounds
	// its steps or looks at where it is. The host names it and sees to its
	// loading and printing.
	Thread *starlark.Thread
	// Debugger, unless nil, holds the charm, which it has loaded.
	Debugger *Debugger
	// Instead, unless nil, is emitted in the place of the hook's event.
	Instead *CustomEvent
	// Emitted, unless nil, is told of each event before its handlers run, and
	// whether it is a deferred one that comes again.
	Emitted func(source *builtins.EventSource, data map[string]any, again bool)
	// Wrote, unless nil, is told of each write to a databag, which Juju is told
	// of at the end.
	Wrote func(*model.Databag)
	// Touched, unless nil, is told of what the charm looks at and changes.
	Touched func(builtins.Touch)
	// Masker, unless nil, is told before the charm runs what masks the values of
	// the secrets that the hook knows by then.
	Masker func(mask func(string) string)
	// Keeps, unless nil, says of an error that ended the charm that what it did
	// before is sent and saved nevertheless.
	Keeps func(error) bool
	// Handles, unless nil, is told of each handler and reconciler before it
	// runs; what it returns is called when that has ended.
	Handles func(id string) (ended func())
}

// A CustomEvent is one that a library instance of the charm defined.
type CustomEvent struct {
	// Scope is the instance, Name the event. Both are empty for no event at
	// all: the hook then only does what comes after one.
	Scope, Name string
	// Fields are what emit() takes by name.
	Fields []starlark.Tuple
}

// Dispatch runs one hook or action: it loads the charm's scripts, re-emits
// deferred events, emits the event, reconciles, collects statuses and saves the
// state. An event that the charm does not know is no error.
//
// When the error is not nil, nothing was saved, and the charm's author has
// been told in Juju's log; the process is to exit with a code other than 0.
func (c *Charm) Dispatch(ctx context.Context, o Options) error {
	return c.execute(ctx, o, (*dispatch).run)
}

// Call runs one function of the charm's files, named by file and name, in the
// hook of that environment but instead of the hook's event. What it does is
// kept as a hook's is; its value is frozen.
func (c *Charm) Call(ctx context.Context, o Options, file, function string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var value starlark.Value = starlark.None
	err := c.execute(ctx, o, func(d *dispatch) error {
		if err := d.loadScripts(); err != nil {
			return err
		}
		fn, ok := d.program.loaded[file][function]
		if !ok {
			return fmt.Errorf("cannot call %s of %s: the charm has no such function, or does not load the file", function, file)
		}
		var err error
		if value, err = starlark.Call(d.thread, fn, args, kwargs); err != nil {
			return err
		}
		value.Freeze()
		return d.commit(model.Event{})
	})
	return value, err
}

// execute does one thing in the charm's hook.
func (c *Charm) execute(ctx context.Context, o Options, do func(*dispatch) error) error {
	d := c.newDispatch(ctx, o)
	defer d.state.close()
	defer d.hook.End()
	err := d.place(d.guarded(func() error { return do(d) }))
	if err == nil || errors.Is(err, builtins.ErrStop) {
		return nil
	}
	if o.Keeps != nil && o.Keeps(err) {
		err = errors.Join(err, d.model.Flush(), d.state.commit())
	}
	found := d.reporter.report(err, c.Source)
	if o.Failed != nil {
		o.Failed(found)
	}
	return err
}

// A dispatch is one hook while it runs.
type dispatch struct {
	charm    *Charm
	options  Options
	model    *model.Model
	hook     *builtins.Hook
	state    *state
	thread   *starlark.Thread
	program  *program
	reporter *reporter
	stepper  *stepper // nil: nobody holds the charm
	// inFlight are notices whose handlers run now.
	inFlight []*Notice
	// writes tells, of each databag, where it was written last.
	writes map[*model.Databag]starlark.CallStack
	// configHandled is set when a deferred config-changed was handled.
	configHandled bool
	// changedOptions is the answer to changed_config, once asked.
	changedOptions []string
}

func (c *Charm) newDispatch(ctx context.Context, o Options) *dispatch {
	d := &dispatch{charm: c, options: o}
	cfg := model.Config{Context: o.Context, Metadata: c.Metadata, Tools: o.Tools, Now: o.Machine.Now, Written: d.written}
	if o.Touched != nil {
		cfg.Looked = d.looked
	}
	d.model = model.New(ctx, cfg)
	if o.Masker != nil {
		o.Masker(d.model.Mask)
	}
	d.reporter = &reporter{context: o.Context, model: d.model, stderr: o.Stderr}
	d.state = &state{ctx: ctx, choose: d.chooseStore}
	d.hook = builtins.NewHook(&builtins.Hook{
		Context:    ctx,
		Model:      d.model,
		Metadata:   c.Metadata,
		Pebble:     o.Pebble,
		Machine:    o.Machine,
		Files:      c.files,
		CharmDir:   o.Context.CharmDir,
		Store:      d.state,
		Log:        d.reporter.log,
		Emit:       d.emitCustom,
		Breakpoint: d.breakpoint,
		Touched:    o.Touched,
	})
	if d.thread = o.Thread; d.thread == nil {
		d.thread = &starlark.Thread{}
	}
	if o.Debugger != nil {
		d.stepper = &stepper{Debugger: o.Debugger, d: d}
	}
	d.thread.Name = o.Context.DispatchPath
	d.thread.Print = func(_ *starlark.Thread, msg string) { d.reporter.log("INFO", msg) }
	return d
}

// A PanicError is a bug of starcharm itself.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("starcharm has a bug, please report it: %v", e.Value)
}

// guarded runs f so that a signal ends it and a panic becomes an error.
func (d *dispatch) guarded(f func() error) (err error) {
	stop := context.AfterFunc(d.hook.Context, func() {
		d.thread.Cancel(context.Cause(d.hook.Context).Error())
	})
	defer stop()
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: stack()}
		}
	}()
	err = f()
	// The interpreter's error tells of a cancellation in words only.
	if cause := context.Cause(d.hook.Context); err != nil && errors.Is(cause, context.Canceled) && !errors.Is(err, context.Canceled) {
		var eval *starlark.EvalError
		if errors.As(err, &eval) {
			for i := range eval.CallStack {
				if at := eval.CallStack.At(i); at.Pos.Line > 0 { // a builtin has no position
					return fmt.Errorf("in %s at %s: %w", at.Name, at.Pos, cause)
				}
			}
		}
		return cause
	}
	return err
}

func (d *dispatch) run() error {
	event, known, err := d.options.Context.Event(d.charm.Metadata)
	if err != nil {
		return err
	}
	if err := d.loadScripts(); err != nil {
		return err
	}
	name := d.options.Context.EventName()
	restricted := model.EventKind(name).Restricted()
	if restricted && d.hook.Framework.JujuStorage {
		d.reporter.log("DEBUG", fmt.Sprintf("Juju keeps no state in %s: nothing is run.", name))
		return nil
	}
	if !restricted {
		if err := d.reemit(); err != nil {
			return err
		}
	}
	if d.options.Instead != nil {
		err = d.emitInstead(d.options.Instead)
	} else if known {
		err = d.emit(d.hook.Framework.Source(event.EventDef), event.Data)
	} else if name == "" {
		d.reporter.log("DEBUG", "JUJU_DISPATCH_PATH is not set: no event is emitted.")
	} else {
		d.reporter.log("DEBUG", fmt.Sprintf("Event %s not defined for %s.", name, d.charm.Metadata.Name))
	}
	if err != nil {
		return err
	}
	if !restricted {
		if err := d.reconcile(event); err != nil {
			return err
		}
		if err := d.collectStatus(); err != nil {
			return err
		}
	}
	return d.commit(event)
}

// emitInstead emits an event of a library as the library itself would.
func (d *dispatch) emitInstead(e *CustomEvent) error {
	if e.Scope == "" && e.Name == "" {
		return nil
	}
	source := d.hook.Framework.CustomSource(e.Scope, e.Name)
	if source == nil {
		return fmt.Errorf("cannot emit %s.%s: no library instance %q of the charm defines such an event", e.Scope, e.Name, e.Scope)
	}
	emit, err := source.Attr("emit")
	if err != nil {
		return err
	}
	_, err = starlark.Call(d.thread, emit, nil, e.Fields)
	return err
}

// loadScripts runs the top level of the charm's files.
func (d *dispatch) loadScripts() error {
	f := d.hook.Framework
	f.Loading = true
	defer func() { f.Loading = false }()
	d.program = newProgram(d.charm, d.hook)
	d.program.step = d.stepper.step()
	d.thread.Load = d.program.load
	if _, err := d.program.run(d.thread, d.charm.entry); err != nil {
		return err
	}
	d.charm.coverage.registered(f)
	return d.program.checkConfigLoads()
}

func (d *dispatch) chooseStore() Store {
	switch {
	case d.hook.Framework.JujuStorage:
		return jujuStore{d.model}
	case d.options.Store != nil:
		return d.options.Store
	}
	return FileStore(d.options.Context.CharmDir, func() {
		d.reporter.log("INFO", "Another dispatch of this unit is running; waiting for it to end.")
	})
}

// reconcile runs the reconcilers: in every hook but those in which there is
// nothing to bring about.
func (d *dispatch) reconcile(event model.Event) error {
	if d.options.Context.IsAction() || event.Kind == model.Stop || event.Kind == model.Remove {
		return nil
	}
	f := d.hook.Framework
	for _, o := range f.Reconcilers {
		source := f.Source(event.EventDef)
		if event.Name == "" {
			source = f.Source(model.EventDef{Name: d.options.Context.EventName()})
		}
		result, err := d.call(o, d.newEvent(source, event.Data))
		if err != nil {
			return err
		}
		statuses, err := returnedStatuses(result)
		if err != nil {
			return fmt.Errorf("%s, a reconciler, returned %w", o.ID, err)
		}
		d.hook.Collected = append(d.hook.Collected, statuses...)
	}
	return nil
}

// returned tells who wants to know that a reconciler returned statuses.
func (d *dispatch) returned(o *builtins.Observer, result starlark.Value) {
	if d.options.Touched == nil || o.Source != nil || result == nil {
		return
	}
	statuses, err := returnedStatuses(result)
	if err != nil {
		return // which has its own message
	}
	for _, s := range statuses {
		d.options.Touched(builtins.Touch{Write: true, What: builtins.StatusPath(s), At: o.Handler.Position()})
	}
}

// returnedStatuses reads what a reconciler returned: None, a status, or a list
// of these.
func returnedStatuses(v starlark.Value) ([]*builtins.Status, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case *builtins.Status:
		if v.Settable() != nil {
			return nil, fmt.Errorf("%v; only active, blocked, maintenance and waiting can be set", v)
		}
		return []*builtins.Status{v}, nil
	case *starlark.List, starlark.Tuple:
		var all []*builtins.Status
		for elem := range starlark.Elements(v.(starlark.Iterable)) {
			if _, nested := elem.(starlark.Iterable); nested {
				return nil, fmt.Errorf("a list in a list; want statuses")
			}
			statuses, err := returnedStatuses(elem)
			if err != nil {
				return nil, err
			}
			all = append(all, statuses...)
		}
		return all, nil
	}
	return nil, fmt.Errorf("a %s; want None, a status such as model.ActiveStatus(), or a list of them", v.Type())
}

// collectStatus asks for the application's status, on the leader, and for the
// unit's, and sets the worst of each. Nothing collected leaves it as it is.
func (d *dispatch) collectStatus() error {
	if d.observed(model.CollectAppStatus) {
		leader, err := d.model.IsLeader()
		if err != nil {
			return err
		}
		if leader {
			statuses, err := d.collect(model.CollectAppStatus)
			if err != nil {
				return err
			}
			if worst := builtins.Worst(statuses); worst != nil {
				if err := d.model.SetAppStatus(worst.Status); err != nil {
					return err
				}
			}
		}
	}
	statuses, err := d.collect(model.CollectUnitStatus)
	if err != nil {
		return err
	}
	if worst := builtins.Worst(append(d.hook.Collected, statuses...)); worst != nil {
		return d.model.SetUnitStatus(worst.Status)
	}
	return nil
}

func (d *dispatch) observed(kind model.EventKind) bool {
	source := d.lifecycle(kind)
	return slices.ContainsFunc(d.hook.Framework.Observers, func(o *builtins.Observer) bool { return o.Observes(source) })
}

func (d *dispatch) lifecycle(kind model.EventKind) *builtins.EventSource {
	return d.hook.Framework.Source(model.EventDef{Name: string(kind), Kind: kind})
}

// collect calls the observers of a lifecycle event, which nobody can defer,
// and returns the statuses that they added.
func (d *dispatch) collect(kind model.EventKind) ([]*builtins.Status, error) {
	source := d.lifecycle(kind)
	var statuses []*builtins.Status
	for _, o := range d.hook.Framework.Observers {
		if !o.Observes(source) {
			continue
		}
		e := d.newEvent(source, nil)
		if _, err := d.call(o, e); err != nil {
			return nil, err
		}
		statuses = append(statuses, e.Statuses...)
	}
	return statuses, nil
}

// commit sends what was written to databags and saves the state: when nothing
// of the charm runs any more.
func (d *dispatch) commit(event model.Event) error {
	for _, kind := range []model.EventKind{model.PreCommit, model.Commit} {
		if _, err := d.collect(kind); err != nil {
			return err
		}
	}
	if err := d.model.Flush(); err != nil {
		return err
	}
	if event.Kind == model.ConfigChanged || d.configHandled {
		if err := d.rememberConfig(); err != nil {
			return err
		}
	}
	if !event.Kind.Restricted() {
		if err := d.removeSecrets(); err != nil {
			return err
		}
	}
	return d.state.commit()
}

// removeSecrets sends what the charm wants removed of its secrets, and keeps
// what has to wait for a later hook.
func (d *dispatch) removeSecrets() error {
	doc, err := d.state.load()
	if err != nil {
		return err
	}
	doc.SecretRemovals, err = d.model.RemoveSecrets(doc.SecretRemovals)
	return err
}

// rememberConfig keeps what changed_config compares with, once no handler has
// the last config-changed still before it.
func (d *dispatch) rememberConfig() error {
	if !d.charm.tracksConfig {
		return nil
	}
	doc, err := d.state.load()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(doc.Deferred, func(n *Notice) bool { return n.Scope == "" && n.Event == string(model.ConfigChanged) }) {
		return nil
	}
	doc.Config, err = d.configDigests()
	return err
}

// configDigests are digests of the options' values. The values themselves may
// be nobody's business, so they are not kept.
func (d *dispatch) configDigests() (map[string]string, error) {
	config, err := d.model.Config()
	if err != nil {
		return nil, err
	}
	digests := make(map[string]string, len(config))
	for name, value := range config {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(append([]byte(d.options.Context.ModelUUID+"\x00"+d.options.Context.UnitName+"\x00"+name+"\x00"), raw...))
		digests[name] = hex.EncodeToString(sum[:12])
	}
	return digests, nil
}

// changed are the options that changed since the last config-changed.
func (d *dispatch) changed() ([]string, error) {
	if d.changedOptions != nil {
		return d.changedOptions, nil
	}
	doc, err := d.state.load()
	if err != nil {
		return nil, err
	}
	now, err := d.configDigests()
	if err != nil {
		return nil, err
	}
	changed := []string{}
	for name, digest := range now {
		if doc.Config[name] != digest {
			changed = append(changed, name)
		}
	}
	for name := range doc.Config {
		if _, ok := now[name]; !ok {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	d.changedOptions = changed
	return changed, nil
}
