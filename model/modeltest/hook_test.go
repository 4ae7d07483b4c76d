package modeltest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/testdata/peers"
)

func newJuju(t testing.TB, change func(*modeltest.State)) *modeltest.Juju {
	t.Helper()
	state := world()
	if change != nil {
		change(state)
	}
	juju, err := modeltest.New(loadMeta(t, charmFiles), state)
	require.NoError(t, err)
	return juju
}

func begin(t testing.TB, juju *modeltest.Juju, e modeltest.Event) *modeltest.Hook {
	t.Helper()
	hook, err := juju.Begin(e)
	require.NoError(t, err)
	return hook
}

// run makes a call and returns "code stdout stderr".
func run(t testing.TB, hook *modeltest.Hook, line string) string {
	t.Helper()
	words := splitWords(line)
	result, err := hook.Run(context.Background(), hooktool.Call{Name: words[0], Args: words[1:]})
	require.NoError(t, err, line)
	return fmt.Sprintf("%d %s%s", result.Code, result.Stdout, result.Stderr)
}

var updateStatus = modeltest.Event{Name: "update-status"}

func version(v string) func(*modeltest.State) {
	return func(s *modeltest.State) { s.JujuVersion = v }
}

func TestWhatAHookThatFailsLosesAndKeeps(t *testing.T) {
	for _, exit := range []int{0, 1} {
		juju := newJuju(t, nil)
		hook := begin(t, juju, updateStatus)
		for _, line := range []string{
			"relation-set -r 1 a=b", "relation-set -r 1 --app a=b", "open-port 80", "state-set k=v", "storage-add cache=2",
			"secret-add key=val", "secret-set " + own + " key=other", "status-set blocked stays", "application-version-set 1.0",
			"secret-get " + theirs + " --refresh",
		} {
			assert.True(t, strings.HasPrefix(run(t, hook, line), "0 "), line)
		}
		assert.Equal(t, "app", juju.State().Relations[0].LocalAppData["mine"], "nothing is kept before the end")
		require.NoError(t, hook.End(exit))
		s := juju.State()
		assert.Equal(t, modeltest.Status{Name: "blocked", Message: "stays"}, s.UnitStatus)
		assert.Equal(t, "1.0", s.WorkloadVersion)
		assert.Equal(t, 2, s.Secrets[0].TrackedRevision)
		kept := exit == 0
		assert.Equal(t, kept, s.Relations[0].LocalUnitData["a"] == "b")
		assert.Equal(t, kept, s.Relations[0].LocalAppData["a"] == "b")
		assert.Equal(t, kept, len(s.OpenedPorts) == 1)
		assert.Equal(t, kept, s.Stored["k"] == "v")
		assert.Equal(t, kept, s.StorageRequests["cache"] == 2)
		assert.Equal(t, kept, len(s.Secrets) == 4)
		assert.Equal(t, kept, s.Secrets[1].LatestContent["key"] == "other")
		require.ErrorContains(t, hook.End(0), "ended already")
		_, err := hook.Run(t.Context(), hooktool.Call{Name: "is-leader"})
		require.ErrorContains(t, err, "the hook is over")
	}
}

func TestOneHookAtATime(t *testing.T) {
	juju := newJuju(t, nil)
	hook := begin(t, juju, updateStatus)
	_, err := juju.Begin(updateStatus)
	require.ErrorContains(t, err, "the one before has not ended")
	require.NoError(t, hook.End(0))
	begin(t, juju, updateStatus)
}

func TestUnknownEvents(t *testing.T) {
	juju := newJuju(t, nil)
	for _, c := range []struct {
		event modeltest.Event
		want  string
	}{
		{modeltest.Event{Name: "config-chnged"}, `unknown hook "config-chnged" (did you mean "config-changed"?)`},
		{modeltest.Event{Name: "bckup", Action: true}, `unknown action "bckup" (did you mean "backup"?)`},
		{modeltest.Event{Name: "collect-unit-status"}, `unknown hook`},
		{modeltest.Event{Name: "backup-action"}, `unknown hook "backup-action"`},
		{modeltest.Event{Name: "db-relation-changed"}, `the endpoint "db" has 2 relations: say which one by its id`},
		{modeltest.Event{Name: "logs-relation-changed"}, `no relation of the endpoint "logs"`},
		{modeltest.Event{Name: "db-relation-changed", RelationID: number(9)}, `no relation db:9 in the state`},
		{modeltest.Event{Name: "db-relation-changed", RelationID: number(1), RemoteUnit: number(7)}, `no unit pg/7`},
		{modeltest.Event{Name: "db-relation-joined", RelationID: number(1)}, `2 units at the other end: say which one`},
		{modeltest.Event{Name: "db-relation-broken", RelationID: number(1), RemoteUnit: number(0)}, `no remote unit`},
		{modeltest.Event{Name: "data-storage-attached", StorageIndex: number(4)}, `0 such instances`},
		{modeltest.Event{Name: "secret-changed", SecretID: own}, `0 such secrets of another owner`},
		{modeltest.Event{Name: "secret-rotate"}, `2 such secrets that this unit or its application owns`},
		{modeltest.Event{Name: "backup", Action: true}, `the parameter "level" is required`},
		{modeltest.Event{Name: "backup", Action: true, Params: map[string]any{"level": "x"}}, `the parameter "level" must be of type integer, it is "x"`},
	} {
		_, err := juju.Begin(c.event)
		require.ErrorContains(t, err, c.want)
		_, err = juju.Env(c.event)
		require.ErrorContains(t, err, c.want)
	}
	_, err := newJuju(t, version("3.6.11")).Begin(modeltest.Event{Name: "collect-metrics"})
	require.ErrorContains(t, err, "it went with Juju 3.6")
	_, err = newJuju(t, version("2.9.0")).Begin(modeltest.Event{Name: "secret-changed"})
	require.ErrorContains(t, err, "it came with Juju 3.0")
}

// TestUnknownActionParams: an action that does not say whether it takes others
// than those that it declares takes them up to Juju 3.6.
func TestUnknownActionParams(t *testing.T) {
	noop := modeltest.Event{Name: "noop", Action: true, Params: map[string]any{"x": 1}}
	_, err := newJuju(t, version("3.6.11")).Begin(noop)
	require.NoError(t, err)
	_, err = newJuju(t, version("4.0.0")).Begin(noop)
	require.ErrorContains(t, err, `unknown parameter "x"`)
}

func TestActionParamsGetTheirDefaults(t *testing.T) {
	juju := newJuju(t, nil)
	hook := begin(t, juju, modeltest.Event{Name: "backup", Action: true, Params: map[string]any{"level": 1}})
	assert.Equal(t, `0 {"level":1,"opts":{"deep":true},"to":"s3"}`+"\n", run(t, hook, "action-get --format=json"))
	run(t, hook, "action-set a.b=1")
	require.NoError(t, hook.End(0))
	assert.Equal(t, &modeltest.ActionResult{ID: "1", Name: "backup", Results: map[string]any{"a": map[string]any{"b": "1"}}}, hook.ActionResult())
	assert.Nil(t, begin(t, juju, updateStatus).ActionResult())
}

// TestEnvIsJujus compares the environment of every sort of hook with that which
// Juju 3.5.1 makes, but for what belongs to its machine.
func TestEnvIsJujus(t *testing.T) {
	genuine := peers.Juju(t)
	meta := loadMeta(t, charmFiles)
	for _, e := range []modeltest.Event{
		{Name: "install"}, {Name: "config-changed"}, {Name: "leader-elected"},
		{Name: "db-relation-created", RelationID: number(1)},
		{Name: "db-relation-joined", RelationID: number(1), RemoteUnit: number(1)},
		{Name: "db-relation-changed", RelationID: number(1), RemoteUnit: number(0)},
		{Name: "db-relation-changed", RelationID: number(1)},
		{Name: "db-relation-departed", RelationID: number(1), RemoteUnit: number(0)},
		{Name: "db-relation-broken", RelationID: number(1)},
		{Name: "cluster-relation-changed", RemoteUnit: number(1)},
		{Name: "data-storage-attached"},
		{Name: "noop", Action: true},
	} {
		t.Run(e.Name, func(t *testing.T) {
			state := world()
			juju := newJuju(t, nil)
			got, err := juju.Env(e)
			require.NoError(t, err)
			genuine.SetWorld(jujuWorld(meta, state))
			var outcome peers.JujuOutcome
			if e.Action {
				outcome = genuine.Action(e.Name, nil)
			} else {
				outcome = genuine.Hook(jujuHook(state, e))
			}
			want := map[string]string{}
			for _, pair := range outcome.Env {
				name, value, _ := strings.Cut(pair, "=")
				want[name] = value
			}
			for _, env := range []map[string]string{want, got} {
				maps.DeleteFunc(env, func(name, _ string) bool {
					switch name {
					case "CHARM_DIR", "JUJU_CHARM_DIR", "JUJU_CONTEXT_ID", "JUJU_API_ADDRESSES", "PATH", "TERM", "LANG",
						"JUJU_AGENT_SOCKET_ADDRESS", "JUJU_AGENT_SOCKET_NETWORK", "APT_LISTCHANGES_FRONTEND", "DEBIAN_FRONTEND":
						return true
					}
					return strings.HasPrefix(name, "KUBERNETES_")
				})
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestEnvOfOtherHooks(t *testing.T) {
	files := maps.Clone(charmFiles)
	files["metadata.yaml"] += "containers:\n  web: {}\n"
	juju, err := modeltest.New(loadMeta(t, files), &modeltest.State{Secrets: []*modeltest.Secret{{ID: own, Owner: "unit", Label: "l", TrackedContent: map[string]string{"key": "v"}, TrackedRevision: 4}}})
	require.NoError(t, err)
	for _, c := range []struct {
		event modeltest.Event
		want  map[string]string
	}{
		{modeltest.Event{Name: "web-pebble-ready"}, map[string]string{"JUJU_WORKLOAD_NAME": "web", "JUJU_DISPATCH_PATH": "hooks/web-pebble-ready", "JUJU_MACHINE_ID": ""}},
		{modeltest.Event{Name: "web-pebble-custom-notice", NoticeID: "3", NoticeKey: "a.b/c"}, map[string]string{"JUJU_WORKLOAD_NAME": "web", "JUJU_NOTICE_ID": "3", "JUJU_NOTICE_KEY": "a.b/c", "JUJU_NOTICE_TYPE": "custom"}},
		{modeltest.Event{Name: "web_pebble_check_failed", CheckName: "up"}, map[string]string{"JUJU_WORKLOAD_NAME": "web", "JUJU_PEBBLE_CHECK_NAME": "up", "JUJU_HOOK_NAME": "web-pebble-check-failed"}},
		{modeltest.Event{Name: "secret-rotate"}, map[string]string{"JUJU_SECRET_ID": own, "JUJU_SECRET_LABEL": "l"}},
		{modeltest.Event{Name: "secret-remove", SecretRevision: 2}, map[string]string{"JUJU_SECRET_REVISION": "2"}},
		{modeltest.Event{Name: "secret-expired"}, map[string]string{"JUJU_SECRET_REVISION": "4"}},
	} {
		env, err := juju.Env(c.event)
		require.NoError(t, err)
		for name, value := range c.want {
			assert.Equal(t, value, env[name], "%s of %s", name, c.event.Name)
		}
		assert.NotContains(t, env, "JUJU_METER_STATUS", "gone in 3.6")
	}
}

func TestToolsComeAndGoWithVersions(t *testing.T) {
	for _, c := range []struct {
		version, tool string
		has           bool
	}{
		{"3.5.1", "add-metric", true}, {"3.6.11", "add-metric", false},
		{"3.5.1", "relation-model-get", false}, {"3.6.11", "relation-model-get", true}, {"4.1-beta2", "relation-model-get", true},
		{"2.9.0", "secret-get", false}, {"3.0.3", "secret-get", true}, {"3.6.11", "no-such-tool", false},
	} {
		_, err := begin(t, newJuju(t, version(c.version)), updateStatus).Run(t.Context(), hooktool.Call{Name: c.tool})
		var missing *hooktool.Error
		assert.Equal(t, !c.has, errors.As(err, &missing) && missing.Reason == hooktool.Missing, "%s in %s", c.tool, c.version)
	}
}

func TestJuju36(t *testing.T) {
	juju := newJuju(t, version("3.6.11"))
	hook := begin(t, juju, modeltest.Event{Name: "db-relation-broken", RelationID: number(1)})
	assert.Equal(t, "0 db:3\n", run(t, hook, "relation-ids db"), "the broken relation is left out")
	assert.Equal(t, `0 {"endpoints":"h:1"}`+"\n", run(t, hook, "relation-get -r 1 --format=json --app - pg"))
	require.NoError(t, hook.End(0))

	hook = begin(t, juju, updateStatus)
	assert.Equal(t, "2 ERROR no endpoint name specified\n", run(t, hook, "relation-ids"))
	assert.Equal(t, `0 {"uuid":"`+modelUUID+`"}`+"\n", run(t, hook, "relation-model-get -r 1 --format=json"))
	run(t, hook, "secret-set "+own+" key=val")
	require.NoError(t, hook.End(0))
	assert.Equal(t, 1, juju.State().Secrets[1].LatestRevision, "the same content makes no revision")

	hook = begin(t, juju, updateStatus)
	run(t, hook, "secret-set "+own+" key=new")
	run(t, hook, "secret-set "+own+" --label x")
	require.NoError(t, hook.End(0))
	assert.Equal(t, "new", juju.State().Secrets[1].LatestContent["key"], "several calls are merged")
	assert.Equal(t, "x", juju.State().Secrets[1].Label)
}

func TestRemovedRevisions(t *testing.T) {
	for v, removed := range map[string][]int{"3.5.1": {2}, "3.6.10": {2}, "3.6.11": {1, 2}} {
		juju := newJuju(t, func(s *modeltest.State) {
			s.JujuVersion = v
			twoRevisions(s)
			s.Secrets[1].LatestRevision = 3
		})
		hook := begin(t, juju, updateStatus)
		run(t, hook, "secret-remove "+own+" --revision 1")
		run(t, hook, "secret-remove "+own+" --revision 2")
		require.NoError(t, hook.End(0))
		assert.Equal(t, removed, juju.State().Secrets[1].RemovedRevisions, v)
	}
}

func TestJuju41CommitsSecretsWithTheRest(t *testing.T) {
	for v, secrets := range map[string]int{"3.6.11": 4, "4.1.0": 3} {
		juju := newJuju(t, version(v))
		hook := begin(t, juju, updateStatus)
		run(t, hook, "secret-add key=v")
		run(t, hook, "storage-add nope")
		require.ErrorContains(t, hook.End(0), `cannot keep what the hook did: adding storage nope`)
		assert.Len(t, juju.State().Secrets, secrets, v)
	}
}

func TestICMPInKubernetes(t *testing.T) {
	juju := newJuju(t, func(s *modeltest.State) { s.Model.Type, s.JujuVersion = "kubernetes", "3.6.11" })
	hook := begin(t, juju, updateStatus)
	run(t, hook, "open-port icmp")
	require.ErrorContains(t, hook.End(0), "protocol icmp on caas models not supported")
}

func TestReboot(t *testing.T) {
	juju := newJuju(t, nil)
	for line, c := range map[string]struct {
		reboot modeltest.Reboot
		kept   bool
	}{"juju-reboot": {modeltest.RebootAfter, true}, "juju-reboot --now": {modeltest.RebootNow, false}, "is-leader": {modeltest.NoReboot, true}} {
		hook := begin(t, juju, updateStatus)
		key := strings.ReplaceAll(line, " ", "")
		run(t, hook, "state-set "+key+"=v")
		run(t, hook, line)
		require.NoError(t, hook.End(0))
		assert.Equal(t, c.reboot, hook.Reboot())
		assert.Equal(t, c.kept, juju.State().Stored[key] == "v", line)
	}
}

// TestWhatWentWithJuju4: the tools that Juju 3.6 and 4.0 dropped are missing
// there, and answer before.
func TestWhatWentWithJuju4(t *testing.T) {
	for tool, last := range map[string]string{
		"leader-get": "3.6.11", "payload-unregister monitor x": "3.6.11", "k8s-raw-set": "3.6.11", "pod-spec-get": "3.6.11",
		"k8s-spec-get": "3.6.11", "add-metric a=1": "3.5.1",
	} {
		for v, gone := range map[string]bool{"3.5.1": false, "3.6.11": last == "3.5.1", "4.0.0": true, "4.1.0": true} {
			words := strings.Fields(tool)
			_, err := begin(t, newJuju(t, version(v)), updateStatus).Run(t.Context(), hooktool.Call{Name: words[0], Args: words[1:]})
			var missing *hooktool.Error
			assert.Equal(t, gone, errors.As(err, &missing) && missing.Reason == hooktool.Missing, "%s in Juju %s", tool, v)
		}
	}
}

// TestNetworksOfJuju41: what there is of a network is told, and what is asked
// for and not there is an error.
func TestNetworksOfJuju41(t *testing.T) {
	for v, want := range map[string][]string{
		"3.6.11": {"1 ERROR no network config found for binding \"db\"\n", "1 ERROR no network config found for binding \"db\"\n"},
		"4.1.0":  {"0 {\"ingress-addresses\":[\"192.0.2.7\"]}\n", "1 ERROR no bind address attached to space for binding \"db\"\n"},
	} {
		hook := begin(t, newJuju(t, func(s *modeltest.State) {
			s.JujuVersion = v
			s.Networks = []*modeltest.Network{{
				Binding: "db", BindAddresses: []modeltest.BindAddress{}, IngressAddresses: []string{"192.0.2.7"}, EgressSubnets: []string{},
			}}
		}), updateStatus)
		assert.Equal(t, want, []string{run(t, hook, "network-get db --format=json"), run(t, hook, "network-get db --bind-address")}, v)
	}
}

func TestMetrics(t *testing.T) {
	hook := begin(t, newJuju(t, nil), modeltest.Event{Name: "collect-metrics"})
	assert.Equal(t, "0 ", run(t, hook, "add-metric --labels x=y,z=w b=2 a=1.5"))
	labels := map[string]string{"x": "y", "z": "w"}
	assert.Equal(t, []modeltest.Metric{{"a", "1.5", labels}, {"b", "2", labels}}, hook.Metrics())
}

func TestSecretFilesAndIDs(t *testing.T) {
	juju := newJuju(t, nil)
	hook := begin(t, juju, updateStatus)
	file := filepath.Join(t.TempDir(), "value")
	require.NoError(t, os.WriteFile(file, []byte("from a\nfile"), 0o600))
	first := run(t, hook, "secret-add key#file="+file)
	second := run(t, hook, "secret-add key=v")
	assert.NotEqual(t, first, second)
	assert.Equal(t, first, run(t, begin(t, newJuju(t, nil), updateStatus), "secret-add key=v"), "the same on every run")
	id := strings.TrimSpace(strings.TrimPrefix(first, "0 "))
	assert.Equal(t, "0 |-\n  from a\n  file\n", run(t, hook, "secret-get "+id+" key"))
	require.NoError(t, os.WriteFile(file, make([]byte, 16<<20+1), 0o600))
	assert.Contains(t, run(t, hook, "secret-add key#file="+file), "larger than 16777216 bytes")
}

func TestGoalStateFollowsPlannedUnits(t *testing.T) {
	for planned, want := range map[int][]string{0: {}, 1: {"web-app/0"}, 2: {"web-app/0", "web-app/1"}, 4: {"web-app/0", "web-app/1", "web-app/2", "web-app/3"}} {
		hook := begin(t, newJuju(t, func(s *modeltest.State) { s.PlannedUnits = &planned }), updateStatus)
		text := run(t, hook, "goal-state --format=json")
		assert.Equal(t, len(want), strings.Count(text, `"web-app/`), text)
		for _, unit := range want {
			assert.Contains(t, text, `"`+unit+`"`)
		}
	}
}

func TestResource(t *testing.T) {
	hook := begin(t, newJuju(t, func(s *modeltest.State) {
		s.Resources = []*modeltest.Resource{{Name: "app", Path: "/res/app.tgz"}}
	}), updateStatus)
	assert.Equal(t, "0 /res/app.tgz", run(t, hook, "resource-get app"))
	assert.Equal(t, "1 ERROR could not download resource: resource#web-app/nope not found\n", run(t, hook, "resource-get nope"))
}

func TestRecords(t *testing.T) {
	hook := begin(t, newJuju(t, nil), modeltest.Event{Name: "db-relation-created", RelationID: number(1)})
	run(t, hook, "juju-log -l ERROR oh no")
	run(t, hook, "status-set active")
	run(t, hook, "status-set --application waiting x")
	run(t, hook, "config-get --bogus")
	assert.Equal(t, []modeltest.LogLine{{Level: "ERROR", Message: "oh no", Relation: "db:1"}}, hook.Logs())
	last, ok := hook.LastLog()
	assert.True(t, ok)
	assert.Equal(t, hook.Logs()[0], last)
	assert.Equal(t, []modeltest.StatusChange{{Status: modeltest.Status{Name: "active"}}, {App: true, Status: modeltest.Status{Name: "waiting", Message: "x"}}}, hook.StatusHistory())
	calls := hook.Calls()
	require.Len(t, calls, 4)
	assert.Equal(t, "juju-log", calls[0].Name)
	assert.Equal(t, 2, calls[3].Result.Code)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := hook.Run(ctx, hooktool.Call{Name: "is-leader"})
	require.ErrorIs(t, err, context.Canceled)
}

func TestManyGoroutinesShareAHook(t *testing.T) {
	juju := newJuju(t, nil)
	hook := begin(t, juju, updateStatus)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			run(t, hook, fmt.Sprintf("state-set k%d=v", i))
			juju.State()
			hook.Calls()
		})
	}
	wg.Wait()
	require.NoError(t, hook.End(0))
	assert.Len(t, juju.State().Stored, 20)
}

// FuzzTools: no arguments and no input make a tool crash or hang.
func FuzzTools(f *testing.F) {
	for _, s := range scenarios() {
		for _, line := range s.lines() {
			command, stdin, _ := strings.Cut(line, " <<< ")
			words := splitWords(command)
			f.Add(words[0], strings.Join(words[1:], "\x00"), []byte(stdin))
		}
	}
	f.Fuzz(func(t *testing.T, name, args string, stdin []byte) {
		juju := newJuju(t, nil)
		juju.ReadFile = func(string) ([]byte, error) { return stdin, nil }
		hook := begin(t, juju, modeltest.Event{Name: "db-relation-changed", RelationID: number(1), RemoteUnit: number(0)})
		result, err := hook.Run(t.Context(), hooktool.Call{Name: name, Args: strings.Split(args, "\x00"), Stdin: stdin})
		if err == nil && (result.Code < 0 || result.Code > 2) {
			t.Fatalf("exit code %d", result.Code)
		}
		_ = hook.End(0)
	})
}
