package host

import (
	"context"
	"slices"

	"github.com/starcharm/starcharm/builtins"
)

// Register runs the top level of the charm's scripts, and nothing else of a
// hook: it returns the observers and then the reconcilers that they register,
// each in the order of its registration, those of before an error too.
func (c *Charm) Register(ctx context.Context, o Options) ([]*builtins.Observer, error) {
	var found []*builtins.Observer
	err := c.execute(ctx, o, func(d *dispatch) error {
		err := d.loadScripts()
		found = slices.Concat(d.hook.Framework.Observers, d.hook.Framework.Reconcilers)
		return err
	})
	return found, err
}
