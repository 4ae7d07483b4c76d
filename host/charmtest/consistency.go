package charmtest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file checks whether an event fits its State, and tells of all the rules
// that a run breaks.

// allowing reads the parameter allow of ctx.run.
func allowing(allow starlark.Value) (*consistency.Checker, error) {
	if allow == starlark.None {
		return &consistency.Checker{}, nil
	}
	var ids []string
	if err := fromStarlark("allow", allow, reflect.ValueOf(&ids).Elem()); err != nil {
		return nil, fmt.Errorf("ctx.run: %w", err)
	}
	found, err := consistency.Allowing(ids)
	if err != nil {
		return nil, fmt.Errorf("ctx.run: allow: %w", err)
	}
	return found, nil
}

// inconsistent is the failure of a run that cannot be.
func inconsistent(name string, found consistency.Violations) *failure {
	f := &failure{message: name + ": " + found[0].Rule.ID + ": " + found[0].What}
	if len(found) > 1 {
		f.message = name + ": no unit of this charm can be in such a State:"
	}
	var cures, ids []string
	for _, v := range found {
		if len(found) > 1 {
			f.message += "\n  " + v.Rule.ID + ": " + v.What
		}
		if id := strconv.Quote(v.Rule.ID); !slices.Contains(ids, id) {
			ids, cures = append(ids, id), append(cures, v.Rule.Cure)
		}
	}
	if len(cures) > 1 {
		for i := range cures {
			cures[i] = strings.Trim(ids[i], `"`) + ": " + cures[i]
		}
	}
	f.cure = fmt.Sprintf("%s Or let it pass: %s(…, allow = [%s])", strings.Join(cures, " "), name, strings.Join(ids, ", "))
	if name != "ctx.run" {
		f.cure = strings.Join(cures, " ")
	}
	return f
}

// check says what the event and the State do not agree about.
func (e *event) check(s *simulate.State, found *consistency.Checker) {
	if e.kind == model.LeaderElected && !s.Juju.Leader {
		found.Fail("SC068", "leader_elected is run, and the unit does not lead: leader is False")
	}
	if e.about == nil {
		return
	}
	is := e.inState(s)
	switch {
	case is == nil:
		found.Fail("SC060", "%s is about %s, which the State does not have", e.name, e.about)
		return
	case !is.equal(e.about):
		found.Fail("SC061", "%s is made of %s, and in the State it is %s", e.name, e.about, is)
	}
	switch v := is.ptr().(type) {
	case *modeltest.Relation:
		e.checkRelation(v, found)
	case *modeltest.Secret:
		if n := e.run.SecretRevision; n != 0 && (n < 0 || n > latestRevision(v)) {
			found.Fail("SC070", "%s is about revision %d, and the newest of %s is %d", e.name, n, v.ID, latestRevision(v))
		}
	case *pebbletest.State:
		e.checkContainer(s, v, found)
	}
}

// inState is what the event is about as the State has it; nil if it has not.
func (e *event) inState(s *simulate.State) *component {
	switch v := e.about.ptr().(type) {
	case *modeltest.Relation:
		return partOf(e.about.kind, s.Juju.Relations, func(r *modeltest.Relation) bool {
			return r.ID == v.ID && r.Endpoint == v.Endpoint && (r.PeersData == nil) == (v.PeersData == nil)
		})
	case *modeltest.Storage:
		return partOf(storageKind, s.Juju.Storages, func(o *modeltest.Storage) bool { return o.Name == v.Name && o.Index == v.Index })
	case *modeltest.Secret:
		return partOf(secretKind, s.Juju.Secrets, func(o *modeltest.Secret) bool { return o.ID == v.ID })
	case *pebbletest.State:
		return partOf(containerKind, s.Containers, func(o *pebbletest.State) bool { return o.Name == v.Name })
	}
	return nil
}

// with is the state with what the event is about, which it lacks only if that
// is allowed.
func (e *event) with(s *simulate.State) *simulate.State {
	if e.about == nil || e.inState(s) != nil {
		return s
	}
	next := *s
	switch v := e.about.ptr().(type) {
	case *modeltest.Relation:
		next.Juju.Relations = append(slices.Clone(s.Juju.Relations), v)
	case *modeltest.Storage:
		next.Juju.Storages = append(slices.Clone(s.Juju.Storages), v)
	case *modeltest.Secret:
		next.Juju.Secrets = append(slices.Clone(s.Juju.Secrets), v)
	case *pebbletest.State:
		next.Containers = append(slices.Clone(s.Containers), v)
	}
	return &next
}

func partOf[T any](k *kind, list []*T, fits func(*T) bool) *component {
	if i := slices.IndexFunc(list, fits); i >= 0 {
		return of(k, list[i])
	}
	return nil
}

// latestRevision is the number of a secret's newest revision.
func latestRevision(s *modeltest.Secret) int {
	latest := max(s.LatestRevision, s.TrackedRevision, 1)
	if s.LatestRevision == 0 && s.LatestContent != nil && !reflect.DeepEqual(s.LatestContent, s.TrackedContent) {
		latest++
	}
	return max(latest, slices.Max(append([]int{0}, s.RemovedRevisions...)))
}

func (e *event) checkRelation(r *modeltest.Relation, found *consistency.Checker) {
	units := otherUnits(r)
	if e.oneOf > 1 {
		found.Fail("SC066", "%s does not say which of %d remote units it is about: it is %d", e.name, e.oneOf, *e.run.RemoteUnit)
	}
	if d := e.run.DepartingUnit; d != nil {
		_, other := units[*d]
		own := r.PeersData != nil && *d == e.ctx.unitID
		if !other && !own {
			found.Fail("SC067", "%s: unit %d departs, and it is none of the relation's", e.name, *d)
		}
	}
	if e.kind == model.RelationCreated {
		for n, bag := range units {
			for key := range bag {
				if _, ok := usualBag()[key]; !ok {
					found.Fail("SC071", "%s: remote unit %d has already written %q", e.name, n, key)
				}
			}
		}
	}
}

// otherUnits are the databags of the other units of a relation.
func otherUnits(r *modeltest.Relation) map[int]map[string]string {
	if r.PeersData != nil {
		return r.PeersData
	}
	return r.RemoteUnitsData
}

func (e *event) checkContainer(s *simulate.State, c *pebbletest.State, found *consistency.Checker) {
	if !c.Reachable() {
		found.Fail("SC064", "%s is about the container %q, which cannot be connected to", e.name, c.Name)
	}
	if kind := s.Juju.Model.Type; kind != "" && !s.Juju.Model.Kubernetes() {
		found.Fail("SC073", "%s is an event of a container, and the model is one of type %s", e.name, kind)
	}
	switch e.kind {
	case model.PebbleCustomNotice:
		if !slices.ContainsFunc(c.Notices, func(n *pebbletest.Notice) bool { return n.ID == e.run.NoticeID }) {
			found.Fail("SC062", "%s is about the notice %q (id %s), which the container %q does not have", e.name, e.run.NoticeKey, e.run.NoticeID, c.Name)
		}
	case model.PebbleCheckFailed, model.PebbleCheckRecovered:
		want := pebble.CheckUp
		if e.kind == model.PebbleCheckFailed {
			want = pebble.CheckDown
		}
		i := slices.IndexFunc(c.CheckInfos, func(info *pebbletest.CheckInfo) bool { return info.Name == e.run.CheckName })
		if i < 0 {
			found.Fail("SC063", "%s is about the check %q, which is not in check_infos of the container %q", e.name, e.run.CheckName, c.Name)
		} else if is := c.CheckInfos[i].Status; is != want {
			found.Fail("SC065", "%s is about the check %q, which is %s", e.name, e.run.CheckName, is)
		}
	}
}

// told are the notes of a run, which a test shows once each.
func (s *session) told(notes consistency.Violations) []string {
	lines := make([]string, len(notes))
	for i, v := range notes {
		lines[i] = v.Rule.ID + ": " + v.What
		if !slices.Contains(s.notes, lines[i]) {
			s.notes = append(s.notes, lines[i])
		}
	}
	return lines
}

// stateOf is the State among the arguments of ctx.run or ctx.call.
func stateOf(name string, v starlark.Value) (*simulate.State, error) {
	switch v := v.(type) {
	case *component:
		if s, ok := v.ptr().(*simulate.State); ok {
			return s, nil
		}
	case *outcome:
		return nil, fmt.Errorf("%s: got an Outcome, want a State: its state, out.state", name)
	case *event:
		return nil, errors.New(name + ": got an event where the State goes: " + name + "(event, state)")
	}
	return nil, fmt.Errorf("%s: got %s, want a State: testing.State(…)", name, v.Type())
}
