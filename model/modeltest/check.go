package modeltest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
)

// check compares the state with the metadata and with itself.
func (s *State) check(meta *model.Metadata, version model.Version, found *consistency.Checker) {
	c := &checker{Checker: found, state: s, meta: meta, version: version}
	c.config()
	c.relations()
	c.secrets()
	c.storages()
	c.ports()
	c.names()
	c.unit()
}

type checker struct {
	*consistency.Checker
	state   *State
	meta    *model.Metadata
	version model.Version
}

// unknown says that the charm has no such thing, and which it may have meant.
func (c *checker) unknown(rule, noun, name string, known []string) {
	c.Fail(rule, "%v", unknownError(noun, name, known))
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
			c.unknown("SC010", "option", name, keys(c.meta.Options))
			continue
		}
		given := c.state.Config[name]
		value, ok := optionValue(option.Type, given)
		if text, isText := given.(string); !ok && option.Type == "secret" && isText {
			c.Fail("SC012", "option %q is of type secret, it cannot be %q: write secret: and an id of 20 characters", name, text)
		} else if !ok {
			c.Fail("SC011", "option %q is of type %s, it cannot be %s", name, option.Type, written(given))
		}
		if ok {
			c.state.Config[name] = value
		}
		if option.Type == "secret" && !c.version.AtLeast(3, 4, 0) {
			c.Fail("SC013", "option %q is of type secret, which needs Juju 3.4.0; this is %s", name, c.version)
		}
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
		return v, ok && (v == "" || secretURI().MatchString(v))
	default:
		v, ok := value.(string)
		return v, ok
	}
	return nil, false
}

func (c *checker) relations() {
	seen, count := map[int]bool{}, map[string]int{}
	for _, r := range c.state.Relations {
		if seen[r.ID] {
			c.Fail("SC021", "two relations have the id %d", r.ID)
		}
		seen[r.ID] = true
		endpoint := c.meta.Relations[r.Endpoint]
		if endpoint == nil {
			c.unknown("SC020", "endpoint", r.Endpoint, keys(c.meta.Relations))
			continue
		}
		count[r.Endpoint]++
		if r.Interface != endpoint.Interface {
			c.Fail("SC024", "endpoint %q has the interface %q, not %q", r.Endpoint, endpoint.Interface, r.Interface)
		}
		if endpoint.Scope == "container" && len(r.RemoteUnitsData) > 1 {
			c.Fail("SC026", "relation %d of the endpoint %q is of scope container, and has %d remote units: the one beside this unit is all it can have", r.ID, r.Endpoint, len(r.RemoteUnitsData))
		}
		if endpoint.Role == model.Peer {
			if r.RemoteUnitsData != nil || r.RemoteAppData != nil {
				c.Fail("SC022", "relation %d is a peer relation: it has peers_data and local_app_data, nothing remote", r.ID)
			}
			if _, ok := r.PeersData[c.state.UnitID]; ok {
				c.Fail("SC023", "relation %d: peers_data holds this unit, %s, whose data belong in local_unit_data", r.ID, c.state.unit())
			}
		} else if r.PeersData != nil {
			c.Fail("SC022", "relation %d is no peer relation: it has remote_units_data, not peers_data", r.ID)
		}
	}
	for _, name := range keys(count) {
		limit := c.meta.Relations[name].Limit
		if c.meta.Relations[name].Role == model.Peer {
			one := 1
			limit = &one
		}
		if limit != nil && count[name] > *limit {
			c.Fail("SC025", "endpoint %q has %d relations, and %d at most", name, count[name], *limit)
		}
	}
	if c.meta.Subordinate && !slices.ContainsFunc(c.state.Relations, c.beside) {
		c.Fail("SC027", "the charm is a subordinate, and there is no relation to a principal")
	}
}

// beside says whether a relation is one between a principal and a subordinate.
func (c *checker) beside(r *Relation) bool {
	endpoint := c.meta.Relations[r.Endpoint]
	return endpoint != nil && endpoint.Scope == "container" && endpoint.Role != model.Peer
}

var secretURI = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^secret:(?://[0-9a-f-]{36}/)?([0-9a-v]{19}[0g])$`) })

func (c *checker) secrets() {
	seen := map[string]bool{}
	labels := map[[2]string]string{}
	for _, secret := range c.state.Secrets {
		if !secretURI().MatchString(secret.ID) {
			c.Fail("SC030", "%q is not a secret's id: write secret: and 20 characters from 0-9 and a-v, of which the last is 0 or g", secret.ID)
		}
		if seen[secret.ID] {
			c.Fail("SC031", "two secrets have the id %s", secret.ID)
		}
		seen[secret.ID] = true
		if secret.Denied && secret.Owner != "" {
			c.Fail("SC038", "secret %s is denied, and this unit or its application owns it", secret.ID)
		}
		if secret.Owner != "" && secret.Owner != "unit" && secret.Owner != "app" {
			c.Fail("SC032", "secret %s: the owner is unit, app or nothing, not %q", secret.ID, secret.Owner)
		}
		if len(secret.LatestContent) == 0 {
			c.Fail("SC033", "secret %s has no content", secret.ID)
		}
		for _, content := range []map[string]string{secret.TrackedContent, secret.LatestContent} {
			for _, key := range keys(content) {
				if !secretKey.MatchString(key) {
					c.Fail("SC034", "secret %s has the key %q, which Juju does not take", secret.ID, key)
				}
			}
		}
		for _, id := range slices.Sorted(maps.Keys(secret.RemoteGrants)) {
			if c.state.relation(id) == nil {
				c.Fail("SC035", "secret %s is granted to relation %d, which does not exist", secret.ID, id)
			}
		}
		label := [2]string{secret.Owner, secret.Label}
		if other, ok := labels[label]; ok && secret.Label != "" {
			c.Fail("SC036", "the secrets %s and %s have the label %q", other, secret.ID, secret.Label)
		}
		labels[label] = secret.ID
	}
	if gate := model.GateOfTool("secret-get"); len(c.state.Secrets) > 0 && !gate.Open(c.version) {
		c.Fail("SC037", "the state has secrets, and Juju %s does not", c.version)
	}
}

func (c *checker) storages() {
	type instance struct {
		name  string
		index int
	}
	seen := map[instance]bool{}
	count := map[string]int{}
	for _, storage := range c.state.Storages {
		if c.meta.Storages[storage.Name] == nil {
			c.unknown("SC040", "storage", storage.Name, keys(c.meta.Storages))
		}
		key := instance{storage.Name, storage.Index}
		if seen[key] {
			c.Fail("SC041", "there are two storages %s/%d", storage.Name, storage.Index)
		}
		seen[key] = true
		count[storage.Name]++
	}
	for _, name := range keys(c.meta.Storages) {
		least, most := 1, 1
		if multiple := c.meta.Storages[name].Multiple; multiple != nil {
			least, most = multiple.Min, multiple.Max
		}
		if most >= 0 && count[name] > most {
			c.Fail("SC042", "storage %q has %d instances, and %d at most", name, count[name], most)
		}
		if count[name] < least {
			c.Fail("SC043", "storage %q has %d instances, and the metadata asks for %d", name, count[name], least)
		}
	}
}

func (c *checker) ports() {
	for i, port := range c.state.OpenedPorts {
		if err := port.check(); err != nil {
			c.Fail("SC047", "opened_ports: %v", err)
		}
		for _, other := range c.state.OpenedPorts[:i] {
			if port.overlaps(other) {
				c.Fail("SC048", "opened_ports: %v overlaps %v", port, other)
			}
		}
	}
}

func (c *checker) names() {
	resources := map[string]bool{}
	for _, resource := range c.state.Resources {
		if c.meta.Resources[resource.Name] == nil {
			c.unknown("SC015", "resource", resource.Name, keys(c.meta.Resources))
		}
		if resources[resource.Name] {
			c.Fail("SC016", "there are two resources %q", resource.Name)
		}
		resources[resource.Name] = true
	}
	bindings := map[string]bool{}
	for _, network := range c.state.Networks {
		if !hasBinding(c.meta, network.Binding) {
			c.unknown("SC045", "binding", network.Binding, append(keys(c.meta.Relations), c.meta.ExtraBindings...))
		}
		if bindings[network.Binding] {
			c.Fail("SC046", "there are two networks of the binding %q", network.Binding)
		}
		bindings[network.Binding] = true
	}
}

// unit checks what the state says of the unit, its application and its model.
func (c *checker) unit() {
	s := c.state
	known := []string{"active", "blocked", "error", "maintenance", "unknown", "waiting"}
	for _, status := range []*Status{&s.UnitStatus, &s.AppStatus} {
		if !slices.Contains(known, status.Name) {
			c.unknown("SC050", "status", status.Name, known)
		}
	}
	if n := s.PlannedUnits; n != nil && *n < 0 {
		c.Fail("SC051", "planned_units is %d", *n)
	} else if n != nil {
		for _, r := range s.Relations {
			if r.PeersData != nil && *n != len(r.PeersData)+1 {
				c.Fail("SC052", "planned_units is %d, and with the peers of relation %d there are %d", *n, r.ID, len(r.PeersData)+1)
			}
		}
	}
	if s.Model.Kubernetes() && s.Model.CloudSpec != nil && !c.version.AtLeast(3, 6, 10) {
		c.Fail("SC053", "a model on Kubernetes tells its cloud since Juju 3.6.10, this is %s", c.version)
	}
	if lacks := c.lacks(c.meta.Assumes); lacks != "" {
		c.Fail("SC055", "the charm assumes %s, and Juju is %s, the model one of type %s", lacks, c.version, s.Model.Type)
	}
}

// lacks is what the charm assumes and does not get; "" is nothing. A feature
// other than juju and k8s-api is taken to be there.
func (c *checker) lacks(a *model.Assumes) string {
	if a == nil {
		return ""
	}
	switch a.Feature {
	case "juju":
		version, err := model.ParseVersion(a.Version)
		if err != nil { // 4 is 4.0; no version is any
			version, err = model.ParseVersion(a.Version + ".0")
		}
		if err != nil {
			return ""
		}
		if is := c.version.Compare(version); a.Operator == ">=" && is < 0 || a.Operator == "<" && is >= 0 {
			return "juju " + a.Operator + " " + a.Version
		}
	case "k8s-api":
		if !c.state.Model.Kubernetes() {
			return "k8s-api"
		}
	}
	for _, part := range a.AllOf {
		if lacks := c.lacks(part); lacks != "" {
			return lacks
		}
	}
	var missing []string
	for _, part := range a.AnyOf {
		lacks := c.lacks(part)
		if lacks == "" {
			return ""
		}
		missing = append(missing, lacks)
	}
	return strings.Join(missing, " or ")
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
