package builtins

import "go.starlark.net/syntax"

// A Touch is what a charm looks at or changes where that is no call to the
// world, or not yet: an option that was read before, a databag of which Juju is
// told at the end.
type Touch struct {
	Write bool
	// What is the thing: of a read in words, "option port"; of a write the path
	// in a state of what it may change, "stored_state.charm.runs".
	What string
	// At is where; not valid: where the charm is now.
	At syntax.Position
}

// looks tells who wants to know that the charm looked at something.
func (h *Hook) looks(what string) {
	if h.Touched != nil {
		h.Touched(Touch{What: what})
	}
}

// writes tells who wants to know that the charm wrote something.
func (h *Hook) writes(what string) {
	if h.Touched != nil {
		h.Touched(Touch{Write: true, What: what})
	}
}

// StatusPath is what a [Touch] calls a status that was collected for the end.
func StatusPath(s *Status) string { return "collected " + s.Name + " " + s.Message }
