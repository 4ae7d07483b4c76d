package charminit_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmfmt"
	"github.com/starcharm/starcharm/host/charminit"
	"github.com/starcharm/starcharm/host/charmtest"
	"github.com/starcharm/starcharm/host/check"
	"github.com/starcharm/starcharm/model"
)

// TestNewCharms holds a charm of each kind to what is asked of charms.
func TestNewCharms(t *testing.T) {
	for _, kind := range charminit.Kinds() {
		t.Run(kind, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			paths, err := charminit.Create(dir, "my-web", kind)
			require.NoError(t, err)
			for _, want := range []string{".github/workflows/ci.yaml", ".gitignore", "LICENSE", "README.md", "icon.svg", "src/charm.star", "tests/charm_test.star"} {
				assert.Contains(t, paths, want)
			}
			for _, path := range paths {
				text, err := os.ReadFile(filepath.Join(dir, path))
				require.NoError(t, err)
				assert.NotContains(t, string(text), "charm-template", path)
				assert.NotContains(t, string(text), "Charm template", path)
				if filepath.Ext(path) == ".star" {
					formatted, err := charmfmt.Source(path, text)
					require.NoError(t, err)
					assert.Equal(t, string(formatted), string(text))
				}
			}

			files, err := host.DirFS(dir)
			require.NoError(t, err)
			metadata, err := model.LoadMetadata(files)
			require.NoError(t, err)
			assert.Equal(t, "my-web", metadata.Name)
			// The links are the author's: nothing can fill them in.
			report, err := check.Charm(t.Context(), files, check.Options{Listing: true, Ignore: []string{"missing-links"}})
			require.NoError(t, err)
			assert.Empty(t, report.Findings)

			suite, err := charmtest.Load(t.Context(), dir, charmtest.Options{})
			require.NoError(t, err)
			ran := 0
			suite.Run(t.Context(), func(r *charmtest.Result) {
				ran++
				assert.Equal(t, charmtest.Passed, r.Status, "%s %v", r.Name, r.Diagnostics)
			})
			assert.NotZero(t, ran)
		})
	}
}

// TestNothingIsOverwritten makes a charm where there is a file, and a link.
func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "src"), 0o777))
	mine := filepath.Join(dir, "src", "charm.star")
	require.NoError(t, os.WriteFile(mine, []byte("mine"), 0o666))
	link := filepath.Join(dir, "README.md")
	require.NoError(t, os.Symlink("nowhere", link))
	_, err := charminit.Create(dir, "web", "k8s")
	assert.EqualError(t, err, "cannot make the charm: there is "+link+", "+mine+" already, and nothing is overwritten; name another directory with --dir")
	var found []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	}))
	assert.Equal(t, []string{link, mine}, found)

	outside := t.TempDir()
	dir = t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "src")))
	_, err = charminit.Create(dir, "web", "k8s")
	assert.Error(t, err)
	left, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "Web", "web_k8s", "web-2", "-web", "web/x", "../web", "juju web"} {
		_, err := charminit.Create(t.TempDir(), name, "k8s")
		assert.ErrorContains(t, err, "cannot be the name of a charm", name)
	}
	_, err := charminit.Create(t.TempDir(), "web", "cloud")
	assert.EqualError(t, err, `there is no kind "cloud"; there are k8s, machine, subordinate`)
}
