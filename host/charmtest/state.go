package charmtest

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file has what one asks a State and a Container for.

var stateTable = builtins.NewTable("State", "What one can ask a State for.", append(lookups(func(c *component) *simulate.State { return c.ptr().(*simulate.State) }),
	builtins.Member[*component]{Name: "advance", Sig: "(duration: time.duration) -> State", Doc: "The same, so much later: now is moved. No event comes of it; run those that the time brings, such as ctx.on.secret_rotate.",
		Call: func(c *component, in builtins.Invocation) (starlark.Value, error) {
			var by startime.Duration
			if err := in.Unpack("duration", &by); err != nil {
				return nil, err
			}
			if by < 0 {
				return nil, fmt.Errorf("%s: duration is %s; time goes on", in.Name(), by)
			}
			next := c.copied()
			s := next.ptr().(*simulate.State)
			if s.Machine.Now.IsZero() {
				s.Machine.Now = machinetest.Epoch()
			}
			s.Machine.Now = s.Machine.Now.Add(time.Duration(by))
			return next, nil
		}})...)

// lookups are the methods that find a part of a state.
func lookups[T any](state func(T) *simulate.State) []builtins.Member[T] {
	return []builtins.Member[T]{
		{Name: "container", Sig: "(name: str) -> Container", Doc: "The container of that name. None is an error.",
			Call: func(self T, in builtins.Invocation) (starlark.Value, error) {
				var name string
				if err := in.Unpack("name", &name); err != nil {
					return nil, err
				}
				return find(in, name, state(self).Containers, containerKind)
			}},
		{Name: "relation", Sig: "(which: str | int | Relation) -> Relation", Doc: "The relation of an endpoint, of an id, or with the id of another state's. None, and several of the endpoint, are errors.",
			Call: func(self T, in builtins.Invocation) (starlark.Value, error) {
				var which starlark.Value
				if err := in.Unpack("which", &which); err != nil {
					return nil, err
				}
				return findRelation(in, state(self), which)
			}},
		{Name: "secret", Sig: "(*, id: str = None, label: str = None) -> Secret", Doc: "The secret of that id or label. None is an error.",
			Call: func(self T, in builtins.Invocation) (starlark.Value, error) {
				var id, label string
				if err := in.Unpack(builtins.ByName, nil, "id??", &id, "label??", &label); err != nil {
					return nil, err
				}
				if id == "" && label == "" {
					return nil, fmt.Errorf("%s: want an id or a label", in.Name())
				}
				var known []string
				for _, s := range state(self).Juju.Secrets {
					if (id == "" || s.ID == id) && (label == "" || s.Label == label) {
						return of(secretKind, s), nil
					}
					known = append(known, fmt.Sprintf("%s (label %q)", s.ID, s.Label))
				}
				return nil, fmt.Errorf("%s: there is no such secret%s", in.Name(), nearest("", known))
			}},
		{Name: "storage", Sig: "(name: str, *, index: int = 0) -> Storage", Doc: "The storage instance. None is an error.",
			Call: func(self T, in builtins.Invocation) (starlark.Value, error) {
				var name string
				var index int
				if err := in.Unpack("name", &name, builtins.ByName, nil, "index?", &index); err != nil {
					return nil, err
				}
				return find(in, fmt.Sprintf("%s/%d", name, index), state(self).Juju.Storages, storageKind)
			}},
		{Name: "network", Sig: "(binding_name: str) -> Network", Doc: "The network of a binding, if the State describes it. None is an error.",
			Call: func(self T, in builtins.Invocation) (starlark.Value, error) {
				var name string
				if err := in.Unpack("binding_name", &name); err != nil {
					return nil, err
				}
				return find(in, name, state(self).Juju.Networks, networkKind)
			}},
	}
}

// find is the element of a list that has that identity.
func find[T any](in builtins.Invocation, identity string, list []*T, k *kind) (starlark.Value, error) {
	var known []string
	for _, elem := range list {
		name := k.identity(elem)
		if name == identity {
			return of(k, elem), nil
		}
		known = append(known, name)
	}
	return nil, fmt.Errorf("%s: the state has no %s %q%s", in.Name(), k.name, identity, nearest(identity, known))
}

func findRelation(in builtins.Invocation, s *simulate.State, which starlark.Value) (starlark.Value, error) {
	var fits func(r *modeltest.Relation) bool
	switch which := which.(type) {
	case starlark.String:
		fits = func(r *modeltest.Relation) bool { return r.Endpoint == string(which) }
	case starlark.Int:
		id, _ := starlark.AsInt32(which)
		fits = func(r *modeltest.Relation) bool { return r.ID == id }
	case *component:
		given, ok := which.ptr().(*modeltest.Relation)
		if !ok {
			return nil, fmt.Errorf("%s: got a %s, want a relation", in.Name(), which.Type())
		}
		fits = func(r *modeltest.Relation) bool {
			return r.ID == given.ID && r.Endpoint == given.Endpoint && (r.PeersData == nil) == (given.PeersData == nil)
		}
	default:
		return nil, fmt.Errorf("%s: got %s, want an endpoint, an id or a relation", in.Name(), which.Type())
	}
	var known []string
	var found []*modeltest.Relation
	for _, r := range s.Juju.Relations {
		known = append(known, fmt.Sprintf("%s:%d", r.Endpoint, r.ID))
		if fits(r) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%s: the state has no such relation: %v%s", in.Name(), which, nearest("", known))
	case 1:
		return toStarlark(reflect.ValueOf(found[0]))
	}
	return nil, fmt.Errorf("%s: the endpoint %s has %d relations: say which by its id", in.Name(), which, len(found))
}

var containerTable = builtins.NewTable("Container", "What follows from a container's fields.",
	builtins.Member[*component]{Name: "plan", Sig: "plan", Doc: "What the layers come to.",
		Get: func(c *component) (starlark.Value, error) {
			plan, err := pebble.CombineLayers(c.ptr().(*pebbletest.State).Layers)
			if err != nil {
				return nil, err
			}
			return builtins.NewPlan(plan)
		}},
	builtins.Member[*component]{Name: "services", Sig: "dict[str, service_info]", Doc: "The states of the plan's services by name. One that service_statuses does not have is inactive.",
		Get: func(c *component) (starlark.Value, error) { return servicesOf(c.ptr().(*pebbletest.State)) }},
	builtins.Member[*component]{Name: "check_info", Sig: "(name: str) -> CheckInfo", Doc: "The state of a check. None is an error.",
		Call: func(c *component, in builtins.Invocation) (starlark.Value, error) {
			var name string
			if err := in.Unpack("name", &name); err != nil {
				return nil, err
			}
			return find(in, name, c.ptr().(*pebbletest.State).CheckInfos, checkInfoKind)
		}},
)

// servicesOf are the services of a container's plan.
func servicesOf(c *pebbletest.State) (starlark.Value, error) {
	plan, err := pebble.CombineLayers(c.Layers)
	if err != nil {
		return nil, err
	}
	dict := starlark.NewDict(len(plan.Services))
	for _, name := range slices.Sorted(maps.Keys(plan.Services)) {
		info := builtins.NewServiceInfo(&pebble.ServiceInfo{
			Name:    name,
			Startup: cmp.Or(plan.Services[name].Startup, pebble.StartupDisabled),
			Current: cmp.Or(c.ServiceStatuses[name], pebble.ServiceInactive),
		})
		if err := dict.SetKey(starlark.String(name), info); err != nil {
			return nil, err
		}
	}
	dict.Freeze()
	return dict, nil
}

// Merge is the state after a run as its reader wants it: what the run did not
// change is as it was given, and not as the simulation completed it.
func Merge(given, before, after *simulate.State) *simulate.State {
	result := *after
	unchanged(reflect.ValueOf(given).Elem(), reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem(), reflect.ValueOf(&result).Elem())
	result.Juju.Relations = mergedList(given.Juju.Relations, before.Juju.Relations, result.Juju.Relations, relationKind)
	result.Juju.Secrets = mergedList(given.Juju.Secrets, before.Juju.Secrets, result.Juju.Secrets, secretKind)
	result.Juju.Storages = mergedList(given.Juju.Storages, before.Juju.Storages, result.Juju.Storages, storageKind)
	result.Containers = mergedList(given.Containers, before.Containers, result.Containers, containerKind)
	// A container that the State did not have is there, but cannot be reached.
	result.Containers = slices.DeleteFunc(slices.Clone(result.Containers), func(c *pebbletest.State) bool {
		return !slices.ContainsFunc(given.Containers, func(g *pebbletest.State) bool { return g.Name == c.Name })
	})
	return &result
}

// unchanged sets the fields of result that are equal before and after to what
// was given.
func unchanged(given, before, after, result reflect.Value) {
	for i := range given.NumField() {
		switch f := given.Type().Field(i); {
		case f.Tag.Get("yaml") == ",inline":
			unchanged(given.Field(i), before.Field(i), after.Field(i), result.Field(i))
		case equal(before.Field(i), after.Field(i)):
			result.Field(i).Set(given.Field(i))
		}
	}
}

// mergedList is the same for the elements of a list, which have an identity.
func mergedList[T any](given, before, after []*T, k *kind) []*T {
	byIdentity := func(list []*T) map[string]*T {
		m := make(map[string]*T, len(list))
		for _, elem := range list {
			m[k.identity(elem)] = elem
		}
		return m
	}
	was, is := byIdentity(given), byIdentity(before)
	result := make([]*T, len(after))
	for i, elem := range after {
		result[i] = elem
		id := k.identity(elem)
		if was[id] != nil && is[id] != nil && equal(reflect.ValueOf(is[id]), reflect.ValueOf(elem)) {
			result[i] = was[id]
		}
	}
	return result
}

// loadState is testing.load_state.
func loadState(s *session, in builtins.Invocation) (starlark.Value, error) {
	var name string
	if err := in.Unpack("path", &name); err != nil {
		return nil, err
	}
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("%s: %q is no path from the charm's directory, such as tests/state.yaml", in.Name(), name)
	}
	f, err := s.suite.charm.Files().Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("the charm's directory has no file %s", name)
		}
		return nil, fmt.Errorf("%s: %w", in.Name(), err)
	}
	defer f.Close()
	state, err := simulate.ReadState(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", in.Name(), name, err)
	}
	for _, r := range state.Juju.Relations {
		if r != nil {
			s.knowRelation(r)
		}
	}
	return of(stateKind, state), nil
}
