package fleet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
)

// A Unit is a unit and its agent: what its charm was told.
type Unit struct {
	App    *App
	Number int

	// state is what is only this unit's: containers, machine, what its charm
	// keeps, status.
	state   *simulate.State
	address string

	installed, started, dying bool
	// What its charm was told of the leadership, and whether it has lost it.
	toldLeader, toldFollower, lostLeadership bool
	configSeen                               int
	upgrade, askStatus                       bool
	memberships                              map[int]*membership
	attached                                 map[string]bool // storages, by id
	up                                       map[string]bool // containers
	broken                                   []string        // containers that do not come up by themselves
	// inbox are actions and news of containers, in their order.
	inbox []modeltest.Event
	// queued is a hook that follows the last one before any other.
	queued *choice
	// failed is the hook to be run again, failures how often it failed.
	failed   *choice
	failures int
	stopped  bool
}

// Name is the unit's name, "web/0".
func (u *Unit) Name() string { return u.App.Name + "/" + strconv.Itoa(u.Number) }

// Leader says whether the unit leads its application.
func (u *Unit) Leader() bool { return u.App.leader == u }

// Status is the unit's status; "error" while a hook of it is to be run again.
func (u *Unit) Status() modeltest.Status {
	if u.failed != nil {
		return modeltest.Status{Name: "error", Message: fmt.Sprintf("hook failed: %q", u.failed.event.Name)}
	}
	s := u.state.Juju.UnitStatus
	if s.Name == "" {
		s.Name = "unknown"
	}
	return s
}

// A choice is something that may happen next: a hook of a unit, or a change of
// the world.
type choice struct {
	unit  *Unit
	event modeltest.Event
	// about is what the event is about, for the label.
	about string
	// world, unless nil, is done instead of a hook.
	world func()
	// begin is done before the hook, done after one that succeeded.
	begin, done func()
}

// label names the choice: "web/0 db-relation-changed db:1 db/0".
func (c *choice) label() string {
	text := c.unit.Name()
	if c.world == nil {
		text += " " + c.event.Name
	}
	if c.event.Action {
		text += " action " + c.event.ActionID
	}
	if c.about != "" {
		text += " " + c.about
	}
	return text
}

func (u *Unit) hook(name string, done func()) *choice {
	return &choice{unit: u, event: modeltest.Event{Name: name}, done: done}
}

// choices are what may happen next in the model: elections, the hooks that
// units' agents may run, and containers that come up.
func (m *Model) choices() []*choice {
	var all []*choice
	for _, a := range m.apps {
		all = append(all, a.election()...)
	}
	for _, a := range m.apps {
		for _, u := range a.Units {
			all = append(all, u.choices()...)
		}
	}
	return all
}

// election are the units that may become leader, if there is none: any that
// stays, but not the one that has just lost it, unless there is no other.
func (a *App) election() []*choice {
	if a.leader != nil {
		return nil
	}
	var fit, rest []*choice
	for _, u := range a.Units {
		if u.dying {
			continue
		}
		c := &choice{unit: u, about: "becomes the leader", world: func() {
			for _, v := range a.Units {
				v.lostLeadership = false
			}
			a.leader = u
		}}
		if rest = append(rest, c); !u.lostLeadership {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		return rest
	}
	return fit
}

// choices are the hooks that the unit's agent may run next.
//
// The order of a unit's life is Juju's: its storages are attached, then
// install, relation-created for each relation, leader-elected (or, before Juju
// 4, leader-settings-changed), config-changed, and start right after it. From
// then on the agent runs what it hears of, in any order but for that within one
// relation (see Relation.next), and update-status if there is nothing else.
// Actions, secrets and containers are heard of from config-changed on, or just
// before it. At the end
// storages are detached, relations depart and break, then stop and remove.
// A hook that failed is run again before any other.
func (u *Unit) choices() []*choice {
	if u.failed != nil && u.App.model.possible(u.failed) {
		return []*choice{u.failed}
	}
	u.failed, u.failures = nil, 0
	if u.queued != nil {
		return []*choice{u.queued}
	}
	all := u.hooks()
	if !u.dying {
		all = append(all, u.containersUp()...)
	}
	return all
}

func (u *Unit) hooks() []*choice {
	if u.dying {
		return u.last()
	}
	storages := u.storages("attached", false)
	if !u.installed {
		if len(storages) > 0 {
			return storages
		}
		return []*choice{u.hook("install", u.install)}
	}
	news := append(u.news(), u.secretNews()...)
	var created, others []*choice
	for _, r := range u.App.model.relations {
		if r.of(u.App) == nil {
			continue
		}
		if c := r.next(u); c != nil && u.memberships[r.ID] == nil {
			created = append(created, c)
		} else if c != nil {
			others = append(others, c)
		}
	}
	leadership := u.leadership()
	config := u.configured()
	if !u.started {
		switch {
		case len(created) > 0:
			return created
		case u.App.leader == nil:
			return nil // the agent waits for the election
		case len(leadership) > 0:
			return leadership
		}
		return append([]*choice{config}, news...)
	}
	all := append(created, leadership...)
	all = append(all, news...)
	all = append(all, storages...)
	if u.upgrade {
		all = append(all, u.hook("upgrade-charm", func() {
			u.upgrade = false
			u.queued = u.configured()
		}))
	}
	if u.configSeen != u.App.version {
		all = append(all, config)
	}
	if all = append(all, others...); len(all) == 0 && u.askStatus {
		all = append(all, u.hook("update-status", func() { u.askStatus = false }))
	}
	return all
}

// install makes the unit a member of its application's relations.
func (u *Unit) install() {
	u.installed = true
	for _, r := range u.App.model.relations {
		if r.of(u.App) != nil {
			r.enter(u)
		}
	}
}

func (u *Unit) configured() *choice {
	version := u.App.version
	return u.hook("config-changed", func() {
		u.configSeen = version
		if !u.started {
			u.queued = u.hook("start", func() { u.started = true })
		}
	})
}

func (u *Unit) leadership() []*choice {
	switch leader := u.App.leader; {
	case leader == u && !u.toldLeader:
		return []*choice{u.hook("leader-elected", func() { u.toldLeader = true })}
	case leader != nil && leader != u && !u.toldFollower && !u.started && !u.juju4():
		return []*choice{u.hook("leader-settings-changed", func() { u.toldFollower = true })}
	}
	return nil
}

// news are the first action, and the first that is new of each container.
func (u *Unit) news() []*choice {
	var all []*choice
	heard := map[string]bool{}
	for _, e := range u.inbox {
		from := "actions"
		if !e.Action {
			from, _, _ = strings.Cut(e.Name, "-pebble-")
			from = "container " + from
		}
		if heard[from] {
			continue
		}
		heard[from] = true
		about := e.NoticeKey + e.CheckName
		all = append(all, &choice{unit: u, event: e, about: about, done: func() {
			i := slices.IndexFunc(u.inbox, func(o modeltest.Event) bool {
				return o.Name == e.Name && o.Action == e.Action && o.ActionID == e.ActionID && o.NoticeID == e.NoticeID && o.CheckName == e.CheckName
			})
			if i >= 0 {
				u.inbox = slices.Delete(slices.Clone(u.inbox), i, i+1)
			}
		}})
	}
	return all
}

// containersUp are the containers that may come up; pebble-ready follows.
func (u *Unit) containersUp() []*choice {
	var all []*choice
	for i, c := range u.state.Containers {
		if u.up[c.Name] || slices.Contains(u.broken, c.Name) {
			continue
		}
		all = append(all, &choice{unit: u, about: c.Name + " comes up", world: func() {
			started := *c
			yes := true
			started.CanConnect = &yes
			u.state.Containers = slices.Clone(u.state.Containers)
			u.state.Containers[i] = &started
			u.up[c.Name] = true
			u.inbox = append(u.inbox, modeltest.Event{Name: c.Name + "-pebble-ready"})
		}})
	}
	return all
}

// storages are those to be attached or detached, in any order.
func (u *Unit) storages(kind string, attached bool) []*choice {
	var all []*choice
	for _, s := range u.state.Juju.Storages {
		id := storageID(s)
		if u.attached[id] != attached {
			continue
		}
		index := s.Index
		all = append(all, &choice{
			unit: u, event: modeltest.Event{Name: s.Name + "-storage-" + kind, StorageIndex: &index}, about: id,
			begin: func() { u.attached[id] = true },
			done: func() {
				if kind == "detaching" {
					u.state.Juju.Storages = slices.DeleteFunc(slices.Clone(u.state.Juju.Storages), func(o *modeltest.Storage) bool { return storageID(o) == id })
				}
			},
		})
	}
	return all
}

func storageID(s *modeltest.Storage) string { return s.Name + "/" + strconv.Itoa(s.Index) }

func (u *Unit) addStorage(name string, count int) {
	next := 0
	for _, s := range u.state.Juju.Storages {
		if s.Name == name {
			next = max(next, s.Index+1)
		}
	}
	for i := range count {
		u.state.Juju.Storages = append(u.state.Juju.Storages, &modeltest.Storage{Name: name, Index: next + i})
	}
}

// last are the hooks of a unit that is removed.
func (u *Unit) last() []*choice {
	if !u.installed {
		return []*choice{{unit: u, about: "is gone", world: u.gone}}
	}
	if storages := u.storages("detaching", true); len(storages) > 0 {
		return storages
	}
	var all []*choice
	for _, r := range u.App.model.relations {
		if r.of(u.App) != nil {
			if c := r.next(u); c != nil {
				all = append(all, c)
			}
		}
	}
	switch {
	case len(all) > 0:
		return all
	case u.started && !u.stopped:
		return []*choice{u.hook("stop", func() { u.stopped = true })}
	}
	return []*choice{u.hook("remove", u.gone)}
}

// gone takes the unit out of the model, with its secrets.
func (u *Unit) gone() {
	m := u.App.model
	for _, r := range slices.Clone(m.relations) {
		if r.of(u.App) != nil {
			r.leave(u)
		}
	}
	m.secrets = slices.DeleteFunc(m.secrets, func(s *secret) bool { return s.unit == u })
	for _, s := range m.secrets {
		delete(s.consumers, u.Name())
	}
	u.App.Units = slices.DeleteFunc(slices.Clone(u.App.Units), func(v *Unit) bool { return v == u })
	if u.App.leader == u {
		u.App.leader = nil
	}
}
