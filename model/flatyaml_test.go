package model

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"gopkg.in/yaml.v3"
)

func FuzzFlatYAML(f *testing.F) {
	f.Add("key", "value")
	f.Add("<<", "*x")
	f.Add("a\nb", "\x00\x1b\x7f\u0085\u2028\ufeff\ufffe\U0001f600\"\\")
	f.Add(strings.Repeat("k", 5000), strings.Repeat("v \n", 5000))
	f.Fuzz(func(t *testing.T, key, value string) {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return
		}
		want := map[string]string{key: value, "other": "2"}
		var got map[string]string
		written := flatYAML(want)
		if err := yaml.Unmarshal(written, &got); err != nil {
			t.Fatalf("%v: %s", err, written)
		}
		assert.Equal(t, want, got)
	})
}
