package charmtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/host/simulate/fleet"
)

// This file defines testing.simulate: a model with several units of several
// charms, whose rules are those of package fleet.

// A simulation is a simulated model.
type simulation struct {
	session *session
	model   *fleet.Model
	// at is where the test made it, seeded whether with a seed.
	at      syntax.Position
	seeded  bool
	options fleet.Options
	// contexts are those of the applications, by name, and outcomes the last of
	// each unit, by name, and of each action, by id.
	contexts        map[string]*testContext
	outcomes, acted map[string]*outcome
}

// maxEvents is after how many events a model is given up, if the test does not
// say.
const maxEvents = 1000

// newSimulation is testing.simulate.
func newSimulation(s *session, in builtins.Invocation) (starlark.Value, error) {
	var seed starlark.Value = starlark.None
	var order *starlark.List
	o := fleet.Options{Limit: maxEvents}
	if err := in.Unpack(builtins.ByName, nil, "seed?", &seed, "order??", &order, "strict?", &o.Strict, "retry?", &o.Retry, "limit?", &o.Limit); err != nil {
		return nil, err
	}
	if o.Limit < 1 {
		return nil, fmt.Errorf("%s: limit is %d, want at least 1", in.Name(), o.Limit)
	}
	if seed != starlark.None {
		n, ok := seed.(starlark.Int)
		v, fits := n.Uint64()
		if !ok || !fits {
			return nil, fmt.Errorf("%s: seed is %v, want a number from 0, such as t.seed", in.Name(), seed)
		}
		o.Seed = &v
	}
	if order != nil {
		for i := range order.Len() {
			label, ok := starlark.AsString(order.Index(i))
			if !ok {
				return nil, fmt.Errorf("%s: order[%d] is a %s, want the label of an event, as sim.events has them", in.Name(), i, order.Index(i).Type())
			}
			o.Order = append(o.Order, label)
		}
	}
	sim := &simulation{
		session: s, at: in.Thread().CallFrame(1).Pos, seeded: o.Seed != nil,
		contexts: map[string]*testContext{}, outcomes: map[string]*outcome{}, acted: map[string]*outcome{},
	}
	s.variation.apply(&o, len(s.simulations))
	o.Run = sim.runHook
	sim.options, sim.model = o, fleet.New(o)
	s.simulations = append(s.simulations, sim)
	return sim, nil
}

func (sim *simulation) runHook(ctx context.Context, hook *simulate.Hook) (*simulate.Outcome, error) {
	o, handlerErr, err := sim.session.runHook(ctx, hook)
	if err != nil {
		return nil, err
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if handlerErr != nil {
		return nil, handlerErr
	}
	var undescribed *machine.UndescribedError
	if errors.As(o.Err, &undescribed) {
		return nil, notDescribed(o, undescribed)
	}
	return o, nil
}

var simulationTable = builtins.NewTable("simulation", "A simulated Juju model, with units of several charms. What is done to it has its consequences in settle or step.",
	builtins.Member[*simulation]{Name: "deploy", Sig: "(charm: Context, units: int = 1, *, name: str = None, config: dict = {}, trust: bool = False, state: State = State()) -> SimApp",
		Doc:  "Deploys an application. charm is the Context of its charm; name is by default the Context's app_name. Each unit begins with state: its containers, resources, routes, networks, and so on. Containers are down at first and come up by themselves.",
		Call: (*simulation).deploy},
	builtins.Member[*simulation]{Name: "integrate", Sig: "(a: SimApp | str, b: SimApp | str) -> SimRelation",
		Doc: "Relates two applications. \"web:db\" is an endpoint; without one, it has to be clear which.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			a, x, b, y, err := sim.pair(in)
			if err != nil {
				return nil, err
			}
			r, err := sim.model.Integrate(a, x, b, y)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", in.Name(), err)
			}
			return &simRelation{r}, nil
		}},
	builtins.Member[*simulation]{Name: "relation", Sig: "(a: SimApp | str, b: SimApp | str) -> SimRelation",
		Doc:  "The relation of two applications; of one application with itself, its peer relation. None, and several, are errors.",
		Call: (*simulation).findRelation},
	builtins.Member[*simulation]{Name: "remove_relation", Sig: "(a: SimApp | str, b: SimApp | str)",
		Doc: "Removes the relation of two applications.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			r, err := sim.findRelation(in)
			if err != nil {
				return nil, err
			}
			r.(*simRelation).r.Remove()
			return starlark.None, nil
		}},
	builtins.Member[*simulation]{Name: "add_unit", Sig: "(app: SimApp | str) -> SimUnit", Doc: "Adds a unit.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			a, err := sim.soleApp(in)
			if err != nil {
				return nil, err
			}
			return &simUnit{sim, a.AddUnit()}, nil
		}},
	builtins.Member[*simulation]{Name: "remove_unit", Sig: "(unit: SimUnit | str)", Doc: "Removes a unit: it departs from its relations, stops and is gone.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			u, err := sim.withUnit(in)
			if err != nil {
				return nil, err
			}
			u.Remove()
			return starlark.None, nil
		}},
	builtins.Member[*simulation]{Name: "config", Sig: "(app: SimApp | str, /, **options: any)", Doc: "Sets options of an application. One that is None has its default again.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			if len(in.Args()) != 1 {
				return nil, fmt.Errorf("%s: got %d arguments without a name, want the application", in.Name(), len(in.Args()))
			}
			a, _, err := sim.app(in, in.Args()[0])
			if err != nil {
				return nil, err
			}
			values := map[string]any{}
			for _, pair := range in.Kwargs() {
				name := string(pair[0].(starlark.String))
				if values[name], err = builtins.FromStarlark(name, pair[1]); err != nil {
					return nil, fmt.Errorf("%s: %w", in.Name(), err)
				}
			}
			return starlark.None, a.SetConfig(values)
		}},
	builtins.Member[*simulation]{Name: "fail_leader", Sig: "(app: SimApp | str)", Doc: "The application's leader loses the leadership. Another unit is elected, or the same one if it is alone.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			a, err := sim.soleApp(in)
			if err != nil {
				return nil, err
			}
			return starlark.None, a.FailLeader()
		}},
	builtins.Member[*simulation]{Name: "run_action", Sig: "(unit: SimUnit | str, name: str, params: dict = {}) -> SimAction", Doc: "Asks a unit for an action, which runs when its turn comes.",
		Call: (*simulation).runAction},
	builtins.Member[*simulation]{Name: "refresh", Sig: "(app: SimApp | str, charm: Context)", Doc: "Gives an application another charm, or another revision of its own: upgrade-charm and config-changed follow.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			var app starlark.Value
			var ctx *testContext
			if err := in.Unpack("app", &app, "charm", &ctx); err != nil {
				return nil, err
			}
			a, _, err := sim.app(in, app)
			if err != nil {
				return nil, err
			}
			if err := a.Refresh(ctx.charm); err != nil {
				return nil, err
			}
			sim.contexts[a.Name] = ctx
			return starlark.None, nil
		}},
	builtins.Member[*simulation]{Name: "advance", Sig: "(duration: time.duration | str)", Doc: "Lets time pass, for instance \"1h\": secrets rotate and expire, and every five minutes each unit gets update-status, once if it has more to do.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			var v starlark.Value
			if err := in.Unpack("duration", &v); err != nil {
				return nil, err
			}
			switch v := v.(type) {
			case startime.Duration:
				return starlark.None, sim.model.Advance(time.Duration(v))
			case starlark.String:
				d, err := time.ParseDuration(string(v))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", in.Name(), err)
				}
				return starlark.None, sim.model.Advance(d)
			}
			return nil, fmt.Errorf("%s: duration is a %s, want a duration such as \"5m\"", in.Name(), v.Type())
		}},
	builtins.Member[*simulation]{Name: "add_secret", Sig: "(content: dict[str, str], *, grant: list[SimApp | str] = []) -> str",
		Doc: "Adds a secret of the model's user, which the applications in grant may read, and returns its id, for an option of the type secret.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			var content starlark.Value
			grant := starlark.NewList(nil)
			if err := in.Unpack("content", &content, builtins.ByName, nil, "grant?", &grant); err != nil {
				return nil, err
			}
			values, err := secretContent(in, content)
			if err != nil {
				return nil, err
			}
			var apps []*fleet.App
			for i := range grant.Len() {
				a, _, err := sim.app(in, grant.Index(i))
				if err != nil {
					return nil, err
				}
				apps = append(apps, a)
			}
			id := sim.model.AddSecret(values)
			for _, a := range apps {
				if err := sim.model.GrantSecret(id, a, true); err != nil {
					return nil, err
				}
			}
			return starlark.String(id), nil
		}},
	builtins.Member[*simulation]{Name: "update_secret", Sig: "(id: str, content: dict[str, str])", Doc: "Gives a secret of the user a new revision, if the content is another.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			var id string
			var content starlark.Value
			if err := in.Unpack("id", &id, "content", &content); err != nil {
				return nil, err
			}
			values, err := secretContent(in, content)
			if err != nil {
				return nil, err
			}
			return starlark.None, inCall(in, sim.model.UpdateSecret(id, values))
		}},
	onUserSecret("grant_secret", "An application may read a secret of the user from now on. No hook comes of it.", true),
	onUserSecret("revoke_secret", "An application may not read a secret of the user any more. No hook comes of it.", false),
	onContainer("pebble_ready", "The container comes up, with what it began with; if it is up already, it starts again.", (*fleet.Unit).Start),
	onContainer("break_container", "The container stops, loses what was in it, and stays down until pebble_ready.", (*fleet.Unit).Break),
	builtins.Member[*simulation]{Name: "notify", Sig: "(unit: SimUnit | str, container: str, key: str, data: dict[str, str] = {})", Doc: "The workload records a custom notice.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			var unit starlark.Value
			var container, key string
			var data starlark.Value = starlark.NewDict(0)
			if err := in.Unpack("unit", &unit, "container", &container, "key", &key, "data?", &data); err != nil {
				return nil, err
			}
			u, err := sim.unit(in, unit)
			if err != nil {
				return nil, err
			}
			values := map[string]string{}
			if err := fromStarlark("data", data, reflect.ValueOf(&values).Elem()); err != nil {
				return nil, fmt.Errorf("%s: %w", in.Name(), err)
			}
			return starlark.None, u.Notify(container, key, values)
		}},
	onCheck("check_failed", "A check of the container fails.", false),
	onCheck("check_recovered", "A check of the container succeeds again.", true),
	builtins.Member[*simulation]{Name: "settle", Sig: "() -> list[Outcome]", Doc: "Runs events until none is left, and returns what the hooks did. More than limit events, and a charm that fails, fail the test.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			if err := in.Unpack(); err != nil {
				return nil, err
			}
			found, err := sim.model.Settle(sim.session.ctx)
			var all []starlark.Value
			for _, o := range found {
				all = append(all, sim.keep(o))
			}
			if err != nil {
				return nil, sim.failure(err)
			}
			return starlark.NewList(all), nil
		}},
	builtins.Member[*simulation]{Name: "step", Sig: "() -> bool", Doc: "Lets one thing happen: a hook, an election, or a container that comes up. False if there is nothing left.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			if err := in.Unpack(); err != nil {
				return nil, err
			}
			o, more, err := sim.model.Step(sim.session.ctx)
			if o != nil {
				sim.keep(o)
			}
			if err != nil {
				return nil, sim.failure(err)
			}
			return starlark.Bool(more), nil
		}},
	builtins.Member[*simulation]{Name: "app", Sig: "(name: str) -> SimApp", Doc: "The application of that name. None is an error.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			a, err := sim.soleApp(in)
			if err != nil {
				return nil, err
			}
			return &simApp{sim, a}, nil
		}},
	builtins.Member[*simulation]{Name: "unit", Sig: "(name: str) -> SimUnit", Doc: "The unit of that name. None is an error.",
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			u, err := sim.withUnit(in)
			if err != nil {
				return nil, err
			}
			return &simUnit{sim, u}, nil
		}},
	builtins.Member[*simulation]{Name: "events", Sig: "list[str]", Doc: "What has happened, in order: \"web/0 db-relation-changed db:1 db/0\". These are the labels for simulate(order = […]).",
		Get: func(sim *simulation) (starlark.Value, error) { return toStarlark(reflect.ValueOf(sim.model.Taken())) }},
	builtins.Member[*simulation]{Name: "now", Sig: "time.time", Doc: "The model's time.",
		Get: func(sim *simulation) (starlark.Value, error) { return startime.Time(sim.model.Now()), nil }},
)

func (sim *simulation) String() string        { return "<simulation>" }
func (sim *simulation) Type() string          { return simulationTable.Type() }
func (sim *simulation) Freeze()               {}
func (sim *simulation) Truth() starlark.Bool  { return true }
func (sim *simulation) Hash() (uint32, error) { return 0, errors.New("unhashable: simulation") }
func (sim *simulation) Attr(name string) (starlark.Value, error) {
	return simulationTable.Attr(sim, name)
}
func (sim *simulation) AttrNames() []string { return simulationTable.AttrNames(sim) }

// keep remembers what a hook did.
func (sim *simulation) keep(o *simulate.Outcome) *outcome {
	app, _, _ := strings.Cut(o.Unit, "/")
	out := &outcome{ctx: sim.contexts[app], o: o, state: of(stateKind, o.State)}
	sim.outcomes[o.Unit] = out
	if o.Action != nil {
		sim.acted[o.Action.ID] = out
	}
	return out
}

// failure is an error of the model as a test's.
func (sim *simulation) failure(err error) error {
	var hook *fleet.HookError
	var rule *fleet.RuleError
	switch {
	case errors.As(err, &hook):
		f := charmFailed(hook.Outcome)
		f.message += " on " + hook.Outcome.Unit
		if hook.Tries > 1 {
			f.message += fmt.Sprintf(", %d times one after the other", hook.Tries)
		}
		return f
	case errors.As(err, &rule):
		return &failure{message: rule.Message, outcome: rule.Outcome}
	}
	return err
}

func (sim *simulation) deploy(in builtins.Invocation) (starlark.Value, error) {
	var ctx *testContext
	var name string
	var state *component
	var config starlark.Value = starlark.NewDict(0)
	units, trust := 1, false
	if err := in.Unpack("charm", &ctx, "units?", &units, builtins.ByName, nil, "name??", &name, "config?", &config, "trust?", &trust, "state??", &state); err != nil {
		return nil, err
	}
	if name == "" {
		name = ctx.appName
	}
	initial := &simulate.State{}
	if state != nil {
		given, ok := state.ptr().(*simulate.State)
		if !ok {
			return nil, fmt.Errorf("%s: state is a %s, want a State", in.Name(), state.Type())
		}
		copied := *given
		initial = &copied
	}
	if len(initial.Juju.Relations) > 0 || len(initial.Juju.Secrets) > 0 || initial.Juju.Leader {
		return nil, fmt.Errorf("%s: the state has relations, secrets or the leadership: these come about in the model, secrets of the user by add_secret", in.Name())
	}
	options, err := builtins.FromStarlark("config", config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name(), err)
	}
	values, ok := options.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: config is a %s, want a dict", in.Name(), config.Type())
	}
	merged := map[string]any{}
	for _, from := range []map[string]any{initial.Juju.Config, values} {
		for key, value := range from {
			merged[key] = value
		}
	}
	initial.Juju.Config, initial.Juju.JujuVersion = merged, ctx.jujuVersion
	if !trust && !ctx.trusted {
		initial.Juju.Model.CloudSpec = nil
	}
	a, err := sim.model.Deploy(fleet.Deployment{Name: name, Charm: ctx.charm, Units: units, State: initial})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name(), err)
	}
	sim.contexts[name] = ctx
	return &simApp{sim, a}, nil
}

func (sim *simulation) runAction(in builtins.Invocation) (starlark.Value, error) {
	var unit starlark.Value
	var name string
	var params starlark.Value = starlark.NewDict(0)
	if err := in.Unpack("unit", &unit, "name", &name, "params?", &params); err != nil {
		return nil, err
	}
	u, err := sim.unit(in, unit)
	if err != nil {
		return nil, err
	}
	plain, err := builtins.FromStarlark("params", params)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name(), err)
	}
	values, ok := plain.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: params is a %s, want a dict", in.Name(), params.Type())
	}
	id, err := u.Act(name, values)
	if err != nil {
		return nil, err
	}
	return &simAction{sim, id}, nil
}

// onUserSecret is a method about who may read a secret of the user.
func onUserSecret(name, doc string, granted bool) builtins.Member[*simulation] {
	return builtins.Member[*simulation]{Name: name, Sig: "(id: str, app: SimApp | str)", Doc: doc,
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			var id string
			var app starlark.Value
			if err := in.Unpack("id", &id, "app", &app); err != nil {
				return nil, err
			}
			a, _, err := sim.app(in, app)
			if err != nil {
				return nil, err
			}
			return starlark.None, inCall(in, sim.model.GrantSecret(id, a, granted))
		}}
}

func secretContent(in builtins.Invocation, content starlark.Value) (map[string]string, error) {
	values := map[string]string{}
	if err := fromStarlark("content", content, reflect.ValueOf(&values).Elem()); err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name(), err)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s: a secret has content: give it at least one key", in.Name())
	}
	return values, nil
}

// inCall says in which call an error came up.
func inCall(in builtins.Invocation, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name(), err)
	}
	return nil
}

// onContainer is a method about a container of a unit.
func onContainer(name, doc string, do func(*fleet.Unit, string) error) builtins.Member[*simulation] {
	return builtins.Member[*simulation]{Name: name, Sig: "(unit: SimUnit | str, container: str)", Doc: doc,
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			var unit starlark.Value
			var container string
			if err := in.Unpack("unit", &unit, "container", &container); err != nil {
				return nil, err
			}
			u, err := sim.unit(in, unit)
			if err != nil {
				return nil, err
			}
			return starlark.None, do(u, container)
		}}
}

// onCheck is a method about a check of a container.
func onCheck(name, doc string, up bool) builtins.Member[*simulation] {
	return builtins.Member[*simulation]{Name: name, Sig: "(unit: SimUnit | str, container: str, check: str)", Doc: doc,
		Call: func(sim *simulation, in builtins.Invocation) (starlark.Value, error) {
			var unit starlark.Value
			var container, check string
			if err := in.Unpack("unit", &unit, "container", &container, "check", &check); err != nil {
				return nil, err
			}
			u, err := sim.unit(in, unit)
			if err != nil {
				return nil, err
			}
			return starlark.None, u.Check(container, check, up)
		}}
}

// app is the application that a value names, and the endpoint if it does.
func (sim *simulation) app(in builtins.Invocation, v starlark.Value) (*fleet.App, string, error) {
	switch v := v.(type) {
	case *simApp:
		if v.sim == sim {
			return v.a, "", nil
		}
		return nil, "", fmt.Errorf("%s: %s is of another simulation", in.Name(), v.a.Name)
	case starlark.String:
		name, endpoint, _ := strings.Cut(string(v), ":")
		if a := sim.model.App(name); a != nil {
			return a, endpoint, nil
		}
		var known []string
		for _, a := range sim.model.Apps() {
			known = append(known, a.Name)
		}
		return nil, "", fmt.Errorf("%s: there is no application %q%s", in.Name(), name, nearest(name, known))
	}
	return nil, "", fmt.Errorf("%s: got a %s, want an application or its name", in.Name(), v.Type())
}

func (sim *simulation) soleApp(in builtins.Invocation) (*fleet.App, error) {
	var v starlark.Value
	if err := in.Unpack("app", &v); err != nil {
		return nil, err
	}
	a, _, err := sim.app(in, v)
	return a, err
}

func (sim *simulation) pair(in builtins.Invocation) (a *fleet.App, x string, b *fleet.App, y string, err error) {
	var first, second starlark.Value
	if err = in.Unpack("a", &first, "b", &second); err != nil {
		return nil, "", nil, "", err
	}
	if a, x, err = sim.app(in, first); err != nil {
		return nil, "", nil, "", err
	}
	b, y, err = sim.app(in, second)
	return a, x, b, y, err
}

func (sim *simulation) unit(in builtins.Invocation, v starlark.Value) (*fleet.Unit, error) {
	name := ""
	switch v := v.(type) {
	case *simUnit:
		name = v.u.Name()
	case starlark.String:
		name = string(v)
	default:
		return nil, fmt.Errorf("%s: got a %s, want a unit or its name", in.Name(), v.Type())
	}
	if u := sim.model.Unit(name); u != nil {
		return u, nil
	}
	var known []string
	for _, a := range sim.model.Apps() {
		for _, u := range a.Units {
			known = append(known, u.Name())
		}
	}
	return nil, fmt.Errorf("%s: there is no unit %q%s", in.Name(), name, nearest(name, known))
}

func (sim *simulation) withUnit(in builtins.Invocation) (*fleet.Unit, error) {
	var v starlark.Value
	if err := in.Unpack("unit", &v); err != nil {
		return nil, err
	}
	return sim.unit(in, v)
}

func (sim *simulation) findRelation(in builtins.Invocation) (starlark.Value, error) {
	a, x, b, y, err := sim.pair(in)
	if err != nil {
		return nil, err
	}
	found := sim.model.Find(a, x, b, y)
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%s: %s and %s have no such relation", in.Name(), a.Name, b.Name)
	case 1:
		return &simRelation{found[0]}, nil
	}
	return nil, fmt.Errorf("%s: %s and %s have %d such relations: name the endpoint, \"%s:ENDPOINT\"", in.Name(), a.Name, b.Name, len(found), a.Name)
}
