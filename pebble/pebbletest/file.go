package pebbletest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/pebble"
	"gopkg.in/yaml.v3"
)

// File is a file of a container. In YAML it is its content, or a map.
type File struct {
	// Kind is [pebble.TypeFile] when it is "".
	Kind    pebble.FileType `yaml:"kind,omitempty"`
	Content string          `yaml:"content,omitempty"`
	// Target is what a symbolic link points to.
	Target string `yaml:"target,omitempty"`
	// Mode holds the permissions; nil means 0o644, or 0o755 for a directory.
	Mode *Mode `yaml:"mode,omitempty"`
	// User and Group own the file: root when they are "".
	User  string `yaml:"user,omitempty"`
	Group string `yaml:"group,omitempty"`
	// UserID and GroupID own the file where the ids have no names.
	UserID  *int `yaml:"user_id,omitempty"`
	GroupID *int `yaml:"group_id,omitempty"`
}

// Mode is a file's permissions, in octal in YAML: 644, "0644" and 0o644 are
// the same.
type Mode int

// UnmarshalYAML reads m from octal digits.
func (m *Mode) UnmarshalYAML(node *yaml.Node) error {
	digits := strings.TrimPrefix(node.Value, "0o")
	mode, err := strconv.ParseUint(digits, 8, 32)
	if node.Kind != yaml.ScalarNode || err != nil || mode > 0o777 {
		return fmt.Errorf("line %d: mode must be octal, 000 to 777, not %q", node.Line, node.Value)
	}
	*m = Mode(mode)
	return nil
}

// MarshalYAML writes m as four octal digits.
func (m Mode) MarshalYAML() (any, error) { return fmt.Sprintf("%04o", int(m)), nil }

// UnmarshalYAML reads f from its content, or from a map.
func (f *File) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*f = File{}
		return node.Decode(&f.Content)
	}
	// KnownFields does not reach through a method like this one.
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch key := node.Content[i]; key.Value {
		case "kind", "content", "target", "mode", "user", "group", "user_id", "group_id":
		default:
			return fmt.Errorf("line %d: field %s not found in a file", key.Line, key.Value)
		}
	}
	type plain File
	return node.Decode((*plain)(f))
}

// MarshalYAML writes a file that has nothing but content as its content.
func (f File) MarshalYAML() (any, error) {
	if f == (File{Content: f.Content}) {
		return f.Content, nil
	}
	type plain File
	return plain(f), nil
}
