package charmtest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate/fleet"
)

// This file defines exploration: a test that simulates models is run with many
// orders of events, and the one that fails is shortened.

// A variation says how the simulated models of a run differ from what the test
// says. The zero value is not at all.
type variation struct {
	explore bool
	// seed is mixed into each model's, unless orders replace the seeds.
	seed   uint64
	orders [][]string
}

// apply changes the options of the test's model of that number.
func (v variation) apply(o *fleet.Options, number int) {
	if !v.explore {
		return
	}
	o.Strict = true
	switch {
	case o.Seed == nil: // its order is the test's
	case v.orders != nil:
		o.Seed, o.Order = nil, nil
		if number < len(v.orders) {
			o.Order = v.orders[number]
		}
	default:
		seed := v.seed ^ *o.Seed
		o.Seed = &seed
	}
}

// An Exploration is the order of events that failed a test.
type Exploration struct {
	// Runs is how many orders were tried until one failed.
	Runs int `json:"runs"`
	// Events are what happened in the shortened run, model by model.
	Events [][]string `json:"events"`
	// Orders are, for each model, the events whose order matters: the rest
	// comes as it does by default.
	Orders [][]string `json:"orders"`
	// Test is a test to paste that runs it.
	Test string `json:"test,omitempty"`
}

// maxShortening is how many runs may be spent on shortening.
const maxShortening = 300

// explore runs a test with as many orders of events as the options say. A test
// that simulates no model with a seed is run once.
func (s *Suite) explore(ctx context.Context, t *test) *Result {
	var result *Result
	for n := range s.options.Explore {
		v := variation{explore: true, seed: uint64(n)}
		var sims []*simulation
		result, sims = s.attempt(ctx, t, v)
		varied := slices.ContainsFunc(sims, func(sim *simulation) bool { return sim.seeded })
		if !varied || ctx.Err() != nil {
			return result
		}
		if result.Status == Failed {
			return s.shorten(ctx, t, result, sims, n+1)
		}
	}
	return result
}

func orders(sims []*simulation) [][]string {
	all := make([][]string, len(sims))
	for i, sim := range sims {
		all[i] = sim.model.Taken()
	}
	return all
}

// A labelled is an event of the order of one model.
type labelled struct {
	model int
	label string
}

// shorten leaves out of the order what the failure does not need: halves of it
// first, then smaller and smaller parts. What happens by default in their place
// must not be more.
func (s *Suite) shorten(ctx context.Context, t *test, failed *Result, sims []*simulation, runs int) *Result {
	taken := orders(sims)
	var order []labelled
	for i, labels := range taken {
		if !sims[i].seeded {
			continue
		}
		for _, label := range labels {
			order = append(order, labelled{i, label})
		}
	}
	split := func(order []labelled) [][]string {
		all := make([][]string, len(taken))
		for _, l := range order {
			all[l.model] = append(all[l.model], l.label)
		}
		return all
	}
	best, tries, length := failed, 0, len(order)
	fails := func(order []labelled) bool {
		if tries++; tries > maxShortening || ctx.Err() != nil {
			return false
		}
		result, made := s.attempt(ctx, t, variation{explore: true, orders: split(order)})
		if result.Status != Failed || sign(result) != sign(failed) {
			return false
		}
		events := 0
		for _, sim := range made {
			if sim.seeded {
				events += len(sim.model.Taken())
			}
		}
		if events > length {
			return false
		}
		best, sims, length = result, made, events
		return true
	}
	if !fails(order) { // it depends on something else than the order
		failed.Exploration = &Exploration{Runs: runs, Events: taken, Orders: taken}
		return failed
	}
	for size := len(order); size > 0; size /= 2 {
		for end := len(order); end > 0; {
			start := max(0, end-size)
			if shorter := slices.Delete(slices.Clone(order), start, end); fails(shorter) {
				order = shorter
			}
			end = start
		}
	}
	best.Exploration = &Exploration{Runs: runs, Events: orders(sims), Orders: split(order)}
	best.Exploration.Test = s.paste(t, sims, best.Exploration.Orders)
	return best
}

var digits = regexp.MustCompile(`\d+`)

// sign tells one failure from another, whatever the numbers of units in it.
func sign(r *Result) string {
	if len(r.Diagnostics) == 0 {
		return ""
	}
	d := r.Diagnostics[0]
	return fmt.Sprintf("%s:%d %s", d.File, d.Line, digits.ReplaceAllString(d.Message, "#"))
}

// paste is the test's text with the orders in its calls of testing.simulate;
// if it does not make them itself, only the calls.
func (s *Suite) paste(t *test, sims []*simulation, orders [][]string) string {
	calls := make([]string, len(orders))
	for i, labels := range orders {
		calls[i] = fmt.Sprintf("# in place of the one at %s:%d\n%s", sims[i].at.Filename(), sims[i].at.Line, sims[i].call(labels))
	}
	alone := strings.Join(calls, "\n")
	text, ok := t.file.script.Source(t.file.name)
	if !ok {
		return alone
	}
	file, err := new(syntax.FileOptions).Parse(t.file.name, text, 0)
	if err != nil {
		return alone
	}
	var def *syntax.DefStmt
	for _, stmt := range file.Stmts {
		if d, ok := stmt.(*syntax.DefStmt); ok && d.Name.Name == t.function {
			def = d
		}
	}
	if def == nil {
		return alone
	}
	lines := strings.SplitAfter(string(text), "\n")
	offset := func(p syntax.Position) int {
		n := 0
		for _, line := range lines[:p.Line-1] {
			n += len(line)
		}
		column := 1
		for i := range lines[p.Line-1] {
			if column == int(p.Col) {
				return n + i
			}
			column++
		}
		return n + len(lines[p.Line-1])
	}
	for i, labels := range orders {
		calls[i] = sims[i].call(labels)
	}
	type edit struct {
		start, end int
		with       string
	}
	var edits []edit
	syntax.Walk(def, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok {
			return true
		}
		for i, sim := range sims {
			if sim.at.Filename() == t.file.name && sim.at.Line == call.Lparen.Line && sim.at.Col == call.Lparen.Col {
				start, end := call.Span()
				with := calls[i]
				if !sim.seeded {
					with = string(text[offset(start):offset(end)])
				}
				edits = append(edits, edit{offset(start), offset(end), with})
			}
		}
		return true
	})
	if len(edits) != len(sims) {
		return alone
	}
	slices.SortFunc(edits, func(a, b edit) int { return b.start - a.start })
	start, end := def.Span()
	from, to := offset(start), offset(end)
	out := string(text[:to])
	for _, e := range edits {
		out = out[:e.start] + e.with + out[e.end:]
	}
	out = strings.TrimRight(out[from:], "\n")
	return strings.Replace(out, "def "+t.function+"(", "def "+t.function+"_explored(", 1)
}

// call is the call of testing.simulate that made the model, with an order.
func (sim *simulation) call(order []string) string {
	args := "strict = True"
	if sim.options.Retry {
		args += ", retry = True"
	}
	if sim.options.Limit != maxEvents {
		args += fmt.Sprintf(", limit = %d", sim.options.Limit)
	}
	if len(order) == 0 {
		return "testing.simulate(" + args + ")"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "testing.simulate(%s, order = [\n", args)
	for _, label := range order {
		fmt.Fprintf(&b, "        %q,\n", label)
	}
	b.WriteString("    ])")
	return b.String()
}

// render shows the exploration to a person.
func (e *Exploration) render(b *strings.Builder) {
	fmt.Fprintf(b, "note: of the orders of events that were tried, number %d fails; shortened, this happens:\n", e.Runs)
	for i, events := range e.Events {
		if len(e.Events) > 1 {
			fmt.Fprintf(b, "    in simulation %d\n", i+1)
		}
		const shown = 60
		if left := len(events) - shown; left > 0 {
			fmt.Fprintf(b, "    … %d before\n", left)
			events = events[left:]
		}
		for _, label := range events {
			fmt.Fprintf(b, "    %s\n", host.Printable(label))
		}
	}
	if e.Test != "" {
		b.WriteString("help: as a test:\n\n")
		for line := range strings.Lines(e.Test) {
			b.WriteString(host.Printable(strings.TrimRight(line, "\n")) + "\n")
		}
	}
}
