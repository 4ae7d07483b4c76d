package charmtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/host"
)

// A Report is what came of all tests.
type Report struct {
	Tests   []*Result `json:"-"`
	Passed  int       `json:"passed"`
	Failed  int       `json:"failed"`
	Skipped int       `json:"skipped"`
	// NotRun counts those that were left out after a failure.
	NotRun  int     `json:"not_run"`
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
	// StaleSnapshots are those that no test takes any more; Updated says that
	// they were removed.
	StaleSnapshots []string `json:"stale_snapshots,omitempty"`
	Updated        bool     `json:"updated,omitempty"`
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

// Render writes the result for a person: nothing for a test that passed,
// unless verbose.
func (r *Result) Render(color, verbose bool) string {
	paint := host.Painter(color)
	var b strings.Builder
	r.render(&b, paint, color, verbose, "")
	return b.String()
}

func (r *Result) render(b *strings.Builder, paint func(host.Color, string) string, color, verbose bool, file string) {
	if file == "" {
		file = r.File
	}
	name := paint(host.Bold, host.Printable(file+":"+r.Name))
	switch r.Status {
	case Failed:
		fmt.Fprintf(b, "%s %s\n", paint(host.Red, "FAIL"), name)
	case Skipped:
		fmt.Fprintf(b, "%s %s: %s\n", paint(host.Amber, "skip"), name, host.Printable(r.Reason))
	case Passed:
		if !verbose {
			return
		}
		fmt.Fprintf(b, "%s %s\n", paint(host.Green, "pass"), name)
	}
	for _, d := range r.Diagnostics {
		b.WriteString(d.Render(color))
	}
	for _, note := range r.Notes {
		if verbose || r.Status == Failed {
			b.WriteString(paint(host.Dim, "note: ") + host.Printable(note) + "\n")
		}
	}
	if r.Output != "" && (verbose || r.Status == Failed) {
		for line := range strings.Lines(r.Output) {
			b.WriteString(paint(host.Dim, "print: ") + host.Printable(strings.TrimRight(line, "\n")) + "\n")
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
	paint := host.Painter(color)
	var parts []string
	if r.Failed > 0 {
		parts = append(parts, paint(host.Red, fmt.Sprintf("%d failed", r.Failed)))
	}
	parts = append(parts, paint(host.Green, fmt.Sprintf("%d passed", r.Passed)))
	if r.Skipped > 0 {
		parts = append(parts, paint(host.Amber, fmt.Sprintf("%d skipped", r.Skipped)))
	}
	if r.NotRun > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", r.NotRun))
	}
	text := strings.Join(parts, ", ") + "\n"
	stale := "stale snapshot"
	if r.Updated {
		stale = "removed the stale snapshot"
	}
	for _, name := range r.StaleSnapshots {
		text += paint(host.Amber, stale) + " " + host.Printable(name) + "\n"
	}
	return text
}

// AllDiagnostics are those of the test and of the tests in it.
func (r *Result) AllDiagnostics() []host.Diagnostic {
	found := slices.Clone(r.Diagnostics)
	for _, sub := range r.Sub {
		found = append(found, sub.AllDiagnostics()...)
	}
	return found
}
