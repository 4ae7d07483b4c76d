package model

import (
	"errors"
	"time"
)

// GoalState is what the model is to come to: the application's units, and
// what each endpoint is to be related to.
type GoalState struct {
	Units map[string]Goal // by name: "web/0"
	// Relations are applications and their units by endpoint and name.
	Relations map[string]map[string]Goal
}

// Goal is a unit or an application that there shall be.
type Goal struct {
	Status string    // a unit's is "active", "waiting", "dying" and so on; an application's "joined", "joining", …
	Since  time.Time // since when; zero: not known
}

// GoalState returns what there shall be once Juju has done all that it was
// asked for. Juju is asked once.
func (m *Model) GoalState() (*GoalState, error) {
	if m.goal != nil {
		return m.goal, nil
	}
	answer, err := m.run("goal-state", nil, "--format=json")
	if err != nil {
		return nil, err
	}
	type goals map[string]struct {
		Status string `json:"status"`
		Since  string `json:"since"`
	}
	found, err := decode[struct {
		Units     goals            `json:"units"`
		Relations map[string]goals `json:"relations"`
	}]("goal-state", answer)
	if err == nil && found.Units == nil {
		err = nonsense("goal-state", errors.New("there are no units in it"))
	}
	if err != nil {
		return nil, err
	}
	read := func(goals goals) map[string]Goal {
		all := make(map[string]Goal, len(goals))
		for name, g := range goals {
			all[name] = Goal{Status: g.Status, Since: goalTime(g.Since)}
		}
		return all
	}
	goal := &GoalState{Units: read(found.Units), Relations: make(map[string]map[string]Goal, len(found.Relations))}
	for endpoint, goals := range found.Relations {
		goal.Relations[endpoint] = read(goals)
	}
	m.goal = goal
	return goal, nil
}

// goalTime reads a time as goal-state writes it, or as RFC 3339 has it. It is
// of no weight: what is neither is the zero time.
func goalTime(text string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05Z07:00", time.RFC3339Nano} {
		if since, err := time.Parse(layout, text); err == nil {
			return since
		}
	}
	return time.Time{}
}

// PlannedUnits returns how many units the application is meant to have: those
// that are dying do not count.
func (m *Model) PlannedUnits() (int, error) {
	goal, err := m.GoalState()
	if err != nil {
		return 0, err
	}
	planned := 0
	for _, unit := range goal.Units {
		if unit.Status != "dying" {
			planned++
		}
	}
	return planned, nil
}
