package host_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
)

// An edge is something that ops does and that its users know or run into. It
// is the same here, and a test shows it; or it differs, for a reason, and a
// test shows that.
type edge struct {
	ops  string
	here verdict
	// how or why it differs; empty for what is the same.
	how string
	// tests are those that show it: a Go test, with its package's folder
	// ("host.TestQueue"), or a function of a .star file ("model.star:test_start__ports").
	tests []string
}

type verdict string

const (
	same    verdict = "same"
	differs verdict = "differs"
)

// edges are the sharp edges of ops 3.9.
var edges = []edge{
	// Databags.
	1: {"a follower that writes its application's databag gets Juju's refusal of the read before the write", differs,
		"leadership is asked first: RelationDataAccessError, and nothing is asked of Juju that it would refuse",
		[]string{"relation.star:test_start__follower_databags", "model.TestDatabagAccess"}},
	2: {"only changed keys are sent, and access is checked even when nothing changes", same, "",
		[]string{"model.TestDatabagWrites", "model.TestDatabagAccess"}},
	3: {"membership, length and iteration of a databag skip the check that reading a value makes", differs,
		"a bag that may not be read refuses them too; no answer is made up",
		[]string{"relation.star:test_start__follower_databags"}},
	4: {"reading any application's databag asks for leadership", differs,
		"only the own application's bag outside a peer relation needs it",
		[]string{"host.TestCalls", "model.TestDatabagReads"}},
	5: {"access rules hold only while a handler or the constructor runs", differs,
		"all charm code runs in a hook, the loading of the files included: the rules always hold",
		[]string{"host.TestEdgeDatabagWhileLoading"}},
	6: {"deleting an absent key is fine, an empty string deletes, and None becomes null", differs,
		"the first two are the same; what a schema's optional field does not have is removed",
		[]string{"model.TestDatabagWrites", "schema.star:test_start__save_none"}},
	7: {"the broken relation is another object, with a cache of its own, each time it is asked for", differs,
		"there is one value for each relation in a hook, and each thing is asked once",
		[]string{"relation.star:test_db_relation_broken", "host.TestCalls"}},
	8: {"the departing unit of a peer relation has no databag", differs,
		"its databag can be read, as that of any departing unit",
		[]string{"relation.star:test_cluster_relation_departed"}},
	9: {"in relation-broken the relation is gone for deferred handlers too, which run nevertheless", differs,
		"a deferred event of the relation is dropped with a warning then; those of others see it gone",
		[]string{"host.TestEdgeDeferredWhileBroken", "model.TestBrokenRelation"}},
	10: {"hook tools get the relation as endpoint:id, so that a wrong pair is a dead relation", same, "",
		[]string{"host.TestCalls", "model.TestRelationThatIsGone"}},
	11: {"relation and secret writes take effect when the hook succeeds, a status at once", same, "",
		[]string{"modeltest.TestWhatAHookThatFailsLosesAndKeeps", "host.TestRealFailedHookChangesNothing"}},

	// Dispatch and commit.
	12: {"bad config or bad parameters end the hook with exit code 0 and lose all it did", differs,
		"they end the handler; the rest of the hook runs and is kept",
		[]string{"host.TestHandlerEnds"}},
	13: {"the state of a hook is one transaction: an exception undoes all of it", same, "",
		[]string{"host.TestFailureAtEachPoint", "host.TestRealFailedHookChangesNothing"}},
	14: {"deferred events run before the current one, with its environment, in actions too", same, "",
		[]string{"host.TestEdgeDeferredInAnAction", "host.TestOrderOfAHook"}},
	15: {"collecting statuses always asks for leadership, and the application's come first", differs,
		"the order is the same; leadership is asked only when somebody collects an application's status",
		[]string{"host.TestOrderOfAHook", "host.TestCalls"}},
	16: {"a status for which nothing was collected stays", same, "",
		[]string{"host.TestStatusThatAReconcilerReturns"}},
	17: {"an event that the charm does not know is no error, and the rest of the hook runs", same, "",
		[]string{"host.TestUnknownEventStillRunsTheRest"}},
	18: {"a script in hooks/ runs before the event, and its failure is the hook's", differs,
		"Juju runs dispatch alone where there is one, and so does starcharm; as hooks/NAME itself it takes that hook",
		[]string{"host.TestRealHooksDirectory", "host.TestEdgeHookScript"}},
	19: {"Juju's storage is announced for Kubernetes charms and not used", differs,
		"there is nothing automatic: framework.use_juju_for_storage() chooses it",
		[]string{"framework.star:test_start__load_storage", "host.TestRealStateKeptByJuju"}},
	20: {"an empty JUJU_VERSION crashes before there is a log", differs,
		"an empty variable is an unset one; a malformed one is named in Juju's log",
		[]string{"model.TestParseContext", "model.TestMalformedContext"}},
	21: {"JUJU_DEBUG is on when it is set, even to nothing or 0", differs,
		"empty, 0 and false are off", []string{"model.TestParseContext"}},
	22: {"reboot(now=True) exits with 0 and without a commit, and its failure is of another kind", differs,
		"the hook ends in the same way; a refused reboot is a ModelError like any other",
		[]string{"host.TestRealReboot", "modeltest.TestReboot"}},
	23: {"a stray JUJU_REMOTE_UNIT in a hook that is not a relation's is a TypeError", differs,
		"only relation events look at it", []string{"model.TestContextEvent"}},

	// Events and deferral.
	24: {"handlers get an event that was rebuilt from its snapshot, each its own", same, "",
		[]string{"host.TestLibraryInstances", "host.TestQueue"}},
	25: {"an event of a library is taken for another one's duplicate, by the first bracket in its path", differs,
		"the whole name of the event and of the library's instance are compared",
		[]string{"host.TestEdgeDuplicates", "host.TestLibraryInstances"}},
	26: {"a second observe of the same pair does nothing, and so does emitting an event in its own handler", same, "",
		[]string{"host.TestObservedTwice", "host.TestNestedEvents"}},
	27: {"events are the same when their data are", same, "",
		[]string{"host.TestQueueEventsOfOtherUnits", "host.TestQueue"}},
	28: {"a counter in the state grows with every event, observed or not", differs,
		"nothing is counted: a hook that changes nothing writes nothing",
		[]string{"host.TestCalls"}},
	29: {"renaming a class or a method drops what is queued for it, in silence", differs,
		"a handler is its file and function; what is dropped for a renamed one is logged",
		[]string{"host.TestQueueEventInAnotherCharm"}},
	30: {"a deferred event of a storage that is gone fails every later hook", differs,
		"it is dropped with a warning",
		[]string{"host.TestQueueEventWhoseSubjectIsGone", "host.TestRealDeferredEventWhoseSubjectIsGone"}},
	31: {"a deferred event of a relation that is gone is run with an inactive one; one that the charm no longer declares is dropped", differs,
		"both are dropped, with a warning",
		[]string{"host.TestEdgeDeferredWhileBroken", "host.TestQueueEventInAnotherCharm"}},
	32: {"actions, stop, remove, secret-rotate, secret-expired and lifecycle events cannot be deferred; update-status can", same, "",
		[]string{"host.TestRealRefusedDefers", "host.TestRealDeferrableEvents", "model.TestEventKinds"}},
	33: {"defer() does not return from the handler, which starts anew the next time", same, "",
		[]string{"host.TestEdgeDeferGoesOn"}},
	34: {"an action's parameters are asked for once an observer, dashes kept, and not without one", differs,
		"once a hook, when first read; dashes are kept", []string{"host.TestEdgeActionParameters"}},
	35: {"results are written as Python writes them, and their keys are checked", differs,
		"True, False and None are written so, lists as JSON; the keys are checked before anything is sent",
		[]string{"model.TestActions"}},
	36: {"fail() without a message passes an empty one", same, "",
		[]string{"host.TestFailWithoutAMessage"}},
	37: {"event.secret is another object each time, so its content is asked for each time", differs,
		"there is one value for a secret in a hook, and its content is asked for once",
		[]string{"secret.star:test_secret_changed"}},
	38: {"the storage of an event is the first one, whatever its index", differs,
		"it is the one that the event names", []string{"model.star:test_data_storage_attached"}},
	39: {"on[\"a-b\"] and on[\"a_b\"] are the same, and two names that differ in that alone break the charm", same, "",
		[]string{"model.TestEventsOfOneSubject", "model.TestMetadataMistakes"}},

	// Secrets, config, statuses.
	40: {"any \"not found\" of a secret tool is SecretNotFoundError, also that of a relation", differs,
		"the tool's whole answer is looked at: a relation that is gone is RelationNotFoundError",
		[]string{"secret.star:test_start__share_gone", "model.TestRefusals"}},
	41: {"new content does not show in get_content() until it is refreshed", same, "",
		[]string{"secret.star:test_start__changes", "host.TestRealSecrets"}},
	42: {"secret-set always says that the owner is the application", differs,
		"nothing is said of the owner of a secret that exists: Juju knows",
		[]string{"secret.star:test_start__ensure_own", "host.TestRealSecrets"}},
	43: {"a secret has two texts for its id", differs,
		"every id is written as secret:ID, and two handles of one secret are equal",
		[]string{"secret.star:test_start__names", "secret.star:test_secret_changed"}},
	44: {"before Juju 3.6 every change of a secret reads it first", differs,
		"the content is read to compare, and only what this hook set before is sent again",
		[]string{"secret.star:test_start__changes_old", "host.TestRealSecrets"}},
	45: {"a missing hook tool is a FileNotFoundError", differs,
		"a HookToolError, or a VersionError that names the Juju that has it",
		[]string{"model.TestCallsWithoutResult"}},
	46: {"load_config does not map aliases, and dashed ones never match", differs,
		"a field with an alias, or whose name has dashes in the metadata, is filled from it",
		[]string{"schema.star:test_start__options", "schema.star:test_backup_action__params"}},
	47: {"an option that is unset is a KeyError", differs,
		"None; an option that the metadata does not have is an error with the nearest name",
		[]string{"model.star:test_start__config"}},
	48: {"status-set gets its flag in Python's case and always a message", differs,
		"--application=false; the message is always there, as Juju wants it",
		[]string{"host.TestCalls"}},
	49: {"a follower that reads the application's status gets an exception and a critical security event", same,
		"", []string{"status.star:test_start__follower_app", "model.TestAppStatus"}},
	50: {"is_leader() is kept for 30 seconds", differs,
		"for the hook: nothing in it changes its mind", []string{"model.TestLeadershipIsAskedOnce"}},

	// Logging and the rest.
	51: {"an empty message is not logged, and long ones are cut by characters", differs,
		"by bytes, at a character's border, so that Linux takes every piece", []string{"model.TestLog"}},
	52: {"a juju-log that fails fails the hook", differs,
		"the line goes to standard error, and the hook goes on", []string{"host.TestEdgeLogThatFails"}},
	53: {"push_path and pull_path stop at the first failure in a source, and follow links", differs,
		"the copy goes on to its end and then tells of every failure; links to directories and out of the source are among them",
		[]string{"copypath.star:test_start__push_failures", "copypath.star:test_start__pull_failures"}},
	54: {"a range of opened ports shows as its first port", differs,
		"as the range that it is", []string{"model.TestPorts"}},
	55: {"set_ports closes before it opens, and takes a protocol as it is written", differs,
		"it closes first as well; protocols are lower-cased", []string{"model.TestPorts"}},
	56: {"a refusal that looks like one of authority is logged as a security event first", same, "",
		[]string{"model.TestDeniedCallsAreSecurityEvents"}},
	57: {"addresses may be host names, and some make the network unreadable", differs,
		"an address is text, and any answer of Juju's can be read", []string{"model.TestNetwork"}},
	58: {"each look-up of an undeclared name is another exception", differs,
		"all are the author's mistake, with the nearest name",
		[]string{"model.star:test_start__config", "model.star:test_start__storages", "model.star:test_start__resources", "model.star:test_start__containers", "relation.star:test_start__lookup"}},
	59: {"databags are looked up by the identity of units and applications", differs,
		"by value or by name", []string{"relation.star:test_start__lookup"}},
	60: {"set_default skips the check of types, nested values are checked at commit, and a list stays the charm's", differs,
		"every value is checked, with all that is in it, when it is assigned, and copied",
		[]string{"storedstate.star:test_start__not_plain", "storedstate.star:test_start__frozen"}},
	61: {"the state is a database of Python pickles", differs,
		"one JSON document in a file of its own; .unit-state.db is left alone", []string{"host.TestEdgeStateOfAPythonCharm"}},
	62: {"what Juju keeps is YAML in YAML, with a tag of Python's", differs,
		"JSON, in keys of its own", []string{"host.TestRealStateKeptByJuju", "host.TestQueueWithJuju"}},
	63: {"a storage's range that is a number crashes, and a peer hides an endpoint of the same name", differs,
		"the first is read, the second is refused", []string{"model.TestLoadPackedMetadata", "model.TestMetadataMistakes"}},
	64: {"a release candidate passes as the release", differs,
		"it lacks what came with the release", []string{"model.TestVersionGates"}},
	65: {"deprecated events warn in the log when they are made", differs,
		"they are events like others, without a word in the log",
		[]string{"model.star:test_leader_settings_changed__old", "model.star:test_pre_series_upgrade__old"}},
}

// TestEdges: there are 65, each with a test that exists, and a reason where
// something differs.
func TestEdges(t *testing.T) {
	require.Len(t, edges, 65+1)
	exists := allTests(t)
	for i, e := range edges[1:] {
		what := fmt.Sprintf("edge %d: %s", i+1, e.ops)
		assert.NotEmpty(t, e.ops, what)
		assert.Contains(t, []verdict{same, differs}, e.here, what)
		assert.Equal(t, e.here == differs, e.how != "", "%s: a reason for what differs, and only for that", what)
		assert.NotEmpty(t, e.tests, what)
		for _, test := range e.tests {
			assert.True(t, exists[test], "%s: there is no test %s", what, test)
		}
	}
}

// allTests are the Go tests of the module, by folder, and the tests in .star
// files.
func allTests(t *testing.T) map[string]bool {
	found := map[string]bool{}
	goTest := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	starTest := regexp.MustCompile(`(?m)^def (test_\w+)\(`)
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		pattern, prefix := goTest, filepath.Base(filepath.Dir(path))+"."
		switch {
		case strings.HasSuffix(path, ".star"):
			pattern, prefix = starTest, filepath.Base(path)+":"
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		case filepath.Dir(path) == ".":
			prefix = "host."
		}
		text, err := os.ReadFile(path)
		for _, match := range pattern.FindAllSubmatch(text, -1) {
			found[prefix+string(match[1])] = true
		}
		return err
	}))
	return found
}

const relatedCharm = `
-- charmcraft.yaml --
name: web
requires: {db: {interface: pgsql}}
actions: {tell: {params: {some-name: {type: string}}}}
-- charm.star --
on = framework.on
`

func relatedUnit(t *testing.T, script string) *simulatedUnit {
	u := newUnit(t, relatedCharm+script)
	u.state.Juju.Relations = []*modeltest.Relation{{ID: 1, Endpoint: "db", RemoteApp: "pg",
		RemoteAppData: map[string]string{"url": "x"}, RemoteUnitsData: map[int]map[string]string{0: {}}}}
	return u
}

func TestEdgeDatabagWhileLoading(t *testing.T) {
	u := relatedUnit(t, `print(catch(model.get_relation("db").data[model.app].get, "x")[1].kind)`+"\n")
	u.state.Juju.Leader = false
	assert.Equal(t, []string{"model.RelationDataAccessError"}, u.ok("start"))
}

func TestEdgeDeferredWhileBroken(t *testing.T) {
	u := relatedUnit(t, `
def on_changed(event):
    print(event.name, event.relation.active, model.relations["db"], dict(event.relation.data[event.app]))
    event.defer()
def on_start(event):
    print(event.name, model.relations["db"])
    event.defer()
framework.observe(on.db_relation_changed, on_changed)
framework.observe(on.start, on_start)
`)
	hook := func(name string) []string {
		o := u.event(modeltest.Event{Name: name})
		require.NoError(t, o.Err)
		return logged(o)
	}
	assert.Equal(t, []string{`db_relation_changed True [<relation db:1>] {"url": "x"}`}, hook("db-relation-changed"))
	assert.Equal(t, []string{"start [<relation db:1>]"}, u.ok("start")[1:])
	assert.Equal(t, []string{
		"WARNING Dropping the deferred event db_relation_changed for charm.star:on_changed: relation db:1 is gone.",
		"start []",
	}, hook("db-relation-broken"))
	assert.Equal(t, []string{"start on_start"}, u.deferred())
}

func TestEdgeDeferredInAnAction(t *testing.T) {
	u := relatedUnit(t, `
def on_start(event):
    print(event.name, framework.context.action_name)
    event.defer()
def on_tell(event):
    print(event.name)
framework.observe(on.start, on_start)
framework.observe(on.tell_action, on_tell)
`)
	assert.Equal(t, []string{"start None"}, u.ok("start"))
	assert.Equal(t, []string{"start tell", "tell_action"}, u.ok("tell-action"))
}

func TestEdgeDuplicates(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
-- lib.star --
def make(name):
    scope = framework.scope(name)
    changed = scope.define_event("changed", "what")
    ready = scope.define_event("ready", "what")
    return struct(changed = changed, ready = ready)
-- charm.star --
load("lib.star", "make")
one, two = make("one"), make("two")
def handle(event):
    print(event.name, event.what)
    event.defer()
def on_start(event):
    for source in [one.changed, one.ready, two.changed]:
        source.emit(what = "x")
framework.observe([one.changed, one.ready, two.changed], handle)
framework.observe(framework.on.start, on_start)
`)
	assert.Len(t, u.ok("start"), 3)
	assert.Len(t, u.deferred(), 3)
	assert.Len(t, u.ok("start"), 3, "each of them again, and none twice")
}

func TestEdgeDeferGoesOn(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
-- charm.star --
def on_start(event):
    print("from the top")
    event.defer()
    print("and on")
framework.observe(framework.on.start, on_start)
`)
	assert.Equal(t, []string{"from the top", "and on"}, u.ok("start"))
	assert.Equal(t, []string{"from the top", "and on"}, u.ok("update-status"))
}

func TestEdgeActionParameters(t *testing.T) {
	asked := func(o *simulate.Outcome) (times int) {
		require.NoError(t, o.Err)
		for _, call := range calls(o) {
			if strings.HasPrefix(call, "action-get") {
				times++
			}
		}
		return times
	}
	tell := modeltest.Event{Name: "tell", Action: true, Params: map[string]any{"some-name": "x"}}
	u := relatedUnit(t, `
def first(event):
    print(event.params["some-name"])
def second(event):
    print(event.params["some-name"])
framework.observe(on.tell_action, first)
framework.observe(on.tell_action, second)
`)
	o := u.event(tell)
	assert.Equal(t, 1, asked(o))
	assert.Equal(t, []string{"x", "x"}, logged(o))
	assert.Equal(t, 0, asked(relatedUnit(t, "").event(tell)))
}

func TestEdgeHookScript(t *testing.T) {
	u := newUnit(t, "-- charmcraft.yaml --\nname: web\n-- hooks/start --\n#!/bin/sh\nexit 3\n-- charm.star --\ndef f(event):\n    print(\"event\")\nframework.observe(framework.on.start, f)\n")
	assert.Equal(t, []string{"event"}, u.ok("start"))
}

func TestEdgeStateOfAPythonCharm(t *testing.T) {
	dir := t.TempDir()
	database := filepath.Join(dir, ".unit-state.db")
	require.NoError(t, os.WriteFile(database, []byte("SQLite format 3\x00"), 0o600))
	charm := loadArchive(t, "-- charmcraft.yaml --\nname: web\n-- charm.star --\nstored = storedstate.define(count = 0)\ndef f(event):\n    stored.count += 1\nframework.observe(framework.on.start, f)\n")
	options := dispatchOptions(t, new(bytes.Buffer), toolFunc(func(hooktool.Call) (hooktool.Result, error) {
		return hooktool.Result{Stdout: []byte("true")}, nil
	}))
	options.Store, options.Context.CharmDir = nil, dir
	require.NoError(t, charm.Dispatch(t.Context(), options))
	text, err := os.ReadFile(database)
	require.NoError(t, err)
	assert.Equal(t, "SQLite format 3\x00", string(text))
	text, err = os.ReadFile(filepath.Join(dir, ".starcharm-state.json"))
	require.NoError(t, err)
	assert.Contains(t, string(text), `"count":1`)
}

func TestEdgeLogThatFails(t *testing.T) {
	charm := loadArchive(t, "-- charmcraft.yaml --\nname: web\n-- charm.star --\ndef f(event):\n    print(\"a line\")\nframework.observe(framework.on.start, f)\n")
	var stderr bytes.Buffer
	options := dispatchOptions(t, &stderr, toolFunc(func(call hooktool.Call) (hooktool.Result, error) {
		if call.Name == "juju-log" {
			return hooktool.Result{Code: 1, Stderr: []byte("ERROR no log today")}, nil
		}
		return hooktool.Result{Stdout: []byte("true")}, nil
	}))
	require.NoError(t, charm.Dispatch(t.Context(), options))
	assert.Contains(t, stderr.String(), "INFO     a line\n")
}
