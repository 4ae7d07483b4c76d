package host_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
)

// writing is a charm that writes its databags wherever it can.
const writing = `
-- charmcraft.yaml --
name: web
requires: {db: {interface: pgsql, optional: true}}
config: {options: {then: {type: string, default: ""}}}
-- charm.star --
def write(key):
    for r in model.relations["db"]:
        r.data[model.app][key] = "1"
        r.data[model.unit].update({key: "1"})

def on_update_status(event):
    write("event")
    event.defer()
    if model.config["then"] == "fail":
        fail("ordered")
    if model.config["then"] == "reboot":
        model.unit.reboot(now = True)

def on_reconcile(event):
    write("reconcile")

def on_collect(event):
    write("collect")

def on_pre_commit(event):
    write("pre_commit")

def on_commit(event):
    write("commit")

framework.observe(framework.on.update_status, on_update_status)
framework.reconcile(on_reconcile)
framework.observe(framework.on.collect_unit_status, on_collect)
framework.observe(framework.on.pre_commit, on_pre_commit)
framework.observe(framework.on.commit, on_commit)
`

func newWriter(t *testing.T) *simulatedUnit {
	u := newUnit(t, writing)
	u.state.Juju.Relations = []*modeltest.Relation{{ID: 1, Endpoint: "db", RemoteApp: "pg"}, {ID: 2, Endpoint: "db", RemoteApp: "my"}}
	return u
}

// TestDatabagsAreSentAtTheEnd: with all that the hook wrote, one call for each
// databag.
func TestDatabagsAreSentAtTheEnd(t *testing.T) {
	u := newWriter(t)
	o := u.run("update-status")
	require.NoError(t, o.Err)
	last := calls(o)[len(calls(o))-4:]
	assert.Equal(t, []string{"relation-set -r db:1 --app --file -", "relation-set -r db:1 --file -",
		"relation-set -r db:2 --app --file -", "relation-set -r db:2 --file -"}, last)
	assert.NotContains(t, strings.Join(calls(o)[:len(calls(o))-4], "\n"), "relation-set")
	for _, r := range u.state.Juju.Relations {
		for _, bag := range []map[string]string{r.LocalAppData, r.LocalUnitData} {
			for _, key := range []string{"event", "reconcile", "collect", "pre_commit", "commit"} {
				assert.Equal(t, "1", bag[key], key)
			}
		}
	}
}

func TestDatabagsAreNotSent(t *testing.T) {
	for _, then := range []string{"fail", "reboot"} {
		t.Run(then, func(t *testing.T) {
			u := newWriter(t)
			u.state.Juju.Config = map[string]any{"then": then}
			o := u.run("update-status")
			assert.Equal(t, then == "fail", o.Err != nil, "%v", o.Err)
			assert.False(t, slices.ContainsFunc(calls(o), func(c string) bool { return strings.HasPrefix(c, "relation-set") }), "%q", calls(o))
			assert.Empty(t, u.deferred())
		})
	}
}

// TestRefusedDatabag: Juju refuses at the end of the hook, or before a raw call
// of a hook tool, what was written in the middle of it; the author is shown the
// line that wrote, and nothing catches it.
func TestRefusedDatabag(t *testing.T) {
	for name, then := range map[string]string{
		"at the end":                   `pass`,
		"before another tool":          `catch(hooktool.run, "goal-state")`,
		"before a raw write":           `hooktool.run("relation-set", "-r", "1", "a=b")`,
		"before a raw write, in catch": `catch(hooktool.relation_set, {"a": "b"}, 1)`,
	} {
		t.Run(name, func(t *testing.T) { refusedDatabag(t, then) })
	}
}

func refusedDatabag(t *testing.T, then string) {
	charm := loadArchive(t, `
-- charmcraft.yaml --
name: web
requires: {db: {interface: pgsql}}
-- charm.star --
def share(bag, data):
    for key, value in data.items():
        bag[key] = value

def on_start(event):
    bag = model.get_relation("db").data[model.app]
    share(bag, {"user": "admin", "password": "hunter22"})
    bag.update({"user": "admin"})
    `+then+`

framework.observe(framework.on.start, on_start)
`)
	var log, tools []string
	var stderr bytes.Buffer
	options := dispatchOptions(t, &stderr, toolFunc(func(call hooktool.Call) (hooktool.Result, error) {
		if call.Name == "juju-log" {
			log = append(log, call.Args[len(call.Args)-1])
			return hooktool.Result{}, nil
		}
		tools = append(tools, call.Name)
		answers := map[string]string{"relation-ids": `["db:1"]`, "is-leader": "true", "relation-get": "{}", "relation-list": "[]"}
		if slices.Contains(call.Args, "--app") && call.Name == "relation-list" {
			return hooktool.Result{Stdout: []byte(`"pg"`)}, nil
		}
		if call.Name == "relation-set" {
			return hooktool.Result{Code: 1, Stderr: []byte("ERROR cannot write relation settings\n")}, nil
		}
		return hooktool.Result{Stdout: []byte(answers[call.Name])}, nil
	}))
	var found []host.Diagnostic
	options.Failed = func(d []host.Diagnostic) { found = d }
	err := charm.Dispatch(t.Context(), options)
	require.Error(t, err)
	assert.Nil(t, options.Store.(*host.MemoryStore).Document)
	assert.Equal(t, 1, strings.Count(strings.Join(tools, " "), "relation-set"))
	require.Len(t, found, 1)
	assert.Equal(t, `charm.star:3:12: error: cannot write "password", "user" to the databag of the application web in db:1: cannot run relation-set: cannot write relation settings
            bag[key] = value
               ^
  charm.star:7:10: in on_start
    share(bag, {"user": "admin", "password": "hunter22"})
  charm.star:3:12: in share
    bag[key] = value
`, found[0].Render(false))
	assert.Contains(t, strings.Join(log, "\n"), `Uncaught exception while in charm code:
Traceback (most recent call last):
  charm.star:7:10: in on_start
    share(bag, {"user": "admin", "password": "hunter22"})
  charm.star:3:12: in share
    bag[key] = value
Error: cannot write "password", "user" to the databag of the application web in db:1: cannot run relation-set: cannot write relation settings`)
}

// TestDatabagsAreSentBeforeACommand: a command on the unit's machine may look
// at them by hook tools.
func TestDatabagsAreSentBeforeACommand(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
requires: {db: {interface: pgsql}}
-- charm.star --
load("@std//process.star", "process")

def on_start(event):
    bag = model.get_relation("db").data[model.unit]
    bag["before"] = "1"
    process.run(["tool"])
    bag["after"] = "2"

framework.observe(framework.on.start, on_start)
`)
	u.state.Machine.Processes = []*machinetest.Process{{CommandPrefix: []string{"tool"}}}
	u.state.Juju.Relations = []*modeltest.Relation{{ID: 1, Endpoint: "db", RemoteApp: "pg"}}
	o := u.run("start")
	require.NoError(t, o.Err)
	made := calls(o)
	assert.Equal(t, []string{"relation-set -r db:1 --file -", "tool", "relation-set -r db:1 --file -"}, made[len(made)-3:])
	assert.Equal(t, "1", u.state.Juju.Relations[0].LocalUnitData["before"])
	assert.Equal(t, "2", u.state.Juju.Relations[0].LocalUnitData["after"])
}
