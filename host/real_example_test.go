package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
)

// TestRealDatabaseExamples relates k8s-3-postgresql and k8s-4-action to a database: its user comes in a secret, reaches the server,
// changes, and goes.
func TestRealDatabaseExamples(t *testing.T) {
	t.Run("k8s-3-postgresql", func(t *testing.T) { relateDatabase(t, "../examples/k8s-3-postgresql", false) })
	t.Run("k8s-4-action", func(t *testing.T) { relateDatabase(t, "../examples/k8s-4-action", true) })
}

// relateDatabase does so with an example; acts says that it has the action that tells of the database.
func relateDatabase(t *testing.T, example string, acts bool) {
	const user = "9m4e2mr0ui3e8a215n4g"
	port := freePort(t)
	dir := packed(t, example)
	replace(t, filepath.Join(dir, "src", "workload.star"), "/bin/uvicorn", self(t))
	p := startPod(t, port)
	u := demo(t, dir, p)
	u.Change(map[string]any{"leader": true, "config": map[string]any{"server-port": port}})
	environment := func() map[string]string {
		plan, err := p.client.Plan(context.Background())
		require.NoError(t, err)
		return plan.Services["fastapi"].Environment
	}

	u.runs(ready)
	assert.Equal(t, peers.JujuStatus{Status: "blocked", Message: "Waiting for database relation"}, u.World.UnitStatus)
	assert.Equal(t, "2.1.0", u.World.WorkloadVersion)
	if acts {
		refused := u.act("get-db-info", map[string]any{"show-password": false})
		assert.Equal(t, "failed", refused.Action.Status)
		assert.Equal(t, "No database connected", refused.Action.Message)
	}

	u.Change(map[string]any{"relations": map[string]any{"1": map[string]any{"endpoint": "database", "remote-app": "postgresql-k8s"}}})
	u.relation(1, "created", "postgresql-k8s", "")
	assert.Equal(t, "names_db", u.databag("1", "demo")["database"])
	assert.Equal(t, peers.JujuStatus{Status: "waiting", Message: "Waiting for the database"}, u.World.UnitStatus)

	u.Change(map[string]any{
		"relations": map[string]any{"1": map[string]any{"data": map[string]any{"postgresql-k8s": map[string]string{
			"endpoints": "10.1.1.1:5432", "secret-user": "secret:" + user,
		}}}},
		"secrets": map[string]any{user: map[string]any{
			"owner": "postgresql-k8s", "latest": 1, "grants": map[string]any{"demo": map[string]string{"relation": "1"}},
			"revisions": map[string]any{"1": map[string]string{"username": "names", "password": "first-password"}},
		}},
	})
	u.relation(1, "changed", "postgresql-k8s", "")
	assert.Equal(t, peers.JujuStatus{Status: "active"}, u.World.UnitStatus)
	assert.Subset(t, environment(), map[string]string{
		"DEMO_SERVER_LOGFILE":     "/tmp/demo_server.log",
		"DEMO_SERVER_DB_HOST":     "10.1.1.1",
		"DEMO_SERVER_DB_PORT":     "5432",
		"DEMO_SERVER_DB_USER":     "names",
		"DEMO_SERVER_DB_PASSWORD": "first-password",
	})
	_, command := p.service(t)
	assert.Contains(t, command, fmt.Sprintf("--port %d", port))
	if acts {
		told := u.act("get-db-info", map[string]any{"show-password": true})
		for result, want := range map[string]string{"db-host": "10.1.1.1", "db-port": "5432", "db-username": "names", "db-password": "first-password"} {
			assert.Equal(t, want, told.Action.Results[result], result)
		}
	}

	u.Change(map[string]any{"secrets": map[string]any{user: map[string]any{
		"latest": 2, "revisions": map[string]any{"2": map[string]string{"username": "names", "password": "second-password"}},
	}}})
	u.hook("update-status")
	assert.Equal(t, "first-password", environment()["DEMO_SERVER_DB_PASSWORD"])
	u.runs(peers.JujuHook{Kind: "secret-changed", SecretURI: "secret:" + user})
	assert.Equal(t, "second-password", environment()["DEMO_SERVER_DB_PASSWORD"])
	assert.Equal(t, peers.JujuStatus{Status: "active"}, u.World.UnitStatus)

	u.relation(1, "broken", "postgresql-k8s", "")
	assert.Equal(t, peers.JujuStatus{Status: "blocked", Message: "Waiting for database relation"}, u.World.UnitStatus)
}

// TestRealHTTPBinExample has httpbin-demo bring its server up, change its log level, and refuse one that there is not.
func TestRealHTTPBinExample(t *testing.T) {
	dir := packed(t, "../examples/httpbin-demo")
	replace(t, filepath.Join(dir, "src", "workload.star"), "gunicorn -b 0.0.0.0:80 httpbin:app -k gevent", fmt.Sprintf("%s %d", self(t), freePort(t)))
	replace(t, filepath.Join(dir, "src", "workload.star"), `"environment": {`, fmt.Sprintf(`"environment": {%q: "workload", `, roleVariable))
	p := startPod(t, freePort(t))
	u := demo(t, dir, p)
	u.Change(map[string]any{"config": map[string]any{"log-level": "info"}})
	served := func() string {
		t.Helper()
		services, err := p.client.Services(context.Background(), "httpbin")
		require.NoError(t, err)
		require.Len(t, services, 1)
		assert.Equal(t, "active", string(services[0].Current))
		plan, err := p.client.Plan(context.Background())
		require.NoError(t, err)
		return plan.Services["httpbin"].Environment["GUNICORN_CMD_ARGS"]
	}

	u.hook("install")
	assert.Equal(t, peers.JujuStatus{Status: "maintenance", Message: "waiting for workload container"}, u.World.UnitStatus)
	u.runs(peers.JujuHook{Kind: "pebble-ready", Workload: "httpbin"})
	assert.Equal(t, "--log-level info", served())
	assert.Equal(t, peers.JujuStatus{Status: "active"}, u.World.UnitStatus)

	u.Change(map[string]any{"config": map[string]any{"log-level": "DEBUG"}})
	u.hook("config-changed")
	assert.Equal(t, "--log-level debug", served())

	u.Change(map[string]any{"config": map[string]any{"log-level": "loud"}})
	u.hook("config-changed")
	assert.Equal(t, "--log-level debug", served())
	assert.Equal(t, "blocked", u.World.UnitStatus.Status)
	assert.Contains(t, u.World.UnitStatus.Message, "invalid log level \"loud\"")
}

// TestRealHelloExample has hello-machine show its greeting in a relation and greet in an action, which it remembers.
func TestRealHelloExample(t *testing.T) {
	u := demo(t, packed(t, "../examples/hello-machine"), nil)
	u.Change(map[string]any{"config": map[string]any{"greeting": "Hello"}, "relations": map[string]any{"1": map[string]any{"endpoint": "greeting", "remote-app": "guest"}}})
	u.relation(1, "created", "guest", "")
	assert.Equal(t, map[string]string{"greeting": "Hello"}, u.databag("1", "demo/0"))
	assert.Equal(t, peers.JujuStatus{Status: "active", Message: "greeted 0"}, u.World.UnitStatus)

	greeted := u.act("greet", map[string]any{"name": "Grace"})
	assert.Equal(t, "Hello, Grace!", greeted.Action.Results["greeting"])
	u.Change(map[string]any{"config": map[string]any{"greeting": "Good day"}})
	u.hook("config-changed")
	assert.Equal(t, map[string]string{"greeting": "Good day"}, u.databag("1", "demo/0"))
	assert.Equal(t, peers.JujuStatus{Status: "active", Message: "greeted 1"}, u.World.UnitStatus)
}

// TestRealObserveExample relates k8s-5-observe to Prometheus, Loki and Grafana.
func TestRealObserveExample(t *testing.T) {
	const url = "http://127.0.0.1:9/loki/api/v1/push"
	port := freePort(t)
	dir := packed(t, "../examples/k8s-5-observe")
	replace(t, filepath.Join(dir, "src", "workload.star"), "/bin/uvicorn", self(t))
	p := startPod(t, port)
	u := demo(t, dir, p)
	u.Change(map[string]any{"leader": true, "config": map[string]any{"server-port": port}, "relations": map[string]any{
		"1": map[string]any{"endpoint": "metrics-endpoint", "remote-app": "prometheus"},
		"2": map[string]any{"endpoint": "logging", "remote-app": "loki"},
		"3": map[string]any{"endpoint": "grafana-dashboard", "remote-app": "grafana"},
	}})
	u.Join(2, "loki/0", map[string]string{"endpoint": `{"url": "` + url + `"}`})
	u.runs(ready) // Juju does not know the network yet
	u.Change(map[string]any{"networks": map[string]any{"metrics-endpoint": map[string]any{
		"bind-addresses": []any{map[string]any{"addresses": []any{map[string]any{"value": "10.1.0.7", "cidr": "10.1.0.0/24"}}}},
	}}})
	target := func() *pebble.LogTarget {
		plan, err := p.client.Plan(context.Background())
		require.NoError(t, err)
		require.Contains(t, plan.LogTargets, "loki/0")
		return plan.LogTargets["loki/0"]
	}

	u.relation(1, "created", "prometheus", "")
	metrics := u.databag("1", "demo")
	assert.JSONEq(t, fmt.Sprintf(`[{"metrics_path": "/metrics", "static_configs": [{"targets": ["*:%d"]}]}]`, port), metrics["scrape_jobs"])
	assert.Contains(t, metrics["alert_rules"], `"name":"lab_f47ac10b_demo_failed_requests_rules"`)
	assert.Subset(t, u.databag("1", "demo/0"), map[string]string{
		"prometheus_scrape_unit_name":    "demo/0",
		"prometheus_scrape_unit_address": "10.1.0.7",
	})

	u.relation(2, "changed", "loki", "loki/0")
	assert.Equal(t, []string{"all"}, target().Services)
	assert.Equal(t, url, target().Location)
	assert.Subset(t, target().Labels, map[string]string{"juju_unit": "demo/0", "job": "juju_lab_f47ac10b_demo", "product": "Juju"})
	assert.Contains(t, u.databag("2", "demo")["alert_rules"], "Tracebacks")

	u.relation(3, "created", "grafana", "")
	var dashboards struct {
		Templates map[string]struct{ Content string }
	}
	require.NoError(t, json.Unmarshal([]byte(u.databag("3", "demo")["dashboards"]), &dashboards))
	assert.Regexp(t, "^/Td6WFo", dashboards.Templates["file:FastAPI-Monitoring.json"].Content)

	quiet := u.hook("update-status")
	for _, call := range quiet.Calls {
		assert.NotEqual(t, "relation-set", call.Name, "%v", call.Args)
	}

	u.relation(2, "broken", "loki", "")
	assert.Equal(t, []string{"-all"}, target().Services)
}
