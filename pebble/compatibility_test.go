package pebble_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What older daemons answer, which the conformance test cannot show.

func TestChecksOfOlderDaemons(t *testing.T) {
	ctx := context.Background()
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			assert.JSONEq(t, `{"action":"start","checks":["up"]}`, string(body))
			answerJSON(w, 200, `{"type":"sync","result":{"changed":null}}`)
			return
		}
		answerJSON(w, 200, `{"type":"sync","result":[{"name":"a","status":"up","threshold":3},{"name":"b","startup":"enabled","status":"up","threshold":3},null]}`)
	})
	changed, err := client.StartChecks(ctx, []string{"up"})
	require.NoError(t, err)
	assert.Equal(t, []string{}, changed)
	infos, err := client.Checks(ctx, pebble.ChecksOptions{})
	require.NoError(t, err)
	assert.Equal(t, []*pebble.CheckInfo{
		{Name: "a", Status: pebble.CheckUp, Threshold: 3},
		{Name: "b", Startup: pebble.StartupEnabled, Status: pebble.CheckInactive, Threshold: 3},
	}, infos)
}

func TestHealthOverHTTPError(t *testing.T) {
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "level=alive&names=a&names=b", r.URL.RawQuery)
		answerJSON(w, 502, `{"type":"sync","status-code":502,"result":{"healthy":false}}`)
	})
	healthy, err := client.Health(context.Background(), pebble.HealthOptions{Level: pebble.LevelAlive, Names: []string{"a", "b"}})
	require.NoError(t, err)
	assert.False(t, healthy)
}

func TestFailingCheckOfAGenuineDaemon(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the daemon must be root, as in a container")
	}
	ctx := context.Background()
	w, stop := genuineWorld(t, peers.Pebble(t), t.Name())
	defer stop()
	defer w.client.Close()
	require.NoError(t, w.client.AddLayerYAML(ctx, "a", `checks:
  bad: {override: replace, level: ready, period: 300ms, threshold: 2, exec: {command: "false"}}
  good: {override: replace, level: alive, period: 300ms, threshold: 2, exec: {command: "true"}}
`, pebble.AddLayerOptions{}))
	check := func(name string) *pebble.CheckInfo {
		infos, err := w.client.Checks(ctx, pebble.ChecksOptions{Names: []string{name}})
		require.NoError(t, err)
		require.Len(t, infos, 1)
		return infos[0]
	}
	// The change that runs the check ends when the check goes down.
	if bad := check("bad"); bad.Status == pebble.CheckUp {
		change, err := w.client.WaitChange(ctx, bad.ChangeID, pebble.WaitOptions{})
		require.NoError(t, err)
		assert.Contains(t, change.Err, "exit status 1")
	}
	assert.Equal(t, pebble.CheckDown, check("bad").Status)
	assert.GreaterOrEqual(t, check("bad").Failures, 2)
	assert.Equal(t, pebble.CheckUp, check("good").Status)
	for _, health := range []struct {
		o    pebble.HealthOptions
		want bool
	}{
		{pebble.HealthOptions{}, false},
		{pebble.HealthOptions{Level: pebble.LevelReady}, false},
		{pebble.HealthOptions{Level: pebble.LevelAlive}, true},
		{pebble.HealthOptions{Names: []string{"good"}}, true},
		{pebble.HealthOptions{Names: []string{"good", "bad"}}, false},
	} {
		healthy, err := w.client.Health(ctx, health.o)
		require.NoError(t, err)
		assert.Equal(t, health.want, healthy, "%+v", health.o)
	}
}
