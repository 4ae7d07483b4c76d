package repl

import (
	"context"
	"net/http"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/pebble"
)

// seams are a session's ways out to a simulated world, which is another one
// after each move: the values that a person has at hand stay good.
type seams struct {
	world *simulate.World
	// turn is the context of what is evaluated now.
	turn context.Context
	// log shows a line of the log.
	log     func(hooktool.Call)
	machine moving
}

// moving is the machine of the world that there is.
type moving struct{ machine.Machine }

// point leads to another world.
func (s *seams) point(w *simulate.World) { s.world, s.machine.Machine = w, w.Options.Machine }

// options are for a session that goes through the seams.
func (s *seams) options(thread *starlark.Thread) host.Options {
	o := s.world.Options
	o.Tools, o.Machine, o.Store, o.Thread = s, &s.machine, store{s}, thread
	o.Wrote = func(bag *model.Databag) { s.world.Options.Wrote(bag) }
	o.Pebble = func(path string) *pebble.Client {
		return pebble.New(pebble.Config{SocketPath: path, Transport: transport{s, path}})
	}
	o.Failed, o.Emitted = nil, nil
	return o
}

// Run implements hooktool.Runner.
func (s *seams) Run(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
	if call.Name == "juju-log" {
		s.log(call)
		return hooktool.Result{}, nil
	}
	ctx, cancel := joined(ctx, s.turn)
	defer cancel()
	return s.world.Options.Tools.Run(ctx, call)
}

// joined is a context that ends with the first of two.
func joined(ctx, other context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return ctx, func() { stop(); cancel(nil) }
}

// A transport carries requests to the Pebble on a path, in the world that there
// is.
type transport struct {
	s    *seams
	path string
}

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.s.world.Transport(t.path).RoundTrip(req)
}

// A store keeps the state of the world that there is.
type store struct{ s *seams }

func (s store) Load(ctx context.Context) ([]byte, error) { return s.s.world.Options.Store.Load(ctx) }
func (s store) Save(ctx context.Context, document []byte) error {
	return s.s.world.Options.Store.Save(ctx, document)
}
func (s store) Close() error   { return s.s.world.Options.Store.Close() }
func (s store) String() string { return "memory" }
