package host

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
)

// A Script is a .star file beside those of a charm, such as a test, compiled
// with all that it loads. It may load the charm's files. It does not change.
type Script struct{ charm *Charm }

// alsoUsable are names that files can use besides those of a charm.
type alsoUsable struct {
	names []string
	in    func(file string) bool
}

// LoadScript compiles a file of the charm's directory. That file, and those
// that it loads for which in says so, can use the names besides what the charm's
// own files can.
func (c *Charm) LoadScript(file string, names []string, in func(file string) bool) (*Script, error) {
	s := &Script{&Charm{
		Metadata: c.Metadata, files: c.files, entry: file, modules: maps.Clone(c.modules), also: alsoUsable{names, in}, coverage: c.coverage, steps: c.steps,
	}}
	l := loader{charm: s.charm}
	if err := l.load(file, nil); err != nil {
		return nil, err
	}
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return s, nil
}

// Source returns the text of the file or of one that it loads, for messages.
func (s *Script) Source(name string) ([]byte, bool) { return s.charm.Source(name) }

// Run executes the top level of the file on the thread and returns its
// globals, which nothing can change any more. values are those behind the names
// that LoadScript was told of.
func (s *Script) Run(thread *starlark.Thread, hook *builtins.Hook, values starlark.StringDict) (starlark.StringDict, error) {
	p := newProgram(s.charm, hook)
	p.scripts = maps.Clone(p.predeclared)
	maps.Copy(p.scripts, values)
	thread.Load = p.load
	hook.Framework.Loading = true
	defer func() { hook.Framework.Loading = false }()
	return p.run(thread, s.charm.entry)
}

// Files is the charm's directory.
func (c *Charm) Files() fs.FS { return c.files }

// Entry is the name of the script that the charm starts with.
func (c *Charm) Entry() string { return c.entry }

// Loaded are the names of the file and of those that it loads, and those that
// these load, sorted. mentions says whether one of them has that name in it.
func (s *Script) Loaded(name string) (files []string, mentions bool) {
	seen := map[string]bool{}
	var follow func(string)
	follow = func(file string) {
		if seen[file] {
			return
		}
		seen[file] = true
		m := s.charm.modules[file]
		mentions = mentions || strings.Contains(string(m.source), name)
		for _, next := range m.loads {
			follow(next)
		}
	}
	follow(s.charm.entry)
	return slices.Sorted(maps.Keys(seen)), mentions
}
