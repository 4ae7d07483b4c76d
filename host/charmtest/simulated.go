package charmtest

import (
	"errors"
	"fmt"
	"reflect"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host/simulate/fleet"
)

// This file defines what is in a simulated model: applications, units,
// relations and actions.

// A simApp is an application.
type simApp struct {
	sim *simulation
	a   *fleet.App
}

var simAppTable = builtins.NewTable("SimApp", "An application of a simulation.",
	builtins.Member[*simApp]{Name: "name", Sig: "str", Doc: "Its name.",
		Get: func(v *simApp) (starlark.Value, error) { return starlark.String(v.a.Name), nil }},
	builtins.Member[*simApp]{Name: "units", Sig: "list[SimUnit]", Doc: "Its units, those that are gone left out.",
		Get: func(v *simApp) (starlark.Value, error) {
			var all []starlark.Value
			for _, u := range v.a.Units {
				all = append(all, &simUnit{v.sim, u})
			}
			return starlark.NewList(all), nil
		}},
	builtins.Member[*simApp]{Name: "leader", Sig: "SimUnit", Doc: "Its leader; None while there is none.",
		Get: func(v *simApp) (starlark.Value, error) {
			if u := v.a.Leader(); u != nil {
				return &simUnit{v.sim, u}, nil
			}
			return starlark.None, nil
		}},
	builtins.Member[*simApp]{Name: "status", Sig: "status", Doc: "The application's status, as the leader set it.",
		Get: func(v *simApp) (starlark.Value, error) { return statusValue(v.a.Status()), nil }},
)

func (v *simApp) String() string                           { return "<SimApp " + v.a.Name + ">" }
func (v *simApp) Type() string                             { return simAppTable.Type() }
func (v *simApp) Freeze()                                  {}
func (v *simApp) Truth() starlark.Bool                     { return true }
func (v *simApp) Hash() (uint32, error)                    { return 0, errors.New("unhashable: SimApp") }
func (v *simApp) Attr(name string) (starlark.Value, error) { return simAppTable.Attr(v, name) }
func (v *simApp) AttrNames() []string                      { return simAppTable.AttrNames(v) }

// A simUnit is a unit.
type simUnit struct {
	sim *simulation
	u   *fleet.Unit
}

var simUnitTable = builtins.NewTable("SimUnit", "A unit of a simulation.",
	builtins.Member[*simUnit]{Name: "name", Sig: "str", Doc: "Its name, \"web/0\".",
		Get: func(v *simUnit) (starlark.Value, error) { return starlark.String(v.u.Name()), nil }},
	builtins.Member[*simUnit]{Name: "app", Sig: "SimApp", Doc: "Its application.",
		Get: func(v *simUnit) (starlark.Value, error) { return &simApp{v.sim, v.u.App}, nil }},
	builtins.Member[*simUnit]{Name: "leader", Sig: "bool", Doc: "Whether it leads its application.",
		Get: func(v *simUnit) (starlark.Value, error) { return starlark.Bool(v.u.Leader()), nil }},
	builtins.Member[*simUnit]{Name: "status", Sig: "status", Doc: "Its status. Its name is \"error\" while a hook that failed is to be run again.",
		Get: func(v *simUnit) (starlark.Value, error) { return statusValue(v.u.Status()), nil }},
	builtins.Member[*simUnit]{Name: "state", Sig: "State", Doc: "The world as its charm would find it now.",
		Get: func(v *simUnit) (starlark.Value, error) { return of(stateKind, v.u.State()), nil }},
	builtins.Member[*simUnit]{Name: "outcome", Sig: "Outcome", Doc: "What its last hook did; None before the first.",
		Get: func(v *simUnit) (starlark.Value, error) {
			if out := v.sim.outcomes[v.u.Name()]; out != nil {
				return out, nil
			}
			return starlark.None, nil
		}},
)

func (v *simUnit) String() string                           { return "<SimUnit " + v.u.Name() + ">" }
func (v *simUnit) Type() string                             { return simUnitTable.Type() }
func (v *simUnit) Freeze()                                  {}
func (v *simUnit) Truth() starlark.Bool                     { return true }
func (v *simUnit) Hash() (uint32, error)                    { return 0, errors.New("unhashable: SimUnit") }
func (v *simUnit) Attr(name string) (starlark.Value, error) { return simUnitTable.Attr(v, name) }
func (v *simUnit) AttrNames() []string                      { return simUnitTable.AttrNames(v) }

// A simRelation is a relation.
type simRelation struct{ r *fleet.Relation }

var simRelationTable = builtins.NewTable("SimRelation", "A relation of a simulation.",
	builtins.Member[*simRelation]{Name: "id", Sig: "int", Doc: "Its id.",
		Get: func(v *simRelation) (starlark.Value, error) { return starlark.MakeInt(v.r.ID), nil }},
	builtins.Member[*simRelation]{Name: "bags", Sig: "dict[str, dict[str, str]]", Doc: "All databags, by the name of the application or unit that writes them.",
		Get: func(v *simRelation) (starlark.Value, error) { return toStarlark(reflect.ValueOf(v.r.Bags())) }},
)

func (v *simRelation) String() string        { return fmt.Sprintf("<SimRelation %d>", v.r.ID) }
func (v *simRelation) Type() string          { return simRelationTable.Type() }
func (v *simRelation) Freeze()               {}
func (v *simRelation) Truth() starlark.Bool  { return true }
func (v *simRelation) Hash() (uint32, error) { return 0, errors.New("unhashable: SimRelation") }
func (v *simRelation) Attr(name string) (starlark.Value, error) {
	return simRelationTable.Attr(v, name)
}
func (v *simRelation) AttrNames() []string { return simRelationTable.AttrNames(v) }

// A simAction is an action that was asked for.
type simAction struct {
	sim *simulation
	id  string
}

var simActionTable = builtins.NewTable("SimAction", "An action that was asked for.",
	builtins.Member[*simAction]{Name: "id", Sig: "str", Doc: "Its id.",
		Get: func(v *simAction) (starlark.Value, error) { return starlark.String(v.id), nil }},
	builtins.Member[*simAction]{Name: "outcome", Sig: "Outcome", Doc: "What came of it; None before it was run.",
		Get: func(v *simAction) (starlark.Value, error) {
			if out := v.sim.acted[v.id]; out != nil {
				return out, nil
			}
			return starlark.None, nil
		}},
)

func (v *simAction) String() string                           { return "<SimAction " + v.id + ">" }
func (v *simAction) Type() string                             { return simActionTable.Type() }
func (v *simAction) Freeze()                                  {}
func (v *simAction) Truth() starlark.Bool                     { return true }
func (v *simAction) Hash() (uint32, error)                    { return 0, errors.New("unhashable: SimAction") }
func (v *simAction) Attr(name string) (starlark.Value, error) { return simActionTable.Attr(v, name) }
func (v *simAction) AttrNames() []string                      { return simActionTable.AttrNames(v) }
