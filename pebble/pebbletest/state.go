package pebbletest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"gopkg.in/yaml.v3"
)

// State is a workload container: what a simulated Pebble starts from, and what
// it leaves behind. The terms are those of ops.testing's Container. Its YAML
// refuses keys that it does not know.
type State struct {
	// Name is the container's name.
	Name string `yaml:"name,omitempty"`
	// CanConnect is whether there is a daemon; nil means that there is.
	CanConnect *bool `yaml:"can_connect,omitempty"`
	// Layers are the layers of the plan, the lowest first.
	Layers Layers `yaml:"layers,omitempty"`
	// ServiceStatuses says what services do. One that is not listed is
	// inactive and was never started.
	ServiceStatuses map[string]pebble.ServiceStatus `yaml:"service_statuses,omitempty"`
	// StartedServices holds, for services that were started and whose
	// configuration in the plan is another now, the one that they were
	// started with. A replan restarts them.
	StartedServices map[string]*pebble.Service `yaml:"started_services,omitempty"`
	// FailingServices are those whose command ends as soon as it is started,
	// with the exit code.
	FailingServices map[string]int `yaml:"failing_services,omitempty"`
	// Files are the container's files, by absolute path. The directories
	// above them exist.
	Files map[string]*File `yaml:"files,omitempty"`
	// CheckInfos are the states of checks. A check of the plan that is not
	// listed is up, or inactive if its startup is disabled.
	CheckInfos []*CheckInfo `yaml:"check_infos,omitempty"`
	Notices    []*Notice    `yaml:"notices,omitempty"`
	// Logs are the lines that services wrote.
	Logs []*Log `yaml:"logs,omitempty"`
	// Execs are the commands that the container has.
	Execs []*Exec `yaml:"execs,omitempty"`
	// Identities are those that the daemon knows, by name.
	Identities map[string]*pebble.Identity `yaml:"identities,omitempty"`
}

// Layers are layers by label, in order.
type Layers []pebble.LabeledLayer

// CheckInfo is the state of a check.
type CheckInfo struct {
	Name      string             `yaml:"name"`
	Level     pebble.CheckLevel  `yaml:"level,omitempty"`
	Startup   pebble.Startup     `yaml:"startup,omitempty"`
	Status    pebble.CheckStatus `yaml:"status,omitempty"`
	Successes *int               `yaml:"successes,omitempty"`
	Failures  int                `yaml:"failures,omitempty"`
	// Threshold is 3 when 0.
	Threshold int    `yaml:"threshold,omitempty"`
	ChangeID  string `yaml:"change_id,omitempty"`
}

// Notice is a notice that the daemon keeps.
type Notice struct {
	Key string `yaml:"key"`
	// ID is the next free number when it is "".
	ID     string `yaml:"id,omitempty"`
	UserID *int   `yaml:"user_id,omitempty"`
	// Type is custom when it is "".
	Type string `yaml:"type,omitempty"`
	// The times are the server's clock when they are zero.
	FirstOccurred time.Time `yaml:"first_occurred,omitempty"`
	LastOccurred  time.Time `yaml:"last_occurred,omitempty"`
	LastRepeated  time.Time `yaml:"last_repeated,omitempty"`
	// Occurrences is 1 when it is 0.
	Occurrences int               `yaml:"occurrences,omitempty"`
	LastData    map[string]string `yaml:"last_data,omitempty"`
	RepeatAfter pebble.Duration   `yaml:"repeat_after,omitempty"`
	// ExpireAfter is 7 days when it is 0.
	ExpireAfter pebble.Duration `yaml:"expire_after,omitempty"`
}

// Reachable reports whether there is a daemon.
func (s *State) Reachable() bool { return s.CanConnect == nil || *s.CanConnect }

// Validate reports the first thing in s that no container can be.
func (s *State) Validate() error {
	seen := map[string]bool{}
	for _, l := range s.Layers {
		if seen[l.Label] {
			return fmt.Errorf("container %q has two layers %q", s.Name, l.Label)
		}
		seen[l.Label] = true
		if l.Layer == nil {
			return fmt.Errorf("container %q: layer %q is null", s.Name, l.Label)
		}
		if err := l.Layer.Validate(); err != nil {
			return fmt.Errorf("container %q, layer %q: %w", s.Name, l.Label, err)
		}
	}
	if _, err := pebble.CombineLayers(s.Layers); err != nil {
		return fmt.Errorf("container %q: %w", s.Name, err)
	}
	statuses := []pebble.ServiceStatus{pebble.ServiceActive, pebble.ServiceInactive, pebble.ServiceBackoff, pebble.ServiceError}
	for _, name := range slices.Sorted(maps.Keys(s.ServiceStatuses)) {
		if status := s.ServiceStatuses[name]; !slices.Contains(statuses, status) {
			return fmt.Errorf("container %q: service %q has status %q, want active, inactive, backoff or error", s.Name, name, status)
		}
	}
	for _, info := range s.CheckInfos {
		if info == nil || info.Name == "" {
			return fmt.Errorf("container %q has a check info without a name", s.Name)
		}
		if !slices.Contains([]pebble.CheckStatus{"", pebble.CheckUp, pebble.CheckDown, pebble.CheckInactive}, info.Status) {
			return fmt.Errorf("container %q: check %q has status %q, want up, down or inactive", s.Name, info.Name, info.Status)
		}
	}
	for _, notice := range s.Notices {
		if notice == nil || notice.Key == "" {
			return fmt.Errorf("container %q has a notice without a key", s.Name)
		}
	}
	for _, l := range s.Logs {
		if l == nil || l.Service == "" || l.Time.Year() < 0 || l.Time.Year() > 9999 {
			return fmt.Errorf("container %q has a log without a service, or whose time cannot be", s.Name)
		}
	}
	for _, exec := range s.Execs {
		if exec == nil {
			return fmt.Errorf("container %q has an exec that is null", s.Name)
		}
		if err := exec.validate(); err != nil {
			return fmt.Errorf("container %q: %w", s.Name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Identities)) {
		identity := s.Identities[name]
		if identity == nil {
			return fmt.Errorf("container %q: identity %q is null", s.Name, name)
		}
		if err := validateIdentity(identity); err != nil {
			return fmt.Errorf("container %q: identity %q: %w", s.Name, name, err)
		}
	}
	if err := validateIdentities(s.Identities); err != nil {
		return fmt.Errorf("container %q: %w", s.Name, err)
	}
	_, err := newTree(s.Files, time.Time{})
	if err != nil {
		return fmt.Errorf("container %q: %w", s.Name, err)
	}
	return nil
}

// UnmarshalYAML reads layers from a map, in its order.
func (l *Layers) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: layers must be a map of labels to layers", node.Line)
	}
	*l = nil
	for i := 0; i+1 < len(node.Content); i += 2 {
		label := node.Content[i].Value
		text, err := yaml.Marshal(node.Content[i+1])
		if err != nil {
			return fmt.Errorf("line %d: layer %q: %w", node.Content[i].Line, label, err)
		}
		layer, err := parseLayer(label, string(text))
		if err != nil {
			return fmt.Errorf("line %d: layer %q: %w", node.Content[i].Line, label, err)
		}
		*l = append(*l, pebble.LabeledLayer{Label: label, Layer: layer})
	}
	return nil
}

// MarshalYAML writes layers as a map.
func (l Layers) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, layer := range l {
		var value yaml.Node
		if err := value.Encode(layer.Layer); err != nil {
			return nil, err
		}
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: layer.Label}, &value)
	}
	return node, nil
}

// ParseState parses a State's YAML and validates it. A key that it does not
// know is an error that names its line.
func ParseState(text []byte) (*State, error) {
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	var s State
	if err := decoder.Decode(&s); err != nil && err != io.EOF {
		return nil, fmt.Errorf("cannot parse container: %w", err)
	}
	return &s, s.Validate()
}
