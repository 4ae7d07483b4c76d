package pebbletest_test

import (
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

func clocked(t *testing.T, state *pebbletest.State, layer string) (*clock, *pebbletest.Server, *pebble.Client) {
	c := &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	server := pebbletest.New(pebbletest.Config{Now: func() time.Time { return c.now }, State: state})
	client := pebble.New(pebble.Config{Transport: server.Transport()})
	require.NoError(t, client.AddLayerYAML(t.Context(), "l", layer, pebble.AddLayerOptions{}))
	return c, server, client
}

func TestServicesByTheClock(t *testing.T) {
	clock, server, client := clocked(t, nil, `services: {web: {override: replace, command: web, startup: enabled, backoff-delay: 1s, backoff-limit: 3s}, job: {override: replace, command: job, startup: enabled, on-success: ignore, on-failure: shutdown}}`)
	_, err := client.Replan(t.Context(), pebble.WaitOptions{})
	require.NoError(t, err)
	current := func(name string) pebble.ServiceStatus {
		infos, err := client.Services(t.Context(), name)
		require.NoError(t, err)
		return infos[0].Current
	}
	assert.ErrorContains(t, server.EndService("nope", 0), `service "nope"`)
	require.NoError(t, server.EndService("job", 0))
	assert.Equal(t, pebble.ServiceInactive, current("job"))
	assert.ErrorContains(t, server.EndService("job", 0), "does not run")

	require.NoError(t, server.EndService("web", 1))
	assert.Equal(t, pebble.ServiceBackoff, current("web"))
	clock.pass(999 * time.Millisecond)
	assert.Equal(t, pebble.ServiceBackoff, current("web"))
	clock.pass(time.Millisecond)
	assert.Equal(t, pebble.ServiceActive, current("web"))

	// The second pause is twice as long, the third the limit.
	code := 1
	server.SetFailing("web", &code)
	require.NoError(t, server.EndService("web", 1))
	clock.pass(1999 * time.Millisecond)
	server.SetFailing("web", nil)
	assert.Equal(t, pebble.ServiceBackoff, current("web"))
	clock.pass(time.Millisecond)
	assert.Equal(t, pebble.ServiceActive, current("web"))
	require.NoError(t, server.EndService("web", 1))
	clock.pass(2999 * time.Millisecond)
	assert.Equal(t, pebble.ServiceBackoff, current("web"))
	clock.pass(time.Millisecond)
	assert.Equal(t, pebble.ServiceActive, current("web"))

	// After it ran for a while the pauses are short again.
	clock.pass(time.Hour)
	require.NoError(t, server.EndService("web", 1))
	clock.pass(time.Second)
	assert.Equal(t, pebble.ServiceActive, current("web"))

	// Years of failures are no work, and it comes back when it can.
	server.SetFailing("web", &code)
	require.NoError(t, server.EndService("web", 1))
	clock.pass(100 * 365 * 24 * time.Hour)
	assert.Equal(t, pebble.ServiceBackoff, current("web"))
	server.SetFailing("web", nil)
	clock.pass(3 * time.Second)
	assert.Equal(t, pebble.ServiceActive, current("web"))

	// A start that fails backs off in the same way.
	_, err = client.Stop(t.Context(), []string{"web"}, pebble.WaitOptions{})
	require.NoError(t, err)
	server.SetFailing("web", &code)
	_, err = client.Start(t.Context(), []string{"web"}, pebble.WaitOptions{})
	require.True(t, pebble.IsKind(err, pebble.ChangeError))
	server.SetFailing("web", nil)
	assert.Equal(t, pebble.ServiceBackoff, current("web"))
	clock.pass(time.Second)
	assert.Equal(t, pebble.ServiceActive, current("web"))
}

func TestChecksByTheClock(t *testing.T) {
	clock, server, client := clocked(t, nil, `checks: {up: {override: replace, level: ready, period: 10s, threshold: 3, tcp: {port: 80}}}`)
	look := func() *pebble.CheckInfo {
		infos, err := client.Checks(t.Context(), pebble.ChecksOptions{})
		require.NoError(t, err)
		return infos[0]
	}
	assert.ErrorContains(t, server.SetCheckProblem("nope", "x"), `check "nope"`)
	first := look()
	require.NoError(t, server.SetCheckProblem("up", "connection refused"))
	clock.pass(29 * time.Second)
	assert.Equal(t, pebble.CheckUp, look().Status)
	assert.Equal(t, 2, look().Failures)
	clock.pass(time.Second)
	down := look()
	assert.Equal(t, pebble.CheckDown, down.Status)
	assert.Equal(t, first.ChangeID, down.PrevChangeID)
	healthy, err := client.Health(t.Context(), pebble.HealthOptions{})
	require.NoError(t, err)
	assert.False(t, healthy)
	change, err := client.WaitChange(t.Context(), first.ChangeID, pebble.WaitOptions{})
	require.NoError(t, err)
	assert.Equal(t, "cannot perform the following tasks:\n- Perform TCP check \"up\" (connection refused)", change.Err)
	change, err = client.Change(t.Context(), down.ChangeID)
	require.NoError(t, err)
	assert.Equal(t, "recover-check", change.Kind)

	clock.pass(20 * time.Second)
	assert.Equal(t, 5, look().Failures)
	require.NoError(t, server.SetCheckProblem("up", ""))
	assert.Equal(t, pebble.CheckDown, look().Status, "until it runs again")
	clock.pass(10 * time.Second)
	up := look()
	assert.Equal(t, pebble.CheckUp, up.Status)
	assert.Zero(t, up.Failures)
	assert.NotEqual(t, down.ChangeID, up.ChangeID)

	// One that is stopped does not run.
	require.NoError(t, server.SetCheckProblem("up", "again"))
	_, err = client.StopChecks(t.Context(), []string{"up"})
	require.NoError(t, err)
	clock.pass(time.Hour)
	assert.Equal(t, pebble.CheckInactive, look().Status)
}

// TestDisconnectedMidway: a daemon that goes away ends what waits for it, and
// leaves no goroutine behind.
func TestDisconnectedMidway(t *testing.T) {
	before := runtime.NumGoroutine()
	server := pebbletest.New(pebbletest.Config{State: &pebbletest.State{
		Execs: []*pebbletest.Exec{{CommandPrefix: []string{"cat"}, Handler: pebbletest.HandlerFunc(func(_ context.Context, c *pebbletest.Command) int {
			_, _ = io.Copy(io.Discard, c.Stdin) // until the daemon goes away
			return 0
		})}},
	}})
	client := pebble.New(pebble.Config{Transport: server.Transport()})
	require.NoError(t, client.AddLayerYAML(t.Context(), "l", "services: {web: {override: replace, command: web, startup: enabled}}", pebble.AddLayerOptions{}))
	_, err := client.Replan(t.Context(), pebble.WaitOptions{})
	require.NoError(t, err)
	followed := make(chan error, 1)
	following := make(chan struct{})
	go func() {
		followed <- client.FollowLogs(context.Background(), pebble.LogsOptions{N: -1}, func(*pebble.LogEntry) error { close(following); return nil })
	}()
	server.Log("web", "hello")
	<-following
	process, err := client.Exec(t.Context(), pebble.ExecOptions{Command: []string{"cat"}, PipeStdin: true})
	require.NoError(t, err)
	server.SetConnectable(false)
	assert.True(t, pebble.IsKind(<-followed, pebble.ConnectionError))
	_, _, err = process.Output()
	assert.True(t, pebble.IsKind(err, pebble.RootError), "%v", err)
	_, err = client.SystemInfo(t.Context())
	assert.True(t, pebble.IsKind(err, pebble.ConnectionError))
	server.SetConnectable(true)
	_, err = client.SystemInfo(t.Context())
	assert.NoError(t, err)
	client.Close()
	settles(t, before)
}
