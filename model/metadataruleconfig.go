package model

import (
	"fmt"
	"net/url"
)

func (s section) ruleConfigFile() {
	if s.node == nil || s.node.kind != mappingKind || !s.has("options") {
		s.refuse("config", "there are no options", "write options: {}, or remove the file")
		return
	}
	s.at("options").ruleOptions()
}

// has tells whether a mapping has the key, with a value or without.
func (s section) has(key string) bool {
	_, ok := s.node.values[key]
	return ok
}

func (s section) ruleOptions() {
	for _, option := range s.each {
		if option.node.null() || option.node.kind != mappingKind {
			continue // LoadMetadata has said so, unless there is nothing, which is a string
		}
		if description := option.at("description"); !description.node.null() {
			if want, cure := aString(description); want != "" {
				description.wrong("config", want, cure)
			}
		}
		kind := option.at("type").string()
		if kind == "integer" {
			option.at("type").refuse("config", `Juju before 4.1 does not know the type "integer"`, "write int")
		}
		value := option.at("default")
		if value.node.null() {
			continue
		}
		switch kind {
		case "", "string":
			if want, cure := aString(value); want != "" {
				value.wrong("config", want, cure)
			}
		case "secret":
			if _, err := url.Parse(value.string()); err != nil {
				value.refuse("config", fmt.Sprintf("%q is no URI of a secret", shorten(value.string())), "write one that starts with secret:")
			}
		}
	}
}
