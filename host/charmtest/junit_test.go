package charmtest_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmtest"
)

// junitSchema is what Jenkins' schema for JUnit's XML allows of what reports
// use: the attributes of each element, those with ! that it must have, and the
// elements in it.
var junitSchema = map[string]struct{ attributes, children []string }{
	"testsuites": {[]string{"name", "time", "tests", "failures", "errors"}, []string{"testsuite"}},
	"testsuite":  {[]string{"name!", "tests!", "failures!", "errors!", "skipped", "time", "timestamp", "file"}, []string{"testcase"}},
	"testcase":   {[]string{"name!", "time", "classname", "group"}, []string{"skipped", "error", "failure", "system-out"}},
	"skipped":    {[]string{"type", "message"}, nil},
	"error":      {[]string{"type", "message"}, nil},
	"failure":    {[]string{"type", "message"}, nil},
	"system-out": {},
}

var junitTime = regexp.MustCompile(`^[0-9]+\.[0-9]+$`)

// validJUnit checks a report against junitSchema.
func validJUnit(t testing.TB, report []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(report))
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if len(open) == 0 {
				assert.Equal(t, "testsuites", name)
			} else {
				assert.Contains(t, junitSchema[open[len(open)-1]].children, name)
			}
			has := map[string]bool{}
			for _, a := range token.Attr {
				has[a.Name.Local] = true
				if a.Name.Local == "time" {
					assert.Regexp(t, junitTime, a.Value)
				}
			}
			for _, allowed := range junitSchema[name].attributes {
				if required := allowed[len(allowed)-1] == '!'; required {
					allowed = allowed[:len(allowed)-1]
					assert.True(t, has[allowed], "%s has no %s", name, allowed)
				}
				delete(has, allowed)
			}
			assert.Empty(t, has, "attributes of %s", name)
			open = append(open, name)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

func TestJUnit(t *testing.T) {
	report := &charmtest.Report{Seconds: 1e-9}
	wrong := []host.Diagnostic{{File: "src/charm.star", Line: 3, Message: "it <fails>\x00\x1b[1m \xff & \"more\"\n]]>"}}
	for _, r := range []*charmtest.Result{
		{File: "tests/a_test.star", Name: "test_a/<b>", Line: 3, Status: charmtest.Failed, Diagnostics: wrong, Output: "\x01]]>\n", Duration: 1e6},
		{File: "tests/b_test.star", Name: "test_c", Status: charmtest.Skipped, Reason: "\x02"},
		{File: "tests/a_test.star", Name: "test_d", Status: charmtest.Passed, Duration: 1e-9},
		{File: "tests/b_test.star", Name: "test_e", Status: charmtest.Failed, Sub: []*charmtest.Result{{Name: "test_e/x", Status: charmtest.Failed, Diagnostics: wrong}}},
	} {
		report.Add(r)
	}
	text, err := report.JUnit()
	require.NoError(t, err)
	validJUnit(t, text)
	assert.Contains(t, string(text), `<testsuites tests="4" failures="2" errors="0" time="0.000000">`)
	assert.Contains(t, string(text), `<testsuite name="tests/a_test.star" tests="2" failures="1" errors="0" skipped="0" time="1000000.000000" file="tests/a_test.star">`)
	assert.Equal(t, 2, bytes.Count(text, []byte(`<failure message="it &lt;fails&gt;`)))

	text, err = charmtest.JUnitUnloadable(wrong)
	require.NoError(t, err)
	validJUnit(t, text)
	text, err = (&charmtest.Report{}).JUnit()
	require.NoError(t, err)
	validJUnit(t, text)
}
