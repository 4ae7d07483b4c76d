package pebbletest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"golang.org/x/sys/unix"
)

// service is a service that was started once, or that the State lists.
type service struct {
	status pebble.ServiceStatus
	since  time.Time
	// config is what it was started with, nil if it never was.
	config *pebble.Service
	// starts is how often it was started.
	starts int
	// backoff is the pause before the start at retry, which is zero when none
	// is planned.
	backoff time.Duration
	retry   time.Time
}

func (s *service) running() bool {
	return s != nil && (s.status == pebble.ServiceActive || s.status == pebble.ServiceBackoff)
}

// setPlan makes plan the current one. Checks follow it at once, services wait
// for a replan.
func (s *Server) setPlan(plan *pebble.Plan) {
	old := s.plan
	s.plan = plan
	s.syncChecks(old)
}

func (s *Server) listServices(c *call) response {
	names := c.list("names")
	c.summary = strings.Join(append([]string{"services"}, names...), " ")
	infos := []*pebble.ServiceInfo{}
	for _, name := range slices.Sorted(maps.Keys(s.plan.Services)) {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		info := &pebble.ServiceInfo{Name: name, Startup: pebble.StartupDisabled, Current: pebble.ServiceInactive}
		if s.plan.Services[name].Startup == pebble.StartupEnabled {
			info.Startup = pebble.StartupEnabled
		}
		if service := s.services[name]; service != nil {
			info.Current, info.CurrentSince = service.status, service.since
		}
		infos = append(infos, info)
	}
	return result(infos)
}

func (s *Server) serviceAction(c *call) response {
	var body struct {
		Action   string   `json:"action"`
		Services []string `json:"services"`
	}
	if err := c.decode("data from request body", &body); err != nil {
		return badRequest(err)
	}
	c.summary = strings.Join(append([]string{body.Action}, body.Services...), " ")

	names := body.Services
	var err error
	switch body.Action {
	case "replan", "autostart":
		if len(names) > 0 {
			return badRequest(fmt.Errorf("%s accepts no service names", body.Action))
		}
		names, err = s.plan.StartOrder(s.enabled())
		if body.Action == "autostart" && len(names) == 0 {
			return failed(http.StatusBadRequest, "no-default-services", errors.New("no default services"))
		}
	default:
		if len(names) == 0 {
			return badRequest(fmt.Errorf("must specify services for %s action", body.Action))
		}
	}
	if err != nil {
		return badRequest(err)
	}

	requested := names
	var tasks []*pebble.Task
	switch body.Action {
	case "start":
		names, err = s.plan.StartOrder(names)
		tasks = s.startTasks(names)
	case "stop":
		names, err = s.plan.StopOrder(names)
		tasks = s.stopTasks(names)
	case "restart":
		var stops []string
		stops, err = s.stopSequence(names)
		if err == nil {
			names, err = s.plan.StartOrder(names)
			tasks = slices.Concat(s.stopTasks(stops), s.startTasks(names))
		}
	case "autostart":
		tasks = s.startTasks(names)
	case "replan":
		changed := s.changed()
		var stops []string
		stops, err = s.plan.StopOrder(changed)
		if err == nil {
			names, err = s.plan.StartOrder(slices.Concat(changed, names))
			requested = slices.Concat(names, stops)
			// What depends on a changed service stops with it, and stays so.
			tasks = slices.Concat(s.stopTasks(stops), s.startTasks(names))
		}
		if err == nil {
			s.startEnabledChecks()
		}
	default:
		return badRequest(fmt.Errorf("invalid action %q", body.Action))
	}
	if err != nil {
		return badRequest(fmt.Errorf("cannot %s services: %w", body.Action, err))
	}
	id := s.record(body.Action, summary(body.Action, unique(slices.Concat(requested, names))), tasks)
	s.requested[id] = requested
	return accepted(id, nil)
}

// unique drops what was before.
func unique(names []string) []string {
	var kept []string
	for _, name := range names {
		if !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// summary describes a change of services.
func summary(action string, names []string) string {
	verb := strings.ToUpper(action[:1]) + action[1:]
	switch len(names) {
	case 0:
		return verb + " - no services"
	case 1:
		return fmt.Sprintf("%s service %q", verb, names[0])
	default:
		return fmt.Sprintf("%s service %q and %d more", verb, names[0], len(names)-1)
	}
}

func (s *Server) enabled() []string {
	var names []string
	for name, config := range s.plan.Services {
		if config.Startup == pebble.StartupEnabled {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// changed returns the services that were started with another configuration
// than the plan has now.
func (s *Server) changed() []string {
	var names []string
	for name, config := range s.plan.Services {
		if service := s.services[name]; service != nil && service.config != nil && !reflect.DeepEqual(service.config, config) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// stopSequence orders names, without those that require them.
func (s *Server) stopSequence(names []string) ([]string, error) {
	lanes, err := s.plan.Lanes(slices.Compact(slices.Sorted(slices.Values(names))))
	for _, lane := range lanes {
		slices.Reverse(lane)
	}
	return slices.Concat(lanes...), err
}

func (s *Server) startTasks(names []string) []*pebble.Task {
	var tasks []*pebble.Task
	var held []string
	for _, name := range names {
		task := s.task("start", name)
		tasks = append(tasks, task)
		config := s.plan.Services[name]
		if slices.ContainsFunc(config.Requires, func(required string) bool { return slices.Contains(held, required) }) {
			task.Status = "Hold"
			held = append(held, name)
			continue
		}
		if known := s.services[name]; known != nil && known.status == pebble.ServiceActive {
			task.Log = []string{s.logLine("INFO", "Service %q already started.", name)}
			known.config = config.Copy()
			continue
		}
		started := &service{status: pebble.ServiceActive, since: s.now(), config: config.Copy(), starts: 1}
		if known := s.services[name]; known != nil {
			started.starts += known.starts
		}
		s.services[name] = started
		if code, fails := s.failing[name]; fails {
			next := s.exitQuickly(task, name, config, code)
			started.status = next
			started.backOff(started.since)
			held = append(held, name)
		}
	}
	return tasks
}

// exitQuickly fails the task of starting a service whose command ends at once,
// and returns what becomes of the service.
func (s *Server) exitQuickly(task *pebble.Task, name string, config *pebble.Service, code int) pebble.ServiceStatus {
	action, next := afterExit(config, code)
	task.Status = "Error"
	task.Log = []string{
		s.logLine("INFO", "Most recent service output:\n    %s", s.newestOutput(name)),
		s.logLine("ERROR", "service start attempt: exited quickly with code %d, will %s", code, action),
	}
	return next
}

// afterExit says what is done when a service's command ends with code, and what
// becomes of the service.
func afterExit(config *pebble.Service, code int) (action string, next pebble.ServiceStatus) {
	action = config.OnFailure
	if code == 0 {
		action = config.OnSuccess
	}
	switch {
	case action == "" || action == "restart":
		return "restart", pebble.ServiceBackoff
	case code == 0 && action == "ignore":
		return action, pebble.ServiceInactive
	default:
		return action, pebble.ServiceError
	}
}

// newestOutput returns the newest lines that a service wrote, as the log of a
// task has them.
func (s *Server) newestOutput(name string) string {
	const shown = 20
	var lines []string
	for _, e := range s.logs {
		if e.Service == name {
			lines = append(lines, e.Message)
		}
	}
	if len(lines) > shown {
		lines = append([]string{"(...)"}, lines[len(lines)-shown:]...)
	}
	return strings.Join(lines, "\n    ")
}

func (s *Server) stopTasks(names []string) []*pebble.Task {
	var tasks []*pebble.Task
	for _, name := range names {
		task := s.task("stop", name)
		switch service := s.services[name]; {
		case service.running():
			service.status, service.since = pebble.ServiceInactive, s.now()
		case service != nil && service.status == pebble.ServiceError:
			service.status, service.since = pebble.ServiceInactive, s.now()
			task.Log = []string{s.logLine("INFO", "Service %q had already exited.", name)}
		case service == nil || service.config == nil:
			task.Log = []string{s.logLine("INFO", "Service %q has never been started.", name)}
		default:
			task.Log = []string{s.logLine("INFO", "Service %q already stopped.", name)}
		}
		tasks = append(tasks, task)
	}
	return tasks
}

func (s *Server) sendSignal(c *call) response {
	var body struct {
		Signal   string   `json:"signal"`
		Services []string `json:"services"`
	}
	if err := c.decode("request body", &body); err != nil {
		return badRequest(err)
	}
	c.summary = strings.Join(append([]string{"signal", body.Signal}, body.Services...), " ")
	if len(body.Services) == 0 {
		return badRequest(errors.New("must specify one or more services"))
	}
	var problems []string
	for _, name := range body.Services {
		switch service := s.services[name]; {
		case service == nil || service.status != pebble.ServiceActive:
			problems = append(problems, fmt.Sprintf("cannot send signal to %q: service is not running", name))
		case unix.SignalNum(body.Signal) == 0:
			problems = append(problems, fmt.Sprintf("cannot send signal to %q: invalid signal name %q", name, body.Signal))
		}
	}
	if len(problems) > 0 {
		return failed(http.StatusInternalServerError, "", errors.New(strings.Join(problems, "; ")))
	}
	return result(true)
}

// loadServices takes the services that state lists.
func (s *Server) loadServices(state *State) {
	s.services = map[string]*service{}
	s.failing = maps.Clone(state.FailingServices)
	for name, config := range state.StartedServices {
		if _, ok := state.ServiceStatuses[name]; !ok && config != nil {
			s.services[name] = &service{status: pebble.ServiceInactive, since: s.now(), config: config.Copy()}
		}
	}
	for name, status := range state.ServiceStatuses {
		config := state.StartedServices[name]
		if config == nil && status != pebble.ServiceInactive {
			config = s.plan.Services[name]
		}
		if config != nil {
			config = config.Copy()
		}
		s.services[name] = &service{status: status, since: s.now(), config: config}
		if config != nil {
			s.services[name].starts = 1
		}
	}
}

// storeServices puts the services into state.
func (s *Server) storeServices(state *State) {
	state.FailingServices = maps.Clone(s.failing)
	for name, service := range s.services {
		if state.ServiceStatuses == nil {
			state.ServiceStatuses = map[string]pebble.ServiceStatus{}
		}
		state.ServiceStatuses[name] = service.status
		if service.config == nil {
			continue
		}
		if service.status == pebble.ServiceInactive || !reflect.DeepEqual(service.config, s.plan.Services[name]) {
			if state.StartedServices == nil {
				state.StartedServices = map[string]*pebble.Service{}
			}
			state.StartedServices[name] = service.config.Copy()
		}
	}
}
