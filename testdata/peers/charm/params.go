package main

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/juju/charm/v12"
	later "github.com/juju/juju/domain/deployment/charm"
)

// A given is what a user gives to an action.
type given struct {
	Actions string         `json:"actions"` // actions.yaml
	Action  string         `json:"action"`
	Params  map[string]any `json:"params"`
}

// An outcome is what the action gets, or why it does not run.
type outcome struct {
	Params map[string]any `json:"params"`
	Error  string         `json:"error,omitempty"`
}

// queued is what becomes of a given in each Juju.
type queued struct {
	Juju36 outcome `json:"juju-3.6"`
	Juju41 outcome `json:"juju-4.1"`
}

// A spec is of an action, in either version of Juju.
type spec interface {
	ValidateParams(map[string]any) error
	InsertDefaults(map[string]any) (map[string]any, error)
}

func queue(in *json.Decoder, out *json.Encoder) error {
	for {
		var g given
		if err := in.Decode(&g); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		now, err := charm.ReadActionsYaml("web", strings.NewReader(g.Actions))
		if err != nil {
			return err
		}
		then, err := later.ReadActionsYaml("web", strings.NewReader(g.Actions))
		if err != nil {
			return err
		}
		now36, then41 := now.ActionSpecs[g.Action], then.ActionSpecs[g.Action]
		var q queued
		q.Juju36 = fill(&now36, g.Params)
		if q.Juju36.Error == "" {
			// The unit checks again what the controller has filled in.
			if err := now36.ValidateParams(q.Juju36.Params); err != nil {
				q.Juju36.Error = err.Error()
			}
		}
		q.Juju41 = fill(&then41, g.Params)
		if err := out.Encode(q); err != nil {
			return err
		}
	}
}

func fill(s spec, params map[string]any) outcome {
	if err := s.ValidateParams(params); err != nil {
		return outcome{Error: err.Error()}
	}
	filled, err := s.InsertDefaults(clone(params).(map[string]any))
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return outcome{Params: filled}
}

// clone copies what defaults could be written into.
func clone(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	c := map[string]any{}
	for k, v := range object {
		c[k] = clone(v)
	}
	return c
}
