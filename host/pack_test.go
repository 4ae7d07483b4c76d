package host_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model"
)

// packed copies a charm's source tree into a directory of its own, in the form that Juju installs.
func packed(t testing.TB, source string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the genuine peers are not used under -short")
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(source)))
	files, err := model.ReadPackedFiles(os.DirFS(source))
	require.NoError(t, err)
	manifest, err := files.Manifest("amd64", "test")
	require.NoError(t, err)
	for name, content := range map[string][]byte{
		"metadata.yaml": files.Metadata, "config.yaml": files.Config, "actions.yaml": files.Actions, "manifest.yaml": manifest,
	} {
		if content != nil {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
		}
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "charmcraft.yaml")))
	linkDispatch(t, dir)
	return dir
}
