package charmtest

import (
	"encoding/xml"
	"fmt"

	"github.com/starcharm/starcharm/host"
)

// This file writes reports as JUnit's XML, of which there are as many kinds as
// readers. What is here is what Jenkins' schema (junit-10.xsd of its xUnit
// plugin, which refuses all else) allows and GitLab reads: one suite a file, the
// counts as attributes, a failure's message as an attribute and its text inside,
// and a class and a name that no two cases share. The schema has no file for a
// case, so the class is the file.

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	File     string      `xml:"file,attr,omitempty"`
	Cases    []junitCase `xml:"testcase"`

	seconds float64
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Skipped *junitText `xml:"skipped"`
	Error   *junitText `xml:"error"`
	Failure *junitText `xml:"failure"`
	Output  string     `xml:"system-out,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr,omitempty"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report in the XML that CI systems read.
func (r *Report) JUnit() ([]byte, error) {
	all := junitSuites{Tests: len(r.Tests), Failures: r.Failed, Time: seconds(r.Seconds)}
	at := map[string]int{}
	for _, result := range r.Tests {
		i, ok := at[result.File]
		if !ok {
			i = len(all.Suites)
			at[result.File] = i
			all.Suites = append(all.Suites, junitSuite{Name: host.Printable(result.File), File: host.Printable(result.File)})
		}
		suite := &all.Suites[i]
		c := junitCase{
			Class: host.Printable(result.File), Name: host.Printable(result.Name), Time: seconds(result.Duration), Output: host.Printable(result.Output),
		}
		switch result.Status {
		case Failed:
			suite.Failures++
			c.Failure = junitDiagnostics(result.AllDiagnostics(), "failure")
		case Skipped:
			suite.Skipped++
			c.Skipped = &junitText{Message: host.Printable(result.Reason)}
		}
		suite.Tests++
		suite.seconds += result.Duration
		suite.Time = seconds(suite.seconds)
		suite.Cases = append(suite.Cases, c)
	}
	return all.xml()
}

// JUnitUnloadable is the report on a charm or tests that cannot be loaded: one
// case, which has an error.
func JUnitUnloadable(found []host.Diagnostic) ([]byte, error) {
	c := junitCase{Class: "starcharm", Name: "load", Time: seconds(0), Error: junitDiagnostics(found, "error")}
	suite := junitSuite{Name: "starcharm", Tests: 1, Errors: 1, Time: seconds(0), Cases: []junitCase{c}}
	return (&junitSuites{Tests: 1, Errors: 1, Time: seconds(0), Suites: []junitSuite{suite}}).xml()
}

// junitDiagnostics says what was wrong; the message is that of the innermost
// thing.
func junitDiagnostics(found []host.Diagnostic, kind string) *junitText {
	text := &junitText{Type: kind}
	for _, d := range found {
		text.Message = host.Printable(d.Message)
		text.Text += d.Render(false)
	}
	return text
}

// seconds is a duration as all readers take it, without an exponent.
func seconds(s float64) string { return fmt.Sprintf("%.6f", s) }

func (all *junitSuites) xml() ([]byte, error) {
	out, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot write the report: %w", err)
	}
	return append([]byte(xml.Header), append(out, '\n')...), nil
}
