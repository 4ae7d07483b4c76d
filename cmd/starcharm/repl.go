package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/repl"
)

func replCommand() *cobra.Command {
	var dir, stateFile string
	cmd := &cobra.Command{
		Use:   "repl",
		Short: "Type Starlark, and see what it does in the model of a charm",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			place, err := simulatedPlace(cmd, dir, stateFile)
			if err != nil {
				return err
			}
			sh := &repl.Shell{Place: place, Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), Color: isTerminal(os.Stdout)}
			// Ctrl-C ends what is evaluated, and not the program.
			signal.Reset(os.Interrupt)
			if !repl.IsInteractive() {
				err = sh.Script(cmd.Context(), cmd.InOrStdin())
			} else {
				editor := repl.NewTerminal(repl.HistoryFile(os.Getenv), sh.Complete)
				err = errors.Join(sh.Interact(cmd.Context(), editor), editor.Close())
			}
			var told *repl.ScriptError
			if errors.As(err, &told) {
				return exitCode(1)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "charm", ".", "the charm's directory")
	f.StringVar(&stateFile, "state", "", "the world in the beginning, a YAML file (default tests/state.yaml in the charm, else a unit that is alone)")
	return cmd
}

// simulatedPlace is the model of a charm in a directory, which moves.
func simulatedPlace(cmd *cobra.Command, dir, stateFile string) (repl.Place, error) {
	charm, err := host.LoadDir(dir)
	if err != nil {
		for _, d := range host.Diagnose(err, host.SourceIn(dir)) {
			fmt.Fprint(cmd.ErrOrStderr(), d.Render(isTerminal(os.Stderr)))
		}
		return nil, exitCode(1)
	}
	state, _, err := startingState(dir, stateFile)
	if err != nil {
		return nil, err
	}
	return &repl.Simulated{Charm: charm, Dir: dir, State: state}, nil
}
