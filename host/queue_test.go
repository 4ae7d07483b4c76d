package host_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/modeltest"
)

// deferring defers as long as the option "defer" has the handler's name.
const deferring = `
-- charmcraft.yaml --
name: web
requires: {db: {interface: pgsql}}
storage: {data: {type: filesystem, multiple: {range: 0-}}}
config:
  options: {defer: {type: string, default: ""}}
-- charm.star --
on = framework.on

def handle(name, event):
    print(name, event.name)
    if name in model.config["defer"]:
        event.defer()

def first(event):
    handle("first", event)

def second(event):
    handle("second", event)

framework.observe([on.start, on.update_status, on.config_changed], first)
framework.observe([on.start, on.update_status], second)
for_relations = [on.db_relation_created, on.db_relation_joined, on.db_relation_changed, on.db_relation_departed, on.db_relation_broken]
framework.observe(for_relations + [on.data_storage_attached, on.data_storage_detaching], first)
`

func (u *simulatedUnit) set(options map[string]any) { u.state.Juju.Config = options }

func TestQueue(t *testing.T) {
	u := newUnit(t, deferring)
	u.set(map[string]any{"defer": "first second"})
	assert.Equal(t, []string{"first start", "second start"}, u.ok("start"))
	assert.Equal(t, []string{"start first", "start second"}, u.deferred())

	t.Run("are called again, oldest first, and keep their places when they are deferred again", func(t *testing.T) {
		assert.Equal(t, []string{"first start", "second start", "first update_status", "second update_status"}, u.ok("update-status"))
		assert.Equal(t, []string{"start first", "start second", "update_status first", "update_status second"}, u.deferred())
	})
	t.Run("are queued once", func(t *testing.T) {
		o := u.run("start")
		require.NoError(t, o.Err)
		assert.Equal(t, []string{"first start", "second start", "first update_status", "second update_status"}, logged(o))
		assert.Equal(t, []string{"start first", "start second", "update_status first", "update_status second"}, u.deferred())
		skipped := 0
		for _, s := range o.Steps {
			if s.What == "DEBUG" && strings.HasPrefix(s.Result, "Skipping start for charm.star:") {
				skipped++
			}
		}
		assert.Equal(t, 2, skipped)
	})
	t.Run("leave the queue when they are not deferred again", func(t *testing.T) {
		u.set(map[string]any{"defer": "second"})
		assert.Equal(t, []string{"first start", "second start", "first update_status", "second update_status", "first config_changed"}, u.ok("config-changed"))
		assert.Equal(t, []string{"start second", "update_status second"}, u.deferred(), "by one handler and not by the other")
	})
	t.Run("and then the same event anew is delivered", func(t *testing.T) {
		u.set(nil)
		assert.Equal(t, []string{"second start", "second update_status", "first update_status", "second update_status"}, u.ok("update-status"))
		assert.Empty(t, u.deferred())
		assert.Nil(t, u.state.Deferred)
	})
}

// TestDeferredEventsOfOtherUnits: events with other data are not the same.
func TestQueueEventsOfOtherUnits(t *testing.T) {
	u := newUnit(t, deferring)
	u.set(map[string]any{"defer": "first"})
	u.state.Juju.Relations = []*modeltest.Relation{{ID: 1, Endpoint: "db", RemoteApp: "pg", RemoteUnitsData: map[int]map[string]string{0: {}, 1: {}}}}
	changed := func(unit int) {
		o := u.event(modeltest.Event{Name: "db-relation-changed", RemoteUnit: &unit})
		require.NoError(t, o.Err)
	}
	changed(0)
	changed(1)
	changed(0)
	require.Len(t, u.state.Deferred, 2)
	assert.Equal(t, map[string]any{"relation_name": "db", "relation_id": int64(1), "app_name": "pg", "unit_name": "pg/0"}, u.state.Deferred[0].Data)
	assert.Equal(t, "pg/1", u.state.Deferred[1].Data["unit_name"])
}

func TestQueueEventWhoseSubjectIsGone(t *testing.T) {
	relation := []*modeltest.Relation{{ID: 1, Endpoint: "db", RemoteApp: "pg", RemoteUnitsData: map[int]map[string]string{0: {}}}}
	storage := []*modeltest.Storage{{Name: "data", Index: 3}}
	for event, gone := range map[string]string{
		"db-relation-created":    "relation db:1 is gone",
		"db-relation-joined":     "relation db:1 is gone",
		"db-relation-changed":    "relation db:1 is gone",
		"data-storage-attached":  "storage data/3 is gone",
		"db-relation-departed":   "",
		"db-relation-broken":     "",
		"data-storage-detaching": "",
	} {
		t.Run(event, func(t *testing.T) {
			u := newUnit(t, deferring)
			u.state.Juju.Relations, u.state.Juju.Storages = relation, storage
			u.set(map[string]any{"defer": "first"})
			u.ok(event)
			require.Len(t, u.state.Deferred, 1)
			u.state.Juju.Relations, u.state.Juju.Storages = nil, nil
			u.set(nil)
			name := strings.ReplaceAll(event, "-", "_")
			want := []string{"first " + name, "first config_changed"}
			if gone != "" {
				want[0] = "WARNING Dropping the deferred event " + name + " for charm.star:first: " + gone + "."
			}
			assert.Equal(t, want, u.ok("config-changed"))
			assert.Empty(t, u.deferred())
		})
	}
}

// TestDeferredEventInAnotherCharm: after an upgrade, what the charm no longer
// has is dropped, and the rest is delivered.
func TestQueueEventInAnotherCharm(t *testing.T) {
	setup := func(t *testing.T) *simulatedUnit {
		u := newUnit(t, deferring)
		u.state.Juju.Relations = []*modeltest.Relation{{ID: 1, Endpoint: "db", RemoteUnitsData: map[int]map[string]string{0: {}}}}
		u.set(map[string]any{"defer": "first second"})
		u.ok("db-relation-joined")
		u.ok("start")
		assert.Equal(t, []string{"db_relation_joined first", "start first", "start second"}, u.deferred())
		u.state.Juju.Relations = nil
		u.set(nil)
		return u
	}
	t.Run("handler renamed", func(t *testing.T) {
		u := setup(t)
		u.refresh("-- charmcraft.yaml --\nname: web\nrequires: {db: {interface: pgsql}}\n-- charm.star --\ndef renamed(event):\n    print(event.name)\ndef second(event):\n    print(\"second\", event.name)\nframework.observe([framework.on.start, framework.on.upgrade_charm], renamed)\nframework.observe(framework.on.start, second)\n")
		assert.Equal(t, []string{
			"WARNING Dropping the deferred event db_relation_joined for charm.star:first: the charm has no such handler any more.",
			"WARNING Dropping the deferred event start for charm.star:first: the charm has no such handler any more.",
			"second start",
			"upgrade_charm",
		}, u.ok("upgrade-charm"))
		assert.Empty(t, u.deferred())
	})
	t.Run("endpoint removed from the metadata", func(t *testing.T) {
		u := setup(t)
		u.refresh("-- charmcraft.yaml --\nname: web\n-- charm.star --\ndef first(event):\n    print(event.name)\nframework.observe(framework.on.any, first)\n")
		assert.Equal(t, []string{
			"WARNING Dropping the deferred event db_relation_joined for charm.star:first: the charm has no such event any more.",
			"start",
			"WARNING Dropping the deferred event start for charm.star:second: the charm has no such handler any more.",
			"upgrade_charm",
		}, u.ok("upgrade-charm"))
	})
	t.Run("damaged data", func(t *testing.T) {
		u := setup(t)
		u.state.Deferred[1].Data = map[string]any{"x": 1.5}
		u.refresh(deferring)
		lines := u.ok("config-changed")
		assert.Contains(t, lines, "WARNING Dropping the deferred event start for charm.star:first: its data is damaged.")
	})
}

func TestQueueTakesNot(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
actions: {backup: {}}
-- charm.star --
on = framework.on
def f(event):
    event.defer()
framework.observe([on.stop, on.remove, on.backup_action, on.secret_rotate, on.secret_expired], f)
def g(event):
    if event.name == "install":
        event.defer()
framework.reconcile(g)
`)
	u.state.Juju.Secrets = []*modeltest.Secret{{ID: "secret:9m4e2mr0ui3e8a215n4g", Owner: "unit", TrackedContent: map[string]string{"key": "value"}}}
	u.fails("stop", "cannot defer stop: the unit is going away, no later hook would run it")
	u.fails("remove", "cannot defer remove: the unit is going away")
	u.fails("backup-action", "cannot defer backup_action: the user waits for its result")
	u.fails("secret-rotate", "cannot defer secret_rotate: Juju fires secret-rotate again by itself")
	u.fails("secret-expired", "cannot defer secret_expired: Juju fires secret-expired again by itself")
	u.fails("install", "cannot defer install in a reconciler: it runs in every hook anyway")

	for _, name := range []string{"collect_unit_status", "collect_app_status", "pre_commit", "commit"} {
		u := newUnit(t, "-- charmcraft.yaml --\nname: web\n-- charm.star --\ndef f(event):\n    event.defer()\nframework.observe(framework.on."+name+", f)\n")
		u.fails("start", "cannot defer "+name+": it belongs to this hook, the next one has its own")
	}
}

// library is a library of which a charm has two instances.
const library = `
-- charmcraft.yaml --
name: web
requires: {db: {interface: pgsql}, cache: {interface: redis}}
config:
  options: {defer: {type: boolean, default: false}}
-- charm.star --
load("lib.star", "database")

db = database("db")
cache = database("cache")

def on_db_ready(event):
    print("db ready", event.url, event.name)
    if model.config["defer"]:
        event.defer()

def on_cache_ready(event):
    print("cache ready", event.url)
    if model.config["defer"]:
        event.defer()

framework.observe(db.ready, on_db_ready)
framework.observe(cache.ready, on_cache_ready)
-- lib.star --
def database(endpoint):
    scope = framework.scope(endpoint)
    ready = scope.define_event("ready", "url")
    stored = scope.stored(count = 0)

    def on_changed(event):
        stored.count += 1
        print(endpoint, "changed", stored.count)
        ready.emit(url = {"count": [stored.count, 1.0, None]})

    scope.observe(framework.on[endpoint].relation_changed, on_changed)
    return struct(ready = ready)
`

// TestLibraryInstances: two instances of one library, whose handlers, events
// and stored state have the same names, do not clash.
func TestLibraryInstances(t *testing.T) {
	u := newUnit(t, library)
	u.set(map[string]any{"defer": true})
	assert.Equal(t, []string{"db changed 1", `db ready {"count": [1, 1.0, None]} ready`}, u.ok("db-relation-changed"))
	assert.Equal(t, []string{`db ready {"count": [1, 1.0, None]} ready`, "cache changed 1", `cache ready {"count": [1, 1.0, None]}`}, u.ok("cache-relation-changed"))
	assert.Equal(t, map[string]map[string]any{"scope:db": {"count": int64(1)}, "scope:cache": {"count": int64(1)}}, u.state.StoredState)
	assert.Equal(t, []string{"ready on_db_ready", "ready on_cache_ready"}, u.deferred())
	assert.Equal(t, "db", u.state.Deferred[0].Scope)
	assert.Equal(t, "cache", u.state.Deferred[1].Scope)
	u.set(nil)
	assert.Equal(t, []string{`db ready {"count": [1, 1.0, None]} ready`, `cache ready {"count": [1, 1.0, None]}`, "db changed 2", `db ready {"count": [2, 1.0, None]} ready`},
		u.ok("db-relation-changed"))
	assert.Empty(t, u.deferred())

	// A library that the charm no longer has.
	u.set(map[string]any{"defer": true})
	u.ok("cache-relation-changed")
	u.set(nil)
	u.refresh(strings.NewReplacer("cache = database(\"cache\")\n", "", "framework.observe(cache.ready, on_cache_ready)\n", "").Replace(library))
	assert.Equal(t, []string{"WARNING Dropping the deferred event ready for charm.star:on_cache_ready: the charm has no such event any more."}, u.ok("update-status"))
}

func TestNestedEvents(t *testing.T) {
	charm := func(body string) string {
		return `
-- charmcraft.yaml --
name: web
-- charm.star --
lib = framework.scope("lib")
again = lib.define_event("again", "n")
` + body + `
framework.observe(framework.on.start, on_start)
framework.observe(again, on_again)
`
	}
	t.Run("the same one is swallowed", func(t *testing.T) {
		u := newUnit(t, charm(`
def on_start(event):
    again.emit(n = 1)
    again.emit(n = 1)
def on_again(event):
    print("again", event.n)
    again.emit(n = event.n)
    print("after")
`))
		assert.Equal(t, []string{"again 1", "after", "again 1", "after"}, u.ok("start"))
		assert.Empty(t, u.deferred())
	})
	t.Run("another one is not", func(t *testing.T) {
		u := newUnit(t, charm(`
def on_start(event):
    again.emit(n = 3)
def on_again(event):
    print("again", event.n)
    if event.n:
        again.emit(n = event.n - 1)
        event.defer()
`))
		assert.Equal(t, []string{"again 3", "again 2", "again 1", "again 0"}, u.ok("start"))
		require.Len(t, u.state.Deferred, 3)
		assert.Equal(t, map[string]any{"n": int64(1)}, u.state.Deferred[0].Data, "in the order in which they were deferred")
	})
	t.Run("a handler's failure reaches the one that emits, who may try again", func(t *testing.T) {
		u := newUnit(t, charm(`
def on_start(event):
    for _ in range(2):
        _, err = catch(again.emit, n = 1)
        print(err.kind, err.message)
def on_again(event):
    event.defer()
    throw(model.ModelError, "no luck")
`))
		assert.Equal(t, []string{"model.ModelError no luck", "model.ModelError no luck"}, u.ok("start"))
		assert.Empty(t, u.deferred(), "an event whose handler failed was not handled, and was not deferred")
	})
	t.Run("going round in a circle ends", func(t *testing.T) {
		u := newUnit(t, charm(`
def on_start(event):
    again.emit(n = 0)
def on_again(event):
    again.emit(n = event.n + 1)
`))
		u.fails("start", "cannot emit lib.again: handlers have emitted events in handlers of events, 100 deep; do they go round in a circle?")
	})
	t.Run("not while the charm is loading", func(t *testing.T) {
		u := newUnit(t, charm("again.emit(n = 1)\ndef on_start(event):\n    pass\ndef on_again(event):\n    pass\n"))
		u.fails("start", "lib.again: events cannot be emitted while the charm is loading; emit them in a handler")
	})
}

// TestDeferralWithJuju: state that Juju keeps survives the loss of the files.
func TestQueueWithJuju(t *testing.T) {
	u := newUnit(t, strings.Replace(deferring, "on = framework.on\n", "on = framework.on\nframework.use_juju_for_storage()\nstored = storedstate.define(name = \"x\", n = [])\n", 1))
	u.set(map[string]any{"defer": "first"})
	u.ok("start")
	assert.Empty(t, u.state.Deferred)
	assert.Equal(t, map[string]string{"starcharm-state": `{"version":1,"deferred":[{"event":"start","data":{},"handler":"charm.star:first"}]}` + "\n"}, u.state.Juju.Stored)
	u.set(nil)
	assert.Equal(t, []string{"first start", "first config_changed"}, u.ok("config-changed"))
	o := u.run("config-changed")
	assert.NotContains(t, strings.Join(calls(o), "\n"), "state-set", "what has not changed is not written")
}

func TestChangedConfigOfADeferredEvent(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
config:
  options: {port: {type: int, default: 1}, wait: {type: boolean, default: false}}
-- charm.star --
def on_config(event):
    print("changed", ",".join(event.changed_config))
    if model.config["wait"]:
        event.defer()

framework.observe(framework.on.config_changed, on_config)
`)
	assert.Equal(t, []string{"changed port,wait"}, u.ok("config-changed"))
	u.set(map[string]any{"port": 2, "wait": true})
	assert.Equal(t, []string{"changed port,wait"}, u.ok("config-changed"))
	u.set(map[string]any{"port": 2})
	assert.Equal(t, []string{"changed port"}, u.ok("update-status"), "what changed since it was last handled")
	assert.Equal(t, []string{"changed "}, u.ok("config-changed"))
}

// TestQueueLibraryEventWithANewField: an event that was deferred before its
// library had a field has None there.
func TestQueueLibraryEventWithANewField(t *testing.T) {
	charm := func(fields string) string {
		return "-- charmcraft.yaml --\nname: web\n-- charm.star --\nscope = framework.scope(\"lib\")\nready = scope.define_event(" + fields + ")\n" +
			"def on_start(event):\n    ready.emit(url = \"x\")\nframework.observe(framework.on.start, on_start)\n" +
			"def on_ready(event):\n    print(event, getattr(event, \"port\", \"no port\"))\n    event.defer()\nframework.observe(ready, on_ready)\n"
	}
	u := newUnit(t, charm(`"ready", "url"`))
	assert.Equal(t, []string{`<event lib.ready url="x"> no port`}, u.ok("start"))
	u.refresh(charm(`"ready", "url", "port"`))
	assert.Equal(t, []string{`<event lib.ready url="x" port=null> None`}, u.ok("upgrade-charm"))
}
