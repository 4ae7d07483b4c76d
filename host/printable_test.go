package host_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"a\tb\nc é 漢 שלום":                  "a\tb\nc é 漢 שלום",
		"\x1b[31m\r\x00\x7f":                "�[31m���",
		"\u0085\u009b":                      "��",
		"\u202e\u2066\u200f\u061c":          "����",
		"\u2028\u2029":                      "��",
		"\x9b31m":                           "�31m",
		"family \U0001F469\u200d\U0001F467": "family \U0001F469\u200d\U0001F467",
	} {
		assert.Equal(t, want, host.Printable(text))
	}
}

func TestPrintableJSON(t *testing.T) {
	was := map[string]string{"\u202ek": "\x1b\u007f\u009b\u2066 é\n\t\u2028"}
	text, err := json.MarshalIndent(was, "", "  ")
	require.NoError(t, err)
	shown := host.PrintableJSON(text)
	assert.Equal(t, string(shown), "{\n  \"\\u202ek\": \"\\u001b\\u007f\\u009b\\u2066 é\\n\\t\\u2028\"\n}")
	var is map[string]string
	require.NoError(t, json.Unmarshal(shown, &is))
	assert.Equal(t, was, is)
}
