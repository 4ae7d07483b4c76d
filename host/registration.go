package host

import (
	"context"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
)

// A Registration is what the top level of a charm's scripts comes to.
type Registration struct {
	// Observers are those of events, and then the reconcilers, each in the order
	// of its registration.
	Observers []*builtins.Observer
	// Globals are those of each module, by its name.
	Globals map[string]starlark.StringDict
}

// Register runs the top level of the charm's scripts, and nothing else of a
// hook.
func (c *Charm) Register(ctx context.Context, o Options) (*Registration, error) {
	r := &Registration{}
	err := c.execute(ctx, o, func(d *dispatch) error {
		if err := d.loadScripts(); err != nil {
			return err
		}
		r.Observers = slices.Concat(d.hook.Framework.Observers, d.hook.Framework.Reconcilers)
		r.Globals = d.program.loaded
		return nil
	})
	return r, err
}
