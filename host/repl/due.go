package repl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
)

// A due is an event that Juju would send next.
type due struct {
	event modeltest.Event
	// after changes the world once the hook has run; nil: nothing.
	after func(*simulate.State)
}

// eventLabel is how an event is shown: "db-relation-joined db:1 1".
func eventLabel(e modeltest.Event) string {
	name := strings.ReplaceAll(e.Name, "_", "-")
	if e.Action {
		name += " action"
	}
	if e.RelationID != nil {
		endpoint, _, _ := strings.Cut(name, "-relation-")
		name += fmt.Sprintf(" %s:%d", endpoint, *e.RelationID)
	}
	if e.RemoteUnit != nil {
		name += fmt.Sprintf(" /%d", *e.RemoteUnit)
	}
	for _, subject := range []string{e.SecretID, e.NoticeKey, e.CheckName} {
		if subject != "" {
			name += " " + subject
		}
	}
	return name
}

// follow adds events that are due, unless they are already.
func (p *Simulated) follow(events ...due) {
	for _, d := range events {
		if !slices.ContainsFunc(p.due, func(o due) bool { return sameEvent(o.event, d.event) }) {
			p.due = append(p.due, d)
		}
	}
}

// sameEvent says whether two events are of one kind and about the same.
func sameEvent(a, b modeltest.Event) bool {
	return eventLabel(a) == eventLabel(b)
}

// take removes an event from those that are due, and returns it; nil if it is
// none of them.
func (p *Simulated) take(e modeltest.Event) *due {
	for i, d := range p.due {
		if sameEvent(d.event, e) {
			p.due = slices.Delete(slices.Clone(p.due), i, i+1)
			return &d
		}
	}
	return nil
}

// forget drops the events that are due and fit.
func (p *Simulated) forget(fits func(modeltest.Event) bool) {
	p.due = slices.DeleteFunc(slices.Clone(p.due), func(d due) bool { return fits(d.event) })
}

// relationEvent is one of a relation; unit is nil for none.
func relationEvent(r *modeltest.Relation, kind model.EventKind, unit *int) modeltest.Event {
	id := r.ID
	return modeltest.Event{
		Name:       r.Endpoint + "-" + strings.ReplaceAll(string(kind), "_", "-"),
		RelationID: &id, RemoteUnit: unit,
	}
}

// joinedEvents are the events of a unit that joins.
func joinedEvents(r *modeltest.Relation, unit int) []due {
	return []due{{event: relationEvent(r, model.RelationJoined, &unit)}, {event: relationEvent(r, model.RelationChanged, &unit)}}
}

// departed is the event of a unit that leaves, after which it is gone.
func departedEvent(r *modeltest.Relation, unit int) due {
	id := r.ID
	return due{relationEvent(r, model.RelationDeparted, &unit), func(s *simulate.State) {
		for i, r := range s.Juju.Relations {
			if r.ID == id {
				next := *r
				next.RemoteUnitsData, next.PeersData = without(r.RemoteUnitsData, unit), without(r.PeersData, unit)
				s.Juju.Relations[i] = &next
			}
		}
	}}
}

func without(units map[int]map[string]string, unit int) map[int]map[string]string {
	units = maps.Clone(units)
	delete(units, unit)
	return units
}

// brokenEvent is the event of a relation that is removed, after which it is gone.
func brokenEvent(r *modeltest.Relation) due {
	id := r.ID
	return due{relationEvent(r, model.RelationBroken, nil), func(s *simulate.State) {
		s.Juju.Relations = slices.DeleteFunc(slices.Clone(s.Juju.Relations), func(r *modeltest.Relation) bool { return r.ID == id })
	}}
}

// statusInterval is how often Juju asks a charm for its status.
const statusInterval = 5 * time.Minute

// timeEvents are the events of the time from then to now.
func timeEvents(s *simulate.State, then, now time.Time) []due {
	var events []due
	if now.Sub(then) >= statusInterval || now.Truncate(statusInterval).After(then) {
		events = append(events, due{event: modeltest.Event{Name: "update-status"}})
	}
	for _, secret := range s.Juju.Secrets {
		if secret.Owner == "" || secret.Owner == "app" && !s.Juju.Leader {
			continue
		}
		if t := secret.NextRotate; t != nil && t.After(then) && !t.After(now) {
			events = append(events, due{event: modeltest.Event{Name: "secret-rotate", SecretID: secret.ID}})
		}
		if t := secret.Expire; t != nil && t.After(then) && !t.After(now) {
			events = append(events, due{event: modeltest.Event{Name: "secret-expired", SecretID: secret.ID, SecretRevision: max(secret.LatestRevision, secret.TrackedRevision)}})
		}
	}
	return events
}
