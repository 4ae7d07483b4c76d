package pebble

import (
	"fmt"
	"maps"
	"reflect"
	"time"
)

// Check is a health check's configuration in a [Layer] or [Plan]. Zero values
// and nil pointers are unset. A plan's check has one of HTTP, TCP and Exec.
type Check struct {
	Override Override   `yaml:"override,omitempty"`
	Level    CheckLevel `yaml:"level,omitempty"`
	Startup  Startup    `yaml:"startup,omitempty"`
	// Period is the time between two runs, 10s by default.
	Period *Duration `yaml:"period,omitempty"`
	// Timeout is how long a run may take, 3s by default and no longer than
	// Period.
	Timeout *Duration `yaml:"timeout,omitempty"`
	// Threshold is how many failures in a row bring the check down, 3 by
	// default.
	Threshold int            `yaml:"threshold,omitempty"`
	HTTP      *HTTPCheck     `yaml:"http,omitempty"`
	TCP       *TCPCheck      `yaml:"tcp,omitempty"`
	Exec      *ExecCheck     `yaml:"exec,omitempty"`
	Extra     map[string]any `yaml:",inline"`
}

// HTTPCheck succeeds when a GET of URL is answered with a 2xx status.
type HTTPCheck struct {
	URL     string            `yaml:"url,omitempty"`
	Headers map[string]string `yaml:"headers,omitempty"`
	Extra   map[string]any    `yaml:",inline"`
}

// TCPCheck succeeds when Port can be connected to. Host is localhost by
// default.
type TCPCheck struct {
	Port  int            `yaml:"port,omitempty"`
	Host  string         `yaml:"host,omitempty"`
	Extra map[string]any `yaml:",inline"`
}

// ExecCheck succeeds when Command ends with exit code 0.
type ExecCheck struct {
	Command string `yaml:"command,omitempty"`
	// ServiceContext names the service whose environment, user and working
	// directory the command has.
	ServiceContext string            `yaml:"service-context,omitempty"`
	Environment    map[string]string `yaml:"environment,omitempty"`
	UserID         *int              `yaml:"user-id,omitempty"`
	User           string            `yaml:"user,omitempty"`
	GroupID        *int              `yaml:"group-id,omitempty"`
	Group          string            `yaml:"group,omitempty"`
	WorkingDir     string            `yaml:"working-dir,omitempty"`
	Extra          map[string]any    `yaml:",inline"`
}

const (
	defaultCheckPeriod    = 10 * time.Second
	defaultCheckTimeout   = 3 * time.Second
	defaultCheckThreshold = 3
)

// Copy returns a copy that shares nothing with c.
func (c *Check) Copy() *Check {
	n := *c
	n.Period, n.Timeout = clonePointer(c.Period), clonePointer(c.Timeout)
	if n.HTTP = clonePointer(c.HTTP); n.HTTP != nil {
		n.HTTP.Headers, n.HTTP.Extra = maps.Clone(c.HTTP.Headers), copyExtra(c.HTTP.Extra)
	}
	if n.TCP = clonePointer(c.TCP); n.TCP != nil {
		n.TCP.Extra = copyExtra(c.TCP.Extra)
	}
	if n.Exec = clonePointer(c.Exec); n.Exec != nil {
		n.Exec.Environment, n.Exec.Extra = maps.Clone(c.Exec.Environment), copyExtra(c.Exec.Extra)
		n.Exec.UserID, n.Exec.GroupID = clonePointer(c.Exec.UserID), clonePointer(c.Exec.GroupID)
	}
	n.Extra = copyExtra(c.Extra)
	return &n
}

// Merge returns c with newer merged onto it, as Pebble does for override:
// merge. Maps are updated, and c's own override stays.
func (c *Check) Merge(newer *Check) *Check {
	m, n := c.Copy(), newer.Copy()
	setIf(&m.Level, n.Level)
	setIf(&m.Startup, n.Startup)
	setIf(&m.Period, n.Period)
	setIf(&m.Timeout, n.Timeout)
	setIf(&m.Threshold, n.Threshold)
	switch {
	case m.HTTP == nil:
		m.HTTP = n.HTTP
	case n.HTTP != nil:
		setIf(&m.HTTP.URL, n.HTTP.URL)
		m.HTTP.Headers = update(m.HTTP.Headers, n.HTTP.Headers)
		m.HTTP.Extra = update(m.HTTP.Extra, n.HTTP.Extra)
	}
	switch {
	case m.TCP == nil:
		m.TCP = n.TCP
	case n.TCP != nil:
		setIf(&m.TCP.Port, n.TCP.Port)
		setIf(&m.TCP.Host, n.TCP.Host)
		m.TCP.Extra = update(m.TCP.Extra, n.TCP.Extra)
	}
	switch {
	case m.Exec == nil:
		m.Exec = n.Exec
	case n.Exec != nil:
		m.Exec.merge(n.Exec)
	}
	m.Extra = update(m.Extra, n.Extra)
	return m
}

func (e *ExecCheck) merge(newer *ExecCheck) {
	setIf(&e.Command, newer.Command)
	setIf(&e.ServiceContext, newer.ServiceContext)
	e.Environment = update(e.Environment, newer.Environment)
	setIf(&e.UserID, newer.UserID)
	setIf(&e.User, newer.User)
	setIf(&e.GroupID, newer.GroupID)
	setIf(&e.Group, newer.Group)
	setIf(&e.WorkingDir, newer.WorkingDir)
	e.Extra = update(e.Extra, newer.Extra)
}

// Equal reports whether c and other mean the same: unset fields equal their
// defaults, and nil maps empty ones.
func (c *Check) Equal(other *Check) bool {
	if c == nil || other == nil {
		return c == other
	}
	return reflect.DeepEqual(c.withDefaults(), other.withDefaults())
}

func (c *Check) withDefaults() *Check {
	n := c.Copy()
	setDefault(&n.Startup, StartupEnabled)
	setDefault(&n.Threshold, defaultCheckThreshold)
	setDefaultDuration(&n.Period, defaultCheckPeriod)
	setDefaultDuration(&n.Timeout, defaultCheckTimeout)
	n.capTimeout()
	if n.HTTP != nil {
		n.HTTP.Headers = update(map[string]string{}, n.HTTP.Headers)
		n.HTTP.Extra = update(map[string]any{}, n.HTTP.Extra)
	}
	if n.TCP != nil {
		n.TCP.Extra = update(map[string]any{}, n.TCP.Extra)
	}
	if n.Exec != nil {
		n.Exec.Environment = update(map[string]string{}, n.Exec.Environment)
		n.Exec.Extra = update(map[string]any{}, n.Exec.Extra)
	}
	n.Extra = update(map[string]any{}, n.Extra)
	return n
}

// capTimeout keeps the timeout within the period.
func (c *Check) capTimeout() {
	period := Duration(defaultCheckPeriod)
	if c.Period != nil {
		period = *c.Period
	}
	if c.Timeout != nil && *c.Timeout > period {
		c.Timeout = &period
	}
}

// validate checks what Pebble checks in a layer.
func (c *Check) validate(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("cannot use empty string as check name")
	case c == nil:
		return fmt.Errorf("check object cannot be null for check %q", name)
	case c.Level != "" && c.Level != LevelAlive && c.Level != LevelReady:
		return fmt.Errorf("plan check %q level must be \"alive\" or \"ready\"", name)
	case c.Startup != "" && c.Startup != StartupEnabled && c.Startup != StartupDisabled:
		return fmt.Errorf("plan check %q startup must be \"enabled\" or \"disabled\"", name)
	case c.Period != nil && *c.Period == 0:
		return fmt.Errorf("plan check %q period must not be zero", name)
	case c.Timeout != nil && *c.Timeout == 0:
		return fmt.Errorf("plan check %q timeout must not be zero", name)
	}
	if c.Exec != nil {
		if _, err := splitWords(c.Exec.Command); err != nil {
			return fmt.Errorf("plan check %q command invalid: %w", name, err)
		}
	}
	return nil
}

// validateCombined checks what Pebble checks in a plan.
func (c *Check) validateCombined(name string, services map[string]*Service) error {
	switch {
	case c.kinds() != 1:
		return fmt.Errorf("plan must specify one of \"http\", \"tcp\", or \"exec\" for check %q", name)
	case c.HTTP != nil && c.HTTP.URL == "":
		return fmt.Errorf("plan must set \"url\" for http check %q", name)
	case c.TCP != nil && c.TCP.Port == 0:
		return fmt.Errorf("plan must set \"port\" for tcp check %q", name)
	case c.Exec != nil && c.Exec.Command == "":
		return fmt.Errorf("plan must set \"command\" for exec check %q", name)
	}
	if c.Exec != nil && c.Exec.ServiceContext != "" && services[c.Exec.ServiceContext] == nil {
		return fmt.Errorf("plan check %q service context specifies non-existent service %q", name, c.Exec.ServiceContext)
	}
	return nil
}

func (c *Check) kinds() int {
	n := 0
	for _, set := range []bool{c.HTTP != nil, c.TCP != nil, c.Exec != nil} {
		if set {
			n++
		}
	}
	return n
}
