package charmfmt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// maxFile is how large a file may be: as large as one that a charm can load.
const maxFile = 1 << 20

// Find returns the files that the paths stand for: a file itself; of a
// directory, the .star files in it, but none in hidden directories. Links in
// directories are not followed.
func Find(paths []string) ([]string, error) {
	var found []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("cannot format: %w", err)
		}
		if !info.IsDir() {
			found = append(found, path)
			continue
		}
		err = filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
			if err != nil {
				return fmt.Errorf("cannot format: %w", err)
			}
			hidden := strings.HasPrefix(d.Name(), ".")
			if d.IsDir() && hidden && at != path {
				return fs.SkipDir
			}
			if d.Type().IsRegular() && !hidden && filepath.Ext(at) == ".star" {
				found = append(found, at)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Read reads a file and formats its text.
func Read(path string) (text, formatted []byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot format: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("cannot format %s: it is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot format: %w", err)
	}
	defer file.Close()
	return ReadFrom(path, file)
}

// ReadFrom is [Read] for what is open already; name is its name in messages.
func ReadFrom(name string, r io.Reader) (text, formatted []byte, err error) {
	text, err = io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot format %s: %w", name, err)
	}
	if len(text) > maxFile {
		return nil, nil, fmt.Errorf("cannot format %s: it is larger than %d MiB, and no charm could load it", name, maxFile>>20)
	}
	formatted, err = Source(name, text)
	return text, formatted, err
}

// Write replaces a file's text, unless the file is no longer as it was read. A
// link stays a link.
func Write(path string, text, formatted []byte) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("cannot write what was formatted: %w", err)
	}
	info, err := os.Stat(target)
	if err != nil {
		return fmt.Errorf("cannot write what was formatted: %w", err)
	}
	if info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("cannot write %s: it is read-only", path)
	}
	now, err := os.ReadFile(target)
	if err == nil && !bytes.Equal(now, text) {
		err = errors.New("it was changed in the meantime; format it again")
	}
	if err == nil {
		err = renameio.WriteFile(target, formatted, info.Mode().Perm(), renameio.IgnoreUmask())
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}
