package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
)

// TestMembersOfEachVersion: what each version of Juju lacks is a failure of
// its own kind, which says which version has it, and no hook fails for it.
func TestMembersOfEachVersion(t *testing.T) {
	charm, err := host.Load(os.DirFS(members))
	require.NoError(t, err)
	var all strings.Builder
	for _, version := range []string{"2.9.52", "3.1.10", "3.6.11", "4.1.0"} {
		world := membersWorld()
		world.JujuVersion = version
		parsed, err := model.ParseVersion(version)
		require.NoError(t, err)
		if !parsed.AtLeast(3, 4, 0) {
			delete(world.Config, "token") // an option of the type secret
		}
		if !parsed.AtLeast(3, 0, 3) {
			world.Secrets = nil
		}
		p := &simulatedPlace{simulatedUnit: &simulatedUnit{t: t, charm: charm, state: &simulate.State{Juju: *world}}}
		all.WriteString("== " + version + "\n")
		parts := []string{"model", "unit", "application", "relation", "access", "gone", "storage", "binding", "port", "cloud", "hooktool", "hooktool-lasting", "hooktool-secrets", "hooktool-old"}
		for _, part := range parts {
			p.change(func(s *modeltest.State) { s.Config["parts"] = part })
			h := p.run(modeltest.Event{Name: "update-status"})
			if part != "hooktool-old" || h.err != "reboot after hook" {
				assert.Empty(t, h.err, "%s on %s: %q", part, version, h.logs)
			}
			for _, line := range h.logs {
				if strings.Contains(line, "model.VersionError") || strings.HasPrefix(line, "INFO remote_model.uuid: ") || strings.HasPrefix(line, "INFO juju_version.") {
					all.WriteString(strings.TrimPrefix(line, "INFO ") + "\n")
				}
			}
		}
		all.WriteString("\n")
	}
	path := filepath.Join(members, "versions.txt")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(all.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), all.String())
}
