package builtins

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/reference.md from the tables")

// TestReference: docs/reference.md says what the tables do. With -update it is
// written from them.
func TestReference(t *testing.T) {
	const file = "../docs/reference.md"
	want := renderReference(Documentation(), EventDocumentation())
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "write it anew: go test ./builtins -run TestReference -update")
}

const referenceIntroduction = `# Reference

Everything that a charm's files can use; [charms.md](charms.md) is the guide. The language itself is
[Starlark](https://github.com/bazelbuild/starlark/blob/master/spec.md), with its own functions and methods of strings, lists
and dicts. This file is made from the program: ` + "`go test ./builtins -run TestReference -update`" + `.

In a signature, what comes before ` + "`/`" + ` is given by position only, and what comes after ` + "`*`" + ` by name only; ` + "`<none>`" + ` is an
argument that is left out by default, and ` + "`default = <fail>`" + ` one without which there is a failure. A failure is what
` + "`catch()`" + ` returns; other errors, such as an argument of the wrong type, end the hook.
`

func renderReference(types []TypeDoc, events []EventDoc) string {
	var b strings.Builder
	b.WriteString(referenceIntroduction)
	section := func(title string, include func(TypeDoc) bool) {
		fmt.Fprintf(&b, "\n## %s\n", title)
		for _, d := range types {
			if include(d) {
				renderType(&b, d)
			}
		}
	}
	section("Functions", func(d TypeDoc) bool { return d.Name == "" })
	section("Modules", func(d TypeDoc) bool { return d.Module })
	renderEvents(&b, events)
	section("Types", func(d TypeDoc) bool { return d.Name != "" && !d.Module })
	return b.String()
}

func renderType(b *strings.Builder, d TypeDoc) {
	prefix := ""
	if d.Name != "" {
		fmt.Fprintf(b, "\n### %s\n", d.Name)
	}
	if d.Module && !d.Loaded {
		prefix = d.Name + "."
	}
	fmt.Fprintf(b, "\n%s\n", prose(d.Doc))
	for i, m := range d.Members {
		if i == 0 {
			b.WriteString("\n")
		}
		signature := m.Signature
		if !m.Method {
			signature = ": " + signature
		}
		doc := prose(m.Doc)
		if m.Writable {
			doc += " Can be assigned."
		}
		if len(m.Only) > 0 {
			doc += " Only of `" + strings.Join(m.Only, "`, `") + "`."
		}
		fmt.Fprintf(b, "* `%s%s%s`<br>%s\n", prefix, m.Name, signature, doc)
	}
}

func renderEvents(b *strings.Builder, events []EventDoc) {
	b.WriteString("\n## Events\n\n" +
		"An event is an attribute of `framework.on`; its handler gets an [event](#event). All have `name`, `defer()`, `deferred` and\n" +
		"`changed_config`.\n\n| event | | attributes | |\n|---|---|---|---|\n")
	for _, e := range events {
		attributes, deferring := "", ""
		if len(e.Attributes) > 0 {
			attributes = "`" + strings.Join(e.Attributes, "`, `") + "`"
		}
		if e.CannotDefer != "" {
			deferring = "cannot be deferred: " + prose(e.CannotDefer)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", e.Name, prose(e.Doc), attributes, deferring)
	}
}

// prose escapes what Markdown would take for its own, outside of `code`.
func prose(text string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = regexp.MustCompile(`[\\<*]`).ReplaceAllString(parts[i], `\$0`)
	}
	return strings.Join(parts, "`")
}
