package charmtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file defines testing.Context: a charm, and the unit of it that runs.

// A testContext is a charm and what a State does not say of its unit. It does
// not change.
type testContext struct {
	session *session
	charm   *host.Charm

	appName          string
	unitID           int
	jujuVersion      string
	trusted          bool
	machineID        string
	availabilityZone string
	principalUnit    string
}

var contextTable = builtins.NewTable("Context", "A charm, and the unit of it whose hooks are run.",
	builtins.Member[*testContext]{Name: "run", Sig: "(event: test_event, state: State, *, error: bool = False, allow: list[str] = []) -> Outcome", Doc: "Runs one event on a unit that finds the world as state says, and returns what came of it. When the charm fails, so does the test, unless error is True: then it is the outcome's error, and a charm that does not fail fails the test. allow are the numbers of the rules of consistency that state and event may break: \"SC010\".",
		Call: (*testContext).runEvent},
	builtins.Member[*testContext]{Name: "call", Sig: "(state: State, fn: function, *args, **kwargs) -> Outcome", Doc: "Calls a function of the charm with the model of that state and without an event; what it returns is the outcome's value. fn is one that the test loads from a file that the charm loads too.",
		Call: (*testContext).callFunction},
	builtins.Member[*testContext]{Name: "state", Sig: "(**fields) -> State", Doc: "A State that suits the metadata: all containers are there and can be connected to, peer relations exist, and storages have as many instances as they have to. fields are others of its fields, or these instead.",
		Call: (*testContext).newState},
	builtins.Member[*testContext]{Name: "on", Sig: "events", Doc: "The events that can be run.",
		Get: func(ctx *testContext) (starlark.Value, error) { return &factory{ctx}, nil }},
	builtins.Member[*testContext]{Name: "app_name", Sig: "str", Doc: "The application's name.",
		Get: func(ctx *testContext) (starlark.Value, error) { return starlark.String(ctx.appName), nil }},
	builtins.Member[*testContext]{Name: "unit_name", Sig: "str", Doc: "The unit's name.",
		Get: func(ctx *testContext) (starlark.Value, error) { return starlark.String(ctx.unitName()), nil }},
	builtins.Member[*testContext]{Name: "unit_id", Sig: "int", Doc: "The unit's number.",
		Get: func(ctx *testContext) (starlark.Value, error) { return starlark.MakeInt(ctx.unitID), nil }},
	builtins.Member[*testContext]{Name: "juju_version", Sig: "str", Doc: "The version of Juju.",
		Get: func(ctx *testContext) (starlark.Value, error) { return starlark.String(ctx.jujuVersion), nil }},
	builtins.Member[*testContext]{Name: "app_trusted", Sig: "bool", Doc: "Whether the application may ask for the cloud's credential.",
		Get: func(ctx *testContext) (starlark.Value, error) { return starlark.Bool(ctx.trusted), nil }},
)

func (ctx *testContext) String() string        { return "<Context " + ctx.unitName() + ">" }
func (ctx *testContext) Type() string          { return contextTable.Type() }
func (ctx *testContext) Freeze()               {}
func (ctx *testContext) Truth() starlark.Bool  { return true }
func (ctx *testContext) Hash() (uint32, error) { return 0, errors.New("unhashable: Context") }
func (ctx *testContext) Attr(name string) (starlark.Value, error) {
	return contextTable.Attr(ctx, name)
}
func (ctx *testContext) AttrNames() []string { return contextTable.AttrNames(ctx) }

func (ctx *testContext) unitName() string { return fmt.Sprintf("%s/%d", ctx.appName, ctx.unitID) }

// defaultJuju is the version of Juju that a Context has if it does not say.
const defaultJuju = "3.6.11"

// newContext is testing.Context.
func newContext(s *session, in builtins.Invocation) (starlark.Value, error) {
	ctx := &testContext{session: s, charm: s.suite.charm, jujuVersion: defaultJuju}
	var dir string
	var meta, config, actions *starlark.Dict
	var machineID, unitID starlark.Value = starlark.None, starlark.MakeInt(0)
	if err := in.Unpack(builtins.ByName, nil, "charm??", &dir, "meta??", &meta, "config??", &config, "actions??", &actions,
		"juju_version?", &ctx.jujuVersion, "app_name??", &ctx.appName, "unit_id?", &unitID, "app_trusted?", &ctx.trusted,
		"machine_id??", &machineID, "availability_zone??", &ctx.availabilityZone, "principal_unit??", &ctx.principalUnit); err != nil {
		return nil, err
	}
	n, err := starlark.AsInt32(unitID)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%s: unit_id is %v, want the number of a unit", in.Name(), unitID)
	}
	ctx.unitID = n
	switch id := machineID.(type) {
	case starlark.NoneType:
	case starlark.Int, starlark.String:
		ctx.machineID, _ = starlark.AsString(id)
		if ctx.machineID == "" {
			ctx.machineID = id.String()
		}
	default:
		return nil, fmt.Errorf("%s: machine_id is a %s, want a number or a string", in.Name(), id.Type())
	}
	if _, err := model.ParseVersion(ctx.jujuVersion); err != nil {
		return nil, fmt.Errorf("%s: juju_version: %w", in.Name(), err)
	}
	overrides := map[string]*starlark.Dict{"": meta, "config": config, "actions": actions}
	if ctx.charm, err = s.suite.charmOf(dir, overrides); err != nil {
		return nil, err
	}
	if ctx.appName == "" {
		ctx.appName = ctx.charm.Metadata.Name
	}
	return ctx, nil
}

// newState is ctx.state.
func (ctx *testContext) newState(in builtins.Invocation) (starlark.Value, error) {
	meta := ctx.charm.Metadata
	c, err := stateKind.construct(ctx.session, "ctx.state", nil, nil)
	if err != nil {
		return nil, err
	}
	s := c.ptr().(*simulate.State)
	for _, name := range slices.Sorted(maps.Keys(meta.Containers)) {
		connected := true
		s.Containers = append(s.Containers, &pebbletest.State{Name: name, CanConnect: &connected})
	}
	for _, name := range slices.Sorted(maps.Keys(meta.Peers)) {
		r := &modeltest.Relation{Endpoint: name}
		peerKind.defaults(ctx.session, r)
		ctx.session.knowRelation(r)
		s.Juju.Relations = append(s.Juju.Relations, r)
	}
	for _, name := range slices.Sorted(maps.Keys(meta.Storages)) {
		count := 1
		if multiple := meta.Storages[name].Multiple; multiple != nil {
			count = multiple.Min
		}
		for i := range count {
			s.Juju.Storages = append(s.Juju.Storages, &modeltest.Storage{Name: name, Index: i})
		}
	}
	if _, err := c.assign("ctx.state", 0, in.Args(), in.Kwargs()); err != nil {
		return nil, err
	}
	return c, nil
}

func (ctx *testContext) runEvent(in builtins.Invocation) (starlark.Value, error) {
	var given, state starlark.Value
	var allow starlark.Value = starlark.None
	expectError := false
	if err := in.Unpack("event", &given, "state", &state, builtins.ByName, nil, "error?", &expectError, "allow?", &allow); err != nil {
		return nil, err
	}
	e, ok := given.(*event)
	if !ok {
		return nil, noEvent(given)
	}
	if e.ctx.charm != ctx.charm || e.ctx.unitName() != ctx.unitName() {
		return nil, fmt.Errorf("ctx.run: the event was made by another Context, of %s; this one is of %s", e.ctx.unitName(), ctx.unitName())
	}
	found, err := allowing(allow)
	if err != nil {
		return nil, err
	}
	out, err := ctx.simulate("ctx.run", state, &simulate.Hook{Event: e.run, Instead: e.instead, Consistency: found}, e)
	if err != nil {
		return nil, err
	}
	switch {
	case out.o.Err != nil && !expectError:
		return nil, charmFailed(out.o)
	case out.o.Err == nil && expectError:
		return nil, &failure{message: "the charm was to fail, and did not", outcome: out.o}
	}
	return out, nil
}

func (ctx *testContext) callFunction(in builtins.Invocation) (starlark.Value, error) {
	args := in.Args()
	if len(args) < 2 {
		return nil, errors.New("ctx.call: want a State and a function: ctx.call(state, fn, *args, **kwargs)")
	}
	fn, ok := args[1].(*starlark.Function)
	if !ok {
		return nil, fmt.Errorf("ctx.call: got a %s, want a function of the charm", args[1].Type())
	}
	file := fn.Position().Filename()
	if _, ok := ctx.charm.Source(file); !ok {
		return nil, fmt.Errorf("ctx.call: %s is in %s, which is no file of the charm: load the function from one that the charm loads", fn.Name(), file)
	}
	out, err := ctx.simulate("ctx.call", args[0], &simulate.Hook{
		Event:       modeltest.Event{Name: "update-status"},
		Function:    &simulate.Function{File: file, Name: fn.Name(), Args: args[2:], Kwargs: in.Kwargs()},
		Consistency: &consistency.Checker{},
	}, nil)
	if err != nil {
		return nil, err
	}
	if out.o.Err != nil {
		return nil, charmFailed(out.o)
	}
	return out, nil
}

// noEvent says what ctx.run got in the place of an event.
func noEvent(given starlark.Value) error {
	switch given := given.(type) {
	case starlark.String:
		return fmt.Errorf("ctx.run: the event is a string: write ctx.on.%s(…), not %v", strings.ReplaceAll(string(given), "-", "_"), given)
	case starlark.Callable:
		return errors.New("ctx.run: the event is a function: call it, ctx.on.start()")
	}
	return fmt.Errorf("ctx.run: got %s, want an event first: ctx.run(ctx.on.start(), state)", given.Type())
}

// simulate runs a hook of the charm for ctx.run or ctx.call, which is name.
func (ctx *testContext) simulate(name string, state starlark.Value, hook *simulate.Hook, e *event) (*outcome, error) {
	given, err := stateOf(name, state)
	if err != nil {
		return nil, err
	}
	found := hook.Consistency
	if e != nil {
		e.check(given, found)
		given = e.with(given)
	}
	if given.Juju.Model.CloudSpec != nil && !ctx.trusted {
		found.Fail("SC054", "the Model has a cloud_spec, and the application is not trusted")
	}
	hook.Charm, hook.State = ctx.charm, ctx.world(given)
	start := time.Now()
	o, handlerErr, err := ctx.session.runHook(ctx.session.ctx, hook)
	duration := time.Since(start)
	var violations consistency.Violations
	var wrong *simulate.StateError
	switch {
	case errors.As(found.Err(), &violations):
		return nil, inconsistent(name, violations)
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("%s: the State cannot be that of a unit of this charm: %w", name, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if cause := context.Cause(ctx.session.ctx); cause != nil {
		return nil, cause
	}
	if handlerErr != nil {
		return nil, handlerErr
	}
	var undescribed *machine.UndescribedError
	if errors.As(o.Err, &undescribed) {
		return nil, notDescribed(o, undescribed)
	}
	return &outcome{ctx: ctx, o: o, state: of(stateKind, Merge(given, o.Before, o.State)), duration: duration, notes: ctx.session.told(found.Notes())}, nil
}

// world is the state as the simulation wants it: with what the Context says of
// the unit, and with the containers that the test left out, which cannot be
// reached.
func (ctx *testContext) world(given *simulate.State) *simulate.State {
	s := *given
	s.Juju.AppName, s.Juju.UnitID, s.Juju.JujuVersion = ctx.appName, ctx.unitID, ctx.jujuVersion
	s.Juju.MachineID, s.Juju.AvailabilityZone, s.Juju.PrincipalUnit = ctx.machineID, ctx.availabilityZone, ctx.principalUnit
	if !ctx.trusted {
		s.Juju.Model.CloudSpec = nil
	}
	s.Containers = slices.Clone(s.Containers)
	for name := range ctx.charm.Metadata.Containers {
		if !slices.ContainsFunc(s.Containers, func(c *pebbletest.State) bool { return c.Name == name }) {
			s.Containers = append(s.Containers, &pebbletest.State{Name: name, CanConnect: new(bool)})
		}
	}
	return &s
}

// charmPath is the directory of another charm, relative to this one's.
func charmPath(root, dir string) string {
	if path.IsAbs(dir) {
		return dir
	}
	return path.Join(root, dir)
}
