package repl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmtest"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/consistency"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// Simulated is the model of starcharm run, which moves.
type Simulated struct {
	Charm *host.Charm
	// Dir is the charm's directory, for what is loaded again and written down.
	Dir string
	// State is the world in the beginning; nil: that of a unit which is alone.
	State *simulate.State

	sh      *Shell
	seams   *seams
	session *host.Session
	state   *simulate.State
	// first is the state in the beginning.
	first *simulate.State
	// due are events that Juju would send now, in their order.
	due []due
	// past are the moments that undo goes back to.
	past []moment
	// hooks are those that were run, on the way to the state.
	hooks []ran
	// reloaded says that the charm was loaded again in this turn.
	reloaded bool
}

// A moment is what there was before something was done.
type moment struct {
	did   string
	state *simulate.State
	due   []due
	hooks []ran
}

// ran is a hook that was run.
type ran struct {
	event         modeltest.Event
	before, after *simulate.State
	outcome       *simulate.Outcome
}

// alone is the world of a unit that is the only one of its application.
func alone(charm *host.Charm) *simulate.State {
	s := &simulate.State{}
	s.Juju.Leader = true
	for i, name := range slices.Sorted(maps.Keys(charm.Metadata.Peers)) {
		s.Juju.Relations = append(s.Juju.Relations, &modeltest.Relation{Endpoint: name, ID: i, PeersData: map[int]map[string]string{}})
	}
	for _, name := range slices.Sorted(maps.Keys(charm.Metadata.Storages)) {
		count := 1
		if multiple := charm.Metadata.Storages[name].Multiple; multiple != nil {
			count = multiple.Min
		}
		for i := range count {
			s.Juju.Storages = append(s.Juju.Storages, &modeltest.Storage{Name: name, Index: i})
		}
	}
	return s
}

// withContainers is the state with the containers that it does not name: there
// they are, and can be reached.
func withContainers(s *simulate.State, charm *host.Charm) *simulate.State {
	s = s.Clone()
	for _, name := range slices.Sorted(maps.Keys(charm.Metadata.Containers)) {
		if !slices.ContainsFunc(s.Containers, func(c *pebbletest.State) bool { return c != nil && c.Name == name }) {
			up := true
			s.Containers = append(s.Containers, &pebbletest.State{Name: name, CanConnect: &up})
		}
	}
	return s
}

func (p *Simulated) open(ctx context.Context, sh *Shell) (*host.Session, error) {
	p.sh = sh
	if sh.debugger != nil {
		var err error
		if p.Charm, err = sh.debugger.Load(p.Charm.Files()); err != nil {
			return nil, err
		}
	}
	if p.state = p.State; p.state == nil {
		p.state = alone(p.Charm)
	}
	p.state = withContainers(p.state, p.Charm)
	p.first = p.state
	p.seams = &seams{turn: ctx, log: p.log}
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	return p.session, nil
}

// load loads the charm into a session.
func (p *Simulated) load(ctx context.Context) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	session, err := p.Charm.NewSession(context.WithoutCancel(ctx), p.seams.options(p.sh.thread))
	_, endErr := p.seams.world.End(ctx, err)
	if err = errors.Join(err, endErr); err != nil {
		return err
	}
	p.session = session
	return nil
}

// begin makes a world of the state.
func (p *Simulated) begin(ctx context.Context) error {
	found, err := consistency.Allowing([]string{"SC003"})
	if err != nil {
		return err
	}
	w, err := (&simulate.Hook{
		Charm: p.Charm, State: p.state, Event: modeltest.Event{Name: "update-status"}, Consistency: found, Thread: p.sh.thread, Debugger: p.sh.debugger,
	}).Begin(ctx)
	if err != nil {
		return err
	}
	p.seams.point(w)
	return nil
}

// end keeps what was done by hand in the world.
func (p *Simulated) end(ctx context.Context, failed error) error {
	o, err := p.seams.world.End(ctx, failed)
	if err != nil {
		return err
	}
	if len(o.Changes) > 0 {
		p.remember("what was written by hand")
	}
	p.state = charmtest.Merge(p.state, o.Before, o.State)
	if failed == nil {
		return o.Err // Juju's refusal
	}
	return nil
}

// remember keeps the present, for undo.
func (p *Simulated) remember(did string) {
	const most = 1000
	if len(p.past) == most {
		p.past = slices.Delete(p.past, 0, 1)
	}
	p.past = append(p.past, moment{did, p.state, slices.Clone(p.due), slices.Clone(p.hooks)})
}

func (p *Simulated) turn(ctx context.Context, f func(*starlark.Thread) error) error {
	p.seams.turn = ctx
	if err := p.begin(ctx); err != nil {
		return err
	}
	err := p.session.Turn(f)
	err = errors.Join(err, p.end(context.WithoutCancel(ctx), err))
	if p.reloaded {
		p.reloaded = false
		err = errors.Join(err, p.restart(ctx))
	}
	return err
}

func (p *Simulated) look(ctx context.Context, f func(*starlark.Thread) error) error {
	p.seams.turn = ctx
	if err := p.begin(ctx); err != nil {
		return err
	}
	err := p.session.Turn(f)
	_, endErr := p.seams.world.End(ctx, err)
	return errors.Join(err, endErr)
}

// aside does something between two worlds, in the middle of a turn: what was
// written by hand is kept before, and f may replace the state.
func (p *Simulated) aside(did string, f func(ctx context.Context) error) error {
	ctx := p.seams.turn
	if err := p.session.Send(); err != nil {
		return err
	}
	if err := p.end(ctx, nil); err != nil {
		return errors.Join(err, p.begin(ctx))
	}
	before := moment{state: p.state, due: slices.Clone(p.due), hooks: slices.Clone(p.hooks)}
	past := len(p.past)
	if did != "" {
		p.remember(did)
	}
	err := f(ctx)
	if err == nil {
		err = p.begin(ctx)
	}
	if err == nil {
		return nil
	}
	p.state, p.due, p.hooks = before.state, before.due, before.hooks
	p.past = p.past[:min(past, len(p.past))]
	if again := p.begin(ctx); again != nil {
		return errors.Join(err, again)
	}
	return err
}

// move changes the state.
func (p *Simulated) move(did string, change func(s *simulate.State) error) error {
	return p.aside(did, func(context.Context) error {
		next := p.state.Clone()
		if err := change(next); err != nil {
			return err
		}
		p.state = next
		return nil
	})
}

// A HookError is a hook of the charm that failed, of which was told already.
type HookError struct{ Outcome *simulate.Outcome }

func (e *HookError) Error() string { return e.Outcome.Event + " failed" }

// emit runs a hook, which is not due any more then.
func (p *Simulated) emit(event modeltest.Event) error {
	var failed error
	err := p.aside(eventLabel(event), func(ctx context.Context) error {
		of := p.take(event)
		found, err := consistency.Allowing([]string{"SC003"})
		if err != nil {
			return err
		}
		before := p.state
		o, err := (&simulate.Hook{Charm: p.Charm, State: before, Event: event, Consistency: found, Debugger: p.sh.debugger}).Run(ctx)
		if err != nil {
			return err
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		fmt.Fprint(p.sh.Out, o.Render(p.sh.Color))
		p.state = charmtest.Merge(before, o.Before, o.State)
		p.hooks = append(slices.Clone(p.hooks), ran{event, before, p.state, o})
		if o.Err != nil {
			failed = &HookError{o}
			return nil
		}
		if of != nil && of.after != nil {
			p.state = p.state.Clone()
			of.after(p.state)
		}
		return nil
	})
	return cmp.Or(err, failed)
}

// log shows a line that what is typed logs.
func (p *Simulated) log(call hooktool.Call) {
	showLog(p.sh, call)
}

// showLog shows a call of juju-log.
func showLog(sh *Shell, call hooktool.Call) {
	level, message := "INFO", ""
	for i := 0; i < len(call.Args); i++ {
		switch arg := call.Args[i]; {
		case (arg == "--log-level" || arg == "-l") && i+1 < len(call.Args):
			i++
			level = call.Args[i]
		case strings.HasPrefix(arg, "--log-level="):
			level = strings.TrimPrefix(arg, "--log-level=")
		case arg == "--":
		default:
			message = arg
		}
	}
	if level != "TRACE" && level != "DEBUG" {
		fmt.Fprintf(sh.Out, "%-7s %s\n", host.Printable(level), host.Printable(message))
	}
}

func (p *Simulated) functions() (string, starlark.HasAttrs, builtins.TypeDoc) {
	return "sim", builtins.NewModule(simTable, p).(starlark.HasAttrs), simTable.Document()
}

func (p *Simulated) prompt() string { return ">>> " }

func (p *Simulated) banner() string {
	return fmt.Sprintf("%s/%d of the charm %s, simulated. help() says what there is; Ctrl-D leaves.\n", cmp.Or(p.state.Juju.AppName, p.Charm.Metadata.Name), p.state.Juju.UnitID, p.Charm.Metadata.Name)
}

// mask leaves text as it is: the secrets of a simulated model are made up.
func (p *Simulated) mask(text string) string { return text }

func (p *Simulated) close() error {
	p.session.End()
	return nil
}

// restart loads the charm anew, from its directory.
func (p *Simulated) restart(ctx context.Context) error {
	files, err := host.DirFS(p.Dir)
	if err != nil {
		return err
	}
	charm, err := p.sh.debugger.Load(files)
	if err != nil {
		return err
	}
	old, session := p.Charm, p.session
	p.Charm = charm
	if err := p.load(ctx); err != nil {
		p.Charm = old
		return err
	}
	session.End()
	return p.sh.adopt(p.session)
}

var _ Place = (*Simulated)(nil)
