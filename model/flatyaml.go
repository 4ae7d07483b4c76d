package model

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// maxSimpleKey is the longest key, in bytes as written, that YAML takes
// without a question mark in front.
const maxSimpleKey = 1000

// flatYAML writes a map as relation-set and state-set read it from standard
// input: JSON, but with every character that YAML allows as it is, because
// Juju's YAML refuses the pairs of escapes that JSON has for those beyond
// U+FFFF, and with escapes for those that YAML forbids and JSON allows.
func flatYAML(values map[string]string) []byte {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			out.WriteString(", ")
		}
		quoted := quoteYAML(key)
		if len(quoted) > maxSimpleKey {
			out.WriteString("? ")
		}
		out.WriteString(quoted)
		out.WriteString(": ")
		out.WriteString(quoteYAML(values[key]))
	}
	out.WriteString("}\n")
	return out.Bytes()
}

func quoteYAML(text string) string {
	var out bytes.Buffer
	out.Grow(len(text) + 2)
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
