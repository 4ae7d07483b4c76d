package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/plan"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
)

// planned is a charm that changes much of its model.
const planned = `
stored = storedstate.define(hooks = 0)

def on_config_changed(event):
    port = model.config["port"]
    secret = model.get_secret(label = "own")
    secret.set_content({"key": secret.get_content()["key"] + "-next"})
    relation = model.get_relation("db")
    relation.data[model.unit].update({"port": str(port), "host": relation.data["pg/0"]["host"]})
    if model.unit.is_leader():
        relation.data[model.app]["url"] = "http://here:%d" % port
        model.app.status = model.ActiveStatus("leads")
    model.unit.set_ports(port)
    model.unit.set_workload_version("3.1")
    stored.hooks += 1
    event.defer()
    model.unit.status = model.ActiveStatus("on port %d" % port)

framework.observe(framework.on.config_changed, on_config_changed)
`

// plannedCharm makes that charm.
func plannedCharm(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the genuine peers are not used under -short")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"metadata.yaml":  "name: everything\nsummary: s\ndescription: d\nrequires: {db: {interface: sql}}\n",
		"config.yaml":    "options: {port: {type: int, default: 80}}\n",
		"src/charm.star": planned,
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	linkDispatch(t, dir)
	return dir
}

// told are the changes of a plan by place and thing: what would be there.
func told(p *plan.Plan) map[string]string {
	all := map[string]string{}
	for _, place := range p.Places {
		for _, c := range place.Changes {
			after := string(c.Action)
			if c.After != nil {
				after = *c.After
			}
			all[place.Name+": "+c.What] = after
		}
	}
	return all
}

// TestRealPlan plans a hook under Juju's own agent, of which nothing is changed, and then runs it: it does what was planned.
func TestRealPlan(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, plannedCharm(t), tools)
		u.related()
		u.Change(map[string]any{
			"config": map[string]any{"port": 8080},
			"networks": map[string]any{"": map[string]any{
				"bind-addresses":    []any{map[string]any{"interface-name": "eth0", "addresses": []any{map[string]any{"value": "10.1.0.7", "cidr": "10.1.0.0/24"}}}},
				"ingress-addresses": []string{"10.1.0.8"}, "egress-subnets": []string{"10.1.0.8/32"},
			}},
			"ports": []any{map[string]any{"protocol": "tcp", "from": 80, "to": 80}},
			"secrets": map[string]any{
				ownSecret: map[string]any{"owner": "everything/0", "label": "own", "latest": 1, "revisions": map[string]any{"1": map[string]string{"key": "s3cr3t-value"}}, "consumers": map[string]any{"everything/0": map[string]any{"label": "own", "revision": 1}}},
			},
		})
		program, err := starcharm()
		require.NoError(t, err)
		out := filepath.Join(t.TempDir(), "plan.json")
		dispatch := filepath.Join(u.dir, "dispatch")
		world := func() string {
			text, err := json.Marshal(u.World)
			require.NoError(t, err)
			return string(text)
		}
		before, kept := world(), u.state()
		require.NoError(t, os.Rename(dispatch, dispatch+".kept"))
		require.NoError(t, os.WriteFile(dispatch, []byte(fmt.Sprintf("#!/bin/sh\nexec %s plan config-changed --json > %s\n", program, out)), 0o755))
		u.hook("update-status") // in config-changed Juju itself writes addresses
		require.NoError(t, os.Remove(dispatch))
		require.NoError(t, os.Rename(dispatch+".kept", dispatch))
		assert.Equal(t, before, world())
		assert.Equal(t, kept, u.state())
		text, err := os.ReadFile(out)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "s3cr3t-value")
		var p plan.Plan
		require.NoError(t, json.Unmarshal(text, &p))
		assert.Empty(t, p.Missing)

		u.hook("config-changed")
		assert.Equal(t, map[string]string{
			"status: unit":                                                         u.World.UnitStatus.Status + ": " + u.World.UnitStatus.Message,
			"status: application":                                                  u.World.AppStatus.Status + ": " + u.World.AppStatus.Message,
			"status: workload version":                                             u.World.WorkloadVersion,
			"relation db:1, databag of this application: url":                      u.databag("1", "everything")["url"],
			"relation db:1, databag of this unit: port":                            u.databag("1", "everything/0")["port"],
			"relation db:1, databag of this unit: host":                            u.databag("1", "everything/0")["host"],
			"secret " + ownSecret + `, labelled "own": latest revision`:            fmt.Sprintf("%d, with key", u.World.Secrets[ownSecret].Latest),
			"ports: 80/tcp of all endpoints":                                       "remove",
			fmt.Sprintf("ports: %d/tcp of all endpoints", u.World.Ports[0].From):   "open",
			"stored state: charm.hooks":                                            "1",
			"deferred events: config_changed for src/charm.star:on_config_changed": "add",
		}, told(&p))
		assert.Len(t, u.World.Ports, 1)
		assert.Contains(t, u.state(), `"hooks":1`)
	})
}

// TestRealPlanPebble plans above a genuine Pebble, of which nothing is changed, and then does what was planned.
func TestRealPlanPebble(t *testing.T) {
	if testing.Short() {
		t.Skip("the genuine peers are not used under -short")
	}
	dir, files := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"metadata.yaml": "name: web\ncontainers: {app: {}}\n",
		"src/charm.star": `
DIR = "` + files + `"
container = model.unit.get_container("app")

def on_start(event):
    container.add_layer("more", {"services": {"fastapi": {"override": "merge", "summary": "changed"}}}, combine = True)
    text = container.pull(DIR + "/app.conf")
    container.push(DIR + "/app.conf", text.replace("80", "81"))
    container.push(DIR + "/deep/new", "n", make_dirs = True)
    container.remove_path(DIR + "/old", recursive = True)
    seen = [f.name for f in container.list_files(DIR)]
    if seen != ["app.conf", "deep", "kept"]:
        fail("listed %s" % seen)
    if container.pull(DIR + "/app.conf") != "port = 81\n" or container.exists(DIR + "/old/file") or not container.exists(DIR + "/kept"):
        fail("what was written is not read")

def on_stop(event):
    catch(container.exec, ["/bin/echo", "hello"])

def on_install(event):
    model.unit.status = model.ActiveStatus(container.exec(["/bin/echo", "hello"]).wait_output()[0].strip())

framework.observe(framework.on.start, on_start)
framework.observe(framework.on.stop, on_stop)
framework.observe(framework.on.install, on_install)
`,
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	require.NoError(t, os.Mkdir(filepath.Join(files, "old"), 0o755))
	for _, name := range []string{"app.conf", "kept", "old/file"} {
		require.NoError(t, os.WriteFile(filepath.Join(files, name), []byte("port = 80\n"), 0o644))
	}
	p := startPod(t, freePort(t))
	charm, err := host.LoadDir(dir)
	require.NoError(t, err)
	ctx := t.Context()
	connect := func(_ string, wrap func(http.RoundTripper) http.RoundTripper) *pebble.Client {
		return pebble.New(pebble.Config{SocketPath: p.socket, Wrap: wrap})
	}
	juju, err := modeltest.New(charm.Metadata, &modeltest.State{})
	require.NoError(t, err)
	run := func(event string, allow func([]string) bool) *plan.Plan {
		t.Helper()
		e := modeltest.Event{Name: event}
		env, err := juju.Env(e)
		require.NoError(t, err)
		hookContext, err := model.ParseContext(env)
		require.NoError(t, err)
		tools, err := juju.Begin(e)
		require.NoError(t, err)
		defer func() { require.NoError(t, tools.End(1)) }()
		snapshot, err := simulate.TakeSnapshot(ctx, simulate.SnapshotOptions{
			Context: hookContext, Metadata: charm.Metadata, Tools: tools, Now: machine.Real().Now, Unread: true,
			Pebble: func(path string) *pebble.Client { return connect(path, nil) },
		})
		require.NoError(t, err)
		o, err := (&simulate.Hook{Charm: charm, State: snapshot.State, Event: e, Trace: true, Live: &simulate.Live{
			CharmDir: dir, Tools: tools, Pebble: connect, Allow: allow, Machine: &machine.Overlay{Machine: machine.Real()},
		}}).Run(ctx)
		require.NoError(t, err)
		return plan.Of(o)
	}
	before, err := p.client.Plan(context.Background())
	require.NoError(t, err)

	found := run("start", nil)
	require.Empty(t, found.Diagnostics)
	assert.Equal(t, map[string]string{
		"container app: plan":                        "change",
		"container app: file " + files + "/app.conf": "change",
		"container app: file " + files + "/deep/new": "add",
		"container app: file " + files + "/old/file": "remove",
	}, told(found))
	now, err := p.client.Plan(context.Background())
	require.NoError(t, err)
	assert.True(t, before.Equal(now))
	text, err := os.ReadFile(filepath.Join(files, "app.conf"))
	require.NoError(t, err)
	assert.Equal(t, "port = 80\n", string(text))
	assert.NoDirExists(t, filepath.Join(files, "deep"))
	assert.FileExists(t, filepath.Join(files, "old/file"))

	found = run("stop", nil)
	assert.Contains(t, found.Unknown, "the command /bin/echo hello in the container app")
	changes, err := p.client.Changes(ctx, pebble.ChangesOptions{Select: pebble.SelectAll})
	require.NoError(t, err)
	assert.Empty(t, changes)

	found = run("install", func(args []string) bool { return strings.Join(args, " ") == "/bin/echo hello" })
	require.Empty(t, found.Diagnostics)
	assert.Equal(t, map[string]string{"status: unit": "active: hello", "container app: exec /bin/echo hello": "do"}, told(found))
}
