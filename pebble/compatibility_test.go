package pebble_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

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

// TestAnswersOfNewerDaemons: values that this package does not know are kept,
// members that it does not know are not looked at, and null is as good as none.
func TestAnswersOfNewerDaemons(t *testing.T) {
	answers := map[string]string{
		"/v1/services":    `[{"name":"a","startup":"lazy","current":"paused","current-since":null,"new":[1]}]`,
		"/v1/checks":      `[{"name":"a","level":"awake","startup":"lazy","status":"asleep","failures":null,"threshold":2,"change-id":"7"}]`,
		"/v1/files":       `[{"path":"/x","name":"x","type":"door","size":null,"permissions":"644","last-modified":"2026-01-02T03:04:05+13:45","user-id":null,"user":null}]`,
		"/v1/notices":     `[{"id":"1","type":"rumour","key":"k","user-id":null,"first-occurred":"2026-01-02T03:04:05.123456789Z","last-data":null,"repeat-after":null}]`,
		"/v1/changes/1":   `{"id":"1","kind":"dance","status":"Dancing","ready":true,"err":null,"tasks":[{"id":"2","status":"Resting","log":null,"data":null,"progress":null}],"ready-time":null}`,
		"/v1/identities":  `{"bob":{"access":"guest","local":null,"basic":null,"badge":{}}}`,
		"/v1/system-info": `{"version":"v9","http-address":null,"boot-id":null,"mood":"good"}`,
	}
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, 200, `{"type":"sync","status-code":200,"result":`+answers[r.URL.Path]+`}`)
	})
	ctx := t.Context()
	services, err := client.Services(ctx)
	require.NoError(t, err)
	assert.Equal(t, []*pebble.ServiceInfo{{Name: "a", Startup: "lazy", Current: "paused"}}, services)
	checks, err := client.Checks(ctx, pebble.ChecksOptions{})
	require.NoError(t, err)
	assert.Equal(t, []*pebble.CheckInfo{{Name: "a", Level: "awake", Startup: "lazy", Status: "asleep", Threshold: 2, ChangeID: "7"}}, checks)
	files, err := client.ListFiles(ctx, "/", pebble.ListFilesOptions{})
	require.NoError(t, err)
	assert.Equal(t, pebble.FileType("door"), files[0].Type)
	assert.Equal(t, "2026-01-01T13:19:05Z", files[0].LastModified.UTC().Format(time.RFC3339))
	notices, err := client.Notices(ctx, pebble.NoticesOptions{})
	require.NoError(t, err)
	assert.Equal(t, "rumour", notices[0].Type)
	assert.Nil(t, notices[0].UserID)
	assert.Equal(t, 123456789, notices[0].FirstOccurred.Nanosecond())
	change, err := client.Change(ctx, "1")
	require.NoError(t, err)
	assert.Equal(t, &pebble.Change{ID: "1", Kind: "dance", Status: "Dancing", Ready: true, Tasks: []*pebble.Task{{ID: "2", Status: "Resting"}}}, change)
	identities, err := client.Identities(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]*pebble.Identity{"bob": {Access: "guest"}}, identities)
	info, err := client.SystemInfo(ctx)
	require.NoError(t, err)
	assert.Equal(t, "v9", info.Version)
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
