package check

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
)

// This file tells what package model finds in the metadata.

// metadataRules are the rules about metadata: Juju's, and the conventions.
func metadataRules() []Rule {
	all := []Rule{
		{Name: "metadata", Doc: "Metadata that cannot be read, lacks what every charm has, or has a value of the wrong kind, such as an option's default."},
		{Name: "charm-name", Doc: "A charm's name that Juju refuses."},
		{Name: "charm-text", Doc: "A summary or description that is missing, or no text."},
		{Name: "endpoint-name", Doc: "An endpoint's name that Juju refuses."},
		{Name: "reserved-name", Doc: "A name that is Juju's own: juju, or one that starts with juju-."},
		{Name: "relation-shape", Doc: "An endpoint, or a field of one, of a shape that Juju refuses."},
		{Name: "container", Doc: "A container that Juju refuses, such as one whose resource or storage is not there."},
		{Name: "resource", Doc: "A resource that Juju refuses."},
		{Name: "storage", Doc: "A storage that Juju refuses."},
		{Name: "storage-name", Doc: "A storage's name that Juju refuses."},
		{Name: "device", Doc: "A device that Juju refuses."},
		{Name: "extra-binding", Doc: "An extra binding that Juju refuses."},
		{Name: "subordinate", Doc: "A subordinate charm without an endpoint of scope container."},
		{Name: "assumes", Doc: "An assumption that Juju cannot read."},
		{Name: "term", Doc: "Terms that Juju refuses."},
		{Name: "obsolete-key", Doc: "A key of old metadata that Juju does not take together with new ones."},
		{Name: "config", Doc: "An option that Juju refuses, or that only the newest ones take."},
		{Name: "action", Doc: "An action of a shape that Juju refuses."},
		{Name: "action-name", Doc: "An action's name that Juju refuses, though charmcraft takes it."},
		{Name: "action-schema", Doc: "Parameters of an action that are no JSON schema, or one that Juju refuses."},
		{Name: "manifest", Doc: "A manifest.yaml that Juju refuses."},
		{Name: "lxd-profile", Doc: "An lxd-profile.yaml that Juju refuses."},
	}
	for _, convention := range model.Conventions() {
		all = append(all, Rule{convention.Name, warn, convention.Listing, convention.Doc})
	}
	return all
}

// checkMetadata reads the metadata and says what is wrong with it.
func (c *checker) checkMetadata() {
	meta, err := model.ReadMetadata(c.fsys)
	c.meta, c.places = meta, model.ReadMetadataPlaces(c.fsys)
	found := model.CheckMetadata(c.fsys)
	for _, e := range append(found, model.CheckConventions(c.fsys, c.options.Listing)...) {
		c.inFile(e)
	}
	var wrong *model.MetadataError
	if errors.As(err, &wrong) && (errors.Is(err, fs.ErrNotExist) || strings.HasPrefix(wrong.Message, "not YAML") || strings.Contains(wrong.Message, " is here twice")) {
		c.meta = nil // it may have any name
	}
}

// inFile adds what is wrong in a file of the metadata.
func (c *checker) inFile(e *model.MetadataError) {
	c.add(Finding{e.Rule, host.Diagnostic{
		File: e.File, Line: e.Line, Column: e.Column, Message: e.Message, Suggestion: e.Note, Source: c.text(e.File).line(e.Line),
	}})
}

// inMetadata is a finding about a key of the metadata.
func (c *checker) inMetadata(rule string, path []string, suggestion, format string, args ...any) {
	file, line, column := c.places.Of(path...)
	c.inFile(&model.MetadataError{Rule: rule, File: file, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Note: suggestion})
}
