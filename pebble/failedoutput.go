package pebble

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// shownLines is how many lines that services wrote a [ChangeError] has.
const shownLines = 20

// withOutput adds to a [ChangeError] what the services that failed have written
// last. Pebble puts that into the log of a task only where a service ends right
// after its start.
func (c *Client) withOutput(ctx context.Context, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != ChangeError {
		return err
	}
	var names []string
	for _, task := range e.Change.Tasks {
		name, ok := taskService(task)
		if ok && task.Status == "Error" && !hasOutput(task) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return err
	}
	// What failed is the news, not that more of it cannot be had.
	e.Output, _ = c.Logs(ctx, LogsOptions{Services: names, N: shownLines})
	return err
}

// taskService returns the service that a task starts or stops.
func taskService(task *Task) (string, bool) {
	_, name, ok := strings.Cut(task.Summary, ` service "`)
	name, closed := strings.CutSuffix(name, `"`)
	return name, ok && closed
}

// hasOutput reports whether a task's log has lines of the service.
func hasOutput(task *Task) bool {
	return slices.ContainsFunc(task.Log, func(entry string) bool {
		_, output, ok := strings.Cut(entry, "Most recent service output:")
		return ok && strings.TrimSpace(output) != ""
	})
}
