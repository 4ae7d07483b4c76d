package model

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// This file holds what is asked of a charm's metadata by good custom, and not
// by Juju.

// A Convention is a custom that a charm's metadata is to follow.
type Convention struct {
	// Name is the Rule of the errors.
	Name string
	// Listing: it matters for a charm that is listed on Charmhub.
	Listing bool
	Doc     string
}

// Conventions are those that [CheckConventions] looks at.
func Conventions() []Convention {
	return []Convention{
		{"unknown-key", false, "A key of the metadata that is like one which means something, and is none: Juju passes over it."},
		{"missing-optional", false, "An endpoint that does not say whether it is optional: a reader cannot know what the charm needs to work."},
		{"missing-additional-properties", false, "An action that does not say whether it takes parameters that it does not name: what Juju does then differs between 3 and 4."},
		{"missing-limit", false, "A requirer of ingress or tracing without limit: 1, which a second relation would confuse."},
		{"missing-description", false, "An option or action without a description."},
		{"kebab-case", false, "The name of an option, a parameter or an endpoint with capitals, or with _ where others have -."},
		{"model-option", false, "An option that Juju has for the whole model, such as a proxy: the charm is told of that already."},
		{"missing-links", true, "Metadata without links to the documentation, the issues, the source and a website."},
		{"missing-title", true, "A charm without a title."},
		{"missing-icon", true, "A charm without an icon.svg."},
		{"missing-file", true, "A charm without LICENSE, CONTRIBUTING.md or SECURITY.md in its source."},
		{"missing-tests", true, "A charm without a test in tests or src."},
	}
}

// modelOptions are options of Juju's models that charms have had for
// themselves.
func modelOptions() []string {
	return []string{
		"http-proxy", "https-proxy", "ftp-proxy", "no-proxy", "juju-http-proxy", "juju-https-proxy", "juju-ftp-proxy", "juju-no-proxy",
		"apt-http-proxy", "apt-https-proxy", "apt-ftp-proxy", "apt-no-proxy", "apt-mirror", "snap-http-proxy", "snap-https-proxy",
		"snap-store-proxy", "logging-config", "update-status-hook-interval", "default-base",
	}
}

// CheckConventions returns what in a charm's metadata is not as is the custom,
// in the order of files and lines; with listing also what matters for listing
// it on Charmhub.
func CheckConventions(fsys fs.FS, listing bool) []*MetadataError {
	r := &metadataReader{fsys: fsys, m: &Metadata{}}
	metadata, split := r.open(metadataFile)
	if !split {
		metadata, _ = r.open(charmcraftFile)
	}
	config, ok := r.open(configFile)
	if !ok && !split {
		config = metadata.at("config")
	}
	actions, ok := r.open(actionsFile)
	if !ok && !split {
		actions = metadata.at("actions")
	}
	// What cannot be read is for CheckMetadata to tell.
	c := &conventions{}
	c.misspelt(metadata, config, actions)
	for _, role := range []Role{Requires, Provides, Peer} {
		endpoints := metadata.at(role.key())
		c.names(endpoints, "endpoint")
		for name, endpoint := range endpoints.each {
			c.endpoint(endpoints, role, name, endpoint)
		}
	}
	options := config.at("options")
	c.names(options, "option")
	for name, option := range options.each {
		if slices.Contains(modelOptions(), strings.ReplaceAll(name, "_", "-")) {
			c.add(options, name, "model-option", fmt.Sprintf("the option %q is one that Juju has for the whole model", name), "delete it: the charm finds proxies in its environment")
		}
		c.described(options, name, option)
	}
	for name, action := range actions.each {
		c.described(actions, name, action)
		if action.node != nil && action.node.kind == mappingKind && action.at("additionalProperties").node == nil {
			c.add(actions, name, "missing-additional-properties", fmt.Sprintf("the action %q does not say whether it takes parameters that it does not name", name), "add additionalProperties: false")
		}
		c.names(action.at("params"), "parameter")
	}
	if listing {
		c.listing(fsys, metadata)
	}
	slices.SortStableFunc(c.found, func(a, b *MetadataError) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return c.found
}

type conventions struct{ found []*MetadataError }

// add is a finding about a key of s.
func (c *conventions) add(s section, key, rule, message, note string) {
	e := &MetadataError{File: s.file, Message: message, Note: note, Rule: rule}
	e.Line, e.Column = s.place(key)
	c.found = append(c.found, e)
}

// place is where a key of s is, 0 if it is nowhere.
func (s section) place(key string) (line, column int) {
	if s.node == nil {
		return 0, 0
	}
	if at, ok := s.node.places[key]; ok {
		return at.line, at.column
	}
	if value := s.node.values[key]; value != nil {
		return value.line, value.column
	}
	return 0, 0
}

func (c *conventions) endpoint(s section, role Role, name string, endpoint section) {
	if role != Peer && endpoint.at("optional").node == nil {
		cure := "add optional: true, or false if the charm cannot work without it"
		c.add(s, name, "missing-optional", fmt.Sprintf("the endpoint %q does not say whether it is optional", name), cure)
	}
	of := endpoint.at("interface").string()
	if of == "" {
		of = endpoint.string()
	}
	if role == Requires && (of == "ingress" || of == "tracing") && endpoint.at("limit").node == nil {
		c.add(s, name, "missing-limit", fmt.Sprintf("the endpoint %q takes any number of relations", name), "add limit: 1")
	}
}

// names checks how the keys of a mapping are written. Where most have _, that
// is the charm's way.
func (c *conventions) names(s section, what string) {
	snake, kebab := 0, 0
	for name := range s.each {
		if strings.Contains(name, "_") {
			snake++
		} else if strings.Contains(name, "-") {
			kebab++
		}
	}
	for name := range s.each {
		like := strings.ToLower(name)
		if snake <= kebab || snake == 1 {
			like = strings.ReplaceAll(like, "_", "-")
		}
		if like != name {
			c.add(s, name, "kebab-case", fmt.Sprintf("the %s %q is not named as is the custom", what, name), "name it "+like)
		}
	}
}

func (c *conventions) described(s section, name string, value section) {
	if value.node != nil && value.node.kind == mappingKind && value.at("description").string() == "" {
		c.add(s, name, "missing-description", fmt.Sprintf("%q has no description", name), "add description: what it is for")
	}
}

// listing is what Charmhub's reviewers ask for.
func (c *conventions) listing(fsys fs.FS, metadata section) {
	links := metadata.at("links")
	var missing []string
	for _, name := range [...][2]string{{"documentation", "docs"}, {"issues", "issues"}, {"source", "source"}, {"website", "website"}} {
		if links.at(name[0]).node.null() && metadata.at(name[1]).node.null() {
			missing = append(missing, name[0])
		}
	}
	if len(missing) > 0 {
		c.add(metadata, "links", "missing-links", "the charm has no link for "+strings.Join(missing, ", "), "add them under links")
	}
	if metadata.at("title").node.null() && metadata.at("display-name").node.null() {
		c.add(metadata, "name", "missing-title", "the charm has no title", "add title: the name as people write it")
	}
	if !exists(fsys, "icon.svg") {
		c.found = append(c.found, &MetadataError{Rule: "missing-icon", Message: "the charm has no icon.svg", Note: "add one, of 100 by 100 pixels"})
	}
	for _, names := range [...][]string{{"LICENSE", "LICENSE.txt", "LICENSE.md"}, {"CONTRIBUTING.md", "CONTRIBUTING"}, {"SECURITY.md", "SECURITY"}} {
		if !slices.ContainsFunc(names, func(name string) bool { return exists(fsys, name) }) {
			c.found = append(c.found, &MetadataError{Rule: "missing-file", Message: "the charm has no " + names[0], Note: "add it beside the metadata"})
		}
	}
	if !hasTest(fsys, "tests") && !hasTest(fsys, "src") {
		c.found = append(c.found, &MetadataError{Rule: "missing-tests", Message: "the charm has no tests", Note: "write functions test_… in tests/charm_test.star"})
	}
}

func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}

var errFound = errors.New("found")

// hasTest says whether there is a file of tests below a directory.
func hasTest(fsys fs.FS, dir string) bool {
	return errors.Is(fs.WalkDir(fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(name, "_test.star") {
			return errFound
		}
		return nil
	}), errFound)
}
