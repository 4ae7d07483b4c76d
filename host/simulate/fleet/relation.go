package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
)

// A Relation is one between two applications, or among the units of one.
type Relation struct {
	ID int

	model *Model
	ends  []*end // one for a peer relation
	dying bool
	units map[string]*bag // of the units that are in the relation's scope
	// left are the databags of units that were.
	left map[string]*bag
}

// An end is an application's side.
type end struct {
	app      *App
	endpoint string
	data     bag
}

// A bag is a databag; version counts its changes.
type bag struct {
	content map[string]string
	version int
}

// membership is what a unit's charm was told of a relation.
type membership struct {
	members map[string]int // the versions of units' databags
	app     int            // the version of the application's databag
	// pending is a unit that has joined, for which relation-changed follows.
	pending string
}

func (r *Relation) peer() bool { return len(r.ends) == 1 }

// of is the application's own end; nil: it is not in the relation.
func (r *Relation) of(a *App) *end {
	for _, e := range r.ends {
		if e.app == a {
			return e
		}
	}
	return nil
}

// remote is the other end; for a peer relation its only one.
func (r *Relation) remote(a *App) *end {
	for _, e := range r.ends {
		if e.app != a {
			return e
		}
	}
	return r.ends[0]
}

// key is the relation as the application's charm names it: "db:1".
func (r *Relation) key(a *App) string { return fmt.Sprintf("%s:%d", r.of(a).endpoint, r.ID) }

// Bags are the databags of applications and units, by their names.
func (r *Relation) Bags() map[string]map[string]string {
	bags := map[string]map[string]string{}
	for _, e := range r.ends {
		bags[e.app.Name] = copied(e.data.content)
	}
	for name, b := range r.units {
		bags[name] = copied(b.content)
	}
	return bags
}

func copied(content map[string]string) map[string]string {
	if content == nil {
		return map[string]string{}
	}
	return maps.Clone(content)
}

// relate adds a relation, which installed units enter at once.
func (m *Model) relate(a *App, endpoint string, b *App, other string) *Relation {
	r := &Relation{ID: m.relationIDs, model: m, ends: []*end{{app: a, endpoint: endpoint}}, units: map[string]*bag{}, left: map[string]*bag{}}
	m.relationIDs++
	if a != b {
		r.ends = append(r.ends, &end{app: b, endpoint: other})
	}
	m.relations = append(m.relations, r)
	for _, e := range r.ends {
		for _, u := range e.app.Units {
			r.enter(u)
		}
	}
	return r
}

// enter adds a unit that is installed to the scope: from now on the other side
// sees it. Juju puts its addresses into its databag.
func (r *Relation) enter(u *Unit) {
	if !u.installed || u.dying || r.dying || r.units[u.Name()] != nil {
		return
	}
	b := &bag{version: 1, content: map[string]string{
		"egress-subnets": u.address + "/32", "ingress-address": u.address, "private-address": u.address,
	}}
	if u.juju4() {
		delete(b.content, "private-address")
	}
	r.units[u.Name()] = b
}

// leave takes a unit out of the scope, and removes the relation after the last.
func (r *Relation) leave(u *Unit) {
	if b := r.units[u.Name()]; b != nil {
		r.left[u.Name()] = b
	}
	delete(r.units, u.Name())
	delete(u.memberships, r.ID)
	r.reap()
}

func (r *Relation) reap() {
	if !r.dying || len(r.units) > 0 {
		return
	}
	m := r.model
	m.relations = slices.DeleteFunc(m.relations, func(other *Relation) bool { return other == r })
	for _, s := range m.secrets {
		delete(s.grants, r.ID)
	}
}

// Integrate relates two applications. An endpoint that is "" is the only one
// that fits.
func (m *Model) Integrate(a *App, endpoint string, b *App, other string) (*Relation, error) {
	type pair struct{ a, b string }
	var fit []pair
	for _, x := range slices.Sorted(maps.Keys(a.Charm.Metadata.Relations)) {
		for _, y := range slices.Sorted(maps.Keys(b.Charm.Metadata.Relations)) {
			if (endpoint == "" || endpoint == x) && (other == "" || other == y) && complement(a.Charm.Metadata.Relations[x], b.Charm.Metadata.Relations[y]) {
				fit = append(fit, pair{x, y})
			}
		}
	}
	name := func(app *App, endpoint string) string {
		if endpoint == "" {
			return app.Name
		}
		return app.Name + ":" + endpoint
	}
	if a == b {
		return nil, fmt.Errorf("cannot integrate %s with itself: peer relations are there from the start", a.Name)
	}
	switch len(fit) {
	case 0:
		return nil, fmt.Errorf("cannot integrate %s and %s: no endpoint of the one requires an interface that one of the other provides", name(a, endpoint), name(b, other))
	case 1:
	default:
		text := ""
		for i, p := range fit {
			if i > 0 {
				text += ", "
			}
			text += a.Name + ":" + p.a + " " + b.Name + ":" + p.b
		}
		return nil, fmt.Errorf("cannot integrate %s and %s: several endpoints fit, say which: %s", name(a, endpoint), name(b, other), text)
	}
	for _, r := range m.relations {
		if x, y := r.of(a), r.of(b); x != nil && y != nil && !r.dying && x.endpoint == fit[0].a && y.endpoint == fit[0].b {
			return nil, fmt.Errorf("cannot integrate %s:%s and %s:%s: they are already", a.Name, fit[0].a, b.Name, fit[0].b)
		}
	}
	return m.relate(a, fit[0].a, b, fit[0].b), nil
}

func complement(a, b *model.RelationMeta) bool {
	return a.Interface == b.Interface && (a.Role == model.Provides && b.Role == model.Requires || a.Role == model.Requires && b.Role == model.Provides)
}

// Remove ends the relation: each unit is told that the others depart, and that
// it is broken.
func (r *Relation) Remove() {
	r.dying = true
	for _, e := range r.ends {
		for _, u := range e.app.Units {
			if r.units[u.Name()] != nil && u.memberships[r.ID] == nil {
				delete(r.units, u.Name()) // it was told nothing
			}
		}
	}
	r.reap()
}

// Find are the relations of two applications; an endpoint that is "" is any,
// and a relation of one application is its peer relation.
func (m *Model) Find(a *App, endpoint string, b *App, other string) []*Relation {
	var found []*Relation
	for _, r := range m.relations {
		x, y := r.of(a), r.of(b)
		if x != nil && y != nil && (a != b || r.peer()) && (endpoint == "" || x.endpoint == endpoint) && (other == "" || y.endpoint == other) {
			found = append(found, r)
		}
	}
	return found
}

// local is the relation as the unit's charm sees it.
func (r *Relation) local(u *Unit, told *membership) *modeltest.Relation {
	own, remote := r.of(u.App), r.remote(u.App)
	relation := &modeltest.Relation{
		ID: r.ID, Endpoint: own.endpoint,
		LocalAppData: copied(own.data.content), LocalUnitData: map[string]string{},
	}
	if b := r.units[u.Name()]; b != nil {
		relation.LocalUnitData = copied(b.content)
	}
	others := map[int]map[string]string{}
	for name := range told.members {
		b := r.units[name]
		if b == nil {
			b = r.left[name]
		}
		if b != nil {
			others[numberOf(name)] = copied(b.content)
		}
	}
	if r.peer() {
		relation.PeersData = others
		return relation
	}
	relation.RemoteApp, relation.RemoteEndpoint = remote.app.Name, remote.endpoint
	relation.RemoteAppData, relation.RemoteUnitsData = copied(remote.data.content), others
	return relation
}

// next is the hook of this relation that the unit's agent runs next, or nil:
// within one relation the order is fixed.
func (r *Relation) next(u *Unit) *choice {
	told := u.memberships[r.ID]
	own, remote := r.of(u.App), r.remote(u.App)
	event := func(kind string) modeltest.Event {
		id := r.ID
		return modeltest.Event{Name: own.endpoint + "-relation-" + kind, RelationID: &id}
	}
	of := func(kind, name string) *choice {
		e := event(kind)
		number := numberOf(name)
		e.RemoteUnit = &number
		return &choice{unit: u, event: e, about: r.key(u.App) + " " + name}
	}
	ending := r.dying || u.dying
	if told == nil {
		if ending || r.units[u.Name()] == nil {
			return nil
		}
		return &choice{unit: u, event: event("created"), about: r.key(u.App), done: func() {
			u.memberships[r.ID] = &membership{members: map[string]int{}}
		}}
	}
	// What has joined is told to have changed before anything else of it.
	if name := told.pending; name != "" {
		c := of("changed", name)
		version := told.members[name]
		if b := r.units[name]; b != nil {
			version = b.version
		}
		c.done = func() {
			told.pending = ""
			told.members[name] = version
		}
		return c
	}
	for _, name := range slices.Sorted(maps.Keys(told.members)) {
		if r.units[name] != nil && !ending {
			continue
		}
		c := of("departed", name)
		c.event.Departing = u.dying
		c.done = func() { delete(told.members, name) }
		return c
	}
	switch {
	case ending && !r.peer():
		return &choice{unit: u, event: event("broken"), about: r.key(u.App), done: func() { r.leave(u) }}
	case ending:
		return nil
	}
	// A leader is not told of its own application's databag among peers.
	if version := remote.data.version; told.app != version && !(r.peer() && u.App.leader == u) {
		return &choice{unit: u, event: event("changed"), about: r.key(u.App) + " " + remote.app.Name, done: func() { told.app = version }}
	}
	for _, v := range remote.app.Units {
		if b := r.units[v.Name()]; v != u && b != nil {
			if _, ok := told.members[v.Name()]; !ok {
				c := of("joined", v.Name())
				version := b.version
				c.begin = func() { told.members[v.Name()] = version }
				c.done = func() { told.pending = v.Name() }
				return c
			}
		}
	}
	for _, v := range remote.app.Units {
		if b := r.units[v.Name()]; v != u && b != nil && told.members[v.Name()] != b.version {
			c := of("changed", v.Name())
			version := b.version
			c.done = func() { told.members[v.Name()] = version }
			return c
		}
	}
	return nil
}

// numberOf is the number in a unit's name.
func numberOf(unit string) int {
	n, err := strconv.Atoi(unit[strings.LastIndexByte(unit, '/')+1:])
	if err != nil {
		panic(err) // names are made of numbers
	}
	return n
}
