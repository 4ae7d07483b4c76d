package charmfmt_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/starcharm/starcharm/host/charmfmt"
)

// TestSyntax formats what buildtools cannot read, or would spell otherwise.
func TestSyntax(t *testing.T) {
	for text, want := range map[string]string{
		"x = 'é', 2 if a else 3, 4\n":                           "x = 'é', (2 if a else 3), 4\n",
		"x[a, b if c else d] = 1, 1 if b'a' else rb'\\d'\n":     "x[a, (b if c else d)] = 1, (1 if b'a' else rb'\\d')\n",
		"for x in 1, 2 if a else 3:\n\tpass # c\n":              "for x in 1, (2 if a else 3):\n    pass  # c\n",
		"def f():\n  return 1 if a else 2, 3 if b else 4":       "def f():\n    return (1 if a else 2), (3 if b else 4)\n",
		"x = '\\'', \"\\\"\", 'a', '\\u00fc', '''a\r\nb'''\r\n": "x = '\\'', \"\\\"\", \"a\", '\\u00fc', \"\"\"a\nb\"\"\"\n",
		"x = 1, 2 if a else -b[0] + not_c[1:2]\n":               "x = 1, (2 if a else -b[0] + not_c[1:2])\n",
		"x = (1, 2 if a else b[0])\n":                           "x = (1, 2 if a else b[0])\n",
		"x[1, 2 if a else b[0]] = (3, 4 if a else b.c(d))\n":    "x[1, (2 if a else b[0])] = (3, 4 if a else b.c(d))\n",
	} {
		formatted, err := charmfmt.Source("x.star", []byte(text))
		assert.NoError(t, err)
		assert.Equal(t, want, string(formatted))
	}
}
