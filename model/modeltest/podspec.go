package modeltest

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v3"
)

func podSpecTools() []tool {
	return []tool{
		{name: "pod-spec-set", use: "--file <spec> [--k8s-resources <file>]", prepare: preparePodSpecSet},
		{name: "pod-spec-get", prepare: preparePodSpecGet},
		{name: "k8s-spec-set", use: "--file <spec> [--k8s-resources <file>]", prepare: preparePodSpecSet},
		{name: "k8s-spec-get", prepare: preparePodSpecGet},
		{name: "k8s-raw-set", use: "--file <spec>", prepare: prepareRawSpecSet},
		{name: "k8s-raw-get", prepare: prepareRawSpecGet},
	}
}

// specs are the specs that a hook has set, until it ends.
type specs struct{ pod, raw *string }

// preparePodSpecGet prints the spec that was kept, not that of this hook.
func preparePodSpecGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	return noMore, func() error { return h.printSpec(c, "podspec", h.state().PodSpec) }
}

func prepareRawSpecGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	return noMore, func() error { return h.printSpec(c, "raw k8s spec", h.state().RawPodSpec) }
}

func (h *Hook) printSpec(c *invocation, noun, spec string) error {
	if spec == "" {
		return fmt.Errorf("%s for application %s not found", noun, h.state().AppName)
	}
	c.stdout.WriteString(spec)
	return nil
}

func preparePodSpecSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	file, resources := "-", ""
	c.flags.text(&file, "file")
	c.flags.text(&resources, "k8s-resources")
	return noMore, func() error {
		spec, err := h.readSpec(c, file, "k8s spec")
		if err != nil {
			return err
		}
		if resources != "" {
			data, err := h.juju.ReadFile(resources)
			if err != nil {
				return err
			}
			spec += string(data)
		}
		if !h.state().Leader {
			return errNotLeader
		}
		if err := checkPodSpec(spec); err != nil {
			return err
		}
		h.specs.pod = &spec
		return nil
	}
}

func prepareRawSpecSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	file := "-"
	c.flags.text(&file, "file")
	return noMore, func() error {
		spec, err := h.readSpec(c, file, "k8s raw spec")
		if err != nil {
			return err
		}
		if !h.state().Leader {
			return errNotLeader
		}
		h.specs.raw = &spec
		return nil
	}
}

// readSpec reads a spec from a file or, for "-", standard input.
func (h *Hook) readSpec(c *invocation, file, noun string) (string, error) {
	data := c.stdin
	if file != "-" {
		var err error
		if data, err = h.juju.ReadFile(file); err != nil {
			return "", err
		}
	}
	if len(data) == 0 {
		return "", fmt.Errorf("no %s specified: pipe %s to command, or specify a file with --file", noun, noun)
	}
	return string(data), nil
}

// checkPodSpec checks what every spec needs: a version that Juju knows and
// containers with a name and an image. What else Juju refuses is accepted here.
func checkPodSpec(text string) error {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return err
	}
	version := 0
	var containers []*yaml.Node
	if len(document.Content) > 0 {
		root := document.Content[0]
		if root.Kind != yaml.MappingNode {
			return &yaml.TypeError{Errors: []string{cannotUnmarshal(root, "specs.PodSpecVersion").Error()}}
		}
		if node := entry(root, "version"); node != nil && node.Decode(&version) != nil {
			return &yaml.TypeError{Errors: []string{cannotUnmarshal(node, "specs.Version").Error()}}
		}
		if node := entry(root, "containers"); node != nil && node.Kind == yaml.SequenceNode {
			containers = node.Content
		}
	}
	if version != 0 && version != 2 && version != 3 {
		return fmt.Errorf("latest supported version 3, but got podspec version %d", version)
	}
	if len(containers) == 0 {
		return errors.New("require at least one container spec")
	}
	for _, container := range containers {
		if node := entry(container, "name"); node == nil || node.Value == "" {
			return errors.New("spec name is missing")
		}
		image, details := entry(container, "image"), entry(container, "imageDetails")
		if (image == nil || image.Value == "") && (details == nil || entry(details, "imagePath") == nil) {
			return errors.New("spec image details is missing")
		}
	}
	return nil
}

// entry returns what a mapping has under a key, or nil.
func entry(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// commitSpecs keeps the specs; a machine model has none.
func (h *Hook) commitSpecs(next *State) error {
	switch {
	case h.specs.pod != nil && h.specs.raw != nil && next.Model.Kubernetes():
		return errors.New("either k8s-spec-set or k8s-raw-set can be run for each application, but not both")
	case !next.Model.Kubernetes():
	case h.specs.pod != nil:
		next.PodSpec = *h.specs.pod
	case h.specs.raw != nil:
		next.RawPodSpec = *h.specs.raw
	}
	return nil
}
