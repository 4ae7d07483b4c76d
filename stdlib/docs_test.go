package stdlib_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/host/charmtest"
)

// TestDocs runs the charms that the pages of docs/interfaces show: the first
// block of YAML is the charm's metadata, the first one of Python its script.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("../docs/interfaces/*.md")
	require.NoError(t, err)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		metadata, script := block(string(text), "yaml"), block(string(text), "python")
		if metadata == "" || script == "" {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			var meta struct{ Provides, Requires map[string]any }
			require.NoError(t, yaml.Unmarshal([]byte(metadata), &meta))
			var relations []string
			for _, endpoints := range []map[string]any{meta.Provides, meta.Requires} {
				for name := range endpoints {
					relations = append(relations, fmt.Sprintf("testing.Relation(%q)", name))
				}
			}
			dir := t.TempDir()
			for name, content := range map[string]string{
				"charmcraft.yaml":       "name: example\n" + metadata,
				"src/charm.star":        script,
				"tests/charm_test.star": fmt.Sprintf(docsTest, strings.Join(relations, ", ")),
			} {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
			}
			suite, err := charmtest.Load(t.Context(), dir, charmtest.Options{Timeout: 10 * time.Minute, MaxSteps: 10_000_000, Jobs: 1})
			require.NoError(t, err)
			suite.Run(t.Context(), func(r *charmtest.Result) {
				assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true))
			})
		})
	}
}

const docsTest = `
ctx = testing.Context()

def test_every_event(t):
    relations = [%s]
    state = ctx.state(leader = True, relations = relations)
    for event in [ctx.on.start(), ctx.on.config_changed(), ctx.on.update_status()]:
        state = ctx.run(event, state).state
    for relation in relations:
        for event in [ctx.on.relation_created(relation), ctx.on.relation_changed(relation), ctx.on.relation_broken(relation)]:
            ctx.run(event, state)
    ctx.run(ctx.on.start(), testing.State())
`

// block returns the first fenced block of a language.
func block(text, language string) string {
	match := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(text)
	if match == nil {
		return ""
	}
	return match[1]
}
