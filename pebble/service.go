package pebble

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Override says how an object of a layer joins the object of the same name in
// the layers below.
type Override string

// The values of Override. There is no default.
const (
	OverrideMerge   Override = "merge"
	OverrideReplace Override = "replace"
)

// Service is a service's configuration in a [Layer] or [Plan]. Zero values and
// nil pointers are unset. Fields that Pebble may have and this package does not
// know are kept in Extra.
type Service struct {
	Summary     string   `yaml:"summary,omitempty"`
	Description string   `yaml:"description,omitempty"`
	Startup     Startup  `yaml:"startup,omitempty"`
	Override    Override `yaml:"override,omitempty"`
	// Command is split into words without a shell; words in [ … ] at the end
	// are defaults that exec may replace.
	Command     string            `yaml:"command,omitempty"`
	After       []string          `yaml:"after,omitempty"`
	Before      []string          `yaml:"before,omitempty"`
	Requires    []string          `yaml:"requires,omitempty"`
	Environment map[string]string `yaml:"environment,omitempty"`
	UserID      *int              `yaml:"user-id,omitempty"`
	User        string            `yaml:"user,omitempty"`
	GroupID     *int              `yaml:"group-id,omitempty"`
	Group       string            `yaml:"group,omitempty"`
	WorkingDir  string            `yaml:"working-dir,omitempty"`
	// OnSuccess and OnFailure say what follows when the command ends:
	// restart (the default), shutdown, ignore, and failure-shutdown or
	// success-shutdown.
	OnSuccess string `yaml:"on-success,omitempty"`
	OnFailure string `yaml:"on-failure,omitempty"`
	// OnCheckFailure says the same for checks that go down, by check. The
	// default is ignore.
	OnCheckFailure map[string]string `yaml:"on-check-failure,omitempty"`
	// BackoffDelay is the first pause before a restart, 500ms by default;
	// each further one is BackoffFactor (2) times as long, up to BackoffLimit
	// (30s).
	BackoffDelay  *Duration `yaml:"backoff-delay,omitempty"`
	BackoffFactor *Factor   `yaml:"backoff-factor,omitempty"`
	BackoffLimit  *Duration `yaml:"backoff-limit,omitempty"`
	// KillDelay is how long the service may take to end after SIGTERM: 5s by
	// default.
	KillDelay *Duration      `yaml:"kill-delay,omitempty"`
	Extra     map[string]any `yaml:",inline"`
}

// Factor is a floating-point number in a layer or plan.
type Factor float64

// UnmarshalYAML reads f from a scalar.
func (f *Factor) UnmarshalYAML(node *yaml.Node) error {
	var number float64
	if err := node.Decode(&number); err != nil {
		return fmt.Errorf("invalid floating-point number %q", node.Value)
	}
	*f = Factor(number)
	return nil
}

// Copy returns a copy that shares nothing with s.
func (s *Service) Copy() *Service {
	c := *s
	c.After, c.Before, c.Requires = slices.Clone(s.After), slices.Clone(s.Before), slices.Clone(s.Requires)
	c.Environment, c.OnCheckFailure = maps.Clone(s.Environment), maps.Clone(s.OnCheckFailure)
	c.UserID, c.GroupID = clonePointer(s.UserID), clonePointer(s.GroupID)
	c.BackoffDelay, c.BackoffLimit = clonePointer(s.BackoffDelay), clonePointer(s.BackoffLimit)
	c.BackoffFactor, c.KillDelay = clonePointer(s.BackoffFactor), clonePointer(s.KillDelay)
	c.Extra = copyExtra(s.Extra)
	return &c
}

// Merge returns s with newer merged onto it, as Pebble does for override:
// merge. Lists are appended to, maps updated, and s's own override stays.
func (s *Service) Merge(newer *Service) *Service {
	m, n := s.Copy(), newer.Copy()
	setIf(&m.Summary, n.Summary)
	setIf(&m.Description, n.Description)
	setIf(&m.Startup, n.Startup)
	setIf(&m.Command, n.Command)
	m.After = append(m.After, n.After...)
	m.Before = append(m.Before, n.Before...)
	m.Requires = append(m.Requires, n.Requires...)
	m.Environment = update(m.Environment, n.Environment)
	setIf(&m.UserID, n.UserID)
	setIf(&m.User, n.User)
	setIf(&m.GroupID, n.GroupID)
	setIf(&m.Group, n.Group)
	setIf(&m.WorkingDir, n.WorkingDir)
	setIf(&m.OnSuccess, n.OnSuccess)
	setIf(&m.OnFailure, n.OnFailure)
	m.OnCheckFailure = update(m.OnCheckFailure, n.OnCheckFailure)
	setIf(&m.BackoffDelay, n.BackoffDelay)
	setIf(&m.BackoffFactor, n.BackoffFactor)
	setIf(&m.BackoffLimit, n.BackoffLimit)
	setIf(&m.KillDelay, n.KillDelay)
	m.Extra = update(m.Extra, n.Extra)
	return m
}

// Equal reports whether s and other mean the same: unset fields equal their
// defaults, and nil lists and maps empty ones.
func (s *Service) Equal(other *Service) bool {
	if s == nil || other == nil {
		return s == other
	}
	return reflect.DeepEqual(s.withDefaults(), other.withDefaults())
}

func (s *Service) withDefaults() *Service {
	c := s.Copy()
	setDefault(&c.Startup, StartupDisabled)
	setDefault(&c.OnSuccess, "restart")
	setDefault(&c.OnFailure, "restart")
	setDefaultDuration(&c.BackoffDelay, 500*time.Millisecond)
	setDefaultDuration(&c.BackoffLimit, 30*time.Second)
	setDefaultDuration(&c.KillDelay, 5*time.Second)
	if c.BackoffFactor == nil {
		factor := Factor(2)
		c.BackoffFactor = &factor
	}
	for _, list := range []*[]string{&c.After, &c.Before, &c.Requires} {
		*list = append([]string{}, *list...)
	}
	c.Environment = update(map[string]string{}, c.Environment)
	c.OnCheckFailure = update(map[string]string{}, c.OnCheckFailure)
	c.Extra = update(map[string]any{}, c.Extra)
	return c
}

// validate checks what Pebble checks in a layer.
func (s *Service) validate(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("cannot use empty string as service name")
	case name == "pebble":
		return fmt.Errorf("cannot use reserved service name %q", name)
	case strings.HasPrefix(name, "-"):
		return fmt.Errorf("cannot use service name %q: starting with \"-\" not allowed", name)
	case s == nil:
		return fmt.Errorf("service object cannot be null for service %q", name)
	}
	if _, err := splitCommand(s.Command); err != nil {
		return fmt.Errorf("plan service %q command invalid: cannot parse service %q command: %w", name, name, err)
	}
	if !slices.Contains([]string{"", "restart", "shutdown", "failure-shutdown", "ignore"}, s.OnSuccess) {
		return fmt.Errorf("plan service %q on-success action %q invalid", name, s.OnSuccess)
	}
	if !slices.Contains([]string{"", "restart", "shutdown", "success-shutdown", "ignore"}, s.OnFailure) {
		return fmt.Errorf("plan service %q on-failure action %q invalid", name, s.OnFailure)
	}
	for _, check := range slices.Sorted(maps.Keys(s.OnCheckFailure)) {
		action := s.OnCheckFailure[check]
		if !slices.Contains([]string{"", "restart", "shutdown", "success-shutdown", "ignore"}, action) {
			return fmt.Errorf("plan service %q on-check-failure action %q invalid", name, action)
		}
	}
	if s.BackoffFactor != nil && *s.BackoffFactor < 1 {
		return fmt.Errorf("plan service %q backoff-factor must be 1.0 or greater, not %g", name, *s.BackoffFactor)
	}
	return nil
}
