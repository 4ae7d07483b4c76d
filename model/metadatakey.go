package model

import (
	"fmt"
	"slices"
)

// This file finds misspelt keys of a charm's metadata, which Juju passes over
// without a word. A key that is like none is left to who wrote it.

// topKeys are those of metadata.yaml and charmcraft.yaml.
func topKeys() []string {
	return []string{
		"actions", "analysis", "assumes", "base", "bases", "build-base", "categories", "charm-libs", "charm-user", "charmhub", "config",
		"contact", "containers", "description", "devices", "display-name", "docs", "extensions", "extra-bindings", "issues", "links",
		"maintainer", "maintainers", "min-juju-version", "name", "parts", "payloads", "peers", "platforms", "provides", "requires",
		"resources", "series", "source", "storage", "subordinate", "summary", "tags", "terms", "title", "type", "website",
	}
}

// misspelt checks the keys of the metadata, and of what it describes.
func (c *conventions) misspelt(metadata, config, actions section) {
	c.keys(metadata, topKeys())
	for _, role := range []Role{Requires, Provides, Peer} {
		c.keysOfEach(metadata.at(role.key()), "interface", "limit", "scope", "optional", "description", "schema", "versions")
	}
	c.keysOfEach(metadata.at("containers"), "resource", "bases", "mounts", "uid", "gid")
	c.keysOfEach(metadata.at("resources"), "type", "description", "filename", "upstream-source")
	c.keysOfEach(metadata.at("storage"), "type", "description", "shared", "read-only", "minimum-size", "location", "multiple", "properties")
	c.keys(config, []string{"options"})
	c.keysOfEach(config.at("options"), "type", "default", "description")
	c.keysOfEach(actions, "description", "params", "required", "title", "parallel", "execution-group", "additionalProperties")
	for name := range actions.each {
		if action := actions.at(name); action.at("parameters").node != nil && action.at("params").node == nil {
			c.add(action, "parameters", "unknown-key", `there is no key "parameters" here`, `did you mean "params"?`)
		}
	}
}

func (c *conventions) keysOfEach(s section, known ...string) {
	for _, item := range s.each {
		c.keys(item, known)
	}
}

// keys checks the keys of a mapping.
func (c *conventions) keys(s section, known []string) {
	for name := range s.each {
		if near := Nearest(name, known); near != "" && !slices.Contains(known, name) && s.at(near).node == nil {
			c.add(s, name, "unknown-key", fmt.Sprintf("there is no key %q here", name), fmt.Sprintf("did you mean %q?", near))
		}
	}
}
