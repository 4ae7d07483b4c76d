package host_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// TestRealIntegratorExample has s3-integrator read the user's secret, when it is granted and when it changes, and pass its keys on.
func TestRealIntegratorExample(t *testing.T) {
	const keys = "9m4e2mr0ui3e8a215n4g"
	u := demo(t, packed(t, "../examples/s3-integrator"), nil)
	u.Change(map[string]any{
		"leader": true,
		"config": map[string]any{"credentials": "secret:" + keys, "endpoint": "https://s3.example.com"},
		"secrets": map[string]any{keys: map[string]any{
			"owner": "user", "latest": 1, "revisions": map[string]any{"1": map[string]string{"access-key": "key", "secret-key": "first-secret"}},
		}},
		"relations": map[string]any{"1": map[string]any{
			"endpoint": "s3-credentials", "remote-app": "backup",
			"data": map[string]any{"backup": map[string]string{"bucket": "backups", "requested-secrets": `["access-key", "secret-key"]`}},
		}},
	})
	u.relation(1, "changed", "backup", "")
	assert.Equal(t, peers.JujuStatus{Status: "blocked", Message: "credentials: grant the secret to demo"}, u.World.UnitStatus)

	u.Change(map[string]any{"secrets": map[string]any{keys: map[string]any{"grants": map[string]any{"demo": map[string]any{}}}}})
	u.hook("update-status")
	assert.Equal(t, peers.JujuStatus{Status: "active"}, u.World.UnitStatus)
	told := func() map[string]string {
		t.Helper()
		bag := u.databag("1", "demo")
		assert.Equal(t, "backups", bag["bucket"])
		secret := u.World.Secrets[strings.TrimPrefix(bag["secret-extra"], "secret:")]
		require.NotNil(t, secret, bag)
		assert.Contains(t, secret.Grants, "backup")
		return secret.Revisions[secret.Latest]
	}
	assert.Equal(t, map[string]string{"access-key": "key", "secret-key": "first-secret"}, told())

	u.Change(map[string]any{"secrets": map[string]any{keys: map[string]any{
		"latest": 2, "revisions": map[string]any{"2": map[string]string{"access-key": "key", "secret-key": "second-secret"}},
	}}})
	u.runs(peers.JujuHook{Kind: "secret-changed", SecretURI: "secret:" + keys})
	assert.Equal(t, "second-secret", told()["secret-key"])

	info := u.act("get-connection-info", nil)
	assert.Equal(t, "https://s3.example.com", info.Action.Results["endpoint"])
	assert.Equal(t, "backup", info.Action.Results["applications"])
	assert.NotContains(t, info.Action.Results, "secret-key")
}
