package builtins

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// This file defines what a charm reads of its own directory: framework.read_file
// and framework.list_files.

const (
	maxCharmFile  = 4 << 20 // of a file that is read, in bytes
	maxCharmFiles = 10_000  // of a list
)

// charmPath is the path of an argument, which does not lead out of the charm.
func charmPath(in invocation, name string) (string, error) {
	if clean := path.Clean(name); fs.ValidPath(clean) {
		return clean, nil
	}
	return "", fmt.Errorf("%s: the path %q does not lead to something inside the charm: give one that is relative to the charm's directory, such as \"src/rules\"", in.name, name)
}

func readCharmFile(f *Framework, in invocation) (starlark.Value, error) {
	var name string
	var fallback starlark.Value
	if err := in.unpack("path", &name, byName, nil, "default?", &fallback); err != nil {
		return nil, err
	}
	clean, err := charmPath(in, name)
	if err != nil {
		return nil, err
	}
	file, err := f.hook.Files.Open(clean)
	if errors.Is(err, fs.ErrNotExist) {
		if fallback != nil {
			return fallback, nil
		}
		return nil, fmt.Errorf("%s: there is no file %s in the charm", in.name, clean)
	} else if err != nil {
		return nil, fmt.Errorf("%s: cannot open %s: %w", in.name, clean, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCharmFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: cannot read %s: %w", in.name, clean, err)
	case len(text) > maxCharmFile:
		return nil, fmt.Errorf("%s: %s has more than %d bytes", in.name, clean, maxCharmFile)
	case !utf8.Valid(text):
		return nil, fmt.Errorf("%s: %s is not UTF-8 text", in.name, clean)
	}
	return starlark.String(text), nil
}

func listCharmFiles(f *Framework, in invocation) (starlark.Value, error) {
	var dir string
	var recursive bool
	if err := in.unpack("path", &dir, byName, nil, "recursive?", &recursive); err != nil {
		return nil, err
	}
	clean, err := charmPath(in, dir)
	if err != nil {
		return nil, err
	}
	var names []starlark.Value
	err = fs.WalkDir(f.hook.Files, clean, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == clean:
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			if name != clean && !recursive {
				return fs.SkipDir
			}
			return nil
		}
		// A link is the file that it leads to, if that is in the charm.
		info, err := fs.Stat(f.hook.Files, name)
		if err != nil || !info.Mode().IsRegular() || name == clean {
			return nil
		}
		if len(names) == maxCharmFiles {
			return fmt.Errorf("there are more than %d files", maxCharmFiles)
		}
		names = append(names, starlark.String(name))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: cannot list %s: %w", in.name, clean, err)
	}
	return starlark.NewList(names), nil
}
