package pebbletest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/starcharm/starcharm/pebble"
)

// task makes the task of doing kind to a service.
func (s *Server) task(kind, name string) *pebble.Task {
	task := s.newTask(kind, summary(kind, []string{name}))
	task.Status, task.Progress.Done, task.ReadyTime = "Done", 1, task.SpawnTime
	return task
}

func (s *Server) newTask(kind, summary string) *pebble.Task {
	s.lastTask++
	return &pebble.Task{
		ID:        strconv.Itoa(s.lastTask),
		Kind:      kind,
		Summary:   summary,
		Progress:  pebble.TaskProgress{Total: 1},
		SpawnTime: s.now(),
	}
}

func (s *Server) logLine(level, format string, args ...any) string {
	return s.now().UTC().Format(time.RFC3339) + " " + level + " " + fmt.Sprintf(format, args...)
}

// record keeps a change that is done and returns its id.
func (s *Server) record(kind, summary string, tasks []*pebble.Task) string {
	change := s.newChange(kind, summary, tasks)
	change.Status, change.Ready, change.ReadyTime = "Done", true, s.now()
	for _, task := range tasks {
		if task.Status != "Error" {
			continue
		}
		if change.Err == "" {
			change.Status, change.Err = "Error", "cannot perform the following tasks:"
		}
		_, message, _ := strings.Cut(task.Log[len(task.Log)-1], " ERROR ")
		change.Err += fmt.Sprintf("\n- %s (%s)", task.Summary, message)
	}
	// Waiting, running, done.
	updates := 3
	if len(tasks) == 0 {
		updates = 2
	}
	for range updates {
		s.notify(nil, pebble.NoticeChangeUpdate, change.ID, map[string]string{"kind": kind}, 0)
	}
	return change.ID
}

func (s *Server) newChange(kind, summary string, tasks []*pebble.Task) *pebble.Change {
	s.lastChange++
	change := &pebble.Change{
		ID:        strconv.Itoa(s.lastChange),
		Kind:      kind,
		Summary:   summary,
		Tasks:     tasks,
		SpawnTime: s.now(),
	}
	s.changes = append(s.changes, change)
	return change
}

func (s *Server) listChanges(c *call) response {
	c.summary = "changes"
	which := pebble.ChangeSelect(c.query.Get("select"))
	if which == "" {
		which = pebble.SelectInProgress
	}
	if !slices.Contains([]pebble.ChangeSelect{pebble.SelectAll, pebble.SelectInProgress, pebble.SelectReady}, which) {
		return badRequest(errors.New("select should be one of: all,in-progress,ready"))
	}
	changes := []*pebble.Change{}
	for _, change := range s.changes {
		if which != pebble.SelectAll && change.Ready != (which == pebble.SelectReady) {
			continue
		}
		if service := c.query.Get("for"); service != "" && !slices.Contains(s.requested[change.ID], service) {
			continue
		}
		changes = append(changes, change)
	}
	return result(changes)
}

func (s *Server) find(c *call) (*pebble.Change, response) {
	for _, change := range s.changes {
		if change.ID == c.id {
			return change, response{}
		}
	}
	return nil, failed(http.StatusNotFound, "", fmt.Errorf("cannot find change with id %q", c.id))
}

func (s *Server) getChange(c *call) response {
	c.summary = "change " + c.id
	change, missing := s.find(c)
	if change == nil {
		return missing
	}
	return result(change)
}

func (s *Server) waitChange(c *call) response {
	c.summary = "wait " + c.id
	change, missing := s.find(c)
	if change == nil {
		return missing
	}
	timeout := c.query.Get("timeout")
	if timeout != "" {
		d, err := time.ParseDuration(timeout)
		if err != nil {
			return badRequest(fmt.Errorf("invalid timeout: %w", err))
		}
		timeout = " after " + d.String()
	}
	expired := func() response {
		return failed(http.StatusGatewayTimeout, "", errors.New("timed out waiting for change"+timeout))
	}
	if p := s.process(change); p != nil && !change.Ready {
		return p.wait(c, expired)
	}
	if !change.Ready {
		return expired()
	}
	return result(change)
}

func (s *Server) changeAction(c *call) response {
	c.summary = "abort " + c.id
	change, missing := s.find(c)
	if change == nil {
		return missing
	}
	var body struct {
		Action string `json:"action"`
	}
	if err := c.decode("data from request body", &body); err != nil {
		return badRequest(err)
	}
	if body.Action != "abort" {
		return badRequest(fmt.Errorf("invalid action %q", body.Action))
	}
	if change.Ready {
		return badRequest(fmt.Errorf("cannot abort change %s with nothing pending", change.ID))
	}
	if p := s.process(change); p != nil {
		p.abort()
		return result(change)
	}
	s.end(change)
	return result(change)
}

// end ends a change that runs a check.
func (s *Server) end(change *pebble.Change) {
	change.Status, change.Ready, change.ReadyTime = "Done", true, s.now()
	for _, task := range change.Tasks {
		task.Status, task.ReadyTime, task.Progress.Done = "Done", s.now(), 1
	}
}
