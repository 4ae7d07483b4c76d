package host

import (
	"errors"

	"go.starlark.net/starlark"

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
func (d *dispatch) written(bag *model.Databag) {
	if d.writes == nil {
		d.writes = map[*model.Databag]starlark.CallStack{}
	}
	d.writes[bag] = d.thread.CallStack()
	if d.options.Wrote != nil {
		d.options.Wrote(bag)
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
