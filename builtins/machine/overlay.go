package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// An Overlay is a machine of which nothing is changed: what is written to files
// is kept in memory, where it can be read again, and sleeping takes no time.
// What cannot be known without doing it, the outcome of a command, of a signal
// and of an HTTP request that does more than to read, is an
// [UndescribedError].
type Overlay struct {
	Machine
	// Allow says that a command is to be run in earnest; nil: none is.
	Allow func(Command) bool
	// Variables are the environment's.
	Variables map[string]string

	mu    sync.Mutex
	slept time.Duration
	// nodes are what was written, by absolute path, and before what was there
	// then; nil: nothing.
	nodes  map[string]*Captured
	before map[string]*Captured
}

// Captured is a file or directory of an [Overlay], or what it stands for.
type Captured struct {
	Content []byte
	Mode    fs.FileMode // with fs.ModeDir for a directory
	Owner   Owner
	// hides says that what is really there cannot be seen: the file is gone if
	// Mode is not a directory's and gone is set.
	gone, hides bool
	changed     time.Time
}

// unknown is the error of what is not done.
func unknown(what, cure string) error { return &UndescribedError{What: what, Cure: cure, Live: true} }

// Now is the time, with what was slept.
func (o *Overlay) Now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Machine.Now().Add(o.slept)
}

// Sleep lets the time go on without waiting.
func (o *Overlay) Sleep(ctx context.Context, d time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.slept += d
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Environment returns the Variables.
func (o *Overlay) Environment() map[string]string { return maps.Clone(o.Variables) }

// Run runs commands that are allowed.
func (o *Overlay) Run(ctx context.Context, c Command) (*Result, error) {
	if o.Allow != nil && o.Allow(c) {
		return o.Machine.Run(ctx, c)
	}
	return nil, unknown("the command "+c.Line(), "--allow-exec runs it in earnest")
}

// Signal says whether a process is there.
func (o *Overlay) Signal(pid int, name string, s syscall.Signal) (bool, error) {
	if s != 0 {
		return false, unknown(fmt.Sprintf("a signal to the process %d", pid), "")
	}
	return o.Machine.Signal(pid, name, s)
}

// Transport sends requests that only read.
func (o *Overlay) Transport(options TransportOptions) http.RoundTripper {
	return readingTransport{o.Machine.Transport(options), func(what string) error { return unknown(what, "") }}
}

// Changed returns what was written, and what was there before, by absolute path;
// nil is nothing.
func (o *Overlay) Changed() (before, after map[string]*Captured) {
	o.mu.Lock()
	defer o.mu.Unlock()
	after = map[string]*Captured{}
	for name := range o.before {
		if n := o.nodes[name]; n != nil && !n.gone {
			after[name] = n
		} else {
			after[name] = nil
		}
	}
	return maps.Clone(o.before), after
}

// OpenDir opens a directory, of which changes are kept in memory.
func (o *Overlay) OpenDir(name string, make bool) (Dir, error) {
	name = path.Clean(name)
	if resolved, err := filepath.EvalSymlinks(name); err == nil {
		name = resolved
	}
	lower, err := o.Machine.OpenDir(name, false)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	d := &overlayDir{o, name, lower}
	n, hidden := o.node(name)
	switch {
	case n != nil && n.Mode.IsDir(), n == nil && !hidden && err == nil:
		return d, nil
	case n != nil:
		err = &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	case hidden:
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if !make || !errors.Is(err, fs.ErrNotExist) {
		d.Close()
		return nil, err
	}
	d.Close()
	d.lower = nil
	return d, o.makeDirs(name)
}

// makeDirs makes a directory and those above it.
func (o *Overlay) makeDirs(name string) error {
	for ; name != "/"; name = path.Dir(name) {
		if n, hidden := o.node(name); n != nil && n.Mode.IsDir() {
			return nil
		} else if n == nil && !hidden {
			if lower, err := o.Machine.OpenDir(name, false); err == nil {
				return lower.Close()
			} else if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		o.put(name, nil, &Captured{Mode: fs.ModeDir | 0o755})
	}
	return nil
}

// node is what was written at a path, nil for nothing; hidden says that what is
// really there cannot be seen.
func (o *Overlay) node(name string) (n *Captured, hidden bool) {
	if n := o.nodes[name]; n != nil {
		if n.gone {
			return nil, true
		}
		return n, true
	}
	for above := path.Dir(name); ; above = path.Dir(above) {
		if n := o.nodes[above]; n != nil && (n.gone || n.hides || !n.Mode.IsDir()) {
			return nil, true
		}
		if above == "/" {
			return nil, false
		}
	}
}

// put writes what is at a path, where was is what was there.
func (o *Overlay) put(name string, was, n *Captured) {
	if o.nodes == nil {
		o.nodes, o.before = map[string]*Captured{}, map[string]*Captured{}
	}
	if _, known := o.before[name]; !known {
		o.before[name] = was
	}
	if n.Mode.IsDir() && was == nil {
		n.hides = true
	}
	n.changed = o.Machine.Now().Add(o.slept)
	o.nodes[name] = n
}

// overlayDir is a directory of an Overlay.
type overlayDir struct {
	o    *Overlay
	path string
	// lower is the real directory; nil: there is none.
	lower Dir
}

func (d *overlayDir) Close() error {
	if d.lower == nil {
		return nil
	}
	return d.lower.Close()
}

// stat describes what is at a name.
func (d *overlayDir) stat(op, name string, real func(string) (fs.FileInfo, error)) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, hidden := d.o.node(path.Join(d.path, name))
	switch {
	case n != nil:
		return capturedInfo{path.Base(name), n}, nil
	case hidden || d.lower == nil:
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return real(name)
}

func (d *overlayDir) lstat(name string) (fs.FileInfo, error) {
	return d.stat("lstat", name, func(name string) (fs.FileInfo, error) { return d.lower.Lstat(name) })
}

func (d *overlayDir) Lstat(name string) (fs.FileInfo, error) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	return d.lstat(name)
}

// Stat describes what is at a name, without opening it if the directory can.
func (d *overlayDir) Stat(name string) (fs.FileInfo, error) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	return d.stat("stat", name, func(name string) (fs.FileInfo, error) { return fs.Stat(d.lower, name) })
}

func (d *overlayDir) Readlink(name string) (string, error) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if n, hidden := d.o.node(path.Join(d.path, name)); n != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: syscall.EINVAL}
	} else if hidden || d.lower == nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrNotExist}
	}
	return d.lower.Readlink(name)
}

func (d *overlayDir) Open(name string) (fs.File, error) {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	info, err := d.stat("open", name, func(name string) (fs.FileInfo, error) { return fs.Stat(d.lower, name) })
	if err != nil {
		return nil, err
	}
	if n, ok := info.(capturedInfo); ok && !info.IsDir() {
		return &capturedFile{info: n, Reader: bytes.NewReader(n.node.Content)}, nil
	}
	if !info.IsDir() {
		return d.lower.Open(name)
	}
	entries, err := d.entries(name)
	if err != nil {
		return nil, err
	}
	return &capturedFile{info: info, Reader: bytes.NewReader(nil), entries: entries}, nil
}

// entries are what is in a directory, sorted.
func (d *overlayDir) entries(name string) ([]fs.DirEntry, error) {
	at := path.Join(d.path, name)
	var all []fs.DirEntry
	if n := d.o.nodes[at]; d.lower != nil && (n == nil || !n.hides) {
		if _, hidden := d.o.node(at); !hidden || n != nil {
			lower, err := fs.ReadDir(d.lower, name)
			if err != nil {
				return nil, err
			}
			for _, entry := range lower {
				if d.o.nodes[path.Join(at, entry.Name())] == nil {
					all = append(all, entry)
				}
			}
		}
	}
	for inner, n := range d.o.nodes {
		if inner != "/" && path.Dir(inner) == at && !n.gone {
			all = append(all, fs.FileInfoToDirEntry(capturedInfo{path.Base(inner), n}))
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// captured is what is at a name now, to be changed; nil for nothing.
func (d *overlayDir) captured(name string) (*Captured, error) {
	info, err := d.lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if n, ok := info.(capturedInfo); ok {
		c := *n.node
		return &c, nil
	}
	c := &Captured{Mode: info.Mode(), Owner: OwnerOf(info)}
	if info.Mode().IsRegular() {
		f, err := d.lower.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		c.Content, err = io.ReadAll(io.LimitReader(f, maxWritten+1))
		if err != nil {
			return nil, err
		}
		if len(c.Content) > maxWritten {
			return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EFBIG}
		}
	}
	return c, nil
}

// maxWritten is how large a file may be that is kept in memory, in bytes.
const maxWritten = 64 << 20

// change changes what is at a name.
func (d *overlayDir) change(op, name string, change func(*Captured)) error {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	was, err := d.captured(name)
	if err != nil {
		return err
	}
	if was == nil {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	n := *was
	change(&n)
	d.o.put(path.Join(d.path, name), was, &n)
	return nil
}

func (d *overlayDir) Chmod(name string, perm fs.FileMode) error {
	return d.change("chmod", name, func(n *Captured) { n.Mode = n.Mode.Type() | perm })
}

func (d *overlayDir) Chown(name string, owner Owner) error {
	return d.change("chown", name, func(n *Captured) {
		if owner.UID != Unchanged {
			n.Owner.UID = owner.UID
		}
		if owner.GID != Unchanged {
			n.Owner.GID = owner.GID
		}
	})
}

// above is an error unless there is a directory for a name to be in.
func (d *overlayDir) above(op, name string) error {
	info, err := d.stat(op, path.Dir(name), func(name string) (fs.FileInfo, error) { return fs.Stat(d.lower, name) })
	if path.Dir(name) == "." && errors.Is(err, fs.ErrNotExist) {
		if n, _ := d.o.node(d.path); n != nil && n.Mode.IsDir() {
			return nil
		}
	}
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
	}
	return err
}

func (d *overlayDir) Mkdir(name string, perm fs.FileMode) error {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	info, err := d.stat("mkdir", name, func(name string) (fs.FileInfo, error) { return fs.Stat(d.lower, name) })
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := d.above("mkdir", name); err != nil {
		return err
	}
	d.o.put(path.Join(d.path, name), nil, &Captured{Mode: fs.ModeDir | perm})
	return nil
}

func (d *overlayDir) WriteFile(name string, content io.Reader, perm fs.FileMode, owner Owner) error {
	data, err := io.ReadAll(io.LimitReader(content, maxWritten+1))
	if err != nil {
		return err
	}
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	if len(data) > maxWritten {
		return &fs.PathError{Op: "write", Path: name, Err: syscall.EFBIG}
	}
	if err := d.above("write", name); err != nil {
		return err
	}
	was, err := d.captured(name)
	switch {
	case err != nil:
		return err
	case was != nil && was.Mode.IsDir():
		return &fs.PathError{Op: "write", Path: name, Err: syscall.EISDIR}
	}
	n := &Captured{Content: data, Mode: perm, Owner: Owner{syscall.Geteuid(), syscall.Getegid()}}
	if owner.UID != Unchanged {
		n.Owner.UID = owner.UID
	}
	if owner.GID != Unchanged {
		n.Owner.GID = owner.GID
	}
	d.o.put(path.Join(d.path, name), was, n)
	return nil
}

// maxRemoved is how many files of a directory that is removed are told of.
const maxRemoved = 1000

func (d *overlayDir) Remove(name string, all bool) error {
	d.o.mu.Lock()
	defer d.o.mu.Unlock()
	told := maxRemoved
	return d.remove(name, all, &told)
}

func (d *overlayDir) remove(name string, all bool, told *int) error {
	was, err := d.captured(name)
	switch {
	case err != nil:
		return err
	case was == nil:
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	case was.Mode.IsDir():
		inside, err := d.entries(name)
		if err != nil {
			return err
		}
		if len(inside) > 0 && !all {
			return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
		}
		for _, entry := range inside {
			if *told--; *told < 0 {
				break
			}
			if err := d.remove(path.Join(name, entry.Name()), all, told); err != nil {
				return err
			}
		}
	}
	at := path.Join(d.path, name)
	maps.DeleteFunc(d.o.nodes, func(inner string, _ *Captured) bool { return strings.HasPrefix(inner, at+"/") })
	d.o.put(at, was, &Captured{gone: true})
	return nil
}

// capturedInfo describes what was written.
type capturedInfo struct {
	name string
	node *Captured
}

func (i capturedInfo) Name() string       { return i.name }
func (i capturedInfo) Size() int64        { return int64(len(i.node.Content)) }
func (i capturedInfo) Mode() fs.FileMode  { return i.node.Mode }
func (i capturedInfo) ModTime() time.Time { return i.node.changed }
func (i capturedInfo) IsDir() bool        { return i.node.Mode.IsDir() }
func (i capturedInfo) Sys() any           { return i.node.Owner }

// capturedFile is an open file or directory.
type capturedFile struct {
	info fs.FileInfo
	*bytes.Reader
	entries []fs.DirEntry
}

func (f *capturedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *capturedFile) Close() error               { return nil }

// ReadDir returns the next n entries of a directory, all if n is not positive.
func (f *capturedFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.entries)
	} else if len(f.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.entries))
	entries := f.entries[:n]
	f.entries = f.entries[n:]
	return entries, nil
}
