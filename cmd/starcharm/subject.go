package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/consistency"
	"github.com/starcharm/starcharm/model/modeltest"
)

// A subject is an event of a charm in a simulated world, as flags tell of it.
type subject struct {
	dir, stateFile           string
	set, params              []string
	relation, unit, revision int
	follower                 bool
	event                    modeltest.Event
}

// flags declares the flags.
func (s *subject) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.dir, "charm", ".", "the charm's directory")
	f.StringVar(&s.stateFile, "state", "", "the world before, a YAML file (default tests/state.yaml in the charm)")
	f.StringArrayVar(&s.set, "set", nil, "set an option of the charm: key=value")
	f.StringArrayVar(&s.params, "param", nil, "set a parameter of the action: key=value, or key.key=value inside of an object; the value in YAML")
	f.IntVar(&s.relation, "relation-id", 0, "which relation a relation event is about")
	f.IntVar(&s.unit, "remote-unit", 0, "number of the remote unit (default the first; -1: the remote application)")
	f.StringVar(&s.event.SecretID, "secret-id", "", "which secret a secret event is about")
	f.IntVar(&s.revision, "secret-revision", 0, "which revision")
	f.StringVar(&s.event.NoticeID, "notice-id", "", "the notice of a pebble-custom-notice event (default the only one)")
	f.StringVar(&s.event.NoticeKey, "notice-key", "", "its key (default that of the only one)")
	f.StringVar(&s.event.CheckName, "check", "", "the check of a pebble-check-failed or -recovered event (default the only one)")
	f.BoolVar(&s.follower, "follower", false, "the unit is not the leader, whatever the state says")
}

// hook is the hook that the flags tell of, and the state file that was read; ""
// for none.
func (s *subject) hook(cmd *cobra.Command, charm *host.Charm, event string) (*simulate.Hook, string, error) {
	state, stateFile, err := startingState(s.dir, s.stateFile)
	if err != nil {
		return nil, "", err
	}
	if state == nil {
		state = &simulate.State{}
	}
	if err := setOptions(state, charm.Metadata, s.set); err != nil {
		return nil, "", err
	}
	if s.follower {
		state.Juju.Leader = false
	}
	if err := s.about(cmd, charm, event); err != nil {
		return nil, "", err
	}
	found, err := consistency.Allowing([]string{"SC003"})
	return &simulate.Hook{Charm: charm, State: state, Event: s.event, Consistency: found}, stateFile, err
}

// about completes the event.
func (s *subject) about(cmd *cobra.Command, charm *host.Charm, event string) (err error) {
	s.event.Name, s.event.Action = simulate.ParseEventName(event)
	if err := checkSubject(cmd, charm.Metadata, s.event, event); err != nil {
		return err
	}
	if s.event.Params, err = actionParams(s.params); err != nil {
		return err
	}
	if cmd.Flags().Changed("relation-id") {
		s.event.RelationID = &s.relation
	}
	if cmd.Flags().Changed("remote-unit") {
		s.event.RemoteUnit = &s.unit
	}
	s.event.SecretRevision = s.revision
	return nil
}

// inState names the state file in an error that is about it.
func inState(err error, stateFile string) error {
	var wrong *simulate.StateError
	if errors.As(err, &wrong) && stateFile != "" {
		return fmt.Errorf("%s: %w", stateFile, err)
	}
	return err
}

// args wants one event.
func (s *subject) args(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s wants the name of one event, such as config-changed, and got %d names", command, len(args))
		}
		return nil
	}
}
