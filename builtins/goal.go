package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// goalState is what the model is to come to.
type goalState struct {
	handle
	g *model.GoalState
}

var goalStateTable = table[*goalState]{
	typ: "goal_state",
	doc: "What there shall be once Juju has done all that it was asked for.",
	members: []member[*goalState]{
		{name: "units", sig: "dict[str, goal]", doc: "The units of this application, by name.",
			get: func(s *goalState) (starlark.Value, error) { return goals(s.g.Units) }},
		{name: "relations", sig: "dict[str, dict[str, goal]]", doc: "By endpoint, the applications that it is or is to be related to and their units, by name. An endpoint without any is not there.",
			get: func(s *goalState) (starlark.Value, error) {
				dict := starlark.NewDict(len(s.g.Relations))
				for _, endpoint := range sortedNames(s.g.Relations) {
					remote, err := goals(s.g.Relations[endpoint])
					if err != nil {
						return nil, err
					}
					if err := dict.SetKey(starlark.String(endpoint), remote); err != nil {
						return nil, err
					}
				}
				dict.Freeze()
				return dict, nil
			}},
	},
}

func (s *goalState) String() string                           { return fmt.Sprintf("<goal_state of %d units>", len(s.g.Units)) }
func (s *goalState) Type() string                             { return "goal_state" }
func (s *goalState) Attr(name string) (starlark.Value, error) { return goalStateTable.attr(s, name) }
func (s *goalState) AttrNames() []string                      { return goalStateTable.attrNames(s) }

// goal is a unit or an application that there shall be.
type goal struct {
	handle
	g model.Goal
}

var goalTable = table[*goal]{
	typ: "goal",
	doc: "A unit or an application that there shall be.",
	members: []member[*goal]{
		{name: "status", sig: "str", doc: "Juju's word for how far it is: of a unit for instance \"waiting\", \"active\" or \"dying\", of an application \"joining\" or \"joined\".",
			get: func(g *goal) (starlark.Value, error) { return starlark.String(g.g.Status), nil }},
		{name: "since", sig: "time.time", doc: "Since when; None where Juju does not say.",
			get: func(g *goal) (starlark.Value, error) { return optionalTime(g.g.Since), nil }},
	},
}

func (g *goal) String() string                           { return "<goal " + g.g.Status + ">" }
func (g *goal) Type() string                             { return "goal" }
func (g *goal) Attr(name string) (starlark.Value, error) { return goalTable.attr(g, name) }
func (g *goal) AttrNames() []string                      { return goalTable.attrNames(g) }

func goals(all map[string]model.Goal) (*starlark.Dict, error) {
	dict := starlark.NewDict(len(all))
	for _, name := range sortedNames(all) {
		if err := dict.SetKey(starlark.String(name), &goal{g: all[name]}); err != nil {
			return nil, err
		}
	}
	dict.Freeze()
	return dict, nil
}
