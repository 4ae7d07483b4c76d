package charmtest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmtest"
)

func put(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	}
}

var watched = map[string]string{
	"metadata.yaml":       "name: web\n",
	"src/charm.star":      "load('lib.star', 'used')\n",
	"src/lib.star":        "load('inner.star', 'inner')\nused = inner\n",
	"src/inner.star":      "inner = 1\n",
	"src/other.star":      "x = 1\n",
	"tests/world.star":    "def world():\n    return testing.State()\n",
	"tests/run_test.star": "load('world.star', 'world')\ndef test_run(t):\n    world()\n",
	"tests/lib_test.star": "load('//src/lib.star', 'used')\ndef test_lib(t):\n    expect.eq(used, 1)\n",
	"tests/own_test.star": "load('//src/other.star', 'x')\ndef test_own(t):\n    expect.eq(x, 1)\n",
}

// TestWatch tells Watch of changes, and sees which tests it runs.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, watched)
	steps := []struct {
		changed []string
		files   map[string]string
		want    []string
	}{
		{changed: []string{"tests/own_test.star"}, want: []string{"tests/own_test.star:test_own"}},
		{changed: []string{"src/other.star"}, want: []string{"tests/own_test.star:test_own"}},
		{changed: []string{"src/inner.star"}, want: []string{"tests/lib_test.star:test_lib", "tests/run_test.star:test_run"}},
		{changed: []string{"src/charm.star"}, want: []string{"tests/run_test.star:test_run"}},
		{changed: []string{"tests/world.star"}, want: []string{"tests/run_test.star:test_run"}},
		{changed: []string{"src/nothing.star"}, want: []string{}},
		{changed: []string{"metadata.yaml"}, want: []string{"tests/lib_test.star:test_lib", "tests/own_test.star:test_own", "tests/run_test.star:test_run"}},
		{changed: []string{"src/templates/x.conf"}, want: []string{"tests/lib_test.star:test_lib", "tests/own_test.star:test_own", "tests/run_test.star:test_run"}},
		{changed: []string{"src/other.star"}, files: map[string]string{"src/other.star": "x = \n"}, want: []string{"src/other.star"}},
		{changed: []string{"src/other.star"}, files: map[string]string{"src/other.star": "x = 1\n"}, want: []string{"tests/lib_test.star:test_lib", "tests/own_test.star:test_own", "tests/run_test.star:test_run"}},
	}
	next := 0
	var got [][]string
	changes := func(context.Context) ([]string, error) {
		if next == len(steps) {
			return nil, nil // Ctrl-C
		}
		put(t, dir, steps[next].files)
		next++
		return steps[next-1].changed, nil
	}
	err := charmtest.Watch(t.Context(), dir, charmtest.Options{Jobs: 1}, changes,
		func(s *charmtest.Suite) error {
			got = append(got, s.Names())
			s.Run(t.Context(), func(r *charmtest.Result) { assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true)) })
			return nil
		},
		func(wrong *charmtest.LoadError) error {
			got = append(got, []string{wrong.Diagnostics[0].File})
			return nil
		})
	require.NoError(t, err)
	require.Len(t, got, len(steps)+1)
	assert.Len(t, got[0], 3)
	for i, step := range steps {
		assert.ElementsMatch(t, step.want, got[i+1], "after a change of %s", step.changed)
	}
	broken := errors.New("broken")
	assert.ErrorIs(t, charmtest.Watch(t.Context(), dir, charmtest.Options{}, changes, func(*charmtest.Suite) error { return broken }, nil), broken)
}

func TestWatcher(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, watched)
	w, err := charmtest.NewWatcher(dir)
	require.NoError(t, err)
	changed := func() []string {
		names, err := w.Changed()
		require.NoError(t, err)
		return names
	}
	assert.Empty(t, changed())
	put(t, dir, map[string]string{"src/charm.star": "x = 12345\n", "src/new/a.star": "", ".git/index": "x", ".swap": ""})
	require.NoError(t, os.Remove(filepath.Join(dir, "src/other.star")))
	assert.Equal(t, []string{"src/charm.star", "src/new/a.star", "src/other.star"}, changed())
	assert.Empty(t, changed())
	require.NoError(t, os.RemoveAll(dir))
	_, err = w.Changed()
	assert.Error(t, err)
}
