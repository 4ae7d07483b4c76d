package builtins

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"
)

func decodeWith(module starlark.Value, function, text string) (starlark.Value, error) {
	decode, err := module.(starlark.HasAttrs).Attr(function)
	if err != nil {
		return nil, err
	}
	return starlark.Call(&starlark.Thread{}, decode, starlark.Tuple{starlark.String(text)}, nil)
}

// Text that is meant to hurt ends in a failure, in bounded time and memory.
func TestDecodersBoundHostileText(t *testing.T) {
	long := strings.Repeat("a", maxDecodeBytes+1)
	deepMap := strings.Builder{}
	for i := range 1500 {
		deepMap.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	texts := map[string]string{
		"long":         long,
		"deep list":    strings.Repeat("[", 1<<20),
		"deep dict":    strings.Repeat(`{"a":`, 1<<20),
		"deep mapping": deepMap.String(),
		"dashes":       strings.Repeat("- ", 1<<16),
		"keys":         strings.Repeat("? ", 1<<16),
		"digits":       "[" + strings.Repeat("1", 1<<20) + "]",
		"anchors":      "a: &a [" + strings.Repeat("1, ", 1000) + "]\nb: [" + strings.Repeat("*a, ", 2000) + "]",
		"merges":       "a: &a [" + strings.Repeat("{x: 1}, ", 1000) + "]\nb: {" + strings.Repeat("<<: *a, ", 2000) + "}",
		"unclosed":     `"` + strings.Repeat(`\`, 1<<20),
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			_, err := decodeWith(newYAML(), "decode", text)
			wantFailure(t, err, yamlDecodeError)
			_, err = decodeWith(newJSON(), "decode", text)
			wantFailure(t, err, jsonDecodeError)
		})
	}
}

// FuzzYAML: whatever decodes, encodes to text that decodes to the same value.
func FuzzYAML(f *testing.F) {
	for _, text := range []string{"a: 1", "[yes, no, 0x1F, 1e3, .inf, .nan]", "x: &a {k: [1]}\ny: {<<: *a}", "!!binary aGk=", "|\n  a\n  b\n", "? 1\n: 2", "---\na\n---\nb", "'it''s'", "\"\\u00e9\\x01\"", "- - - a", "01: 1_000", "2026-01-01", "<<: 1", "!!float 1", "!!int x", "!!null a", "!!merge a: b", "\"<<\": {a: 1}", "\t", "%YAML 1.1\n---\n", "&a a: *a", "\ufeffa", "a\u2028b", "\"\\N\""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decodeWith(newYAML(), "decode", text)
		if err != nil {
			wantFailure(t, err, yamlDecodeError)
			return
		}
		encoded, err := encodeYAML(struct{}{}, invocation{&starlark.Thread{}, "yaml.encode", starlark.Tuple{v}, nil})
		if err != nil && strings.Contains(err.Error(), "not UTF-8") {
			return
		}
		require.NoError(t, err)
		again, err := decodeWith(newYAML(), "decode", string(encoded.(starlark.String)))
		require.NoError(t, err, "%s", encoded)
		assert.Equal(t, v.String(), again.String())
	})
}

// FuzzJSON: whatever decodes, encodes to text that decodes to the same value.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{`{"a": [1, 2.5, null, true, "é\u0000\ud800"]}`, `-0`, `1e400`, `01`, `{"a":1,"a":2}`, `"\x"`, "\"\xff\"", `[1,]`, ``} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decodeWith(newJSON(), "decode", text)
		if err != nil {
			wantFailure(t, err, jsonDecodeError)
			return
		}
		encoded, err := encodeJSON(invocation{&starlark.Thread{}, "json.encode", starlark.Tuple{v}, nil}, "encode")
		require.NoError(t, err)
		again, err := decodeWith(newJSON(), "decode", string(encoded.(starlark.String)))
		require.NoError(t, err)
		same, err := starlark.Equal(v, again)
		require.NoError(t, err)
		assert.True(t, same, "%s became %s", v, again)
	})
}
