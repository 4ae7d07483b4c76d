package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/juju/charm/v12/hooks"
	"github.com/juju/clock"
	jujuerrors "github.com/juju/errors"
	"github.com/juju/loggo"
	"github.com/juju/names/v5"
	semversion "github.com/juju/version/v2"

	"github.com/juju/juju/api/agent/secretsmanager"
	"github.com/juju/juju/api/agent/uniter"
	coresecrets "github.com/juju/juju/core/secrets"
	"github.com/juju/juju/secrets"
	"github.com/juju/juju/secrets/provider"
	"github.com/juju/juju/secrets/provider/juju"
	jujuversion "github.com/juju/juju/version"
	"github.com/juju/juju/worker/uniter/runner"
	"github.com/juju/juju/worker/uniter/runner/context"
	"github.com/juju/juju/worker/uniter/runner/jujuc"
)

// Agent is the unit agent: Juju's context factory and runners over a Controller.
type Agent struct {
	dir     string // the agent's own, short enough for sockets
	program string // Juju's jujuc
	version semversion.Number
	log     *unitLog
	loggers *loggo.Context

	controller *Controller
	state      *uniter.State
	paths      paths
	factory    context.ContextFactory
	actions    int
}

// newAgent makes the directory of tools: a link to the jujuc program for each of Juju's hook tools.
func newAgent(dir, program string) (*Agent, error) {
	tools := filepath.Join(dir, "tools")
	if err := os.Mkdir(tools, 0o755); err != nil {
		return nil, err
	}
	for _, name := range jujuc.CommandNames() {
		if err := os.Symlink(program, filepath.Join(tools, name)); err != nil {
			return nil, err
		}
	}
	a := &Agent{dir: dir, program: program, version: jujuversion.Current, log: new(unitLog)}
	a.loggers = loggo.NewContext(loggo.TRACE)
	if err := a.loggers.AddWriter("unit", a.log); err != nil {
		return nil, err
	}
	provider.Register(juju.NewProvider())
	// The jujuc server logs to the default context.
	if _, err := loggo.ReplaceDefaultWriter(a.log); err != nil {
		return nil, err
	}
	loggo.GetLogger("jujuc").SetLogLevel(loggo.TRACE)
	return a, nil
}

// setWorld starts afresh with a world.
func (a *Agent) setWorld(raw json.RawMessage) error {
	world := new(World)
	if err := decodeStrictly(raw, world); err != nil {
		return fmt.Errorf("cannot read the world: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(a.dir, "charm")); err != nil {
		return err
	}
	if err := a.install(world, nil); err != nil {
		return err
	}
	controller, err := newController(world, a.paths.charm)
	if err != nil {
		return err
	}
	a.controller = controller
	return a.newFactory()
}

// change applies a merge patch to the world; when it names another charm, that is an upgrade.
func (a *Agent) change(patch json.RawMessage) error {
	c := a.controller
	c.mu.Lock()
	defer c.mu.Unlock()
	before, err := c.world.clone()
	if err != nil {
		return err
	}
	if err := c.world.patch(patch); err != nil {
		return fmt.Errorf("cannot change the world: %w", err)
	}
	if c.world.Unit != before.Unit {
		*c.world = *before
		return errors.New("cannot change the unit: set up another world")
	}
	if err := a.install(c.world, before.CharmFiles); err != nil {
		return err
	}
	return c.readCharm(a.paths.charm)
}

// install puts the charm and the version of Juju in place that the world names. Of an inline charm it removes what only the
// version before had, and leaves alone what the charm itself wrote.
func (a *Agent) install(world *World, before map[string]string) error {
	jujuversion.Current = a.version
	if world.JujuVersion != "" {
		parsed, err := semversion.Parse(world.JujuVersion)
		if err != nil {
			return err
		}
		jujuversion.Current = parsed
	}
	a.paths = paths{base: a.dir, tools: filepath.Join(a.dir, "tools"), charm: world.CharmDir}
	if world.CharmDir != "" {
		return nil
	}
	a.paths.charm = filepath.Join(a.dir, "charm")
	for name := range before {
		if _, kept := world.CharmFiles[name]; !kept {
			if err := os.Remove(filepath.Join(a.paths.charm, name)); err != nil {
				return err
			}
		}
	}
	return writeCharm(a.paths.charm, world.CharmFiles)
}

// newFactory wires Juju's context factory to the controller as the uniter's manifold does.
func (a *Agent) newFactory() error {
	c := a.controller
	a.state = uniter.NewState(c, c.tag)
	unit, err := a.state.Unit(c.tag)
	if err != nil {
		return err
	}
	resources, err := uniter.NewResourcesFacadeClient(c, c.tag)
	if err != nil {
		return err
	}
	secretsClient := secretsmanager.NewClient(c)
	a.factory, err = context.NewContextFactory(context.FactoryConfig{
		State:                a.state,
		SecretsClient:        secretsClient,
		SecretsBackendGetter: func() (secrets.BackendsClient, error) { return secrets.NewClient(secretsClient) },
		Unit:                 unit,
		Resources:            resources,
		Payloads:             uniter.NewPayloadFacadeClient(c),
		Tracker:              tracker{c},
		GetRelationInfos:     a.relationInfos,
		Paths:                a.paths,
		Clock:                clock.WallClock,
		Logger:               a.loggers.GetLogger("juju.worker.uniter.context"),
	})
	return err
}

// relationInfos is the snapshot of memberships that each hook context starts with.
func (a *Agent) relationInfos() map[int]*context.RelationInfo {
	logger := a.loggers.GetLogger("juju.worker.uniter.relation")
	infos := map[int]*context.RelationInfo{}
	for id, members := range a.controller.memberships() {
		rel, err := a.state.RelationById(id)
		if err != nil {
			logger.Errorf("relation %d: %v", id, err)
			continue
		}
		unit, err := rel.Unit(a.controller.tag)
		if err != nil {
			logger.Errorf("relation %d: %v", id, err)
			continue
		}
		infos[id] = &context.RelationInfo{RelationUnit: &context.RelationUnitShim{RelationUnit: unit}, MemberNames: members}
	}
	return infos
}

// memberships lists the relations' members, by id.
func (c *Controller) memberships() map[int][]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	members := map[int][]string{}
	for id, rel := range c.world.Relations {
		if number, err := strconv.Atoi(id); err == nil {
			members[number] = slices.Clone(rel.Members)
		}
	}
	return members
}

// Outcome is how a hook or an action ended.
type Outcome struct {
	Error   string     `json:"error,omitempty"`   // Juju's, when the hook failed or its changes were refused
	Exit    int        `json:"exit"`              // the dispatch's exit code; -1 when it did not run or died of a signal
	Handler string     `json:"handler,omitempty"` // dispatch, explicit (hooks/*) or invalid
	Flushed bool       `json:"flushed"`           // Juju accepted what the hook changed
	Commits int        `json:"commits"`           // accepted requests to commit; none is made when nothing changed
	Logs    []LogLine  `json:"logs,omitempty"`    // juju-log, and the dispatch's output as Juju logs it
	Calls   []ToolCall `json:"calls,omitempty"`
	Env     []string   `json:"env,omitempty"`
}

// openHook opens the context of a hook.
func (a *Agent) openHook(h Hook, env []string) (*hookContext, error) {
	info := h.info()
	if err := info.Validate(); err != nil {
		return nil, err
	}
	if h.Restricted {
		restricted, err := newRestrictedContext(h.Kind, a.controller, a.loggers.GetLogger("juju.worker.metrics"))
		return &hookContext{Context: restricted, name: h.Kind, extra: env}, err
	}
	full, err := a.factory.HookContext(info)
	if err != nil {
		return nil, err
	}
	ctx := &hookContext{Context: full, name: hookName(full), extra: env}
	return ctx, ctx.Prepare()
}

// openAction queues an action and opens its context. The runner is Juju's, which checks the parameters.
func (a *Agent) openAction(name string, params map[string]any, env []string) (ctx *hookContext, r runner.Runner, id string, err error) {
	a.actions++
	id = strconv.Itoa(a.actions)
	a.controller.queue(id, name, params)
	action, err := a.state.Action(names.NewActionTag(id))
	if err != nil {
		return nil, nil, id, err
	}
	wrap := func(full context.Context, p context.Paths, remote runner.ExecFunc) runner.Runner {
		ctx = &hookContext{Context: full, name: name, extra: env}
		return runner.NewRunner(ctx, p, remote)
	}
	factory, err := runner.NewFactory(a.paths, a.factory, wrap, nil)
	if err != nil {
		return nil, nil, id, err
	}
	if r, err = factory.NewActionRunner(action, nil); err != nil {
		return nil, nil, id, err
	}
	return ctx, r, id, ctx.Prepare()
}

// runHook runs the charm's dispatch for a hook.
func (a *Agent) runHook(h Hook, env []string) (Outcome, error) {
	ctx, err := a.openHook(h, env)
	if err != nil {
		return Outcome{}, err
	}
	r := runner.NewRunner(ctx, a.paths, nil)
	outcome := a.run(ctx, "hooks/", r.RunHook)
	if ctx.flushed && h.Kind == string(hooks.SecretRotate) {
		return outcome, a.reportRotation(ctx, h.SecretURI)
	}
	return outcome, nil
}

// reportRotation tells the controller that a secret-rotate hook is done, as the uniter does when it commits the hook.
func (a *Agent) reportRotation(ctx *hookContext, uri string) error {
	owned, err := ctx.SecretMetadata()
	if err != nil {
		return err
	}
	parsed, err := coresecrets.ParseURI(uri)
	if err != nil {
		return err
	}
	return secretsmanager.NewClient(a.controller).SecretRotated(uri, owned[parsed.ID].LatestRevision)
}

// runAction runs the charm's dispatch for an action.
func (a *Agent) runAction(name string, params map[string]any, env []string) (Outcome, string, error) {
	ctx, r, id, err := a.openAction(name, params, env)
	if err != nil {
		return Outcome{}, id, err
	}
	return a.run(ctx, "actions/", r.RunAction), id, nil
}

func (a *Agent) run(ctx *hookContext, directory string, dispatch func(name string) (runner.HookHandlerType, error)) Outcome {
	a.log.drain()
	before := a.controller.commits
	handler, err := dispatch(ctx.name)
	outcome := Outcome{
		Handler: string(handler), Flushed: ctx.flushed, Exit: exitCode(err),
		Commits: a.controller.commits - before, Env: append(ctx.env, "JUJU_DISPATCH_PATH="+directory+ctx.name),
	}
	if err != nil {
		outcome.Error = err.Error()
	}
	outcome.Logs, outcome.Calls = a.log.drain()
	return outcome
}

// hookName is the name that the context gave the hook, such as db-relation-changed.
func hookName(ctx context.Context) string {
	vars, err := ctx.HookVars(paths{}, false, context.NewHostEnvironmenter())
	if err != nil {
		return ""
	}
	for _, v := range vars {
		if name, ok := strings.CutPrefix(v, "JUJU_HOOK_NAME="); ok {
			return name
		}
	}
	return ""
}

// queue notes an action that an operator asked for.
func (c *Controller) queue(id, name string, params map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.world.Actions == nil {
		c.world.Actions = map[string]*Action{}
	}
	c.world.Actions[id] = &Action{Name: name, Params: params, Status: "pending"}
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) || errors.As(jujuerrors.Cause(err), &exit) {
		return exit.ExitCode()
	}
	return -1
}

// environment is a request's variables in the form of os.Environ.
func environment(vars map[string]string) []string {
	env := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, name+"="+vars[name])
	}
	return env
}
