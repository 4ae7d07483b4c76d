package pebble_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
)

// TestRestartedDaemon keeps one client while a genuine daemon is replaced, which
// either forgets everything or only what is not on its disk.
func TestRestartedDaemon(t *testing.T) {
	binary := peers.Pebble(t)
	for persist, remembers := range map[string]bool{"never": false, "": true} {
		t.Run("PEBBLE_PERSIST="+persist, func(t *testing.T) {
			home, err := os.MkdirTemp("", "pb")
			require.NoError(t, err)
			t.Cleanup(func() { os.RemoveAll(home) })
			require.NoError(t, os.Mkdir(filepath.Join(home, "layers"), 0o755))
			client := pebble.New(pebble.Config{SocketPath: filepath.Join(home, ".pebble.socket")})
			defer client.Close()
			ctx := t.Context()
			start := func() (stop func()) {
				daemon := exec.Command(binary, "run", "--hold")
				daemon.Env = append(os.Environ(), "PEBBLE="+home, "PEBBLE_PERSIST="+persist)
				require.NoError(t, daemon.Start())
				require.Eventually(t, func() bool {
					_, err := client.SystemInfo(ctx)
					return err == nil
				}, 20*time.Second, 5*time.Millisecond)
				return func() {
					_ = daemon.Process.Signal(syscall.SIGTERM)
					_ = daemon.Wait()
				}
			}
			stop := start()
			require.NoError(t, client.AddLayer(ctx, "a", parseLayer("services: {a: {override: replace, command: sleep 1}}"), pebble.AddLayerOptions{}))
			id, err := client.Notify(ctx, pebble.NotifyOptions{Key: "example.com/a"})
			require.NoError(t, err)
			stop()
			_, err = client.Plan(ctx)
			assert.True(t, pebble.IsKind(err, pebble.ConnectionError), "%v", err)

			defer start()()
			plan, err := client.Plan(ctx)
			require.NoError(t, err)
			assert.Empty(t, plan.Services, "layers are never on disk")
			notice, err := client.Notice(ctx, id)
			if remembers {
				require.NoError(t, err)
				assert.Equal(t, "example.com/a", notice.Key)
				return
			}
			require.NotNil(t, asError(err), "%v", err)
			assert.Equal(t, 404, asError(err).Code)
		})
	}
}
