package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmtest"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/pebble/daemon"
)

func testCommand() *cobra.Command {
	var (
		dir, run, pebbles string
		list, watch       bool
		o                 charmtest.Options
		r                 testReporter
	)
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the tests of a charm",
		Long: `Run the tests of a charm: the functions test_… of the files tests/**/*_test.star
and src/**/*_test.star. Each runs on its own, against a simulated Juju, Pebble
and machine; nothing outside is touched.

With --pebble=real the containers that can be reached have a genuine Pebble, the
program pebble on PATH, and their services really run: each container has a root
directory and network of its own, and the programs of this machine to read.

The exit code is 0 when all passed, 1 when one failed, 2 when the charm or a
test cannot be loaded or the command makes no sense.`,
		Example: `  starcharm test
  starcharm test --charm examples/k8s-2-configurable -run 'port/'
  starcharm test --cover --watch
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
			env := environment()
			o.DebugAt = model.ParseDebugAt(env)
			if !r.asJSON {
				o.Debugger = debugger(env)
			}
			if o.Debugger != nil { // there is one terminal, and a person takes her time
				o.Jobs, o.Timeout = 1, time.Hour
			}
			if o.Jobs < 1 {
				return fmt.Errorf("--jobs %d: want at least 1", o.Jobs)
			}
			switch pebbles {
			case "simulated":
			case "real":
				var err error
				if o.Pebble, err = daemon.Find(); err != nil {
					return fmt.Errorf("--pebble=real: %w", err)
				}
			default:
				return fmt.Errorf("--pebble=%s: want real or simulated", pebbles)
			}
			if o.Explore < 0 {
				return fmt.Errorf("--explore %d: want how many orders to try", o.Explore)
			}
			if os.Getenv("GOGC") == "" {
				// The worlds of tests are many, small and soon gone: to collect them
				// less often takes a third off the time, and some tens of megabytes.
				debug.SetGCPercent(400)
			}
			o.Cover = o.Cover || r.coverHTML != "" || r.coverLCOV != ""
			r.cmd, r.dir, r.shuffled = cmd, dir, o.Shuffle
			r.color, r.github = isTerminal(os.Stdout), os.Getenv("GITHUB_ACTIONS") == "true"
			if watch {
				for _, name := range []string{"list", "json", "junit", "cover-html", "cover-lcov", "update"} {
					if cmd.Flags().Changed(name) {
						return fmt.Errorf("--watch does not go with --%s", name)
					}
				}
				return watchTests(cmd, dir, o, &r)
			}
			start := time.Now()
			suite, err := charmtest.Load(cmd.Context(), dir, o)
			if found, ok := loadDiagnostics(err); ok {
				if err := r.unloadable(found); err != nil {
					return err
				}
				return exitCode(2)
			}
			if err != nil {
				return err
			}
			if run != "" && len(suite.Names()) == 0 {
				return fmt.Errorf("--run %s: no test has such a name; starcharm test --list shows all", run)
			}
			if list {
				for _, name := range suite.Names() {
					fmt.Fprintln(cmd.OutOrStdout(), host.Printable(name))
				}
				return nil
			}
			report, err := runTests(cmd, suite, o, &r, start)
			if err != nil {
				return err
			}
			return errOfTests(cmd, report)
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
	f.StringVar(&pebbles, "pebble", "simulated", "real: a genuine Pebble for each container")
	f.DurationVar(&o.Timeout, "timeout", time.Minute, "how long a test may take")
	f.Uint64Var(&o.MaxSteps, "max-steps", 100_000_000, "how many steps of the interpreter a test may take, and each run of the charm in it")
	f.BoolVarP(&r.verbose, "verbose", "v", false, "show the tests that passed too, and what they print")
	f.BoolVar(&watch, "watch", false, "run the tests that a change touches, again and again until Ctrl-C")
	f.BoolVar(&o.Update, "update", false, "write the snapshots anew, and remove those that no test takes")
	f.BoolVar(&o.Cover, "cover", false, "show which statements ran, and which handlers, options, relations, actions and statuses no test came upon")
	f.StringVar(&r.coverHTML, "cover-html", "", "write that as a page with the sources to this file")
	f.StringVar(&r.coverLCOV, "cover-lcov", "", "write which statements ran in lcov's format to this file")
	f.BoolVar(&r.asJSON, "json", false, "show one event a line, in JSON")
	f.StringVar(&r.junit, "junit", "", "write the report as JUnit's XML to this file")
	return cmd
}

// runTests runs tests and shows what comes of them.
func runTests(cmd *cobra.Command, suite *charmtest.Suite, o charmtest.Options, r *testReporter, start time.Time) (*charmtest.Report, error) {
	failed := r.started(len(suite.Names()), o.Seed)
	report := &charmtest.Report{Seed: o.Seed, Updated: o.Update, Tests: []*charmtest.Result{}}
	report.NotRun = suite.Run(cmd.Context(), func(result *charmtest.Result) {
		report.Add(result)
		if failed == nil {
			failed = r.ended(result)
		}
	})
	report.Seconds = time.Since(start).Seconds()
	if failed != nil {
		return nil, failed
	}
	var err error
	if report.StaleSnapshots, err = suite.StaleSnapshots(); err != nil {
		return nil, err
	}
	return report, r.finished(report, suite.Coverage())
}

// withLongRun is the command line with -run, as Go's tests have it, for --run.
func withLongRun(args []string) []string {
	at := slices.Index(args, "test")
	completing := at == 1 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
	if at != 0 && !completing {
		return args
	}
	changed := slices.Clone(args)
	for i, arg := range changed[at+1:] {
		if arg == "-run" || strings.HasPrefix(arg, "-run=") {
			changed[at+1+i] = "-" + arg
		}
	}
	return changed
}
