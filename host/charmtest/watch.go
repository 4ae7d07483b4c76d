package charmtest

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/starcharm/starcharm/host"
)

// This file finds the tests that a change touches.

// touched says whether a test can come out otherwise when these files of the
// charm have changed: it, or one that it loads; a file of the charm, if the
// test runs the charm; and any file that is no script, for a charm may read it.
func (s *Suite) touched(t *test, changed []string) bool {
	files, runsCharm := t.file.script.Loaded("testing")
	for _, name := range changed {
		switch {
		case path.Ext(name) != ".star":
			return true
		case slices.Contains(files, name):
			return true
		case runsCharm:
			if _, ok := s.charm.Source(name); ok {
				return true
			}
		}
	}
	return false
}

// Select leaves only the tests that a change of these files touches.
func (s *Suite) Select(changed []string) {
	s.tests = slices.DeleteFunc(s.tests, func(t *test) bool { return !s.touched(t, changed) })
}

// A Watcher sees the files of a directory change.
type Watcher struct {
	dir  string
	seen map[string]stamp
}

// A stamp tells a version of a file from others.
type stamp struct {
	modified time.Time
	size     int64
}

// maxWatched is how many files are watched.
const maxWatched = 100_000

// NewWatcher watches the charm in dir, as it is now. What is hidden is left out.
func NewWatcher(dir string) (*Watcher, error) {
	w := &Watcher{dir: dir}
	var err error
	w.seen, err = w.look()
	return w, err
}

// Changed returns the files that are new, gone or not as they were when it was
// asked last, sorted.
func (w *Watcher) Changed() ([]string, error) {
	now, err := w.look()
	if err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	for name, is := range now {
		if was, ok := w.seen[name]; !ok || was != is {
			changed[name] = true
		}
	}
	for name := range w.seen {
		if _, ok := now[name]; !ok {
			changed[name] = true
		}
	}
	w.seen = now
	return slices.Sorted(maps.Keys(changed)), nil
}

func (w *Watcher) look() (map[string]stamp, error) {
	files, err := host.DirFS(w.dir)
	if err != nil {
		return nil, err
	}
	seen := map[string]stamp{}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			return nil // it went while we looked
		case name != "." && strings.HasPrefix(path.Base(name), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case len(seen) == maxWatched:
			return fmt.Errorf("there are more than %d", maxWatched)
		}
		if info, err := d.Info(); err == nil {
			seen[name] = stamp{info.ModTime(), info.Size()}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot watch the files of the charm: %w", err)
	}
	return seen, nil
}

// Watch calls run for all tests, and then for those that each change touches,
// until ctx ends. changes waits for the next ones; it returns nil when ctx has
// ended. A charm that cannot be loaded goes to unloadable, and all tests are run
// when it can.
func Watch(ctx context.Context, dir string, o Options, changes func(context.Context) ([]string, error), run func(*Suite) error, unloadable func(*LoadError) error) error {
	all := true
	var changed []string
	for {
		suite, err := Load(ctx, dir, o)
		if wrong, ok := err.(*LoadError); ok {
			all = true
			err = unloadable(wrong)
		} else if err == nil {
			if !all {
				suite.Select(changed)
			}
			all = false
			err = run(suite)
		}
		if err != nil {
			return err
		}
		if changed, err = changes(ctx); err != nil || len(changed) == 0 {
			return err
		}
	}
}
