package machine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A Dir is a directory of the machine with all that is below it. Nothing that
// is done through it reaches anything else: names are as for io/fs, and a
// symbolic link that leads out is an error.
type Dir interface {
	// Open opens a regular file or a directory for reading.
	fs.FS
	// Mkdir makes a directory, unless it is there.
	Mkdir(name string, perm fs.FileMode) error
	// Lstat describes what is at a name, a link as itself, and Readlink says
	// where that leads.
	Lstat(name string) (fs.FileInfo, error)
	Readlink(name string) (string, error)
	// WriteFile writes what content holds to a file, as a whole or, if content
	// ends in an error, which it returns, not at all. A file or link of that
	// name is replaced. The file has its owner and permissions from the moment
	// that it is there.
	WriteFile(name string, content io.Reader, perm fs.FileMode, owner Owner) error
	// Chmod and Chown change permissions and owner of what is there.
	Chmod(name string, perm fs.FileMode) error
	Chown(name string, owner Owner) error
	// Remove removes a file, a link or an empty directory or, if all is set, a
	// directory with all that is in it.
	Remove(name string, all bool) error
	Close() error
}

func (real) OpenDir(path string, make bool) (Dir, error) {
	if make {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(path)
	if info, statErr := os.Stat(path); err != nil && statErr == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
	}
	if err != nil {
		return nil, err
	}
	return dir{root}, nil
}

func (real) Follow(path string) (string, error) {
	followed, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return path, nil
	}
	var wrapped *fs.PathError
	if err != nil && !errors.As(err, &wrapped) {
		err = &fs.PathError{Op: "follow", Path: path, Err: err} // too many links
	}
	return followed, err
}

type dir struct{ root *os.Root }

func (d dir) Close() error { return d.root.Close() }

// Open does not wait for the writer of a FIFO, and takes nothing but files and
// directories.
func (d dir) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("neither a file nor a directory")}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Stat describes what is at a name, without opening it.
func (d dir) Stat(name string) (fs.FileInfo, error) { return d.root.Stat(name) }

func (d dir) Lstat(name string) (fs.FileInfo, error)    { return d.root.Lstat(name) }
func (d dir) Readlink(name string) (string, error)      { return d.root.Readlink(name) }
func (d dir) Chmod(name string, perm fs.FileMode) error { return d.root.Chmod(name, perm) }
func (d dir) Chown(name string, owner Owner) error      { return d.root.Chown(name, owner.UID, owner.GID) }

func (d dir) Mkdir(name string, perm fs.FileMode) error {
	err := d.root.Mkdir(name, perm)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, statErr := d.root.Stat(name); statErr != nil || !info.IsDir() {
		return err
	}
	return nil
}

func (d dir) Remove(name string, all bool) error {
	err := d.root.Remove(name)
	if err == nil || !all || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return d.root.RemoveAll(name)
}

func (d dir) WriteFile(name string, content io.Reader, perm fs.FileMode, owner Owner) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: "write", Path: name, Err: fs.ErrInvalid}
	}
	temporary := path.Join(path.Dir(name), ".starcharm-"+rand.Text())
	f, err := d.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = func() error {
		defer f.Close()
		if _, err := io.CopyBuffer(struct{ io.Writer }{f}, content, make([]byte, 128<<10)); err != nil {
			return err
		}
		if owner.UID != Unchanged || owner.GID != Unchanged {
			if err := f.Chown(owner.UID, owner.GID); err != nil {
				return err
			}
		}
		if err := f.Chmod(perm); err != nil {
			return err
		}
		return f.Close()
	}()
	if err == nil {
		err = d.root.Rename(temporary, name)
	}
	if err != nil {
		if removeErr := d.root.Remove(temporary); removeErr != nil {
			return fmt.Errorf("%w (and %v is left behind)", err, temporary)
		}
	}
	return err
}
