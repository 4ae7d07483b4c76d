package pebbletest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/pebble"
)

// syncChecks makes the checks those of the plan. A check whose configuration
// changed starts anew, and so does one that was stopped and is not disabled,
// whatever it is that changed in the plan.
func (s *Server) syncChecks(old *pebble.Plan) {
	for _, name := range slices.Sorted(maps.Keys(s.plan.Checks)) {
		config := s.plan.Checks[name]
		disabled := config.Startup == pebble.StartupDisabled
		if info := s.checks[name]; info != nil && config.Equal(old.Checks[name]) && (disabled || info.Status != pebble.CheckInactive) {
			continue
		}
		if info := s.checks[name]; info != nil && info.Status != pebble.CheckInactive {
			if disabled {
				// It goes on as it was.
				continue
			}
			s.stopCheck(name)
		}
		s.checks[name] = newCheck(name, config)
		if !disabled {
			s.startCheck(name)
		}
	}
}

func newCheck(name string, config *pebble.Check) *pebble.CheckInfo {
	info := &pebble.CheckInfo{Name: name, Status: pebble.CheckInactive, Successes: new(int)}
	describe(info, config)
	return info
}

// describe sets what config says about a check.
func describe(info *pebble.CheckInfo, config *pebble.Check) {
	info.Level, info.Threshold, info.Startup = config.Level, config.Threshold, pebble.StartupEnabled
	if config.Startup == pebble.StartupDisabled {
		info.Startup = pebble.StartupDisabled
	}
}

func checkKind(config *pebble.Check) string {
	switch {
	case config.HTTP != nil:
		return "HTTP"
	case config.TCP != nil:
		return "TCP"
	default:
		return "exec"
	}
}

func (s *Server) startCheck(name string) {
	info := s.checks[name]
	change := s.newCheckChange(name, s.plan.Checks[name], pebble.CheckUp)
	info.Status, info.ChangeID, info.Failures, info.Successes = pebble.CheckUp, change.ID, 0, new(int)
	for range 2 {
		s.notify(nil, pebble.NoticeChangeUpdate, change.ID, map[string]string{"kind": change.Kind, "check-name": name}, 0)
	}
}

// newCheckChange begins the change that performs a check which is up, or recovers
// one that is down.
func (s *Server) newCheckChange(name string, config *pebble.Check, status pebble.CheckStatus) *pebble.Change {
	kind, verb := "perform-check", "Perform"
	if status == pebble.CheckDown {
		kind, verb = "recover-check", "Recover"
	}
	task := s.newTask(kind, fmt.Sprintf("%s %s check %q", verb, checkKind(config), name))
	task.Status = "Doing"
	change := s.newChange(kind, task.Summary, []*pebble.Task{task})
	change.Status = "Doing"
	return change
}

func (s *Server) stopCheck(name string) {
	info := s.checks[name]
	for _, change := range s.changes {
		if change.ID == info.ChangeID {
			s.end(change)
		}
	}
	info.Status, info.ChangeID, info.PrevChangeID, info.Failures, info.Successes = pebble.CheckInactive, "", "", 0, new(int)
}

// startEnabledChecks starts the checks that a replan starts.
func (s *Server) startEnabledChecks() {
	for _, name := range slices.Sorted(maps.Keys(s.checks)) {
		if info := s.checks[name]; info.Status == pebble.CheckInactive && info.Startup == pebble.StartupEnabled {
			s.startCheck(name)
		}
	}
}

func level(c *call) (pebble.CheckLevel, error) {
	l := pebble.CheckLevel(c.query.Get("level"))
	if l != "" && l != pebble.LevelAlive && l != pebble.LevelReady {
		return "", errors.New(`level must be "alive" or "ready"`)
	}
	return l, nil
}

func (s *Server) listChecks(c *call) response {
	names := c.list("names")
	c.summary = strings.Join(append([]string{"checks"}, names...), " ")
	level, err := level(c)
	if err != nil {
		return badRequest(err)
	}
	infos := []*pebble.CheckInfo{}
	for _, name := range slices.Sorted(maps.Keys(s.checks)) {
		info := s.checks[name]
		if (level == "" || info.Level == level) && (len(names) == 0 || slices.Contains(names, name)) {
			infos = append(infos, info)
		}
	}
	return result(infos)
}

func (s *Server) health(c *call) response {
	c.summary = "health"
	level, err := level(c)
	if err != nil {
		return badRequest(err)
	}
	names := c.list("names")
	healthy := true
	for name, info := range s.checks {
		// Ready includes alive.
		counts := level == "" || info.Level == level || info.Level == pebble.LevelAlive
		if counts && (len(names) == 0 || slices.Contains(names, name)) && info.Status == pebble.CheckDown {
			healthy = false
		}
	}
	e := envelope{Type: "sync", StatusCode: http.StatusOK, Result: map[string]bool{"healthy": healthy}}
	if !healthy {
		e.StatusCode = http.StatusBadGateway
	}
	return e.response()
}

func (s *Server) checkAction(c *call) response {
	var body struct {
		Action string   `json:"action"`
		Checks []string `json:"checks"`
	}
	if err := c.decode("data from request body", &body); err != nil {
		return badRequest(err)
	}
	c.summary = strings.Join(append([]string{body.Action + "-checks"}, body.Checks...), " ")
	if len(body.Checks) == 0 {
		return badRequest(fmt.Errorf("must specify checks for %s action", body.Action))
	}
	if body.Action != "start" && body.Action != "stop" {
		return badRequest(fmt.Errorf("invalid action %q", body.Action))
	}
	names := slices.Compact(slices.Sorted(slices.Values(body.Checks)))
	unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return s.checks[name] != nil })
	if len(unknown) > 0 {
		return badRequest(fmt.Errorf("cannot %s checks: cannot find checks in plan: %s", body.Action, strings.Join(unknown, ", ")))
	}
	changed := []string{}
	for _, name := range names {
		switch inactive := s.checks[name].Status == pebble.CheckInactive; {
		case body.Action == "start" && inactive:
			s.startCheck(name)
			changed = append(changed, name)
		case body.Action == "stop" && !inactive:
			s.stopCheck(name)
			changed = append(changed, name)
		}
	}
	return result(map[string]any{"changed": changed})
}

// refreshCheck handles POST /v1/checks/refresh. A check succeeds when it is up,
// or does not run.
func (s *Server) refreshCheck(c *call) response {
	var body struct {
		Name string `json:"name"`
	}
	if err := c.decode("data from request body", &body); err != nil {
		return badRequest(err)
	}
	c.summary = "refresh-check " + body.Name
	if body.Name == "" {
		return badRequest(errors.New("must specify check name"))
	}
	info := s.checks[body.Name]
	if info == nil {
		return failed(http.StatusNotFound, "", fmt.Errorf("cannot find check with name %q", body.Name))
	}
	answer := map[string]any{"info": info}
	switch info.Status {
	case pebble.CheckUp:
		*info.Successes++
		info.Failures = 0
	case pebble.CheckDown:
		info.Failures++
		answer["error"] = "the check is down"
	}
	return result(answer)
}

// loadChecks takes the checks that state lists, and starts those of the plan
// that it does not list.
func (s *Server) loadChecks(state *State) {
	s.checks = map[string]*pebble.CheckInfo{}
	for _, given := range state.CheckInfos {
		if id, err := strconv.Atoi(given.ChangeID); err == nil {
			s.lastChange = max(s.lastChange, id)
		}
	}
	for _, given := range state.CheckInfos {
		config := s.plan.Checks[given.Name]
		if config == nil {
			config = &pebble.Check{Level: given.Level, Startup: given.Startup}
		}
		info := newCheck(given.Name, config)
		s.checks[given.Name] = info
		if given.Status != pebble.CheckInactive {
			s.startLoadedCheck(info, config, given)
		}
		if given.Threshold != 0 {
			info.Threshold = given.Threshold
		}
		if info.Threshold == 0 {
			info.Threshold = 3
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.plan.Checks)) {
		if s.checks[name] != nil {
			continue
		}
		s.checks[name] = newCheck(name, s.plan.Checks[name])
		if s.checks[name].Startup == pebble.StartupEnabled {
			s.startCheck(name)
		}
	}
}

// startLoadedCheck gives a check that runs its change and its counts.
func (s *Server) startLoadedCheck(info *pebble.CheckInfo, config *pebble.Check, given *CheckInfo) {
	info.Status = pebble.CheckUp
	if given.Status == pebble.CheckDown {
		info.Status = pebble.CheckDown
	}
	change := s.newCheckChange(info.Name, config, info.Status)
	if given.ChangeID != "" {
		change.ID = given.ChangeID
	}
	info.ChangeID, info.Failures = change.ID, given.Failures
	if given.Successes != nil {
		*info.Successes = *given.Successes
	}
}

// storeChecks puts the checks into state.
func (s *Server) storeChecks(state *State) {
	for _, name := range slices.Sorted(maps.Keys(s.checks)) {
		info := s.checks[name]
		successes := *info.Successes
		state.CheckInfos = append(state.CheckInfos, &CheckInfo{
			Name:      name,
			Level:     info.Level,
			Startup:   info.Startup,
			Status:    info.Status,
			Successes: &successes,
			Failures:  info.Failures,
			Threshold: info.Threshold,
			ChangeID:  info.ChangeID,
		})
	}
}
