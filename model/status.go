package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Status is what juju status shows of a unit or an application.
type Status struct {
	// Name is "active", "blocked", "maintenance" or "waiting"; Juju itself
	// sets "error" and "unknown".
	Name    string
	Message string
}

// SettableStatuses returns the names of the statuses that a charm can set.
func SettableStatuses() []string {
	return []string{"active", "blocked", "maintenance", "waiting"}
}

// UnitStatus returns the unit's status.
func (m *Model) UnitStatus() (Status, error) { return m.status(false) }

// AppStatus returns the application's status; for the leader only, a
// [NotLeaderError] for others.
func (m *Model) AppStatus() (Status, error) {
	if err := m.needLeader("read the application's status", "status-get"); err != nil {
		return Status{}, err
	}
	return m.status(true)
}

// SetUnitStatus sets the unit's status. It takes effect at once, whether or
// not the hook succeeds. Secrets in the message are masked.
func (m *Model) SetUnitStatus(status Status) error { return m.setStatus(false, status) }

// SetAppStatus sets the application's status, like [Model.SetUnitStatus]; for
// the leader only, a [NotLeaderError] for others.
func (m *Model) SetAppStatus(status Status) error {
	if err := status.check(); err != nil {
		return err
	}
	if err := m.needLeader("set the application's status", "status-set"); err != nil {
		return err
	}
	return m.setStatus(true, status)
}

func (s Status) check() error {
	known := SettableStatuses()
	if slices.Contains(known, s.Name) {
		return nil
	}
	if s.Name == "error" || s.Name == "unknown" {
		return usage("a charm cannot set the status %q, only Juju can: use one of %s", s.Name, strings.Join(known, ", "))
	}
	return usage("there is no status %q%s: use one of %s", shorten(s.Name), didYouMean(s.Name, known), strings.Join(known, ", "))
}

func (m *Model) status(app bool) (Status, error) {
	if status, ok := m.statuses[app]; ok {
		return status, nil
	}
	answer, err := m.run("status-get", nil, "--include-data", "--format=json", fmt.Sprintf("--application=%t", app))
	if err != nil {
		return Status{}, err
	}
	type one struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	found, err := decode[struct {
		one
		App one `json:"application-status"`
	}]("status-get", answer)
	if app {
		found.one = found.App
	}
	if err == nil && found.Status == "" {
		err = nonsense("status-get", errors.New("there is no status in it"))
	}
	if err != nil {
		return Status{}, err
	}
	m.statuses[app] = Status{Name: found.Status, Message: found.Message}
	return m.statuses[app], nil
}

func (m *Model) setStatus(app bool, status Status) error {
	if err := status.check(); err != nil {
		return err
	}
	status.Message = shortenTo(cleanText(m.Mask(status.Message)), maxArgument)
	if last, ok := m.statuses[app]; ok && last == status {
		return nil
	}
	if _, err := m.run("status-set", nil, fmt.Sprintf("--application=%t", app), status.Name, "--", status.Message); err != nil {
		return err
	}
	m.statuses[app] = status
	return nil
}
