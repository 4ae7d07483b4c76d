package charmtest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"go.starlark.net/starlark"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/pebble"
)

// A rockcraft is what a rockcraft.yaml says of the layer that its rock has.
type rockcraft struct {
	Summary     string         `yaml:"summary,omitempty"`
	Description string         `yaml:"description,omitempty"`
	Services    map[string]any `yaml:"services,omitempty"`
	Checks      map[string]any `yaml:"checks,omitempty"`
}

// layerFromRockcraft is testing.layer_from_rockcraft.
func layerFromRockcraft(s *session, in builtins.Invocation) (starlark.Value, error) {
	var name string
	if err := in.Unpack("path", &name); err != nil {
		return nil, err
	}
	text, err := readRockcraft(charmPath(s.suite.dir, name))
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read %s: %w", in.Name(), name, err)
	}
	var rock rockcraft
	if err := yaml.Unmarshal(text, &rock); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", in.Name(), name, err)
	}
	text, err = yaml.Marshal(rock)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", in.Name(), name, err)
	}
	layer, err := pebble.Parse[pebble.Layer](text)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", in.Name(), name, err)
	}
	return builtins.NewLayer(layer)
}

func readRockcraft(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > maxMetadata:
		return nil, fmt.Errorf("it is larger than %d MiB", maxMetadata>>20)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxMetadata))
}
