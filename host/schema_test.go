package host_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/modeltest"
)

// endings is a charm whose handlers end when options or parameters do not fit.
const endings = `
-- charmcraft.yaml --
name: web
config:
  options: {server-port: {type: int, default: 8000}}
actions:
  backup: {params: {keep: {type: integer, default: 3}}}
-- charm.star --
on = framework.on
Config = schema.record(server_port = schema.int(min = 1, max = 65535, forbid = {22: "22 is reserved for SSH"}))
Params = schema.record(keep = schema.int(min = 1))
stored = storedstate.define(hooks = 0)

def on_update(event):
    stored.hooks += 1
    if stored.hooks == 1:
        event.defer()
    print("config", catch(model.load_config, Config, errors = "blocked"))
    print("after")

def on_update_too(event):
    print("too")
    model.unit.status = model.ActiveStatus()

def on_backup(event):
    stored.hooks += 1
    event.load_params(Params, errors = "fail")
    print("backed up")

def on_collect(event):
    print("collect")
    event.add_status(model.ActiveStatus())

framework.observe(on.update_status, on_update)
framework.observe(on.update_status, on_update_too)
framework.observe(on.backup_action, on_backup)
framework.observe(on.collect_unit_status, on_collect)
`

// TestHandlerEnds: a handler that ends because of invalid options or parameters
// is no failure: the others run, statuses are collected, the state is saved,
// what it deferred stays deferred.
func TestHandlerEnds(t *testing.T) {
	u := newUnit(t, endings)
	u.state.Juju.Config = map[string]any{"server-port": 22}
	assert.Equal(t, []string{"too", "collect"}, u.ok("update-status"))
	blocked := modeltest.Status{Name: "blocked", Message: "Invalid config: server-port: 22 is reserved for SSH"}
	assert.Equal(t, blocked, u.state.Juju.UnitStatus, "the worst of what was collected")
	assert.Equal(t, []string{"update_status on_update"}, u.deferred())

	assert.Equal(t, []string{"too", "collect"}, u.ok("update-status"), "ended again, both times")
	assert.Empty(t, u.deferred())
	assert.Equal(t, blocked, u.state.Juju.UnitStatus)

	u.state.Juju.Config = map[string]any{"server-port": 80}
	assert.Equal(t, []string{"config (record(server_port = 80), None)", "after", "too", "collect"}, u.ok("update-status"))
	assert.Equal(t, "active", u.state.Juju.UnitStatus.Name)

	o := u.event(modeltest.Event{Name: "backup", Action: true, Params: map[string]any{"keep": 0}})
	require.NoError(t, o.Err)
	assert.Equal(t, []string{"collect"}, logged(o))
	assert.Contains(t, calls(o), "action-fail -- 'Error in action parameters: keep: got 0, want an int of at least 1'")
	assert.EqualValues(t, 5, u.state.StoredState["charm"]["hooks"], "the state is saved")
	assert.Equal(t, []string{"backed up", "collect"}, u.ok("backup-action"), "Juju's default")
}

// TestHandlerEndsWithoutCollecting: where nobody collects statuses, the hook
// ends blocked all the same, whatever another handler said.
func TestHandlerEndsWithoutCollecting(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
config:
  options: {port: {type: int, default: 0}}
-- charm.star --
Config = schema.record(port = schema.int(min = 1))

def on_start(event):
    model.load_config(Config, errors = "blocked")

def on_start_too(event):
    model.unit.status = model.ActiveStatus()

def reconcile(event):
    print("reconcile")

framework.observe(framework.on.start, on_start)
framework.observe(framework.on.start, on_start_too)
framework.reconcile(reconcile)
`)
	assert.Equal(t, []string{"reconcile"}, u.ok("start"))
	assert.Equal(t, modeltest.Status{Name: "blocked", Message: "Invalid config: port: got 0, want an int of at least 1"}, u.state.Juju.UnitStatus)
}

// TestNoHandlerToEnd: while the charm loads there is no handler that could end.
func TestNoHandlerToEnd(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
config:
  options: {port: {type: int, default: 0}}
-- charm.star --
config = model.load_config(schema.record(port = schema.int()), errors = "blocked")
`)
	o := u.run("start")
	assert.ErrorContains(t, o.Err, `model.load_config: errors = "blocked" ends the handler, and none is running while the charm loads`)
}

// TestOptionsAreCheckedWhenTheCharmLoads: a field that no option fills is told
// of in any hook, at the call that would use it.
func TestOptionsAreCheckedWhenTheCharmLoads(t *testing.T) {
	const charm = `
-- charmcraft.yaml --
name: web
config:
  options: {server-port: {type: int, default: 0}}
-- src/schemas.star --
Config = schema.record(server_prot = schema.int())
-- src/charm.star --
load("schemas.star", Loaded = "Config")

Own = schema.record(server_port = schema.string())
Good = schema.record(server_port = schema.int())
%s
`
	for name, c := range map[string]struct{ script, message string }{
		"a global": {
			"def f(event):\n    config = model.load_config(Own)",
			`src/charm.star:6:20: model.load_config: the option "server-port" is of type int, but the field server_port wants a string`,
		},
		"caught": {
			"def f(event):\n    return catch(model.load_config, Own)",
			`src/charm.star:6:24: model.load_config: the option "server-port" is of type int, but the field server_port wants a string`,
		},
		"from another file": {
			"def f(event):\n    return [model.load_config(Loaded, errors = \"blocked\")]",
			`src/charm.star:6:19: model.load_config: the charm has no option for the field server_prot (did you mean "server-port"?)`,
		},
		"two of them": {
			"def f(event):\n    return catch(model.load_config, Own)[0] or model.load_config(Loaded)",
			`src/charm.star:6:54: model.load_config: the charm has no option for the field server_prot (did you mean "server-port"?)`,
		},
		"what fits":                {"def f(event):\n    return model.load_config(Good)", ""},
		"a local":                  {"def f(Own):\n    return model.load_config(Own)", ""},
		"what is no schema":        {"x = 1\ndef f(event):\n    return model.load_config(x)", ""},
		"another model":            {"def f(model):\n    return model.load_config(Own)", ""},
		"what is not known before": {"def f(event):\n    return model.load_config(schema.record(x = schema.int()))", ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUnit(t, fmt.Sprintf(charm, c.script))
			o := u.run("install")
			if c.message == "" {
				require.NoError(t, o.Err)
				return
			}
			require.ErrorContains(t, o.Err, c.message)
			assert.Equal(t, 1, o.ExitCode)
		})
	}
}

// TestNamesOutside: parameters and options come under their own names, also
// within an object, and a string that holds YAML is decoded where the schema
// says so.
func TestNamesOutside(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
config:
  options:
    allowed-hosts: {type: string, default: "[a, b]"}
    with_score: {type: int, default: 1}
    with-score: {type: int, default: 2}
    token: {type: secret, default: ""}
actions:
  backup:
    params:
      keep-days: {type: integer, default: 3}
      target: {type: object, properties: {host-name: {type: string}}}
      dry-run: {type: boolean, default: false}
-- charm.star --
Config = schema.record(allowed_hosts = schema.list(schema.string(), codec = "yaml"), with_score = schema.int(), token = schema.optional(schema.secret()))
Params = schema.record(
    days = schema.int(alias = "keep-days"),
    target = schema.record(host_name = schema.string(pattern = "^[a-z]+$")),
    dry_run = schema.bool(),
)

def on_backup(event):
    print(model.load_config(Config))
    print(event.load_params(Params, errors = "fail"))

framework.observe(framework.on.backup_action, on_backup)
`)
	backup := func(params map[string]any) []string {
		o := u.event(modeltest.Event{Name: "backup", Action: true, Params: params})
		require.NoError(t, o.Err)
		return append(logged(o), calls(o)[1:]...)
	}
	options := `record(allowed_hosts = ["a", "b"], with_score = 1, token = None)`
	assert.Equal(t, []string{
		options,
		`record(days = 3, target = record(host_name = "nas"), dry_run = True)`,
		"action-get --format=json",
	}, backup(map[string]any{"target": map[string]any{"host-name": "nas", "more": 1}, "dry-run": true}))
	assert.Equal(t, []string{
		options,
		"action-get --format=json",
		`action-fail -- 'Error in action parameters: target.host-name: got "NAS", want a string that matches ^[a-z]+$'`,
	}, backup(map[string]any{"target": map[string]any{"host-name": "NAS"}}))
	assert.Equal(t, `action-fail -- 'Error in action parameters: target: missing, want a dict with host_name'`, backup(nil)[2])

	u.state.Juju.Config = map[string]any{"allowed-hosts": "a: b: c"}
	o := u.run("backup-action")
	assert.ErrorContains(t, o.Err, "schema.ValidationError: allowed-hosts: this is not YAML: mapping values are not allowed in this context")
	o = u.run("backup-action")
	assert.Equal(t, 1, o.ExitCode)
}

// TestParametersThatAreNotDeclared: a schema has no field that the action does
// not declare, unless the action takes others.
func TestParametersThatAreNotDeclared(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
actions:
  strict: {additionalProperties: false}
  silent: {}
  loose: {additionalProperties: true}
-- charm.star --
def on_action(event):
    print(event.load_params(schema.record(keep = schema.int(default = 1))))

framework.observe([framework.on.strict_action, framework.on.silent_action, framework.on.loose_action], on_action)
`)
	assert.Equal(t, []string{"record(keep = 1)"}, u.ok("loose-action"))
	u.fails("silent-action", "event.load_params: the action silent has no parameter for the field keep")
	u.fails("strict-action", "event.load_params: the action strict has no parameter for the field keep")
}
