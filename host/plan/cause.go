package plan

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/host/simulate"
)

// This file finds what led to a change.

// A deed is something that the charm did, in the order of the hook.
type deed struct {
	via, what string
	result    string
	writes    bool
	failed    bool
	at        syntax.Position
	within    []simulate.Handling
}

// deeds are the calls and touches of a hook in their order.
func deeds(o *simulate.Outcome) []deed {
	all := make([]deed, 0, len(o.Steps)+len(o.Touches))
	next := 0
	touches := func(step int) {
		for ; next < len(o.Touches) && o.Touches[next].Step <= step; next++ {
			t := o.Touches[next]
			all = append(all, deed{via: "touch", what: t.What, writes: t.Write, at: t.At, within: t.Within})
		}
	}
	for i, s := range o.Steps {
		touches(i)
		if s.Via != "log" {
			all = append(all, deed{via: s.Via, what: s.What, result: s.Result, writes: s.Writes, failed: s.Failed, at: s.At, within: s.Within})
		}
	}
	touches(len(o.Steps))
	return all
}

// tool says whether the deed is a call of a hook tool, with such arguments.
func (d deed) tool(name string, args ...string) bool {
	fields := strings.Fields(d.what)
	if d.via != "juju" || len(fields) == 0 || fields[0] != name {
		return false
	}
	for _, arg := range args {
		if !slices.Contains(fields[1:], arg) {
			return false
		}
	}
	return true
}

// touched says whether the deed is a write of that path.
func (d deed) touched(path string) bool { return d.via == "touch" && d.what == path }

// pebble says whether the deed asked a container's Pebble to do something to a
// thing; "" is any.
func (d deed) pebble(container, thing string, verbs ...string) bool {
	what, ok := strings.CutPrefix(d.what, container+": ")
	fields := strings.Fields(what)
	return ok && d.via == "pebble" && len(fields) > 0 && slices.Contains(verbs, fields[0]) && (thing == "" || slices.Contains(fields[1:], thing))
}

// cause completes a change with the last deed that did it.
func (b *builder) cause(c Change, did func(deed) bool) Change {
	for i, d := range slices.Backward(b.deeds) {
		if d.writes && !d.failed && did(d) {
			return b.because(c, i)
		}
	}
	return c
}

// because completes a change with the deed that did it.
func (b *builder) because(c Change, i int) Change {
	d := b.deeds[i]
	c.At = place(d.at)
	if len(d.within) > 0 {
		c.Handler = d.within[len(d.within)-1].Handler
	}
	seen := map[string]bool{}
	for order, before := range b.deeds[:i] {
		what := before.read()
		// What was read in a handler that has ended led to nothing here.
		if what == "" || seen[what] || len(before.within) > len(d.within) || !slices.Equal(before.within, d.within[:len(before.within)]) {
			continue
		}
		seen[what] = true
		c.Reads = append(c.Reads, Read{b.mask(what), place(before.at), order})
	}
	return c
}

// read is what a deed looked at, in words; "" for one that changes something, or
// that is told in another way.
func (d deed) read() string {
	switch {
	case d.writes:
		return ""
	case d.via == "clock", d.via == "pebble" && strings.Contains(d.what, ": wait "):
		return ""
	case d.via == "juju":
		tool, _, _ := strings.Cut(d.what, " ")
		switch tool {
		// What of these was looked at is told by touches.
		case "config-get", "is-leader", "relation-get", "relation-list", "state-get", "juju-log":
			return ""
		case "relation-ids":
			return "the relations of " + strings.TrimPrefix(strings.ReplaceAll(d.what, " --format=json", ""), "relation-ids ")
		}
		return strings.ReplaceAll(d.what, " --format=json", "")
	}
	return d.what
}

// place is a position, "src/charm.star:10"; "" if there is none.
func place(at syntax.Position) string {
	if at.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", at.Filename(), at.Line)
}
