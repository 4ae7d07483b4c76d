package model

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	scalarKind   = yaml.ScalarNode
	mappingKind  = yaml.MappingNode
	sequenceKind = yaml.SequenceNode
)

// section is a value in one of the metadata's files, or nothing, and where it
// is. Reading it as what it is not records an error and gives the zero value.
type section struct {
	reader *metadataReader
	file   string
	path   string // "requires.db.interface"
	node   *yamlNode
}

func (s section) fail(message, note string) { s.refuse("", message, note) }

// refuse records an error of a rule.
func (s section) refuse(rule, message, note string) {
	e := &MetadataError{File: s.file, Message: message, Note: note, Rule: rule, path: s.path}
	if s.node != nil {
		e.Line, e.Column = s.node.line, s.node.column
	}
	if s.path != "" {
		e.Message = s.path + ": " + message
	}
	s.reader.fail(e)
}

func (s section) mismatch(want string) {
	s.fail(fmt.Sprintf("expected %s, not %s", want, s.node.what()), "")
}

func (s section) child(key string, node *yamlNode) section {
	path := key
	if s.path != "" {
		path = s.path + "." + key
	}
	return section{s.reader, s.file, path, node}
}

// at returns the value under a key: nothing when there is none.
func (s section) at(key string) section {
	if s.node == nil {
		return s.child(key, nil)
	}
	return s.child(key, s.node.values[key])
}

// mapping returns s, or nothing when it is not a mapping.
func (s section) mapping() section {
	if !s.node.null() && s.node.kind != mappingKind {
		s.mismatch("a mapping")
		s.node = nil
	}
	return s
}

// entries yields what is in a mapping, in the order of the file.
func (s section) entries() iter.Seq2[string, section] {
	return func(yield func(string, section) bool) {
		if s.node.null() {
			return
		}
		if s.node.kind != mappingKind {
			s.mismatch("a mapping")
			return
		}
		for _, key := range s.node.keys {
			if !yield(key, s.child(key, s.node.values[key])) {
				return
			}
		}
	}
}

// named builds the map of a section whose keys are names and whose values are
// mappings.
func named[T any](s section, build func(name string, s section) *T) map[string]*T {
	all := make(map[string]*T)
	for name, value := range s.entries() {
		if !value.validName(name) {
			continue
		}
		if value.node.null() || value.mapping().node != nil {
			all[name] = build(name, value)
		}
	}
	return all
}

func (s section) validName(name string) bool {
	ok := name != "" && len(name) <= maxName && name[0] != '-' && only(name, "_-")
	if !ok {
		s.fail(fmt.Sprintf("%q cannot be a name", shorten(name)), "use letters, digits and dashes")
	}
	return ok
}

func (s section) list() []section {
	if s.node.null() {
		return nil
	}
	if s.node.kind != sequenceKind {
		s.mismatch("a list")
		return nil
	}
	items := make([]section, len(s.node.items))
	for i, item := range s.node.items {
		items[i] = section{s.reader, s.file, fmt.Sprintf("%s[%d]", s.path, i), item}
	}
	return items
}

// text reads a string; a number or a boolean is taken as it is written.
func (s section) text() string {
	if s.node.null() {
		return ""
	}
	if s.node.kind != scalarKind {
		s.mismatch("a string")
		return ""
	}
	return s.node.text
}

// texts reads a string or a list of strings.
func (s section) texts() []string {
	if !s.node.null() && s.node.kind == scalarKind {
		return []string{s.text()}
	}
	var all []string
	for _, item := range s.list() {
		all = append(all, item.text())
	}
	return all
}

func (s section) oneOf(known ...string) string {
	text := s.text()
	if slices.Contains(known, text) {
		return text
	}
	if s.node.null() {
		s.fail("missing", "it must be one of "+strings.Join(known, ", "))
	} else if s.node.kind == scalarKind {
		s.fail(fmt.Sprintf("%q is unknown%s", shorten(text), didYouMean(text, known)), "it must be one of "+strings.Join(known, ", "))
	}
	return ""
}

func (s section) boolean() bool {
	if s.node.null() {
		return false
	}
	value, ok := s.node.truth()
	if !ok {
		s.mismatch("true or false")
	}
	return value
}

// truth reads a boolean; without quotes also the words that YAML 1.1, which
// Juju reads, has for it.
func (n *yamlNode) truth() (value, ok bool) {
	if value, ok := n.value.(bool); ok {
		return value, true
	}
	if n.kind != scalarKind || !n.plain {
		return false, false
	}
	switch n.text {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

func (s section) integer() int {
	value, ok := s.node.value.(int64)
	if !ok || value < 0 || value > math.MaxInt32 {
		s.mismatch("a whole number that is not negative")
		return 0
	}
	return int(value)
}
