package model_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/testdata/peers"
)

// The tests in this file run the model inside hooks of a genuine Juju agent:
// its dispatch is this test program, which runs one of the cases below.

const caseVariable = "MODEL_TEST_CASE"

var cases = map[string]func(t *testing.T, m *model.Model){
	"leader": leaderCase, "follower": followerCase, "action": actionCase, "departed": departedCase, "broken": brokenCase, "later": laterCase,
	"publish": publishCase, "publish again": publishAgainCase, "peer departed": peerDepartedCase,
}

// TestInHook is what a dispatch runs.
func TestInHook(t *testing.T) {
	run := cases[os.Getenv(caseVariable)]
	if run == nil {
		t.Skip("for the hooks of the other tests")
	}
	env := make(map[string]string)
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	c, err := model.ParseContext(env)
	require.NoError(t, err)
	metadata, err := model.LoadMetadata(os.DirFS(c.CharmDir))
	require.NoError(t, err)
	_, known, err := c.Event(metadata)
	require.NoError(t, err)
	require.True(t, known)
	tools, err := hooktool.Open(env, hooktool.Options{})
	require.NoError(t, err)
	defer tools.Close()
	m := model.New(t.Context(), model.Config{Context: c, Metadata: metadata, Tools: tools})
	run(t, m)
	require.NoError(t, m.Flush())
}

func juju(t *testing.T) *peers.JujuAgent {
	agent := peers.Juju(t)
	program, err := os.Executable()
	require.NoError(t, err)
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	agent.SetWorld(peers.JujuWorld{
		Model: peers.JujuModel{Name: "lab", UUID: "f47ac10b-58cc-4372-a567-0e02b2c3d479", Type: "iaas"},
		Unit:  "web/0",
		CharmFiles: map[string]string{
			"dispatch":      "#!/bin/sh\nexec '" + program + "' -test.run '^TestInHook$'\n",
			"manifest.yaml": "bases: [{name: ubuntu, channel: 22.04/stable, architectures: [amd64]}]\n",
			"metadata.yaml": `
name: web
summary: A charm.
description: A charm.
requires: {db: {interface: pg}}
provides: {site: {interface: http}}
peers: {cluster: {interface: web}}
storage: {data: {type: filesystem, multiple: {range: 0-}}}
resources: {seed: {type: file, filename: seed.txt}}
extra-bindings: {admin: }
`,
			"config.yaml":  "options: {port: {type: int, default: 80}, ratio: {type: float, default: 2}, title: {type: string}, on: {type: boolean, default: true}}\n",
			"actions.yaml": "greet: {params: {name: {type: string}, times: {type: integer, default: 2}, ratio: {type: number}}}\n",
		},
		Config: map[string]any{"port": 8080},
		Relations: map[string]*peers.JujuRelation{
			"3": {Endpoint: "db", RemoteApp: "pg", Members: []string{"pg/9", "pg/10"}, Data: map[string]map[string]string{
				"pg": {"version": "16"}, "pg/9": {"host": "h9"}, "pg/10": {"host": "h10"}, "web/0": {"old": "1"}, "web": {}}},
			"5": {Endpoint: "cluster", Members: []string{"web/1"}, Data: map[string]map[string]string{
				"web": {"shared": "yes"}, "web/0": {}, "web/1": {"a": "b"}}},
		},
		Storages:  map[string]peers.JujuStorage{"data/0": {Location: "/srv/0"}},
		Resources: map[string]peers.JujuResource{"seed": {Filename: "seed.txt", Content: "x"}},
		Networks: map[string]peers.JujuNetwork{"": {
			BindAddresses:    []peers.JujuInterface{{MAC: "00:16", Name: "eth0", Addresses: []peers.JujuAddress{{Value: "10.0.0.7", CIDR: "10.0.0.0/24"}}}},
			IngressAddresses: []string{"10.0.0.7"}, EgressSubnets: []string{"10.0.0.7/32"}}},
		GoalState: &peers.JujuGoalState{Units: map[string]peers.JujuGoal{"web/0": {Status: "active", Since: &since}, "web/1": {Status: "dying", Since: &since}},
			Relations: map[string]map[string]peers.JujuGoal{"db": {"pg": {Status: "joined", Since: &since}, "pg/9": {Status: "waiting", Since: &since}}}},
		Cloud: &peers.JujuCloud{Type: "lxd", Name: "localhost",
			Credential: &peers.JujuCredential{AuthType: "certificate", Attributes: map[string]string{"client-key": "topsecret"}}},
		State:      map[string]string{"kept": "1", "dropped": "2"},
		UnitStatus: peers.JujuStatus{Status: "waiting", Message: "first"},
		AppStatus:  peers.JujuStatus{Status: "waiting", Message: "app"},
	})
	agent.Env = map[string]string{}
	return agent
}

// hook runs a case in a hook and requires that Juju took what it did.
func hook(t *testing.T, agent *peers.JujuAgent, name string, h peers.JujuHook) peers.JujuOutcome {
	t.Helper()
	agent.Env[caseVariable] = name
	outcome := agent.Hook(h)
	require.Zero(t, outcome.Exit, "%s%s", outcome.Stdout(), outcome.Stderr())
	require.Empty(t, outcome.Error)
	return outcome
}

func must[T any](t *testing.T) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		require.NoError(t, err)
		return value
	}
}

const awkward = "line\n😀 \u2028\x7f: \"#{"

func TestLeaderOnJuju(t *testing.T) {
	for _, transport := range []string{"rpc", "exec"} {
		t.Run(transport, func(t *testing.T) {
			agent := juju(t)
			agent.Change(map[string]any{"leader": true})
			agent.Env[hooktool.ModeVariable] = transport
			outcome := hook(t, agent, "leader", peers.JujuHook{Kind: "config-changed"})
			w := agent.World
			assert.Equal(t, peers.JujuStatus{Status: "active", Message: "password <secret>"}, w.UnitStatus)
			assert.Equal(t, peers.JujuStatus{Status: "blocked", Message: "-x"}, w.AppStatus)
			assert.Equal(t, "1.2", w.WorkloadVersion)
			own := w.Relations["3"].Data["web/0"] // Juju adds addresses
			assert.Equal(t, awkward, own["awkward"])
			assert.Equal(t, "long", own[strings.Repeat("k", 2000)])
			assert.NotContains(t, own, "old")
			assert.Equal(t, map[string]string{"from": "leader"}, w.Relations["3"].Data["web"])
			assert.Equal(t, map[string]string{"kept": "1", "new": awkward}, w.State)
			assert.Equal(t, map[string]uint64{"data": 2}, w.StorageRequests)
			require.Len(t, w.Ports, 2)
			assert.Equal(t, 443, w.Ports[0].From)
			assert.Equal(t, 8000, w.Ports[1].From)
			assert.Equal(t, 8010, w.Ports[1].To)
			require.Len(t, w.Secrets, 1)
			for _, secret := range w.Secrets {
				assert.Equal(t, "web", secret.Owner)
				assert.Equal(t, "db", secret.Label)
				assert.Equal(t, "weekly", secret.Rotate)
				assert.Equal(t, map[string]string{"password": "hunter22"}, secret.Revisions[secret.Latest])
				assert.Contains(t, secret.Grants, "pg")
			}
			assert.Contains(t, outcome.Log(), "INFO -it is <secret>")

			hook(t, agent, "later", peers.JujuHook{Kind: "update-status"})
			for _, secret := range agent.World.Secrets {
				assert.Equal(t, 2, secret.Latest, "only other content makes a revision")
				assert.Equal(t, map[string]string{"password": "hunter23"}, secret.Revisions[2])
			}
		})
	}
}

func leaderCase(t *testing.T, m *model.Model) {
	assert.True(t, must[bool](t)(m.IsLeader()))
	assert.Equal(t, map[string]any{"port": int64(8080), "ratio": 2.0, "on": true}, must[map[string]any](t)(m.Config()))
	assert.Equal(t, model.Status{Name: "waiting", Message: "first"}, must[model.Status](t)(m.UnitStatus()))
	assert.Equal(t, model.Status{Name: "waiting", Message: "app"}, must[model.Status](t)(m.AppStatus()))
	assert.Equal(t, 1, must[int](t)(m.PlannedUnits()))
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, &model.GoalState{
		Units:     map[string]model.Goal{"web/0": {Status: "active", Since: since}, "web/1": {Status: "dying", Since: since}},
		Relations: map[string]map[string]model.Goal{"db": {"pg": {Status: "joined", Since: since}, "pg/9": {Status: "waiting", Since: since}}},
	}, must[*model.GoalState](t)(m.GoalState()))
	require.NoError(t, m.SetWorkloadVersion("1.2"))
	require.NoError(t, m.SetAppStatus(model.Status{Name: "blocked", Message: "-x"}))

	db := must[*model.Relation](t)(m.Relation("db"))
	assert.Equal(t, 3, db.ID)
	assert.Equal(t, "pg", must[string](t)(db.App()))
	assert.Equal(t, []string{"pg/9", "pg/10"}, must[[]string](t)(db.Units()))
	assert.Equal(t, map[string]string{"version": "16"}, items(t, db, "pg"))
	assert.Equal(t, map[string]string{"host": "h10"}, items(t, db, "pg/10"))
	_, err := db.RemoteModelUUID()
	assertKind(t, err, model.VersionError)
	own := must[*model.Databag](t)(db.Databag("web/0"))
	require.NoError(t, own.Update(map[string]string{"old": "", "awkward": awkward, strings.Repeat("k", 2000): "long"}))
	require.NoError(t, must[*model.Databag](t)(db.Databag("web")).Set("from", "leader"))
	gone := must[*model.Relation](t)(m.RelationByID("db", 99))
	assert.False(t, must[bool](t)(gone.Active()))
	assert.Empty(t, items(t, gone, "pg/0"))
	assertKind(t, must[*model.Databag](t)(gone.Databag("web/0")).Set("a", "b"), model.RelationNotFoundError)
	none := must[[]*model.Relation](t)(m.Relations("site"))
	assert.Empty(t, none)

	require.NoError(t, m.OpenPort(model.Port{Protocol: "tcp", From: 9, To: 9}))
	require.NoError(t, m.SetPorts([]model.Port{{Protocol: "tcp", From: 443, To: 443}, {Protocol: "udp", From: 8000, To: 8010}}))
	path := must[string](t)(m.ResourcePath("seed"))
	assert.FileExists(t, path)
	assert.Equal(t, []model.Storage{{Name: "data"}}, must[[]model.Storage](t)(m.Storages("data")))
	assert.Equal(t, "/srv/0", must[string](t)(m.StorageLocation("data", 0)))
	require.NoError(t, m.RequestStorage("data", 2))
	network := must[*model.Network](t)(m.Network("admin"))
	assert.Equal(t, "10.0.0.7", network.BindAddress())
	assert.Equal(t, "10.0.0.0/24", network.Interfaces[0].Subnet)
	assert.Equal(t, []string{"10.0.0.7/32"}, must[*model.Network](t)(db.Network()).EgressSubnets)
	assert.Equal(t, "10.0.0.7", must[*model.Network](t)(gone.Network()).IngressAddress())
	cloud := must[*model.CloudSpec](t)(m.CloudSpec())
	assert.Equal(t, "lxd", cloud.Type)
	assert.Equal(t, "topsecret", cloud.Credential.Attributes["client-key"])

	_, found, err := m.StateGet("missing")
	require.NoError(t, err)
	assert.False(t, found)
	require.NoError(t, m.StateSet(map[string]string{"kept": "1", "new": awkward}))
	require.NoError(t, m.StateDelete("dropped"))

	missing := must[*model.Secret](t)(m.Secret("9m4e2mr0ui3e8a215n4g", ""))
	_, err = missing.Content(false)
	assertKind(t, err, model.SecretNotFoundError)
	secret, err := m.EnsureSecret(model.OwnedByApp, map[string]string{"password": "hunter22"}, model.SecretOptions{Label: "db", Rotate: "weekly"})
	require.NoError(t, err)
	assert.True(t, secret.Changed())
	require.NoError(t, secret.Grant(db, ""))
	require.NoError(t, m.SetUnitStatus(model.Status{Name: "active", Message: "password hunter22"}))
	require.NoError(t, m.Log("info", "-it is hunter22"))
	require.NoError(t, m.SecurityEvent("INFO", "test", "hunter22"))
}

func laterCase(t *testing.T, m *model.Model) {
	secret, err := m.EnsureSecret(model.OwnedByApp, map[string]string{"password": "hunter22"}, model.SecretOptions{Label: "db"})
	require.NoError(t, err)
	assert.False(t, secret.Changed())
	info := must[model.SecretInfo](t)(secret.Info())
	assert.Equal(t, 1, info.Revision)
	assert.Equal(t, "db", info.Label)
	assert.Equal(t, model.OwnedByApp, info.Owner)
	assert.Equal(t, "weekly", info.Rotation)
	assert.Equal(t, []string{secret.ID}, must[[]string](t)(m.SecretIDs()))
	byLabel := must[*model.Secret](t)(m.Secret("", "db"))
	assert.Equal(t, map[string]string{"password": "hunter22"}, must[map[string]string](t)(byLabel.Content(false)))
	_, err = m.EnsureSecret(model.OwnedByApp, map[string]string{"password": "hunter23"}, model.SecretOptions{Label: "db"})
	require.NoError(t, err)
	assert.True(t, secret.Changed())
	require.NoError(t, secret.SetInfo(model.SecretOptions{Description: "for the database"}))
}

func items(t *testing.T, r *model.Relation, entity string) map[string]string {
	t.Helper()
	return must[map[string]string](t)(must[*model.Databag](t)(r.Databag(entity)).Items())
}

func assertKind(t *testing.T, err error, kind model.Kind) {
	t.Helper()
	var e *model.Error
	if assert.ErrorAs(t, err, &e) {
		assert.Equal(t, kind, e.Kind, e.Message)
	}
}

func TestFollowerOnJuju(t *testing.T) {
	agent := juju(t)
	agent.Change(map[string]any{"cloud": nil})
	outcome := hook(t, agent, "follower", peers.JujuHook{Kind: "config-changed"})
	assert.Equal(t, "waiting", agent.World.AppStatus.Status)
	events := strings.Join(outcome.Log(), "\n")
	for _, event := range []string{"authz_fail:status-set", "authz_fail:credential-get"} {
		assert.Contains(t, events, event)
	}
}

func followerCase(t *testing.T, m *model.Model) {
	db := must[*model.Relation](t)(m.Relation("db"))
	bag := must[*model.Databag](t)(db.Databag("web"))
	_, _, err := bag.Get("a")
	assertKind(t, err, model.RelationDataAccessError)
	assertKind(t, bag.Set("a", "b"), model.RelationDataAccessError)
	assertKind(t, must[*model.Databag](t)(db.Databag("pg/9")).Set("a", "b"), model.RelationDataAccessError)
	peer := must[*model.Relation](t)(m.Relation("cluster"))
	assert.Equal(t, map[string]string{"shared": "yes"}, items(t, peer, "web"))
	assert.Equal(t, map[string]string{"a": "b"}, items(t, peer, "web/1"))
	assertKind(t, m.SetAppStatus(model.Status{Name: "active"}), model.NotLeaderError)
	_, err = m.CloudSpec()
	assertKind(t, err, model.ModelError)
	assert.Empty(t, items(t, db, "pg/77"), "a unit that never was, or is long gone")
}

func TestPublishOnJuju(t *testing.T) {
	agent := juju(t)
	agent.Change(map[string]any{"leader": true})
	hook(t, agent, "publish", peers.JujuHook{Kind: "config-changed"})
	w := agent.World.Relations["3"]
	addresses := map[string]string{"egress-subnets": "10.0.0.7/32", "ingress-address": "10.0.0.7", "private-address": "10.0.0.7"}
	assert.Equal(t, map[string]string{"url": awkward}, w.Data["web"])
	assert.Equal(t, addresses["private-address"], w.Data["web/0"]["private-address"], "Juju's own stays")
	assert.Equal(t, "10.9.9.9", w.Data["web/0"]["ingress-address"])
	assert.Equal(t, "1", w.Data["web/0"]["ready"])
	assert.NotContains(t, w.Data["web/0"], "old")
	assert.NotContains(t, w.Data["web/0"], "undone")

	agent.Change(map[string]any{"leader": false})
	before := len(w.Data["web/0"])
	hook(t, agent, "publish again", peers.JujuHook{Kind: "config-changed"})
	w = agent.World.Relations["3"]
	assert.Equal(t, map[string]string{"url": awkward}, w.Data["web"], "a follower leaves it alone")
	assert.Len(t, w.Data["web/0"], before-1)
	assert.NotContains(t, w.Data["web/0"], "ready")
}

func publishCase(t *testing.T, m *model.Model) {
	db := must[*model.Relation](t)(m.Relation("db"))
	unit, app := must[*model.Databag](t)(db.Databag("web/0")), must[*model.Databag](t)(db.Databag("web"))
	assert.True(t, must[bool](t)(app.Publish(map[string]string{"url": awkward}, nil)))
	assert.True(t, must[bool](t)(unit.Publish(map[string]string{"ready": "1", "ingress-address": "10.9.9.9"}, nil)))
	require.NoError(t, unit.Set("undone", "1"))
	raw, err := m.Call(hooktool.Call{Name: "relation-get", Args: []string{"-r", "db:3", "undone", "web/0"}})
	require.NoError(t, err)
	assert.Equal(t, "1\n", string(raw.Stdout), "a call comes after what was written before")
	raw, err = m.Call(hooktool.Call{Name: "relation-set", Args: []string{"-r", "db:3", "undone=2"}})
	require.NoError(t, err)
	assert.Empty(t, string(raw.Stdout))
	assert.Equal(t, "2", items(t, db, "web/0")["undone"], "and is not overlooked")
	require.NoError(t, unit.Delete("undone"))
}

func publishAgainCase(t *testing.T, m *model.Model) {
	db := must[*model.Relation](t)(m.Relation("db"))
	assert.False(t, must[bool](t)(must[*model.Databag](t)(db.Databag("web")).Publish(map[string]string{"url": "other"}, nil)))
	assert.True(t, must[bool](t)(must[*model.Databag](t)(db.Databag("web/0")).Publish(nil, nil)))
}

func TestActionOnJuju(t *testing.T) {
	agent := juju(t)
	agent.Env[caseVariable] = "action"
	outcome := agent.Action("greet", map[string]any{"name": "Ann", "times": 3.0, "ratio": 2})
	require.Zero(t, outcome.Exit, "%s%s", outcome.Stdout(), outcome.Stderr())
	assert.Equal(t, "failed", outcome.Action.Status)
	assert.Equal(t, "too late", outcome.Action.Message)
	assert.Equal(t, []string{"-half"}, outcome.Action.Log)
	assert.Equal(t, "hello=Ann\n😀", outcome.Action.Results["text"])
	assert.Equal(t, map[string]any{"a": "1", "b-c": "True"}, outcome.Action.Results["nested"])
}

func actionCase(t *testing.T, m *model.Model) {
	params := must[map[string]any](t)(m.ActionParams())
	assert.Equal(t, "Ann", params["name"])
	assert.Equal(t, int64(3), params["times"])
	assert.Equal(t, 2.0, params["ratio"])
	require.NoError(t, m.SetActionResults(map[string]any{
		"text": fmt.Sprintf("hello=%s\n😀", params["name"]), "nested": map[string]any{"a": int64(1), "b-c": true}}))
	require.NoError(t, m.ActionLog("-half"))
	require.NoError(t, m.ActionFail(""))
	require.NoError(t, m.ActionFail("too late"))
}

func TestEndOfRelationsOnJuju(t *testing.T) {
	agent := juju(t)
	agent.Leave(3, "pg/9")
	hook(t, agent, "departed", peers.JujuHook{Kind: "relation-departed", RelationID: 3, RemoteApp: "pg", RemoteUnit: "pg/9", DepartingUnit: "pg/9"})
	agent.Leave(3, "pg/10")
	hook(t, agent, "broken", peers.JujuHook{Kind: "relation-broken", RelationID: 3, RemoteApp: "pg"})
}

func TestPeerDepartedOnJuju(t *testing.T) {
	agent := juju(t)
	agent.Leave(5, "web/1")
	hook(t, agent, "peer departed", peers.JujuHook{Kind: "relation-departed", RelationID: 5, RemoteApp: "web", RemoteUnit: "web/1", DepartingUnit: "web/1"})
}

func peerDepartedCase(t *testing.T, m *model.Model) {
	cluster := must[*model.Relation](t)(m.Relation("cluster"))
	assert.Empty(t, must[[]string](t)(cluster.Units()))
	assert.Contains(t, must[[]string](t)(cluster.Entities()), "web/1")
	assert.Equal(t, map[string]string{"a": "b"}, items(t, cluster, "web/1"), "which ops cannot read")
	assert.Empty(t, items(t, cluster, "web/7"))
}

func departedCase(t *testing.T, m *model.Model) {
	db := must[*model.Relation](t)(m.Relation("db"))
	assert.Equal(t, []string{"pg/10"}, must[[]string](t)(db.Units()))
	assert.Contains(t, must[[]string](t)(db.Entities()), "pg/9")
	assert.Equal(t, map[string]string{"host": "h9"}, items(t, db, "pg/9"))
}

func brokenCase(t *testing.T, m *model.Model) {
	db := must[*model.Relation](t)(m.Relation("db"))
	assert.Nil(t, db)
	broken := must[*model.Relation](t)(m.RelationByID("db", 3))
	assert.False(t, must[bool](t)(broken.Active()))
	assert.Equal(t, "pg", must[string](t)(broken.App()))
	assert.Equal(t, map[string]string{"version": "16"}, items(t, broken, "pg"))
	assert.False(t, must[bool](t)(must[*model.Databag](t)(broken.Databag("web/0")).Publish(map[string]string{"a": "b"}, nil)))
	assert.Empty(t, must[[]string](t)(broken.Units()))
}
