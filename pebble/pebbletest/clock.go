package pebbletest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/starcharm/starcharm/pebble"
)

// What happens by itself is done when somebody asks, as far as the clock has
// come by then: services that ended are started again, and checks run.

// catchUp does what should have happened by now.
func (s *Server) catchUp() {
	if s.broken != nil {
		return
	}
	now := s.now()
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		_, fails := s.failing[name]
		s.services[name].catchUp(now, fails)
	}
	for _, name := range slices.Sorted(maps.Keys(s.runs)) {
		s.runCheck(name, now)
	}
}

// EndService ends the process of a service that runs, with an exit code: what
// its configuration says for that happens.
func (s *Server) EndService(name string, code int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	service := s.services[name]
	if service == nil || service.status != pebble.ServiceActive || service.config == nil {
		return fmt.Errorf("cannot end service %q: it does not run", name)
	}
	service.end(s.now(), code)
	return nil
}

// SetFailing says with which code the command of a service ends whenever it is
// started from now on; nil means that it goes on.
func (s *Server) SetFailing(name string, code *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	if code == nil {
		delete(s.failing, name)
		return
	}
	if s.failing == nil {
		s.failing = map[string]int{}
	}
	s.failing[name] = *code
}

// SetCheckProblem says why a check fails each time that it runs from now on; ""
// means that it succeeds. It runs by the clock, once in its period.
func (s *Server) SetCheckProblem(name, problem string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	config := s.plan.Checks[name]
	if config == nil {
		return fmt.Errorf("cannot make check %q fail: the plan has no such check", name)
	}
	if s.runs[name] == nil {
		s.runs[name] = &checkRuns{next: s.now().Add(checkPeriod(config))}
	}
	s.runs[name].problem = problem
	return nil
}

// end is the end of a service's process.
func (s *service) end(now time.Time, code int) {
	_, s.status = afterExit(s.config, code)
	if now.Sub(s.since) >= backoffLimit(s.config) {
		s.backoff = 0
	}
	s.since = now
	s.backOff(now)
}

// backOff plans the next start of a service that is in backoff.
func (s *service) backOff(now time.Time) {
	if s.status != pebble.ServiceBackoff {
		return
	}
	if s.backoff == 0 {
		s.backoff = 500 * time.Millisecond
		if d := s.config.BackoffDelay; d != nil {
			s.backoff = time.Duration(*d)
		}
	} else {
		factor := 2.0
		if f := s.config.BackoffFactor; f != nil {
			factor = float64(*f)
		}
		s.backoff = time.Duration(float64(s.backoff) * factor)
	}
	s.backoff = max(min(s.backoff, backoffLimit(s.config)), time.Millisecond)
	s.retry = now.Add(s.backoff)
}

func (s *service) catchUp(now time.Time, fails bool) {
	for s.status == pebble.ServiceBackoff && !s.retry.IsZero() && !now.Before(s.retry) {
		s.starts++
		s.since = s.retry
		if !fails {
			s.status = pebble.ServiceActive
			return
		}
		last := s.backoff
		s.backOff(s.retry)
		if s.backoff == last {
			// The pauses do not grow any more; there may be very many.
			missed := max(0, now.Sub(s.retry)/last)
			s.starts, s.retry = s.starts+int(missed), s.retry.Add(missed*last)
		}
	}
}

// backoffLimit is the longest pause between two starts.
func backoffLimit(config *pebble.Service) time.Duration {
	if config.BackoffLimit != nil {
		return time.Duration(*config.BackoffLimit)
	}
	return 30 * time.Second
}

// checkRuns are the runs of a check whose outcome the test says.
type checkRuns struct {
	next    time.Time
	problem string
}

func checkPeriod(config *pebble.Check) time.Duration {
	if config.Period != nil && *config.Period > 0 {
		return time.Duration(*config.Period)
	}
	return 10 * time.Second
}

// runCheck does the runs of a check up to now.
func (s *Server) runCheck(name string, now time.Time) {
	runs, info, config := s.runs[name], s.checks[name], s.plan.Checks[name]
	if now.Before(runs.next) {
		return
	}
	count := int(now.Sub(runs.next)/checkPeriod(config)) + 1
	runs.next = runs.next.Add(time.Duration(count) * checkPeriod(config))
	switch {
	case info.Status == pebble.CheckInactive:
	case runs.problem != "":
		info.Failures += count
		if info.Status == pebble.CheckUp && info.Failures >= info.Threshold {
			s.turnCheck(info, config, pebble.CheckDown, runs.problem)
		}
	case info.Status == pebble.CheckDown:
		s.turnCheck(info, config, pebble.CheckUp, "")
		info.Failures = 0
		*info.Successes = count
	default:
		info.Failures = 0
		*info.Successes += count
	}
}

// turnCheck ends the change that runs a check and begins the next: one performs
// a check that is up, another recovers one that is down.
func (s *Server) turnCheck(info *pebble.CheckInfo, config *pebble.Check, status pebble.CheckStatus, problem string) {
	for _, change := range s.changes {
		if change.ID != info.ChangeID {
			continue
		}
		s.end(change)
		if problem != "" {
			task := change.Tasks[0]
			task.Log = []string{s.logLine("ERROR", "%s", problem)}
			task.Status, change.Status = "Error", "Error"
			change.Err = fmt.Sprintf("cannot perform the following tasks:\n- %s (%s)", task.Summary, problem)
		}
		s.notify(nil, pebble.NoticeChangeUpdate, change.ID, map[string]string{"kind": change.Kind, "check-name": info.Name}, 0)
	}
	change := s.newCheckChange(info.Name, config, status)
	info.Status, info.PrevChangeID, info.ChangeID = status, info.ChangeID, change.ID
	s.notify(nil, pebble.NoticeChangeUpdate, change.ID, map[string]string{"kind": change.Kind, "check-name": info.Name}, 0)
}
