package charmtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file defines ctx.on: the events that can be run.

// A factory is ctx.on: its attributes make events.
type factory struct{ ctx *testContext }

func (f *factory) String() string        { return "<ctx.on>" }
func (f *factory) Type() string          { return "events" }
func (f *factory) Freeze()               {}
func (f *factory) Truth() starlark.Bool  { return true }
func (f *factory) Hash() (uint32, error) { return 0, errors.New("unhashable: events") }

func (f *factory) Attr(name string) (starlark.Value, error) { return factoryTable.Attr(f.ctx, name) }
func (f *factory) AttrNames() []string                      { return factoryTable.AttrNames(f.ctx) }

// An event is one that ctx.run can run.
type event struct {
	ctx  *testContext
	name string // "db_relation_changed"
	kind model.EventKind
	run  modeltest.Event
	// instead is emitted in the place of run.
	instead *host.CustomEvent
	// data is what a deferred one keeps.
	data map[string]any
	// about is the component that the event is about; nil: the charm.
	about *component
	// oneOf is how many remote units there were to choose from, if the test
	// did not say which; else 0.
	oneOf int
}

var eventTable = builtins.NewTable("test_event", "An event for ctx.run.",
	builtins.Member[*event]{Name: "name", Sig: "str", Doc: "The event's name, for instance \"db_relation_changed\".",
		Get: func(e *event) (starlark.Value, error) { return starlark.String(e.name), nil }},
	builtins.Member[*event]{Name: "deferred", Sig: "(handler: function | str) -> DeferredEvent", Doc: "The event as a handler deferred it, for State(deferred = […]). handler is a function that the test loads from the charm, or its name: \"src/charm.star:on_start\", or \"on_start\" for one of the entry script.",
		Call: func(e *event, in builtins.Invocation) (starlark.Value, error) {
			var handler starlark.Value
			if err := in.Unpack("handler", &handler); err != nil {
				return nil, err
			}
			if e.instead != nil {
				return nil, fmt.Errorf("%s: %s is no event of Juju's: run it with a handler that defers it, and out.state has it deferred", in.Name(), e.name)
			}
			name := ""
			switch h := handler.(type) {
			case *starlark.Function:
				name = h.Position().Filename() + ":" + h.Name()
			case starlark.String:
				if name = string(h); !strings.Contains(name, ":") {
					name = e.ctx.charm.Entry() + ":" + name
				}
			default:
				return nil, fmt.Errorf("%s: got %s, want a function of the charm or its name", in.Name(), handler.Type())
			}
			data, err := builtins.ToStarlark(e.data)
			if err != nil {
				return nil, err
			}
			return deferredKind.construct(e.ctx.session, in.Name(), starlark.Tuple{starlark.String(e.name), starlark.String(name)}, []starlark.Tuple{{starlark.String("data"), data}})
		}},
)

func (e *event) String() string                           { return "<event " + e.name + ">" }
func (e *event) Type() string                             { return eventTable.Type() }
func (e *event) Freeze()                                  {}
func (e *event) Truth() starlark.Bool                     { return true }
func (e *event) Hash() (uint32, error)                    { return 0, errors.New("unhashable: test_event") }
func (e *event) Attr(name string) (starlark.Value, error) { return eventTable.Attr(e, name) }
func (e *event) AttrNames() []string                      { return eventTable.AttrNames(e) }

// factoryTable has an event of each kind.
var factoryTable = builtins.NewTable("ctx.on", "The events that ctx.run can run.", factories()...)

func factories() []builtins.Member[*testContext] {
	var members []builtins.Member[*testContext]
	for _, k := range model.EventKinds() {
		if k == model.CollectAppStatus || k == model.CollectUnitStatus {
			members = append(members, builtins.Member[*testContext]{Name: string(k), Sig: "() -> test_event",
				Doc: "No event of its own: deferred events, reconcilers and the collection of both statuses run, as at the end of every hook.",
				Call: func(ctx *testContext, in builtins.Invocation) (starlark.Value, error) {
					if err := in.Unpack(); err != nil {
						return nil, err
					}
					return ctx.insteadOfHook(string(k), &host.CustomEvent{}), nil
				}})
		}
		if k.Lifecycle() {
			continue
		}
		m := builtins.Member[*testContext]{Name: string(k), Doc: k.Doc()}
		switch k {
		case model.RelationJoined, model.RelationChanged:
			m.Sig = "(relation: Relation, *, remote_unit: int = None) -> test_event"
			m.Doc += " remote_unit is the number of the remote unit that it is about, by default the lowest."
			if k == model.RelationChanged {
				m.Doc += " -1 is a change of the remote application's data."
			}
			m.Call = relationEvent(k)
		case model.RelationDeparted:
			m.Sig = "(relation: Relation, *, remote_unit: int = None, departing_unit: int | str = None) -> test_event"
			m.Doc += " departing_unit is the number of the remote unit that leaves, by default remote_unit; or the name of this unit."
			m.Call = relationEvent(k)
		case model.RelationCreated, model.RelationBroken:
			m.Sig, m.Call = "(relation: Relation) -> test_event", relationEvent(k)
		case model.StorageAttached, model.StorageDetaching:
			m.Sig, m.Call = "(storage: Storage) -> test_event", storageEvent(k)
		case model.SecretChanged, model.SecretRotate:
			m.Sig, m.Call = "(secret: Secret) -> test_event", secretEvent(k)
		case model.SecretExpired, model.SecretRemove:
			m.Sig, m.Call = "(secret: Secret, *, revision: int) -> test_event", secretEvent(k)
		case model.PebbleReady:
			m.Sig, m.Call = "(container: Container) -> test_event", containerEvent(k)
		case model.PebbleCustomNotice:
			m.Sig, m.Call = "(container: Container, notice: Notice) -> test_event", containerEvent(k)
		case model.PebbleCheckFailed, model.PebbleCheckRecovered:
			m.Sig, m.Call = "(container: Container, info: CheckInfo) -> test_event", containerEvent(k)
		case model.Action:
			m.Sig, m.Call = "(name: str, params: dict = {}, *, id: str = None) -> test_event", actionEvent
		default:
			m.Sig = "() -> test_event"
			m.Call = func(ctx *testContext, in builtins.Invocation) (starlark.Value, error) {
				if err := in.Unpack(); err != nil {
					return nil, err
				}
				return ctx.newEvent(in, k, "", nil)
			}
		}
		members = append(members, m)
	}
	return append(members, builtins.Member[*testContext]{Name: "custom", Sig: "(event: str, **fields) -> test_event", Call: customEvent,
		Doc: "An event that a library instance defined with define_event, by the instance's name and its own, \"database.created\", and its fields by name. It is emitted in the place of a hook's event."})
}

func customEvent(ctx *testContext, in builtins.Invocation) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(in.Name(), in.Args(), nil, "event", &name); err != nil {
		return nil, err
	}
	scope, event, found := strings.Cut(name, ".")
	if !found || scope == "" || event == "" {
		return nil, fmt.Errorf("%s: %q is no event of a library: write the instance's name and the event's, \"database.created\"", in.Name(), name)
	}
	fields := in.Kwargs()
	for _, field := range fields {
		field[1].Freeze()
	}
	return ctx.insteadOfHook(name, &host.CustomEvent{Scope: scope, Name: event, Fields: fields}), nil
}

// insteadOfHook is an event that comes without a hook of its own: in one that
// can come at any time.
func (ctx *testContext) insteadOfHook(name string, instead *host.CustomEvent) *event {
	return &event{ctx: ctx, name: name, kind: model.UpdateStatus, run: modeltest.Event{Name: "update-status"}, instead: instead, data: map[string]any{}}
}

// newEvent makes the event of a kind; subject is what is in front of its name.
func (ctx *testContext) newEvent(in builtins.Invocation, k model.EventKind, subject string, about *component) (*event, error) {
	e := &event{ctx: ctx, name: string(k), kind: k, about: about, data: map[string]any{}}
	if subject != "" {
		e.name = strings.ReplaceAll(subject, "-", "_") + "_" + e.name
	}
	if _, ok := ctx.charm.Metadata.Event(e.name); !ok {
		var known []string
		for _, def := range ctx.charm.Metadata.Events() {
			if def.Kind == k {
				known = append(known, def.Subject)
			}
		}
		return nil, fmt.Errorf("%s: the charm has no event %s%s", in.Name(), e.name, nearest(subject, known))
	}
	e.run.Name = e.name
	return e, nil
}

// part is an argument that is to be a component of one of the kinds.
func part(in builtins.Invocation, v starlark.Value, kinds ...*kind) (*component, error) {
	if c, ok := v.(*component); ok && slices.Contains(kinds, c.kind) {
		return c, nil
	}
	return nil, fmt.Errorf("%s: got a %s, want a testing.%s", in.Name(), v.Type(), kinds[0].name)
}

func relationEvent(k model.EventKind) func(*testContext, builtins.Invocation) (starlark.Value, error) {
	return func(ctx *testContext, in builtins.Invocation) (starlark.Value, error) {
		var given starlark.Value
		var remote, departing starlark.Value = starlark.None, starlark.None
		params := []any{"relation", &given}
		switch k {
		case model.RelationDeparted:
			params = append(params, builtins.ByName, nil, "remote_unit?", &remote, "departing_unit?", &departing)
		case model.RelationJoined, model.RelationChanged:
			params = append(params, builtins.ByName, nil, "remote_unit?", &remote)
		}
		if err := in.Unpack(params...); err != nil {
			return nil, err
		}
		about, err := part(in, given, relationKind, peerKind)
		if err != nil {
			return nil, err
		}
		r := about.ptr().(*modeltest.Relation)
		e, err := ctx.newEvent(in, k, r.Endpoint, about)
		if err != nil {
			return nil, err
		}
		e.run.RelationID = &r.ID
		app := r.RemoteApp
		if r.PeersData != nil {
			app = ctx.appName
		}
		e.data["relation_name"], e.data["relation_id"], e.data["app_name"] = r.Endpoint, int64(r.ID), app
		unit := func(n int) string { return fmt.Sprintf("%s/%d", app, n) }
		if k != model.RelationCreated && k != model.RelationBroken {
			n, err := remoteUnit(in, r, remote, k == model.RelationChanged)
			if err != nil {
				return nil, err
			}
			e.run.RemoteUnit = &n
			if remote == starlark.None {
				e.oneOf = len(otherUnits(r))
			}
			if n >= 0 {
				e.data["unit_name"] = unit(n)
			}
			if k == model.RelationDeparted {
				e.data["departing_unit"] = unit(n)
			}
		}
		switch d := departing.(type) {
		case starlark.NoneType:
		case starlark.Int:
			n, err := starlark.AsInt32(d)
			if err != nil || n < 0 {
				return nil, fmt.Errorf("%s: departing_unit is %v, want the number of a unit", in.Name(), d)
			}
			e.run.DepartingUnit = &n
			e.data["departing_unit"] = unit(n)
		default:
			if d != starlark.String(ctx.unitName()) {
				return nil, fmt.Errorf("%s: departing_unit is %v, want the number of a remote unit, or %q for this one", in.Name(), d, ctx.unitName())
			}
			e.run.Departing = true
			e.data["departing_unit"] = ctx.unitName()
		}
		return e, nil
	}
}

// remoteUnit is the number of the unit that an event is about.
func remoteUnit(in builtins.Invocation, r *modeltest.Relation, given starlark.Value, orApp bool) (int, error) {
	known := slices.Sorted(maps.Keys(otherUnits(r)))
	if given == starlark.None {
		if len(known) == 0 {
			if orApp {
				return -1, nil
			}
			return 0, fmt.Errorf("%s: it is about a remote unit, and the relation has none: give it one in remote_units_data or peers_data", in.Name())
		}
		return known[0], nil
	}
	n, err := starlark.AsInt32(given)
	if err == nil && (slices.Contains(known, n) || n == -1 && orApp) {
		return n, nil
	}
	return 0, fmt.Errorf("%s: remote_unit is %v, and the relation's remote units are %v", in.Name(), given, known)
}

func storageEvent(k model.EventKind) func(*testContext, builtins.Invocation) (starlark.Value, error) {
	return func(ctx *testContext, in builtins.Invocation) (starlark.Value, error) {
		var given starlark.Value
		if err := in.Unpack("storage", &given); err != nil {
			return nil, err
		}
		about, err := part(in, given, storageKind)
		if err != nil {
			return nil, err
		}
		s := about.ptr().(*modeltest.Storage)
		e, err := ctx.newEvent(in, k, s.Name, about)
		if err != nil {
			return nil, err
		}
		e.run.StorageIndex = &s.Index
		e.data["storage_name"], e.data["storage_index"] = s.Name, int64(s.Index)
		if s.Location != "" {
			e.data["storage_location"] = s.Location
		}
		return e, nil
	}
}

func secretEvent(k model.EventKind) func(*testContext, builtins.Invocation) (starlark.Value, error) {
	return func(ctx *testContext, in builtins.Invocation) (starlark.Value, error) {
		var given starlark.Value
		revision := 0
		params := []any{"secret", &given}
		if k == model.SecretExpired || k == model.SecretRemove {
			params = append(params, builtins.ByName, nil, "revision", &revision)
		}
		if err := in.Unpack(params...); err != nil {
			return nil, err
		}
		about, err := part(in, given, secretKind)
		if err != nil {
			return nil, err
		}
		s := about.ptr().(*modeltest.Secret)
		if owned := s.Owner != ""; owned == (k == model.SecretChanged) {
			return nil, fmt.Errorf("%s: Juju tells %s of it, and the secret's owner is %q: secret_changed is for those who read a secret, the others are for who owns it", in.Name(), map[bool]string{true: "others", false: "its owner"}[owned], s.Owner)
		}
		e, err := ctx.newEvent(in, k, "", about)
		if err != nil {
			return nil, err
		}
		e.run.SecretID, e.run.SecretRevision = s.ID, revision
		e.data["id"] = s.ID
		if s.Label != "" {
			e.data["label"] = s.Label
		}
		if revision != 0 {
			e.data["revision"] = int64(revision)
		}
		return e, nil
	}
}

func containerEvent(k model.EventKind) func(*testContext, builtins.Invocation) (starlark.Value, error) {
	return func(ctx *testContext, in builtins.Invocation) (starlark.Value, error) {
		var given, other starlark.Value
		params := []any{"container", &given}
		switch k {
		case model.PebbleCustomNotice:
			params = append(params, "notice", &other)
		case model.PebbleCheckFailed, model.PebbleCheckRecovered:
			params = append(params, "info", &other)
		}
		if err := in.Unpack(params...); err != nil {
			return nil, err
		}
		about, err := part(in, given, containerKind)
		if err != nil {
			return nil, err
		}
		c := about.ptr().(*pebbletest.State)
		e, err := ctx.newEvent(in, k, c.Name, about)
		if err != nil {
			return nil, err
		}
		e.data["container_name"] = c.Name
		switch k {
		case model.PebbleCustomNotice:
			notice, err := part(in, other, noticeKind)
			if err != nil {
				return nil, err
			}
			n := notice.ptr().(*pebbletest.Notice)
			e.run.NoticeID, e.run.NoticeType, e.run.NoticeKey = n.ID, n.Type, n.Key
			e.data["notice_id"], e.data["notice_type"], e.data["notice_key"] = n.ID, n.Type, n.Key
		case model.PebbleCheckFailed, model.PebbleCheckRecovered:
			info, err := part(in, other, checkInfoKind)
			if err != nil {
				return nil, err
			}
			e.run.CheckName = info.ptr().(*pebbletest.CheckInfo).Name
			e.data["check_name"] = e.run.CheckName
		}
		return e, nil
	}
}

func actionEvent(ctx *testContext, in builtins.Invocation) (starlark.Value, error) {
	var name, id string
	var params starlark.Value = starlark.None
	if err := in.Unpack("name", &name, "params?", &params, builtins.ByName, nil, "id??", &id); err != nil {
		return nil, err
	}
	if err := actionNames.check(name); err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name(), err)
	}
	values := map[string]any{}
	if params != starlark.None {
		plain, err := builtins.FromStarlark("params", params)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.Name(), err)
		}
		var ok bool
		if values, ok = plain.(map[string]any); !ok {
			return nil, fmt.Errorf("%s: params is a %s, want a dict", in.Name(), params.Type())
		}
	}
	e, err := ctx.newEvent(in, model.Action, name, nil)
	if err != nil {
		return nil, err
	}
	e.run = modeltest.Event{Name: name, Action: true, Params: values, ActionID: id}
	return e, nil
}
