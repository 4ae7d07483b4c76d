package host

import (
	"errors"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// A WriteError is Juju's refusal of what the charm wrote to a databag, which
// comes when the line that wrote is long over.
type WriteError struct {
	Err error // a *model.WriteError, perhaps wrapped
	// At is where the databag was written last, outermost call first.
	At starlark.CallStack
}

func (e *WriteError) Error() string {
	var refused *model.WriteError
	if errors.As(e.Err, &refused) {
		return refused.Error() // without what was going on when it was sent
	}
	return e.Err.Error()
}

// Unwrap returns the refusal.
func (e *WriteError) Unwrap() error { return e.Err }

// written remembers which line of the charm wrote the databag.
func (d *dispatch) written(bag *model.Databag, keys []string) {
	if d.writes == nil {
		d.writes = map[*model.Databag]starlark.CallStack{}
	}
	d.writes[bag] = d.thread.CallStack()
	if d.options.Wrote != nil {
		d.options.Wrote(bag)
	}
	if d.options.Touched != nil {
		for _, key := range keys {
			d.options.Touched(builtins.Touch{Write: true, What: "relations[" + bag.Relation().Key() + "]." + d.side(bag) + "." + key})
		}
	}
}

// place adds to a databag's refusal where it was written.
func (d *dispatch) place(err error) error {
	var refused *model.WriteError
	if !errors.As(err, &refused) {
		return err
	}
	return &WriteError{Err: err, At: d.writes[refused.Databag]}
}

// side is what a state calls a databag of this unit or its application.
func (d *dispatch) side(bag *model.Databag) string {
	if bag.Entity == d.options.Context.AppName {
		return "local_app_data"
	}
	return "local_unit_data"
}

// looked tells who wants to know of a look-up in the options or a databag.
func (d *dispatch) looked(bag *model.Databag, key string) {
	what := "option " + key
	if bag != nil {
		if key == "" {
			key = "the keys"
		}
		what = bag.Relation().Key() + ": " + key + " of " + bag.Entity
	}
	d.options.Touched(builtins.Touch{What: what})
}
