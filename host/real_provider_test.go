package host_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// TestRealDatabaseProvider has the charm of stdlib/testdata/data_interfaces answer requests of both versions: the credentials go
// into secrets that are granted, get new revisions when they differ, and go with the relation.
func TestRealDatabaseProvider(t *testing.T) {
	const secrets = `["username", "password", "tls", "tls-ca", "uris", "read-only-uris", "entity-name", "entity-password"]`
	for version, asked := range map[string]map[string]string{
		"v0": {"database": "names_db", "requested-secrets": secrets},
		"v1": {"version": "v1", "requests": `[{"resource": "names_db", "request-id": "aa11", "salt": "s1"}]`},
	} {
		t.Run(version, func(t *testing.T) {
			u := demo(t, packed(t, "../stdlib/testdata/data_interfaces"), nil)
			u.Change(map[string]any{"leader": true, "relations": map[string]any{"1": map[string]any{
				"endpoint": "postgresql", "remote-app": "web", "data": map[string]any{"web": asked},
			}}})
			u.relation(1, "created", "web", "")
			u.relation(1, "changed", "web", "")
			user := map[string]string{"v0": "postgresql.1.user.secret", "v1": "postgresql.1.aa11.user.secret"}[version]
			labels := func() (all []string) {
				for _, secret := range u.World.Secrets {
					all = append(all, secret.Label)
				}
				slices.Sort(all)
				return all
			}
			find := func(label string) (string, *peers.JujuSecret) {
				for id, secret := range u.World.Secrets {
					if secret.Label == label {
						return id, secret
					}
				}
				require.Fail(t, "no secret "+label)
				return "", nil
			}
			assert.Len(t, labels(), 2)
			id, secret := find(user)
			assert.Equal(t, "demo", secret.Owner)
			assert.Equal(t, map[string]string{"username": "user-1", "password": "first-password"}, secret.Revisions[1])
			assert.Equal(t, []string{"web"}, slices.Collect(maps.Keys(secret.Grants)))
			bag := u.databag("1", "demo")
			assert.Contains(t, bag["secret-user"]+bag["requests"], id)

			u.Change(map[string]any{"config": map[string]any{"password": "second-password"}})
			u.hook("config-changed")
			_, secret = find(user)
			assert.Equal(t, 2, secret.Latest)
			assert.Equal(t, "second-password", secret.Revisions[2]["password"])
			assert.Equal(t, bag, u.databag("1", "demo"))

			u.runs(peers.JujuHook{Kind: "secret-remove", SecretURI: "secret:" + id, SecretLabel: user, SecretRevision: 1})
			_, secret = find(user)
			assert.NotContains(t, secret.Revisions, 1)

			u.relation(1, "broken", "web", "")
			assert.Empty(t, labels())
		})
	}
}
