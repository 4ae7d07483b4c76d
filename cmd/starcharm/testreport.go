package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmtest"
)

// A testReporter shows what comes of tests, as it comes.
type testReporter struct {
	cmd *cobra.Command
	dir string
	// asJSON writes one event a line instead of text.
	asJSON, verbose, shuffled bool
	// Files for other programs; "": none.
	junit, coverHTML, coverLCOV string

	color, github bool
}

// The lines of starcharm test --json.
type (
	startEvent struct {
		Event string `json:"event"` // "start"
		Tests int    `json:"tests"`
		Seed  uint64 `json:"seed"`
	}
	testEvent struct {
		Event string `json:"event"` // "test"
		*charmtest.Result
	}
	coverageEvent struct {
		Event string `json:"event"` // "coverage"
		*charmtest.Coverage
	}
	endEvent struct {
		Event string `json:"event"` // "end"
		*charmtest.Report
	}
	// errorEvent says why nothing could be run.
	errorEvent struct {
		Event       string            `json:"event"` // "error"
		Diagnostics []host.Diagnostic `json:"diagnostics"`
	}
)

// event writes a line of JSON.
func (r *testReporter) event(e any) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return r.write(host.PrintableJSON(out.Bytes()))
}

func (r *testReporter) write(text []byte) error {
	if _, err := r.cmd.OutOrStdout().Write(text); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return nil
}

// started tells how many tests are to run.
func (r *testReporter) started(count int, seed uint64) error {
	if !r.asJSON {
		return nil
	}
	return r.event(startEvent{"start", count, seed})
}

// ended tells what came of a test.
func (r *testReporter) ended(result *charmtest.Result) error {
	if r.asJSON {
		return r.event(testEvent{"test", result})
	}
	text := result.Render(r.color, r.verbose)
	if r.github {
		for _, d := range result.AllDiagnostics() {
			text += r.annotation(d)
		}
	}
	return r.write([]byte(text))
}

// annotation is a workflow command of GitHub's for a line of the charm.
func (r *testReporter) annotation(d host.Diagnostic) string {
	if d.File != "" {
		d.File = filepath.Join(r.dir, filepath.FromSlash(d.File))
	}
	return d.GitHub() + "\n"
}

// unloadable tells what is wrong with a charm or tests that cannot be loaded.
func (r *testReporter) unloadable(found []host.Diagnostic) error {
	if r.junit != "" {
		text, err := charmtest.JUnitUnloadable(found)
		if err != nil {
			return err
		}
		if err := writeReport(r.junit, text); err != nil {
			return err
		}
	}
	if r.asJSON {
		return r.event(errorEvent{"error", found})
	}
	for _, d := range found {
		fmt.Fprint(r.cmd.ErrOrStderr(), d.Render(isTerminal(os.Stderr)))
		if r.github {
			if err := r.write([]byte(r.annotation(d))); err != nil {
				return err
			}
		}
	}
	return nil
}

// finished tells what came of all; coverage may be nil.
func (r *testReporter) finished(report *charmtest.Report, coverage *charmtest.Coverage) error {
	if r.junit != "" {
		text, err := report.JUnit()
		if err != nil {
			return err
		}
		if err := writeReport(r.junit, text); err != nil {
			return err
		}
	}
	if r.coverHTML != "" {
		text, err := coverage.HTML()
		if err != nil {
			return err
		}
		if err := writeReport(r.coverHTML, text); err != nil {
			return err
		}
	}
	if r.coverLCOV != "" {
		if err := writeReport(r.coverLCOV, []byte(coverage.LCOV(r.dir))); err != nil {
			return err
		}
	}
	if r.asJSON {
		if coverage != nil {
			if err := r.event(coverageEvent{"coverage", coverage}); err != nil {
				return err
			}
		}
		return r.event(endEvent{"end", report})
	}
	text := ""
	if r.shuffled {
		text += fmt.Sprintf("seed %d\n", report.Seed)
	}
	text += report.Render(r.color)
	if coverage != nil {
		text += "\n" + coverage.Render(r.color)
	}
	return r.write([]byte(text))
}

func writeReport(file string, text []byte) error {
	if err := os.WriteFile(file, text, 0o666); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return nil
}

// errOfTests is the exit code of starcharm test for what came of the tests.
func errOfTests(cmd *cobra.Command, report *charmtest.Report) error {
	if cmd.Context().Err() != nil || report.Failed > 0 {
		return exitCode(1)
	}
	return nil
}

// loadDiagnostics are those of a charm or tests that cannot be loaded.
func loadDiagnostics(err error) ([]host.Diagnostic, bool) {
	var wrong *charmtest.LoadError
	if !errors.As(err, &wrong) {
		return nil, false
	}
	return wrong.Diagnostics, true
}
