package main

import (
	"fmt"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host/simulate"
)

func snapshotCommand() *cobra.Command {
	var (
		secrets bool
		output  string
	)
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Write the world of the unit that this is run on as a state file",
		Long: `Write the world of the unit in whose hook context this is run as a state file,
for starcharm run --state and testing.load_state: leadership, options, relations
with their databags, secrets, storages, networks, ports, statuses, the plans,
services, checks and notices of containers, stored state and deferred events.
Files of containers and resources are not in it.

The values of the unit's secrets are replaced, wherever they occur, by
"<secret>", unless --secrets is given. Secrets are read for that: one that the
unit had not read before is tracked from then on.`,
		Example: `  juju exec --unit web/0 -- ./dispatch snapshot > tests/state.yaml
  starcharm run update-status --state tests/state.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			snapshot, err := simulate.LiveSnapshot(cmd.Context(), environment(), ".", secrets)
			if err != nil {
				return err
			}
			text, err := snapshot.YAML()
			if err != nil {
				return err
			}
			for _, missing := range snapshot.Missing {
				fmt.Fprintf(cmd.ErrOrStderr(), "starcharm: left out: %s\n", missing)
			}
			if output == "" {
				_, err = cmd.OutOrStdout().Write(text)
			} else {
				err = renameio.WriteFile(output, text, 0o600, renameio.IgnoreUmask())
			}
			if err != nil {
				return fmt.Errorf("cannot write the snapshot: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&secrets, "secrets", false, "tell the values of secrets")
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write; default: standard output")
	return cmd
}
