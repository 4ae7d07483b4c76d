package pebbletest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/pebble"
	"gopkg.in/yaml.v3"
)

// parseLayer parses a layer as the daemon does: unknown fields are errors, and
// the texts of errors are the daemon's.
func parseLayer(label, text string) (*pebble.Layer, error) {
	var sections map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(text), &sections); err != nil {
		return nil, fmt.Errorf("cannot parse layer %q: %w", label, err)
	}
	layer := &pebble.Layer{}
	var workloads, pairing map[string]any
	targets := map[string]any{
		"summary":     &layer.Summary,
		"description": &layer.Description,
		"services":    &layer.Services,
		"checks":      &layer.Checks,
		"log-targets": &layer.LogTargets,
		"workloads":   &workloads,
		"pairing":     &pairing,
	}
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		if targets[name] == nil {
			return nil, fmt.Errorf("cannot parse layer %q: unknown section %q", label, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		section, err := reread(sections[name])
		if err != nil {
			return nil, fmt.Errorf("cannot parse layer %q section %q: %w", label, name, err)
		}
		var problems []string
		err = section.Decode(targets[name])
		var mismatch *yaml.TypeError
		switch {
		case errors.As(err, &mismatch):
			problems = mismatch.Errors
		case err != nil:
			return nil, fmt.Errorf("cannot parse layer %q section %q: %w", label, name, err)
		}
		problems = append(problems, unknownFields(section, reflect.TypeOf(targets[name]))...)
		if len(problems) > 0 {
			// The daemon's types live in a package of that name.
			all := strings.ReplaceAll(strings.Join(problems, "\n  "), "pebble.", "plan.")
			return nil, fmt.Errorf("cannot parse layer %q section %q: yaml: unmarshal errors:\n  %s", label, name, all)
		}
	}
	if strings.HasPrefix(label, "pebble-") {
		return nil, errors.New(`cannot use reserved label prefix "pebble-"`)
	}
	if err := checkPairing(pairing); err != nil {
		return nil, err
	}
	for name, section := range map[string]map[string]any{"workloads": workloads, "pairing": pairing} {
		if len(section) > 0 {
			if layer.Extra == nil {
				layer.Extra = map[string]any{}
			}
			layer.Extra[name] = section
		}
	}
	return layer, layer.Validate()
}

// checkPairing checks the section that says who may pair with the daemon.
func checkPairing(pairing map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(pairing)) {
		if name != "mode" {
			return fmt.Errorf("cannot parse the pairing section: yaml: unmarshal errors:\n  line 1: field %s not found in type pairingstate.pairingConfig", name)
		}
		if mode := pairing[name]; !slices.Contains([]any{"disabled", "single", "multiple"}, mode) {
			return fmt.Errorf("invalid pairing mode \"%v\": should be \"disabled\", \"single\" or \"multiple\"", mode)
		}
	}
	return nil
}

// checkWorkloads checks what the plan says of workloads, which are those that
// the daemon started with.
func checkWorkloads(old, plan *pebble.Plan) error {
	if !reflect.DeepEqual(old.Extra["workloads"], plan.Extra["workloads"]) {
		return errors.New(`cannot change immutable section "workloads"`)
	}
	defined, _ := plan.Extra["workloads"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(plan.Services)) {
		workload := plan.Services[name].Extra["workload"]
		if workload == nil {
			continue
		}
		if _, ok := defined[fmt.Sprint(workload)]; !ok {
			return fmt.Errorf("workload \"%v\": not defined for service %q", workload, name)
		}
	}
	return nil
}

// reread writes a section and parses it again: the daemon counts lines from
// where its section begins, and takes an empty one for an error.
func reread(section yaml.Node) (*yaml.Node, error) {
	text, err := yaml.Marshal(&section)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&document); err != nil {
		return nil, err
	}
	return document.Content[0], nil
}

// unknownFields reports the keys in node that the struct t has no field for.
func unknownFields(node *yaml.Node, t reflect.Type) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return nil
	}
	var problems []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch t.Kind() {
		case reflect.Map:
			problems = append(problems, unknownFields(value, t.Elem())...)
		case reflect.Struct:
			if t == reflect.TypeFor[pebble.Service]() && key.Value == "workload" {
				continue // no field of the client's
			}
			field, ok := fieldOf(t, key.Value)
			if !ok {
				problems = append(problems, fmt.Sprintf("line %d: field %s not found in type %s", key.Line, key.Value, t))
				continue
			}
			problems = append(problems, unknownFields(value, field)...)
		}
	}
	return problems
}

func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name == key && name != "" {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

// layers handles POST /v1/layers.
func (s *Server) addLayer(c *call) response {
	var body struct {
		Action  string `json:"action"`
		Combine bool   `json:"combine"`
		Label   string `json:"label"`
		Format  string `json:"format"`
		Layer   string `json:"layer"`
	}
	if err := c.decode("request body", &body); err != nil {
		return badRequest(err)
	}
	c.summary = "add-layer " + body.Label
	switch {
	case body.Action != "add":
		return badRequest(fmt.Errorf("invalid action %q", body.Action))
	case body.Label == "":
		return badRequest(errors.New("label must be set"))
	case body.Format != "yaml":
		return badRequest(fmt.Errorf("invalid format %q", body.Format))
	}
	layer, err := parseLayer(body.Label, body.Layer)
	if err != nil {
		return badRequest(fmt.Errorf("cannot parse layer YAML: %w", err))
	}
	layers := slices.Clone(s.layers)
	i := slices.IndexFunc(layers, func(l pebble.LabeledLayer) bool { return l.Label == body.Label })
	switch {
	case i < 0:
		layers = append(layers, pebble.LabeledLayer{Label: body.Label, Layer: layer})
	case !body.Combine:
		return badRequest(fmt.Errorf("layer %q already exists", body.Label))
	default:
		combined, err := layers[i].Layer.Combine(body.Label, layer)
		if err != nil {
			return badRequest(err)
		}
		layers[i].Layer = combined
	}
	plan, err := pebble.CombineLayers(layers)
	if err == nil {
		err = checkWorkloads(s.plan, plan)
	}
	if err != nil {
		return badRequest(err)
	}
	s.layers = layers
	s.setPlan(plan)
	return result(true)
}

// showPlan handles GET /v1/plan.
func (s *Server) showPlan(c *call) response {
	c.summary = "plan"
	if format := c.query.Get("format"); format != "yaml" {
		return badRequest(fmt.Errorf("invalid format %q", format))
	}
	text, err := pebble.ToYAML(s.plan)
	if err != nil {
		return failed(500, "", err)
	}
	return result(text)
}
