package builtins

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/pebble"
)

// This file defines container.push_path and container.pull_path.

func (c *container) pushPath(in invocation) (starlark.Value, error) {
	var from starlark.Value
	var to string
	var a fileAttributes
	owners := a.pairs()[2:] // permissions are those of the files
	if err := in.unpack(append([]any{"source_path", &from, "dest_dir", &to, byName, nil}, owners...)...); err != nil {
		return nil, err
	}
	_, owner, err := a.read(in)
	if err != nil {
		return nil, err
	}
	paths, err := pathsOf(in, from)
	if err != nil {
		return nil, err
	}
	if err := inContainer(in, "dest_dir", to); err != nil {
		return nil, err
	}
	var sources []pebble.PushSource
	for _, p := range paths {
		s, opened, err := c.h.pushSource(p)
		if opened != nil {
			defer opened.Close()
		}
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	skipped, err := c.client.PushPath(c.h.Context, sources, to, owner)
	c.logSkipped(in, skipped)
	return starlark.None, c.h.pebbleFailure(err)
}

// pushSource is the file or directory at a path of the machine, and what to
// close afterwards, if anything.
func (h *Hook) pushSource(p string) (pebble.PushSource, io.Closer, error) {
	at, contents := strings.CutSuffix(p, "/*")
	at = h.hostPath(at)
	s := pebble.PushSource{Path: p, As: path.Base(at)}
	if contents || at == "/" || at == h.CharmDir {
		s.As = ""
	}
	own, isOwn := strings.CutPrefix(at+"/", strings.TrimSuffix(h.CharmDir, "/")+"/")
	if isOwn {
		s.FS, s.Name = h.Files, path.Clean(own)
		// What is not the charm's may have been put there.
		if _, err := fs.Stat(s.FS, s.Name); !errors.Is(err, fs.ErrNotExist) {
			return s, nil, nil
		}
	}
	opened, name, err := h.openSource(at)
	var undescribed *machine.UndescribedError
	switch {
	case errors.As(err, &undescribed) && isOwn:
		return s, nil, nil // and is not there
	case errors.As(err, &undescribed):
		return s, nil, err
	case err != nil:
		s.Err = err
		return s, nil, nil
	}
	s.FS, s.Name = opened, name
	return s, opened, nil
}

// openSource opens a directory, or that of a file, and says what the path is
// called in it.
func (h *Hook) openSource(at string) (machine.Dir, string, error) {
	opened, err := h.Machine.OpenDir(at, false)
	if errors.Is(err, syscall.ENOTDIR) {
		opened, err = h.Machine.OpenDir(path.Dir(at), false)
		return opened, path.Base(at), err
	}
	return opened, ".", err
}

// hostPath is a path of the machine, which is in the charm's directory if it is
// relative.
func (h *Hook) hostPath(p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(h.CharmDir, p)
}

func (c *container) pullPath(in invocation) (starlark.Value, error) {
	var from starlark.Value
	var to string
	if err := in.unpack("source_path", &from, "dest_dir", &to); err != nil {
		return nil, err
	}
	paths, err := pathsOf(in, from)
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		if err := inContainer(in, "source_path", p); err != nil {
			return nil, err
		}
	}
	if to == "" {
		return nil, fmt.Errorf("%s: dest_dir is empty", in.name)
	}
	target, err := c.h.Machine.OpenDir(c.h.hostPath(to), true)
	if err != nil {
		return nil, pathFailure(to, fmt.Sprintf("cannot open %s to copy into it: %v", to, err))
	}
	defer target.Close()
	skipped, err := c.client.PullPath(c.h.Context, paths, pulled{target})
	c.logSkipped(in, skipped)
	return starlark.None, c.h.pebbleFailure(err)
}

// pulled is a directory whose new files belong to the charm's user.
type pulled struct{ machine.Dir }

func (d pulled) WriteFile(name string, content io.Reader, perm fs.FileMode) error {
	return d.Dir.WriteFile(name, content, perm, machine.Owner{UID: machine.Unchanged, GID: machine.Unchanged})
}

// pathsOf reads a path or a list of paths.
func pathsOf(in invocation, v starlark.Value) ([]string, error) {
	paths := []string{""}
	var err error
	if text, ok := starlark.AsString(v); ok {
		paths[0] = text
	} else if paths, err = stringsOf(in, "source_path", v); err != nil {
		return nil, err
	}
	for _, p := range paths {
		if p == "" {
			return nil, fmt.Errorf("%s: source_path is empty", in.name)
		}
	}
	return paths, nil
}

func inContainer(in invocation, name, p string) error {
	if !strings.HasPrefix(p, "/") {
		return fmt.Errorf("%s: %s is %q, which is relative; a path in a container starts with /", in.name, name, p)
	}
	return nil
}

// logSkipped tells of what was neither file nor directory.
func (c *container) logSkipped(in invocation, paths []string) {
	for _, p := range paths {
		c.h.Log("DEBUG", fmt.Sprintf("%s left out %s, which is neither a file nor a directory", in.name, p))
	}
}
