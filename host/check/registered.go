package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
	"github.com/starcharm/starcharm/model/modeltest"
)

// This file runs the charm's top level in a simulation, to know what it
// registers.

// What the top level may take.
const (
	maxSteps = 10_000_000
	maxTime  = 10 * time.Second

	tookTooLong = "the top level took more than 10 seconds"
)

// registrations are what the top level of a charm registers.
type registrations struct {
	observers []*builtins.Observer
	globals   map[string]starlark.StringDict
	// ran are the statements that the top level runs, by file and line; false
	// for those that it does not.
	ran map[place]bool
}

// A place is a line of a file.
type place struct {
	file string
	line int
}

// A loading is what came of running the top level of a charm.
type loading struct {
	registered *registrations // nil: it does not come to its end
	failures   []host.Diagnostic
}

// LoadFailures is what goes wrong when the top level of a charm is run, as it
// would in every hook. What the files' text or the metadata tells is not in it.
func LoadFailures(ctx context.Context, fsys fs.FS) []host.Diagnostic {
	c := &checker{fsys: fsys}
	if meta, err := model.ReadMetadata(fsys); err == nil {
		c.meta = meta
	}
	return c.load(ctx).failures
}

// load runs the charm's top level as a hook does.
func (c *checker) load(ctx context.Context) loading {
	var coverage host.Coverage
	charm, err := coverage.Load(c.fsys)
	if err != nil {
		return loading{} // the files, and the metadata, are checked one by one
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	state := &simulate.State{}
	if oldest, ok := c.oldestJuju(); ok {
		state.Juju.JujuVersion = oldest.String()
	}
	var every []string
	for _, rule := range consistency.Rules() {
		every = append(every, rule.ID)
	}
	allowed, err := consistency.Allowing(every)
	if err != nil {
		return loading{}
	}
	hook := simulate.Hook{
		Charm: charm, State: state, Event: modeltest.Event{Name: "update-status"},
		Register: true, MaxSteps: maxSteps, Consistency: allowed,
	}
	outcome, err := hook.Run(ctx)
	if err != nil {
		return loading{} // the simulation cannot hold such a charm
	}
	if errors.Is(outcome.Err, context.DeadlineExceeded) {
		for i := range outcome.Diagnostics {
			outcome.Diagnostics[i].Message = tookTooLong
		}
	}
	var undescribed *machine.UndescribedError
	if errors.As(outcome.Err, &undescribed) {
		return loading{} // it looks at the machine: what it finds there, nobody knows
	}
	if outcome.Err != nil {
		return loading{failures: outcome.Diagnostics}
	}
	r := &registrations{observers: outcome.Registered.Observers, globals: outcome.Registered.Globals, ran: map[place]bool{}}
	for _, f := range coverage.Files() {
		for _, s := range f.Statements {
			at := place{f.Name, int(s.Start.Line)}
			r.ran[at] = r.ran[at] || s.Count > 0
		}
	}
	return loading{registered: r}
}

// checkFailures tells of what went wrong while the charm was loaded, unless the
// text has told so already.
func (c *checker) checkFailures() {
	told := func(file string, line int) bool {
		return slices.ContainsFunc(c.found, func(f Finding) bool {
			return f.File == file && f.Line == line && c.rules[f.Rule].Severity == host.SeverityError
		})
	}
	for _, d := range c.loaded.failures {
		if slices.ContainsFunc(d.Frames, func(frame host.Frame) bool { return told(frame.File, frame.Line) }) || told(d.File, d.Line) {
			continue
		}
		if field, ok := strings.CutPrefix(d.Message, "model.load_config: the charm has no option for the field "); ok {
			field, _, _ = strings.Cut(field, " ")
			if slices.ContainsFunc(c.found, func(f Finding) bool { return strings.HasSuffix(f.Message, "for the field "+field) }) {
				continue
			}
		}
		for i := len(d.Frames) - 1; i >= 0 && host.InStd(d.File); i-- {
			frame := d.Frames[i]
			d.File, d.Line, d.Column, d.Source = frame.File, frame.Line, frame.Column, frame.Source
		}
		c.add(Finding{"load-failure", d})
	}
}

// events are those of each handler.
func (r *registrations) events(c *checker) map[syntax.Node]*eventSet {
	all := map[syntax.Node]*eventSet{}
	for _, o := range r.observers {
		pos := o.Handler.Position()
		d, ok := c.nodes[handlerID(pos.Filename(), o.Handler.Name(), int(pos.Line))]
		if !ok {
			continue
		}
		node := syntax.Node(d.function)
		set := all[node]
		if set == nil {
			set = &eventSet{}
			all[node] = set
		}
		set.scoped = set.scoped || o.Scope != ""
		switch s := o.Source; {
		case s == nil:
			set.reconciles = true
		default:
			set.sources = append(set.sources, &sourceValue{def: s.EventDef, any: isAny(s), defined: s.Scope != "", fields: s.Fields})
		}
	}
	return all
}

func handlerID(file, name string, line int) string { return fmt.Sprintf("%s:%d:%s", file, line, name) }

// missed says that an observer was not registered though nothing asks whether
// it should be.
func (r *registrations) missed(o *observation) bool {
	if o.asked || !strings.HasPrefix(o.file.name, "src/") {
		return false
	}
	ran, counted := r.ran[place{o.file.name, o.line}]
	return counted && !ran
}
