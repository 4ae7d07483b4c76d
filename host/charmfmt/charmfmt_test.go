package charmfmt_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmfmt"
)

// starFiles are the .star files of the repository.
func starFiles(t testing.TB, roots ...string) map[string][]byte {
	files := map[string][]byte{}
	for _, root := range roots {
		require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".star" {
				return err
			}
			files[path], err = os.ReadFile(path)
			return err
		}))
	}
	require.NotEmpty(t, files)
	return files
}

// TestFormatted keeps what authors copy from in the one layout.
func TestFormatted(t *testing.T) {
	for path, text := range starFiles(t, "../../examples", "../../stdlib", "../charminit/templates") {
		formatted, err := charmfmt.Source(path, text)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(formatted, text), "run starcharm fmt %s", path)
	}
}

// check formats a text and holds what comes out to the promises.
func check(t *testing.T, text []byte) {
	once, err := charmfmt.Source("x.star", text)
	if err != nil {
		return
	}
	twice, err := charmfmt.Source("x.star", once)
	require.NoError(t, err)
	assert.Equal(t, string(once), string(twice), "formatting again changes it")
	assert.Equal(t, outline(t, text), outline(t, once), "another program")
	for _, mark := range []string{"#", "COMMENT"} {
		assert.Equal(t, bytes.Count(text, []byte(mark)), bytes.Count(once, []byte(mark)), "a %s is lost", mark)
	}
}

// outline writes a program's tree without its places.
func outline(t *testing.T, text []byte) string {
	file, err := (&syntax.FileOptions{Set: true}).Parse("x.star", text, 0)
	require.NoError(t, err)
	var out strings.Builder
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case nil:
			out.WriteString(")")
			return false
		case *syntax.ParenExpr:
			out.WriteString("(")
		case *syntax.Ident:
			out.WriteString("(" + n.Name)
		case *syntax.Literal:
			fmt.Fprintf(&out, "(%T %v", n.Value, n.Value)
		case *syntax.BinaryExpr:
			out.WriteString("(" + n.Op.String())
		case *syntax.UnaryExpr:
			out.WriteString("(" + n.Op.String())
		case *syntax.AssignStmt:
			out.WriteString("(" + n.Op.String())
		case *syntax.BranchStmt:
			out.WriteString("(" + n.Token.String())
		default:
			fmt.Fprintf(&out, "(%T", n)
		}
		return true
	})
	return out.String()
}

// TestPromises holds the formatter to its promises on all there is, and on it
// with comments, line breaks and spaces put in between.
func TestPromises(t *testing.T) {
	for path, text := range starFiles(t, "../../examples/k8s-4-action", "../../builtins/testdata") {
		t.Run(path, func(t *testing.T) {
			check(t, text)
			for _, change := range [][2]string{
				{", ", " ,  # COMMENT\n  "}, {"(", "(# COMMENT\n"}, {")", "\n# COMMENT\n)"}, {":\n", ": # COMMENT\n"},
				{"\n", "\n\n# COMMENT\n\n"}, {"\n", "\r\n"}, {"    ", "\t"}, {" = ", "="}, {"\n", " # COMMENT\n"},
				{"[", "[\n"}, {"{", "{\n# COMMENT\n"}, {`"`, "'"}, {"return ", "return b'\\xff' + \\\n"},
			} {
				changed := bytes.ReplaceAll(text, []byte(change[0]), []byte(change[1]))
				check(t, changed)
				if _, err := charmfmt.Source("x.star", changed); err != nil {
					var wrong *host.SourceError
					assert.ErrorAs(t, err, &wrong, "%q", change)
				}
			}
		})
	}
}

// TestFiles formats what is on disk: a byte order mark goes, what is read-only
// stays.
func TestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.star")
	require.NoError(t, os.WriteFile(path, []byte("\ufeffx=1\r\n# why"), 0o444))
	text, formatted, err := charmfmt.Read(path)
	require.NoError(t, err)
	assert.Equal(t, "x = 1\n# why\n", string(formatted))
	assert.EqualError(t, charmfmt.Write(path, text, formatted), "cannot write "+path+": it is read-only")
	require.NoError(t, os.Chmod(path, 0o644))
	require.NoError(t, charmfmt.Write(path, text, formatted))
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(formatted), string(written))
}

func FuzzSource(f *testing.F) {
	for _, text := range starFiles(f, "../../examples", "../../stdlib", "../charminit/templates") {
		f.Add(text)
	}
	f.Add([]byte("x = [b'a', rb\"\"\"c\n\"\"\", 'it\\'s'] # COMMENT\nif x: pass; y = 1 if x else (lambda *a, **k: {1: 2})\n"))
	f.Fuzz(func(t *testing.T, text []byte) { check(t, text) })
}

// TestStaysQuick formats what buildtools would take minutes for, and what a
// charm may well have.
func TestStaysQuick(t *testing.T) {
	_, err := charmfmt.Source("x.star", []byte("x = 1"+strings.Repeat(" + 1", 20000)))
	assert.EqualError(t, err, "cannot format x.star: an expression has more than 1000 steps; give parts of it names")

	lines := func(n int) time.Duration {
		text := []byte(strings.Repeat("x = [1, 2, {'a': f(x,y)}, b'c'] # why\n", n))
		best := time.Hour
		for range 3 {
			start := time.Now()
			_, err := charmfmt.Source("x.star", text)
			require.NoError(t, err)
			best = min(best, time.Since(start))
		}
		return best
	}
	assert.Less(t, float64(lines(10000))/float64(lines(1000)), 30.0, "ten times the lines take much more than ten times the time")
}

func BenchmarkSource(b *testing.B) {
	text := []byte(strings.Repeat("def f(x, y):\n    # why\n    return [1, 2, {'a': f(x,y)}] # c\n\n\n", 1000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := charmfmt.Source("x.star", text); err != nil {
			b.Fatal(err)
		}
	}
}
