package host_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// everything is a charm that meets every event and follows every rule.
const everything = "../testdata/charms/everything"

// A unit is a charm under a genuine Juju unit agent.
type unit struct {
	*peers.JujuAgent
	t   testing.TB
	dir string
}

// deploy starts an agent whose unit everything/0 runs the charm in dir, with one way of reaching the hook tools.
func deploy(t testing.TB, dir, tools string) *unit {
	t.Helper()
	u := &unit{JujuAgent: peers.Juju(t), t: t, dir: dir}
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

// runs runs a hook, which is to succeed.
func (u *unit) runs(hook peers.JujuHook) peers.JujuOutcome {
	u.t.Helper()
	outcome := u.Hook(hook)
	require.Empty(u.t, outcome.Error, "%s: %v", hook.Kind, outcome.Logs)
	require.True(u.t, outcome.Flushed, "%s", hook.Kind)
	require.Equal(u.t, "dispatch", outcome.Handler)
	return outcome
}

func (u *unit) hook(kind string) peers.JujuOutcome {
	u.t.Helper()
	return u.runs(peers.JujuHook{Kind: kind})
}

// bothWays runs a test once with each way of reaching the hook tools.
func bothWays(t *testing.T, test func(t *testing.T, tools string)) {
	for _, tools := range []string{"rpc", "exec"} {
		t.Run(tools, func(t *testing.T) { test(t, tools) })
	}
}

func TestInstall(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		installed := u.hook("install")
		t.Log(installed.Logs)
		assert.Equal(t, "1.2.3", u.World.WorkloadVersion)
		begin := time.Now()
		changed := u.hook("config-changed")
		t.Log(time.Since(begin), changed.Logs)
	})
}
