package pebble

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Plan is what a daemon's layers come to.
type Plan struct {
	Services   map[string]*Service   `yaml:"services,omitempty"`
	Checks     map[string]*Check     `yaml:"checks,omitempty"`
	LogTargets map[string]*LogTarget `yaml:"log-targets,omitempty"`
	Extra      map[string]any        `yaml:",inline"`
}

// LabeledLayer is a layer with the label that it was added under.
type LabeledLayer struct {
	Label string
	Layer *Layer
}

// CombineLayers returns the plan that layers come to, the lowest first, or
// what Pebble finds wrong with it.
func CombineLayers(layers []LabeledLayer) (*Plan, error) {
	combined := &Layer{}
	for _, l := range layers {
		var err error
		if combined, err = combined.Combine(l.Label, l.Layer); err != nil {
			return nil, err
		}
	}
	for _, check := range combined.Checks {
		setDefault(&check.Threshold, defaultCheckThreshold)
		check.capTimeout()
	}
	plan := combined.plan()
	return plan, plan.Validate()
}

// Validate reports the first thing in p that Pebble refuses in a plan.
func (p *Plan) Validate() error {
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		if p.Services[name].Command == "" {
			return fmt.Errorf("plan must define \"command\" for service %q", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Checks)) {
		if err := p.Checks[name].validateCombined(name, p.Services); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.LogTargets)) {
		if err := p.LogTargets[name].validateCombined(name, p.Services); err != nil {
			return err
		}
	}
	_, err := p.StartOrder(slices.Sorted(maps.Keys(p.Services)))
	return err
}

// StartOrder returns the named services and those that they require, in the
// order in which Pebble starts them.
func (p *Plan) StartOrder(names []string) ([]string, error) {
	wanted, err := p.closure(names, func(name string) []string { return p.Services[name].Requires })
	if err != nil {
		return nil, err
	}
	lanes, err := p.Lanes(wanted)
	return slices.Concat(lanes...), err
}

// StopOrder returns the named services and those that require them, in the
// order in which Pebble stops them.
func (p *Plan) StopOrder(names []string) ([]string, error) {
	dependents := map[string][]string{}
	for name, service := range p.Services {
		for _, required := range service.Requires {
			dependents[required] = append(dependents[required], name)
		}
	}
	wanted, err := p.closure(names, func(name string) []string { return dependents[name] })
	if err != nil {
		return nil, err
	}
	lanes, err := p.Lanes(wanted)
	for _, lane := range lanes {
		slices.Reverse(lane)
	}
	return slices.Concat(lanes...), err
}

// closure returns names and what next leads to from them.
func (p *Plan) closure(names []string, next func(string) []string) ([]string, error) {
	seen := map[string]bool{}
	pending := slices.Clone(names)
	for len(pending) > 0 {
		name := pending[0]
		pending = pending[1:]
		if seen[name] {
			continue
		}
		if p.Services[name] == nil {
			return nil, fmt.Errorf("service %q does not exist", name)
		}
		seen[name] = true
		pending = append(pending, next(name)...)
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// Lanes splits services into those that depend on each other by requires,
// which start one after the other, in the order that before and after say.
// Lanes start at the same time.
func (p *Plan) Lanes(names []string) ([][]string, error) {
	ordered, err := p.order(names)
	if err != nil {
		return nil, err
	}
	lane := map[string]int{}
	for i, name := range ordered {
		lane[name] = i
	}
	join := func(a, b int) {
		for name, l := range lane {
			if l == max(a, b) {
				lane[name] = min(a, b)
			}
		}
	}
	for _, name := range ordered {
		for _, required := range p.Services[name].Requires {
			if _, ok := lane[required]; ok {
				join(lane[name], lane[required])
			}
		}
	}
	members := map[int][]string{}
	for _, name := range ordered {
		members[lane[name]] = append(members[lane[name]], name)
	}
	var lanes [][]string
	for _, l := range slices.Sorted(maps.Keys(members)) {
		lanes = append(lanes, members[l])
	}
	return lanes, nil
}

// order sorts names by before and after, then by name.
func (p *Plan) order(names []string) ([]string, error) {
	waitsFor := map[string]map[string]bool{}
	for _, name := range names {
		if p.Services[name] == nil {
			return nil, fmt.Errorf("service %q does not exist", name)
		}
		waitsFor[name] = map[string]bool{}
	}
	for name := range waitsFor {
		for _, earlier := range p.Services[name].After {
			if waitsFor[earlier] != nil && earlier != name {
				waitsFor[name][earlier] = true
			}
		}
		for _, later := range p.Services[name].Before {
			if waitsFor[later] != nil && later != name {
				waitsFor[later][name] = true
			}
		}
	}
	var ordered []string
	for len(waitsFor) > 0 {
		free := slices.Sorted(maps.Keys(waitsFor))
		free = slices.DeleteFunc(free, func(name string) bool { return len(waitsFor[name]) > 0 })
		if len(free) == 0 {
			return nil, fmt.Errorf("services in before/after loop: %s", strings.Join(slices.Sorted(maps.Keys(waitsFor)), ", "))
		}
		ordered = append(ordered, free[0])
		delete(waitsFor, free[0])
		for _, others := range waitsFor {
			delete(others, free[0])
		}
	}
	return ordered, nil
}

// Copy returns a copy that shares nothing with p.
func (p *Plan) Copy() *Plan {
	return &Plan{
		Services:   copyAll(p.Services, (*Service).Copy),
		Checks:     copyAll(p.Checks, (*Check).Copy),
		LogTargets: copyAll(p.LogTargets, (*LogTarget).Copy),
		Extra:      copyExtra(p.Extra),
	}
}

// Equal reports whether p and other mean the same; see [Service.Equal].
func (p *Plan) Equal(other *Plan) bool {
	if p == nil || other == nil {
		return p == other
	}
	return maps.EqualFunc(p.Services, other.Services, (*Service).Equal) &&
		maps.EqualFunc(p.Checks, other.Checks, (*Check).Equal) &&
		maps.EqualFunc(p.LogTargets, other.LogTargets, (*LogTarget).Equal) &&
		(&Service{Extra: p.Extra}).Equal(&Service{Extra: other.Extra})
}

// Has reports whether adding l to the layers of p would change nothing, so
// that it need not be added again. An entry that a list has already counts as
// no change, although Pebble would append it.
func (p *Plan) Has(l *Layer) bool {
	for name, newer := range l.Services {
		base, newer := p.Services[name], newer.Copy()
		if base == nil {
			return false
		}
		if newer.Override == OverrideMerge {
			newer.After = without(newer.After, base.After)
			newer.Before = without(newer.Before, base.Before)
			newer.Requires = without(newer.Requires, base.Requires)
			newer = base.Merge(newer)
		}
		newer.Override = base.Override
		if !newer.Equal(base) {
			return false
		}
	}
	for name, newer := range l.Checks {
		base, newer := p.Checks[name], newer.Copy()
		if base == nil {
			return false
		}
		if newer.Override == OverrideMerge {
			newer = base.Merge(newer)
		}
		newer.Override = base.Override
		if !newer.Equal(base) {
			return false
		}
	}
	for name, newer := range l.LogTargets {
		base, newer := p.LogTargets[name], newer.Copy()
		if base == nil {
			return false
		}
		if newer.Override == OverrideMerge {
			newer.Services = without(newer.Services, base.Services)
			newer = base.Merge(newer)
		}
		newer.Override = base.Override
		if !newer.Equal(base) {
			return false
		}
	}
	for section, content := range l.Extra {
		if !reflect.DeepEqual(content, p.Extra[section]) {
			return false
		}
	}
	return true
}

// without returns the names that known does not hold.
func without(names, known []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(known, name) })
}

// Plan returns the daemon's plan.
func (c *Client) Plan(ctx context.Context) (*Plan, error) {
	var text string
	r := request{method: http.MethodGet, path: "/v1/plan", query: url.Values{"format": {"yaml"}}}
	if err := c.sync(ctx, r, &text); err != nil {
		return nil, err
	}
	plan, err := Parse[Plan]([]byte(text))
	if err != nil {
		return nil, protocolError("Pebble's answer to GET /v1/plan is not a plan: %w", err)
	}
	return plan, nil
}

// AddLayerOptions says where a layer goes.
type AddLayerOptions struct {
	// Combine puts the layer into the one of the same label, where there is
	// one. Without it such a label is an [APIError].
	Combine bool
}

// AddLayer adds a layer, or combines it with the one of the same label.
// Services do not change by it: see [Client.Replan].
func (c *Client) AddLayer(ctx context.Context, label string, layer *Layer, o AddLayerOptions) error {
	text, err := ToYAML(layer)
	if err != nil {
		return err
	}
	return c.AddLayerYAML(ctx, label, text, o)
}

// AddLayerYAML is [Client.AddLayer] with YAML that is sent as it is.
func (c *Client) AddLayerYAML(ctx context.Context, label, text string, o AddLayerOptions) error {
	var done bool
	return c.sync(ctx, request{
		method: http.MethodPost,
		path:   "/v1/layers",
		body: map[string]any{
			"action":  "add",
			"label":   label,
			"format":  "yaml",
			"layer":   text,
			"combine": o.Combine,
		},
	}, &done)
}
