package charmpack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// ignoreFile holds patterns of what to leave out, as Juju 3.6 reads it too:
// like .gitignore, the last pattern that fits decides.
const ignoreFile = ".jujuignore"

// maxIgnore is how large that file may be.
const maxIgnore = 64 << 10

// defaultIgnore is what is left out unless the charm's own patterns say
// otherwise. Juju 3.6 drops /build/ itself.
const defaultIgnore = `
.*
/tests/
/build/
*.charm
/charmcraft.yaml
/Makefile
/CONTRIBUTING.md
/SECURITY.md
*_test.star
__pycache__/
*.pyc
`

// generated are the files that packing makes.
func generated(name string) bool {
	switch name {
	case "metadata.yaml", "config.yaml", "actions.yaml", "manifest.yaml", "revision":
		return true
	}
	return false
}

// A pattern is one line of an ignore file.
type pattern struct {
	parts     []string // of the path; ** stands for any number of them
	keep      bool     // it started with !
	directory bool     // it ended with /
}

type patterns []pattern

// readIgnore returns the default patterns, and then the charm's own.
func readIgnore(root *os.Root) (patterns, error) {
	all, err := parseIgnore("the defaults", defaultIgnore)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(ignoreFile)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", ignoreFile, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s: it is not a regular file", ignoreFile)
	}
	file, err := root.Open(ignoreFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", ignoreFile, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxIgnore+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", ignoreFile, err)
	}
	if len(text) > maxIgnore {
		return nil, fmt.Errorf("%s is larger than %d KiB", ignoreFile, maxIgnore>>10)
	}
	own, err := parseIgnore(ignoreFile, string(text))
	return append(all, own...), err
}

func parseIgnore(name, text string) (patterns, error) {
	var all patterns
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		var p pattern
		if line, p.keep = strings.CutPrefix(line, "!"); line == "" {
			return nil, fmt.Errorf("%s:%d: there is no pattern behind the exclamation mark", name, i+1)
		}
		line = strings.TrimPrefix(line, `\`) // of \# and \!
		line, p.directory = strings.CutSuffix(line, "/")
		anchored := strings.Contains(line, "/")
		p.parts = strings.Split(strings.TrimPrefix(line, "/"), "/")
		if !anchored {
			p.parts = append([]string{"**"}, p.parts...)
		}
		for _, part := range p.parts {
			if _, err := path.Match(part, ""); err != nil {
				return nil, fmt.Errorf("%s:%d: %q is no pattern: * stands for anything in a name, ? for a character, [a-z] for one of them", name, i+1, part)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// ignored tells whether a path is left out.
func (all patterns) ignored(name string, directory bool) bool {
	parts := strings.Split(name, "/")
	ignored := false
	for _, p := range all {
		if p.keep == ignored && (directory || !p.directory) && matchParts(p.parts, parts) {
			ignored = !p.keep
		}
	}
	return ignored
}

// matchParts goes through the pattern's parts; what a ** has taken is only
// given back by the last one, so that the time does not explode.
func matchParts(pattern, parts []string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(parts) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			star, mark = p, i
			p++
		case p < len(pattern) && matchPart(pattern[p], parts[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

func matchPart(pattern, part string) bool {
	ok, _ := path.Match(pattern, part) // the pattern has been tried before
	return ok
}
