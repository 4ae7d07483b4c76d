package host_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// update rewrites the transcripts; read them before they are committed.
var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// everything is a charm that meets every event and follows every rule.
const everything = "../testdata/charms/everything"

// A unit is a charm under a genuine Juju unit agent.
type unit struct {
	*peers.JujuAgent
	t   testing.TB
	dir string
	// transcript is what happened, in a form that does not change from run to run.
	transcript strings.Builder
	// noted are the lines about the world that the transcript has last.
	noted map[string]string
}

// deploy starts an agent whose unit everything/0 runs the charm in dir, with one way of reaching the hook tools.
func deploy(t testing.TB, dir, tools string) *unit {
	t.Helper()
	u := &unit{JujuAgent: peers.Juju(t), t: t, dir: dir, noted: map[string]string{}}
	u.Env = map[string]string{"STARCHARM_HOOK_TOOLS": tools}
	u.SetWorld(peers.JujuWorld{
		Model:    peers.JujuModel{Name: "lab", UUID: "f47ac10b-58cc-4372-a567-0e02b2c3d479", Type: "caas"},
		Unit:     "everything/0",
		CharmDir: dir,
		Resources: map[string]peers.JujuResource{
			"seed": {Filename: "seed.txt", Content: "seed"},
		},
	})
	return u
}

// bothWays runs a test once with each way of reaching the hook tools.
func bothWays(t *testing.T, test func(t *testing.T, tools string)) {
	for _, tools := range []string{"rpc", "exec"} {
		t.Run(tools, func(t *testing.T) { test(t, tools) })
	}
}

// runs runs a hook, which is to succeed.
func (u *unit) runs(hook peers.JujuHook) peers.JujuOutcome {
	u.t.Helper()
	outcome := u.Hook(hook)
	u.note(u.title(hook), outcome)
	require.Empty(u.t, outcome.Error, "%s: %v", hook.Kind, outcome.Logs)
	require.True(u.t, outcome.Flushed, "%s", hook.Kind)
	require.Equal(u.t, "dispatch", outcome.Handler)
	return outcome
}

func (u *unit) hook(kind string) peers.JujuOutcome {
	u.t.Helper()
	return u.runs(peers.JujuHook{Kind: kind})
}

// fails runs a hook, which is to fail.
func (u *unit) fails(hook peers.JujuHook) peers.JujuOutcome {
	u.t.Helper()
	outcome := u.Hook(hook)
	u.note(u.title(hook), outcome)
	require.Equal(u.t, "exit status 1", outcome.Error, "%s: %v", hook.Kind, outcome.Logs)
	require.Equal(u.t, 1, outcome.Exit)
	require.False(u.t, outcome.Flushed, "%s", hook.Kind)
	return outcome
}

// relation runs a hook of a relation about a remote unit, or, without one, about its application.
func (u *unit) relation(id int, kind, app, remote string) peers.JujuOutcome {
	u.t.Helper()
	hook := peers.JujuHook{Kind: "relation-" + kind, RelationID: id, RemoteApp: app, RemoteUnit: remote}
	if kind == "departed" {
		hook.DepartingUnit = remote
	}
	return u.runs(hook)
}

// act runs an action.
func (u *unit) act(name string, params map[string]any) peers.JujuOutcome {
	u.t.Helper()
	outcome := u.Action(name, params)
	u.note(fmt.Sprintf("action %s %v", name, params), outcome)
	return outcome
}

// order sets the option that tells the charm's handlers what to do.
func (u *unit) order(words string) {
	u.t.Helper()
	u.Change(map[string]any{"config": map[string]any{"orders": words}})
}

// addresses are the keys that Juju itself puts into a unit's databag.
var addresses = []string{"egress-subnets", "ingress-address", "private-address"}

// databag is what the unit or application shows in a relation.
func (u *unit) databag(relation, owner string) map[string]string {
	if u.World.Relations[relation] == nil {
		return nil
	}
	bag := maps.Clone(u.World.Relations[relation].Data[owner])
	maps.DeleteFunc(bag, func(key, _ string) bool { return slices.Contains(addresses, key) })
	return bag
}

// state is the document in the charm's directory.
func (u *unit) state() string {
	u.t.Helper()
	raw, err := os.ReadFile(filepath.Join(u.dir, ".starcharm-state.json"))
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	require.NoError(u.t, err)
	return string(raw)
}

// title names a hook in the transcript.
func (u *unit) title(hook peers.JujuHook) string {
	raw, err := json.Marshal(hook)
	require.NoError(u.t, err)
	return string(raw)
}

// when is the time in a security event.
var when = regexp.MustCompile(`"datetime":"[^"]*"`)

// note writes down what a hook or an action did: what it asked of Juju besides logging, what it logged, and what of the world
// is not as it was at the note before.
func (u *unit) note(title string, outcome peers.JujuOutcome) {
	w := &u.transcript
	fmt.Fprintf(w, "== %s\n", title)
	last := ""
	for _, call := range outcome.Calls {
		// A tool that reads standard input shows twice when it is run as a program.
		line := strings.TrimSpace(call.Name + " " + strings.Join(call.Args, " "))
		if call.Name != "juju-log" && line != last {
			fmt.Fprintf(w, "> %s\n", line)
		}
		last = line
	}
	for _, line := range outcome.Logs {
		fmt.Fprintf(w, "%s %s\n", line.Level, when.ReplaceAllString(line.Message, `"datetime":…`))
	}
	if outcome.Error != "" {
		fmt.Fprintf(w, "%s\n", outcome.Error)
	}
	world := func(about, now string) {
		if u.noted[about] != now {
			u.noted[about] = now
			fmt.Fprintf(w, "%s: %s\n", about, now)
		}
	}
	world("unit status", u.World.UnitStatus.Status+" "+u.World.UnitStatus.Message)
	world("app status", u.World.AppStatus.Status+" "+u.World.AppStatus.Message)
	world("workload version", u.World.WorkloadVersion)
	world("ports", fmt.Sprint(u.World.Ports))
	for _, id := range slices.Sorted(maps.Keys(u.World.Relations)) {
		world("relation "+id, fmt.Sprintf("unit %v, app %v", u.databag(id, "everything/0"), u.databag(id, "everything")))
	}
	for _, id := range slices.Sorted(maps.Keys(u.World.Secrets)) {
		world("secret "+id, fmt.Sprintf("revisions %v", slices.Sorted(maps.Keys(u.World.Secrets[id].Revisions))))
	}
	if a := outcome.Action; a != nil {
		fmt.Fprintf(w, "action: %s %q, results %v, log %v\n", a.Status, a.Message, a.Results, a.Log)
	}
	fmt.Fprintln(w)
}

// secrets that the unit meets: its own, and one that it was granted.
const (
	ownSecret     = "9m4e2mr0ui3e8a215n4g"
	grantedSecret = "9m4e2mr0ui3e8a215n50"
)

// live takes the unit through every hook that Juju 3.5.1 runs, from install to remove.
func (u *unit) live() {
	u.t.Helper()
	change := func(patch map[string]any) { u.t.Helper(); u.Change(patch) }

	u.hook("install")
	change(map[string]any{"leader": true})
	u.hook("leader-elected")
	u.hook("config-changed")
	u.hook("start")

	change(map[string]any{"storages": map[string]any{
		"data/0":  map[string]any{"kind": "filesystem", "location": "/data/0"},
		"cache/1": map[string]any{"kind": "filesystem", "location": "/cache"},
	}})
	u.runs(peers.JujuHook{Kind: "storage-attached", StorageID: "data/0"})
	u.runs(peers.JujuHook{Kind: "storage-attached", StorageID: "cache/1"})
	u.runs(peers.JujuHook{Kind: "pebble-ready", Workload: "workload"})
	u.runs(peers.JujuHook{Kind: "pebble-ready", Workload: "side-car"})
	u.runs(peers.JujuHook{Kind: "pebble-custom-notice", Workload: "workload", NoticeID: "7", NoticeType: "custom", NoticeKey: "example.com/done"})

	change(map[string]any{"relations": map[string]any{
		"1": map[string]any{"endpoint": "db", "remote-app": "pg"},
		"2": map[string]any{"endpoint": "site", "remote-app": "proxy"},
		"3": map[string]any{"endpoint": "site", "remote-app": "cache"},
		"4": map[string]any{"endpoint": "cluster"},
		"5": map[string]any{"endpoint": "log-sink", "remote-app": "loki"},
	}})
	u.relation(1, "created", "pg", "")
	u.Join(1, "pg/0", map[string]string{"host": "10.0.0.1"})
	u.Write(1, "pg", map[string]string{"version": "14"})
	u.relation(1, "joined", "pg", "pg/0")
	u.relation(1, "changed", "pg", "pg/0")
	u.relation(1, "changed", "pg", "")
	u.relation(2, "created", "proxy", "")
	u.Join(3, "cache/0", map[string]string{"size": "1"})
	u.relation(3, "changed", "cache", "cache/0")
	u.relation(4, "created", "everything", "")
	u.Join(4, "everything/1", map[string]string{"peer": "yes"})
	u.relation(4, "joined", "everything", "everything/1")
	u.relation(5, "created", "loki", "")
	u.act("look", nil)

	change(map[string]any{"leader": false})
	u.hook("leader-deposed") // which charms do not know
	u.hook("leader-settings-changed")
	u.relation(4, "changed", "everything", "everything/1")
	u.relation(2, "changed", "proxy", "")
	u.Leave(1, "pg/0")
	u.relation(1, "departed", "pg", "pg/0")
	u.relation(1, "broken", "pg", "")
	change(map[string]any{"relations": map[string]any{"1": nil}})

	change(map[string]any{"secrets": map[string]any{
		ownSecret:     map[string]any{"owner": "everything/0", "label": "own", "latest": 2, "revisions": map[string]any{"1": map[string]string{"key": "old-key"}, "2": map[string]string{"key": "new-key"}}},
		grantedSecret: map[string]any{"owner": "pg", "latest": 1, "revisions": map[string]any{"1": map[string]string{"password": "s3cr3t-value"}}, "grants": map[string]any{"everything": map[string]any{"relation": "5"}}},
	}})
	u.runs(peers.JujuHook{Kind: "secret-changed", SecretURI: "secret:" + grantedSecret, SecretLabel: "granted"})
	u.runs(peers.JujuHook{Kind: "secret-rotate", SecretURI: "secret:" + ownSecret, SecretLabel: "own"})
	u.runs(peers.JujuHook{Kind: "secret-expired", SecretURI: "secret:" + ownSecret, SecretLabel: "own", SecretRevision: 2})
	u.runs(peers.JujuHook{Kind: "secret-remove", SecretURI: "secret:" + ownSecret, SecretLabel: "own", SecretRevision: 1})

	change(map[string]any{"config": map[string]any{"port": 9001, "title": "A title"}})
	u.hook("config-changed")
	u.act("echo", map[string]any{"count": 3, "deep": map[string]any{"list": []string{"a", "b"}}})
	u.act("refuse", nil)
	u.order("status:maintenance")
	u.hook("update-status")
	u.order("status:blocked status:maintenance")
	u.hook("upgrade-charm")
	u.order("")
	u.runs(peers.JujuHook{Kind: "pre-series-upgrade", TargetBase: "ubuntu@24.04"})
	u.hook("post-series-upgrade")
	u.hook("meter-status-changed")
	u.hook("collect-metrics")
	u.hook("update-status")
	u.runs(peers.JujuHook{Kind: "storage-detaching", StorageID: "data/0"})
	u.hook("stop")
	u.hook("remove")
}

// checkTranscript compares with the file of that name.
func checkTranscript(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join(everything, name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestRealEveryHookOfJuju(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		defer func() {
			if t.Failed() {
				t.Log(u.transcript.String())
			}
		}()
		u.live()
		checkTranscript(t, "life.txt", u.transcript.String())
	})
}
