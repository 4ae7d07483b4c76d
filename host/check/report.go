package check

import (
	"fmt"
	"strings"

	"github.com/starcharm/starcharm/host"
)

// A Report is what a check found.
type Report struct {
	// Findings are in the order of files and lines.
	Findings []Finding `json:"findings"`
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	// Files is how many scripts were read.
	Files int `json:"files"`
	// Cut: there may be more, of which nothing is told.
	Cut bool `json:"cut,omitempty"`
}

// Render writes the report for a terminal.
func (r *Report) Render(color bool) string {
	var out strings.Builder
	for _, f := range r.Findings {
		d := f.Diagnostic
		d.Message += " [" + f.Rule + "]"
		out.WriteString(d.Render(color))
	}
	scripts := plural(r.Files, "script")
	if len(r.Findings) == 0 {
		return fmt.Sprintf("nothing found in %s\n", scripts)
	}
	if r.Cut {
		out.WriteString("there may be more, which is not shown\n")
	}
	fmt.Fprintf(&out, "%s and %s in %s\n", plural(r.Errors, "error"), plural(r.Warnings, "warning"), scripts)
	return out.String()
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// GitHub writes a finding as an annotation.
func (f Finding) GitHub() string {
	d := f.Diagnostic
	d.Message += " [" + f.Rule + "]"
	return d.GitHub()
}

// RenderRules lists rules for a terminal.
func RenderRules(rules []Rule) string {
	var out strings.Builder
	for _, r := range rules {
		listing := ""
		if r.Listing {
			listing = " (with --listing)"
		}
		fmt.Fprintf(&out, "%s: %s%s\n    %s\n", r.Name, r.Severity, listing, host.Printable(r.Doc))
	}
	return out.String()
}
