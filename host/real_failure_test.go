package host_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// related adds the relation db:1 with pg/0 to the unit's world.
func (u *unit) related() {
	u.t.Helper()
	u.Change(map[string]any{"leader": true, "relations": map[string]any{"1": map[string]any{"endpoint": "db", "remote-app": "pg"}}})
	u.Join(1, "pg/0", map[string]string{"host": "10.0.0.1"})
}

// dbChanged is the hook that tells of pg/0's data.
var dbChanged = peers.JujuHook{Kind: "relation-changed", RelationID: 1, RemoteApp: "pg", RemoteUnit: "pg/0"}

// count is the stored number of events that the charm saw, -1 when there is none; queue names the deferred events, oldest first.
func parseState(t testing.TB, document string) (count int, queue []string) {
	t.Helper()
	var state struct {
		Stored   map[string]map[string]json.RawMessage
		Deferred []struct {
			Event, Scope, Handler string
			Data                  map[string]any
		}
	}
	require.NoError(t, json.Unmarshal([]byte(document), &state))
	count = -1
	if raw, ok := state.Stored["charm"]["count"]; ok {
		require.NoError(t, json.Unmarshal(raw, &count))
	}
	for _, n := range state.Deferred {
		name := n.Event
		if unit, ok := n.Data["unit_name"].(string); ok {
			name += " " + unit
		}
		queue = append(queue, name+" for "+n.Handler)
	}
	return count, queue
}

// at is the position, line:column, of a call or an operator of register.star: of the first ( or // in the line that starts so.
func at(t testing.TB, text string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(everything, "src", "register.star"))
	require.NoError(t, err)
	for i, line := range strings.Split(string(source), "\n") {
		if !strings.HasPrefix(strings.TrimLeft(line, " "), text) {
			continue
		}
		column := strings.Index(line, "//")
		if column < 0 {
			column = strings.Index(line, "(")
		}
		return fmt.Sprintf("%d:%d", i+1, column+1)
	}
	t.Fatalf("register.star has no line %q", text)
	return ""
}

// notes are the lines of a hook's log but those of its reconcilers, of status collection and of the commit.
func notes(outcome peers.JujuOutcome) []string {
	var lines []string
	for _, line := range outcome.Log() {
		_, text, _ := strings.Cut(line, " ")
		if relation, rest, ok := strings.Cut(text, ": "); ok && strings.Contains(relation, ":") {
			text = rest
		}
		if !strings.HasPrefix(text, "reconcile ") && !strings.HasPrefix(text, "at ") && text != "collect_app_status" {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestRealFailedHookChangesNothing(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		u.related()
		u.order("defer:update_status")
		u.hook("update-status")
		u.runs(dbChanged)
		before := u.state()
		count, queue := parseState(t, before)
		assert.Equal(t, []string{"update_status for src/register.star:see"}, queue)
		bag := u.databag("1", "everything/0")
		assert.Equal(t, strconv.Itoa(count), bag["count"])

		// The handlers write the databag and the stored state, and handle the deferred event, before one fails.
		u.order("misuse:db_relation_changed")
		for range 2 {
			failed := u.fails(dbChanged)
			assert.Equal(t, before, u.state())
			assert.Equal(t, bag, u.databag("1", "everything/0"))
			assert.Contains(t, failed.Log(), "INFO db:1: write everything/0: written")
			assert.Contains(t, failed.Log(), "ERROR db:1: Uncaught exception while in charm code:\n"+
				"Traceback (most recent call last):\n"+
				"  src/register.star:"+at(t, "fail(")+": in obey\n"+
				"    fail(\"ordered to fail in \" + event.name)\n"+
				"Error: ordered to fail in db_relation_changed")
			assert.Empty(t, failed.Stderr())
		}

		u.order("")
		retried := u.runs(dbChanged)
		assert.Contains(t, retried.Log(), "INFO db:1: see update_status")
		after, queue := parseState(t, u.state())
		assert.Equal(t, count+2, after, "the deferred event and the hook's own")
		assert.Empty(t, queue)
		assert.Equal(t, strconv.Itoa(after), u.databag("1", "everything/0")["count"])
	})
}

func TestRealDeferredEvents(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		u.related()
		u.Join(1, "pg/1", map[string]string{"host": "10.0.0.2"})
		u.Change(map[string]any{"storages": map[string]any{"data/0": map[string]any{"location": "/data/0"}}})
		pg1 := dbChanged
		pg1.RemoteUnit = "pg/1"
		attached := peers.JujuHook{Kind: "storage-attached", StorageID: "data/0"}

		u.order("defer:config_changed defer:db_relation_changed defer:data_storage_attached defer:data")
		assert.Contains(t, u.hook("config-changed").Log(), "INFO see: deferred config_changed, says True")
		u.runs(dbChanged)
		u.runs(attached)
		u.runs(pg1)
		queue := []string{
			"config_changed for src/register.star:see",
			"data for src/register.star:on_data",
			"db_relation_changed pg/0 for src/register.star:see",
			"data_storage_attached for src/register.star:see",
			"data for src/register.star:on_data",
			"db_relation_changed pg/1 for src/register.star:see",
		}
		_, got := parseState(t, u.state())
		assert.Equal(t, queue, got, "each unit's change is an event of its own")

		// An equal event is delivered once, to the notice that waits; its place in the queue stays.
		again := u.runs(dbChanged)
		saw := 0
		for _, line := range again.Log() {
			if line == "INFO db:1: see db_relation_changed relation=db:1 app=pg unit=pg/0" {
				saw++
			}
		}
		assert.Equal(t, 1, saw)
		_, got = parseState(t, u.state())
		assert.Equal(t, append(queue, "data for src/register.star:on_data"), got, "the library's event has another count")

		// Oldest first, and before the hook's own.
		u.order("")
		var order []string
		for _, line := range notes(u.hook("update-status")) {
			if words := strings.Fields(line); words[1] == "see" || words[1] == "data" {
				order = append(order, strings.Join(words[1:], " "))
			}
		}
		assert.Equal(t, []string{
			"see config_changed",
			`data of db: keys=["host"] count=1`,
			"see db_relation_changed relation=db:1 app=pg unit=pg/0",
			"see data_storage_attached storage=data/0 at /data/0",
			`data of db: keys=["host"] count=2`,
			"see db_relation_changed relation=db:1 app=pg unit=pg/1",
			`data of db: keys=["host"] count=3`,
			"see update_status",
		}, order)
		_, got = parseState(t, u.state())
		assert.Empty(t, got)
	})
}

func TestRealDeferredEventWhoseSubjectIsGone(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	u.related()
	u.Change(map[string]any{"storages": map[string]any{"data/0": map[string]any{"location": "/data/0"}}})
	u.order("defer:db_relation_changed defer:data_storage_attached defer:config_changed")
	u.runs(dbChanged)
	u.runs(peers.JujuHook{Kind: "storage-attached", StorageID: "data/0"})
	u.hook("config-changed")

	// The relation is broken: in that very hook it is not active any more.
	u.order("")
	u.Leave(1, "pg/0")
	u.Change(map[string]any{"storages": map[string]any{"data/0": nil}})
	broken := u.relation(1, "broken", "pg", "")
	u.Change(map[string]any{"relations": map[string]any{"1": nil}})
	var warnings []string
	for _, line := range broken.Log() {
		if strings.HasPrefix(line, "WARNING ") {
			warnings = append(warnings, line)
		}
	}
	assert.Equal(t, []string{
		"WARNING db:1: Dropping the deferred event db_relation_changed for src/register.star:see: relation db:1 is gone.",
		"WARNING db:1: Dropping the deferred event data_storage_attached for src/register.star:see: storage data/0 is gone.",
	}, warnings)
	assert.Contains(t, broken.Log(), "INFO db:1: see config_changed")
	_, queue := parseState(t, u.state())
	assert.Empty(t, queue)
}

// TestRealDeferrableEvents defers every event that can be: each is delivered again with what it was about.
func TestRealDeferrableEvents(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	u.related()
	u.Change(map[string]any{
		"storages": map[string]any{"data/0": map[string]any{"location": "/data/0"}},
		"secrets": map[string]any{
			ownSecret: map[string]any{"owner": "everything/0", "label": "own", "latest": 1, "revisions": map[string]any{"1": map[string]string{"key": "value"}}},
		},
	})
	pg := peers.JujuHook{RelationID: 1, RemoteApp: "pg"}
	secret := peers.JujuHook{SecretURI: "secret:" + ownSecret, SecretLabel: "own"}
	workload := peers.JujuHook{Workload: "workload", NoticeID: "7", NoticeType: "custom", NoticeKey: "example.com/done"}
	storage := peers.JujuHook{StorageID: "data/0"}
	var orders, want []string
	hooks := []struct {
		kind  string
		hook  peers.JujuHook
		event string
	}{
		{"install", peers.JujuHook{}, "install"},
		{"start", peers.JujuHook{}, "start"},
		{"config-changed", peers.JujuHook{}, "config_changed"},
		{"update-status", peers.JujuHook{}, "update_status"},
		{"upgrade-charm", peers.JujuHook{}, "upgrade_charm"},
		{"leader-elected", peers.JujuHook{}, "leader_elected"},
		{"leader-settings-changed", peers.JujuHook{}, "leader_settings_changed"},
		{"pre-series-upgrade", peers.JujuHook{TargetBase: "ubuntu@24.04"}, "pre_series_upgrade"},
		{"post-series-upgrade", peers.JujuHook{}, "post_series_upgrade"},
		{"collect-metrics", peers.JujuHook{}, "collect_metrics"},
		{"meter-status-changed", peers.JujuHook{}, "meter_status_changed"},
		{"relation-created", pg, "db_relation_created relation=db:1 app=pg unit=None"},
		{"relation-joined", dbChanged, "db_relation_joined relation=db:1 app=pg unit=pg/0"},
		{"relation-changed", dbChanged, "db_relation_changed relation=db:1 app=pg unit=pg/0"},
		{"relation-departed", peers.JujuHook{RelationID: 1, RemoteApp: "pg", RemoteUnit: "pg/0", DepartingUnit: "pg/0"},
			"db_relation_departed relation=db:1 app=pg unit=pg/0 departing_unit=pg/0"},
		{"storage-attached", storage, "data_storage_attached storage=data/0 at /data/0"},
		{"storage-detaching", storage, "data_storage_detaching storage=data/0 at /data/0"},
		{"pebble-ready", workload, "workload_pebble_ready workload=workload"},
		{"pebble-custom-notice", workload, "workload_pebble_custom_notice workload=workload notice=7/custom/example.com/done"},
		{"secret-changed", secret, "secret_changed secret=secret:" + ownSecret + "/own"},
		{"secret-remove", peers.JujuHook{SecretURI: secret.SecretURI, SecretLabel: "own", SecretRevision: 1},
			"secret_remove secret=secret:" + ownSecret + "/own revision=1"},
	}
	for _, h := range hooks {
		orders = append(orders, "defer:"+strings.Fields(h.event)[0])
		want = append(want, "see "+h.event)
	}
	u.order(strings.Join(orders, " "))
	for i, h := range hooks {
		h.hook.Kind = h.kind
		outcome := u.runs(h.hook)
		restricted := h.kind == "collect-metrics" || h.kind == "meter-status-changed"
		expected := want[:i+1]
		if restricted {
			expected = want[i : i+1] // no other event in a hook that has few tools
		}
		assert.Equal(t, expected, seen(outcome), h.kind)
		_, queue := parseState(t, u.state())
		assert.Len(t, queue, i+1, h.kind)
	}

	// The last hook of the relation is that of its end. What is left of it is still told.
	u.order("")
	u.Leave(1, "pg/0")
	u.Change(map[string]any{"leader": false})
	gone := []string{"see db_relation_created relation=db:1 app=pg unit=None", "see db_relation_joined relation=db:1 app=pg unit=pg/0", "see db_relation_changed relation=db:1 app=pg unit=pg/0"}
	want = slices.DeleteFunc(want, func(line string) bool { return slices.Contains(gone, line) })
	broken := u.relation(1, "broken", "pg", "")
	assert.Equal(t, append(want, "see db_relation_broken relation=db:1 app=pg unit=None"), seen(broken))
	_, queue := parseState(t, u.state())
	assert.Empty(t, queue)
}

// seen are the events that the charm saw in a hook.
func seen(outcome peers.JujuOutcome) []string {
	var events []string
	for _, line := range notes(outcome) {
		if _, event, ok := strings.Cut(line, "see "); ok && !strings.Contains(line, "see: ") {
			events = append(events, "see "+event)
		}
	}
	return events
}

// TestRealDamagedNotice has deferred events whose data a hand has been at.
func TestRealDamagedNotice(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	u.related()
	for _, c := range []struct{ event, data string }{
		{"db_relation_changed", `{}`},
		{"db_relation_changed", `null`},
		{"db_relation_changed", `[]`},
		{"db_relation_changed", `{"relation_id": -5}`},
		{"db_relation_changed", `{"relation_id": "x"}`},
		{"db_relation_changed", `{"relation_id": 1e300}`},
		{"db_relation_departed", `{}`},
		{"data_storage_attached", `{}`},
		{"data_storage_detaching", `{"storage_index": {}}`},
		{"workload_pebble_ready", `{}`},
		{"workload_pebble_ready", `{"container_name": "../../etc"}`},
		{"workload_pebble_custom_notice", `{"container_name": "workload"}`},
		{"secret_changed", `{}`},
		{"secret_remove", `{"id": 7}`},
	} {
		t.Run(c.event+c.data, func(t *testing.T) {
			document := fmt.Sprintf(`{"version":1,"deferred":[{"event":%q,"data":%s,"handler":"src/register.star:see"}]}`, c.event, c.data)
			require.NoError(t, os.WriteFile(filepath.Join(u.dir, ".starcharm-state.json"), []byte(document), 0o600))
			outcome := u.hook("update-status")
			assert.Contains(t, outcome.Log(), "WARNING Dropping the deferred event "+c.event+" for src/register.star:see: its data is damaged.")
			assert.Equal(t, []string{"see update_status"}, seen(outcome))
		})
	}
}

func TestRealUpgradeDropsWhatItDoesNotKnow(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	u.order("defer:config_changed")
	u.hook("config-changed")
	u.order("")
	// The new version calls its handler otherwise, and keeps more.
	path := filepath.Join(u.dir, "src", "register.star")
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	changed := strings.NewReplacer("def see(event)", "def watch(event)", "framework.observe(on.any, see)", "framework.observe(on.any, watch)",
		"    count = 0,", "    count = 0,\n    added = \"new\",").Replace(string(source))
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o644))
	upgraded := u.hook("upgrade-charm")
	assert.Equal(t, []string{
		"WARNING Dropping the deferred event config_changed for src/register.star:see: the charm has no such handler any more.",
		"INFO see upgrade_charm",
	}, notes(upgraded))
	count, queue := parseState(t, u.state())
	assert.Equal(t, 2, count)
	assert.Empty(t, queue)
}

func TestRealRefusedDefers(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	u.Change(map[string]any{"secrets": map[string]any{
		ownSecret: map[string]any{"owner": "everything/0", "label": "own", "latest": 1, "revisions": map[string]any{"1": map[string]string{"key": "value"}}},
	}})
	u.hook("install")
	before := u.state()
	secret := peers.JujuHook{SecretURI: "secret:" + ownSecret, SecretLabel: "own", SecretRevision: 1}
	for _, c := range []struct{ kind, event, reason string }{
		{"stop", "stop", "the unit is going away, no later hook would run it"},
		{"remove", "remove", "the unit is going away, no later hook would run it"},
		{"secret-rotate", "secret_rotate", "Juju fires secret-rotate again by itself"},
		{"secret-expired", "secret_expired", "Juju fires secret-expired again by itself"},
		{"", "look_action", "the user waits for its result"},
	} {
		t.Run(c.event, func(t *testing.T) {
			u.order("defer:" + c.event)
			hook := peers.JujuHook{Kind: c.kind}
			if strings.HasPrefix(c.kind, "secret-") {
				hook = secret
				hook.Kind = c.kind
			}
			var outcome peers.JujuOutcome
			if c.kind == "" {
				outcome = u.act("look", nil)
			} else {
				outcome = u.fails(hook)
			}
			last := outcome.Log()[len(outcome.Log())-2]
			assert.True(t, strings.HasPrefix(last, "ERROR "), last)
			assert.True(t, strings.HasSuffix(last, "Error: cannot defer "+c.event+": "+c.reason), last)
			assert.Equal(t, before, u.state())
		})
	}
}

func TestRealActionThatFailsByMistake(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		u.hook("install")
		before := u.state()

		crashed := u.act("crash", nil)
		stderr := "Uncaught Error in charm code: floored division by zero\nUse `juju debug-log` to see the full traceback."
		assert.Equal(t, stderr, crashed.Stderr())
		assert.Equal(t, "failed", crashed.Action.Status)
		assert.Equal(t, "exit status 1", crashed.Action.Message)
		assert.Equal(t, map[string]any{"before": "yes", "return-code": 1.0, "stderr": stderr + "\n"}, crashed.Action.Results)
		assert.Contains(t, crashed.Log(), "ERROR Uncaught exception while in charm code:\n"+
			"Traceback (most recent call last):\n"+
			"  src/register.star:"+at(t, "deeper(0)")+": in on_crash\n    deeper(0)\n"+
			"  src/register.star:"+at(t, "return 1 // n")+": in deeper\n    return 1 // n\n"+
			"Error: floored division by zero")
		assert.Equal(t, before, u.state())

		u.order("misuse:look_action")
		failed := u.act("look", nil)
		assert.Equal(t, "Uncaught Error in charm code: ordered to fail in look_action\nUse `juju debug-log` to see the full traceback.", failed.Stderr())

		thrown := u.act("throw", nil)
		assert.Equal(t, "Uncaught model.ModelError in charm code: nobody catches this\nUse `juju debug-log` to see the full traceback.", thrown.Stderr())
		assert.Equal(t, before, u.state())
	})
}

// TestRealCharmThatCannotBeLoaded has a mistake in a file: every hook fails and says where it is.
func TestRealCharmThatCannotBeLoaded(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	require.NoError(t, os.WriteFile(filepath.Join(u.dir, "lib", "describe.star"), []byte("def describe(event):\n    return evnt\n"), 0o644))
	failed := u.fails(peers.JujuHook{Kind: "install"})
	require.NotEmpty(t, failed.Log())
	assert.True(t, strings.HasPrefix(failed.Log()[0], "ERROR "), failed.Log()[0])
	assert.Contains(t, failed.Log()[0], "lib/describe.star:2:12")
	assert.Contains(t, failed.Log()[0], "undefined: evnt")
	acted := u.act("look", nil)
	assert.Contains(t, acted.Stderr(), "Use `juju debug-log` to see the full traceback.")
}

// TestRealStoppedHook ends a hook by SIGTERM while it waits for the network, and while it computes. The process dies of the signal,
// which tells Juju to run the hook again, and nothing is saved.
func TestRealStoppedHook(t *testing.T) {
	for _, path := range []string{"/wait", "/compute"} {
		t.Run(path[1:], func(t *testing.T) {
			u := deploy(t, packed(t, everything), "rpc")
			u.hook("install")
			before := u.state()
			called := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/compute" {
					_, _ = io.WriteString(w, "go on")
					w.(http.Flusher).Flush()
				}
				close(called)
				if r.URL.Path == "/wait" {
					<-r.Context().Done()
				}
			}))
			defer server.Close()
			u.Change(map[string]any{"config": map[string]any{"orders": "hang:update_status", "title": server.URL + path}})

			type result struct {
				outcome peers.JujuOutcome
				err     error
			}
			ended := make(chan result, 1)
			go func() {
				outcome, err := u.TryHook(peers.JujuHook{Kind: "update-status"})
				ended <- result{outcome, err}
			}()
			select {
			case <-called:
			case r := <-ended:
				t.Fatalf("the hook ended by itself: %+v", r)
			}
			begin := time.Now()
			require.NoError(t, syscall.Kill(processOf(t, filepath.Join(u.dir, "dispatch")), syscall.SIGTERM))
			r := <-ended
			require.NoError(t, r.err)
			assert.Less(t, time.Since(begin), 5*time.Second)
			assert.Equal(t, "terminated", r.outcome.Error, "what Juju says of a hook that died of SIGTERM")
			assert.False(t, r.outcome.Flushed)
			assert.Equal(t, before, u.state())
			assert.NotContains(t, strings.Join(r.outcome.Log(), "\n"), "ERROR", "it is no fault of the charm")
			assert.True(t, strings.HasPrefix(r.outcome.Stderr(), "The hook was stopped: "), r.outcome.Stderr())
			assert.True(t, strings.HasSuffix(r.outcome.Stderr(), "stopped by terminated. Nothing was saved."), r.outcome.Stderr())

			u.order("")
			u.hook("update-status")
		})
	}
}

// processOf is the process that runs the program at path.
func processOf(t testing.TB, path string) int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	for _, link := range links {
		target, err := os.Readlink(link)
		if err == nil && target == path {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			require.NoError(t, err)
			return pid
		}
	}
	t.Fatalf("no process runs %s", path)
	return 0
}

func TestRealStateKeptByJuju(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		dir := packed(t, everything)
		require.NoError(t, os.Rename(filepath.Join(dir, "src", "charm_juju_storage.star"), filepath.Join(dir, "src", "charm.star")))
		u := deploy(t, dir, tools)
		u.related()
		const key = "starcharm-state"

		u.order("defer:update_status")
		u.hook("update-status")
		u.order("misuse:db_relation_changed")
		before := u.World.State
		require.Contains(t, before, key)
		count, queue := parseState(t, before[key])
		assert.Equal(t, 1, count)
		assert.Equal(t, []string{"update_status for src/register.star:see"}, queue)

		u.fails(dbChanged)
		assert.Equal(t, before, u.World.State)
		u.order("")
		u.runs(dbChanged)
		count, queue = parseState(t, u.World.State[key])
		assert.Equal(t, 3, count)
		assert.Empty(t, queue)

		// Where Juju keeps no state, the charm does not run.
		for _, kind := range []string{"collect-metrics", "meter-status-changed"} {
			event := strings.ReplaceAll(kind, "-", "_")
			assert.Equal(t, []string{"DEBUG Juju keeps no state in " + event + ": nothing is run."}, u.hook(kind).Log())
		}
		count, _ = parseState(t, u.World.State[key])
		assert.Equal(t, 3, count)
		assert.NoFileExists(t, filepath.Join(dir, ".starcharm-state.json"))
		assert.NoFileExists(t, filepath.Join(dir, ".starcharm-state.lock"))
	})
}

// TestRealEndlessRecursion has a function that calls itself without end: a mistake like any other, told as such.
func TestRealEndlessRecursion(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	u.hook("install")
	before := u.state()
	u.order("recurse:update_status")
	failed := u.fails(peers.JujuHook{Kind: "update-status"})
	assert.Empty(t, failed.Stderr())
	message := failed.Log()[len(failed.Log())-2]
	assert.Contains(t, message, "in endless")
	assert.Contains(t, message, "Error: Starlark stack overflow")
	assert.Less(t, len(message), 10_000)
	assert.Equal(t, before, u.state())
}

// TestRealLargeStateKeptByJuju stores more than Juju takes as one value, and then less again.
func TestRealLargeStateKeptByJuju(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		dir := packed(t, everything)
		require.NoError(t, os.Rename(filepath.Join(dir, "src", "charm_juju_storage.star"), filepath.Join(dir, "src", "charm.star")))
		u := deploy(t, dir, tools)
		path := filepath.Join(dir, "src", "register.star")
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		const line = "    extra.last = event.name\n"
		const large = "x✓ \\\"\n# 1: " // of several bytes, and what YAML might take for its own

		u.hook("install")
		replace(t, path, line, "    extra.last = "+strconv.Quote(large)+" * 20000 + event.name\n")
		u.hook("update-status")
		assert.Greater(t, len(u.World.State), 3)
		replace(t, path, line[:len(line)-len("event.name\n")]+strconv.Quote(large)+" * 20000 + event.name\n",
			"    log.info(\"kept: %s\", extra.last == "+strconv.Quote(large)+" * 20000 + \"update_status\")\n"+line)
		assert.Contains(t, u.hook("config-changed").Log(), "INFO kept: True")
		assert.Len(t, u.World.State, 1)
		require.NoError(t, os.WriteFile(path, source, 0o644))
		u.hook("update-status")
		count, _ := parseState(t, u.World.State["starcharm-state"])
		assert.Equal(t, 4, count)
	})
}

// TestRealRestrictedContexts runs collect-metrics and meter-status-changed as Juju's metrics workers do: with a few
// variables, the unit's tag for its name, and few tools.
func TestRealRestrictedContexts(t *testing.T) {
	source := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(source, "charmcraft.yaml"), []byte("name: everything\nsummary: s\ndescription: d\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(source, "metrics.yaml"), []byte("metrics: {users: {type: gauge, description: d}}\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(source, "charm.star"), []byte(`
stored = storedstate.define(seen = [])

def see(event):
    stored.seen = stored.seen + [event.name]
    log.info("%s on %s of %s", event.name, model.unit.name, model.app.name)
    if event.name == "collect_metrics":
        event.add_metrics({"users": 3})

def never(event):
    fail("not in a restricted context")

framework.observe([framework.on.collect_metrics, framework.on.meter_status_changed], see)
framework.observe(framework.on.collect_unit_status, never)
framework.reconcile(never)
`), 0o600))
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, source), tools)
		for _, kind := range []string{"collect-metrics", "meter-status-changed"} {
			o := u.runs(peers.JujuHook{Kind: kind, Restricted: true})
			assert.Contains(t, o.Log(), "INFO "+strings.ReplaceAll(kind, "-", "_")+" on everything/0 of everything")
		}
		require.Len(t, u.World.Metrics, 1)
		assert.Contains(t, u.state(), "meter_status_changed")
	})
}
