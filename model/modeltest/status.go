package modeltest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// StatusChange is a status that a hook has set.
type StatusChange struct {
	App bool // the application's, else the unit's
	Status
}

func statusTools() []tool {
	return []tool{
		{name: "status-get", use: "[--include-data] [--application]", prepare: prepareStatusGet},
		{name: "status-set", use: "<maintenance | blocked | waiting | active> [message]", prepare: prepareStatusSet},
		{name: "application-version-set", use: "<version>", prepare: prepareVersionSet},
	}
}

func prepareStatusGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	data, app := false, false
	c.flags.boolean(&data, "include-data")
	c.flags.boolean(&app, "application")
	c.formatted()
	return noMore, func() error {
		if h.restricted() {
			return c.print("unknown")
		}
		s := h.state()
		if !app {
			if h.unitStatus == nil {
				h.unitStatus = clonePointer(&s.UnitStatus)
			}
			return h.printStatus(c, *h.unitStatus, data)
		}
		if !s.Leader {
			return fmt.Errorf("finding application status: %w", errNotLeader)
		}
		if !data && c.format == "smart" {
			return c.print(s.AppStatus.Name)
		}
		units := map[string]any{s.unit(): statusDetails(s.UnitStatus, data)}
		for _, r := range s.Relations {
			if h.juju.peer(r) {
				for number := range r.PeersData {
					units[s.AppName+"/"+strconv.Itoa(number)] = statusDetails(Status{Name: "active"}, data)
				}
			}
		}
		details := statusDetails(s.AppStatus, data)
		details["units"] = units
		return c.print(map[string]any{"application-status": details})
	}
}

func statusDetails(s Status, data bool) map[string]any {
	if !data {
		return map[string]any{"status": s.Name}
	}
	return map[string]any{"status": s.Name, "message": s.Message, "status-data": map[string]any{}}
}

func (h *Hook) printStatus(c *invocation, status Status, data bool) error {
	if !data && c.format == "smart" {
		return c.print(status.Name)
	}
	return c.print(statusDetails(status, data))
}

func prepareStatusSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	app := false
	status := Status{}
	c.flags.boolean(&app, "application")
	parse := func(args []string) error {
		if len(args) == 0 {
			return errors.New("invalid args, require <status> [message]")
		}
		settable := []string{"maintenance", "blocked", "waiting", "active"}
		if status.Name = shift(&args); !slices.Contains(settable, status.Name) {
			return fmt.Errorf("invalid status %q, expected one of %v", status.Name, settable)
		}
		status.Message = shift(&args)
		return noMore(args)
	}
	return parse, func() error {
		s := h.state()
		switch {
		case !app:
			s.UnitStatus = status
		case !s.Leader:
			return errNotLeader
		default:
			s.AppStatus = status
		}
		h.history = append(h.history, StatusChange{App: app, Status: status})
		return nil
	}
}

func prepareVersionSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	version := ""
	parse := func(args []string) error {
		if len(args) == 0 {
			return errors.New("no version specified")
		}
		version = shift(&args)
		return noMore(args)
	}
	return parse, func() error {
		h.state().WorkloadVersion = version
		return nil
	}
}
