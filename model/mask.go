package model

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// masked is what stands for a secret's value where it must not be seen.
const masked = "<secret>"

// minMasked is the length in bytes from which values are masked: shorter ones
// would be found all over.
const minMasked = 4

// minMaskedLine is the same for the lines of a value that has several.
const minMaskedLine = 8

// minMaskedStart is the same for the beginning of a value whose rest was cut off.
const minMaskedStart = 16

// Mask returns text with every value of a secret that was read or written in
// this hook replaced, also where it is quoted as in JSON, in base64, or in a
// URL, and where a message shows its beginning only. Of a value of several
// lines, which may be indented elsewhere, each line of 8 bytes or more is
// replaced too, but for the -----BEGIN … of keys. Values shorter than 4 bytes
// are left alone.
func (m *Model) Mask(text string) string {
	if len(m.secretValues) == 0 {
		return text
	}
	if m.masker == nil {
		m.masker = newMasker(m.secretValues)
	}
	return m.masker.Replace(text)
}

// A masker replaces the forms in which values of secrets can be written.
type masker struct {
	whole  *strings.Replacer
	starts []string // the forms that are long enough to be cut off, the longest first
}

func (m *masker) Replace(text string) string {
	text = m.whole.Replace(text)
	for _, form := range m.starts {
		text = maskStart(text, form)
	}
	return text
}

// maskStart masks the beginning of a form where the rest of it was cut off: in
// front of an ellipsis, and at the end of a quotation, a line or the text.
func maskStart(text, form string) string {
	start := form[:minMaskedStart]
	if !strings.Contains(text, start) {
		return text
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, start)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		tail := form[minMaskedStart:]
		n := 0
		for n < len(rest) && n < len(tail) && rest[n] == tail[n] {
			n++
		}
		// A character may have been cut in two, or a quote be part of the form.
		switch text = rest[n:]; {
		case text == "", strings.HasPrefix(text, "…"), strings.HasPrefix(text, "..."), strings.HasPrefix(text, "\uFFFD"), text[0] == '"', text[0] == '\n', text[0] == '\\':
			out.WriteString(masked)
		default:
			out.WriteString(start)
			out.WriteString(rest[:n])
		}
	}
}

func newMasker(values map[string]bool) *masker {
	forms := make(map[string]bool)
	for value := range values {
		quoted, _ := json.Marshal(value) // a string always can be
		literal := strconv.Quote(value)
		escaped := string(quoted[1 : len(quoted)-1])
		for _, form := range []string{
			value,
			strings.TrimSpace(value),
			escaped,
			strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(escaped), // of encoders that leave these alone
			literal[1 : len(literal)-1],
			base64.StdEncoding.EncodeToString([]byte(value)),
			base64.URLEncoding.EncodeToString([]byte(value)),
			base64.RawStdEncoding.EncodeToString([]byte(value)),
			base64.RawURLEncoding.EncodeToString([]byte(value)),
			url.QueryEscape(value),
			url.PathEscape(value),
		} {
			if len(form) >= minMasked {
				forms[form] = true
			}
		}
		if !strings.Contains(value, "\n") {
			continue
		}
		for line := range strings.Lines(value) {
			line = strings.TrimSpace(line)
			if len(line) >= minMaskedLine && !strings.HasPrefix(line, "-----") {
				forms[line] = true
			}
		}
	}
	var pairs, starts []string
	// Of two that begin at the same place the earlier pair wins.
	longest := slices.SortedFunc(maps.Keys(forms), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	for _, form := range longest {
		pairs = append(pairs, form, masked)
		if len(form) > minMaskedStart && !strings.HasPrefix(form, "-----") {
			starts = append(starts, form)
		}
	}
	return &masker{strings.NewReplacer(pairs...), starts}
}

// MaskValues returns what replaces values in a text as [Model.Mask] does.
func MaskValues(values []string) func(text string) string {
	known := make(map[string]bool, len(values))
	for _, value := range values {
		if len(value) >= minMasked {
			known[value] = true
		}
	}
	return newMasker(known).Replace
}

// Hide has a value masked from now on that was not read from a secret, but is
// one: a new password.
func (m *Model) Hide(value string) { m.hide(map[string]string{"": value}) }

// hide has the values masked from now on.
func (m *Model) hide(content map[string]string) {
	for _, value := range content {
		if len(value) >= minMasked && !m.secretValues[value] {
			m.secretValues[value] = true
			m.masker = nil
		}
	}
}
