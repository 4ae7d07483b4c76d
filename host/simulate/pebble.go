package simulate

import (
	"context"
	"net/http"

	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// A Pebble is that of one container during a hook.
type Pebble interface {
	Transport() http.RoundTripper
	// LastRequest returns the newest request, and false if nothing was asked
	// yet; Executions the commands that were asked for, in order.
	LastRequest() (pebbletest.Request, bool)
	Executions() []pebbletest.Execution
	// State is the container as it is now.
	State(context.Context) (*pebbletest.State, error)
	// End is State when the hook has ended, and ends the Pebble.
	End(context.Context) (*pebbletest.State, error)
	// Close ends the Pebble, if End did not.
	Close() error
}

// simulatedPebble is a simulated one.
type simulatedPebble struct{ *pebbletest.Server }

func (s simulatedPebble) State(context.Context) (*pebbletest.State, error) {
	return s.Server.State(), nil
}

func (s simulatedPebble) End(ctx context.Context) (*pebbletest.State, error) { return s.State(ctx) }

func (simulatedPebble) Close() error { return nil }
