package model

import (
	"fmt"
	"maps"
	"path"
	"strings"
)

// ResourcePath returns the path of a resource's file, which Juju downloads
// first if need be. For an oci-image it is that of a YAML file with
// registrypath, username and password.
func (m *Model) ResourcePath(name string) (string, error) {
	if _, ok := m.cfg.Metadata.Resources[name]; !ok {
		return "", m.unknown("resource", name, maps.Keys(m.cfg.Metadata.Resources))
	}
	if file, ok := m.resources[name]; ok {
		return file, nil
	}
	answer, err := m.run("resource-get", nil, name)
	if err != nil {
		return "", err
	}
	file := strings.TrimSpace(string(answer))
	if !path.IsAbs(file) || strings.ContainsAny(file, "\x00\n") {
		return "", nonsense("resource-get", fmt.Errorf("%q is not the path of a file", shorten(file)))
	}
	m.resources[name] = file
	return file, nil
}
