package check

import (
	"cmp"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/host"
)

// This file silences findings: "# check: ignore=RULE" on a finding's line, and
// Options.Ignore.

// An ignore is a comment that silences rules on its line.
type ignore struct {
	line, column int
	rules        []string
	used         map[string]bool
}

var ignoreComment = regexp.MustCompile(`#\s*check:\s*ignore=([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)`)

// ignoresIn are the comments in lines, of a script or of YAML.
func ignoresIn(lines []string) []*ignore {
	var all []*ignore
	for i, line := range lines {
		at := ignoreComment.FindStringSubmatchIndex(line)
		if at == nil {
			continue
		}
		in := &ignore{line: i + 1, column: at[0] + 1, used: map[string]bool{}}
		for _, name := range strings.Split(line[at[2]:at[3]], ",") {
			if name = strings.TrimSpace(name); len(in.rules) < maxIgnored && !slices.Contains(in.rules, name) {
				in.rules = append(in.rules, name)
			}
		}
		all = append(all, in)
	}
	return all
}

// maxIgnored is how many rules a comment silences: more than there are.
const maxIgnored = 200

// text is a file of the metadata, as far as findings are told in it.
func (c *checker) text(name string) *file {
	if f := c.modules[name]; f != nil {
		return f
	}
	if f := c.texts[name]; f != nil {
		return f
	}
	f := &file{name: name}
	if in, err := c.fsys.Open(cmp.Or(name, ".")); err == nil {
		source, _ := io.ReadAll(io.LimitReader(in, maxText))
		in.Close()
		f.lines = strings.Split(string(source), "\n")
	}
	f.ignores = ignoresIn(f.lines)
	c.texts[name] = f
	return f
}

// maxText is how much is read of a file of the metadata.
const maxText = 1 << 20

// silence takes away what is not to be told of, and tells of comments that
// silence nothing.
func (c *checker) silence() []Finding {
	var left []Finding
	already := map[told]bool{}
	for _, f := range c.found {
		key := told{f.Rule, f.File, f.Line, f.Column, f.Message}
		if already[key] || c.rules[f.Rule].Listing && !c.options.Listing || slices.Contains(c.options.Ignore, f.Rule) {
			continue
		}
		already[key] = true
		if !c.ignored(f) {
			left = append(left, f)
		}
	}
	files := slices.Clone(c.order)
	for _, name := range []string{"metadata.yaml", "config.yaml", "actions.yaml", "charmcraft.yaml"} {
		files = append(files, c.text(name))
	}
	for _, f := range files {
		for _, in := range f.ignores {
			for _, name := range in.rules {
				if len(left) >= maxFindings || in.used[name] || slices.Contains(c.options.Ignore, name) || slices.Contains(c.options.Ignore, "unused-ignore") {
					continue
				}
				message, suggestion := "nothing here breaks the rule "+name, "delete the comment"
				if rule, ok := c.rules[name]; !ok {
					message, suggestion = "there is no rule "+name, nearest(name, ruleNames())
				} else if rule.Listing && !c.options.Listing {
					continue
				}
				left = append(left, Finding{"unused-ignore", host.Diagnostic{
					File: f.name, Line: in.line, Column: in.column, Message: message, Suggestion: suggestion, Source: f.line(in.line),
				}})
			}
		}
	}
	return left
}

// A told is what makes findings the same.
type told struct {
	rule, file   string
	line, column int
	message      string
}

// ignored says whether a comment on its line silences a finding.
func (c *checker) ignored(f Finding) bool {
	if f.File == "" {
		return false
	}
	for _, in := range c.text(f.File).ignores {
		if in.line == f.Line && slices.Contains(in.rules, f.Rule) {
			in.used[f.Rule] = true
			return true
		}
	}
	return false
}
