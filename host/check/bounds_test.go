package check

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const smallMeta = "name: a\nsummary: s\ndescription: d\n"

// checkText checks a charm of one script.
func checkText(t *testing.T, meta, script string) *Report {
	t.Helper()
	start := time.Now()
	report, err := Charm(t.Context(), fstest.MapFS{
		"charmcraft.yaml": {Data: []byte(meta)}, "src/charm.star": {Data: []byte(script)},
	}, Options{})
	require.NoError(t, err)
	assert.Less(t, time.Since(start), time.Minute)
	return report
}

// What nobody would write is told of too, as far as somebody would read, and
// soon.
func TestBounds(t *testing.T) {
	many := func(n int, line string) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, line, i)
		}
		return text.String()
	}
	nested := "a0 = (1, 2)\n" // each tuple holds the one before it twice
	for i := range 60 {
		nested += fmt.Sprintf("a%d = (a%d, a%d)\n", i+1, i, i)
	}
	for _, c := range []struct{ name, meta, script, found string }{
		{"values that never freeze", smallMeta, nested, "src/charm.star:1:1: error: the top level took more than 10 seconds [load-failure]"},
		{"many mistakes", smallMeta, "def h(event):\n    pass\n" + many(3000, "    model.nope%d\n"), "there may be more, which is not shown\n"},
		{"broken statements", smallMeta, many(2000, "def (%d\n") + "x = [\n" + strings.Repeat("y = 1\n", 100000), "there may be more, which is not shown\n"},
		{"many unknown names", smallMeta, many(3000, "x%[1]d = y%[1]d\n"), "there may be more, which is not shown\n100 errors"},
		{"many options", smallMeta + "config:\n  options:\n" + many(10000, "    o%d: {type: string, description: d}\n"), "x = 1\n", "there may be more, which is not shown\n"},
		{"one rule again and again", smallMeta, "# check: ignore=" + strings.Repeat("unknown-name,", 50000) + "a\n", "nothing here breaks the rule unknown-name"},
		{"too large", smallMeta, "x = 1\n" + strings.Repeat("#", 1<<20), "src/charm.star: error: cannot read the charm's script: src/charm.star is larger than 1 MiB [no-script]"},
		{"a zero byte", smallMeta, "x = 1\n\x00\ny = z\n", "src/charm.star has a byte that is zero in line 2, and is no text [no-script]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, checkText(t, c.meta, c.script).Render(false), c.found)
		})
	}
}

// An event that comes from what nobody knows may be a library's, with any fields.
func TestEventOfUnknown(t *testing.T) {
	const script = `
def on_ready(event):
    log.info(event.payload)
    event.relaton

def watch(sources):
    framework.observe(sources["any"], on_ready)

framework.observe(framework.on.start, on_ready)
broken(
`
	shown := checkText(t, smallMeta, script).Render(false)
	assert.NotContains(t, shown, "payload")
	assert.Contains(t, shown, `did you mean "relation"?`)
}
