package modeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/starcharm/starcharm/model"
)

// check compares the state with the metadata and with itself. All that is
// wrong is named at once.
func (s *State) check(meta *model.Metadata) error {
	c := &checker{state: s, meta: meta}
	c.config()
	c.relations()
	c.secrets()
	c.storages()
	c.ports()
	c.names()
	for _, status := range []*Status{&s.UnitStatus, &s.AppStatus} {
		known := []string{"active", "blocked", "error", "maintenance", "unknown", "waiting"}
		if !slices.Contains(known, status.Name) {
			c.unknown("status", status.Name, known)
		}
	}
	return errors.Join(c.errs...)
}

type checker struct {
	state *State
	meta  *model.Metadata
	errs  []error
}

func (c *checker) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// unknown says that the charm has no such thing, and which it may have meant.
func (c *checker) unknown(noun, name string, known []string) {
	c.errs = append(c.errs, unknownError(noun, name, known))
}

func unknownError(noun, name string, known []string) error {
	slices.Sort(known)
	if near := model.Nearest(name, known); near != "" {
		return fmt.Errorf("unknown %s %q (did you mean %q?)", noun, name, near)
	}
	if len(known) == 0 {
		return fmt.Errorf("unknown %s %q: the charm has none", noun, name)
	}
	return fmt.Errorf("unknown %s %q: there are %s", noun, name, strings.Join(known, ", "))
}

func keys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func (c *checker) config() {
	for _, name := range keys(c.state.Config) {
		option := c.meta.Options[name]
		if option == nil {
			c.unknown("option", name, keys(c.meta.Options))
			continue
		}
		value, ok := optionValue(option.Type, c.state.Config[name])
		if !ok {
			c.fail("option %q is of type %s, it cannot be %s", name, option.Type, written(c.state.Config[name]))
			continue
		}
		c.state.Config[name] = value
	}
}

// optionValue converts a value to what Juju stores for an option of that type.
func optionValue(kind string, value any) (any, bool) {
	if value == nil {
		return nil, true
	}
	switch kind {
	case "int":
		switch v := value.(type) {
		case int:
			return int64(v), true
		case int64:
			return v, true
		}
	case "float":
		switch v := value.(type) {
		case int:
			return float64(v), true
		case int64:
			return float64(v), true
		case float64:
			return v, true
		}
	case "boolean":
		v, ok := value.(bool)
		return v, ok
	case "secret":
		v, ok := value.(string)
		return v, ok && (v == "" || strings.HasPrefix(v, "secret:"))
	default:
		v, ok := value.(string)
		return v, ok
	}
	return nil, false
}

func (c *checker) relations() {
	seen := map[int]bool{}
	for _, r := range c.state.Relations {
		if seen[r.ID] {
			c.fail("two relations have the id %d", r.ID)
		}
		seen[r.ID] = true
		endpoint := c.meta.Relations[r.Endpoint]
		if endpoint == nil {
			c.unknown("endpoint", r.Endpoint, keys(c.meta.Relations))
			continue
		}
		if r.Interface != endpoint.Interface {
			c.fail("endpoint %q has the interface %q, not %q", r.Endpoint, endpoint.Interface, r.Interface)
		}
		if endpoint.Role == model.Peer {
			if r.RemoteUnitsData != nil || r.RemoteAppData != nil {
				c.fail("relation %d is a peer relation: it has peers_data and local_app_data, nothing remote", r.ID)
			}
			if _, ok := r.PeersData[c.state.UnitID]; ok {
				c.fail("relation %d: peers_data holds this unit, %s, whose data belong in local_unit_data", r.ID, c.state.unit())
			}
		} else if r.PeersData != nil {
			c.fail("relation %d is no peer relation: it has remote_units_data, not peers_data", r.ID)
		}
	}
}

var secretURI = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^secret:(?://[0-9a-f-]{36}/)?([0-9a-v]{19}[0g])$`) })

func (c *checker) secrets() {
	seen := map[string]bool{}
	for _, secret := range c.state.Secrets {
		if !secretURI().MatchString(secret.ID) {
			c.fail("%q is not a secret's id: write secret: and 20 characters from 0-9 and a-v, of which the last is 0 or g", secret.ID)
		}
		if seen[secret.ID] {
			c.fail("two secrets have the id %s", secret.ID)
		}
		seen[secret.ID] = true
		if secret.Owner != "" && secret.Owner != "unit" && secret.Owner != "app" {
			c.fail("secret %s: the owner is unit, app or nothing, not %q", secret.ID, secret.Owner)
		}
		if len(secret.LatestContent) == 0 {
			c.fail("secret %s has no content", secret.ID)
		}
		for id := range secret.RemoteGrants {
			if c.state.relation(id) == nil {
				c.fail("secret %s is granted to relation %d, which does not exist", secret.ID, id)
			}
		}
	}
}

func (c *checker) storages() {
	type instance struct {
		name  string
		index int
	}
	seen := map[instance]bool{}
	for _, storage := range c.state.Storages {
		if c.meta.Storages[storage.Name] == nil {
			c.unknown("storage", storage.Name, keys(c.meta.Storages))
		}
		key := instance{storage.Name, storage.Index}
		if seen[key] {
			c.fail("there are two storages %s/%d", storage.Name, storage.Index)
		}
		seen[key] = true
	}
}

func (c *checker) ports() {
	for _, port := range c.state.OpenedPorts {
		if err := port.check(); err != nil {
			c.fail("opened_ports: %w", err)
		}
	}
}

func (c *checker) names() {
	for _, resource := range c.state.Resources {
		if c.meta.Resources[resource.Name] == nil {
			c.unknown("resource", resource.Name, keys(c.meta.Resources))
		}
	}
	for _, network := range c.state.Networks {
		if !hasBinding(c.meta, network.Binding) {
			c.unknown("binding", network.Binding, append(keys(c.meta.Relations), c.meta.ExtraBindings...))
		}
	}
}

func hasBinding(meta *model.Metadata, name string) bool {
	return meta.Relations[name] != nil || slices.Contains(meta.ExtraBindings, name) || name == "juju-info"
}

// written is a plain value as one would write it in JSON, not too long.
func written(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		text = fmt.Append(nil, v)
	}
	if len(text) > 60 {
		return string(text[:60]) + "…"
	}
	return string(text)
}
