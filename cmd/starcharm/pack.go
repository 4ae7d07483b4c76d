package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmpack"
	"github.com/starcharm/starcharm/host/check"
	"github.com/starcharm/starcharm/model"
)

func packCommand() *cobra.Command {
	var (
		o      charmpack.Options
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "pack",
		Short: "Pack a charm into a .charm file",
		Long: `Pack a charm into a .charm file, which Juju deploys and Charmhub takes. Nothing is
downloaded or compiled: dispatch is this very program, or the one that --runtime
names, which decides the architecture.

The charm has to load, and its metadata has to be as Juju wants it; every mistake
is shown with its place. Hidden files, tests/, build/, *_test.star and *.charm are
left out, and what .jujuignore says, whose patterns are like those of .gitignore.

The same files and the same program give the same bytes. The exit code is 0, or 1
for a charm that cannot be packed as it is, 2 for all else.`,
		Example: `  starcharm pack
  starcharm pack --charm examples/k8s-2-configurable -o /tmp
  starcharm pack --runtime starcharm-linux-arm64 --arch arm64`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Version = readBuild().Version
			if files, err := host.DirFS(o.Dir); err == nil {
				if failures := check.LoadFailures(cmd.Context(), files); len(failures) > 0 {
					return unpackable(cmd, failures)
				}
			}
			packed, err := charmpack.Pack(cmd.Context(), o)
			var wrong *charmpack.CharmError
			if errors.As(err, &wrong) {
				return unpackable(cmd, host.Diagnose(wrong.Err, host.SourceIn(o.Dir)))
			}
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(packed)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), packed.Render(o.DryRun))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "charm", ".", "the charm's directory")
	f.StringVarP(&o.Output, "output", "o", "", "the file to write, or the directory for it (default NAME_ARCH.charm in the current one)")
	f.StringVar(&o.Runtime, "runtime", "", "the program that becomes dispatch (default this one)")
	f.StringVar(&o.Arch, "arch", "", "insist on this architecture: "+strings.Join(model.Architectures(), ", "))
	f.BoolVar(&o.DryRun, "list", false, "write nothing; show what would be packed")
	f.BoolVar(&asJSON, "json", false, "show what was packed as JSON")
	return cmd
}

// unpackable says why a charm cannot be packed as it is.
func unpackable(cmd *cobra.Command, found []host.Diagnostic) error {
	for _, d := range found {
		fmt.Fprint(cmd.ErrOrStderr(), d.Render(isTerminal(os.Stderr)))
	}
	return exitCode(1)
}
