package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// charmName is the pattern of charms' and applications' names. It goes for
// storages, too.
const charmName = `^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`

// ValidCharmName tells whether Juju takes text as the name of a charm.
func ValidCharmName(text string) bool { return len(text) <= maxName && matches(charmName, text) }

// CharmNameRule says what [ValidCharmName] asks for.
const CharmNameRule = "lower-case letters, digits and dashes; it starts with a letter, and each part between dashes has one"

func (s section) ruleMetadata() {
	if s.node == nil || s.node.kind != mappingKind {
		return
	}
	for _, key := range []string{"summary", "description"} {
		if _, ok := s.node.values[key]; !ok {
			s.refuse("charm-text", "the charm has no "+key, fmt.Sprintf("add a line like %s: …", key))
		}
	}
	s.fields("charm-text", map[string]shape{"name": aString, "summary": aString, "description": aString})
	if name := s.at("name"); name.string() != "" && !ValidCharmName(name.string()) {
		name.refuse("charm-name", fmt.Sprintf("%q cannot be the name of a charm", shorten(name.string())), "a name has "+CharmNameRule)
	}
	for _, key := range []string{"series", "deployment", "min-juju-version"} {
		if _, ok := s.node.values[key]; ok {
			s.at(key).refuse("obsolete-key", "this is of charms without bases, and Juju refuses the two together", "remove it; assumes, base and platforms say it now")
		}
	}
	s.fields("charm-shape", map[string]shape{
		"subordinate": aBool, "categories": aListOfStrings, "tags": aListOfStrings, "terms": aListOfStrings,
		"requires": aMapping, "provides": aMapping, "peers": aMapping, "storage": aMapping, "devices": aMapping,
		"resources": aMapping, "containers": aMapping, "assumes": aList,
		"charm-user": oneOf("root", "sudoer", "non-root"),
	})
	s.ruleBase()
	s.ruleRelations()
	s.ruleExtraBindings()
	s.ruleStorages()
	s.ruleDevices()
	s.ruleResources()
	s.ruleContainers()
	for _, item := range s.listed("assumes") {
		item.ruleAssumes()
	}
	for _, term := range s.listed("terms") {
		if !validTerm(term.string()) {
			term.refuse("term", fmt.Sprintf("%q cannot be a term", shorten(term.string())), "write name, owner/name or owner/name/revision")
		}
	}
}

// listed is the items of a list under a key, if it is one.
func (s section) listed(key string) []section {
	if list := s.at(key); list.node != nil && list.node.kind == sequenceKind {
		return list.list()
	}
	return nil
}

// validTerm reads tenant:owner/name/revision, of which only the name has to be.
func validTerm(text string) bool {
	const name = `^[a-z](-?[a-z0-9]+)+$`
	if tenant, rest, ok := strings.Cut(text, ":"); ok {
		if !matches(name, tenant) {
			return false
		}
		text = rest
	}
	parts := strings.Split(text, "/")
	switch len(parts) {
	case 3:
		revision, err := strconv.Atoi(parts[2])
		return err == nil && revision >= 0 && matches(name, parts[0]) && matches(name, parts[1])
	case 2:
		if revision, err := strconv.Atoi(parts[1]); err == nil {
			return revision >= 0 && matches(name, parts[0])
		}
		return matches(name, parts[0]) && matches(name, parts[1])
	}
	return len(parts) == 1 && matches(name, parts[0])
}

// assumesVersion is a version as assumes has it: 3, 3.6, 3.6.1, 3.6-beta1.
const assumesVersion = `^[0-9]{1,9}(\.[0-9]{1,9}((\.|-[a-z]+)[0-9]{1,9}(\.[0-9]{1,9})?|-[a-z]+)?)?$`

func (s section) ruleAssumes() {
	if s.node != nil && s.node.kind == mappingKind {
		if len(s.node.keys) != 1 {
			s.refuse("assumes", "expected one of all-of and any-of, not several", "make each an item of its own")
			return
		}
		key := s.node.keys[0]
		if !slices.Contains([]string{"all-of", "any-of"}, key) {
			return // LoadMetadata has said so
		}
		if want, _ := aList(s.at(key)); want != "" {
			s.at(key).wrong("assumes", want, "")
		}
		for _, item := range s.listed(key) {
			item.ruleAssumes()
		}
		return
	}
	if want, cure := aString(s); want != "" {
		s.wrong("assumes", "a feature, all-of or any-of", cure)
		return
	}
	part := assumesItem().FindStringSubmatch(s.string())
	if part != nil && part[3] != "" && !matches(assumesVersion, part[3]) {
		s.refuse("assumes", fmt.Sprintf("%q is no version", shorten(part[3])), "write one like 3.6 or 3.6.1")
	}
}
