package model

import (
	"fmt"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// SetPodSpec tells Juju what pods to run, as charms did before they had
// containers; for the leader only, a [NotLeaderError] for others, and a
// [VersionError] from Juju 4 on. Both are plain data; resources, which may be
// nil, is what Kubernetes is to have besides.
func (m *Model) SetPodSpec(spec, resources map[string]any) error {
	if err := m.needLeader("set the pod spec", "pod-spec-set"); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(resources)) {
		if _, twice := spec[key]; twice {
			return usage("%q is both in the pod spec and in the Kubernetes resources", shorten(key))
		}
	}
	// Juju appends the one text to the other, so that they are one mapping.
	text := []byte{}
	for _, part := range []map[string]any{spec, resources} {
		if len(part) == 0 {
			continue
		}
		more, err := yaml.Marshal(part)
		if err != nil {
			return fmt.Errorf("cannot write the pod spec as YAML: %w", err)
		}
		text = append(text, more...)
	}
	_, err := m.run("pod-spec-set", text, "--file", "-")
	return err
}
