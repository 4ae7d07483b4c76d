package pebble

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// LogTarget says where logs of services are sent, in a [Layer] or [Plan].
type LogTarget struct {
	// Type is loki, opentelemetry or syslog.
	Type     string `yaml:"type,omitempty"`
	Location string `yaml:"location,omitempty"`
	// Services are names, or all, each with a "-" before it to leave it out.
	// The last that fits a service counts.
	Services []string          `yaml:"services,omitempty"`
	Override Override          `yaml:"override,omitempty"`
	Labels   map[string]string `yaml:"labels,omitempty"`
	Extra    map[string]any    `yaml:",inline"`
}

// Copy returns a copy that shares nothing with t.
func (t *LogTarget) Copy() *LogTarget {
	c := *t
	c.Services, c.Labels, c.Extra = slices.Clone(t.Services), maps.Clone(t.Labels), copyExtra(t.Extra)
	return &c
}

// Merge returns t with newer merged onto it, as Pebble does for override:
// merge. Services are appended, labels updated, and t's own override stays.
func (t *LogTarget) Merge(newer *LogTarget) *LogTarget {
	m, n := t.Copy(), newer.Copy()
	setIf(&m.Type, n.Type)
	setIf(&m.Location, n.Location)
	m.Services = append(m.Services, n.Services...)
	m.Labels = update(m.Labels, n.Labels)
	m.Extra = update(m.Extra, n.Extra)
	return m
}

// Equal reports whether t and other mean the same: nil lists and maps equal
// empty ones.
func (t *LogTarget) Equal(other *LogTarget) bool {
	if t == nil || other == nil {
		return t == other
	}
	return reflect.DeepEqual(t.withDefaults(), other.withDefaults())
}

func (t *LogTarget) withDefaults() *LogTarget {
	c := t.Copy()
	c.Services = append([]string{}, c.Services...)
	c.Labels = update(map[string]string{}, c.Labels)
	c.Extra = update(map[string]any{}, c.Extra)
	return c
}

// validate checks what Pebble checks in a layer.
func (t *LogTarget) validate(name string) error {
	if t == nil {
		return fmt.Errorf("log target object cannot be null for log target %q", name)
	}
	if !slices.Contains([]string{"", "loki", "opentelemetry", "syslog"}, t.Type) {
		return fmt.Errorf("log target %q has unsupported type %q, must be \"loki\", \"opentelemetry\" or \"syslog\"", name, t.Type)
	}
	for _, label := range slices.Sorted(maps.Keys(t.Labels)) {
		if strings.HasPrefix(label, "pebble_") {
			return fmt.Errorf("log target %q: label %q uses reserved prefix \"pebble_\"", name, label)
		}
	}
	return nil
}

// validateCombined checks what Pebble checks in a plan.
func (t *LogTarget) validateCombined(name string, services map[string]*Service) error {
	switch {
	case t.Type == "":
		return fmt.Errorf("plan must define \"type\" (\"loki\", \"opentelemetry\" or \"syslog\") for log target %q", name)
	case t.Location == "":
		return fmt.Errorf("plan must define \"location\" for log target %q", name)
	}
	for _, service := range t.Services {
		service = strings.TrimPrefix(service, "-")
		if service != "all" && services[service] == nil {
			return fmt.Errorf("log target %q specifies unknown service %q", name, service)
		}
	}
	return nil
}
