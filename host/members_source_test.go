package host_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
)

// jujusTypes are the types and modules through which a charm meets Juju.
var jujusTypes = []string{
	"model", "unit", "application", "relation", "remote_model", "databag", "mapping", "status", "secret", "secret_info", "storages", "storage",
	"binding", "network", "network_interface", "goal_state", "goal", "cloud_spec", "cloud_credential", "pod", "resources", "port", "juju_version",
	"event", "hooktool", "schema", "failure",
}

// elsewhere are the members of these types that the charm members leaves to
// others, and why.
var elsewhere = map[string]string{
	"event.workload":   "it is about Pebble: the charm everything",
	"event.notice":     "it is about Pebble: the charm everything",
	"event.info":       "Juju 3.5.1 has no event of a check: builtins/testdata/event.star",
	"event.add_status": "it is no step: the charm calls it at the end of each hook, and the transcripts show the status that is set",
}

// TestMembersHasEveryMember: the charm members has a step for each member of
// Juju's side of the API, which uses that member, and which a transcript shows.
func TestMembersHasEveryMember(t *testing.T) {
	uses := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(members, "lib", "*.star"))
	require.NoError(t, err)
	for _, file := range files {
		source, err := (&syntax.FileOptions{}).Parse(file, nil, 0)
		require.NoError(t, err)
		defs := map[string]syntax.Node{}
		for _, stmt := range source.Stmts {
			if def, ok := stmt.(*syntax.DefStmt); ok {
				defs[def.Name.Name] = def
			}
		}
		syntax.Walk(source, func(n syntax.Node) bool {
			tuple, ok := n.(*syntax.TupleExpr)
			if !ok || len(tuple.List) != 2 {
				return true
			}
			name, ok := tuple.List[0].(*syntax.Literal)
			if !ok || name.Token != syntax.STRING {
				return true
			}
			step, _, _ := strings.Cut(name.Value.(string), " ")
			if _, member, ok := strings.Cut(step, "."); ok {
				uses[step] = uses[step] || usesMember(tuple.List[1], member, defs, map[string]bool{})
			}
			return true
		})
	}
	var transcripts string
	for _, name := range []string{"life.txt", "pods.txt"} {
		text, err := os.ReadFile(filepath.Join(members, name))
		require.NoError(t, err)
		transcripts += string(text)
	}
	found := 0
	for _, d := range builtins.Documentation() {
		if !slices.Contains(jujusTypes, d.Name) {
			continue
		}
		found++
		for _, m := range d.Members {
			step := d.Name + "." + m.Name
			if elsewhere[step] != "" {
				assert.False(t, uses[step], "%s is used, and need not be among what is left to others", step)
				continue
			}
			assert.True(t, uses[step], "no step of the charm uses %s", step)
			shown := regexp.MustCompile(`(?m)^INFO ` + regexp.QuoteMeta(step) + `( [^:]*)?: `)
			assert.True(t, shown.MatchString(transcripts), "no transcript shows %s", step)
		}
	}
	assert.Equal(t, len(jujusTypes), found, "a type has another name now")
}

// usesMember tells whether an expression, or a function of its file that it
// names, has x.member in it.
func usesMember(n syntax.Node, member string, defs map[string]syntax.Node, seen map[string]bool) bool {
	used := false
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DotExpr:
			used = used || n.Name.Name == member
		case *syntax.Ident:
			if def := defs[n.Name]; def != nil && !seen[n.Name] {
				seen[n.Name] = true
				used = used || usesMember(def, member, defs, seen)
			}
		}
		return !used
	})
	return used
}
