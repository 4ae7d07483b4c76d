package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
)

// TestRealSnapshot takes the snapshot of a unit of Juju's own agent, and runs the action that reads all of the model there and
// on the snapshot.
func TestRealSnapshot(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		u := deploy(t, packed(t, everything), tools)
		u.related()
		u.Change(map[string]any{
			"config": map[string]any{"port": 9001},
			"leader": true,
			"networks": map[string]any{"": map[string]any{
				"bind-addresses":    []any{map[string]any{"interface-name": "eth0", "mac-address": "aa:bb:cc:dd:ee:ff", "addresses": []any{map[string]any{"value": "10.1.0.7", "cidr": "10.1.0.0/24"}}}},
				"ingress-addresses": []string{"10.1.0.8"}, "egress-subnets": []string{"10.1.0.8/32"},
			}},
			"storages": map[string]any{"data/3": map[string]any{"location": "/data/three"}},
			"secrets": map[string]any{
				ownSecret: map[string]any{"owner": "everything/0", "label": "own", "latest": 2, "revisions": map[string]any{"1": map[string]string{"key": "old-value"}, "2": map[string]string{"key": "new-value"}}, "consumers": map[string]any{"everything/0": map[string]any{"revision": 1}}},
			},
		})
		u.Write(1, "pg", map[string]string{"token": "it is new-value"})
		program, err := starcharm()
		require.NoError(t, err)
		taken := filepath.Join(t.TempDir(), "state.yaml")
		dispatch := filepath.Join(u.dir, "dispatch")
		take := func(more string) *simulate.State {
			t.Helper()
			require.NoError(t, os.Rename(dispatch, dispatch+".kept"))
			require.NoError(t, os.WriteFile(dispatch, []byte(fmt.Sprintf("#!/bin/sh\nexec %s snapshot -o %s %s\n", program, taken, more)), 0o755))
			u.hook("update-status")
			require.NoError(t, os.Rename(dispatch+".kept", dispatch))
			state, err := simulate.ReadStateFile(taken)
			require.NoError(t, err)
			return state
		}
		state := take("")
		text, err := os.ReadFile(taken)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "-value")
		assert.NotContains(t, string(text), "Left out")
		assert.True(t, state.Juju.Leader)
		assert.Equal(t, 9001, state.Juju.Config["port"])
		assert.Equal(t, []*modeltest.Storage{{Name: "data", Index: 3, Location: "/data/three"}}, state.Juju.Storages)
		assert.Equal(t, "it is <secret>", state.Juju.Relations[0].RemoteAppData["token"])
		require.Len(t, state.Juju.Secrets, 1)
		assert.Equal(t, map[string]string{"key": "<secret>"}, state.Juju.Secrets[0].TrackedContent)
		assert.Equal(t, map[string]string{"key": "<secret> (newer)"}, state.Juju.Secrets[0].LatestContent)

		// What the charm reads is the same.
		state = take("--secrets")
		assert.Equal(t, map[string]string{"key": "new-value"}, state.Juju.Secrets[0].LatestContent)
		genuine := u.act("probe", nil)
		charm, err := host.LoadDir(u.dir)
		require.NoError(t, err)
		o, err := simulate.Run(t.Context(), charm, state, modeltest.Event{Name: "probe", Action: true})
		require.NoError(t, err)
		var log []string
		for _, s := range o.Steps {
			if s.Via == "log" && s.What == "INFO" {
				log = append(log, s.What+" "+s.Result)
			}
		}
		var want []string
		for _, line := range genuine.Log() {
			if line[:5] == "INFO " {
				want = append(want, line)
			}
		}
		assert.Equal(t, want, log)
	})
}
