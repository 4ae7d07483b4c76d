package charmtest_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmtest"
	"github.com/starcharm/starcharm/model/consistency"
)

var update = flag.Bool("update", false, "write docs/testing_reference.md from the tables")

// TestReference: docs/testing_reference.md says what the tables do. With
// -update it is written from them.
func TestReference(t *testing.T) {
	const file = "../../docs/testing_reference.md"
	var b strings.Builder
	b.WriteString("# Reference for tests\n\nWhat the files of tests can use besides what [a charm's files](reference.md) can; [testing.md](testing.md) is the guide.\n" +
		"In a signature, what comes after `*` can be given by name only. This page is written from the tables of `host/charmtest`.\n")
	for _, d := range charmtest.Documentation() {
		prefix := ""
		if d.Module {
			prefix = d.Name + "."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", d.Name, prose(d.Doc))
		for _, m := range d.Members {
			signature := m.Signature
			if !m.Method {
				signature = ": " + signature
			}
			fmt.Fprintf(&b, "* `%s%s%s`<br>%s\n", prefix, m.Name, signature, prose(m.Doc))
		}
	}
	b.WriteString("\n## Rules of consistency\n\nWhat is so of every unit that Juju runs, and so of the State and the event of `ctx.run`. A rule that is only odd to break is a note.\n\n" +
		"| rule | what it says | how to mend it |\n|---|---|---|\n")
	for _, rule := range consistency.Rules() {
		note := ""
		if rule.Note {
			note = " *(note)*"
		}
		fmt.Fprintf(&b, "| %s | %s%s | %s |\n", rule.ID, prose(rule.Says), note, prose(rule.Cure))
	}
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(got), "write it anew: go test ./host/charmtest -run TestReference -update")
}

// prose escapes what Markdown would take for its own, outside of `code`.
func prose(text string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = regexp.MustCompile(`[\\<*]`).ReplaceAllString(parts[i], `\$0`)
	}
	return strings.Join(parts, "`")
}
