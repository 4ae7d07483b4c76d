package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charminit"
)

func initCommand() *cobra.Command {
	var dir, kind string
	cmd := &cobra.Command{
		Use:   "init NAME",
		Short: "Make a new charm",
		Long: `Make a new charm: scripts, tests, charmcraft.yaml, and what Charmhub and its readers
expect. It passes starcharm check, fmt --check and test as it is.

Nothing is overwritten: when a file is in the way, nothing is written at all.`,
		Example: `  starcharm init web-k8s
  starcharm init backup --kind subordinate --dir charms/backup`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("init wants the name of the charm, such as web-k8s, and got %d names", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := cmp.Or(dir, args[0])
			paths, err := charminit.Create(dir, args[0], kind)
			if err != nil {
				return err
			}
			var out strings.Builder
			for _, path := range paths {
				fmt.Fprintln(&out, host.Printable(filepath.Join(dir, path)))
			}
			fmt.Fprintf(&out, "\nTo go on: cd %s && starcharm test\n", host.Printable(dir))
			_, err = fmt.Fprint(cmd.OutOrStdout(), out.String())
			return err
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "k8s", "what it runs on: "+strings.Join(charminit.Kinds(), ", "))
	cmd.Flags().StringVar(&dir, "dir", "", "the charm's directory (default one named as the charm)")
	return cmd
}
