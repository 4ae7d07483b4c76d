package builtins

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"go.starlark.net/starlark"
)

// maxGlob is how many files and directories a pattern may come upon.
const maxGlob = 100_000

func (f *hostFiles) glob(in invocation) (starlark.Value, error) {
	var pattern string
	if err := in.unpack("pattern", &pattern); err != nil {
		return nil, err
	}
	if !path.IsAbs(pattern) || strings.ContainsRune(pattern, 0) {
		return nil, fmt.Errorf("%s: pattern is %q, want an absolute one such as /etc/app/*.conf", in.name, pattern)
	}
	if _, err := path.Match(pattern, ""); err != nil || strings.Contains(pattern, "**") {
		return nil, fmt.Errorf("%s: pattern is %q, want one of *, ? and [a-z], each within one directory", in.name, pattern)
	}
	w := walk{files: f, left: maxGlob}
	names := strings.Split(path.Clean(pattern)[1:], "/")
	if err := w.match("/", names, false); err != nil {
		return nil, f.failure("look for", pattern, err)
	}
	slices.Sort(w.found)
	elems := make([]starlark.Value, len(w.found))
	for i, name := range w.found {
		elems[i] = starlark.String(name)
	}
	return starlark.NewList(elems), nil
}

// A walk looks for the files that match a pattern.
type walk struct {
	files *hostFiles
	left  int // how many more it may come upon
	found []string
}

// match looks in a directory for the rest of a pattern. A directory that the
// pattern itself names, and no *, has to be described in a simulation.
func (w *walk) match(dir string, names []string, guessed bool) error {
	fixed := 0
	for fixed < len(names)-1 && !strings.ContainsAny(names[fixed], `*?[\`) {
		fixed++
	}
	dir = path.Join(append([]string{dir}, names[:fixed]...)...)
	d, err := w.files.machine.OpenDir(dir, false)
	switch {
	case err != nil && guessed || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil // it is no directory, or not to be looked into: nothing matches
	case err != nil:
		return err
	}
	defer d.Close()
	entries, err := fs.ReadDir(d, ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if w.left--; w.left < 0 {
			return fmt.Errorf("there are more than %d files on the way", maxGlob)
		}
		name := entry.Name()
		matches, err := path.Match(names[fixed], name)
		switch {
		case err != nil:
			return err
		case !matches || name[0] == '.' && names[fixed][0] != '.':
		case fixed == len(names)-1:
			w.found = append(w.found, path.Join(dir, name))
		default:
			if err := w.match(path.Join(dir, name), names[fixed+1:], true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *hostFiles) which(in invocation) (starlark.Value, error) {
	var program string
	if err := in.unpack("program", &program); err != nil {
		return nil, err
	}
	if program == "" || strings.ContainsAny(program, "/\x00") {
		return nil, fmt.Errorf("%s: program is %q, want a name without a slash", in.name, program)
	}
	found, err := f.machine.LookPath(program)
	if err != nil {
		return nil, f.failure("look for", program, err)
	}
	return orNone(found), nil
}
