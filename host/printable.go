package host

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is text as it may be shown to a person: without what could steer a
// terminal or change the order in which it is read. It may quote a databag or
// what a workload wrote. Line breaks and tabs stay; each other control
// character, each control of the direction of text, each line separator and
// each byte that is not UTF-8 becomes U+FFFD.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if steers(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, text)
}

// PrintableJSON is JSON in which what [Printable] replaces is written as \uXXXX.
func PrintableJSON(text []byte) []byte {
	if bytes.IndexFunc(text, func(r rune) bool { return steers(r) && r != '\n' }) < 0 {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		if steers(r) && r != '\n' && r != '\t' {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

// steers says whether a terminal would obey the character instead of showing it.
func steers(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}
