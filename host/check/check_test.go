package check

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is found into the fixtures")

// charmOf is the charm below a folder of a fixture, with the metadata of
// testdata/charmcraft.yaml if it has none.
func charmOf(t *testing.T, a *txtar.Archive, folder string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, folder+"/"); ok {
			files[name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
	}
	if len(files) == 0 {
		return nil
	}
	if files["charmcraft.yaml"] == nil && files["metadata.yaml"] == nil {
		text, err := os.ReadFile("testdata/charmcraft.yaml")
		require.NoError(t, err)
		files["charmcraft.yaml"] = &fstest.MapFile{Data: text}
	}
	if files["src/charm.star"] == nil && files["nothing"] == nil {
		files["src/charm.star"] = &fstest.MapFile{Data: []byte("def on_install(event):\n    pass\n\nframework.observe(framework.on.install, on_install)\n")}
	}
	return files
}

// optionsFor leave out what a fixture of another rule need not care for.
func optionsFor(rule Rule) Options {
	o := Options{Listing: rule.Listing}
	for _, r := range Rules() {
		usage := slices.Contains([]string{"unused-option", "unused-endpoint", "unobserved-action"}, r.Name)
		if r.Name != rule.Name && (usage || r.Listing && rule.Listing) {
			o.Ignore = append(o.Ignore, r.Name)
		}
	}
	return o
}

// Each rule has a fixture: a charm that breaks it, what is found in that, and
// one that does not.
func TestRules(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			name := filepath.Join("testdata", rule.Name+".txtar")
			a, err := txtar.ParseFile(name)
			require.NoError(t, err, "each rule has a fixture")

			wrong := charmOf(t, a, "bad")
			require.NotNil(t, wrong)
			report, err := Charm(t.Context(), wrong, optionsFor(rule))
			require.NoError(t, err)
			assert.True(t, slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.Rule == rule.Name }), "nothing was found")
			found := report.Render(false)
			i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
			if *update {
				if i < 0 {
					i = len(a.Files)
					a.Files = append(a.Files, txtar.File{Name: "want"})
				}
				a.Files[i].Data = []byte(found)
				require.NoError(t, os.WriteFile(name, txtar.Format(a), 0o644))
			}
			require.GreaterOrEqual(t, i, 0, "the fixture does not say what is to be found")
			assert.Equal(t, string(a.Files[i].Data), found)

			right := charmOf(t, a, "good")
			require.NotNil(t, right)
			report, err = Charm(t.Context(), right, optionsFor(rule))
			require.NoError(t, err)
			assert.Empty(t, report.Findings, "in the good charm:\n%s", report.Render(false))
		})
	}
	fixtures, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	for _, name := range fixtures {
		assert.Contains(t, ruleNames(), strings.TrimSuffix(filepath.Base(name), ".txtar"), "a fixture of no rule")
	}
}

// The examples, and the charms that tests use, break no rule.
func TestExamples(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			report, err := Charm(t.Context(), os.DirFS(dir), Options{})
			require.NoError(t, err)
			assert.Empty(t, report.Findings, report.Render(false))
		})
	}
}

// texts are the files of a charm.
func texts(t *testing.T, fsys fs.FS) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	require.NoError(t, fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[name], err = fs.ReadFile(fsys, name)
		return err
	}))
	return all
}
