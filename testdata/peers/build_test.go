package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// write makes a module whose program prints a text.
func write(t *testing.T, module, code string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(module, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.mod"), []byte("module example.com/peer\n\ngo 1.26\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(module, "main.go"), []byte(code), 0o644))
}

func TestBuildsAreCachedBySource(t *testing.T) {
	cache, module := t.TempDir(), filepath.Join(t.TempDir(), "peer")
	says := func(text string) string { return "package main\n\nfunc main() { print(\"" + text + "\") }\n" }
	write(t, module, says("one"))

	// However many ask at once, one of them builds.
	dirs := make([]string, 4)
	var group sync.WaitGroup
	for i := range dirs {
		group.Go(func() {
			dir, err := cached(cache, module, nil, []string{"."})
			assert.NoError(t, err)
			dirs[i] = dir
		})
	}
	group.Wait()
	for _, dir := range dirs {
		assert.Equal(t, dirs[0], dir)
	}
	program := filepath.Join(dirs[0], "peer")
	output, err := exec.Command(program).CombinedOutput()
	require.NoError(t, err)
	assert.Equal(t, "one", string(output))

	// What is there is not built again.
	require.NoError(t, os.Remove(program))
	again, err := cached(cache, module, nil, []string{"."})
	require.NoError(t, err)
	assert.Equal(t, dirs[0], again)
	assert.NoFileExists(t, program)

	// Other sources are another build, and what nobody used for long goes.
	past := time.Now().Add(-2 * keep)
	require.NoError(t, os.Chtimes(dirs[0], past, past))
	write(t, module, says("two"))
	other, err := cached(cache, module, nil, []string{"."})
	require.NoError(t, err)
	assert.NotEqual(t, dirs[0], other)
	assert.NoDirExists(t, dirs[0])
}

func TestBuildThatFailsLeavesNothing(t *testing.T) {
	cache, module := t.TempDir(), filepath.Join(t.TempDir(), "peer")
	write(t, module, "package main\n\nfunc main() { undefinedName() }\n")
	_, err := cached(cache, module, nil, []string{"."})
	require.ErrorContains(t, err, "undefined: undefinedName")
	left, err := filepath.Glob(filepath.Join(cache, "*-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestCacheWithoutHome(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("TMPDIR", t.TempDir())
	dir, env, err := cacheDir()
	require.NoError(t, err)
	assert.DirExists(t, dir)
	assert.Equal(t, os.Getenv("TMPDIR"), filepath.Dir(filepath.Dir(filepath.Dir(dir))))
	assert.Len(t, env, 2)
}
