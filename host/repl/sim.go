package repl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file defines the sim module: what can be done to a simulated model.

type simMember = builtins.Member[*Simulated]

// maxSettle is after how many hooks settle gives up.
const maxSettle = 1000

var simTable = builtins.NewTable("sim", "The simulated model. What is done to it makes events due, which step() and settle() run; emit() runs any. The functions are there without \"sim.\" too, unless the charm itself uses the name.",
	simMember{Name: "config", Sig: "(**options: any)", Call: (*Simulated).config,
		Doc: "Sets options of the charm; one that is None has its default again. In a name, _ may stand for -. config-changed is due."},
	simMember{Name: "integrate", Sig: "(endpoint: str, app: str = \"remote\", *, units: int = 1, app_data: dict[str, str] = {}, unit_data: dict[str, str] = {}) -> str", Call: (*Simulated).integrate,
		Doc: "Relates the charm to an application, which has these units and databags, and returns the relation's name, \"db:1\". relation-created is due, and for each unit relation-joined and relation-changed."},
	simMember{Name: "remove_relation", Sig: "(relation: str | int)", Call: (*Simulated).removeRelation,
		Doc: "Removes a relation, \"db:1\" or its number, or \"db\" if there is one. relation-departed is due for each unit, and relation-broken, after which it is gone."},
	simMember{Name: "add_unit", Sig: "(relation: str | int) -> int", Call: (*Simulated).addUnit,
		Doc: "Adds a unit at the other end of a relation, or among the peers, and returns its number. relation-joined and relation-changed are due."},
	simMember{Name: "remove_unit", Sig: "(relation: str | int, unit: int = None)", Call: (*Simulated).removeUnit,
		Doc: "Removes a unit at the other end, by default the one with the highest number. relation-departed is due, after which it is gone."},
	simMember{Name: "write", Sig: "(relation: str | int, data: dict[str, str | None], *, unit: int = None)", Call: (*Simulated).write,
		Doc: "Writes as the remote side does: to the remote application's databag, or to that of a unit (among peers too). A key whose value is None is removed. relation-changed is due."},
	simMember{Name: "leader", Sig: "(is_leader: bool = True)", Call: (*Simulated).leader,
		Doc: "Makes the unit the leader, or another one. leader-elected is due if it becomes the leader."},
	simMember{Name: "pebble_ready", Sig: "(container: str)", Call: (*Simulated).pebbleReady,
		Doc: "Lets a container's Pebble come up, anew if it is up: what was done in the container is lost. pebble-ready is due."},
	simMember{Name: "break_container", Sig: "(container: str)", Call: (*Simulated).breakContainer,
		Doc: "Stops a container, which cannot be connected to until pebble_ready, and loses what was done in it."},
	simMember{Name: "check_failed", Sig: "(container: str, check: str)",
		Doc:  "Takes a check of the container's plan down. pebble-check-failed is due.",
		Call: func(p *Simulated, in builtins.Invocation) (starlark.Value, error) { return p.check(in, false) }},
	simMember{Name: "check_recovered", Sig: "(container: str, check: str)",
		Doc:  "Brings it up again. pebble-check-recovered is due.",
		Call: func(p *Simulated, in builtins.Invocation) (starlark.Value, error) { return p.check(in, true) }},
	simMember{Name: "notify", Sig: "(container: str, key: str, data: dict[str, str] = {})", Call: (*Simulated).notify,
		Doc: "Records a custom notice in a container. pebble-custom-notice is due."},
	simMember{Name: "advance", Sig: "(duration: time.duration | str)", Call: (*Simulated).advance,
		Doc: "Lets time pass, for instance \"1h\". Every five minutes update-status is due; so are the events of own secrets that rotate or expire."},
	simMember{Name: "run_action", Sig: "(name: str, params: dict = {})", Call: (*Simulated).runAction,
		Doc: "Runs an action, and shows what its user is told."},
	simMember{Name: "emit", Sig: "(event: str, *, relation: str | int = None, unit: int = None, params: dict = {}, container: str = None, check: str = None, notice: str = None, secret: str = None, revision: int = None, storage: int = None, error: bool = False)", Call: (*Simulated).emitNamed,
		Doc: "Runs a hook, \"config-changed\", or an action, \"backup-action\", and shows what it did and what changed. Of what an event is about, what there is only one of need not be named. unit is the number of the remote unit; notice is a key or an id. A hook that fails is an error here too, unless error says that it is to."},
	simMember{Name: "due", Sig: "() -> list[str]", Doc: "The events that Juju would send next, in their order.",
		Call: func(p *Simulated, in builtins.Invocation) (starlark.Value, error) {
			if err := in.Unpack(); err != nil {
				return nil, err
			}
			labels := make([]starlark.Value, len(p.due))
			for i, d := range p.due {
				labels[i] = starlark.String(eventLabel(d.event))
			}
			return starlark.NewList(labels), nil
		}},
	simMember{Name: "step", Sig: "() -> bool", Doc: "Runs the first event that is due. False: there was none.",
		Call: func(p *Simulated, in builtins.Invocation) (starlark.Value, error) {
			if err := in.Unpack(); err != nil {
				return nil, err
			}
			if len(p.due) == 0 {
				return starlark.False, nil
			}
			return starlark.True, p.next()
		}},
	simMember{Name: "settle", Sig: "() -> int", Doc: "Runs events until none is due, and returns how many there were. It ends with the first hook that fails.",
		Call: func(p *Simulated, in builtins.Invocation) (starlark.Value, error) {
			if err := in.Unpack(); err != nil {
				return nil, err
			}
			n := 0
			for ; len(p.due) > 0; n++ {
				if n == maxSettle {
					return nil, fmt.Errorf("%s: there is more to do after %d hooks", in.Name(), n)
				}
				if err := p.next(); err != nil {
					return nil, err
				}
			}
			return starlark.MakeInt(n), nil
		}},
	simMember{Name: "undo", Sig: "() -> str", Doc: "Takes back what was done last to the model: a hook, a move, or what was written by hand. Returns what that was; None if there is nothing to take back. Names that were set stay.", Call: (*Simulated).undo},
	simMember{Name: "state", Sig: "() -> str", Doc: "The world as a state file has it.",
		Call: func(p *Simulated, in builtins.Invocation) (starlark.Value, error) {
			if err := in.Unpack(); err != nil {
				return nil, err
			}
			var text []byte
			err := p.aside("", func(context.Context) (err error) {
				text, err = p.yaml()
				return err
			})
			return starlark.String(text), err
		}},
	simMember{Name: "save", Sig: "(path: str)", Doc: "Writes the world as a state file, for `starcharm run --state`, `starcharm repl --state` and testing.load_state. A file that is there is replaced. The path is as for the shell that starcharm was started from.", Call: (*Simulated).save},
	simMember{Name: "save_test", Sig: "(name: str)", Doc: "Writes the way here as a test, tests/NAME_test.star in the charm, and runs it: the world in the beginning, what was done to it, each hook, and the unit's status and the databags after it. A file that is there is not replaced.", Call: (*Simulated).saveTest},
	simMember{Name: "reload", Sig: "()", Doc: "Loads the charm's files again, for the next input: the world stays as it is, names that were set are gone.", Call: (*Simulated).reload},
)

func (p *Simulated) config(in builtins.Invocation) (starlark.Value, error) {
	if len(in.Args()) > 0 {
		return nil, fmt.Errorf("%s: options go by name: config(port = 8080)", in.Name())
	}
	var names []string
	values := map[string]any{}
	for _, pair := range in.Kwargs() {
		name := string(pair[0].(starlark.String))
		if dashed := strings.ReplaceAll(name, "_", "-"); p.Charm.Metadata.Options[name] == nil && p.Charm.Metadata.Options[dashed] != nil {
			name = dashed
		}
		value, err := builtins.FromStarlark(name, pair[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.Name(), err)
		}
		if value == nil && p.Charm.Metadata.Options[name] == nil {
			return nil, fmt.Errorf("%s: the charm has no option %q%s", in.Name(), name, nearest(name, slices.Collect(maps.Keys(p.Charm.Metadata.Options))))
		}
		names, values[name] = append(names, name), value
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: want options by name: config(port = 8080)", in.Name())
	}
	err := p.move("config of "+strings.Join(names, ", "), func(s *simulate.State) error {
		config := maps.Clone(s.Juju.Config)
		if config == nil {
			config = map[string]any{}
		}
		for name, value := range values {
			if value == nil {
				delete(config, name)
			} else {
				config[name] = value
			}
		}
		s.Juju.Config = config
		return nil
	})
	if err == nil {
		p.follow(due{event: modeltest.Event{Name: "config-changed"}})
	}
	return starlark.None, named(in, err)
}

// named is an error with the name of the function that met it.
func named(in builtins.Invocation, err error) error {
	var hook *HookError
	if err == nil || errors.As(err, &hook) {
		return err
	}
	return fmt.Errorf("%s: %w", in.Name(), err)
}

func (p *Simulated) integrate(in builtins.Invocation) (starlark.Value, error) {
	endpoint, app, units := "", "remote", 1
	var appData, unitData *starlark.Dict
	if err := in.Unpack("endpoint", &endpoint, "app?", &app, builtins.ByName, nil, "units?", &units, "app_data??", &appData, "unit_data??", &unitData); err != nil {
		return nil, err
	}
	meta := p.Charm.Metadata.Relations[endpoint]
	const maxUnits = 100
	switch {
	case meta == nil:
		return nil, fmt.Errorf("%s: the charm has no endpoint %q%s", in.Name(), endpoint, nearest(endpoint, slices.Collect(maps.Keys(p.Charm.Metadata.Relations))))
	case meta.Role == model.Peer:
		return nil, fmt.Errorf("%s: %q is a peer relation, which is there by itself; add_unit(%q) adds a peer", in.Name(), endpoint, endpoint)
	case units < 0 || units > maxUnits:
		return nil, fmt.Errorf("%s: units is %d, want from 0 to %d", in.Name(), units, maxUnits)
	}
	r := &modeltest.Relation{Endpoint: endpoint, Interface: meta.Interface, RemoteApp: app, RemoteUnitsData: map[int]map[string]string{}}
	var err error
	if r.RemoteAppData, err = databag("app_data", appData); err != nil {
		return nil, named(in, err)
	}
	for i := range units {
		if r.RemoteUnitsData[i], err = databag("unit_data", unitData); err != nil {
			return nil, named(in, err)
		}
	}
	err = p.move("integrate "+endpoint, func(s *simulate.State) error {
		for _, other := range s.Juju.Relations {
			r.ID = max(r.ID, other.ID+1)
		}
		s.Juju.Relations = append(slices.Clone(s.Juju.Relations), r)
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.follow(due{event: relationEvent(r, model.RelationCreated, nil)})
	for i := range units {
		p.follow(joinedEvents(r, i)...)
	}
	return starlark.String(relationName(r)), nil
}

func relationName(r *modeltest.Relation) string { return r.Endpoint + ":" + strconv.Itoa(r.ID) }

// databag reads the content of a databag.
func databag(name string, d *starlark.Dict) (map[string]string, error) {
	bag := map[string]string{}
	if d == nil {
		return bag, nil
	}
	for _, item := range d.Items() {
		key, ok := starlark.AsString(item[0])
		value, valueOK := starlark.AsString(item[1])
		if !ok || !valueOK {
			return nil, fmt.Errorf("%s: got %v: %v, want strings: other data is encoded, for instance with json.encode", name, item[0], item[1])
		}
		bag[key] = value
	}
	return bag, nil
}

// relation finds one by "db:1", "db" or 1, and gives the state one of its own
// that can be changed.
func relationIn(s *simulate.State, which starlark.Value) (*modeltest.Relation, error) {
	var fits []*modeltest.Relation
	var known []string
	for _, r := range s.Juju.Relations {
		known = append(known, relationName(r))
		switch w := which.(type) {
		case starlark.Int:
			if w == starlark.MakeInt(r.ID) {
				fits = append(fits, r)
			}
		case starlark.String:
			if string(w) == r.Endpoint || string(w) == relationName(r) {
				fits = append(fits, r)
			}
		case starlark.HasAttrs: // model's own
			if id, err := w.Attr("id"); err == nil && id == starlark.MakeInt(r.ID) {
				fits = append(fits, r)
			}
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1:
		return nil, fmt.Errorf("there are %d relations of %s: say which one, for instance %q", len(fits), which, relationName(fits[0]))
	case len(known) == 0:
		return nil, fmt.Errorf("there is no relation %s; there are none", which)
	}
	return nil, fmt.Errorf("there is no relation %s; there are %s", which, strings.Join(known, ", "))
}

// units are the databags of the units at the other end.
func unitsOf(r *modeltest.Relation) *map[int]map[string]string {
	if r.PeersData != nil {
		return &r.PeersData
	}
	return &r.RemoteUnitsData
}

func (p *Simulated) removeRelation(in builtins.Invocation) (starlark.Value, error) {
	var which starlark.Value
	if err := in.Unpack("relation", &which); err != nil {
		return nil, err
	}
	r, err := relationIn(p.state, which)
	if err == nil && r.PeersData != nil {
		err = fmt.Errorf("%s is a peer relation, which cannot be removed", relationName(r))
	}
	if err != nil {
		return nil, named(in, err)
	}
	err = p.aside("remove_relation "+relationName(r), func(context.Context) error {
		p.forget(func(e modeltest.Event) bool { return e.RelationID != nil && *e.RelationID == r.ID })
		for _, unit := range slices.Sorted(maps.Keys(*unitsOf(r))) {
			p.follow(departedEvent(r, unit))
		}
		p.follow(brokenEvent(r))
		return nil
	})
	return starlark.None, named(in, err)
}

func (p *Simulated) addUnit(in builtins.Invocation) (starlark.Value, error) {
	var which starlark.Value
	if err := in.Unpack("relation", &which); err != nil {
		return nil, err
	}
	var joined *modeltest.Relation
	unit := 0
	err := p.move("add_unit", func(s *simulate.State) error {
		r, err := relationIn(s, which)
		if err != nil {
			return err
		}
		units := unitsOf(r)
		if *units == nil {
			*units = map[int]map[string]string{}
		}
		if r.PeersData != nil {
			unit = s.Juju.UnitID + 1
		}
		for n := range *units {
			unit = max(unit, n+1)
		}
		(*units)[unit] = map[string]string{}
		joined = r
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.follow(joinedEvents(joined, unit)...)
	return starlark.MakeInt(unit), nil
}

func (p *Simulated) removeUnit(in builtins.Invocation) (starlark.Value, error) {
	var which, given starlark.Value = nil, starlark.None
	if err := in.Unpack("relation", &which, "unit?", &given); err != nil {
		return nil, err
	}
	r, err := relationIn(p.state, which)
	if err != nil {
		return nil, named(in, err)
	}
	unit, err := unitIn(r, given)
	if err != nil {
		return nil, named(in, err)
	}
	err = p.aside(fmt.Sprintf("remove_unit %d of %s", unit, relationName(r)), func(context.Context) error {
		p.forget(func(e modeltest.Event) bool {
			return e.RelationID != nil && *e.RelationID == r.ID && e.RemoteUnit != nil && *e.RemoteUnit == unit
		})
		p.follow(departedEvent(r, unit))
		return nil
	})
	return starlark.None, named(in, err)
}

// unitIn is the number of a unit of a relation, by default the highest.
func unitIn(r *modeltest.Relation, given starlark.Value) (int, error) {
	known := slices.Sorted(maps.Keys(*unitsOf(r)))
	if given == starlark.None {
		if len(known) == 0 {
			return 0, fmt.Errorf("%s has no units at the other end", relationName(r))
		}
		return known[len(known)-1], nil
	}
	unit, err := starlark.AsInt32(given)
	if err != nil || !slices.Contains(known, unit) {
		return 0, fmt.Errorf("%s has no unit %s at the other end; there are %v", relationName(r), given, known)
	}
	return unit, nil
}

func (p *Simulated) write(in builtins.Invocation) (starlark.Value, error) {
	var which, unit starlark.Value = nil, starlark.None
	var data *starlark.Dict
	if err := in.Unpack("relation", &which, "data", &data, builtins.ByName, nil, "unit?", &unit); err != nil {
		return nil, err
	}
	var changed *modeltest.Relation
	var by *int
	err := p.move("write", func(s *simulate.State) error {
		r, err := relationIn(s, which)
		if err != nil {
			return err
		}
		bag := r.RemoteAppData
		switch {
		case unit != starlark.None:
			n, err := unitIn(r, unit)
			if err != nil {
				return err
			}
			by, bag = &n, (*unitsOf(r))[n]
		case r.PeersData != nil:
			bag = r.LocalAppData
		}
		bag = maps.Clone(bag)
		if bag == nil {
			bag = map[string]string{}
		}
		given := starlark.NewDict(data.Len())
		for _, item := range data.Items() {
			if key, ok := starlark.AsString(item[0]); ok && item[1] == starlark.None {
				delete(bag, key)
				continue
			}
			if err := given.SetKey(item[0], item[1]); err != nil {
				return err
			}
		}
		values, err := databag("data", given)
		if err != nil {
			return err
		}
		maps.Copy(bag, values)
		switch {
		case by != nil:
			(*unitsOf(r))[*by] = bag
		case r.PeersData != nil:
			r.LocalAppData = bag
		default:
			r.RemoteAppData = bag
		}
		changed = r
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.follow(due{event: relationEvent(changed, model.RelationChanged, by)})
	return starlark.None, nil
}

func (p *Simulated) leader(in builtins.Invocation) (starlark.Value, error) {
	is := true
	if err := in.Unpack("is_leader?", &is); err != nil {
		return nil, err
	}
	elected := is && !p.state.Juju.Leader
	err := p.move("leader", func(s *simulate.State) error {
		s.Juju.Leader = is
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.forget(func(e modeltest.Event) bool { return e.Name == "leader-elected" })
	if elected {
		p.follow(due{event: modeltest.Event{Name: "leader-elected"}})
	}
	return starlark.None, nil
}

// change gives the state a container of its own, and changes it.
func (p *Simulated) change(did, name string, f func(c *pebbletest.State) error) error {
	return p.move(did+" "+name, func(s *simulate.State) error {
		var known []string
		for i, c := range s.Containers {
			known = append(known, c.Name)
			if c.Name != name {
				continue
			}
			next := *c
			s.Containers = slices.Clone(s.Containers)
			s.Containers[i] = &next
			return f(&next)
		}
		return fmt.Errorf("the charm has no container %q%s", name, nearest(name, known))
	})
}

// restartContainer makes a container what it was in the beginning, up or down.
func (p *Simulated) restartContainer(c *pebbletest.State, up bool) {
	fresh := pebbletest.State{Name: c.Name}
	for _, first := range p.first.Containers {
		if first.Name == c.Name {
			fresh = *first
		}
	}
	*c = fresh
	c.CanConnect = &up
	if !up {
		c.ServiceStatuses = nil
	}
}

func (p *Simulated) pebbleReady(in builtins.Invocation) (starlark.Value, error) {
	var name string
	if err := in.Unpack("container", &name); err != nil {
		return nil, err
	}
	err := p.change("pebble_ready", name, func(c *pebbletest.State) error {
		p.restartContainer(c, true)
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.follow(due{event: modeltest.Event{Name: name + "-pebble-ready"}})
	return starlark.None, nil
}

func (p *Simulated) breakContainer(in builtins.Invocation) (starlark.Value, error) {
	var name string
	if err := in.Unpack("container", &name); err != nil {
		return nil, err
	}
	err := p.change("break_container", name, func(c *pebbletest.State) error {
		p.restartContainer(c, false)
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.forget(func(e modeltest.Event) bool { return strings.HasPrefix(e.Name, name+"-pebble-") })
	return starlark.None, nil
}

func (p *Simulated) check(in builtins.Invocation, up bool) (starlark.Value, error) {
	var name, check string
	if err := in.Unpack("container", &name, "check", &check); err != nil {
		return nil, err
	}
	did, event := "check_failed", name+"-pebble-check-failed"
	if up {
		did, event = "check_recovered", name+"-pebble-check-recovered"
	}
	err := p.change(did, name, func(c *pebbletest.State) error {
		// The checks of the plan, also those that the state says nothing of.
		for _, explicit := range p.seams.world.Before().Containers {
			if explicit.Name == name {
				c.CheckInfos = explicit.CheckInfos
			}
		}
		i := slices.IndexFunc(c.CheckInfos, func(info *pebbletest.CheckInfo) bool { return info.Name == check })
		if i < 0 {
			var known []string
			for _, info := range c.CheckInfos {
				known = append(known, info.Name)
			}
			return fmt.Errorf("the plan of the container %s has no check %q%s", name, check, nearest(check, known))
		}
		info := *c.CheckInfos[i]
		info.Status, info.Failures = pebble.CheckUp, 0
		if !up {
			info.Status, info.Failures = pebble.CheckDown, max(info.Threshold, 1)
		}
		c.CheckInfos = slices.Clone(c.CheckInfos)
		c.CheckInfos[i] = &info
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.follow(due{event: modeltest.Event{Name: event, CheckName: check}})
	return starlark.None, nil
}

func (p *Simulated) notify(in builtins.Invocation) (starlark.Value, error) {
	var name, key string
	var data *starlark.Dict
	if err := in.Unpack("container", &name, "key", &key, "data??", &data); err != nil {
		return nil, err
	}
	last, err := databag("data", data)
	if err != nil {
		return nil, named(in, err)
	}
	n := &pebbletest.Notice{Key: key, Type: "custom"}
	err = p.change("notify", name, func(c *pebbletest.State) error {
		if !c.Reachable() {
			return fmt.Errorf("the container %s is down", name)
		}
		now, id := now(p.state), 1
		c.Notices = slices.Clone(c.Notices)
		for i, other := range c.Notices {
			if number, err := strconv.Atoi(other.ID); err == nil {
				id = max(id, number+1)
			}
			if other.Key == key && other.Type == "custom" {
				copied := *other
				n = &copied
				c.Notices = slices.Delete(c.Notices, i, i+1)
				break
			}
		}
		if n.ID == "" {
			n.ID, n.FirstOccurred = strconv.Itoa(id), now
		}
		n.Occurrences++
		n.LastOccurred, n.LastRepeated, n.LastData = now, now, last
		c.Notices = append(c.Notices, n)
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.follow(due{event: modeltest.Event{Name: name + "-pebble-custom-notice", NoticeID: n.ID, NoticeType: "custom", NoticeKey: key}})
	return starlark.None, nil
}

// now is the time in a state.
func now(s *simulate.State) time.Time {
	if s.Machine.Now.IsZero() {
		return machinetest.Epoch()
	}
	return s.Machine.Now
}

func (p *Simulated) advance(in builtins.Invocation) (starlark.Value, error) {
	var v starlark.Value
	if err := in.Unpack("duration", &v); err != nil {
		return nil, err
	}
	var d time.Duration
	switch v := v.(type) {
	case startime.Duration:
		d = time.Duration(v)
	case starlark.String:
		var err error
		if d, err = time.ParseDuration(string(v)); err != nil {
			return nil, fmt.Errorf("%s: %v is no duration: want one such as \"1h30m\"", in.Name(), v)
		}
	default:
		return nil, fmt.Errorf("%s: got %s, want a duration such as \"1h\"", in.Name(), v.Type())
	}
	if d < 0 {
		return nil, fmt.Errorf("%s: cannot advance by %s: time goes on only", in.Name(), d)
	}
	then := now(p.state)
	err := p.move("advance by "+d.String(), func(s *simulate.State) error {
		s.Machine.Now = then.Add(d)
		return nil
	})
	if err != nil {
		return nil, named(in, err)
	}
	p.follow(timeEvents(p.state, then, then.Add(d))...)
	return starlark.None, nil
}

func (p *Simulated) runAction(in builtins.Invocation) (starlark.Value, error) {
	var name string
	var params *starlark.Dict
	if err := in.Unpack("name", &name, "params??", &params); err != nil {
		return nil, err
	}
	e := modeltest.Event{Name: name, Action: true}
	if err := actionParams(&e, params); err != nil {
		return nil, named(in, err)
	}
	return starlark.None, named(in, p.emit(e))
}

func actionParams(e *modeltest.Event, params *starlark.Dict) error {
	if params == nil {
		return nil
	}
	plain, err := builtins.FromStarlark("params", params)
	if err != nil {
		return err
	}
	e.Params, _ = plain.(map[string]any)
	return nil
}

func (p *Simulated) emitNamed(in builtins.Invocation) (starlark.Value, error) {
	var name string
	var relation, unit, storage starlark.Value = starlark.None, starlark.None, starlark.None
	var params *starlark.Dict
	var e modeltest.Event
	var notice, container string
	expectError := false
	if err := in.Unpack("event", &name, builtins.ByName, nil, "relation?", &relation, "unit?", &unit, "params??", &params,
		"container??", &container, "check??", &e.CheckName, "notice??", &notice, "secret??", &e.SecretID, "revision??", &e.SecretRevision, "storage?", &storage, "error?", &expectError); err != nil {
		return nil, err
	}
	e.Name, e.Action = simulate.ParseEventName(name)
	if container != "" && !strings.HasPrefix(e.Name, container) {
		e.Name = container + "-" + e.Name
	}
	if err := actionParams(&e, params); err != nil {
		return nil, named(in, err)
	}
	if params != nil && !e.Action {
		return nil, fmt.Errorf("%s: params go with an action, not with %s", in.Name(), name)
	}
	endpoint, kind, isRelation := strings.Cut(strings.ReplaceAll(e.Name, "_", "-"), "-relation-")
	if isRelation && relation == starlark.None {
		relation = starlark.String(p.endpoint(endpoint))
	}
	if relation != starlark.None {
		r, err := relationIn(p.state, relation)
		if err != nil {
			return nil, named(in, err)
		}
		if !isRelation { // "relation-changed", relation = "db"
			kind = strings.TrimPrefix(e.Name, "relation-")
			e.Name = r.Endpoint + "-relation-" + kind
		}
		e.RelationID = &r.ID
		units := slices.Sorted(maps.Keys(*unitsOf(r)))
		if unit == starlark.None && kind != "created" && kind != "broken" && len(units) == 1 {
			unit = starlark.MakeInt(units[0])
		}
	}
	if unit != starlark.None {
		n, err := starlark.AsInt32(unit)
		if err != nil {
			return nil, fmt.Errorf("%s: unit is %s, want a number", in.Name(), unit)
		}
		if n >= 0 {
			e.RemoteUnit = &n
		}
	}
	if storage != starlark.None {
		n, err := starlark.AsInt32(storage)
		if err != nil {
			return nil, fmt.Errorf("%s: storage is %s, want a number", in.Name(), storage)
		}
		e.StorageIndex = &n
	}
	if err := p.complete(&e, notice); err != nil {
		return nil, named(in, err)
	}
	err := p.emit(e)
	var failed *HookError
	switch {
	case expectError && err == nil:
		err = fmt.Errorf("%s was to fail, and did not", name)
	case expectError && errors.As(err, &failed):
		err = nil
	}
	return starlark.None, named(in, err)
}

// endpoint is the endpoint of that name, with _ for -.
func (p *Simulated) endpoint(name string) string {
	for known := range p.Charm.Metadata.Relations {
		if strings.ReplaceAll(known, "_", "-") == name {
			return known
		}
	}
	return name
}

// complete finds the check or notice that an event is about.
func (p *Simulated) complete(e *modeltest.Event, notice string) error {
	for _, c := range p.state.Containers {
		rest, ok := strings.CutPrefix(e.Name, c.Name+"-pebble-")
		switch {
		case !ok:
		case rest == "custom-notice":
			var fits []*pebbletest.Notice
			for _, n := range c.Notices {
				if notice == "" || notice == n.Key || notice == n.ID {
					fits = append(fits, n)
				}
			}
			if len(fits) != 1 {
				return fmt.Errorf("the container %s has %d such notices, and the event is about one: notify(%q, KEY) makes one, notice = KEY says which", c.Name, len(fits), c.Name)
			}
			e.NoticeID, e.NoticeType, e.NoticeKey = fits[0].ID, fits[0].Type, fits[0].Key
		case strings.HasPrefix(rest, "check-") && e.CheckName == "" && len(c.CheckInfos) == 1:
			e.CheckName = c.CheckInfos[0].Name
		}
	}
	return nil
}

// next runs the first event that is due.
func (p *Simulated) next() error { return p.emit(p.due[0].event) }

func (p *Simulated) undo(in builtins.Invocation) (starlark.Value, error) {
	if err := in.Unpack(); err != nil {
		return nil, err
	}
	var did starlark.Value = starlark.None
	err := p.aside("", func(context.Context) error {
		if len(p.past) == 0 {
			return nil
		}
		last := p.past[len(p.past)-1]
		p.past = p.past[:len(p.past)-1]
		p.state, p.due, p.hooks = last.state, last.due, last.hooks
		did = starlark.String(last.did)
		return nil
	})
	return did, named(in, err)
}

func (p *Simulated) reload(in builtins.Invocation) (starlark.Value, error) {
	if err := in.Unpack(); err != nil {
		return nil, err
	}
	p.reloaded = true
	return starlark.None, nil
}

// nearest is an error's last words: what may have been meant, or what there is.
func nearest(name string, known []string) string {
	if near := model.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) == 0 {
		return "; there are none"
	}
	slices.Sort(known)
	return "; there are " + strings.Join(known, ", ")
}
