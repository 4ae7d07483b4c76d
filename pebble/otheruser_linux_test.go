package pebble_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
)

// TestOtherUser asks a genuine daemon as a user that is not the daemon's: it
// may look, unless an identity says more. A simulated daemon takes everybody
// for root.
func TestOtherUser(t *testing.T) {
	w := genuine(t)
	const nobody = 65534
	require.NoError(t, os.Chmod(filepath.Dir(w.socket), 0o755))
	client := pebble.New(pebble.Config{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			// The daemon sees the user of the thread that connects. One that
			// could not change back ends with its goroutine.
			runtime.LockOSThread()
			if err := setThreadUser(nobody); err != nil {
				return nil, err
			}
			conn, err := net.Dial("unix", w.socket)
			if back := setThreadUser(0); back != nil {
				return nil, errors.Join(back, err)
			}
			runtime.UnlockOSThread()
			return conn, err
		},
	}})
	ctx := t.Context()
	refused := func(what string, err error) {
		t.Helper()
		var e *pebble.Error
		require.ErrorAs(t, err, &e, what)
		assert.Equal(t, pebble.Error{Kind: pebble.APIError, Code: 401, Status: "Unauthorized", APIKind: "login-required", Message: "access denied"}, *e, what)
	}
	_, err := client.SystemInfo(ctx)
	require.NoError(t, err)
	_, err = client.Services(ctx)
	require.NoError(t, err)
	_, err = client.Notify(ctx, pebble.NotifyOptions{Key: "example.com/a"})
	require.NoError(t, err)
	_, err = client.Plan(ctx)
	refused("plan", err)
	refused("layer", client.AddLayer(ctx, "a", &pebble.Layer{}, pebble.AddLayerOptions{}))
	_, err = client.ListFiles(ctx, "/", pebble.ListFilesOptions{})
	refused("list", err)
	_, err = client.Pull(ctx, "/etc/passwd")
	refused("pull", err)
	_, err = client.Exec(ctx, pebble.ExecOptions{Command: []string{"true"}})
	refused("exec", err)
	refused("signal", client.SendSignal(ctx, "SIGHUP", []string{"a"}))
	_, err = client.Replan(ctx, pebble.WaitOptions{})
	refused("replan", err)

	identity := &pebble.Identity{Access: pebble.AccessAdmin, Local: &pebble.LocalIdentity{UserID: nobody}}
	refused("identities", client.AddIdentities(ctx, map[string]*pebble.Identity{"nobody": identity}))
	require.NoError(t, w.client.AddIdentities(ctx, map[string]*pebble.Identity{"nobody": identity}))
	_, err = client.Plan(ctx)
	assert.NoError(t, err)
}

// setThreadUser makes the thread, and no other, act for a user.
func setThreadUser(id uintptr) error {
	const asItIs = ^uintptr(0)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, asItIs, id, asItIs); errno != 0 {
		return errno
	}
	return nil
}
