package modeltest

import (
	"maps"
	"slices"
	"strconv"
)

func goalTools() []tool {
	return []tool{{name: "goal-state", prepare: func(h *Hook, c *invocation) (func([]string) error, func() error) {
		c.formattedAs("yaml", "json")
		return noMore, func() error { return c.print(h.juju.goalState()) }
	}}}
}

// goal is a unit or a relation that there shall be.
func goal(status string) object {
	return object{same("status", status), same("since", "2024-01-01 00:00:00Z")}
}

// goalState tells which units and relations there shall be: this unit and its
// peers, others up to the planned number, and what is related.
func (j *Juju) goalState() object {
	s := j.state
	numbers := map[int]bool{s.UnitID: true}
	relations := map[string]any{}
	for _, r := range s.Relations {
		others := j.others(r)
		if j.peer(r) {
			for number := range others {
				numbers[number] = true
			}
			continue
		}
		entities, ok := relations[r.Endpoint].(map[string]any)
		if !ok {
			entities = map[string]any{}
			relations[r.Endpoint] = entities
		}
		entities[r.RemoteApp] = goal("joined")
		for number := range others {
			entities[r.RemoteApp+"/"+strconv.Itoa(number)] = goal("active")
		}
	}
	units := map[string]any{}
	if s.PlannedUnits == nil || *s.PlannedUnits > 0 {
		units[s.unit()] = goal("active")
	}
	add := func(number int) {
		if s.PlannedUnits == nil || len(units) < *s.PlannedUnits {
			units[s.AppName+"/"+strconv.Itoa(number)] = goal("active")
		}
	}
	for _, number := range slices.Sorted(maps.Keys(numbers)) {
		add(number)
	}
	if s.PlannedUnits != nil {
		for number := 0; len(units) < *s.PlannedUnits; number++ {
			add(number)
		}
	}
	return object{same("units", units), same("relations", relations)}
}
