package charmtest

import (
	"context"
	"slices"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/pebble/daemon"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// pebble starts the containers of a run with a genuine Pebble; nil: they are
// simulated.
func (s *session) pebble() func(context.Context, *pebbletest.State) (simulate.Pebble, error) {
	program := s.suite.options.Pebble
	if program == "" {
		return nil
	}
	return func(ctx context.Context, state *pebbletest.State) (simulate.Pebble, error) {
		d, err := daemon.Start(ctx, program, state)
		if err != nil {
			return nil, err
		}
		for _, note := range d.Notes {
			if !slices.Contains(s.notes, note) {
				s.notes = append(s.notes, note)
			}
		}
		return d, nil
	}
}
