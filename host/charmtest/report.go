package charmtest

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/starcharm/starcharm/host"
)

// A Report is what came of all tests.
type Report struct {
	Tests   []*Result `json:"tests"`
	Passed  int       `json:"passed"`
	Failed  int       `json:"failed"`
	Skipped int       `json:"skipped"`
	// NotRun counts those that were left out after a failure.
	NotRun  int     `json:"not_run"`
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
}

// Add adds a test's result.
func (r *Report) Add(result *Result) {
	r.Tests = append(r.Tests, result)
	switch result.Status {
	case Passed:
		r.Passed++
	case Failed:
		r.Failed++
	case Skipped:
		r.Skipped++
	}
}

const (
	colorDim   = "\x1b[2m"
	colorBold  = "\x1b[1m"
	colorRed   = "\x1b[31m"
	colorGreen = "\x1b[32m"
	colorAmber = "\x1b[33m"
	colorOff   = "\x1b[0m"
)

func painter(color bool) func(code, text string) string {
	return func(code, text string) string {
		if !color {
			return text
		}
		return code + text + colorOff
	}
}

// Render writes the result for a person: nothing for a test that passed,
// unless verbose.
func (r *Result) Render(color, verbose bool) string {
	paint := painter(color)
	var b strings.Builder
	r.render(&b, paint, color, verbose, "")
	return b.String()
}

func (r *Result) render(b *strings.Builder, paint func(string, string) string, color, verbose bool, file string) {
	if file == "" {
		file = r.File
	}
	name := paint(colorBold, host.Printable(file+":"+r.Name))
	switch r.Status {
	case Failed:
		fmt.Fprintf(b, "%s %s\n", paint(colorRed, "FAIL"), name)
	case Skipped:
		fmt.Fprintf(b, "%s %s: %s\n", paint(colorAmber, "skip"), name, host.Printable(r.Reason))
	case Passed:
		if !verbose {
			return
		}
		fmt.Fprintf(b, "%s %s\n", paint(colorGreen, "pass"), name)
	}
	for _, d := range r.Diagnostics {
		b.WriteString(d.Render(color))
	}
	for _, note := range r.Notes {
		if verbose || r.Status == Failed {
			b.WriteString(paint(colorDim, "note: ") + host.Printable(note) + "\n")
		}
	}
	if r.Output != "" && (verbose || r.Status == Failed) {
		for line := range strings.Lines(r.Output) {
			b.WriteString(paint(colorDim, "print: ") + host.Printable(strings.TrimRight(line, "\n")) + "\n")
		}
	}
	if r.Exploration != nil {
		r.Exploration.render(b)
	}
	if r.Status == Failed {
		b.WriteString("\n")
	}
	for _, sub := range r.Sub {
		sub.render(b, paint, color, verbose, file)
	}
}

// Render writes the last line for a person.
func (r *Report) Render(color bool) string {
	paint := painter(color)
	var parts []string
	if r.Failed > 0 {
		parts = append(parts, paint(colorRed, fmt.Sprintf("%d failed", r.Failed)))
	}
	parts = append(parts, paint(colorGreen, fmt.Sprintf("%d passed", r.Passed)))
	if r.Skipped > 0 {
		parts = append(parts, paint(colorAmber, fmt.Sprintf("%d skipped", r.Skipped)))
	}
	if r.NotRun > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", r.NotRun))
	}
	return strings.Join(parts, ", ") + "\n"
}

// JUnit writes the report in the XML that CI systems read.
func (r *Report) JUnit() ([]byte, error) {
	type text struct {
		Message string `xml:"message,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	type testCase struct {
		Class   string  `xml:"classname,attr"`
		Name    string  `xml:"name,attr"`
		File    string  `xml:"file,attr"`
		Line    int     `xml:"line,attr"`
		Time    float64 `xml:"time,attr"`
		Failure *text   `xml:"failure"`
		Skipped *text   `xml:"skipped"`
		Output  string  `xml:"system-out,omitempty"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Time     float64    `xml:"time,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	all := suite{Name: "starcharm", Tests: len(r.Tests), Failures: r.Failed, Skipped: r.Skipped, Time: r.Seconds}
	for _, result := range r.Tests {
		c := testCase{Class: result.File, Name: result.Name, File: result.File, Line: result.Line, Time: result.Duration, Output: host.Printable(result.Output)}
		switch result.Status {
		case Failed:
			found := result.allDiagnostics()
			c.Failure = &text{}
			for i, d := range found {
				if i == len(found)-1 {
					c.Failure.Message = host.Printable(d.Message)
				}
				c.Failure.Text += d.Render(false)
			}
		case Skipped:
			c.Skipped = &text{Message: host.Printable(result.Reason)}
		}
		all.Cases = append(all.Cases, c)
	}
	out, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot write the report: %w", err)
	}
	return append([]byte(xml.Header), append(out, '\n')...), nil
}

// allDiagnostics are those of the test and of the tests in it.
func (r *Result) allDiagnostics() []host.Diagnostic {
	found := r.Diagnostics
	for _, sub := range r.Sub {
		found = append(found, sub.allDiagnostics()...)
	}
	return found
}

// GitHub writes the failures as workflow commands, which annotate the lines.
func (r *Result) GitHub() string {
	var b strings.Builder
	for _, d := range r.allDiagnostics() {
		b.WriteString(d.GitHub() + "\n")
	}
	return b.String()
}
