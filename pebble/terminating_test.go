package pebble_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
)

// stubbornLayer has a service that ends by SIGKILL only, after a second and a
// half.
func stubbornLayer(value string) *pebble.Layer {
	return parseLayer(`services: {web: {override: replace, startup: enabled, kill-delay: 1500ms, environment: {A: ` + value +
		`}, command: "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'"}}`)
}

// TestFormerProcess starts, in each way, a service whose process has been told
// to end and has not. A simulated service has no process that could linger.
func TestFormerProcess(t *testing.T) {
	binary := peers.Pebble(t)
	wait := pebble.WaitOptions{}
	for name, start := range map[string]func(t *testing.T, c *pebble.Client) error{
		"start": func(t *testing.T, c *pebble.Client) error {
			_, err := c.Start(t.Context(), []string{"web"}, wait)
			return err
		},
		"restart": func(t *testing.T, c *pebble.Client) error {
			_, err := c.Restart(t.Context(), []string{"web"}, wait)
			return err
		},
		"replan":    func(t *testing.T, c *pebble.Client) error { _, err := c.Replan(t.Context(), wait); return err },
		"autostart": func(t *testing.T, c *pebble.Client) error { _, err := c.Autostart(t.Context(), wait); return err },
		"ensure": func(t *testing.T, c *pebble.Client) error {
			_, err := c.Ensure(t.Context(), pebble.EnsureOptions{Label: "l", Layer: stubbornLayer("b")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, stop := genuineWorld(t, binary, name)
			defer stop()
			_, err := w.client.Ensure(t.Context(), pebble.EnsureOptions{Label: "l", Layer: stubbornLayer("a")})
			require.NoError(t, err)
			_, err = w.client.Stop(t.Context(), []string{"web"}, pebble.WaitOptions{Timeout: 50 * time.Millisecond})
			require.True(t, pebble.IsKind(err, pebble.TimeoutError), "%v", err)
			require.NoError(t, start(t, w.client))
			infos, err := w.client.Services(t.Context())
			require.NoError(t, err)
			assert.True(t, infos[0].Running())
		})
	}
}

// TestFormerProcessStays: what is refused for other reasons too, or for ever, is
// a failure.
func TestFormerProcessStays(t *testing.T) {
	const lingering = `- Start service \"a\" (cannot start service while terminating)`
	for _, test := range []struct {
		err       string
		refusals  int32
		wantAsked int32
		wantErr   bool
		timeout   time.Duration
	}{
		{lingering, 2, 3, false, time.Minute},
		{lingering + `\n- Start service \"b\" (service start attempt: exited quickly with code 1, will restart)`, 2, 1, true, time.Minute},
		{lingering, 1 << 20, 0, true, 400 * time.Millisecond},
	} {
		var asked atomic.Int32
		client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				asked.Add(1)
				answerJSON(w, 202, `{"type":"async","status-code":202,"change":"1"}`)
				return
			}
			problem := ""
			if asked.Load() <= test.refusals {
				problem = `cannot perform the following tasks:\n` + test.err
			}
			answerJSON(w, 200, fmt.Sprintf(`{"type":"sync","status-code":200,"result":{"id":"1","ready":true,"err":"%s"}}`, problem))
		})
		_, err := client.Restart(t.Context(), []string{"a"}, pebble.WaitOptions{Timeout: test.timeout})
		assert.Equal(t, test.wantErr, pebble.IsKind(err, pebble.ChangeError), "%v", err)
		if test.wantAsked > 0 {
			assert.Equal(t, test.wantAsked, asked.Load())
		}
	}
}
