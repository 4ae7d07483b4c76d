package pebble

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ServiceStatus is what a service does now.
type ServiceStatus string

// The values of [ServiceInfo.Current].
const (
	ServiceActive   ServiceStatus = "active"
	ServiceInactive ServiceStatus = "inactive"
	// ServiceBackoff: it ended and is waiting to be started again.
	ServiceBackoff ServiceStatus = "backoff"
	// ServiceError: it ended and is not started again.
	ServiceError ServiceStatus = "error"
)

// Startup says whether a service or check starts by itself.
type Startup string

// The values of Startup. Unset means disabled for a service and enabled for a
// check.
const (
	StartupEnabled  Startup = "enabled"
	StartupDisabled Startup = "disabled"
)

// ServiceInfo is a service's state.
type ServiceInfo struct {
	Name    string        `json:"name"`
	Startup Startup       `json:"startup"`
	Current ServiceStatus `json:"current"`
	// CurrentSince is when Current became what it is, zero if it never
	// changed.
	CurrentSince time.Time `json:"current-since,omitzero"`
}

// Running reports whether the service is active.
func (s *ServiceInfo) Running() bool { return s.Current == ServiceActive }

// Services returns the state of the named services, or of all when there are
// no names, sorted by name. Names that the plan does not have are left out.
func (c *Client) Services(ctx context.Context, names ...string) ([]*ServiceInfo, error) {
	query := url.Values{}
	if len(names) > 0 {
		query.Set("names", strings.Join(names, ","))
	}
	var infos []*ServiceInfo
	if err := c.sync(ctx, request{method: http.MethodGet, path: "/v1/services", query: query}, &infos); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(infos, func(info *ServiceInfo) bool { return info == nil }), nil
}

// Start starts services, and those that they require, and returns the id of
// the change. One that runs already stays as it is; one that ends within a
// second is a [ChangeError].
func (c *Client) Start(ctx context.Context, names []string, o WaitOptions) (string, error) {
	return c.serviceAction(ctx, "start", names, o)
}

// Stop stops services, and those that require them, and returns the id of the
// change.
func (c *Client) Stop(ctx context.Context, names []string, o WaitOptions) (string, error) {
	return c.serviceAction(ctx, "stop", names, o)
}

// Restart stops services and starts them, and those that they require, and
// returns the id of the change. It waits for processes that were told to end
// before and have not.
func (c *Client) Restart(ctx context.Context, names []string, o WaitOptions) (string, error) {
	return c.serviceAction(ctx, "restart", names, o)
}

// Replan restarts the services whose configuration changed since they were
// started, starts those whose startup is enabled, and returns the id of the
// change.
func (c *Client) Replan(ctx context.Context, o WaitOptions) (string, error) {
	return c.serviceAction(ctx, "replan", nil, o)
}

// Autostart starts the services whose startup is enabled and returns the id of
// the change. None being enabled is an [APIError].
func (c *Client) Autostart(ctx context.Context, o WaitOptions) (string, error) {
	return c.serviceAction(ctx, "autostart", nil, o)
}

// serviceAction sends an action and waits for its change. Pebble refuses to
// start a service whose former process has been told to end and has not, after
// a stop that nobody waited for until its end: then the action is sent again, as
// long as the timeout allows.
func (c *Client) serviceAction(ctx context.Context, action string, names []string, o WaitOptions) (string, error) {
	if o.Timeout == 0 {
		o.Timeout = defaultWait
	}
	begin, delay, left := time.Now(), defaultDelay, o
	for {
		id, err := c.async(ctx, request{
			method: http.MethodPost,
			path:   "/v1/services",
			body:   map[string]any{"action": action, "services": append([]string{}, names...)},
		})
		if err != nil {
			return "", err
		}
		err = c.finish(ctx, id, left)
		if !isTerminating(err) {
			return id, c.withOutput(ctx, err)
		}
		if o.Timeout > 0 {
			if left.Timeout = o.Timeout - time.Since(begin); left.Timeout <= delay {
				return id, err
			}
		}
		if pause(ctx, delay) != nil {
			return id, err
		}
		delay = min(2*delay, time.Second)
	}
}

// isTerminating reports whether all that failed are starts of services whose
// former processes have not ended.
func isTerminating(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Kind != ChangeError {
		return false
	}
	refused := strings.Count(e.Message, "(cannot start service while ")
	return refused > 0 && refused == strings.Count(e.Message, "\n- ")
}
