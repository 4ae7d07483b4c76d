package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/plan"
	"github.com/starcharm/starcharm/model/modeltest"
)

func planCommand() *cobra.Command {
	var (
		s                         subject
		allow                     []string
		asJSON, explain, detailed bool
	)
	cmd := &cobra.Command{
		Use:   "plan [EVENT]",
		Short: "Show what an event of a charm would change, and which line and what it read led to that",
		Long: `Show what an event of a charm would change: statuses, databags, secrets, ports,
plans, services and files of containers, files of the machine, stored state and
deferred events, each with the charm's line that changes it. Nothing is changed.

In a charm's directory the world before is that of --state, else that of
tests/state.yaml in the charm if there is one, else a fresh unit, as for starcharm
run.

In a unit's hook context (juju debug-hooks, juju exec) it is the unit's own: what
is read comes from Juju, the Pebbles and the machine, what would be changed stays
here. Without EVENT it is that of the hook at hand. The plan ends at the first
command, and the first HTTP request that does more than to read, as nobody can
know what comes of it; --allow-exec names commands that are run in earnest.`,
		Example: `  juju exec --unit web/0 -- ./dispatch plan config-changed --explain
  starcharm plan config-changed --set port=8080 --explain
  starcharm plan db-relation-changed --state tests/state.yaml --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := s.plan(cmd, args, allow)
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
	f.StringArrayVar(&allow, "allow-exec", nil, "in a hook context: run the commands that begin with these words in earnest")
	f.BoolVar(&explain, "explain", false, "show what was read on the way to each change")
	f.BoolVar(&detailed, "detailed-exitcode", false, "exit with 0 for no changes, 1 for an error, 2 for changes")
	f.BoolVar(&asJSON, "json", false, "show the plan as JSON")
	return cmd
}

// plan makes the plan of an event in a simulated world, or in a hook context.
func (s *subject) plan(cmd *cobra.Command, args, allow []string) (*plan.Plan, error) {
	if os.Getenv("JUJU_CONTEXT_ID") != "" && !cmd.Flags().Changed("charm") && !cmd.Flags().Changed("state") {
		return s.livePlan(cmd, args, allow)
	}
	switch {
	case len(allow) > 0:
		return nil, errors.New("--allow-exec is for a unit's hook context; the commands of a simulated unit are in its state")
	case len(args) == 0:
		return nil, s.args("plan")(cmd, args)
	}
	event := args[0]
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

// livePlan makes the plan of an event of the unit in whose hook context this is.
func (s *subject) livePlan(cmd *cobra.Command, args, allow []string) (*plan.Plan, error) {
	for _, name := range []string{"set", "follower"} {
		if cmd.Flags().Changed(name) {
			return nil, fmt.Errorf("--%s is for a simulated unit; a plan in a hook context is of the unit as it is", name)
		}
	}
	live := &plan.Live{Env: environment(), Dir: s.dir, Allow: allow}
	event := "the hook"
	if len(args) > 0 {
		event = args[0]
		live.Event = func(charm *host.Charm) (modeltest.Event, error) {
			err := s.about(cmd, charm, event)
			return s.event, err
		}
	}
	p, err := live.Make(cmd.Context())
	var source *host.SourceError
	if errors.As(err, &source) { // a charm that cannot be loaded
		return &plan.Plan{Event: event, Places: []plan.Place{}, ExitCode: 1, Diagnostics: host.Diagnose(err, host.SourceIn(s.dir))}, nil
	}
	return p, err
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
