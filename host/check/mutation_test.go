package check

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
)

// Every name in the examples that is one of the metadata's is misspelt in turn,
// and found.
func TestMutations(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	require.NoError(t, err)
	dirs = append(dirs, "testdata/names")
	count := 0
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			files := texts(t, os.DirFS(dir))
			meta, err := model.LoadMetadata(os.DirFS(dir))
			require.NoError(t, err)
			for name, text := range files {
				if !strings.HasSuffix(name, ".star") || strings.HasPrefix(name, "tests/") {
					continue
				}
				for _, at := range namesIn(meta, string(text)) {
					misspelt := string(text[:at[0]]) + "q" + string(text[at[0]:])
					mutant := maps.Clone(files)
					mutant[name] = []byte(misspelt)
					line := 1 + strings.Count(misspelt[:at[0]], "\n")
					report, err := Charm(t.Context(), fsOf(mutant), Options{})
					require.NoError(t, err)
					assert.True(t, slices.ContainsFunc(report.Findings, func(f Finding) bool {
						return f.Severity == host.SeverityError && f.File == name && f.Line == line
					}), "%s:%d: %s: not found:\n%s", name, line, strings.Split(misspelt, "\n")[line-1], report.Render(false))
					count++
				}
			}
		})
	}
	assert.Greater(t, count, 60, "misspelt names")
}

// Every name that the examples' metadata declares is misspelt there in turn, and
// the scripts that use it, or do not, are found.
func TestMetadataMutations(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	require.NoError(t, err)
	for _, dir := range append(dirs, "testdata/names") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			files := texts(t, os.DirFS(dir))
			meta, err := model.LoadMetadata(os.DirFS(dir))
			require.NoError(t, err)
			for _, name := range slices.Concat(
				slices.Collect(maps.Keys(meta.Relations)), slices.Collect(maps.Keys(meta.Options)), slices.Collect(maps.Keys(meta.Containers)),
				slices.Collect(maps.Keys(meta.Storages)), slices.Collect(maps.Keys(meta.Resources)), slices.Collect(maps.Keys(meta.Actions)),
			) {
				key := regexp.MustCompile(`(?m)^( +)` + regexp.QuoteMeta(name) + `:`)
				misspelt := key.ReplaceAll(files["charmcraft.yaml"], []byte("${1}q"+name+":"))
				require.NotEqual(t, string(files["charmcraft.yaml"]), string(misspelt), name)
				mutant := maps.Clone(files)
				mutant["charmcraft.yaml"] = misspelt
				report, err := Charm(t.Context(), fsOf(mutant), Options{})
				require.NoError(t, err)
				assert.NotEmpty(t, report.Findings, name)
			}
		})
	}
}

// namesIn are the places in a script where a name of the metadata is: in
// quotes, or the event of an attribute of on.
func namesIn(meta *model.Metadata, text string) [][]int {
	var names []string
	for _, all := range [][]string{
		slices.Collect(maps.Keys(meta.Relations)), slices.Collect(maps.Keys(meta.Options)), slices.Collect(maps.Keys(meta.Containers)),
		slices.Collect(maps.Keys(meta.Storages)), slices.Collect(maps.Keys(meta.Resources)), slices.Collect(maps.Keys(meta.Actions)),
	} {
		names = append(names, all...)
	}
	for i, name := range names {
		names[i] = regexp.QuoteMeta(name)
	}
	slices.Sort(names)
	patterns := []string{`watch\(on, "(site)"`, `watch\(on, "site", "(web)"`, `SITE = "(site)"`, `    (port|log_level) = schema`, `\bon\.([a-z_]+)`, `\]\.(relation_[a-z]+|pebble_[a-z_]+|storage_[a-z]+|action)\b`, `event\.params\["([a-z-]+)"`}
	if len(names) > 0 {
		quoted := strings.Join(names, "|")
		patterns = append(patterns, fmt.Sprintf(`(?:on|config|relations|containers|storages)\["(%s)"\]`, quoted),
			fmt.Sprintf(`(?:get_container|get_relation|get_binding|fetch|request|\bget)(?:\(|, )"(%s)"`, quoted))
	}
	var found [][]int
	for _, pattern := range patterns {
		for _, at := range regexp.MustCompile(pattern).FindAllStringSubmatchIndex(text, -1) {
			found = append(found, at[2:4])
		}
	}
	return found
}

func fsOf(files map[string][]byte) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: text}
	}
	return fsys
}
