package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// maxState is how large a state file may be.
const maxState = 16 << 20

// A State is the world before or after a hook: Juju, the containers, the
// machine, and what the charm keeps.
type State struct {
	Juju       modeltest.State     `yaml:",inline"`
	Containers []*pebbletest.State `yaml:"containers"`
	// Pebbles are those that are not a container's, by the path of the socket.
	Pebbles map[string]*pebbletest.State `yaml:"pebbles"`
	Machine machinetest.State            `yaml:",inline"`
	// StoredState holds the stored objects' values, by object and name.
	StoredState map[string]map[string]any `yaml:"stored_state"`
	Deferred    []Deferred                `yaml:"deferred"`
	// ConfigDigests are what event.changed_config compares with; nil before
	// the first config-changed.
	ConfigDigests map[string]string `yaml:"config_digests"`
	// SecretRemovals are revisions of secrets, by id, that are to be removed in
	// a later hook.
	SecretRemovals map[string][]int `yaml:"secret_removals"`
}

// Deferred is a deferred event.
type Deferred struct {
	Event        string         `yaml:"event"`
	Scope        string         `yaml:"scope,omitempty"`
	Handler      string         `yaml:"handler"`
	HandlerScope string         `yaml:"handler_scope,omitempty"`
	Data         map[string]any `yaml:"data,omitempty"`
}

// A StateError says why a state cannot be that of a unit of the charm.
type StateError struct{ Err error }

func (e *StateError) Error() string { return e.Err.Error() }
func (e *StateError) Unwrap() error { return e.Err }

// ReadStateFile reads a state file. The error names the line of a key that is
// unknown, and the nearest one.
func ReadStateFile(path string) (*State, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // not to wait for the writer of a FIFO
	if err != nil {
		return nil, fmt.Errorf("cannot read the state: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, fmt.Errorf("cannot read the state: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read the state: %s is not a regular file", path)
	}
	s, err := ReadState(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ReadState reads the text of a state file.
func ReadState(r io.Reader) (*State, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxState+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the state: %w", err)
	}
	if len(text) > maxState {
		return nil, fmt.Errorf("cannot read the state: it is larger than %d MiB", maxState>>20)
	}
	return ParseState(text)
}

// ParseState reads the text of a state file. Several relations without an id
// are numbered from 0, past the ids that are given.
func ParseState(text []byte) (*State, error) {
	s := &State{}
	if err := modeltest.Decode(text, s); err != nil {
		return nil, err
	}
	return s, s.number(text)
}

// Clone copies the state; the containers stay the same ones.
func (s *State) Clone() *State {
	c := *s
	c.Juju = *s.Juju.Clone()
	c.Containers = slices.Clone(s.Containers)
	c.Pebbles = maps.Clone(s.Pebbles)
	return &c
}

// complete adds the containers that the metadata has and the state does not
// name: there they are, empty and connectable.
func (s *State) complete(meta *model.Metadata) {
	for name := range meta.Containers {
		if s.container(name) == nil {
			s.Containers = append(s.Containers, &pebbletest.State{Name: name})
		}
	}
	for i, c := range s.Containers {
		s.Containers[i] = explicit(c)
	}
	slices.SortStableFunc(s.Containers, func(a, b *pebbletest.State) int { return strings.Compare(a.Name, b.Name) })
}

// explicit is the container with what it leaves unsaid, so that two of them can
// be compared.
func explicit(c *pebbletest.State) *pebbletest.State {
	said, reachable := *c, c.Reachable()
	said.CanConnect = &reachable
	return &said
}

func (s *State) container(name string) *pebbletest.State {
	for _, c := range s.Containers {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// document is what the charm keeps, as the host reads it.
func (s *State) document() ([]byte, error) {
	if s.StoredState == nil && s.Deferred == nil && s.ConfigDigests == nil && s.SecretRemovals == nil {
		return nil, nil
	}
	doc := &host.Document{Version: host.DocumentVersion, Config: s.ConfigDigests, SecretRemovals: s.SecretRemovals}
	for object, values := range s.StoredState {
		for name, value := range values {
			raw, err := json.Marshal(exact(value))
			if err != nil {
				return nil, fmt.Errorf("cannot keep stored_state %s.%s: %w", object, name, err)
			}
			doc.Set(object, name, raw)
		}
	}
	for _, d := range s.Deferred {
		data := d.Data
		if data == nil {
			data = map[string]any{}
		}
		raw, err := json.Marshal(exact(data))
		if err != nil {
			return nil, fmt.Errorf("cannot keep the deferred event %s: %w", d.Event, err)
		}
		doc.Deferred = append(doc.Deferred, &host.Notice{
			Event: d.Event, Scope: d.Scope, Handler: d.Handler, HandlerScope: d.HandlerScope, Data: raw,
		})
	}
	return doc.Encode()
}

// keep takes over what the charm keeps after a hook.
func (s *State) keep(document []byte) error {
	doc, err := host.ParseDocument("memory", document)
	if err != nil {
		return err
	}
	s.StoredState, s.Deferred, s.ConfigDigests, s.SecretRemovals = nil, nil, doc.Config, doc.SecretRemovals
	for object, values := range doc.Stored {
		if s.StoredState == nil {
			s.StoredState = map[string]map[string]any{}
		}
		s.StoredState[object] = map[string]any{}
		for name, raw := range values {
			if s.StoredState[object][name], err = plain(raw); err != nil {
				return err
			}
		}
	}
	for _, n := range doc.Deferred {
		data, err := plain(n.Data)
		if err != nil {
			return err
		}
		d := Deferred{Event: n.Event, Scope: n.Scope, Handler: n.Handler, HandlerScope: n.HandlerScope}
		d.Data, _ = data.(map[string]any)
		if len(d.Data) == 0 {
			d.Data = nil
		}
		s.Deferred = append(s.Deferred, d)
	}
	return nil
}

// exact is v with whole floats as JSON has to write them to be read as floats
// again: 1.0.
func exact(v any) any {
	switch v := v.(type) {
	case float64:
		if text := strconv.FormatFloat(v, 'g', -1, 64); !strings.ContainsAny(text, ".eIN") {
			return json.Number(text + ".0")
		}
	case []any:
		elems := make([]any, len(v))
		for i := range v {
			elems[i] = exact(v[i])
		}
		return elems
	case map[string]any:
		values := make(map[string]any, len(v))
		for key := range v {
			values[key] = exact(v[key])
		}
		return values
	}
	return v
}

// plain reads JSON so that integers stay integers.
func plain(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return model.Plain(v), nil
}
