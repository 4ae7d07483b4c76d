package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
)

// ordered observes everything that runs in a hook and tells of it.
const ordered = `
-- charmcraft.yaml --
name: web
config:
  options: {fail-at: {type: string, default: nothing}}
actions: {tell: {}}
-- charm.star --
on = framework.on
stored = storedstate.define(count = 0)
fail_at = model.config["fail-at"]

def step(name):
    print(name)
    stored.count += 1
    if name == fail_at:
        fail("at " + name)

print("load")
if_loading = fail("at load") if fail_at == "load" else None

def on_start(event):
    step("deferred" if event.name == "start" and stored.count > 1 else "start")
    if fail_at == "nothing" and stored.count == 1:
        event.defer()

def on_event(event):
    step("event")
    model.unit.status = model.MaintenanceStatus("at once")

def reconcile(event):
    step("reconcile " + event.name)
    return model.WaitingStatus("reconciled")

def on_collect_app(event):
    step("collect app")
    event.add_status(model.ActiveStatus("app"))

def on_collect_unit(event):
    step("collect unit")
    event.add_status(model.ActiveStatus("unit"))

def on_pre_commit(event):
    step("pre_commit")

def on_commit(event):
    step("commit")

framework.observe(on.start, on_start)
framework.observe([on.update_status, on.stop, on.tell_action], on_event)
framework.reconcile(reconcile)
framework.observe(on.collect_unit_status, on_collect_unit)
framework.observe(on.collect_app_status, on_collect_app)
framework.observe(on.commit, on_commit)
framework.observe(on.pre_commit, on_pre_commit)
`

func TestOrderOfAHook(t *testing.T) {
	u := newUnit(t, ordered)
	assert.Equal(t, []string{"load", "start", "reconcile start", "collect app", "collect unit", "pre_commit", "commit"}, u.ok("start"))
	assert.Equal(t, []string{"start on_start"}, u.deferred())

	assert.Equal(t, []string{"load", "deferred", "event", "reconcile update_status", "collect app", "collect unit", "pre_commit", "commit"},
		u.ok("update-status"))
	assert.Empty(t, u.deferred())
	assert.Equal(t, modeltest.Status{Name: "waiting", Message: "reconciled"}, u.state.Juju.UnitStatus, "the worst of what was collected")
	assert.Equal(t, modeltest.Status{Name: "active", Message: "app"}, u.state.Juju.AppStatus)

	t.Run("without an application's status on a follower", func(t *testing.T) {
		u.state.Juju.Leader = false
		assert.Equal(t, []string{"load", "event", "reconcile update_status", "collect unit", "pre_commit", "commit"}, u.ok("update-status"))
	})
	t.Run("without reconcilers in an action and in stop", func(t *testing.T) {
		u.state.Juju.Leader = true
		steps := []string{"load", "event", "collect app", "collect unit", "pre_commit", "commit"}
		assert.Equal(t, steps, u.ok("tell-action"))
		assert.Equal(t, steps, u.ok("stop"))
		assert.Equal(t, "active", u.state.Juju.UnitStatus.Name)
	})
	t.Run("for an event that nobody observes", func(t *testing.T) {
		assert.Equal(t, []string{"load", "reconcile install", "collect app", "collect unit", "pre_commit", "commit"}, u.ok("install"))
	})
}

// TestFailureAtEachPoint: wherever a hook fails, nothing of it is kept but
// what takes effect at once, and nothing runs after it.
func TestFailureAtEachPoint(t *testing.T) {
	steps := []string{"load", "deferred", "event", "reconcile update_status", "collect app", "collect unit", "pre_commit", "commit"}
	for i, at := range steps {
		t.Run(at, func(t *testing.T) {
			u := newUnit(t, ordered)
			u.ok("start")
			before := u.state.StoredState
			u.state.Juju.Config = map[string]any{"fail-at": at}
			assert.Equal(t, append([]string{}, steps[:i+1]...), u.fails("update-status", "at "+at))
			assert.Equal(t, before, u.state.StoredState)
			assert.Equal(t, []string{"start on_start"}, u.deferred(), "the queue is as it was")
			status := "waiting" // of the hook before, or collected again
			if i >= 3 && i < 6 {
				status = "maintenance" // set by the handler
			}
			assert.Equal(t, status, u.state.Juju.UnitStatus.Name)
			assert.Equal(t, "active", u.state.Juju.AppStatus.Name)

			// The next hook goes through as if there had been none.
			u.state.Juju.Config = nil
			assert.Equal(t, steps, u.ok("update-status"))
		})
	}
}

func TestStatusThatAReconcilerReturns(t *testing.T) {
	charm := func(result string) string {
		return "-- charmcraft.yaml --\nname: web\n-- charm.star --\ndef reconcile(event):\n    return " + result + "\nframework.reconcile(reconcile)\n"
	}
	u := newUnit(t, charm("None"))
	u.ok("start")
	assert.Equal(t, "unknown", u.state.Juju.UnitStatus.Name)
	u = newUnit(t, charm(`[model.ActiveStatus("a"), None, model.BlockedStatus("b"), model.BlockedStatus("c")]`))
	u.ok("start")
	assert.Equal(t, modeltest.Status{Name: "blocked", Message: "b"}, u.state.Juju.UnitStatus)

	for result, message := range map[string]string{
		`"active"`:                    "charm.star:reconcile, a reconciler, returned a string; want None, a status such as model.ActiveStatus(), or a list of them",
		`[[model.ActiveStatus()]]`:    "returned a list in a list; want statuses",
		`model.UnknownStatus()`:       "only active, blocked, maintenance and waiting can be set",
		`[model.ErrorStatus("boom")]`: "only active, blocked, maintenance and waiting can be set",
	} {
		u = newUnit(t, charm(result))
		u.fails("start", message)
	}
}

// TestRestrictedHooks: in a hook in which Juju allows few tools, neither
// deferred events run nor statuses are collected.
func TestRestrictedHooks(t *testing.T) {
	u := newUnit(t, strings.ReplaceAll(ordered, `model.config["fail-at"]`, `"nothing"`)) // config-get is one that is not allowed
	u.state.Juju.JujuVersion = "3.5.7"
	u.ok("start")
	o := u.run("collect-metrics")
	require.NoError(t, o.Err)
	assert.Equal(t, []string{"load", "pre_commit", "commit"}, logged(o))
	assert.Equal(t, []string{"start on_start"}, u.deferred())

	u = newUnit(t, "-- charmcraft.yaml --\nname: web\n-- charm.star --\nframework.use_juju_for_storage()\ndef f(event):\n    print(\"ran\")\nframework.observe(framework.on.any, f)\n")
	u.state.Juju.JujuVersion = "3.5.7"
	assert.Empty(t, u.ok("meter-status-changed"))
	assert.Equal(t, []string{"ran"}, u.ok("start"))
}

func TestChangedConfig(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
config:
  options:
    port: {type: int, default: 80}
    name: {type: string}
    ok: {type: boolean, default: true}
-- charm.star --
def show(event):
    print(event.name, ",".join(event.changed_config), ",".join(event.changed_config))
    if not model.config["ok"]:
        fail("not ok")
framework.observe([framework.on.config_changed, framework.on.update_status], show)
`)
	assert.Equal(t, []string{"config_changed ok,port ok,port"}, u.ok("config-changed"), "all that have a value")
	assert.Equal(t, []string{"config_changed  "}, u.ok("config-changed"))
	u.state.Juju.Config = map[string]any{"port": 81, "name": "classified"}
	assert.Equal(t, []string{"update_status name,port name,port"}, u.ok("update-status"), "other hooks see it, and do not take note of it")
	u.state.Juju.Config["ok"] = false
	assert.Equal(t, []string{"config_changed name,ok,port name,ok,port"}, u.fails("config-changed", "not ok"))
	u.state.Juju.Config["ok"] = true
	assert.Equal(t, []string{"config_changed name,port name,port"}, u.ok("config-changed"), "nor does a hook that fails")
	delete(u.state.Juju.Config, "name")
	assert.Equal(t, []string{"config_changed name name"}, u.ok("config-changed"), "an option without a value any more")
	for name, digest := range u.state.ConfigDigests {
		assert.Regexp(t, "^[0-9a-f]{24}$", digest, "the values of options are not kept: %s", name)
	}
}

// TestChangedConfigByGetattr: the host takes note of the options' values only
// for charms that ask for what changed, however they ask.
func TestChangedConfigByGetattr(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
config: {options: {port: {type: int, default: 80}}}
-- charm.star --
def show(event):
    print(getattr(event, "changed_config"))
framework.observe(framework.on.config_changed, show)
`)
	assert.Equal(t, []string{`["port"]`}, u.ok("config-changed"))
	assert.Equal(t, []string{`[]`}, u.ok("config-changed"))
}

// TestObservedTwice: a handler that observes an event both by its name and as
// any is called once.
func TestObservedTwice(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
-- charm.star --
on = framework.on
def first(event):
    print("first", event.name)
def second(event):
    print("second", event.name)
framework.observe(on.any, first)
framework.observe([on.start, on.any], second)
framework.observe([on.start, on.stop], first)
for_library = framework.scope("x").observe(on.start, first)
`)
	assert.Equal(t, []string{"first start", "second start", "first start"}, u.ok("start"), "a library's handler is another one")
	assert.Equal(t, []string{"first stop", "second stop"}, u.ok("stop"))
}

// TestStorageChosenTooLate: who keeps the state cannot change once it was read.
func TestStorageChosenTooLate(t *testing.T) {
	charm := func(lines string) string {
		return "-- charmcraft.yaml --\nname: web\n-- charm.star --\nstored = storedstate.define(count = 1)\n" + lines
	}
	u := newUnit(t, charm("print(stored.count)\nframework.use_juju_for_storage()\n"))
	u.fails("start", "framework.use_juju_for_storage: stored state has been read already")
	u = newUnit(t, charm("framework.use_juju_for_storage()\nprint(stored.count)\nframework.use_juju_for_storage()\n"))
	assert.Equal(t, []string{"1"}, u.ok("start"))
}

// TestStoredValuesThatAreEmpty: a stored False is a change like any other.
func TestStoredValuesThatAreEmpty(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
-- charm.star --
stored = storedstate.define(ready = True, url = "")
def on_start(event):
    stored.ready, stored.url = not stored.ready, "" if stored.url else "x"
framework.observe(framework.on.start, on_start)
`)
	assert.Equal(t, []simulate.Change{{Path: "stored_state.charm.ready", After: false}, {Path: "stored_state.charm.url", After: "x"}}, u.run("start").Changes)
	o := u.run("start")
	assert.Equal(t, []simulate.Change{{Path: "stored_state.charm.ready", Before: false, After: true}, {Path: "stored_state.charm.url", Before: "x", After: ""}}, o.Changes)
	assert.Contains(t, o.Render(false), "url: x → \"\"\n")
}

// TestCalls counts what is asked of Juju: what is read twice is asked once,
// what changes nothing is not sent, and nothing is asked unasked.
func TestCalls(t *testing.T) {
	metadata := "-- charmcraft.yaml --\nname: web\nrequires: {db: {interface: pgsql}}\nconfig: {options: {port: {type: int, default: 80}}}\n-- charm.star --\n"
	for name, c := range map[string]struct {
		script string
		calls  []string
	}{
		"nothing": {"pass", []string{}},
		"config a hundred times": {"[model.config[\"port\"] for _ in range(100)]",
			[]string{"config-get --format=json"}},
		"leadership": {"[model.unit.is_leader() for _ in range(100)]",
			[]string{"is-leader --format=json"}},
		"relations": {"[(r.units, r.app.name, r.active, dict(r.data[r.app])) for _ in range(10) for r in model.relations[\"db\"]]",
			[]string{"relation-ids db --format=json", "relation-list --format=json -r db:1", "relation-get --format=json -r db:1 --app - pg"}},
		"the same status twice": {"model.unit.status = model.ActiveStatus(\"x\")\n    model.unit.status = model.ActiveStatus(\"x\")",
			[]string{"status-set --application=false active -- x"}},
		"a databag that has it": {"model.get_relation(\"db\").data[model.unit].update({\"ready\": \"true\", \"gone\": \"\"})",
			[]string{"relation-ids db --format=json", "relation-list --format=json --app -r db:1", "relation-list --format=json -r db:1", "relation-get --format=json -r db:1 - web/0"}},
		"ports that are open": {"model.unit.set_ports(80)",
			[]string{"opened-ports --format=json"}},
		"stored state that stays": {"stored.count = 0\n    stored.count",
			[]string{}},
		"planned units": {"[model.app.planned_units() for _ in range(10)]",
			[]string{"goal-state --format=json"}},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUnit(t, metadata+"stored = storedstate.define(count = 0)\ndef on_start(event):\n    "+c.script+"\nframework.observe(framework.on.start, on_start)\n")
			u.state.Juju.OpenedPorts = []modeltest.Port{{Port: 80}}
			u.state.Juju.Relations = []*modeltest.Relation{{ID: 1, Endpoint: "db", RemoteApp: "pg",
				LocalUnitData: map[string]string{"ready": "true"}, RemoteUnitsData: map[int]map[string]string{0: {}}}}
			o := u.run("start")
			require.NoError(t, o.Err)
			assert.Equal(t, c.calls, calls(o))
			assert.Nil(t, u.state.StoredState)
		})
	}
}

// panicking is a Juju that meets a bug of starcharm's.
type panicking struct{}

func (panicking) Run(_ context.Context, call hooktool.Call) (hooktool.Result, error) {
	if call.Name == "juju-log" {
		return hooktool.Result{}, errors.New("down")
	}
	panic("index out of range")
}

// dispatchOptions are those of a start hook without a world.
func dispatchOptions(t testing.TB, stderr *bytes.Buffer, tools hooktool.Runner) host.Options {
	t.Helper()
	hook, err := model.ParseContext(map[string]string{"JUJU_DISPATCH_PATH": "hooks/start", "JUJU_UNIT_NAME": "web/0", "JUJU_VERSION": "3.6.11"})
	require.NoError(t, err)
	m, err := machinetest.New(machinetest.State{})
	require.NoError(t, err)
	return host.Options{Context: hook, Tools: tools, Machine: m, Store: &host.MemoryStore{}, Stderr: stderr}
}

func TestFailWithoutAMessage(t *testing.T) {
	u := newUnit(t, "-- charmcraft.yaml --\nname: web\nactions: {backup: {}}\n-- charm.star --\ndef f(event):\n    fail()\nframework.observe(framework.on.backup_action, f)\n")
	o := u.run("backup-action")
	assert.Contains(t, o.Render(false), "charm.star:2:9: error: fail() was called without a message\n")
	assert.Contains(t, o.Stderr, "Uncaught Error in charm code: fail() was called without a message\n")
}

func TestPanicIsReportedAsABug(t *testing.T) {
	charm := loadArchive(t, "-- charmcraft.yaml --\nname: web\n-- charm.star --\ndef on_start(event):\n    model.unit.is_leader()\nframework.observe(framework.on.start, on_start)\n")
	var stderr bytes.Buffer
	err := charm.Dispatch(t.Context(), dispatchOptions(t, &stderr, panicking{}))
	var bug *host.PanicError
	require.ErrorAs(t, err, &bug)
	assert.Equal(t, "starcharm has a bug, please report it: index out of range", err.Error())
	assert.Contains(t, string(bug.Stack), "panicking")
	assert.Contains(t, stderr.String(), "Error: starcharm has a bug, please report it: index out of range\n")
	assert.Contains(t, stderr.String(), "DEBUG    goroutine ", "the Go stack, for the report")
}

// TestCancel: a hook whose context ends stops, in a loop and before a call, and
// says why.
func TestCancel(t *testing.T) {
	for name, script := range map[string]string{
		"loop":  "for _ in range(1 << 40):\n        pass",
		"catch": "for _ in range(1 << 40):\n        catch(model.unit.is_leader)",
	} {
		t.Run(name, func(t *testing.T) {
			charm := loadArchive(t, "-- charmcraft.yaml --\nname: web\n-- charm.star --\nstored = storedstate.define(count = 0)\ndef on_start(event):\n    stored.count = 1\n    print(\"started\")\n    "+script+"\nframework.observe(framework.on.start, on_start)\n")
			ctx, cancel := context.WithCancelCause(t.Context())
			var stderr bytes.Buffer
			options := dispatchOptions(t, &stderr, toolFunc(func(call hooktool.Call) (hooktool.Result, error) {
				if call.Name == "juju-log" {
					cancel(fmt.Errorf("told to: %w", context.Canceled))
				}
				return hooktool.Result{Stdout: []byte("true")}, nil
			}))
			err := charm.Dispatch(ctx, options)
			require.Error(t, err)
			assert.Regexp(t, `^The hook was stopped: in on_start at charm\.star:[56]:\d+: told to: `, stderr.String())
			assert.Nil(t, options.Store.(*host.MemoryStore).Document)
		})
	}
}

type toolFunc func(hooktool.Call) (hooktool.Result, error)

func (f toolFunc) Run(_ context.Context, call hooktool.Call) (hooktool.Result, error) { return f(call) }

// TestOneCharmManyDispatches: a charm is loaded once, and hooks of many units
// run on it at the same time without noticing each other.
func TestOneCharmManyDispatches(t *testing.T) {
	charm := loadArchive(t, `
-- charmcraft.yaml --
name: web
requires: {db: {interface: pgsql}}
config: {options: {port: {type: int, default: 80}}}
-- charm.star --
load("lib.star", "table", "remember")
stored = storedstate.define(seen = [])

def on_start(event):
    stored.seen = stored.seen + [model.config["port"], model.unit.name]
    remember(model.unit.name)
    print(model.unit.name, model.config["port"], event.name, len(table))
    event.defer()

framework.observe(framework.on.start, on_start)
-- lib.star --
table = {"a": [1, 2, 3]}
lib = framework.scope("lib")
stored = lib.stored(names = [])

def remember(name):
    stored.names = stored.names + [name]
`)
	var group sync.WaitGroup
	outcomes := make([]*simulate.Outcome, 8)
	errs := make([]error, len(outcomes))
	for i := range outcomes {
		group.Go(func() {
			state := &simulate.State{}
			state.Juju.UnitID = i
			state.Juju.Config = map[string]any{"port": 8000 + i}
			for range 10 {
				if outcomes[i], errs[i] = simulate.Run(t.Context(), charm, state, modeltest.Event{Name: "start"}); errs[i] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	for i, o := range outcomes {
		require.NoError(t, errs[i])
		require.NoError(t, o.Err)
		name := fmt.Sprintf("web/%d", i)
		assert.Equal(t, []string{fmt.Sprintf("%s %d start 1", name, 8000+i)}, logged(o))
		assert.Equal(t, map[string]map[string]any{
			"charm":     {"seen": []any{int64(8000 + i), name}},
			"scope:lib": {"names": []any{name}},
		}, o.State.StoredState)
		assert.Len(t, o.State.Deferred, 1)
	}
}

// TestUnknownEventStillRunsTheRest: an event that the charm does not know is no
// error, and what belongs to every hook runs.
func TestUnknownEventStillRunsTheRest(t *testing.T) {
	charm := loadArchive(t, "-- charmcraft.yaml --\nname: web\n-- charm.star --\ndef reconcile(event):\n    print(\"reconcile\", event.name)\nframework.reconcile(reconcile)\n")
	var lines []string
	options := dispatchOptions(t, &bytes.Buffer{}, toolFunc(func(call hooktool.Call) (hooktool.Result, error) {
		lines = append(lines, strings.Join(call.Args, " "))
		return hooktool.Result{}, nil
	}))
	options.Context.DispatchPath = "hooks/db-relation-joined"
	require.NoError(t, charm.Dispatch(t.Context(), options))
	assert.Equal(t, []string{
		"--log-level DEBUG -- Event db_relation_joined not defined for web.",
		"--log-level INFO -- reconcile db_relation_joined",
	}, lines)
}
