package modeltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/starcharm/starcharm/model/hooktool"
)

// Hook is a hook or an action that is running. It answers hook tools as Juju
// does within that hook; it ends with [Hook.End].
type Hook struct {
	juju *Juju
	plan *plan

	mu    sync.Mutex
	ended bool

	calls   []CallRecord
	logs    []LogLine
	history []StatusChange
	metrics []Metric
	result  *ActionResult // nil: not an action
	reboot  Reboot

	// What waits for the end of the hook.
	bags     map[bagKey]map[string]string // databags that were written, whole
	ports    portChanges
	stored   map[string]string // as it shall be
	requests map[string]int
	secrets  secretChanges
	specs    specs

	// What Juju asks of its controller once in a hook.
	unitStatus *Status
}

var _ hooktool.Runner = (*Hook)(nil)

// CallRecord is a call of a hook tool.
type CallRecord struct {
	Name   string
	Args   []string
	Stdin  []byte
	Result hooktool.Result
	Err    error // an *hooktool.Error when there is no result
}

// Reboot says whether the hook has asked for a reboot of its machine.
type Reboot string

// The reboots: none, at the end of the hook, or at once, which stops the hook
// and loses what it has not kept yet; Juju runs it again.
const (
	NoReboot    Reboot = ""
	RebootAfter Reboot = "after"
	RebootNow   Reboot = "now"
)

// Begin starts the hook or action. Juju runs one at a time: the one before
// must have ended.
func (j *Juju) Begin(e Event) (*Hook, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy {
		return nil, errors.New("cannot begin a hook: the one before has not ended")
	}
	p, err := j.plan(e)
	if err != nil {
		return nil, err
	}
	j.busy = true
	j.contexts++
	h := &Hook{
		juju:     j,
		plan:     p,
		bags:     map[bagKey]map[string]string{},
		requests: map[string]int{},
		secrets:  secretChanges{},
	}
	if p.action() {
		j.actions++
		h.result = &ActionResult{ID: p.actionID, Name: p.hook, Results: map[string]any{}}
	}
	return h, nil
}

// Run implements [hooktool.Runner].
func (h *Hook) Run(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	result, err := h.run(ctx, call)
	h.calls = append(h.calls, CallRecord{
		Name: call.Name, Args: slices.Clone(call.Args), Stdin: slices.Clone(call.Stdin), Result: result, Err: err,
	})
	return result, err
}

func (h *Hook) run(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
	if err := ctx.Err(); err != nil {
		reason := hooktool.Canceled
		if errors.Is(err, context.DeadlineExceeded) {
			reason = hooktool.Timeout
		}
		return hooktool.Result{}, &hooktool.Error{Tool: call.Name, Reason: reason, Err: context.Cause(ctx)}
	}
	if h.ended {
		return hooktool.Result{}, &hooktool.Error{Tool: call.Name, Reason: hooktool.Lost, Err: errors.New("the hook is over")}
	}
	tool, ok := findTool(call.Name, h.juju.version)
	if !ok {
		return hooktool.Result{}, &hooktool.Error{
			Tool: call.Name, Reason: hooktool.Missing, Err: fmt.Errorf("Juju %s has no such hook tool", h.juju.version),
		}
	}
	if err := h.refuses(call.Name); err != nil {
		return hooktool.Result{}, err
	}
	h.juju.mu.Lock()
	defer h.juju.mu.Unlock()
	return runTool(h, tool, call), nil
}

// state is Juju's, which the hook's immediate effects change.
func (h *Hook) state() *State { return h.juju.state }

// End ends the hook with an exit code. After 0 Juju keeps what the hook has
// done; the error is Juju's refusal, and then nothing is kept.
func (h *Hook) End(exitCode int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return errors.New("cannot end the hook: it has ended already")
	}
	h.ended = true
	h.juju.mu.Lock()
	defer h.juju.mu.Unlock()
	h.juju.busy = false
	if h.result != nil {
		h.result.end(exitCode)
	}
	if exitCode != 0 || h.reboot == RebootNow {
		return nil
	}
	if err := h.commit(); err != nil {
		return fmt.Errorf("cannot keep what the hook did: %w", err)
	}
	return nil
}

// commit keeps everything that waited, or, when the controller refuses, nothing.
// Up to Juju 4.0 secrets are kept first, whatever becomes of the rest.
func (h *Hook) commit() error {
	next := h.state().Clone()
	apart := !h.juju.version.AtLeast(4, 1, 0)
	for _, step := range h.secrets.steps(h.juju) {
		if err := step(next); err != nil {
			return err
		}
		if apart {
			h.juju.state = next.Clone()
		}
	}
	if err := h.commitPorts(next); err != nil {
		return err
	}
	if err := h.commitStorage(next); err != nil {
		return err
	}
	if err := h.commitStored(next); err != nil {
		return err
	}
	if err := h.commitSpecs(next); err != nil {
		return err
	}
	h.commitBags(next)
	h.juju.state = next
	return nil
}

// Calls returns the calls so far, in order.
func (h *Hook) Calls() []CallRecord {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// Logs returns what the hook has logged so far.
func (h *Hook) Logs() []LogLine {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.logs)
}

// LastLog returns the newest line that the hook has logged, and false if there
// is none.
func (h *Hook) LastLog() (LogLine, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.logs) == 0 {
		return LogLine{}, false
	}
	return h.logs[len(h.logs)-1], true
}

// StatusHistory returns the statuses that the hook has set so far, in order.
func (h *Hook) StatusHistory() []StatusChange {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.history)
}

// Metrics returns what the hook has measured so far.
func (h *Hook) Metrics() []Metric {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.metrics)
}

// Reboot tells whether the hook has asked for a reboot.
func (h *Hook) Reboot() Reboot {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reboot
}

// ActionResult returns the action's result so far, and nil for a hook.
func (h *Hook) ActionResult() *ActionResult {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.result.clone()
}
