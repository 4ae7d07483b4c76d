// Command starcharm runs Juju charms that are written in Starlark, and helps
// to write them.
//
// Started without arguments as a charm's dispatch, or as a link in its hooks
// directory, or by Juju with nothing else said, it is the charm: it runs the hook
// or action that the environment tells of. Otherwise it is a command line; see starcharm help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
)

func main() {
	os.Exit(run())
}

// run is main with an exit code.
func run() int {
	ctx, stop := signalContext()
	code := execute(ctx)
	stop(code)
	return code
}

// execute is the charm's hook or the command line.
func execute(ctx context.Context) int {
	if isDispatch(os.Args, os.Getenv("JUJU_DISPATCH_PATH")) {
		return dispatch(ctx)
	}
	root := &cobra.Command{
		Use:           "starcharm",
		Short:         "Write and run Juju charms in Starlark",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(checkCommand(), dispatchCommand(), docCommand(), enterCommand(), fmtCommand(), initCommand(), packCommand(), planCommand(), replCommand(),
		runCommand(), snapshotCommand(), stubsCommand(), testCommand(), versionCommand())
	addCompletions(root)
	root.SetArgs(withLongRun(os.Args[1:]))
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "starcharm: %s\n", host.Printable(err.Error()))
	return 2
}

// An exitCode ends the program; what there is to say has been said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// isDispatch says whether the program was started to be a charm's hook: as
// dispatch, as hooks/NAME or actions/NAME, or by Juju without a subcommand.
func isDispatch(args []string, dispatchPath string) bool {
	if len(args) == 0 {
		return dispatchPath != ""
	}
	name := filepath.Base(args[0])
	if len(args) > 1 {
		return false
	}
	if name == "dispatch" {
		return true
	}
	folder := filepath.Base(filepath.Dir(args[0]))
	linked := folder == "hooks" || folder == "actions"
	return dispatchPath != "" || linked && !strings.HasPrefix(name, "starcharm")
}

// signalContext ends when the process is told to stop. A hook that was stopped
// by SIGTERM dies of it, so that Juju runs it again instead of counting it as
// failed. One that had come to its end before (code 0) has succeeded: its state
// is saved, and it must not run again.
func signalContext() (ctx context.Context, stop func(code int)) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if s, ok := <-signals; ok {
			cancel(&stopped{s.(syscall.Signal)})
		}
	}()
	return ctx, func(code int) {
		signal.Stop(signals)
		close(signals)
		var s *stopped
		if code != 0 && errors.As(context.Cause(ctx), &s) {
			signal.Reset(s.signal)
			syscall.Kill(os.Getpid(), s.signal)
			time.Sleep(time.Second) // it arrives, unless who started us has it ignored
		}
	}
}

// stopped is the cause of a context that a signal ended.
type stopped struct{ signal syscall.Signal }

func (s *stopped) Error() string { return "stopped by " + s.signal.String() }
func (s *stopped) Unwrap() error { return context.Canceled }
