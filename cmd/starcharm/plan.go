package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/plan"
)

func planCommand() *cobra.Command {
	var (
		s                         subject
		asJSON, explain, detailed bool
	)
	cmd := &cobra.Command{
		Use:   "plan EVENT",
		Short: "Show what an event of a charm would change, and which line and what it read led to that",
		Long: `Show what an event of a charm would change: statuses, databags, secrets, ports,
plans, services and files of containers, files of the machine, stored state and
deferred events, each with the charm's line that changes it. Nothing is changed.

The world before is that of --state, else that of tests/state.yaml in the charm
if there is one, else a fresh unit, as for starcharm run.`,
		Example: `  starcharm plan config-changed --set port=8080 --explain
  starcharm plan db-relation-changed --state tests/state.yaml --json`,
		Args: s.args("plan"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.plan(cmd, args[0])
			if err != nil && detailed {
				fmt.Fprintf(cmd.ErrOrStderr(), "starcharm: %s\n", host.Printable(err.Error()))
				return exitCode(1)
			}
			if err != nil {
				return err
			}
			if err := showPlan(cmd, p, asJSON, explain); err != nil {
				return err
			}
			switch {
			case p.ExitCode != 0 || p.Unknown != "":
				return exitCode(1)
			case detailed && p.Changes() > 0:
				return exitCode(2)
			}
			return nil
		},
	}
	s.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&explain, "explain", false, "show what was read on the way to each change")
	f.BoolVar(&detailed, "detailed-exitcode", false, "exit with 0 for no changes, 1 for an error, 2 for changes")
	f.BoolVar(&asJSON, "json", false, "show the plan as JSON")
	return cmd
}

// plan makes the plan of an event in a simulated world.
func (s *subject) plan(cmd *cobra.Command, event string) (*plan.Plan, error) {
	charm, err := loadCharm(s.dir, nil)
	if err != nil {
		return &plan.Plan{Event: event, Places: []plan.Place{}, ExitCode: 1, Diagnostics: host.Diagnose(err, host.SourceIn(s.dir))}, nil
	}
	hook, stateFile, err := s.hook(cmd, charm, event)
	if err != nil {
		return nil, err
	}
	hook.Trace = true
	outcome, err := hook.Run(cmd.Context())
	if err != nil {
		return nil, inState(err, stateFile)
	}
	return plan.Of(outcome), nil
}

func showPlan(cmd *cobra.Command, p *plan.Plan, asJSON, explain bool) error {
	text := []byte(p.Render(isTerminal(os.Stdout), explain))
	if asJSON {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(p); err != nil {
			return fmt.Errorf("cannot show the plan: %w", err)
		}
		text = host.PrintableJSON(out.Bytes())
	}
	if _, err := cmd.OutOrStdout().Write(text); err != nil {
		return fmt.Errorf("cannot show the plan: %w", err)
	}
	return nil
}
