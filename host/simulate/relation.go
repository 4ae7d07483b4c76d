package simulate

import (
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
)

// number gives ids to the relations of a state file that say none, if several
// would have the id 0: the lowest that are free, in their order. text is the
// file's.
func (s *State) number(text []byte) error {
	taken := map[int]bool{}
	zeros := 0
	for _, r := range s.Juju.Relations {
		if r != nil && r.ID == 0 {
			zeros++
		} else if r != nil {
			taken[r.ID] = true
		}
	}
	if zeros < 2 {
		return nil
	}
	var said struct {
		Relations []*struct {
			ID *int `yaml:"id"`
		} `yaml:"relations"`
	}
	if err := yaml.Unmarshal(text, &said); err != nil {
		return err
	}
	var unsaid []*modeltest.Relation
	for i, r := range said.Relations {
		switch {
		case r == nil:
		case r.ID == nil:
			unsaid = append(unsaid, s.Juju.Relations[i])
		case *r.ID == 0:
			taken[0] = true
		}
	}
	next := 0
	for _, r := range unsaid {
		for taken[next] {
			next++
		}
		r.ID = next
		next++
	}
	return nil
}

// relate adds the relation that a relation event is about, if the state has
// none of that endpoint, and chooses the remote unit of an event that needs
// one.
func (s *State) relate(meta *model.Metadata, e *modeltest.Event) {
	def, ok := meta.Event(strings.ReplaceAll(e.Name, "-", "_"))
	if !ok || e.Action || !def.Kind.Relation() {
		return
	}
	var found *modeltest.Relation
	next := 1
	for _, r := range s.Juju.Relations {
		next = max(next, r.ID+1)
		if r.Endpoint == def.Subject && (e.RelationID == nil || *e.RelationID == r.ID) {
			found = r
		}
	}
	peer := meta.Relations[def.Subject].Role == model.Peer
	if found == nil {
		if e.RelationID != nil {
			return
		}
		found = &modeltest.Relation{ID: next, Endpoint: def.Subject}
		if peer {
			found.PeersData = map[int]map[string]string{s.Juju.UnitID + 1: {}}
		} else {
			found.RemoteUnitsData = map[int]map[string]string{0: {}}
		}
		s.Juju.Relations = append(s.Juju.Relations, found)
	}
	units := found.RemoteUnitsData
	if peer {
		units = found.PeersData
	}
	switch def.Kind {
	case model.RelationJoined, model.RelationChanged, model.RelationDeparted:
		if e.RemoteUnit == nil && len(units) > 0 {
			first := slices.Min(slices.Collect(maps.Keys(units)))
			e.RemoteUnit = &first
		} else if e.RemoteUnit != nil && *e.RemoteUnit < 0 {
			e.RemoteUnit = nil // the application's own change
		}
	}
}
