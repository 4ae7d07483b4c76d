package modeltest

import (
	"encoding/base64"
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
		return nil, &yaml.TypeError{Errors: []string{cannotUnmarshal(root, "map[string]string").Error()}}
	}
	var wrong yaml.TypeError
	text := func(node *yaml.Node) string {
		text, err := scalarText(node)
		if err != nil {
			wrong.Errors = append(wrong.Errors, err.Error())
		}
		return text
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		settings[text(root.Content[i])] = text(root.Content[i+1])
	}
	if len(wrong.Errors) > 0 {
		return nil, &wrong
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
	switch node.Tag {
	case "!!null":
		return "", nil
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(node.Value)
		if err != nil {
			return "", fmt.Errorf("line %d: !!binary value contains invalid base64 data", node.Line)
		}
		return string(data), nil
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
	return fmt.Errorf("line %d: cannot unmarshal %s into %s", node.Line, what, into)
}
