package check

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The manual lists the rules as they are.
func TestManual(t *testing.T) {
	const name = "../../docs/check.md"
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	begin, rest, ok := strings.Cut(string(text), " -update -->\n")
	require.True(t, ok)
	_, end, ok := strings.Cut(rest, "<!-- end of rules -->")
	require.True(t, ok)
	var table strings.Builder
	table.WriteString("| rule | | what breaks it |\n|---|---|---|\n")
	for _, r := range Rules() {
		doc := r.Doc
		if r.Listing {
			doc += " Only with `--listing`."
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", r.Name, r.Severity, doc)
	}
	current := begin + " -update -->\n" + table.String() + "<!-- end of rules -->" + end
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(current), 0o644))
	} else {
		assert.Equal(t, current, string(text), "renew it with go test ./host/check -run TestManual -update")
	}
}
