package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Request is one line of input.
type Request struct {
	Op     string            `json:"op"`               // world, change, hook, action or tools
	World  json.RawMessage   `json:"world,omitempty"`  // world: all of it; change: a merge patch
	Hook   *Hook             `json:"hook,omitempty"`   // hook, tools
	Action string            `json:"action,omitempty"` // action; tools, to call them in an action's context
	Params map[string]any    `json:"params,omitempty"`
	Env    map[string]string `json:"env,omitempty"` // what the dispatch gets besides Juju's
	Calls  []Call            `json:"calls,omitempty"`
	Fail   bool              `json:"fail,omitempty"` // tools: end the hook as a failure
}

// Answer is one line of output. Error says why the request could not be done; how a hook itself ended is in Outcome.
type Answer struct {
	Error   string       `json:"error,omitempty"`
	Outcome *Outcome     `json:"outcome,omitempty"`
	Action  string       `json:"action,omitempty"` // the action's id, a key of world.actions
	Results []CallResult `json:"results,omitempty"`
	World   *World       `json:"world,omitempty"`
}

func (a *Agent) answer(line []byte) Answer {
	var request Request
	if err := decodeStrictly(line, &request); err != nil {
		return Answer{Error: fmt.Sprintf("cannot read the request: %v", err)}
	}
	answer, err := a.do(request)
	if err != nil {
		answer.Error = err.Error()
	}
	if a.controller != nil {
		answer.World = a.controller.world
	}
	return answer
}

func (a *Agent) do(request Request) (Answer, error) {
	if request.Op == "world" {
		return Answer{}, a.setWorld(request.World)
	}
	if a.controller == nil {
		return Answer{}, errors.New("no world was set up")
	}
	env := environment(request.Env)
	switch request.Op {
	case "change":
		return Answer{}, a.change(request.World)
	case "hook":
		if request.Hook == nil {
			return Answer{}, errors.New("no hook was named")
		}
		outcome, err := a.runHook(*request.Hook, env)
		return Answer{Outcome: &outcome}, err
	case "action":
		outcome, id, err := a.runAction(request.Action, request.Params, env)
		return Answer{Outcome: &outcome, Action: id}, err
	case "tools":
		ctx, id, err := a.open(request, env)
		if err != nil {
			return Answer{Action: id}, err
		}
		outcome, results, err := a.runTools(ctx, request.Calls, request.Fail)
		return Answer{Outcome: &outcome, Action: id, Results: results}, err
	}
	return Answer{}, fmt.Errorf("unknown op %q", request.Op)
}

// open opens the context of the request's action or hook.
func (a *Agent) open(request Request, env []string) (*hookContext, string, error) {
	if request.Action != "" {
		ctx, _, id, err := a.openAction(request.Action, request.Params, env)
		return ctx, id, err
	}
	if request.Hook == nil {
		return nil, "", errors.New("no hook and no action was named")
	}
	ctx, err := a.openHook(*request.Hook, env)
	return ctx, "", err
}
