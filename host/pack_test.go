package host_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// packed copies a charm's source tree into a directory of its own, in the form that Juju installs: charmcraft.yaml is taken
// apart into metadata.yaml, config.yaml and actions.yaml, a manifest says which system it is for, and dispatch is the program.
func packed(t testing.TB, source string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the genuine peers are not used under -short")
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(source)))
	project := filepath.Join(dir, "charmcraft.yaml")
	raw, err := os.ReadFile(project)
	require.NoError(t, err)
	var metadata map[string]any
	require.NoError(t, yaml.Unmarshal(raw, &metadata))
	for _, section := range []string{"config", "actions"} {
		if content, ok := metadata[section]; ok {
			writeYAML(t, filepath.Join(dir, section+".yaml"), content)
		}
	}
	for _, key := range []string{"config", "actions", "type", "base", "bases", "platforms", "parts", "title", "charm-libs", "links"} {
		delete(metadata, key)
	}
	writeYAML(t, filepath.Join(dir, "metadata.yaml"), metadata)
	writeYAML(t, filepath.Join(dir, "manifest.yaml"), map[string]any{
		"bases": []any{map[string]any{"name": "ubuntu", "channel": "24.04/stable", "architectures": []string{"amd64"}}},
	})
	require.NoError(t, os.Remove(project))
	linkDispatch(t, dir)
	return dir
}

func writeYAML(t testing.TB, path string, content any) {
	t.Helper()
	raw, err := yaml.Marshal(content)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o644))
}
