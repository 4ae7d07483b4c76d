package peers_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

const metadata = `
name: web
summary: A charm for tests.
description: A charm for tests.
containers:
  web: {}
requires:
  db:
    interface: postgresql
provides:
  site:
    interface: http
peers:
  cluster:
    interface: web-cluster
storage:
  data:
    type: filesystem
    multiple:
      range: 0-
resources:
  seed:
    type: file
    filename: seed.txt
  image:
    type: oci-image
`

// files is a charm that a shell can be.
func files(dispatch string) map[string]string {
	return map[string]string{
		"metadata.yaml": metadata,
		"manifest.yaml": "bases: [{name: ubuntu, channel: 22.04/stable, architectures: [amd64]}]\n",
		"config.yaml": `
options:
  port:
    type: int
    default: 8000
    description: The port.
  title:
    type: string
    description: No default.
`,
		"actions.yaml": `
greet:
  description: Greets.
  params:
    name:
      type: string
  required: [name]
`,
		"dispatch": "#!/bin/sh\nset -e\n" + dispatch,
	}
}

func world(dispatch string) peers.JujuWorld {
	return peers.JujuWorld{
		Model:      peers.JujuModel{Name: "lab", UUID: "f47ac10b-58cc-4372-a567-0e02b2c3d479", Type: "caas"},
		Unit:       "web/0",
		CharmFiles: files(dispatch),
	}
}

func call(name string, args ...string) peers.JujuCall { return peers.JujuCall{Name: name, Args: args} }

func input(c peers.JujuCall, stdin string) peers.JujuCall {
	c.Stdin = &stdin
	return c
}

// TestLifeOfAUnit takes a charm written in shell from install to remove.
func TestLifeOfAUnit(t *testing.T) {
	agent := peers.Juju(t)
	w := world(`
juju-log "$JUJU_DISPATCH_PATH"
case "$JUJU_DISPATCH_PATH" in
hooks/install) status-set maintenance installing; application-version-set 1.0 ;;
hooks/start) open-port "$(config-get port)"; state-set started=yes ;;
hooks/config-changed) echo "port $(config-get port)"; test -z "$(config-get title)" ;;
hooks/leader-elected) test "$(is-leader)" = True; status-set --application active leading ;;
hooks/db-relation-created) relation-set database=names ;;
hooks/db-relation-joined) test "$(relation-list)" = "$JUJU_REMOTE_UNIT" ;;
hooks/db-relation-changed) status-set active "$(relation-get host "$JUJU_REMOTE_UNIT")/$(relation-get --app version "$JUJU_REMOTE_APP")" ;;
hooks/db-relation-departed) test -z "$(relation-list)"; test "$JUJU_DEPARTING_UNIT" = db/0 ;;
hooks/db-relation-broken) status-set waiting database ;;
actions/greet) action-log greeting; action-set text="hello $(action-get name)" ;;
hooks/update-status) relation-ids db >&2; state-set lost=yes; status-set blocked failing; exit 3 ;;
hooks/upgrade-charm) state-get started ;;
hooks/stop) close-port 8000 ;;
esac
`)
	w.Relations = map[string]*peers.JujuRelation{}
	agent.SetWorld(w)

	succeeds := func(outcome peers.JujuOutcome) peers.JujuOutcome {
		t.Helper()
		require.Empty(t, outcome.Error, "logs: %v", outcome.Logs)
		assert.True(t, outcome.Flushed)
		assert.Equal(t, "dispatch", outcome.Handler)
		return outcome
	}
	hook := func(kind string) peers.JujuOutcome {
		t.Helper()
		return succeeds(agent.Hook(peers.JujuHook{Kind: kind}))
	}

	assert.Equal(t, []string{"INFO hooks/install"}, hook("install").Log())
	assert.Equal(t, peers.JujuStatus{Status: "maintenance", Message: "installing"}, agent.World.UnitStatus)
	assert.Equal(t, "1.0", agent.World.WorkloadVersion)

	hook("start")
	assert.Equal(t, []peers.JujuPort{{Protocol: "tcp", From: 8000, To: 8000}}, agent.World.Ports)
	assert.Equal(t, map[string]string{"started": "yes"}, agent.World.State)

	assert.Equal(t, "port 8000", hook("config-changed").Stdout())
	agent.Change(map[string]any{"config": map[string]any{"port": 9000}})
	assert.Equal(t, "port 9000", hook("config-changed").Stdout())
	agent.Change(map[string]any{"config": map[string]any{"port": nil}})

	agent.Change(map[string]any{"leader": true})
	hook("leader-elected")
	assert.Equal(t, "leading", agent.World.AppStatus.Message)

	relation := func(kind, unit string) peers.JujuOutcome {
		t.Helper()
		h := peers.JujuHook{Kind: "relation-" + kind, RelationID: 3, RemoteApp: "db", RemoteUnit: unit}
		if kind == "departed" {
			h.DepartingUnit = unit
		}
		return succeeds(agent.Hook(h))
	}
	agent.Change(map[string]any{"relations": map[string]any{"3": map[string]any{"endpoint": "db", "remote-app": "db"}}})
	created := relation("created", "")
	assert.Equal(t, map[string]string{"database": "names"}, agent.World.Relations["3"].Data["web/0"])
	id, _ := created.Getenv("JUJU_RELATION_ID")
	assert.Equal(t, "db:3", id)
	agent.Join(3, "db/0", map[string]string{"host": "10.0.0.1"})
	relation("joined", "db/0")
	agent.Write(3, "db", map[string]string{"version": "14"})
	relation("changed", "db/0")
	assert.Equal(t, "10.0.0.1/14", agent.World.UnitStatus.Message)
	agent.Leave(3, "db/0")
	relation("departed", "db/0")
	relation("broken", "")
	agent.Change(map[string]any{"relations": map[string]any{"3": nil}})
	assert.Empty(t, agent.World.Relations)
	assert.Equal(t, "waiting", agent.World.UnitStatus.Status)

	greeted := succeeds(agent.Action("greet", map[string]any{"name": "you"})).Action
	assert.Equal(t, "completed", greeted.Status)
	assert.Equal(t, "hello you", greeted.Results["text"])
	assert.Equal(t, []string{"greeting"}, greeted.Log)
	_, err := agent.TryAction("greet", nil)
	assert.ErrorContains(t, err, "validation failed")

	// A failing hook keeps its status, which took effect at once, and loses what waits for its end. Then it is retried.
	failed := agent.Hook(peers.JujuHook{Kind: "update-status"})
	assert.Equal(t, "exit status 3", failed.Error)
	assert.Equal(t, 3, failed.Exit)
	assert.False(t, failed.Flushed)
	assert.Equal(t, "blocked", agent.World.UnitStatus.Status)
	assert.NotContains(t, agent.World.State, "lost")
	retried := agent.Hook(peers.JujuHook{Kind: "update-status"})
	assert.Equal(t, failed.Error, retried.Error)

	// The new version of the charm drops what the old one had; what the charm wrote itself stays.
	dir, _ := created.Getenv("JUJU_CHARM_DIR")
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".state"), []byte("kept\n"), 0o600))
	agent.Change(map[string]any{"charm-files": map[string]any{
		"actions.yaml": nil,
		"dispatch":     w.CharmFiles["dispatch"] + "cat .state",
	}})
	upgraded := hook("upgrade-charm")
	assert.Equal(t, "yes\nkept", upgraded.Stdout())
	_, err = agent.TryAction("greet", map[string]any{"name": "you"})
	assert.ErrorContains(t, err, "not defined")

	hook("stop")
	assert.Empty(t, agent.World.Ports)
	hook("remove")
}

// TestToolsAnswerTheSameOverRPCAndExec calls one tool after the other, both ways.
func TestToolsAnswerTheSameOverRPCAndExec(t *testing.T) {
	calls := []peers.JujuCall{
		call("config-get", "--format=json"),
		call("config-get", "--format=json", "--all"),
		call("relation-ids", "db", "--format=json"),
		call("relation-list", "-r", "3", "--format=json"),
		call("relation-list", "-r", "3", "--app", "--format=json"),
		call("relation-get", "-r", "3", "-", "db/0", "--format=json"),
		input(call("relation-set", "-r", "3", "--file", "-"), "user: anna\n"),
		call("relation-get", "-r", "3", "-", "web/0"),
		call("relation-get", "-r", "3", "-", "db/7"),
		call("relation-get", "-r", "3", "-", "other/0"),
		call("relation-get", "-r", "9", "-", "db/0"),
		call("is-leader", "--format=json"),
		call("network-get", "db", "--format=json"),
		call("network-get", "nothing"),
		call("storage-list", "--format=json"),
		call("storage-get", "-s", "data/0", "--format=json"),
		call("resource-get", "seed"),
		call("resource-get", "nothing"),
		call("goal-state", "--format=json"),
		call("status-get", "--include-data", "--format=json"),
		call("open-port", "8080"),
		call("opened-ports"),
		call("unit-get", "private-address"),
		call("credential-get"),
		call("state-get", "none"),
		call("secret-get", "--label", "none"),
		call("action-get"),
		call("relation-set", "-r", "x"),
	}
	answers := func(via string) []peers.JujuResult {
		agent := peers.Juju(t)
		w := world("")
		w.Model.Type = "iaas"
		w.Leader = true
		w.Config = map[string]any{"port": 80}
		w.PrivateAddress = "10.1.0.1"
		w.Relations = map[string]*peers.JujuRelation{"3": {
			Endpoint: "db", RemoteApp: "db", Members: []string{"db/0"},
			Data: map[string]map[string]string{"db/0": {"host": "10.0.0.1"}},
		}}
		w.Networks = map[string]peers.JujuNetwork{"db": {
			BindAddresses:    []peers.JujuInterface{{Name: "eth0", Addresses: []peers.JujuAddress{{Value: "10.1.0.1", CIDR: "10.1.0.0/24"}}}},
			IngressAddresses: []string{"10.1.0.1"}, EgressSubnets: []string{"10.1.0.1/32"},
		}}
		w.Storages = map[string]peers.JujuStorage{"data/0": {Location: "/data"}}
		w.Resources = map[string]peers.JujuResource{"seed": {Content: "seed", Filename: "seed.txt"}}
		since := time.Unix(0, 0).UTC()
		w.GoalState = &peers.JujuGoalState{Units: map[string]peers.JujuGoal{"web/0": {Status: "active", Since: &since}}}
		agent.SetWorld(w)
		for i := range calls {
			calls[i].Via = via
		}
		outcome := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "config-changed"}, Calls: calls})
		require.True(t, outcome.Flushed, outcome.Error)
		assert.Equal(t, "anna", agent.World.Relations["3"].Data["web/0"]["user"])
		assert.Equal(t, "10.1.0.1", agent.World.Relations["3"].Data["web/0"]["ingress-address"])

		dir, _ := outcome.Getenv("JUJU_CHARM_DIR")
		for i := range outcome.Results {
			outcome.Results[i].Stdout = strings.ReplaceAll(outcome.Results[i].Stdout, filepath.Dir(dir), "AGENT")
		}
		return outcome.Results
	}
	rpc, exec := answers("rpc"), answers("exec")
	for i, c := range calls {
		assert.Equal(t, rpc[i], exec[i], "%s %v", c.Name, c.Args)
	}

	stdout := func(i int) string { return rpc[i].Stdout }
	assert.Equal(t, "{\"port\":80}\n", stdout(0))
	assert.Equal(t, "{\"port\":80,\"title\":null}\n", stdout(1))
	assert.Equal(t, "[\"db:3\"]\n", stdout(2))
	assert.Equal(t, "{\"host\":\"10.0.0.1\"}\n", stdout(5))
	assert.Equal(t, "user: anna\n", stdout(7))
	assert.Contains(t, rpc[9].Stderr, "ERROR permission denied")
	assert.Contains(t, rpc[10].Stderr, `ERROR invalid value "9" for option -r: relation not found`)
	assert.Contains(t, stdout(12), `"ingress-addresses":["10.1.0.1"]`)
	assert.Contains(t, rpc[13].Stderr, `no network config found for binding "nothing"`)
	assert.JSONEq(t, `{"kind":"filesystem","location":"/data"}`, stdout(15))
	assert.Equal(t, "AGENT/resources/seed.txt", stdout(16), rpc[16].Stderr)
	assert.Contains(t, rpc[17].Stderr, "could not download resource")
	assert.Equal(t, "8080/tcp\n", stdout(21))
	assert.Contains(t, rpc[23].Stderr, "permission denied")
	assert.Contains(t, rpc[25].Stderr, `consumer label "none" not found`)
	assert.Equal(t, 2, rpc[27].Code)
}

// TestWhoMaySeeAndWriteDatabags is about leaders, followers and peers.
func TestWhoMaySeeAndWriteDatabags(t *testing.T) {
	agent := peers.Juju(t)
	w := world("")
	w.Relations = map[string]*peers.JujuRelation{
		"1": {Endpoint: "cluster", Members: []string{"web/1"}, Data: map[string]map[string]string{"web": {"key": "shared"}, "web/1": {"up": "yes"}}},
		"3": {Endpoint: "db", RemoteApp: "db"},
	}
	agent.SetWorld(w)
	follower := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "update-status"}, Calls: []peers.JujuCall{
		call("relation-get", "-r", "1", "--app", "-", "web"),
		call("relation-get", "-r", "1", "-", "web/1"),
		call("relation-get", "-r", "3", "--app", "-", "web"),
		call("relation-set", "-r", "3", "--app", "a=b"),
		call("leader-set", "a=b"),
		call("status-set", "--application", "active"),
	}})
	assert.Equal(t, "key: shared\n", follower.Results[0].Stdout)
	assert.Equal(t, "up: \"yes\"\n", follower.Results[1].Stdout)
	assert.Contains(t, follower.Results[2].Stderr, "ERROR permission denied")
	assert.Contains(t, follower.Results[3].Stderr, "ERROR cannot write relation settings")
	assert.Contains(t, follower.Results[4].Stderr, "cannot write settings: not the leader")
	assert.Contains(t, follower.Results[5].Stderr, "this unit is not the leader")
	assert.Zero(t, follower.Commits)

	agent.Change(map[string]any{"leader": true})
	leader := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "update-status"}, Calls: []peers.JujuCall{
		call("relation-set", "-r", "3", "--app", "a=b"),
		call("relation-get", "-r", "3", "--app", "-", "web"),
		call("relation-set", "-r", "1", "--app", "key="),
	}})
	assert.Equal(t, "a: b\n", leader.Results[1].Stdout)
	assert.Equal(t, map[string]string{"a": "b"}, agent.World.Relations["3"].Data["web"])
	assert.Empty(t, agent.World.Relations["1"].Data["web"])
}

// TestSecrets follows secrets of the unit, of its application, and of others.
func TestSecrets(t *testing.T) {
	const foreign = "d0erdgfmp25c762i8np0"
	agent := peers.Juju(t)
	w := world("")
	w.Leader = true
	w.Relations = map[string]*peers.JujuRelation{"3": {Endpoint: "db", RemoteApp: "db", Members: []string{"db/0"}}}
	w.Secrets = map[string]*peers.JujuSecret{
		foreign: {
			Owner: "db", Latest: 1, Revisions: map[int]map[string]string{1: {"password": "one"}},
			Grants: map[string]peers.JujuGrant{"web": {Relation: "3"}},
		},
		"d0erdgfmp25c762i8npg": {Owner: "db", Latest: 1, Revisions: map[int]map[string]string{1: {"password": "hidden"}}},
	}
	agent.SetWorld(w)
	tools := func(calls ...peers.JujuCall) peers.JujuOutcome {
		t.Helper()
		outcome := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "update-status"}, Calls: calls})
		require.True(t, outcome.Flushed, "%s %v", outcome.Error, outcome.Results)
		return outcome
	}

	// Others' secrets: a revision is tracked until the unit refreshes; a label may stand for the URI.
	got := tools(call("secret-get", foreign, "--label", "db-password"), call("secret-get", "d0erdgfmp25c762i8npg"))
	assert.Equal(t, "password: one\n", got.Results[0].Stdout)
	assert.Contains(t, got.Results[1].Stderr, "ERROR permission denied")
	assert.Equal(t, peers.JujuConsumer{Label: "db-password", Revision: 1}, agent.World.Secrets[foreign].Consumers["web/0"])
	agent.Change(map[string]any{"secrets": map[string]any{foreign: map[string]any{
		"latest": 2, "revisions": map[string]any{"2": map[string]any{"password": "two"}},
	}}})
	got = tools(
		call("secret-get", "--label", "db-password"), call("secret-get", foreign, "--peek"),
		call("secret-get", foreign), call("secret-get", foreign, "--refresh"), call("secret-get", foreign),
	)
	var read []string
	for _, result := range got.Results {
		read = append(read, strings.TrimSpace(result.Stdout))
	}
	assert.Equal(t, []string{"password: one", "password: two", "password: one", "password: two", "password: two"}, read)

	// The application's own: nothing is there before the hook's end, then the grant is in the relation's scope.
	got = tools(call("secret-add", "token=abc", "--label", "api", "--description", "of the API", "--rotate", "daily"))
	uri := strings.TrimSpace(got.Results[0].Stdout)
	id := uri[strings.LastIndexAny(uri, ":/")+1:]
	own := agent.World.Secrets[id]
	require.NotNil(t, own, "%s in %v", id, slices.Collect(maps.Keys(agent.World.Secrets)))
	assert.Equal(t, "web", own.Owner)
	assert.Equal(t, map[int]map[string]string{1: {"token": "abc"}}, own.Revisions)
	assert.Equal(t, "daily", own.Rotate)
	assert.NotNil(t, own.NextRotate)

	got = tools(
		call("secret-grant", uri, "-r", "3"), input(call("secret-set", uri, "token=def"), ""),
		call("secret-ids"), call("secret-info-get", uri, "--format=json"),
	)
	assert.Equal(t, map[string]peers.JujuGrant{"db": {Relation: "3"}}, agent.World.Secrets[id].Grants)
	assert.Equal(t, 2, agent.World.Secrets[id].Latest)
	assert.Contains(t, got.Results[3].Stdout, `"label":"api"`)
	tools(call("secret-revoke", uri, "--app", "db"))
	assert.Empty(t, agent.World.Secrets[id].Grants)
	tools(call("secret-remove", uri, "--revision", "1"))
	assert.Equal(t, map[int]map[string]string{2: {"token": "def"}}, agent.World.Secrets[id].Revisions)

	// A second secret with the label is refused at the commit, and the hook fails.
	refused := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "update-status"}, Calls: []peers.JujuCall{
		call("secret-add", "token=abc", "--label", "api"), call("state-set", "a=b"),
	}})
	assert.False(t, refused.Flushed)
	assert.Contains(t, refused.Error, `creating secrets: secret with label "api" already exists`)
	assert.Empty(t, agent.World.State)

	due := *agent.World.Secrets[id].NextRotate
	rotated := agent.Hook(peers.JujuHook{Kind: "secret-rotate", SecretURI: uri})
	label, _ := rotated.Getenv("JUJU_SECRET_LABEL")
	assert.Equal(t, "api", label)
	assert.Equal(t, 1, agent.World.Secrets[id].Rotated)
	assert.Equal(t, 24*time.Hour, agent.World.Secrets[id].NextRotate.Sub(due))

	tools(call("secret-remove", uri))
	assert.NotContains(t, agent.World.Secrets, id)
}

// TestRefusedCommitLosesTheHook is about a controller that refuses what a hook that exited 0 changed.
func TestRefusedCommitLosesTheHook(t *testing.T) {
	agent := peers.Juju(t)
	w := world("status-set active fine; state-set a=b; open-port 80")
	w.RefuseCommit = "no space left"
	agent.SetWorld(w)
	outcome := agent.Hook(peers.JujuHook{Kind: "start"})
	assert.Equal(t, "no space left", outcome.Error)
	assert.False(t, outcome.Flushed)
	assert.Zero(t, outcome.Commits)
	assert.Equal(t, "fine", agent.World.UnitStatus.Message)
	assert.Empty(t, agent.World.State)
	assert.Empty(t, agent.World.Ports)
	agent.Change(map[string]any{"refuse-commit": nil})
	assert.Equal(t, 1, agent.Hook(peers.JujuHook{Kind: "start"}).Commits)
	assert.Equal(t, map[string]string{"a": "b"}, agent.World.State)
}

// TestStorage is about attachments and requests for more.
func TestStorage(t *testing.T) {
	agent := peers.Juju(t)
	w := world("")
	w.Storages = map[string]peers.JujuStorage{"data/0": {Location: "/data/0"}, "data/1": {}}
	agent.SetWorld(w)
	outcome := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "storage-attached", StorageID: "data/0"}, Calls: []peers.JujuCall{
		call("storage-get", "location"), call("storage-get", "-s", "data/1"), call("storage-list"), call("storage-add", "data=2"),
	}})
	assert.Equal(t, "/data/0\n", outcome.Results[0].Stdout)
	assert.Contains(t, outcome.Results[1].Stderr, "not provisioned")
	assert.Equal(t, "data/0\ndata/1\n", outcome.Results[2].Stdout)
	assert.Equal(t, map[string]uint64{"data": 2}, agent.World.StorageRequests)
	id, _ := outcome.Getenv("JUJU_STORAGE_ID")
	assert.Equal(t, "data/0", id)

	unknown := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "start"}, Calls: []peers.JujuCall{call("storage-add", "cache")}})
	assert.Contains(t, unknown.Error+unknown.Results[0].Stderr, `"cache"`)
}

// TestEnvironment is Juju's, and what the test adds.
func TestEnvironment(t *testing.T) {
	agent := peers.Juju(t)
	w := world(`echo "$STARCHARM_HOOK_TOOLS $JUJU_DISPATCH_PATH ${HOME-none}"; env >&2`)
	w.JujuVersion = "3.6.11"
	agent.SetWorld(w)
	agent.Env = map[string]string{"STARCHARM_HOOK_TOOLS": "rpc"}
	outcome := agent.Hook(peers.JujuHook{Kind: "pebble-custom-notice", Workload: "web", NoticeID: "1", NoticeType: "custom", NoticeKey: "example.com/up"})
	assert.Equal(t, "rpc hooks/web-pebble-custom-notice none", outcome.Stdout())
	for name, want := range map[string]string{
		"JUJU_VERSION": "3.6.11", "JUJU_WORKLOAD_NAME": "web", "JUJU_NOTICE_KEY": "example.com/up", "JUJU_UNIT_NAME": "web/0",
		"JUJU_HOOK_NAME": "web-pebble-custom-notice", "JUJU_DISPATCH_PATH": "hooks/web-pebble-custom-notice",
	} {
		got, ok := outcome.Getenv(name)
		assert.True(t, ok, name)
		assert.Equal(t, want, got, name)
		assert.Contains(t, outcome.Stderr(), name+"="+want)
	}
	_, err := agent.TryHook(peers.JujuHook{Kind: "pebble-ready"})
	assert.ErrorContains(t, err, "requires a workload name")
}

// TestActionsFail says how: by action-fail, by the exit code, in a context of tools.
func TestActionsFail(t *testing.T) {
	agent := peers.Juju(t)
	agent.SetWorld(world(`
echo out; echo err >&2
case "$(action-get name)" in
sorry) action-fail "no luck" ;;
crash) exit 7 ;;
esac`))
	sorry := agent.Action("greet", map[string]any{"name": "sorry"}).Action
	assert.Equal(t, "failed", sorry.Status)
	assert.Equal(t, "no luck", sorry.Message)
	crash := agent.Action("greet", map[string]any{"name": "crash"})
	assert.Equal(t, "exit status 7", crash.Action.Message)
	assert.EqualValues(t, 7, crash.Action.Results["return-code"])
	assert.Equal(t, "out\n", crash.Action.Results["stdout"])
	tools := agent.Tools(peers.JujuTools{Action: "greet", Params: map[string]any{"name": "x"}, Calls: []peers.JujuCall{
		call("action-get", "--format=json"), call("action-set", "a.b=1"), call("action-set", "stdout=x"),
	}})
	assert.Equal(t, "{\"name\":\"x\"}\n", tools.Results[0].Stdout)
	assert.Equal(t, map[string]any{"a": map[string]any{"b": "1"}}, tools.Action.Results)
	assert.NotZero(t, tools.Results[2].Code)
}

// TestWorldIsTheSameOnBothSides fills every field that a world has, so that a field which only one side knows shows.
func TestWorldIsTheSameOnBothSides(t *testing.T) {
	agent := peers.Juju(t)
	var full peers.JujuWorld
	fill(reflect.ValueOf(&full).Elem())
	full.Unit, full.Principal, full.Machine, full.JujuVersion, full.Model.Type = "web/0", "host/0", "7", "3.6.1", "iaas"
	full.CharmDir, full.CharmFiles = "", files("")
	full.ModelConfig, full.Config = map[string]any{"juju-http-proxy": "http://proxy"}, map[string]any{"port": 1.0}
	agent.SetWorld(full)
	assert.Equal(t, &full, agent.World)
}

// fill gives every field a value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1700000000, 0).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("alive")
	case reflect.Int:
		v.SetInt(1)
	case reflect.Uint64:
		v.SetUint(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Interface:
		v.Set(reflect.ValueOf("any"))
	}
}

// TestHookThatNeverEnds ends the test that runs it, and the processes that it started.
func TestHookThatNeverEnds(t *testing.T) {
	watched := &failing{TB: t, done: make(chan string, 1)}
	go func() {
		defer close(watched.done)
		agent := peers.Juju(watched)
		agent.SetWorld(world("exec sleep 600"))
		agent.Timeout = 200 * time.Millisecond
		agent.Hook(peers.JujuHook{Kind: "start"})
	}()
	assert.Contains(t, <-watched.done, "did not answer within 200ms")
}

// failing is a test whose failure is what is tested.
type failing struct {
	testing.TB
	done chan string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.done <- fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// TestRebootIsAskedFor is about juju-reboot, which ends a hook with an error that is none.
func TestRebootIsAskedFor(t *testing.T) {
	agent := peers.Juju(t)
	w := world("juju-reboot; state-set a=b")
	w.Model.Type = "iaas"
	agent.SetWorld(w)
	outcome := agent.Hook(peers.JujuHook{Kind: "start"})
	assert.Equal(t, "reboot after hook", outcome.Error)
	assert.True(t, outcome.Flushed)
	assert.Equal(t, 1, agent.World.Reboots)
	assert.Equal(t, map[string]string{"a": "b"}, agent.World.State)
}

// TestGrantEndsWithItsRelation is about a secret of a relation that is removed.
func TestGrantEndsWithItsRelation(t *testing.T) {
	const id = "d0erdgfmp25c762i8np0"
	agent := peers.Juju(t)
	w := world("secret-get " + id)
	w.Relations = map[string]*peers.JujuRelation{"3": {Endpoint: "db", RemoteApp: "db"}}
	w.Secrets = map[string]*peers.JujuSecret{id: {
		Owner: "db", Latest: 1, Revisions: map[int]map[string]string{1: {"k": "value"}},
		Grants: map[string]peers.JujuGrant{"web": {Relation: "3"}},
	}}
	agent.SetWorld(w)
	assert.Equal(t, "k: value", agent.Hook(peers.JujuHook{Kind: "start"}).Stdout())
	agent.Change(map[string]any{"relations": map[string]any{"3": nil}})
	gone := agent.Hook(peers.JujuHook{Kind: "start"})
	assert.Equal(t, 1, gone.Exit)
	assert.Equal(t, "ERROR permission denied", gone.Stderr())
}

// TestOtherToolsOfMachineModels asks what only a machine or a trusted application has.
func TestOtherToolsOfMachineModels(t *testing.T) {
	agent := peers.Juju(t)
	w := world("")
	w.Model.Type = "iaas"
	w.Leader = true
	w.Cloud = &peers.JujuCloud{Type: "lxd", Name: "localhost", Credential: &peers.JujuCredential{AuthType: "certificate"}}
	w.OtherPorts = map[string][]peers.JujuPort{"other/0": {{Protocol: "tcp", From: 80, To: 90}}}
	w.OtherStatuses = map[string]peers.JujuStatus{"web/1": {Status: "active"}}
	w.Resources = map[string]peers.JujuResource{"image": {Type: "oci-image", Content: `{"ImageName":"registry/web:1"}`}}
	agent.SetWorld(w)
	outcome := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "start"}, Calls: []peers.JujuCall{
		call("credential-get", "--format=json"),
		call("open-port", "85"),
		call("status-get", "--application", "--include-data", "--format=json"),
		call("resource-get", "image"),
		call("leader-set", "a=b"),
		call("leader-get"),
		call("unit-get", "private-address"),
	}})
	require.True(t, outcome.Flushed, outcome.Error)
	assert.Contains(t, outcome.Results[0].Stdout, `"type":"lxd"`)
	assert.Contains(t, outcome.Results[1].Stderr, `port range conflicts with 80-90/tcp (unit "other/0")`)
	assert.Contains(t, outcome.Results[2].Stdout, `"web/1"`)
	image, err := os.ReadFile(outcome.Results[3].Stdout)
	require.NoError(t, err)
	assert.Equal(t, "registrypath: registry/web:1\nusername: \"\"\npassword: \"\"\n", string(image))
	assert.Equal(t, "a: b\n", outcome.Results[5].Stdout)
	assert.Contains(t, outcome.Results[6].Stderr, "private address not found")
	assert.Equal(t, map[string]string{"a": "b"}, agent.World.LeaderSettings)
}

// TestToolCallsAreNoted shows what the charm asked of Juju.
func TestToolCallsAreNoted(t *testing.T) {
	agent := peers.Juju(t)
	agent.SetWorld(world(`status-set active 'with "quotes" and [brackets]'; juju-log ''`))
	outcome := agent.Hook(peers.JujuHook{Kind: "start"})
	assert.Equal(t, []peers.JujuToolCall{
		{Name: "status-set", Args: []string{"active", `with "quotes" and [brackets]`}},
		{Name: "juju-log", Args: []string{""}},
	}, outcome.Calls)
}

// TestRestrictedHooks are those of the metrics workers.
func TestRestrictedHooks(t *testing.T) {
	agent := peers.Juju(t)
	w := world(`echo "$JUJU_UNIT_NAME ${JUJU_VERSION-none} ${JUJU_HOOK_NAME-none} $JUJU_DISPATCH_PATH $JUJU_METER_STATUS"; config-get`)
	w.CharmFiles["metrics.yaml"] = "metrics:\n  users:\n    type: gauge\n    description: Users.\n"
	agent.SetWorld(w)
	meter := agent.Hook(peers.JujuHook{Kind: "meter-status-changed", Restricted: true})
	assert.Equal(t, "unit-web-0 none none hooks/meter-status-changed AMBER", meter.Stdout())
	assert.Equal(t, "ERROR not implemented for restricted context not implemented", meter.Stderr())
	assert.Equal(t, 1, meter.Exit)
	collected := agent.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "collect-metrics", Restricted: true}, Calls: []peers.JujuCall{
		call("add-metric", "users=3"), call("add-metric", "other=3"), call("state-get", "a"), call("juju-log", "hello"),
	}})
	assert.Zero(t, collected.Results[0].Code)
	assert.Contains(t, collected.Results[1].Stderr, "other")
	assert.Contains(t, collected.Results[2].Stderr, "not implemented for restricted context")
	assert.Equal(t, []string{"INFO hello"}, collected.Log())
	assert.Equal(t, map[string]string{"users": "3"}, agent.World.Metrics)
	_, err := agent.TryHook(peers.JujuHook{Kind: "start", Restricted: true})
	assert.ErrorContains(t, err, "not run in a restricted context")
}
