package charmtest

import (
	"fmt"
	"regexp"
	"slices"
)

// A nameRule says what the names of some things look like.
type nameRule struct {
	thing, words string
	max          int
	pattern      *regexp.Regexp
}

// check says what is wrong with a name.
func (r *nameRule) check(name string) error {
	if r.pattern.MatchString(name) && (r.max == 0 || len(name) <= r.max) {
		return nil
	}
	return fmt.Errorf("%q is no name of %s: want %s", name, r.thing, r.words)
}

// oneOf says what is wrong with a field that is one of a few words.
func oneOf(field, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return fmt.Errorf("%s is %q, want one of %q", field, value, words)
}

// The names that Juju takes.
var (
	endpointNames = &nameRule{thing: "an endpoint", words: "lower-case letters and digits, a letter first, in words joined by single - or _",
		pattern: regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)}
	containerNames = &nameRule{thing: "a container", words: "at most 63 lower-case letters, digits and -, the first and last no -", max: 63,
		pattern: regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)}
	storageNames = &nameRule{thing: "a storage", words: "lower-case letters and digits, a letter first, in words joined by single - that have a letter each",
		pattern: regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$`)}
	actionNames = &nameRule{thing: "an action", words: "lower-case letters, digits and -, the first and last no -",
		pattern: regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)}
)
