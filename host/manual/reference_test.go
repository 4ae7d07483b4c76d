package manual_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/manual"
)

var update = flag.Bool("update", false, "write docs/reference anew")

const reference = "../../docs/reference"

func newManual(t testing.TB) *manual.Manual {
	t.Helper()
	m, err := manual.New()
	require.NoError(t, err)
	return m
}

// TestReference: docs/reference says what the tables and docstrings do, and has
// no page more. With -update it is written from them.
func TestReference(t *testing.T) {
	want := newManual(t).Markdown()
	if *update {
		require.NoError(t, os.RemoveAll(reference))
		for file, text := range want {
			path := filepath.Join(reference, file)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
	const renew = "write it anew: go test ./host/manual -run TestReference -update"
	got := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(reference), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(reference, file))
		got[file] = string(text)
		return err
	}))
	for file, text := range want {
		require.Equal(t, text, got[file], "%s: %s", file, renew)
	}
	for file := range got {
		assert.Contains(t, want, file, renew)
	}
}

// TestLinks: what the manual's pages, the guides and the notes of the project
// link to is there, headings too.
func TestLinks(t *testing.T) {
	const root = "../.."
	pages, err := filepath.Glob(root + "/*.md")
	require.NoError(t, err)
	for _, dir := range []string{"docs", "examples"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".md") {
				pages = append(pages, path)
			}
			return err
		}))
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, match := range link.FindAllStringSubmatch(withoutCode(string(text)), -1) {
			target, heading, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			linked, err := os.Stat(path)
			if !assert.NoError(t, err, page) || heading == "" || linked.IsDir() {
				continue
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Contains(t, headings(string(text)), heading, "%s links to %s", page, match[1])
		}
	}
}

// withoutCode is Markdown without what is shown as it is.
func withoutCode(text string) string {
	text = regexp.MustCompile("(?ms)^ *```.*?^ *```").ReplaceAllString(text, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(text, "")
}

func headings(text string) []string {
	var found []string
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		title := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(match[1]), "")
		found = append(found, strings.ReplaceAll(title, " ", "-"))
	}
	return found
}
