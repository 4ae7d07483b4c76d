package fleet

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// Options say how a model behaves.
type Options struct {
	// Seed chooses what happens next; nil: always the first possibility, in
	// the order of applications, units and Juju's own preference.
	Seed *uint64
	// Order are labels of choices that come first, each as soon as it can.
	Order []string
	// Strict looks after each hook for what a charm must never do.
	Strict bool
	// Retry runs a hook that fails again, as Juju does, up to maxRetries times
	// one after the other. Otherwise the failure ends Step.
	Retry bool
	// Limit is after how many events Settle gives up.
	Limit int
	// Run runs a hook; nil: as it is.
	Run func(context.Context, *simulate.Hook) (*simulate.Outcome, error)
}

// A Model is a simulated Juju model.
type Model struct {
	options   Options
	random    *rand.Rand
	order     []string // that are still to come
	taken     []string
	now       time.Time
	apps      []*App
	relations []*Relation
	secrets   []*secret
	// How many of each were made.
	relationIDs, secretIDs, userSecrets, addresses, actionIDs int
}

// epoch is when models begin: the default of the simulated machine's clock.
func epoch() time.Time { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) }

// New returns a model without applications.
func New(o Options) *Model {
	if o.Run == nil {
		o.Run = func(ctx context.Context, h *simulate.Hook) (*simulate.Outcome, error) { return h.Run(ctx) }
	}
	m := &Model{options: o, order: slices.Clone(o.Order), now: epoch()}
	if o.Seed != nil {
		m.random = rand.New(rand.NewPCG(*o.Seed, 0))
	}
	return m
}

// Taken are the labels of the choices so far.
func (m *Model) Taken() []string { return slices.Clone(m.taken) }

// Now is the model's time.
func (m *Model) Now() time.Time { return m.now }

// An App is an application.
type App struct {
	Name  string
	Charm *host.Charm
	Units []*Unit // those that are not gone

	model   *Model
	initial *simulate.State
	config  map[string]any
	// version counts changes of config.
	version int
	// leader is nil while there is none.
	leader   *Unit
	status   modeltest.Status
	settings map[string]string // of leader-set
	numbers  int
}

// Deployment says what is deployed.
type Deployment struct {
	Name  string
	Charm *host.Charm
	Units int
	// State is what each unit begins with: containers, resources, routes and so
	// on. Its relations, secrets and leadership are the model's.
	State *simulate.State
}

// maxUnits is how many units can be deployed at once.
const maxUnits = 100

// Deploy adds an application.
func (m *Model) Deploy(d Deployment) (*App, error) {
	for _, other := range m.apps {
		if other.Name == d.Name {
			return nil, fmt.Errorf("cannot deploy %s: there is an application of that name already", d.Name)
		}
	}
	if d.Units < 0 || d.Units > maxUnits {
		return nil, fmt.Errorf("cannot deploy %s: units is %d, want from 0 to %d", d.Name, d.Units, maxUnits)
	}
	if d.Charm.Metadata.Subordinate {
		return nil, fmt.Errorf("cannot deploy %s: its charm is a subordinate, and the model has no units beside others", d.Name)
	}
	a := &App{Name: d.Name, Charm: d.Charm, model: m, initial: d.State, config: maps.Clone(d.State.Juju.Config), version: 1}
	if err := a.check(d.Charm, a.config); err != nil {
		return nil, fmt.Errorf("cannot deploy %s: %w", d.Name, err)
	}
	m.apps = append(m.apps, a)
	for _, name := range slices.Sorted(maps.Keys(d.Charm.Metadata.Peers)) {
		m.relate(a, name, a, name)
	}
	for range d.Units {
		a.AddUnit()
	}
	return a, nil
}

// check says whether a unit of the charm can begin with the initial state and
// that configuration.
func (a *App) check(charm *host.Charm, config map[string]any) error {
	s := a.initial.Juju.Clone()
	s.AppName, s.Config, s.Relations, s.Secrets = a.Name, config, nil, nil
	_, err := modeltest.New(charm.Metadata, s)
	return err
}

// AddUnit adds a unit.
func (a *App) AddUnit() *Unit {
	m := a.model
	u := &Unit{App: a, Number: a.numbers, memberships: map[int]*membership{}, up: map[string]bool{}, attached: map[string]bool{}}
	a.numbers++
	m.addresses++
	u.address = fmt.Sprintf("10.1.%d.%d", m.addresses/250, m.addresses%250+1)
	s := *a.initial
	u.state = &s
	u.state.Juju = *a.initial.Juju.Clone()
	u.state.Containers = nil
	for _, name := range slices.Sorted(maps.Keys(a.Charm.Metadata.Containers)) {
		u.state.Containers = append(u.state.Containers, a.container(name))
	}
	if len(u.state.Juju.Storages) == 0 {
		for _, name := range slices.Sorted(maps.Keys(a.Charm.Metadata.Storages)) {
			count := 1
			if multiple := a.Charm.Metadata.Storages[name].Multiple; multiple != nil {
				count = multiple.Min
			}
			u.addStorage(name, count)
		}
	}
	a.Units = append(a.Units, u)
	return u
}

// container is a container as a pod begins with it: down.
func (a *App) container(name string) *pebbletest.State {
	c := pebbletest.State{Name: name}
	for _, given := range a.initial.Containers {
		if given.Name == name {
			c = *given
		}
	}
	c.CanConnect = new(bool)
	return &c
}

// SetConfig changes options; one that is nil has its default again.
func (a *App) SetConfig(values map[string]any) error {
	config := maps.Clone(a.config)
	if config == nil {
		config = map[string]any{}
	}
	for name, value := range values {
		if value == nil {
			if a.Charm.Metadata.Options[name] == nil {
				config[name] = value // which check refuses
				continue
			}
			delete(config, name)
			continue
		}
		config[name] = value
	}
	if err := a.check(a.Charm, config); err != nil {
		return fmt.Errorf("cannot configure %s: %w", a.Name, err)
	}
	if !maps.EqualFunc(config, a.config, func(x, y any) bool { return fmt.Sprintf("%T%v", x, x) == fmt.Sprintf("%T%v", y, y) }) {
		a.config = config
		a.version++
	}
	return nil
}

// Refresh gives the application another charm.
func (a *App) Refresh(charm *host.Charm) error {
	if err := a.check(charm, a.config); err != nil {
		return fmt.Errorf("cannot refresh %s: %w", a.Name, err)
	}
	for _, r := range a.model.relations {
		for _, end := range r.ends {
			if end.app == a && charm.Metadata.Relations[end.endpoint] == nil {
				return fmt.Errorf("cannot refresh %s: the new charm has no endpoint %q, of which there is a relation", a.Name, end.endpoint)
			}
		}
	}
	a.Charm = charm
	for name := range charm.Metadata.Peers {
		if !slices.ContainsFunc(a.model.relations, func(r *Relation) bool { return r.of(a) != nil && r.of(a).endpoint == name }) {
			a.model.relate(a, name, a, name)
		}
	}
	for _, u := range a.Units {
		u.upgrade = u.installed
	}
	return nil
}

// FailLeader takes the leadership from its unit. Another unit is elected later,
// or the same one if it is alone.
func (a *App) FailLeader() error {
	if a.leader == nil {
		return fmt.Errorf("%s has no leader: let the model settle before", a.Name)
	}
	a.leader.lostLeadership = true
	a.leader.toldLeader = false
	a.leader = nil
	return nil
}

// Leader is the application's leader, or nil.
func (a *App) Leader() *Unit { return a.leader }

// Status is the application's status.
func (a *App) Status() modeltest.Status { return a.status }

// Remove removes a unit: its agent runs its last hooks.
func (u *Unit) Remove() { u.dying = true }

// Act asks for an action and returns its id.
func (u *Unit) Act(name string, params map[string]any) (string, error) {
	if u.App.Charm.Metadata.Actions[name] == nil {
		return "", fmt.Errorf("cannot run the action %s on %s: the charm has none of that name", name, u.Name())
	}
	u.App.model.actionIDs++
	id := fmt.Sprint(u.App.model.actionIDs)
	u.inbox = append(u.inbox, modeltest.Event{Name: name, Action: true, Params: params, ActionID: id})
	return id, nil
}

// containerOf is the unit's container.
func (u *Unit) containerOf(name string) (*pebbletest.State, error) {
	for i, c := range u.state.Containers {
		if c.Name == name {
			copied := *c
			u.state.Containers[i] = &copied
			return &copied, nil
		}
	}
	return nil, fmt.Errorf("%s has no container %q", u.Name(), name)
}

// Break stops a container, which loses what was in it. It stays down until
// Start.
func (u *Unit) Break(container string) error {
	c, err := u.containerOf(container)
	if err != nil {
		return err
	}
	*c = *u.App.container(container)
	u.up[container] = false
	u.broken = append(u.broken, container)
	u.inbox = slices.DeleteFunc(u.inbox, func(e modeltest.Event) bool { return e.Name == container+"-pebble-ready" })
	return nil
}

// Start lets a container's Pebble come up, anew if it is up.
func (u *Unit) Start(container string) error {
	if _, err := u.containerOf(container); err != nil {
		return err
	}
	if err := u.Break(container); err != nil {
		return err
	}
	u.broken = slices.DeleteFunc(u.broken, func(name string) bool { return name == container })
	return nil
}

// Notify records a custom notice in a container.
func (u *Unit) Notify(container, key string, data map[string]string) error {
	c, err := u.containerOf(container)
	if err != nil {
		return err
	}
	if !c.Reachable() {
		return fmt.Errorf("cannot notify %s of %s: it is down", container, u.Name())
	}
	c.Notices = slices.Clone(c.Notices)
	n := &pebbletest.Notice{Key: key, Type: "custom", FirstOccurred: u.App.model.now}
	id := 1
	for i, other := range c.Notices {
		id++
		if other.Key == key && other.Type == "custom" {
			copied := *other
			n = &copied
			c.Notices = slices.Delete(c.Notices, i, i+1)
			break
		}
	}
	if n.ID == "" {
		for ; slices.ContainsFunc(c.Notices, func(o *pebbletest.Notice) bool { return o.ID == fmt.Sprint(id) }); id++ {
		}
		n.ID = fmt.Sprint(id)
	}
	n.Occurrences++
	n.LastOccurred, n.LastRepeated, n.LastData = u.App.model.now, u.App.model.now, data
	c.Notices = append(c.Notices, n)
	u.inbox = append(u.inbox, modeltest.Event{Name: container + "-pebble-custom-notice", NoticeID: n.ID, NoticeType: "custom", NoticeKey: key})
	return nil
}

// Check lets a check of a container fail or recover.
func (u *Unit) Check(container, check string, up bool) error {
	c, err := u.containerOf(container)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.CheckInfos, func(info *pebbletest.CheckInfo) bool { return info.Name == check })
	if i < 0 {
		return fmt.Errorf("the container %s of %s has no check %q", container, u.Name(), check)
	}
	info := *c.CheckInfos[i]
	c.CheckInfos = slices.Clone(c.CheckInfos)
	c.CheckInfos[i] = &info
	name := "-pebble-check-recovered"
	info.Status, info.Failures = "up", 0
	if !up {
		name = "-pebble-check-failed"
		info.Status, info.Failures = "down", max(info.Threshold, 1)
	}
	u.inbox = append(u.inbox, modeltest.Event{Name: container + name, CheckName: check})
	return nil
}

// statusInterval is how often Juju asks a charm for its status.
const statusInterval = 5 * time.Minute

// Advance lets time pass: secrets rotate and expire, and units are asked for
// their status.
func (m *Model) Advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("cannot advance by %s: time goes on only", d)
	}
	before := m.now
	m.now = m.now.Add(d)
	if m.now.Sub(epoch())/statusInterval == before.Sub(epoch())/statusInterval {
		return nil
	}
	for _, a := range m.apps {
		for _, u := range a.Units {
			u.askStatus = u.started
		}
	}
	for _, s := range m.secrets {
		s.toldExpired = nil // Juju tells of it again until the revision is gone
	}
	return nil
}

// State is the world of the unit as its charm would find it now.
func (u *Unit) State() *simulate.State { return u.App.model.world(u, nil) }

// Unit is the unit of that name, or nil.
func (m *Model) Unit(name string) *Unit {
	for _, a := range m.apps {
		for _, u := range a.Units {
			if u.Name() == name {
				return u
			}
		}
	}
	return nil
}

// App is the application of that name, or nil.
func (m *Model) App(name string) *App {
	for _, a := range m.apps {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Apps are the applications, in the order of their deployment.
func (m *Model) Apps() []*App { return slices.Clone(m.apps) }

// Settle runs events until none is left, and returns what the hooks did.
func (m *Model) Settle(ctx context.Context) ([]*simulate.Outcome, error) {
	var all []*simulate.Outcome
	for n := 0; ; n++ {
		if n >= m.options.Limit {
			return all, m.unsettled()
		}
		o, more, err := m.Step(ctx)
		if o != nil {
			all = append(all, o)
		}
		if err != nil {
			return all, err
		}
		if !more {
			break
		}
	}
	if m.options.Strict {
		return all, m.checkSettled(ctx)
	}
	return all, nil
}

// UnsettledError is about a model in which events go on and on.
type UnsettledError struct {
	Events int
	Last   []string
}

func (e *UnsettledError) Error() string {
	text := fmt.Sprintf("the model does not settle: there is more to do after %d events; do two charms answer each other for ever? The last were", e.Events)
	for _, label := range e.Last {
		text += "\n  " + label
	}
	return text
}

func (m *Model) unsettled() error {
	const shown = 8
	last := m.taken[max(0, len(m.taken)-shown):]
	return &UnsettledError{m.options.Limit, slices.Clone(last)}
}

// juju4 tells whether the unit's Juju is 4 or newer.
func (u *Unit) juju4() bool {
	version, err := model.ParseVersion(u.state.Juju.JujuVersion)
	return err == nil && version.Major >= 4
}
