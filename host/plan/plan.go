// Package plan tells what a hook would change, place by place, and which line of
// the charm would change it after having read what.
//
// It is made of a hook that ran on a simulated world: see [Of]. [Live] makes that
// world of a unit that lives, of which nothing is changed.
package plan

import (
	"github.com/starcharm/starcharm/host"
)

// A Plan is what a hook would change.
type Plan struct {
	// Event is the hook's name, or "NAME action"; Unit the unit's.
	Event string `json:"event"`
	Unit  string `json:"unit"`
	// Places are what would be different afterwards.
	Places []Place `json:"places"`
	// Unknown says why what the hook does further is not known, if it is not.
	Unknown string `json:"unknown,omitempty"`
	// ExitCode is the hook's. One that fails keeps what takes effect at once.
	ExitCode int `json:"exit_code"`
	// Diagnostics say what was wrong when the exit code is not 0.
	Diagnostics []host.Diagnostic `json:"diagnostics,omitempty"`
	// Missing says what of a unit that lives could not be read.
	Missing []string `json:"missing,omitempty"`
}

// A Place is a part of the world that would be different: a databag, a
// container, the statuses.
type Place struct {
	Name    string   `json:"name"`
	Changes []Change `json:"changes"`
}

// An Action is what is done to a thing.
type Action string

// Do is something that is done and leaves nothing behind: a command, a service
// that is restarted.
const (
	Add    Action = "add"
	Modify Action = "change"
	Remove Action = "remove"
	Do     Action = "do"
)

// A Change is one thing of a place.
type Change struct {
	Action Action `json:"action"`
	// What is the thing: a key of a databag, "file /etc/web.conf".
	What string `json:"what"`
	// Before and After are texts; nil is not there, or nothing that can be told
	// as a text.
	Before *string `json:"before,omitempty"`
	After  *string `json:"after,omitempty"`
	// Diff is how a text of several lines differs: lines that begin with a
	// space, a - or a +.
	Diff []string `json:"diff,omitempty"`
	// At is the charm's line that changed it last, "src/charm.star:10", and
	// Handler the handler that ran then, "src/charm.star:on_install". Empty: no
	// line of the charm did.
	At      string `json:"at,omitempty"`
	Handler string `json:"handler,omitempty"`
	// Reads are what that handler, those that led to it, and the top level of the
	// charm's files had read before, in order.
	Reads []Read `json:"reads,omitempty"`
}

// A Read is something that the charm looked at, and where it did first.
type Read struct {
	What string `json:"what"`
	At   string `json:"at,omitempty"`

	order int // of what was done in the hook
}

// Changes is how many there are.
func (p *Plan) Changes() int {
	n := 0
	for _, place := range p.Places {
		n += len(place.Changes)
	}
	return n
}
