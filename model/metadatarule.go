package model

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file and its neighbours named metadatarule… hold what Juju asks of a
// charm before it lets it be deployed, beyond what a unit needs to run.

// The files of packed charms that only deploying reads.
const (
	manifestFile   = "manifest.yaml"
	lxdProfileFile = "lxd-profile.yaml"
)

// CheckMetadata returns the reasons for which Juju would refuse a charm with
// these files: the errors of [LoadMetadata], and the mistakes that only
// deploying would show, in metadata.yaml, config.yaml and actions.yaml or
// charmcraft.yaml, and, if they are there, in manifest.yaml and
// lxd-profile.yaml. They are in the order of files and lines.
func CheckMetadata(fsys fs.FS) []*MetadataError {
	_, err := LoadMetadata(fsys)
	found := metadataErrors(err)

	r := &metadataReader{fsys: fsys, m: &Metadata{}}
	metadata, split := r.open(metadataFile)
	if !split {
		metadata, _ = r.open(charmcraftFile)
	}
	metadata.ruleMetadata()
	if config, ok := r.open(configFile); ok {
		config.ruleConfigFile()
	} else if craft, ok := r.open(charmcraftFile); ok {
		craft.at("config").at("options").ruleOptions()
	}
	actions, ok := r.open(actionsFile)
	if !ok {
		if craft, ok := r.open(charmcraftFile); ok {
			actions = craft.at("actions")
		}
	}
	actions.ruleActions(metadata.at("name").string())
	if manifest, ok := r.open(manifestFile); ok {
		manifest.ruleManifest()
	}
	if profile, ok := r.open(lxdProfileFile); ok {
		profile.ruleLXDProfile()
	}
	for _, e := range found {
		e.Rule = "metadata"
	}
	for _, e := range metadataErrors(errors.Join(r.errs...)) {
		if !slices.ContainsFunc(found, e.samePlace) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b *MetadataError) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return found
}

// samePlace tells whether another error is about the same value, or is the same.
func (e *MetadataError) samePlace(other *MetadataError) bool {
	return e.File == other.File && e.Line == other.Line && e.Column == other.Column &&
		(e.path == other.path && e.path != "" || e.Message == other.Message)
}

// metadataErrors takes apart what LoadMetadata returns.
func metadataErrors(err error) []*MetadataError {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var found []*MetadataError
		for _, one := range many.Unwrap() {
			found = append(found, metadataErrors(one)...)
		}
		return found
	}
	var found *MetadataError
	if errors.As(err, &found) {
		return []*MetadataError{found}
	}
	return nil
}

// A shape says what a value has to be: "" when it is that, or else a name for
// it, such as "a string", and perhaps a cure.
type shape func(s section) (want, cure string)

// fields checks the values of a mapping that are there. In Juju, what is there
// without a value is a mistake, not an absence. It returns whether s is a
// mapping at all.
func (s section) fields(rule string, shapes map[string]shape) bool {
	if s.node.null() || s.node.kind != mappingKind {
		s.wrong(rule, "a mapping", "")
		return false
	}
	for _, key := range s.node.keys {
		want, ok := shapes[key]
		if !ok {
			continue
		}
		value := s.at(key)
		if want, cure := want(value); want != "" {
			value.wrong(rule, want, cure)
		}
	}
	return true
}

func (s section) wrong(rule, want, cure string) {
	if cure == "" && s.node.null() {
		cure = "leave the key out, or give it a value"
	}
	what := s.node.what()
	if truth, word := s.truth(); word && want == "a string" {
		what = fmt.Sprintf("the boolean %t", truth)
	}
	s.refuse(rule, fmt.Sprintf("expected %s, not %s", want, what), cure)
}

// each is entries for a mapping whose shape is checked already.
func (s section) each(yield func(name string, value section) bool) {
	if s.node == nil || s.node.kind != mappingKind {
		return
	}
	for _, key := range s.node.keys {
		if !yield(key, s.at(key)) {
			return
		}
	}
}

// string is the value of a string, or "".
func (s section) string() string {
	if s.node == nil || s.node.kind != scalarKind {
		return ""
	}
	text, _ := s.node.value.(string)
	return text
}

// truth is the value of a boolean, in the words of YAML 1.1.
func (s section) truth() (value, ok bool) {
	if s.node.null() {
		return false, false
	}
	return s.node.truth()
}

// whole is the value of a whole number, also of one in quotes.
func (s section) whole() (int64, bool) {
	if s.node == nil || s.node.kind != scalarKind {
		return 0, false
	}
	switch value := s.node.value.(type) {
	case int64:
		return value, true
	case string:
		n, err := strconv.ParseInt(value, 0, 64)
		return n, err == nil
	}
	return 0, false
}

func aString(s section) (string, string) {
	if s.node.null() || s.node.kind != scalarKind {
		return "a string", ""
	}
	if _, ok := s.node.value.(string); !ok {
		return "a string", "put it in quotes"
	}
	if _, word := s.truth(); word {
		return "a string", "without quotes, Juju reads " + s.node.text + " as true or false"
	}
	return "", ""
}

func aBool(s section) (string, string) {
	if _, ok := s.truth(); ok {
		return "", ""
	}
	if _, err := strconv.ParseBool(s.string()); err == nil && s.node.kind == scalarKind {
		return "", ""
	}
	return "true or false", ""
}

func aWhole(s section) (string, string) {
	if _, ok := s.whole(); !ok {
		return "a whole number", ""
	}
	return "", ""
}

func aMapping(s section) (string, string) {
	if s.node.null() || s.node.kind != mappingKind {
		return "a mapping", ""
	}
	return "", ""
}

func aList(s section) (string, string) {
	if s.node.null() || s.node.kind != sequenceKind {
		return "a list", ""
	}
	return "", ""
}

func aListOfStrings(s section) (string, string) {
	if want, cure := aList(s); want != "" {
		return want, cure
	}
	for _, item := range s.list() {
		if want, _ := aString(item); want != "" {
			return "a list of strings", "put what is no string in quotes"
		}
	}
	return "", ""
}

func oneOf(known ...string) shape {
	return func(s section) (string, string) {
		if !slices.Contains(known, s.string()) {
			return "one of " + strings.Join(known, ", "), ""
		}
		return "", ""
	}
}

// reserved tells why a charm may not have a thing of that name.
func reserved(charm, name string) string {
	switch {
	case strings.HasPrefix(charm, "juju-"):
	case name == "juju":
		return `"juju" is reserved for Juju itself`
	case strings.HasPrefix(name, "juju-"):
		return `names that start with "juju-" are reserved for Juju itself`
	}
	return ""
}

// matches is for patterns that are needed once in a run.
func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
