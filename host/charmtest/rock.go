package charmtest

import (
	"fmt"
	"io"
	"os"

	"go.starlark.net/starlark"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/builtins"
)

// This file reads the layer that a rock brings along.

// A rock is what a rockcraft.yaml says of its Pebble layer.
type rock struct {
	Summary     string         `yaml:"summary"`
	Description string         `yaml:"description"`
	Services    map[string]any `yaml:"services,omitempty"`
	Checks      map[string]any `yaml:"checks,omitempty"`
}

// layerFromRockcraft is testing.layer_from_rockcraft.
func layerFromRockcraft(s *session, in builtins.Invocation) (starlark.Value, error) {
	var path string
	if err := in.Unpack("path", &path); err != nil {
		return nil, err
	}
	name := charmPath(s.suite.dir, path)
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read the rock: %w", in.Name(), err)
	}
	if !info.Mode().IsRegular() { // a pipe would not end
		return nil, fmt.Errorf("%s: cannot read the rock: %s is no file", in.Name(), path)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read the rock: %w", in.Name(), err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMetadata+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: cannot read the rock: %w", in.Name(), err)
	case len(text) > maxMetadata:
		return nil, fmt.Errorf("%s: cannot read the rock: %s is larger than %d bytes", in.Name(), path, maxMetadata)
	}
	var r rock
	if err := yaml.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: cannot read the rock: %s: %w", in.Name(), path, err)
	}
	if r.Description != "" {
		r.Description += "\n\n"
	}
	r.Description += "From " + path + "."
	if text, err = yaml.Marshal(r); err != nil {
		return nil, fmt.Errorf("%s: cannot read the rock: %s: %w", in.Name(), path, err)
	}
	layer, err := builtins.LayerOf(starlark.String(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", in.Name(), path, err)
	}
	return builtins.NewLayer(layer)
}
