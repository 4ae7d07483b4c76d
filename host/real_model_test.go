package host_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// TestRealModel asks for one part of the model after the other, as the leader and as a follower.
func TestRealModel(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		u.related()
		u.Change(map[string]any{
			"relations": map[string]any{
				"2": map[string]any{"endpoint": "site", "remote-app": "proxy"},
				"3": map[string]any{"endpoint": "site", "remote-app": "cache"},
			},
			"storages": map[string]any{"data/0": map[string]any{"location": "/data/0"}},
			"secrets": map[string]any{
				ownSecret:     map[string]any{"owner": "everything/0", "label": "own", "latest": 2, "revisions": map[string]any{"1": map[string]string{"old-key": "a"}, "2": map[string]string{"new-key": "b"}}, "consumers": map[string]any{"everything/0": map[string]any{"revision": 1}}},
				grantedSecret: map[string]any{"owner": "pg", "latest": 1, "revisions": map[string]any{"1": map[string]string{"password": "c"}}, "grants": map[string]any{"everything": map[string]any{"relation": "1"}}},
			},
			"goal-state": map[string]any{"units": map[string]any{
				"everything/0": map[string]any{"status": "active", "since": "2026-01-02T03:04:05Z"},
				"everything/1": map[string]any{"status": "dying", "since": "2026-01-02T03:04:05Z"},
				"everything/2": map[string]any{"status": "waiting", "since": "2026-01-02T03:04:05Z"},
			}, "relations": map[string]any{}},
		})
		u.act("probe", nil)
		u.Change(map[string]any{"leader": false})
		u.act("probe", nil)
		checkTranscript(t, "model.txt", u.transcript.String())
	})
}

// TestRealLargeValues writes what no argument of a program can hold.
func TestRealLargeValues(t *testing.T) {
	const size = 1 << 20
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		u.related()
		filled := u.act("fill", map[string]any{"size": size})
		require.Empty(t, filled.Error, filled.Stderr())
		logged := 0
		for _, line := range filled.Log() {
			if text, ok := strings.CutPrefix(line, "INFO "); ok && strings.Trim(text, "x") == "" {
				logged += len(text)
			}
		}
		assert.Equal(t, size, logged, "in chunks")
		assert.Len(t, u.databag("1", "everything/0")["big"], size)
		// What has no other way than an argument is refused before it is sent, whichever way would be taken; a status is cut.
		for _, what := range []string{"results", "version"} {
			assert.Contains(t, filled.Log(), "INFO "+what+": model.ModelError")
		}
		assert.NotContains(t, filled.Log(), "INFO status: model.ModelError")
		assert.Len(t, strings.Join(filled.Action.Log, ""), size, "in chunks")
		assert.Equal(t, "completed", filled.Action.Status, filled.Stderr())
	})
}

// TestRealReboot has a charm that reboots its machine: after the hook, and in the middle of one, which Juju then runs again.
func TestRealReboot(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		u.Change(map[string]any{"model": map[string]any{"type": "iaas"}})
		u.order("reboot:update_status")
		later := u.Hook(peers.JujuHook{Kind: "update-status"})
		assert.Contains(t, later.Log(), "INFO the machine will reboot")
		assert.Equal(t, 1, u.World.Reboots, "%+v", later)
		before := u.state()
		count, _ := parseState(t, before)
		assert.Equal(t, 1, count)

		now := u.Hook(peers.JujuHook{Kind: "update-status"})
		assert.NotContains(t, now.Log(), "INFO the machine will reboot")
		assert.NotContains(t, strings.Join(now.Log(), "\n"), "ERROR")
		assert.Equal(t, 2, u.World.Reboots, "%+v", now)
		assert.Equal(t, before, u.state())
	})
}
