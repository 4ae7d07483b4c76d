package pebble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Change is something that the daemon does in the background, in tasks.
type Change struct {
	// ID is opaque; [Client.WaitChange] takes it.
	ID string `json:"id"`
	// Kind is what is done: "start", "replan", "exec", "perform-check", …
	Kind    string `json:"kind"`
	Summary string `json:"summary"`
	// Status is one of Default, Do, Doing, Done, Wait, Abort, Undo, Undoing,
	// Undone, Hold and Error; a newer daemon may have others.
	Status string  `json:"status"`
	Tasks  []*Task `json:"tasks,omitempty"`
	// Ready is set when nothing is left to do, for better or worse.
	Ready bool `json:"ready"`
	// Err says what failed, "" for nothing.
	Err       string    `json:"err,omitempty"`
	SpawnTime time.Time `json:"spawn-time"`
	// ReadyTime is zero until the change is ready.
	ReadyTime time.Time      `json:"ready-time,omitzero"`
	Data      map[string]any `json:"data,omitempty"`
}

// Task is a step of a change.
type Task struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Summary string `json:"summary"`
	// Status is one of the statuses of a [Change].
	Status string `json:"status"`
	// Log holds the last lines of the task's log, each "TIME LEVEL text".
	Log       []string     `json:"log,omitempty"`
	Progress  TaskProgress `json:"progress"`
	SpawnTime time.Time    `json:"spawn-time"`
	// ReadyTime is zero until the task is ready.
	ReadyTime time.Time `json:"ready-time,omitzero"`
	// Data holds what the task left behind, for instance "exit-code".
	Data map[string]any `json:"data,omitempty"`
}

// TaskProgress says how far a task is.
type TaskProgress struct {
	Label string `json:"label"`
	Done  int    `json:"done"`
	Total int    `json:"total"`
}

// ChangeSelect says which changes [Client.Changes] returns.
type ChangeSelect string

// The values of [ChangesOptions.Select].
const (
	SelectInProgress ChangeSelect = "in-progress"
	SelectReady      ChangeSelect = "ready"
	SelectAll        ChangeSelect = "all"
)

// ChangesOptions selects changes.
type ChangesOptions struct {
	// Select is by state: [SelectInProgress] by default.
	Select ChangeSelect
	// Service limits the changes to those of one service, "" does not.
	Service string
}

// WaitOptions says how to wait for a change.
type WaitOptions struct {
	// Timeout is how long to wait: 30 seconds when 0, without end when
	// negative.
	Timeout time.Duration
	// Delay is the pause between two looks at the change where the daemon
	// cannot wait itself: 100 milliseconds by default.
	Delay time.Duration
	// NoWait returns the change's id at once, without waiting for it. It has
	// no meaning for [Client.WaitChange].
	NoWait bool
}

// Changes returns the selected changes, oldest first.
func (c *Client) Changes(ctx context.Context, o ChangesOptions) ([]*Change, error) {
	query := url.Values{"select": {string(SelectInProgress)}}
	if o.Select != "" {
		query.Set("select", string(o.Select))
	}
	if o.Service != "" {
		query.Set("for", o.Service)
	}
	var changes []*Change
	if err := c.sync(ctx, request{method: http.MethodGet, path: "/v1/changes", query: query}, &changes); err != nil {
		return nil, err
	}
	changes = slices.DeleteFunc(changes, func(change *Change) bool { return change == nil })
	slices.SortFunc(changes, func(a, b *Change) int {
		// The daemon lists changes in no order. Ids are numbers so far.
		an, aErr := strconv.Atoi(a.ID)
		bn, bErr := strconv.Atoi(b.ID)
		if aErr == nil && bErr == nil {
			return cmp.Compare(an, bn)
		}
		return cmp.Or(a.SpawnTime.Compare(b.SpawnTime), cmp.Compare(a.ID, b.ID))
	})
	return changes, nil
}

// Change returns one change. An id that the daemon does not know, or has
// pruned, is an [APIError] with code 404.
func (c *Client) Change(ctx context.Context, id string) (*Change, error) {
	return c.change(ctx, request{method: http.MethodGet, path: "/v1/changes/" + url.PathEscape(id)})
}

// AbortChange asks the daemon to give up a change that is not ready.
func (c *Client) AbortChange(ctx context.Context, id string) (*Change, error) {
	return c.change(ctx, request{
		method: http.MethodPost,
		path:   "/v1/changes/" + url.PathEscape(id),
		body:   map[string]any{"action": "abort"},
	})
}

// WaitChange waits until a change is ready and returns it, whether it failed
// ([Change.Err]) or not. Not ready in time is a [TimeoutError].
func (c *Client) WaitChange(ctx context.Context, id string, o WaitOptions) (*Change, error) {
	if o.Timeout == 0 {
		o.Timeout = defaultWait
	}
	if o.Delay <= 0 {
		o.Delay = defaultDelay
	}
	late := &Error{
		Kind:    TimeoutError,
		Message: fmt.Sprintf("timed out waiting for change %s (%s)", id, seconds(o.Timeout)),
	}
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.Timeout, late)
		defer cancel()
	}
	change, err := c.longPoll(ctx, id, o.Delay)
	if hasCode(err, http.StatusNotFound) {
		// Daemons before /wait existed answer like this, and so does one that
		// does not know the change.
		change, err = c.poll(ctx, id, o.Delay)
	}
	if err != nil && errors.Is(context.Cause(ctx), late) {
		return nil, late
	}
	return change, err
}

// longPoll waits with requests that the daemon holds until the change is
// ready.
func (c *Client) longPoll(ctx context.Context, id string, delay time.Duration) (*Change, error) {
	for {
		slice := max(c.timeout-time.Second, time.Second)
		if deadline, ok := ctx.Deadline(); ok {
			slice = min(slice, time.Until(deadline))
		}
		begin := time.Now()
		change, err := c.change(ctx, request{
			method:  http.MethodGet,
			path:    "/v1/changes/" + url.PathEscape(id) + "/wait",
			query:   url.Values{"timeout": {seconds(slice)}},
			timeout: slice + c.timeout,
		})
		switch {
		case err == nil && change.Ready:
			return change, nil
		case err != nil && !hasCode(err, http.StatusGatewayTimeout) && !IsKind(err, TimeoutError):
			return nil, err
		}
		// An answer before its time must not turn this into a busy loop.
		if time.Since(begin) < slice/2 {
			err = pause(ctx, delay)
		} else {
			err = pause(ctx, 0)
		}
		if err != nil {
			return nil, c.transportError("wait for change "+id, err)
		}
	}
}

// poll looks at the change again and again.
func (c *Client) poll(ctx context.Context, id string, delay time.Duration) (*Change, error) {
	for {
		change, err := c.Change(ctx, id)
		if err != nil || change.Ready {
			return change, err
		}
		if err := pause(ctx, delay); err != nil {
			return nil, c.transportError("wait for change "+id, err)
		}
	}
}

// pause waits for d or for the end of ctx, whichever comes first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return ctx.Err()
	}
}

// finish waits for a change, unless o says not to, and turns its failure into
// a [ChangeError].
func (c *Client) finish(ctx context.Context, id string, o WaitOptions) error {
	if o.NoWait {
		return nil
	}
	change, err := c.WaitChange(ctx, id, o)
	if err != nil {
		return err
	}
	if change.Err != "" {
		return &Error{Kind: ChangeError, Message: change.Err, Change: change}
	}
	return nil
}

func (c *Client) change(ctx context.Context, r request) (*Change, error) {
	var change Change
	if err := c.sync(ctx, r, &change); err != nil {
		return nil, err
	}
	if change.ID == "" {
		return nil, protocolError("Pebble's answer to %s %s is not a change", r.method, r.path)
	}
	change.Tasks = slices.DeleteFunc(change.Tasks, func(task *Task) bool { return task == nil })
	return &change, nil
}
