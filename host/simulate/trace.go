package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/pebble"
)

// This file keeps what a hook looks at and changes, and in which handler.

// A Touch is what the charm looked at or changed besides its calls.
type Touch struct {
	builtins.Touch
	// At is the statement of the charm.
	At     syntax.Position
	Within []Handling
	// Step is how many steps the hook had taken.
	Step int
}

// A Handling is one run of a handler or reconciler.
type Handling struct {
	// Handler is "src/charm.star:on_install"; Number counts the runs of the hook
	// from 1.
	Handler string
	Number  int
}

// A ServiceAction is what a Pebble did to a service, or would.
type ServiceAction struct {
	Container, Service string
	// Action is "start", "stop" or "restart".
	Action string
}

// trace is what is kept of a hook that is traced.
type trace struct {
	touches []Touch
	// within are the handlers that run now, the outermost first. It is never
	// changed, only replaced.
	within  []Handling
	handled int
}

func (r *recorder) touched(t builtins.Touch) {
	touch := Touch{Touch: t, At: t.At, Within: r.within}
	if touch.At.Line == 0 {
		touch.At = r.at()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	touch.Step = len(r.steps)
	r.touches = append(r.touches, touch)
}

func (r *recorder) handles(id string) (ended func()) {
	outer := r.within
	r.handled++
	r.within = append(slices.Clone(outer), Handling{id, r.handled})
	return func() { r.within = outer }
}

// services are what the Pebbles did to services, in order.
func (w *World) services(ctx context.Context) ([]ServiceAction, error) {
	var all []ServiceAction
	for _, name := range slices.Sorted(maps.Keys(w.pebbles)) {
		c := pebble.New(pebble.Config{SocketPath: name, Transport: w.pebbles[name].Transport()})
		changes, err := c.Changes(ctx, pebble.ChangesOptions{Select: pebble.SelectAll})
		if pebble.IsKind(err, pebble.ConnectionError) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot look at what the services of %s do: %w", name, err)
		}
		for _, change := range changes {
			all = append(all, serviceActions(name, change)...)
		}
	}
	return all, nil
}

// serviceActions are those of one change, where a stop before a start is a
// restart.
func serviceActions(container string, change *pebble.Change) []ServiceAction {
	var all []ServiceAction
	for _, task := range change.Tasks {
		_, service, _ := strings.Cut(task.Summary, "\"")
		service, _, _ = strings.Cut(service, "\"")
		already := slices.ContainsFunc(task.Log, func(line string) bool { return strings.HasSuffix(line, "already started.") })
		switch stopped := slices.Index(all, ServiceAction{container, service, "stop"}); {
		case task.Kind == "stop", task.Kind == "start" && stopped < 0 && !already:
			all = append(all, ServiceAction{container, service, task.Kind})
		case task.Kind == "start" && stopped >= 0:
			all[stopped].Action = "restart"
		}
	}
	return all
}

// unknowable says whether the error is that what comes of something cannot be
// known, as nobody told of it or it is not done.
func unknowable(err error) bool {
	var unknown *machine.UndescribedError
	return errors.As(err, &unknown)
}
