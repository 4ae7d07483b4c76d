package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/repl"
)

func replCommand() *cobra.Command {
	var (
		dir, stateFile, text string
		write                bool
	)
	cmd := &cobra.Command{
		Use:   "repl",
		Short: "Type Starlark, and see what it does in the model of a charm",
		Long: `Type Starlark, and see what it does in the model of a charm, whose files are
loaded. help() says what there is.

In a charm's directory the model is a simulated one, which moves: set options,
add relations, run hooks, undo, and save the way as a state file or a test.

In a unit's hook context (juju debug-hooks, juju exec) the model is the unit's
own. What is typed only reads it, unless --write is given.

What does not come from a terminal is a script: the first error ends it with
exit code 1.`,
		Example: `  starcharm repl --charm examples/k8s-2-configurable
  starcharm repl --state tests/state.yaml < what-if.star
  juju exec --unit web/0 -- ./dispatch repl -e 'model.relations'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags := cmd.Flags()
			live := os.Getenv("JUJU_CONTEXT_ID") != "" && !flags.Changed("charm") && !flags.Changed("state")
			if write && !live {
				return errors.New("--write is for a unit's hook context; a simulated model can always be changed")
			}
			var place repl.Place = &repl.Live{Env: environment(), Dir: dir, Write: write}
			if !live {
				var err error
				if place, err = simulatedPlace(cmd, dir, stateFile); err != nil {
					return err
				}
			}
			sh := &repl.Shell{Place: place, Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), Color: isTerminal(os.Stdout)}
			// Ctrl-C ends what is evaluated, and not the program.
			signal.Reset(os.Interrupt)
			var err error
			switch {
			case flags.Changed("eval"):
				err = sh.Script(cmd.Context(), "eval", strings.NewReader(text))
			case !repl.IsInteractive():
				err = sh.Script(cmd.Context(), "script", cmd.InOrStdin())
			default:
				editor := repl.NewTerminal(repl.HistoryFile(os.Getenv), sh.Complete)
				err = errors.Join(sh.Interact(cmd.Context(), editor), editor.Close())
			}
			var told *repl.ScriptError
			var source *host.SourceError
			var failed *starlark.EvalError
			switch {
			case errors.As(err, &told):
				return exitCode(1)
			case errors.As(err, &source), errors.As(err, &failed): // a charm that cannot be loaded
				return showDiagnostics(cmd, host.Diagnose(err, host.SourceIn(dir)))
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "charm", ".", "the charm's directory")
	f.StringVar(&stateFile, "state", "", "the world in the beginning, a YAML file (default tests/state.yaml in the charm, else a unit that is alone)")
	f.BoolVar(&write, "write", false, "in a hook context: let the unit's model be changed")
	f.StringVarP(&text, "eval", "e", "", "evaluate this, instead of what is typed or piped")
	return cmd
}

// showDiagnostics shows what is wrong, and ends the program.
func showDiagnostics(cmd *cobra.Command, found []host.Diagnostic) error {
	for _, d := range found {
		fmt.Fprint(cmd.ErrOrStderr(), d.Render(isTerminal(os.Stderr)))
	}
	return exitCode(1)
}

// simulatedPlace is the model of a charm in a directory, which moves.
func simulatedPlace(cmd *cobra.Command, dir, stateFile string) (repl.Place, error) {
	charm, err := host.LoadDir(dir)
	if err != nil {
		return nil, showDiagnostics(cmd, host.Diagnose(err, host.SourceIn(dir)))
	}
	state, _, err := startingState(dir, stateFile)
	if err != nil {
		return nil, err
	}
	return &repl.Simulated{Charm: charm, Dir: dir, State: state}, nil
}
