package manual

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
)

// TestLibrariesAreDocumented: each library says what it is for, each function
// that it hands out what it does and takes, and each constant what it is. What
// interfaces are made of may do with less.
func TestLibrariesAreDocumented(t *testing.T) {
	s, err := newShelf(builtins.Documentation())
	require.NoError(t, err)
	require.Greater(t, len(s.libraries), 20)
	functions := 0
	for _, l := range s.libraries {
		assert.NotEmpty(t, ReadDocstring(l.doc).Summary(), "%s has no docstring", l.name)
		for _, at := range l.symbols {
			call, function := callOf(at.value)
			var inside []*symbol
			if function == "struct" {
				for _, arg := range call.Args {
					_, value, _ := keyword(arg)
					inside = append(inside, s.resolve(&symbol{value: value, of: l}))
				}
			}
			switch {
			case !isPublic(at.name) || at.from != "":
				continue
			case at.def != nil:
				inside = append(inside, at)
			case isConstant(at.value):
				assert.NotEmpty(t, at.comment, "%s: %s has no comment above it", l.name, at.name)
			}
			for _, at := range inside {
				if at.def == nil {
					continue
				}
				functions++
				d := ReadDocstring(docOf(at.def.Body))
				if !assert.NotEmpty(t, d.Summary(), "%s: %s has no docstring", l.name, at.def.Name.Name) {
					continue
				}
				var told []string
				for _, section := range d.Sections {
					for _, item := range section.Items {
						if section.Title == "Args" {
							told = append(told, strings.TrimLeft(item.Name, "*"))
						}
					}
				}
				var taken []string
				for _, param := range at.def.Params {
					switch p := param.(type) {
					case *syntax.Ident:
						taken = append(taken, p.Name)
					case *syntax.BinaryExpr:
						taken = append(taken, p.X.(*syntax.Ident).Name)
					case *syntax.UnaryExpr:
						if p.X != nil {
							taken = append(taken, p.X.(*syntax.Ident).Name)
						}
					}
				}
				if len(told) == 0 && s.page(l).Group == Parts {
					continue // its text may do
				}
				assert.Equal(t, taken, told, "%s: the arguments of %s, and what its docstring says of them", l.name, at.def.Name.Name)
			}
		}
	}
	assert.Greater(t, functions, 100)
}
