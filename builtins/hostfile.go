package builtins

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

// maxHostFile is how large a file may be that is read whole, in bytes.
const maxHostFile = 64 << 20

// Kinds of failure of module fs.
var (
	hostFileError           = &Kind{Name: "fs.Error"}
	hostFileNotFoundError   = &Kind{Name: "fs.NotFoundError", Parent: hostFileError}
	hostFilePermissionError = &Kind{Name: "fs.PermissionError", Parent: hostFileError}
)

var hostFileTable = table[*hostFiles]{
	typ: "fs",
	doc: "Files of the unit's own machine, or of the charm container: `load(\"@std//fs.star\", \"fs\")`. Paths are absolute. Symbolic links on the way are followed. One in the place of the file itself is followed by read, exists, isdir and list, wherever it leads; write and remove treat the link itself, which write replaces by a file; chmod and chown follow it within its directory only. An owner or group is a name or a number.",
	members: []member[*hostFiles]{
		{name: "read", sig: "(path: str, *, encoding: str = \"utf-8\") -> str | bytes", doc: "The content, at most 64 MiB. With encoding = None it is bytes; otherwise what is not UTF-8 is an fs.Error.",
			call: (*hostFiles).read},
		{name: "write", sig: "(path: str, content: str | bytes, *, mode: int = None, owner: str | int = None, group: str | int = None, make_dirs: bool = False) -> bool", doc: "Makes the file hold content, as a whole or not at all, and returns whether anything changed: a file that is so already is not touched. mode holds the permissions, for instance 0o600, or 0o4755 with the set-user-ID bit; None keeps those of a file that is there, and is 0o644 for a new one. It has its mode, owner and group from the moment that it is there; a file that is written belongs to the charm's user and group where these are None. With make_dirs the directories above it are made, with 0o755.",
			call: (*hostFiles).write},
		{name: "exists", sig: "(path: str) -> bool", doc: "Whether there is a file or directory.",
			call: (*hostFiles).exists},
		{name: "isdir", sig: "(path: str) -> bool", doc: "Whether there is a directory.",
			call: (*hostFiles).isDir},
		{name: "stat", sig: "(path: str) -> file_stat", doc: "What is known of a file or directory; of a symbolic link itself, not of where it leads.",
			call: (*hostFiles).describe},
		{name: "glob", sig: "(pattern: str) -> list[str]", doc: "The paths that match a pattern, sorted: * is any text, ? a character, [a-z] one of these, each within one directory; a name that begins with a dot has to be matched by a dot. It gives up, with fs.Error, beyond 100,000 files.",
			call: (*hostFiles).glob},
		{name: "which", sig: "(program: str) -> str", doc: "The path of a program, looked for in PATH of the hook's environment; None if there is none.",
			call: (*hostFiles).which},
		{name: "chmod", sig: "(path: str, mode: int) -> bool", doc: "Changes the permissions, and returns whether they were others.",
			call: (*hostFiles).chmod},
		{name: "chown", sig: "(path: str, *, owner: str | int = None, group: str | int = None) -> bool", doc: "Changes whom it belongs to, as far as that is given, and returns whether that was another. A user or group that there is not is fs.Error.",
			call: (*hostFiles).chown},
		{name: "list", sig: "(path: str) -> list[str]", doc: "The names in a directory, sorted.",
			call: (*hostFiles).list},
		{name: "mkdir", sig: "(path: str) -> bool", doc: "Makes a directory, and those above it, with 0o755, and returns whether it was not there.",
			call: (*hostFiles).mkdir},
		{name: "remove", sig: "(path: str, *, recursive: bool = False) -> bool", doc: "Removes a file, a link, an empty directory or, with recursive, a directory with all that is in it, and returns whether there was one.",
			call: (*hostFiles).remove},
		{name: "Error", sig: "kind", doc: "The family of all failures of this module.", get: hostFileKind(hostFileError)},
		{name: "NotFoundError", sig: "kind", doc: "There is no such file or directory.", get: hostFileKind(hostFileNotFoundError)},
		{name: "PermissionError", sig: "kind", doc: "The charm's user may not.", get: hostFileKind(hostFilePermissionError)},
	},
}

// newFS returns module fs.
func newFS(m machine.Machine) starlark.Value {
	return &module[*hostFiles]{table: &hostFileTable, self: &hostFiles{m}}
}

func hostFileKind(k *Kind) func(*hostFiles) (starlark.Value, error) {
	return func(*hostFiles) (starlark.Value, error) { return k, nil }
}

// hostFiles are the files of the machine.
type hostFiles struct{ machine machine.Machine }

// absolute checks a path.
func absolute(in invocation, name string) error {
	if !path.IsAbs(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%s: path is %q, want an absolute one such as /etc/app.conf", in.name, name)
	}
	return nil
}

// openTarget opens the directory of what a path leads to, links followed.
func (f *hostFiles) openTarget(in invocation, name string) (machine.Dir, string, error) {
	if err := absolute(in, name); err != nil {
		return nil, "", err
	}
	target, err := f.machine.Follow(name)
	if err != nil {
		return nil, "", err
	}
	return f.open(in, target, false)
}

// open opens the directory above a path, and returns it with the path's last
// name; of "/" that is ".".
func (f *hostFiles) open(in invocation, name string, makeDirs bool) (machine.Dir, string, error) {
	if err := absolute(in, name); err != nil {
		return nil, "", err
	}
	name = path.Clean(name)
	last := path.Base(name)
	if name == "/" {
		last = "."
	}
	dir, err := f.machine.OpenDir(path.Dir(name), makeDirs)
	return dir, last, err
}

// failure is an error as the charm meets it.
func (f *hostFiles) failure(deed, name string, err error) error {
	var undescribed *machine.UndescribedError
	if errors.As(err, &undescribed) {
		return undescribed
	}
	kind := hostFileError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = hostFileNotFoundError
	case errors.Is(err, fs.ErrPermission):
		kind = hostFilePermissionError
	}
	var wrapped *fs.PathError
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &Failure{Kind: kind, Message: fmt.Sprintf("cannot %s %s: %v", deed, name, err), Err: err}
}

func (f *hostFiles) read(in invocation) (starlark.Value, error) {
	var name string
	var encoding starlark.Value = starlark.String("utf-8")
	if err := in.unpack("path", &name, byName, nil, "encoding?", &encoding); err != nil {
		return nil, err
	}
	text, err := isText(in, encoding)
	if err != nil {
		return nil, err
	}
	dir, last, err := f.openTarget(in, name)
	if err != nil {
		return nil, f.orMisuse("read", name, err)
	}
	defer dir.Close()
	content, err := contentOf(dir, last)
	switch {
	case err != nil:
		return nil, f.failure("read", name, err)
	case !text:
		return starlark.Bytes(content), nil
	case !utf8.Valid(content):
		return nil, f.failure("read", name, errors.New("it is not UTF-8; encoding = None gives bytes"))
	}
	return starlark.String(content), nil
}

// orMisuse is what opening a directory met: an error of the script, which has
// no path in it, stays one.
func (f *hostFiles) orMisuse(deed, name string, err error) error {
	var path *fs.PathError
	var undescribed *machine.UndescribedError
	if errors.As(err, &path) || errors.As(err, &undescribed) {
		return f.failure(deed, name, err)
	}
	return err
}

// contentOf reads a file whole.
func contentOf(dir machine.Dir, name string) ([]byte, error) {
	file, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, syscall.EISDIR
	}
	content, err := io.ReadAll(io.LimitReader(file, maxHostFile+1))
	if err == nil && len(content) > maxHostFile {
		err = fmt.Errorf("it has more than %d bytes", maxHostFile)
	}
	return content, err
}

func (f *hostFiles) write(in invocation) (starlark.Value, error) {
	var name string
	var content starlark.Value
	var wanted, user, group starlark.Value = starlark.None, starlark.None, starlark.None
	makeDirs := false
	if err := in.unpack("path", &name, "content", &content, byName, nil, "mode?", &wanted, "owner?", &user, "group?", &group, "make_dirs?", &makeDirs); err != nil {
		return nil, err
	}
	var data []byte
	switch v := content.(type) {
	case starlark.String:
		data = []byte(v)
	case starlark.Bytes:
		data = []byte(v)
	default:
		return nil, fmt.Errorf("%s: content is a %s, want a string or bytes", in.name, v.Type())
	}
	mode := fs.FileMode(0o644)
	if wanted != starlark.None {
		var err error
		if mode, err = permissions(in, wanted); err != nil {
			return nil, err
		}
	}
	owner, err := f.ownerOf(in, "write", name, user, group)
	if err != nil {
		return nil, err
	}
	dir, last, err := f.open(in, name, makeDirs)
	if err != nil {
		return nil, f.orMisuse("write", name, err)
	}
	defer dir.Close()
	if info, err := dir.Lstat(last); err == nil && info.Mode().IsRegular() {
		now, _ := machine.PermissionsOf(info.Mode())
		if wanted == starlark.None {
			mode = now
		}
		if now == mode && isOwner(info, owner) && info.Size() == int64(len(data)) {
			if old, err := contentOf(dir, last); err == nil && bytes.Equal(old, data) {
				return starlark.False, nil
			}
		}
	}
	if err := dir.WriteFile(last, bytes.NewReader(data), mode, owner); err != nil {
		return nil, f.failure("write", name, err)
	}
	return starlark.True, nil
}

// stat describes what is at a path; nil if nothing is.
func (f *hostFiles) stat(in invocation) (fs.FileInfo, error) {
	var name string
	if err := in.unpack("path", &name); err != nil {
		return nil, err
	}
	dir, last, err := f.openTarget(in, name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil, nil
		}
		return nil, f.orMisuse("look at", name, err)
	}
	defer dir.Close()
	info, err := fs.Stat(dir, last)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, f.failure("look at", name, err)
	}
	return info, nil
}

func (f *hostFiles) exists(in invocation) (starlark.Value, error) {
	info, err := f.stat(in)
	if err != nil {
		return nil, err
	}
	return starlark.Bool(info != nil), nil
}

func (f *hostFiles) isDir(in invocation) (starlark.Value, error) {
	info, err := f.stat(in)
	if err != nil {
		return nil, err
	}
	return starlark.Bool(info != nil && info.IsDir()), nil
}

func (f *hostFiles) list(in invocation) (starlark.Value, error) {
	var name string
	if err := in.unpack("path", &name); err != nil {
		return nil, err
	}
	dir, last, err := f.openTarget(in, name)
	if err != nil {
		return nil, f.orMisuse("list", name, err)
	}
	defer dir.Close()
	entries, err := fs.ReadDir(dir, last)
	if err != nil {
		return nil, f.failure("list", name, err)
	}
	names := make([]starlark.Value, len(entries))
	for i, entry := range entries {
		names[i] = starlark.String(entry.Name())
	}
	return starlark.NewList(names), nil
}

func (f *hostFiles) mkdir(in invocation) (starlark.Value, error) {
	var name string
	if err := in.unpack("path", &name); err != nil {
		return nil, err
	}
	dir, last, err := f.open(in, name, true)
	if err != nil {
		return nil, f.orMisuse("make", name, err)
	}
	defer dir.Close()
	if info, err := fs.Stat(dir, last); err == nil && info.IsDir() {
		return starlark.False, nil
	}
	if err := dir.Mkdir(last, 0o755); err != nil {
		return nil, f.failure("make", name, err)
	}
	return starlark.True, nil
}

func (f *hostFiles) remove(in invocation) (starlark.Value, error) {
	var name string
	recursive := false
	if err := in.unpack("path", &name, byName, nil, "recursive?", &recursive); err != nil {
		return nil, err
	}
	dir, last, err := f.open(in, name, false)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return starlark.False, nil
		}
		return nil, f.orMisuse("remove", name, err)
	}
	defer dir.Close()
	if last == "." {
		return nil, fmt.Errorf("%s: / cannot be removed", in.name)
	}
	err = dir.Remove(last, recursive)
	if errors.Is(err, fs.ErrNotExist) {
		return starlark.False, nil
	}
	if err != nil {
		return nil, f.failure("remove", name, err)
	}
	return starlark.True, nil
}
