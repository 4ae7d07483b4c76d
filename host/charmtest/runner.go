package charmtest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/host"
)

// A Status says how a test ended.
type Status string

// How tests end.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// A Result is how one test ended.
type Result struct {
	File   string `json:"file,omitempty"`
	Name   string `json:"name"`
	Line   int    `json:"line,omitempty"`
	Status Status `json:"status"`
	// Duration is how long it took, in seconds.
	Duration float64 `json:"seconds"`
	// Reason is why it was skipped.
	Reason string `json:"reason,omitempty"`
	// Diagnostics say why it failed.
	Diagnostics []host.Diagnostic `json:"diagnostics,omitempty"`
	// Notes are what is odd about the States and events of its runs.
	Notes []string `json:"notes,omitempty"`
	// Output is what it printed.
	Output string `json:"output,omitempty"`
	// Sub are the tests that it ran by t.run.
	Sub []*Result `json:"sub,omitempty"`
	// Exploration is the order of events in which it failed, when several were
	// tried.
	Exploration *Exploration `json:"exploration,omitempty"`
}

// Names are the full names of the tests that are to run, in order.
func (s *Suite) Names() []string {
	names := make([]string, len(s.tests))
	for i, t := range s.tests {
		names[i] = t.fullName()
	}
	return names
}

// Run runs the tests, several at a time, and calls done for each, in their
// order, as soon as it and all before it have ended. It returns how many did
// not run because one before failed, or because ctx ended.
func (s *Suite) Run(ctx context.Context, done func(*Result)) int {
	order := slices.Clone(s.tests)
	if s.options.Shuffle {
		rand.New(rand.NewPCG(s.options.Seed, 0)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	results := make([]chan *Result, len(order))
	for i := range results {
		results[i] = make(chan *Result, 1)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var workers sync.WaitGroup
	next := make(chan int)
	for range max(1, s.options.Jobs) {
		workers.Go(func() {
			for i := range next {
				results[i] <- s.run(ctx, order[i])
			}
		})
	}
	workers.Go(func() {
		defer close(next)
		for i := range order {
			select {
			case next <- i:
			case <-ctx.Done():
				for ; i < len(order); i++ {
					results[i] <- nil
				}
				return
			}
		}
	})
	left := 0
	failed := false
	for i := range order {
		result := <-results[i]
		if result == nil || failed && s.options.FailFast {
			left++
			continue
		}
		done(result)
		if result.Status == Failed && s.options.FailFast {
			failed = true
			stop()
		}
	}
	workers.Wait()
	return left
}

// errTimeout is the cause of a test's end after its time.
type errTimeout struct{ limit time.Duration }

func (e errTimeout) Error() string {
	return fmt.Sprintf("the test took longer than %s; does something not end? (--timeout sets the limit)", e.limit)
}

// run runs one test.
func (s *Suite) run(ctx context.Context, t *test) *Result {
	if s.options.Explore > 0 {
		return s.explore(ctx, t)
	}
	result, _ := s.attempt(ctx, t, variation{})
	return result
}

// attempt runs one test in a world of its own, and returns the models that it
// simulated, too.
func (s *Suite) attempt(ctx context.Context, t *test, v variation) (*Result, []*simulation) {
	if s.options.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, s.options.Timeout, errTimeout{s.options.Timeout})
		defer stop()
	}
	session := s.newSession(ctx)
	session.variation, session.test = v, t
	result := session.run(session.thread, t.name, func(running *running) error {
		stop := context.AfterFunc(ctx, func() { session.thread.Cancel(context.Cause(ctx).Error()) })
		defer stop()
		globals, err := session.load(t.file)
		if err != nil {
			return err
		}
		switch fn := globals[t.function].(type) {
		case *starlark.Function:
			_, err = starlark.Call(session.thread, fn, starlark.Tuple{running}, nil)
		case *cases:
			_, err = starlark.Call(session.thread, fn.fn, starlark.Tuple{running}, fn.kwargs[t.caseName])
		default:
			err = fmt.Errorf("%s is not there when the file is run again: does its top level look at something that changes?", t.function)
		}
		return err
	})
	if err := session.keep(result.Status == Passed); err != nil {
		result.Status, result.Diagnostics = Failed, append(result.Diagnostics, session.diagnose(err)...)
	}
	result.File, result.Line, result.Output = t.file.name, t.line, session.output.String()
	result.Notes = session.notes
	return result, session.simulations
}

// run runs a test or a part of one.
func (s *session) run(thread *starlark.Thread, name string, do func(*running) error) (result *Result) {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name))
	t := &running{session: s, name: name, seed: s.suite.options.Seed ^ hash.Sum64()}
	result = &Result{Name: name, Status: Passed}
	outer := s.running
	s.running = t
	defer func() { s.running = outer }()
	start := time.Now()
	err := guarded(func() error { return do(t) })
	result.Duration = time.Since(start).Seconds()
	if t.dir != "" {
		if cannot := os.RemoveAll(t.dir); cannot != nil && err == nil {
			err = fmt.Errorf("cannot remove the test's directory: %w", cannot)
		}
	}
	result.Sub = t.sub
	var skip *skipped
	switch {
	case errors.As(err, &skip):
		result.Status, result.Reason = Skipped, skip.reason
	case err != nil:
		result.Status, result.Diagnostics = Failed, s.diagnose(err)
	case slices.ContainsFunc(t.sub, func(r *Result) bool { return r.Status == Failed }):
		result.Status = Failed
	}
	return result
}

// guarded turns a panic, which is a bug of starcharm, into an error.
func guarded(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &host.PanicError{Value: v}
		}
	}()
	return do()
}

// diagnose says what is wrong with a test that failed.
func (s *session) diagnose(err error) []host.Diagnostic {
	source := func(name string) ([]byte, bool) {
		for _, f := range s.suite.files {
			if text, ok := f.script.Source(name); ok {
				return text, true
			}
		}
		return nil, false
	}
	found := host.Diagnose(err, source)
	var eval *starlark.EvalError
	if cause := context.Cause(s.ctx); cause != nil && errors.As(err, &eval) {
		found[0].Message, found[0].Suggestion = cause.Error(), ""
	}
	var f *failure
	if !errors.As(err, &f) {
		return found
	}
	d := &found[0]
	d.Message, d.Suggestion = f.message, f.cure
	if f.outcome != nil {
		d.Note = tail(f.outcome)
		if f.cure == "" {
			d.Suggestion = undescribedExec(f.outcome)
		}
	}
	if len(f.charm) == 0 {
		return found
	}
	return append(slices.Clone(f.charm), found...)
}
