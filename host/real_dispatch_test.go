package host_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// TestRealHookEndsAtOnce checks that the agent does not wait for us once a hook is over: it would, for as long as somebody has
// a connection to its socket.
func TestRealHookEndsAtOnce(t *testing.T) {
	for name, tools := range map[string]string{"unset": "", "rpc": "rpc", "exec": "exec"} {
		t.Run(name, func(t *testing.T) {
			u := deploy(t, packed(t, everything), tools)
			quick := func(f func()) {
				t.Helper()
				begin := time.Now()
				f()
				assert.Less(t, time.Since(begin), 2*time.Second)
			}
			quick(func() { u.hook("install") })
			quick(func() { u.act("refuse", nil) })
			u.order("misuse:update_status")
			quick(func() { u.fails(peers.JujuHook{Kind: "update-status"}) })
		})
	}
}

// TestRealHooksDirectory has no dispatch, but links for single hooks and actions, as charms had before Juju 2.8.
func TestRealHooksDirectory(t *testing.T) {
	dir := packed(t, everything)
	for _, name := range []string{"hooks/install", "hooks/update-status", "actions/refuse"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.Symlink("../starcharm", filepath.Join(dir, name)))
	}
	require.NoError(t, os.Rename(filepath.Join(dir, "dispatch"), filepath.Join(dir, "starcharm")))
	u := deploy(t, dir, "rpc")
	for _, kind := range []string{"install", "update-status"} {
		outcome := u.Hook(peers.JujuHook{Kind: kind})
		assert.Empty(t, outcome.Error, "%v", outcome.Logs)
		assert.Contains(t, outcome.Handler, "explicit")
		assert.Equal(t, "INFO see "+map[string]string{"install": "install", "update-status": "update_status"}[kind], outcome.Log()[0])
	}
	acted := u.act("refuse", nil)
	assert.Equal(t, "told to refuse", acted.Action.Message)
	// A hook without a link is none of ours.
	assert.Empty(t, u.Hook(peers.JujuHook{Kind: "start"}).Log())
	count, _ := parseState(t, u.state())
	assert.Equal(t, 3, count)
}

// TestRealCharmThatCallsItself has the mark of a charm's hook in its environment: a hook within a hook does nothing.
func TestRealCharmThatCallsItself(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	u.Env["OPERATOR_DISPATCH"] = "1"
	assert.Equal(t, []string{"DEBUG The charm called itself; there is nothing to do."}, u.hook("install").Log())
	assert.Empty(t, u.state())
}

// TestRealCommitThatJujuRefuses has a hook that succeeds and whose changes Juju does not take: the state that Juju keeps is one
// of them. A file is saved by then.
func TestRealCommitThatJujuRefuses(t *testing.T) {
	dir := packed(t, everything)
	require.NoError(t, os.Rename(filepath.Join(dir, "src", "charm_juju_storage.star"), filepath.Join(dir, "src", "charm.star")))
	u := deploy(t, dir, "rpc")
	u.related()
	u.runs(dbChanged)
	state, bag := u.World.State, u.databag("1", "everything/0")
	u.Change(map[string]any{"refuse-commit": "not now"})
	refused := u.Hook(dbChanged)
	assert.Contains(t, refused.Error, "not now")
	assert.Equal(t, state, u.World.State)
	assert.Equal(t, bag, u.databag("1", "everything/0"))
	u.Change(map[string]any{"refuse-commit": nil})
	u.runs(dbChanged)
	assert.NotEqual(t, state, u.World.State)
}
