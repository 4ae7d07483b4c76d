// Package consistency holds the rules that the world of a simulated unit keeps,
// because Juju and Pebble keep them: numbered, so that a test may allow itself
// to break one.
//
// The rules are checked where what they are about is known: those of Juju in
// package modeltest, those of containers and of events by their callers.
package consistency

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/starcharm/starcharm/model"
)

// A Rule is one that the world of a unit keeps.
type Rule struct {
	// ID is the rule's number: "SC010".
	ID string
	// Says is the rule, Cure what to do when it is broken.
	Says, Cure string
	// Note says that breaking it is odd and not impossible.
	Note bool
}

var byID = sync.OnceValue(func() map[string]*Rule {
	rules := Rules()
	m := make(map[string]*Rule, len(rules))
	for i := range rules {
		m[rules[i].ID] = &rules[i]
	}
	return m
})

// A Violation is a rule that is broken.
type Violation struct {
	Rule *Rule
	// What is wrong, in the words of this case.
	What string
}

func (v *Violation) Error() string { return v.What }

// Violations are all that is broken. There is at least one.
type Violations []*Violation

func (v Violations) Error() string {
	lines := make([]string, len(v))
	for i := range v {
		lines[i] = v[i].What
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns them one by one.
func (v Violations) Unwrap() []error {
	errs := make([]error, len(v))
	for i := range v {
		errs[i] = v[i]
	}
	return errs
}

// A Checker collects what is broken. The zero value allows nothing.
type Checker struct {
	allowed []string
	found   Violations
	notes   Violations
}

// Allowing returns a Checker that lets the rules of these numbers be broken.
func Allowing(ids []string) (*Checker, error) {
	for _, id := range ids {
		if byID()[id] != nil {
			continue
		}
		var known []string
		for _, rule := range Rules() {
			known = append(known, rule.ID)
		}
		text := fmt.Sprintf("there is no rule %q", id)
		if near := model.Nearest(strings.ToUpper(id), known); near != "" {
			text += fmt.Sprintf("; did you mean %q?", near)
		}
		return nil, fmt.Errorf("%s", text)
	}
	return &Checker{allowed: ids}, nil
}

// Fail says that a rule is broken, and how.
func (c *Checker) Fail(id, format string, args ...any) { _ = c.Violation(id, format, args...) }

// Violation is Fail that returns the violation; nil if the rule may be broken.
func (c *Checker) Violation(id, format string, args ...any) error {
	rule := byID()[id]
	if rule == nil {
		panic("consistency: no rule " + id)
	}
	if slices.Contains(c.allowed, id) {
		return nil
	}
	v := &Violation{rule, fmt.Sprintf(format, args...)}
	list := &c.found
	if rule.Note {
		list = &c.notes
	}
	if !slices.ContainsFunc(*list, func(o *Violation) bool { return *o == *v }) {
		*list = append(*list, v)
	}
	if rule.Note {
		return nil
	}
	return v
}

// Err is what is broken, as [Violations], or nil.
func (c *Checker) Err() error {
	if len(c.found) == 0 {
		return nil
	}
	return c.found
}

// Notes are what is odd.
func (c *Checker) Notes() Violations { return c.notes }
