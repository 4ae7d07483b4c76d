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
	"github.com/starcharm/starcharm/host/check"
)

func checkCommand() *cobra.Command {
	var (
		dir                       string
		asJSON, strict, listRules bool
		o                         check.Options
	)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Find mistakes in a charm without running it",
		Long: `Find mistakes in a charm without running it: names that the metadata, a builtin
or a file does not have, handlers that cannot be called, metadata that Juju would
refuse, and habits that end badly.

A comment silences a rule on its line, in scripts and in YAML:

  model.unit.get_container("sidecar")  # check: ignore=unknown-container

The exit code is 0 when nothing is wrong, 1 when there is an error, or with
--strict a warning, and 2 when there is no charm or the command makes no sense.`,
		Example: `  starcharm check
  starcharm check --charm examples/k8s-2-configurable --strict
  starcharm check --ignore unused-option --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if listRules {
				if asJSON {
					return showJSON(cmd, map[string]any{"rules": check.Rules()})
				}
				fmt.Fprint(cmd.OutOrStdout(), check.RenderRules(check.Rules()))
				return nil
			}
			files, err := host.DirFS(dir)
			if err != nil {
				return err
			}
			report, err := check.Charm(cmd.Context(), files, o)
			if err != nil {
				return err
			}
			if asJSON {
				err = showJSON(cmd, report)
			} else {
				text := report.Render(isTerminal(os.Stdout))
				if os.Getenv("GITHUB_ACTIONS") == "true" {
					for _, f := range report.Findings {
						if f.File != "" {
							f.File = filepath.Join(dir, filepath.FromSlash(f.File))
						}
						text += f.GitHub() + "\n"
					}
				}
				_, err = cmd.OutOrStdout().Write([]byte(text))
			}
			switch {
			case err != nil:
				return errors.Join(errors.New("cannot write the report"), err)
			case report.Errors > 0 || strict && report.Warnings > 0:
				return exitCode(1)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "charm", ".", "the charm's directory")
	f.BoolVar(&asJSON, "json", false, "show the report as JSON")
	f.BoolVar(&strict, "strict", false, "fail for warnings too")
	f.StringSliceVar(&o.Ignore, "ignore", nil, "do not tell of a rule; may be given several times")
	f.BoolVar(&o.Listing, "listing", false, "look also for what a charm needs to be listed on Charmhub")
	f.BoolVar(&listRules, "list-rules", false, "show the rules, and check nothing")
	return cmd
}

// showJSON writes a value as indented JSON.
func showJSON(cmd *cobra.Command, v any) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := cmd.OutOrStdout().Write(host.PrintableJSON(out.Bytes()))
	return err
}
