package fleet

import (
	"context"
	"slices"

	"github.com/starcharm/starcharm/host/simulate"
)

// Step lets one thing happen and returns what the hook did; nil if it was no
// hook, and false if there was nothing left to happen. What happens is the
// first label of the order that can, else what the seed chooses.
func (m *Model) Step(ctx context.Context) (*simulate.Outcome, bool, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, false, err
	}
	possible := m.choices()
	if len(possible) == 0 {
		return nil, false, nil
	}
	c := m.choose(possible)
	m.taken = append(m.taken, c.label())
	if c.world != nil {
		c.world()
		return nil, true, nil
	}
	o, err := m.run(ctx, c)
	return o, true, err
}

func (m *Model) choose(possible []*choice) *choice {
	for i, label := range m.order {
		for _, c := range possible {
			if c.label() == label {
				m.order = slices.Delete(m.order, i, i+1)
				return c
			}
		}
	}
	if m.random == nil {
		return possible[0]
	}
	return possible[m.random.IntN(len(possible))]
}
