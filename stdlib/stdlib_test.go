package stdlib_test

import (
	"io/fs"
	"os"
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmtest"
)

// TestLibraries runs the tests of every charm below testdata: one charm a
// library, which loads it as authors do.
func TestLibraries(t *testing.T) {
	var charms []string
	err := fs.WalkDir(os.DirFS("testdata"), ".", func(name string, _ fs.DirEntry, err error) error {
		if path.Base(name) == "charmcraft.yaml" {
			charms = append(charms, path.Dir(name))
		}
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, charms)
	for _, charm := range charms {
		t.Run(charm, func(t *testing.T) {
			t.Parallel()
			suite, err := charmtest.Load(t.Context(), path.Join("testdata", charm), charmtest.Options{
				Timeout: 10 * time.Minute, MaxSteps: 10_000_000, Jobs: 2,
			})
			require.NoError(t, err)
			require.NotEmpty(t, suite.Names())
			suite.Run(t.Context(), func(r *charmtest.Result) {
				assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true))
			})
		})
	}
}
