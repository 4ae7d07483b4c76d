package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
)

// maxRetries is how often a hook that fails is run again before the model gives
// up on it.
const maxRetries = 10

// A HookError is about a charm that failed.
type HookError struct {
	Outcome *simulate.Outcome
	// Tries is how often the hook was run.
	Tries int
}

func (e *HookError) Error() string {
	text := fmt.Sprintf("the charm failed in %s on %s", e.Outcome.Event, e.Outcome.Unit)
	if e.Tries > 1 {
		text += fmt.Sprintf(", %d times one after the other", e.Tries)
	}
	return fmt.Sprintf("%s: %v", text, e.Outcome.Err)
}

func (e *HookError) Unwrap() error { return e.Outcome.Err }

// world is the unit's world as a hook finds it. extra is a relation that is
// seen although its charm was not told of it yet.
func (m *Model) world(u *Unit, extra *int) *simulate.State {
	a := u.App
	s := *u.state
	s.Machine.Now = m.now
	s.Containers = slices.Clone(s.Containers)
	j := &s.Juju
	j.AppName, j.UnitID, j.Leader, j.Config = a.Name, u.Number, a.leader == u, maps.Clone(a.config)
	for name := range j.Config {
		if a.Charm.Metadata.Options[name] == nil {
			delete(j.Config, name) // of a charm before
		}
	}
	j.AppStatus, j.LeaderSettings = a.status, maps.Clone(a.settings)
	j.PrivateAddress, j.PublicAddress = u.address, u.address
	planned := 0
	for _, v := range a.Units {
		if !v.dying {
			planned++
		}
	}
	j.PlannedUnits = &planned
	j.Relations = nil
	for _, r := range m.relations {
		told := u.memberships[r.ID]
		if told == nil && extra != nil && *extra == r.ID {
			told = &membership{}
		}
		if r.of(a) != nil && told != nil {
			j.Relations = append(j.Relations, r.local(u, told))
		}
	}
	j.Secrets = m.secretsOf(u, j.Relations)
	j.Storages = slices.DeleteFunc(slices.Clone(j.Storages), func(s *modeltest.Storage) bool { return !u.attached[storageID(s)] })
	j.Networks = slices.Clone(j.Networks)
	for _, binding := range append(slices.Sorted(maps.Keys(a.Charm.Metadata.Relations)), a.Charm.Metadata.ExtraBindings...) {
		if !slices.ContainsFunc(j.Networks, func(n *modeltest.Network) bool { return n.Binding == binding }) {
			j.Networks = append(j.Networks, &modeltest.Network{
				Binding:          binding,
				BindAddresses:    []modeltest.BindAddress{{InterfaceName: "eth0", Addresses: []modeltest.Address{{Value: u.address}}}},
				IngressAddresses: []string{u.address}, EgressSubnets: []string{u.address + "/32"},
			})
		}
	}
	return &s
}

// run runs the hook of a choice and takes over what it did.
func (m *Model) run(ctx context.Context, c *choice) (*simulate.Outcome, error) {
	u := c.unit
	if c.begin != nil {
		c.begin()
	}
	before := m.world(u, c.event.RelationID)
	o, err := m.simulate(ctx, u, before, c.event)
	if err != nil {
		return nil, fmt.Errorf("cannot run %s: %w", c.label(), err)
	}
	m.take(u, o)
	again := o.Err != nil && !c.event.Action || o.Reboot == modeltest.RebootNow
	if !again {
		u.failed, u.failures = nil, 0
		if u.queued == c {
			u.queued = nil
		}
		if c.done != nil {
			c.done()
		}
	} else {
		u.failed = c
		u.failures++
	}
	if o.Err != nil && (!m.options.Retry || u.failures > maxRetries) {
		return o, &HookError{Outcome: o, Tries: max(1, u.failures)}
	}
	if m.options.Strict {
		return o, m.checkHook(u, o)
	}
	return o, nil
}

func (m *Model) simulate(ctx context.Context, u *Unit, world *simulate.State, event modeltest.Event) (*simulate.Outcome, error) {
	return m.options.Run(ctx, &simulate.Hook{Charm: u.App.Charm, State: world, Event: event, Secrets: m.secretIDs - len(world.Juju.Secrets)})
}

// take takes over the world that a hook left. What a failed one wrote is not in
// it.
func (m *Model) take(u *Unit, o *simulate.Outcome) {
	was, is := o.Before, o.State
	storages := u.state.Juju.Storages
	next := *is
	next.Juju.Relations, next.Juju.Secrets, next.Juju.Storages = nil, nil, storages
	next.Juju.Networks = u.state.Juju.Networks
	requests := maps.Clone(is.Juju.StorageRequests)
	next.Juju.StorageRequests = nil
	u.state = &next
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		u.addStorage(name, requests[name])
	}
	if is.Juju.Leader {
		u.App.status, u.App.settings = is.Juju.AppStatus, is.Juju.LeaderSettings
	}
	for _, r := range is.Juju.Relations {
		before := relationIn(was.Juju.Relations, r.ID)
		shared := m.relation(r.ID)
		if before == nil || shared == nil {
			continue
		}
		if b := shared.units[u.Name()]; b != nil && !maps.Equal(before.LocalUnitData, r.LocalUnitData) {
			b.content = maps.Clone(r.LocalUnitData)
			b.version++
		}
		if own := shared.of(u.App); !maps.Equal(before.LocalAppData, r.LocalAppData) {
			own.data.content = maps.Clone(r.LocalAppData)
			own.data.version++
			if told := u.memberships[r.ID]; told != nil && shared.peer() {
				told.app = own.data.version
			}
		}
	}
	for _, s := range o.Steps {
		if s.Via == "juju" && !s.Failed && strings.HasPrefix(s.What, "secret-add ") {
			m.secretIDs++
		}
	}
	m.takeSecrets(u, was.Juju.Secrets, is.Juju.Secrets, was.Juju.Relations)
}

func relationIn(list []*modeltest.Relation, id int) *modeltest.Relation {
	for _, r := range list {
		if r.ID == id {
			return r
		}
	}
	return nil
}

func (m *Model) relation(id int) *Relation {
	for _, r := range m.relations {
		if r.ID == id {
			return r
		}
	}
	return nil
}
