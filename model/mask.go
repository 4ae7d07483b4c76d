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

// Mask returns text with every value of a secret that was read or written in
// this hook replaced, also where it is quoted as in JSON, in base64, or in a
// URL. Of a value of several lines, which may be indented elsewhere, each line
// of 8 bytes or more is replaced too, but for the -----BEGIN … of keys. Values
// shorter than 4 bytes are left alone.
func (m *Model) Mask(text string) string {
	if len(m.secretValues) == 0 {
		return text
	}
	if m.masker == nil {
		m.masker = newMasker(m.secretValues)
	}
	return m.masker.Replace(text)
}

func newMasker(values map[string]bool) *strings.Replacer {
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
	var pairs []string
	// Of two that begin at the same place the earlier pair wins.
	longest := slices.SortedFunc(maps.Keys(forms), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	for _, form := range longest {
		pairs = append(pairs, form, masked)
	}
	return strings.NewReplacer(pairs...)
}

// hide has the values masked from now on.
func (m *Model) hide(content map[string]string) {
	for _, value := range content {
		if len(value) >= minMasked && !m.secretValues[value] {
			m.secretValues[value] = true
			m.masker = nil
		}
	}
}
