package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/juju/loggo"

	"github.com/juju/juju/core/model"
	"github.com/juju/juju/worker/uniter/runner/context"
	"github.com/juju/juju/worker/uniter/runner/jujuc"
)

// restrictedContext is what the agent's metrics workers give to collect-metrics and meter-status-changed: Juju's restricted
// context, in which most tools are refused, and an environment of a few variables. There JUJU_UNIT_NAME is the unit's tag.
// The workers' own contexts are not exported, so the parts that they add are written here after them.
type restrictedContext struct {
	jujuc.RestrictedContext
	controller *Controller
	logger     loggo.Logger
	id         string
	meter      []string // the variables of meter-status-changed
	metrics    bool     // collect-metrics may add metrics
}

var _ context.Context = (*restrictedContext)(nil)

// newRestrictedContext is for the two kinds only.
func newRestrictedContext(kind string, c *Controller, logger loggo.Logger) (*restrictedContext, error) {
	ctx := &restrictedContext{controller: c, logger: logger}
	name := "meter-status"
	switch kind {
	case "collect-metrics":
		ctx.metrics, name = true, kind
	case "meter-status-changed":
		ctx.meter = []string{"JUJU_METER_STATUS=" + c.world.meterStatus(), "JUJU_METER_INFO=" + meterInfo}
	default:
		return nil, fmt.Errorf("%q is not run in a restricted context", kind)
	}
	ctx.id = fmt.Sprintf("%s-%s-%d", c.tag, name, rand.Int64())
	return ctx, nil
}

// HookVars implements context.Context.
func (ctx *restrictedContext) HookVars(paths context.Paths, remote bool, env context.Environmenter) ([]string, error) {
	socket := paths.GetJujucClientSocket(remote)
	vars := append([]string{
		"CHARM_DIR=" + paths.GetCharmDir(),
		"JUJU_CHARM_DIR=" + paths.GetCharmDir(),
		"JUJU_CONTEXT_ID=" + ctx.id,
		"JUJU_AGENT_SOCKET_ADDRESS=" + socket.Address,
		"JUJU_AGENT_SOCKET_NETWORK=" + socket.Network,
		"JUJU_UNIT_NAME=" + ctx.UnitName(),
	}, ctx.meter...)
	return append(vars, context.OSDependentEnvVars(paths, env)...), nil
}

// AddMetric implements jujuc.Context.
func (ctx *restrictedContext) AddMetric(key, value string, created time.Time) error {
	return ctx.AddMetricLabels(key, value, created, nil)
}

// AddMetricLabels implements jujuc.Context.
func (ctx *restrictedContext) AddMetricLabels(key, value string, _ time.Time, _ map[string]string) error {
	if !ctx.metrics {
		return jujuc.ErrRestrictedContext
	}
	c := ctx.controller
	c.mu.Lock()
	defer c.mu.Unlock()
	if declared := c.charm.Metrics(); declared == nil {
		return fmt.Errorf("metric %q not defined", key)
	} else if err := declared.ValidateMetric(key, value); err != nil {
		return err
	}
	if c.world.Metrics == nil {
		c.world.Metrics = map[string]string{}
	}
	c.world.Metrics[key] = value
	return nil
}

func (ctx *restrictedContext) Id() string                          { return ctx.id }
func (ctx *restrictedContext) UnitName() string                    { return ctx.controller.tag.String() }
func (ctx *restrictedContext) ModelType() model.ModelType          { return model.IAAS }
func (ctx *restrictedContext) SetProcess(context.HookProcess)      {}
func (ctx *restrictedContext) HasExecutionSetUnitStatus() bool     { return false }
func (ctx *restrictedContext) ResetExecutionSetUnitStatus()        {}
func (ctx *restrictedContext) Prepare() error                      { return jujuc.ErrRestrictedContext }
func (ctx *restrictedContext) Flush(_ string, failure error) error { return failure }

func (ctx *restrictedContext) ActionData() (*context.ActionData, error) {
	return nil, jujuc.ErrRestrictedContext
}

func (ctx *restrictedContext) GetLogger(module string) loggo.Logger {
	return ctx.logger.Root().Child(module)
}
