package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/starcharm/starcharm/host/charmtest"
)

// The tests of the charms of handledEvents: what runs the event once.
var testedEvents = map[string]string{
	"noop":     `ctx.run(ctx.on.config_changed(), state)`,
	"config":   `ctx.run(ctx.on.config_changed(), state)`,
	"relation": `ctx.run(ctx.on.relation_changed(db), state)`,
}

const testWorld = `
ctx = testing.Context()
db = testing.Relation("db", remote_units_data = {0: {"user": "app", "host": "10.1.2.3", "port": "5432"}})
state = testing.State(leader = True, config = {"port": 9090}, relations = [db])
`

// testedCharm writes the charm of h, with tests.
func testedCharm(b testing.TB, h handled, tests string) string {
	b.Helper()
	dir := b.TempDir()
	all := files(h.script, 0)
	all["tests/bench_test.star"] = &fstest.MapFile{Data: []byte(testWorld + tests)}
	for name, f := range all {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, f.Data, fs.FileMode(0o666))); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// suite loads the tests of dir and returns a function that runs them.
func suite(b testing.TB, dir string, o charmtest.Options) func() error {
	b.Helper()
	s, err := charmtest.Load(b.Context(), dir, o)
	if err != nil {
		b.Fatal(err)
	}
	return func() error {
		var err error
		s.Run(b.Context(), func(r *charmtest.Result) {
			if r.Status != charmtest.Passed {
				err = errors.New(r.Render(false, true))
			}
		})
		return err
	}
}

// runs is how many events a test of BenchmarkSuite runs.
const runs = 100

// BenchmarkSuite is ctx.run in tests, on one core: with coverage (cover-x), and
// against the dispatch alone (x-dispatch).
func BenchmarkSuite(b *testing.B) {
	for _, h := range handledEvents {
		run, ok := testedEvents[h.name]
		if !ok {
			continue
		}
		b.Run(h.name, func(b *testing.B) {
			dir := testedCharm(b, h, fmt.Sprintf("def test_all(t):\n    for i in range(%d):\n        %s\n", runs, run))
			dispatch := h.dispatcher(b)
			compare(b,
				contestant{name: "run", run: suite(b, dir, charmtest.Options{Jobs: 1}), units: runs},
				contestant{name: "cover", run: suite(b, dir, charmtest.Options{Jobs: 1, Cover: true}), units: runs, slower: true},
				contestant{name: "dispatch", run: func() error {
					for range runs {
						if err := dispatch(); err != nil {
							return err
						}
					}
					return nil
				}, units: runs})
		})
	}
}

// BenchmarkCold is starcharm test from its start to its exit: one test, and a
// thousand.
func BenchmarkCold(b *testing.B) {
	for _, h := range handledEvents {
		run, ok := testedEvents[h.name]
		if !ok {
			continue
		}
		b.Run(h.name, func(b *testing.B) {
			var contestants []contestant
			for _, count := range []int{1000, 1} {
				tests := ""
				for i := range count {
					tests += fmt.Sprintf("\ndef test_%d(t):\n    %s\n", i, run)
				}
				dir := testedCharm(b, h, tests)
				contestants = append(contestants, contestant{name: fmt.Sprint(count), run: process(built(b).starcharm, dir, os.Environ(), "test")})
			}
			compare(b, contestants...)
		})
	}
}

// TestSuiteMemoryStaysFlat runs many events in tests of one process; with
// -short, fewer.
func TestSuiteMemoryStaysFlat(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	dir := testedCharm(t, handledEvents[2], fmt.Sprintf("def test_all(t):\n    for i in range(%d):\n        %s\n", runs, testedEvents["relation"]))
	run := suite(t, dir, charmtest.Options{Jobs: 2, Cover: true})
	var before, after runtime.MemStats
	for i := range rounds {
		if err := run(); err != nil {
			t.Fatal(err)
		}
		if i == rounds/100 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	const limit = 1 << 20
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > limit {
		t.Errorf("%d runs left %d bytes behind, want at most %d", rounds*runs, grown, limit)
	}
}
