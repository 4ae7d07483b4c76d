package main

import (
	"github.com/juju/errors"
	"github.com/juju/names/v5"

	"github.com/juju/juju/rpc/params"
)

// actionCalls answers what a running action reports.
func (c *Controller) actionCalls(calls map[string]facadeCall) {
	calls["Uniter.Actions"] = handle(func(args params.Entities) (params.ActionResults, error) {
		results := make([]params.ActionResult, len(args.Entities))
		for i, e := range args.Entities {
			action, err := c.action(e.Tag)
			if err != nil {
				results[i].Error = failed(err)
				continue
			}
			results[i].Action = &params.Action{Tag: e.Tag, Receiver: c.tag.String(), Name: action.Name, Parameters: action.Params}
			results[i].Status = action.Status
		}
		return params.ActionResults{Results: results}, nil
	})
	calls["Uniter.BeginActions"] = handle(func(args params.Entities) (params.ErrorResults, error) {
		return eachEntity(args.Entities, func(e params.Entity) error {
			action, err := c.action(e.Tag)
			if err != nil {
				return err
			}
			action.Status = params.ActionRunning
			return nil
		})
	})
	calls["Uniter.FinishActions"] = handle(func(args params.ActionExecutionResults) (params.ErrorResults, error) {
		return eachEntity(args.Results, func(r params.ActionExecutionResult) error {
			action, err := c.action(r.ActionTag)
			if err != nil {
				return err
			}
			action.Status, action.Message, action.Results = r.Status, r.Message, r.Results
			return nil
		})
	})
	calls["Uniter.LogActionsMessages"] = handle(func(args params.ActionMessageParams) (params.ErrorResults, error) {
		return eachEntity(args.Messages, func(m params.EntityString) error {
			action, err := c.action(m.Tag)
			if err != nil {
				return err
			}
			action.Log = append(action.Log, m.Value)
			return nil
		})
	})
}

func (c *Controller) action(tag string) (*Action, error) {
	actionTag, err := names.ParseActionTag(tag)
	if err != nil {
		return nil, err
	}
	action, ok := c.world.Actions[actionTag.Id()]
	if !ok {
		return nil, errors.NotFoundf("action %q", actionTag.Id())
	}
	return action, nil
}
