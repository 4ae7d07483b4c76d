package charmtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/starcharm/starcharm/host/charmtest"
)

// unpack puts the files of a txtar script into a directory.
func unpack(t testing.TB, archive string) string {
	t.Helper()
	script, err := txtar.ParseFile(archive)
	require.NoError(t, err)
	dir := t.TempDir()
	for _, f := range script.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, f.Data, 0o666))
	}
	return dir
}

// TestCoverChangesNothing compares all that failing tests show, tracebacks with
// their lines and columns included, with and without coverage.
func TestCoverChangesNothing(t *testing.T) {
	failures := unpack(t, "../../cmd/starcharm/testdata/script/test_failures.txtar")
	deep := write(t, deepTests)
	require.NoError(t, os.WriteFile(filepath.Join(deep, "src/charm.star"), []byte(deepCharm), 0o666))
	// A loop that does not end ends elsewhere.
	ends := regexp.MustCompile(`star:test_(?:[^lc]|calls|changed)`)
	for _, dir := range []string{failures, deep, "testdata/charm"} {
		shown := func(cover bool) (texts []string) {
			for _, r := range run(t, dir, charmtest.Options{Jobs: 2, Cover: cover, Run: ends}) {
				texts = append(texts, r.Render(false, true))
				for _, d := range r.Diagnostics {
					for _, f := range d.Frames {
						assert.NotZero(t, f.Line)
					}
				}
			}
			return texts
		}
		without := shown(false)
		require.NotEmpty(t, without)
		assert.Equal(t, without, shown(true))
	}
}

const deepCharm = `"""The charm."""

def inner(n):
    """A function."""
    for i in range(3):
        if i < n:
            continue
        elif i == 2 and n == 2: x = [1][i]; return x
        else:
            while_ = [fail("at %d" % j) for j in range(1)]
    return None

def docs():
    "Its text."
    return {"a": inner}["a"](1)

def on_start(event):
    docs(
    )

def on_stop(event):
    inner(2)

def on_install(event):
    model.unit.status = None or model.BlockedStatus (
        1)

framework.observe(framework.on.install, on_install)
framework.observe(framework.on.start, on_start)
framework.observe(framework.on.stop, on_stop)
`

const deepTests = `
ctx = testing.Context()

def test_start(t):
    ctx.run(ctx.on.start(), testing.State())

def test_stop(t):
    ctx.run(ctx.on.stop(), testing.State())

def test_install(t):
    ctx.run(ctx.on.install(), testing.State())

def test_unknown(t):
    ctx.run(ctx.on.stop(), 1)
`

func TestCoverage(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"charmcraft.yaml": `
name: web
type: charm
config: {options: {port: {type: int}, host: {type: string}}}
actions: {backup: {}, restore: {}}
requires: {db: {interface: pg}, cache: {interface: redis}}
`,
		"src/charm.star": `load("lib.star", "status")

def on_start(event):
    """Starts."""
    model.unit.status = status(model.config.get("port"))

def on_stop(event):
    pass
    if True: model.unit.status = model.MaintenanceStatus("stops")

def on_backup(event):
    event.set_results({"ok": True})

framework.observe(framework.on.start, on_start)
framework.observe([framework.on.stop, framework.on.remove], on_stop)
framework.observe(framework.on.backup_action, on_backup)
`,
		"src/lib.star": `def status(port):
    return model.ActiveStatus() if port else model.BlockedStatus("no port")
`,
		"src/unused.star": "x = 1\ny = 2\n",
		"tests/web_test.star": `
ctx = testing.Context()

def test_start(t):
    ctx.run(ctx.on.start(), testing.State(config = {"port": 80}, relations = [testing.Relation("db")]))

def test_backup(t):
    ctx.run(ctx.on.action("backup"), testing.State())

def test_other_metadata(t):
    other = testing.Context(meta = {"summary": "x"})
    other.run(other.on.start(), testing.State(config = {"port": 80}))
`,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	}
	suite, err := charmtest.Load(t.Context(), dir, charmtest.Options{Jobs: 2, Cover: true})
	require.NoError(t, err)
	suite.Run(t.Context(), func(r *charmtest.Result) { assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true)) })
	c := suite.Coverage()
	assert.Equal(t, strings.TrimLeft(`
src/charm.star   75.0%  9 of 12 statements  missed: 8-9
src/lib.star    100.0%  2 of 2 statements
src/unused.star   0.0%  0 of 2 statements  missed: 1-2
all files        68.8%  11 of 16 statements
handlers         50.0%  2 of 4  missed: on_stop (remove) src/charm.star:7, on_stop (stop) src/charm.star:7
options          50.0%  1 of 2  missed: host
relations        50.0%  1 of 2  missed: cache
actions          50.0%  1 of 2  missed: restore
statuses         33.3%  1 of 3  missed: model.MaintenanceStatus("stops") src/charm.star:9, model.BlockedStatus("no port") src/lib.star:2
`, "\n"), c.Render(false))
	assert.Equal(t, strings.TrimLeft(`
TN:
SF:web/src/lib.star
DA:1,3
DA:2,2
LF:2
LH:2
end_of_record
`, "\n"), "TN:"+strings.Split(c.LCOV("web"), "TN:")[2])
	page, err := c.HTML()
	require.NoError(t, err)
	assert.Contains(t, string(page), "<h1>web: 68.8%</h1>")
	assert.Contains(t, string(page), `<tr class="missed"><td class="number">8<td class="number">0<td>    pass`)
	assert.Contains(t, string(page), `event.set_results({&#34;ok&#34;: True})`)
}
