package charmpack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

// What a charm may hold.
const (
	maxFiles = 10_000
	maxBytes = 512 << 20 // without the program
)

// A source is a file of the charm's directory that is packed.
type source struct {
	name string
	mode fs.FileMode
	size int64
}

// collect lists the files in the charm's directory that are packed, sorted.
func collect(root *os.Root, skip func(fs.FileInfo) bool) ([]source, error) {
	ignore, err := readIgnore(root)
	if err != nil {
		return nil, err
	}
	var found []source
	var total int64
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("cannot read the charm: %w", err)
		case name == ".":
			return nil
		case ignore.ignored(name, d.IsDir()) && d.IsDir():
			return fs.SkipDir
		case ignore.ignored(name, d.IsDir()), generated(name):
			return nil
		case name == "dispatch":
			return errors.New("the charm has a dispatch of its own, where the program goes; remove it")
		}
		if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
			return fmt.Errorf("cannot pack %q: its name has characters that are unsafe in an archive; rename it, or leave it out with %s", name, ignoreFile)
		}
		if d.IsDir() {
			return nil
		}
		info, err := root.Stat(name)
		if err != nil {
			return linkError(root, name, err)
		}
		if info.IsDir() {
			return fmt.Errorf("cannot pack %s: it is a link to a directory; put the directory there, or leave the link out with %s", name, ignoreFile)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("cannot pack %s: it is neither a file nor a directory; leave it out with %s", name, ignoreFile)
		}
		if skip(info) {
			return nil
		}
		if total += info.Size(); total > maxBytes {
			return fmt.Errorf("cannot pack more than %d MiB, and %s comes on top of that; leave out with %s what a unit does not need", maxBytes>>20, name, ignoreFile)
		}
		if len(found) == maxFiles {
			return fmt.Errorf("cannot pack more than %d files; leave out with %s what a unit does not need", maxFiles, ignoreFile)
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		found = append(found, source{name, mode, info.Size()})
		return nil
	})
	slices.SortFunc(found, func(a, b source) int { return strings.Compare(a.name, b.name) })
	return found, err
}

// linkError says what is wrong with a link, if it is one.
func linkError(root *os.Root, name string, err error) error {
	if target, failed := root.Readlink(name); failed == nil {
		why := "it leads out of the charm"
		switch {
		case errors.Is(err, syscall.ELOOP):
			why = "it leads back to itself"
		case errors.Is(err, fs.ErrNotExist) && !path.IsAbs(target):
			why = "there is no such file"
		}
		return fmt.Errorf("cannot pack %s, a link to %s: %s; put the file there, or leave the link out with %s", name, target, why, ignoreFile)
	}
	return fmt.Errorf("cannot read the charm: %w", err)
}
