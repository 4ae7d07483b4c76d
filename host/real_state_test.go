package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// TestRealDamagedState has a state file that the charm cannot go on with: the hook fails, says which file and what to do, and
// leaves the file alone.
func TestRealDamagedState(t *testing.T) {
	u := deploy(t, packed(t, everything), "rpc")
	u.hook("install")
	good := u.state()
	path := filepath.Join(u.dir, ".starcharm-state.json")
	const cure = "to start with empty stored state and no deferred events"
	for name, c := range map[string]struct{ document, reason, cure string }{
		"empty":             {"", "it is damaged: it is empty", cure},
		"blank":             {" \n", "it is damaged: it is empty", cure},
		"null":              {"null", "it is damaged: ", cure},
		"array":             {"[]", "it is damaged: ", cure},
		"text":              {`"state"`, "it is damaged: ", cure},
		"cut short":         {good[:len(good)/2], "it is damaged: ", cure},
		"with a tail":       {good + good, "it is damaged: ", cure},
		"zero bytes":        {strings.Repeat("\x00", len(good)), "it is damaged: ", cure},
		"without a version": {`{"stored": {}}`, "it is damaged: ", cure},
		"null in the queue": {`{"version": 1, "deferred": [null]}`, "it is damaged: a deferred event is null", cure},
		"wrong stored":      {`{"version": 1, "stored": []}`, "it is damaged: ", cure},
		"future":            {strings.Replace(good, `"version":1`, `"version":2`, 1), "it has version 2, and this starcharm reads version 1", "refresh to a charm with the starcharm that wrote it"},
		"future and other":  {`{"version": 7, "stored": "elsewhere"}`, "it has version 7, and this starcharm reads version 1", "refresh to a charm with the starcharm that wrote it"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(c.document), 0o600))
			failed := u.fails(peers.JujuHook{Kind: "update-status"})
			require.Len(t, failed.Log(), 2, "the error, and the security event")
			message := failed.Log()[0]
			assert.Contains(t, message, "cannot read the state in "+path+": "+c.reason)
			assert.Contains(t, message, c.cure)
			assert.Equal(t, c.document, u.state())

			require.NoError(t, os.WriteFile(path, []byte(good), 0o600))
			u.hook("update-status")
		})
	}
	// The cure cures.
	require.NoError(t, os.Remove(path))
	u.hook("update-status")
	count, _ := parseState(t, u.state())
	assert.Equal(t, 1, count)
}
