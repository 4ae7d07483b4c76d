package charmtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmtest"
)

// run runs the tests of the charm in a directory.
func run(t testing.TB, dir string, o charmtest.Options) []*charmtest.Result {
	t.Helper()
	o.Timeout, o.MaxSteps = time.Minute, 1_000_000
	suite, err := charmtest.Load(t.Context(), dir, o)
	require.NoError(t, err)
	var results []*charmtest.Result
	left := suite.Run(t.Context(), func(r *charmtest.Result) { results = append(results, r) })
	require.Len(t, suite.Names(), len(results)+left)
	return results
}

// TestCharm runs the tests of testdata/charm, which pass but for one that is
// skipped.
func TestCharm(t *testing.T) {
	skipped := 0
	for _, r := range run(t, "testdata/charm", charmtest.Options{Jobs: 4}) {
		if r.Status == charmtest.Skipped {
			skipped++
			assert.Equal(t, "it is skipped", r.Reason)
		}
		assert.NotEqual(t, charmtest.Failed, r.Status, r.Render(false, true))
	}
	assert.Equal(t, 1, skipped)
}

// TestEffects runs the tests of testdata/effects: commands in containers, and what
// else a charm does to the world.
func TestEffects(t *testing.T) {
	for _, r := range run(t, "testdata/effects", charmtest.Options{Jobs: 4}) {
		assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true))
	}
}

// write makes a charm in a directory of its own; its test is that of the text.
func write(t testing.TB, test string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"metadata.yaml":     "name: web\n",
		"src/charm.star":    "def on_start(event):\n    pass\n\nframework.observe(framework.on.start, on_start)\n",
		"tests/a_test.star": test,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	}
	return dir
}

// TestOutput: what a test prints is kept up to a bound.
func TestOutput(t *testing.T) {
	results := run(t, write(t, `
def test_prints(t):
    for i in range(100):
        print("x" * 100000)
`), charmtest.Options{})
	require.Equal(t, charmtest.Passed, results[0].Status)
	out := results[0].Output
	assert.Less(t, len(out), 1<<20+100)
	assert.True(t, strings.HasSuffix(out, "x…\n(the test printed more, which is left out)\n"), out[len(out)-100:])
	assert.Equal(t, 1, strings.Count(out, "…"))
}

const three = `
def test_c(t):
    pass

def test_a(t):
    fail("no")

def test_b(t):
    pass
`

func names(results []*charmtest.Result) []string {
	var all []string
	for _, r := range results {
		all = append(all, r.Name+" "+string(r.Status))
	}
	return all
}

func TestOrder(t *testing.T) {
	dir := write(t, three)
	for range 20 {
		assert.Equal(t, []string{"test_c passed", "test_a failed", "test_b passed"}, names(run(t, dir, charmtest.Options{Jobs: 8})))
	}
	first := names(run(t, dir, charmtest.Options{Jobs: 2, Shuffle: true, Seed: 3}))
	assert.Equal(t, first, names(run(t, dir, charmtest.Options{Jobs: 1, Shuffle: true, Seed: 3})))
	assert.ElementsMatch(t, []string{"test_c passed", "test_a failed", "test_b passed"}, first)
}

func TestFailFast(t *testing.T) {
	for range 20 {
		assert.Equal(t, []string{"test_c passed", "test_a failed"}, names(run(t, write(t, three), charmtest.Options{Jobs: 2, FailFast: true})))
	}
}

// BenchmarkTest is one test of a charm that does nothing: its file is loaded,
// and one event is run.
func BenchmarkTest(b *testing.B) {
	dir := write(b, `
ctx = testing.Context()

def test_start(t):
    ctx.run(ctx.on.start(), testing.State(leader = True))
`)
	suite, err := charmtest.Load(b.Context(), dir, charmtest.Options{Jobs: 1})
	require.NoError(b, err)
	for b.Loop() {
		suite.Run(b.Context(), func(*charmtest.Result) {})
	}
}

// BenchmarkRun is ctx.run of a charm that does nothing, a hundred times.
func BenchmarkRun(b *testing.B) {
	dir := write(b, fmt.Sprintf(`
ctx = testing.Context()
state = testing.State(leader = True)

def test_start(t):
    for i in range(%d):
        ctx.run(ctx.on.start(), state)
`, 100))
	suite, err := charmtest.Load(b.Context(), dir, charmtest.Options{Jobs: 1})
	require.NoError(b, err)
	for b.Loop() {
		suite.Run(b.Context(), func(*charmtest.Result) {})
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "µs/run")
}
