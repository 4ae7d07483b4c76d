package charmtest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing/fstest"

	"gopkg.in/yaml.v3"
)

// An overlay is a charm's directory with metadata of the test's in the place
// of some of its own. What the test gives is merged over what is there: whole
// top-level keys of metadata.yaml, config.yaml and actions.yaml, or of
// charmcraft.yaml.
type overlay struct {
	fs.FS
	given map[string]any
}

// maxMetadata is how large a metadata file may be.
const maxMetadata = 1 << 20

func (o overlay) Open(name string) (fs.File, error) {
	var given map[string]any
	switch name {
	case "charmcraft.yaml":
		given = o.given
	case "metadata.yaml":
		given = map[string]any{}
		for key, value := range o.given {
			if key != "config" && key != "actions" {
				given[key] = value
			}
		}
	case "config.yaml", "actions.yaml":
		given, _ = o.given[name[:len(name)-len(".yaml")]].(map[string]any)
	default:
		return o.FS.Open(name)
	}
	f, err := o.FS.Open(name)
	if err != nil && !(errors.Is(err, fs.ErrNotExist) && name == "charmcraft.yaml" && !o.has("metadata.yaml")) {
		return nil, err
	}
	merged := map[string]any{}
	if err == nil {
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxMetadata))
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(text, &merged); err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", name, err)
		}
	}
	for key, value := range given {
		merged[key] = value
	}
	text, err := yaml.Marshal(merged)
	if err != nil {
		return nil, fmt.Errorf("cannot merge %s: %w", name, err)
	}
	return fstest.MapFS{name: {Data: text}}.Open(name)
}

func (o overlay) has(name string) bool {
	_, err := fs.Stat(o.FS, name)
	return err == nil
}
