package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmtest"
)

func testCommand() *cobra.Command {
	var (
		dir, run, junit       string
		list, asJSON, verbose bool
		o                     charmtest.Options
	)
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the tests of a charm",
		Long: `Run the tests of a charm: the functions test_… of the files tests/**/*_test.star
and src/**/*_test.star. Each runs on its own, against a simulated Juju, Pebble
and machine; nothing outside is touched.

The exit code is 0 when all passed, 1 when one failed or the charm or a test
cannot be loaded, 2 when the command makes no sense.`,
		Example: `  starcharm test
  starcharm test --charm examples/k8s-2-configurable -run 'port/'
  starcharm test --fail-fast --junit report.xml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if run != "" {
				var err error
				if o.Run, err = regexp.Compile(run); err != nil {
					return fmt.Errorf("--run: %w", err)
				}
			}
			if o.Shuffle && !cmd.Flags().Changed("seed") {
				o.Seed = rand.Uint64N(1 << 32)
			}
			if o.Jobs < 1 {
				return fmt.Errorf("--jobs %d: want at least 1", o.Jobs)
			}
			if o.Explore < 0 {
				return fmt.Errorf("--explore %d: want how many orders to try", o.Explore)
			}
			start := time.Now()
			suite, err := charmtest.Load(cmd.Context(), dir, o)
			var wrong *charmtest.LoadError
			if errors.As(err, &wrong) {
				return showUnloadable(cmd, wrong.Diagnostics, asJSON)
			}
			if err != nil {
				return err
			}
			if list {
				for _, name := range suite.Names() {
					fmt.Fprintln(cmd.OutOrStdout(), host.Printable(name))
				}
				return nil
			}
			color := isTerminal(os.Stdout)
			report := &charmtest.Report{Seed: o.Seed, Tests: []*charmtest.Result{}}
			report.NotRun = suite.Run(cmd.Context(), func(r *charmtest.Result) {
				report.Add(r)
				if !asJSON {
					fmt.Fprint(cmd.OutOrStdout(), r.Render(color, verbose))
				}
				if os.Getenv("GITHUB_ACTIONS") == "true" && !asJSON {
					fmt.Fprint(cmd.OutOrStdout(), r.GitHub())
				}
			})
			report.Seconds = time.Since(start).Seconds()
			return showReport(cmd, report, o.Shuffle, asJSON, junit, color)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "charm", ".", "the charm's directory")
	f.StringVarP(&run, "run", "r", "", "run only the tests whose name, FILE:TEST, a part of which fits this regular expression (-run works too)")
	f.BoolVar(&list, "list", false, "show the names of the tests and run none")
	f.BoolVar(&o.Shuffle, "shuffle", false, "run the tests in an order of chance")
	f.Uint64Var(&o.Seed, "seed", 0, "the seed of that order and of t.seed")
	f.BoolVar(&o.FailFast, "fail-fast", false, "stop after the first test that fails")
	f.IntVar(&o.Explore, "explore", 0, "try so many orders of events of each test that simulates a model, and shorten the one that fails")
	f.IntVarP(&o.Jobs, "jobs", "j", runtime.GOMAXPROCS(0), "how many tests run at the same time")
	f.DurationVar(&o.Timeout, "timeout", 10*time.Second, "how long a test may take")
	f.Uint64Var(&o.MaxSteps, "max-steps", 100_000_000, "how many steps of the interpreter a test may take, and each run of the charm in it")
	f.BoolVarP(&verbose, "verbose", "v", false, "show the tests that passed too, and what they print")
	f.BoolVar(&asJSON, "json", false, "show the report as JSON")
	f.StringVar(&junit, "junit", "", "write the report as JUnit's XML to this file")
	return cmd
}

// showUnloadable shows what is wrong with a charm or tests that cannot be
// loaded.
func showUnloadable(cmd *cobra.Command, found []host.Diagnostic, asJSON bool) error {
	if asJSON {
		if err := writeJSON(cmd, struct {
			Diagnostics []host.Diagnostic `json:"diagnostics"`
		}{found}); err != nil {
			return err
		}
		return exitCode(1)
	}
	for _, d := range found {
		fmt.Fprint(cmd.ErrOrStderr(), d.Render(isTerminal(os.Stderr)))
		if os.Getenv("GITHUB_ACTIONS") == "true" {
			fmt.Fprintln(cmd.OutOrStdout(), d.GitHub())
		}
	}
	return exitCode(1)
}

func showReport(cmd *cobra.Command, report *charmtest.Report, shuffled, asJSON bool, junit string, color bool) error {
	if junit != "" {
		text, err := report.JUnit()
		if err != nil {
			return err
		}
		if err := os.WriteFile(junit, text, 0o666); err != nil {
			return fmt.Errorf("cannot write the report: %w", err)
		}
	}
	if asJSON {
		if err := writeJSON(cmd, report); err != nil {
			return err
		}
	} else {
		if shuffled {
			fmt.Fprintf(cmd.OutOrStdout(), "seed %d\n", report.Seed)
		}
		fmt.Fprint(cmd.OutOrStdout(), report.Render(color))
	}
	if err := cmd.Context().Err(); err != nil || report.Failed > 0 {
		return exitCode(1)
	}
	return nil
}

func writeJSON(cmd *cobra.Command, v any) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	_, err := cmd.OutOrStdout().Write(host.PrintableJSON(out.Bytes()))
	return err
}

// withLongRun is the command line with -run, as Go's tests have it, for --run.
func withLongRun(args []string) []string {
	if len(args) == 0 || args[0] != "test" {
		return args
	}
	changed := []string{"test"}
	for _, arg := range args[1:] {
		if arg == "-run" || strings.HasPrefix(arg, "-run=") {
			arg = "-" + arg
		}
		changed = append(changed, arg)
	}
	return changed
}
