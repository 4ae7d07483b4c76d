package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// FuzzChunks checks that cutting a broken script loses nothing.
func FuzzChunks(f *testing.F) {
	f.Add("x = \"\"\"\n")
	f.Add("def a():\n    pass\n)\nb = '\\\n' + \"\"\"\nc\n\"\"\"\n")
	f.Fuzz(func(t *testing.T, script string) {
		kept := ""
		for _, chunk := range chunks(strings.Split(script, "\n")) {
			kept += chunk.text
		}
		require.Equal(t, strings.Join(strings.Fields(script), ""), strings.Join(strings.Fields(kept), ""))
	})
}

// A script that ends anywhere is checked as far as it goes.
func TestBroken(t *testing.T) {
	a, err := txtar.ParseFile("testdata/unknown-endpoint.txtar")
	require.NoError(t, err)
	files := charmOf(t, a, "bad")
	script := files["src/charm.star"].Data
	for end := 0; end < len(script); end += 7 {
		files["src/charm.star"].Data = script[:end]
		report, err := Charm(t.Context(), files, Options{})
		require.NoError(t, err)
		for _, found := range report.Findings {
			require.NotEmpty(t, found.Message)
			require.Contains(t, ruleNames(), found.Rule)
		}
	}
}
