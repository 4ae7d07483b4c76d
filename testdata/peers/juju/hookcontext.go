package main

import (
	"errors"

	"github.com/juju/juju/worker/uniter/runner/context"
)

// hookContext is Juju's hook context, watched: it adds variables to the dispatch's environment and notes what the runner did.
type hookContext struct {
	context.Context
	name  string // the hook's, such as db-relation-changed, or the action's
	extra []string

	env     []string // what HookVars gave, with extra
	flushed bool     // the hook succeeded and its changes were accepted
}

// HookVars implements context.Context.
func (c *hookContext) HookVars(paths context.Paths, remote bool, env context.Environmenter) ([]string, error) {
	vars, err := c.Context.HookVars(paths, remote, env)
	c.env = append(vars, c.extra...)
	return c.env, err
}

// Flush implements context.Context.
func (c *hookContext) Flush(badge string, failure error) error {
	err := c.Context.Flush(badge, failure)
	c.flushed = failure == nil && (err == nil || errors.Is(err, context.ErrReboot))
	return err
}
