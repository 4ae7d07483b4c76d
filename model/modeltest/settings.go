package modeltest

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v3"
)

// fromFile adds to the pairs of the arguments those of --file, which the
// arguments override. "-" is standard input.
func (h *Hook) fromFile(c *invocation, file string, pairs map[string]string) (map[string]string, error) {
	if file == "" {
		return pairs, nil
	}
	data := c.stdin
	if file != "-" {
		var err error
		if data, err = h.juju.ReadFile(file); err != nil {
			return nil, err
		}
	}
	settings, err := parseSettings(data)
	if err != nil {
		return nil, err
	}
	for key, value := range pairs {
		settings[key] = value
	}
	return settings, nil
}

// parseSettings reads a YAML mapping of strings, as Juju does: scalars of
// other types are kept as they are written, null is "", and of a key that is
// there twice the last value wins.
func parseSettings(data []byte) (map[string]string, error) {
	settings := map[string]string{}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return settings, nil
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return settings, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, cannotUnmarshal(root, "map[string]string")
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, err := scalarText(root.Content[i])
		if err != nil {
			return nil, err
		}
		value, err := scalarText(root.Content[i+1])
		if err != nil {
			return nil, err
		}
		settings[key] = value
	}
	return settings, nil
}

func scalarText(node *yaml.Node) (string, error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.ScalarNode {
		return "", cannotUnmarshal(node, "string")
	}
	if node.Tag == "!!null" {
		return "", nil
	}
	return node.Value, nil
}

func cannotUnmarshal(node *yaml.Node, into string) error {
	what := node.Tag
	if node.Kind == yaml.ScalarNode {
		text := node.Value
		if len(text) > 10 {
			text = text[:7] + "..."
		}
		what += " `" + text + "`"
	}
	if what == "" {
		return errors.New("yaml: cannot unmarshal into " + into)
	}
	return fmt.Errorf("yaml: unmarshal errors:\n  line %d: cannot unmarshal %s into %s", node.Line, what, into)
}
