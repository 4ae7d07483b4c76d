package manual_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/starcharm/starcharm/host/manual"
)

func TestReadDocstring(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       manual.Docstring
	}{
		{"nothing", "", manual.Docstring{}},
		{"white", " \n\t\n  ", manual.Docstring{}},
		{"one line", "Does it.", manual.Docstring{Blocks: []manual.Block{{Text: "Does it."}}}},
		{
			"paragraphs and examples",
			"Does it,\n    soon.\n\n    More of it.\n\n        do()\n\n          it()\n\n    The end.\n    ",
			manual.Docstring{Blocks: []manual.Block{
				{Text: "Does it, soon."}, {Text: "More of it."}, {Text: "do()\n\n  it()", Example: true}, {Text: "The end."},
			}},
		},
		{
			"an example only",
			"Does it.\n\n    do()\n      it()\n",
			manual.Docstring{Blocks: []manual.Block{{Text: "Does it."}, {Text: "do()\n  it()", Example: true}}},
		},
		{
			"a list",
			"It has\n\n    * this,\n      and more;\n    * that.\n    Args:\n      a: one.\n    ",
			manual.Docstring{
				Blocks:   []manual.Block{{Text: "It has"}, {Text: "this, and more;", Item: true}, {Text: "that.", Item: true}},
				Sections: []manual.Section{{Title: "Args", Items: []manual.Item{{Name: "a", Text: "one."}}}},
			},
		},
		{
			"arguments",
			"Does it.\n\n    Args:\n      a: the first,\n        and more of it: this.\n      **rest: others.\n    Returns:\n      it.\n    ",
			manual.Docstring{
				Blocks: []manual.Block{{Text: "Does it."}},
				Sections: []manual.Section{
					{Title: "Args", Items: []manual.Item{{Name: "a", Text: "the first, and more of it: this."}, {Name: "**rest", Text: "others."}}},
					{Title: "Returns", Text: "it."},
				},
			},
		},
		{
			"a struct",
			"It.\n\nReturns:\n  a struct:\n    get(a = (1, 2), b = \"x\"): gets it.\n    get_key(), set_key(key): the key.\n    ready: event: it is there.\n\nThat is all.",
			manual.Docstring{
				Blocks: []manual.Block{{Text: "It."}, {Text: "That is all."}},
				Sections: []manual.Section{{Title: "Returns", Text: "a struct:", Items: []manual.Item{
					{Name: `get(a = (1, 2), b = "x")`, Text: "gets it."}, {Name: "get_key(), set_key(key)", Text: "the key."}, {Name: "ready", Text: "event: it is there."},
				}}},
			},
		},
		{
			"titles that are none",
			"Args:\n\nReturns: it.\nFields:\nno field",
			manual.Docstring{Blocks: []manual.Block{{Text: "Args:"}, {Text: "Returns: it. Fields: no field"}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, manual.ReadDocstring(c.text)) })
	}
}

func TestSummary(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"Does it. And more.":         "Does it",
		"Does it, e.g. now. Or not.": "Does it, e.g. now",
		"    example()":              "example()",
		"Lines:\n\n    a()":          "Lines",
		"Port 8.0 is it":             "Port 8.0 is it",
	} {
		assert.Equal(t, want, manual.ReadDocstring(text).Summary(), "%q", text)
	}
}

// TestDocstringIsBounded: of a text without end the beginning is read.
func TestDocstringIsBounded(t *testing.T) {
	d := manual.ReadDocstring(strings.Repeat("Ä word. ", 1<<20))
	assert.Less(t, len(d.Blocks[0].Text), 1<<17)
	assert.Equal(t, "Ä word", d.Summary())
}

// FuzzReadDocstring: any text can be read, and no word of it is lost or made up.
func FuzzReadDocstring(f *testing.F) {
	f.Add("Does it.\n\n    Args:\n      a: one\n        two\n    Returns:\n      a struct:\n        b(): three\n\n        code()\n")
	f.Add("Args:\n  Args:\n    x: y")
	f.Add("\tx\n y\n\n\n    z\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := manual.ReadDocstring(text)
		var said strings.Builder
		for _, b := range d.Blocks {
			said.WriteString(b.Text)
			assert.False(t, !b.Example && strings.Contains(b.Text, "\n"))
		}
		for _, s := range d.Sections {
			said.WriteString(s.Title + s.Text)
			for _, item := range s.Items {
				said.WriteString(item.Name + item.Text)
				assert.NotEmpty(t, item.Name)
			}
		}
		assert.LessOrEqual(t, len(strings.Join(strings.Fields(said.String()), "")), len(text))
	})
}
