package main

import (
	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/pebble/daemon"
)

// enterCommand is how this program becomes the Pebble of a test's container.
func enterCommand() *cobra.Command {
	return &cobra.Command{
		Use:    daemon.EnterCommand + " DIR PROGRAM",
		Short:  "Be the Pebble of a test's container",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE:   func(_ *cobra.Command, args []string) error { return daemon.Enter(args[0], args[1]) },
	}
}
