package pebbletest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/pebble"
)

// metrics handles GET /v1/metrics: services that were started once, and checks.
func (s *Server) metrics(c *call) response {
	c.summary = "metrics"
	var text strings.Builder
	write := func(name, help, kind, label, of string, value int) {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s %s\n%s{%s=%q} %d\n\n", name, help, name, kind, name, label, of, value)
	}
	oneIf := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		service := s.services[name]
		if service.starts == 0 {
			continue
		}
		write("pebble_service_active", "Whether the service is currently active (1) or not (0)", "gauge", "service", name, oneIf(service.status == pebble.ServiceActive))
		write("pebble_service_start_count", "Number of times the service has started", "counter", "service", name, service.starts)
	}
	for _, name := range slices.Sorted(maps.Keys(s.checks)) {
		info := s.checks[name]
		if info.Status != pebble.CheckInactive {
			write("pebble_check_up", "Whether the health check is up (1) or not (0)", "gauge", "check", name, oneIf(info.Status == pebble.CheckUp))
		}
		write("pebble_check_success_count", "Number of times the check has succeeded", "counter", "check", name, *info.Successes)
		write("pebble_check_failure_count", "Number of times the check has failed", "counter", "check", name, info.Failures)
	}
	r := response{code: http.StatusOK, body: []byte(text.String())}
	if text.Len() > 0 {
		r.contentType = "text/plain; charset=utf-8"
	}
	return r
}
