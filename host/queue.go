package host

import (
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// This file delivers events to their handlers and keeps those that were
// deferred.

// maxNested is how deep events may be emitted by handlers of events.
const maxNested = 100

func (d *dispatch) newEvent(source *builtins.EventSource, data map[string]any) *builtins.Event {
	e := builtins.NewEvent(d.hook, source, data)
	e.ChangedOptions = d.changed
	return e
}

// call runs one handler.
func (d *dispatch) call(o *builtins.Observer, e *builtins.Event) (starlark.Value, error) {
	f := d.hook.Framework
	outer := f.Running
	f.Running = o
	defer func() { f.Running = outer }()
	d.charm.coverage.ran(o)
	d.stepper.handler(o, e)
	if d.options.Handles != nil {
		defer d.options.Handles(o.ID)()
	}
	result, err := starlark.Call(d.thread, o.Handler, starlark.Tuple{e}, nil)
	if errors.Is(err, builtins.ErrEndHandler) {
		return starlark.None, nil
	}
	d.returned(o, result)
	return result, err
}

// emit calls the observers of an event, in the order of their registration,
// and queues the event for those that defer it. A handler that has an equal
// event in the queue, or is just handling one, is left out: it will see to it.
func (d *dispatch) emit(source *builtins.EventSource, data map[string]any) error {
	if d.options.Emitted != nil {
		d.options.Emitted(source, data, false)
	}
	type handler struct{ scope, id string }
	called := map[handler]bool{} // one may observe the event both by its name and as any
	for _, o := range d.hook.Framework.Observers {
		h := handler{o.Scope, o.ID}
		if !o.Observes(source) || called[h] {
			continue
		}
		called[h] = true
		e := d.newEvent(source, data)
		n, err := newNotice(e, o)
		if err != nil {
			return fmt.Errorf("cannot emit %s: %w", source.QualifiedName(), err)
		}
		waiting, err := d.waiting(n)
		if err != nil {
			return err
		}
		if waiting {
			d.reporter.log("DEBUG", fmt.Sprintf("Skipping %s for %s: it is in the queue already.", source.QualifiedName(), o.ID))
			continue
		}
		if len(d.inFlight) == maxNested {
			return fmt.Errorf("cannot emit %s: handlers have emitted events in handlers of events, %d deep; do they go round in a circle?", source.QualifiedName(), maxNested)
		}
		d.inFlight = append(d.inFlight, n)
		_, err = d.call(o, e)
		d.inFlight = d.inFlight[:len(d.inFlight)-1]
		if err != nil {
			return err
		}
		if e.Deferred {
			doc, err := d.state.load()
			if err != nil {
				return err
			}
			doc.Deferred = append(doc.Deferred, n)
			d.reporter.log("DEBUG", fmt.Sprintf("Deferring %s for %s.", source.QualifiedName(), o.ID))
		}
	}
	return nil
}

// emitCustom emits an event of a library. The handlers run on the thread of
// the one that emits.
func (d *dispatch) emitCustom(_ *starlark.Thread, e *builtins.Event) error {
	return d.emit(e.Source, e.Data)
}

func newNotice(e *builtins.Event, o *builtins.Observer) (*Notice, error) {
	data, err := e.Snapshot()
	if err != nil {
		return nil, err
	}
	return &Notice{Event: e.Source.Name, Scope: e.Source.Scope, Data: data, Handler: o.ID, HandlerScope: o.Scope}, nil
}

// waiting says whether an equal notice is in the queue or being handled.
func (d *dispatch) waiting(n *Notice) (bool, error) {
	doc, err := d.state.load()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(doc.Deferred, n.same) || slices.ContainsFunc(d.inFlight, n.same), nil
}

// reemit calls the handlers of deferred events, oldest first. Those that defer
// again keep their place.
func (d *dispatch) reemit() error {
	doc, err := d.state.load()
	if err != nil {
		return err
	}
	queue := slices.Clone(doc.Deferred)
	for i, n := range queue {
		o, e, dropped, err := d.restore(n)
		if err != nil {
			return err
		}
		if dropped != "" {
			d.reporter.log("WARNING", fmt.Sprintf("Dropping the deferred event %s for %s: %s.", n.Event, n.Handler, dropped))
		} else {
			d.reporter.log("DEBUG", fmt.Sprintf("Re-emitting deferred event %s (%d of %d in queue).", n.Event, i+1, len(queue)))
			if d.options.Emitted != nil {
				d.options.Emitted(o.Source, e.Data, true)
			}
			if _, err := d.call(o, e); err != nil {
				return err
			}
			d.configHandled = d.configHandled || o.Source.Kind == model.ConfigChanged
		}
		if dropped != "" || !e.Deferred {
			doc.Deferred = slices.DeleteFunc(doc.Deferred, func(p *Notice) bool { return p == n })
			if len(doc.Deferred) == 0 {
				doc.Deferred = nil
			}
		}
	}
	return nil
}

// restore makes the event of a notice again. dropped says why it cannot be
// delivered any more.
func (d *dispatch) restore(n *Notice) (o *builtins.Observer, e *builtins.Event, dropped string, err error) {
	f := d.hook.Framework
	source := f.CustomSource(n.Scope, n.Event)
	if n.Scope == "" {
		def, ok := d.charm.Metadata.Event(n.Event)
		if ok {
			source = f.Source(def)
		}
	}
	handler := f.Handler(n.HandlerScope, n.Handler)
	switch {
	case source == nil:
		return nil, nil, "the charm has no such event any more", nil
	case handler == nil:
		return nil, nil, "the charm has no such handler any more", nil
	}
	e = d.newEvent(source, nil)
	if err := e.Restore(n.Data); err != nil {
		return nil, nil, "its data is damaged", nil
	}
	gone, err := e.Gone()
	if err != nil {
		return nil, nil, "", err
	}
	if gone != "" {
		return nil, nil, gone + " is gone", nil
	}
	return &builtins.Observer{Source: source, Scope: n.HandlerScope, ID: n.Handler, Handler: handler}, e, "", nil
}
