package machinetest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/starcharm/starcharm/builtins/machine"
	"gopkg.in/yaml.v3"
)

// A File is a file or directory of the machine. In YAML it is its content, or a
// map.
type File struct {
	Content string `yaml:"content,omitempty"`
	// Mode holds the permissions; nil: 0o644, or 0o755 for a directory.
	Mode *Mode `yaml:"mode,omitempty"`
	// Owner and Group are those that it belongs to, by name or number; "":
	// root.
	Owner string `yaml:"owner,omitempty"`
	Group string `yaml:"group,omitempty"`
	// Dir makes it a directory. Those above a file are there by themselves.
	Dir bool `yaml:"dir,omitempty"`
	// Link makes it a symbolic link that leads there.
	Link string `yaml:"link,omitempty"`
}

// Mode holds a file's permissions as chmod has them, in octal in YAML: 644,
// "0644" and 0o644 are the same.
type Mode uint32

// UnmarshalYAML reads m from octal digits.
func (m *Mode) UnmarshalYAML(node *yaml.Node) error {
	mode, err := strconv.ParseUint(strings.TrimPrefix(node.Value, "0o"), 8, 32)
	if node.Kind != yaml.ScalarNode || err != nil || mode > machine.MaxPermissions {
		return fmt.Errorf("line %d: mode must be octal, 000 to 7777, not %q", node.Line, node.Value)
	}
	*m = Mode(mode)
	return nil
}

// MarshalYAML writes m as four octal digits.
func (m Mode) MarshalYAML() (any, error) { return fmt.Sprintf("%04o", uint32(m)), nil }

// UnmarshalYAML reads f from its content, or from a map.
func (f *File) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*f = File{}
		return node.Decode(&f.Content)
	}
	// KnownFields does not reach through a method like this one.
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch key := node.Content[i]; key.Value {
		case "content", "mode", "owner", "group", "dir", "link":
		default:
			return fmt.Errorf("line %d: field %s not found in a host file", key.Line, key.Value)
		}
	}
	type plain File
	return node.Decode((*plain)(f))
}

// MarshalYAML writes a file that has nothing but content as its content.
func (f File) MarshalYAML() (any, error) {
	if f == (File{Content: f.Content}) {
		return f.Content, nil
	}
	type plain File
	return plain(f), nil
}

// node is a file, directory or link at an absolute path.
type node struct {
	content string      // of a link where it leads
	mode    fs.FileMode // with fs.ModeDir for a directory, fs.ModeSymlink for a link
	owner   machine.Owner
	changed time.Time // zero: when the machine was described
}

// readFiles takes over the files that a State describes.
func (m *Machine) readFiles(files map[string]*File) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		switch {
		case !path.IsAbs(name) || path.Clean(name) != name || name == "/":
			return fmt.Errorf("cannot use host_files[%s]: its path must be absolute, without \".\", \"..\" and a slash at the end", name)
		case f == nil:
			return fmt.Errorf("cannot use host_files[%s]: it has no content", name)
		case f.Dir && f.Content != "":
			return fmt.Errorf("cannot use host_files[%s]: a directory has no content", name)
		case f.Link != "" && (f.Dir || f.Content != "" || f.Mode != nil):
			return fmt.Errorf("cannot use host_files[%s]: a link has no content and no mode, and is no directory", name)
		case f.Mode != nil && *f.Mode > machine.MaxPermissions:
			return fmt.Errorf("cannot use host_files[%s]: its mode is %#o, want one up to %#o", name, uint32(*f.Mode), machine.MaxPermissions)
		}
		n := &node{content: f.Content, mode: 0o644}
		var err error
		if n.owner, err = m.ownerOf(f); err != nil {
			return fmt.Errorf("cannot use host_files[%s]: %w", name, err)
		}
		if f.Dir {
			n.mode = fs.ModeDir | 0o755
		}
		if f.Mode != nil {
			n.mode = n.mode.Type() | machine.Permissions(uint32(*f.Mode))
		}
		if f.Link != "" {
			n.content, n.mode = f.Link, fs.ModeSymlink|0o777
		}
		above, err := m.follow(path.Dir(name))
		if err == nil {
			err = m.makeDirs(above)
		}
		if err != nil {
			return fmt.Errorf("cannot use host_files[%s]: %w", name, err)
		}
		m.nodes[path.Join(above, path.Base(name))] = n
	}
	return nil
}

// makeDirs makes a directory and those above it.
func (m *Machine) makeDirs(name string) error {
	for ; name != "/"; name = path.Dir(name) {
		if n := m.nodes[name]; n == nil {
			m.nodes[name] = &node{mode: fs.ModeDir | 0o755}
		} else if !n.mode.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOTDIR}
		}
	}
	return nil
}

// Files returns the files as they are now, as a State describes them.
// Directories of the usual permissions that hold something are left out.
func (m *Machine) Files() map[string]*File {
	m.mu.Lock()
	defer m.mu.Unlock()
	occupied := map[string]bool{}
	for name := range m.nodes {
		occupied[path.Dir(name)] = true
	}
	var files map[string]*File
	for name, n := range m.nodes {
		if n.mode == fs.ModeDir|0o755 && n.owner == (machine.Owner{}) && occupied[name] {
			continue
		}
		f := &File{Content: n.content, Dir: n.mode.IsDir()}
		if n.isLink() {
			f.Content, f.Link = "", n.content
		}
		if n.owner.UID != 0 {
			f.Owner = m.users.name(n.owner.UID)
		}
		if n.owner.GID != 0 {
			f.Group = m.groups.name(n.owner.GID)
		}
		_, permissions := machine.PermissionsOf(n.mode)
		if mode := Mode(permissions); f.Dir && mode != 0o755 || !f.Dir && mode != 0o644 && f.Link == "" {
			f.Mode = &mode
		}
		if files == nil {
			files = map[string]*File{}
		}
		files[name] = f
	}
	return files
}

// OpenDir opens a directory of those that the State describes.
func (m *Machine) OpenDir(name string, make bool) (machine.Dir, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name, err := m.follow(path.Clean(name))
	if err != nil {
		return nil, err
	}
	if make {
		if err := m.makeDirs(name); err != nil {
			return nil, err
		}
		return dir{m, name}, nil
	}
	switch n := m.nodes[name]; {
	case n == nil && name != "/":
		return nil, &machine.UndescribedError{
			What: "the directory " + name + " of the machine",
			Cure: fmt.Sprintf("add what is in it to host_files, %q: CONTENT", path.Join(name, "NAME")),
		}
	case n != nil && !n.mode.IsDir():
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	return dir{m, name}, nil
}

// Follow returns where a path leads.
func (m *Machine) Follow(name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.follow(path.Clean(name))
}

// maxLinks is how many links a path may lead through, as for the kernel.
const maxLinks = 40

// follow returns where an absolute path leads. The machine is locked.
func (m *Machine) follow(name string) (string, error) {
	at, rest, links := "/", name, 0
	for rest != "" {
		var next string
		next, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
		inner := path.Join(at, next)
		n := m.nodes[inner]
		if !n.isLink() {
			at = inner
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "follow", Path: name, Err: syscall.ELOOP}
		}
		if path.IsAbs(n.content) {
			at = "/"
		}
		rest = n.content + "/" + rest
	}
	return at, nil
}

func (n *node) isLink() bool { return n != nil && n.mode&fs.ModeSymlink != 0 }

// dir is a directory of a simulated machine.
type dir struct {
	m    *Machine
	path string
}

func (d dir) Close() error { return nil }

// at is the path of a name, whose last element may be a link. The machine is
// locked.
func (d dir) at(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return d.path, nil
	}
	return d.inside(op, path.Join(d.path, path.Dir(name)), path.Base(name))
}

// inside follows a path, which must not lead out, and adds a name.
func (d dir) inside(op, name, last string) (string, error) {
	at, err := d.m.follow(name)
	if err != nil {
		return "", err
	}
	if at != d.path && !strings.HasPrefix(at, strings.TrimSuffix(d.path, "/")+"/") {
		return "", &fs.PathError{Op: op, Path: name, Err: errors.New("path escapes from parent")}
	}
	return path.Join(at, last), nil
}

// node returns what is at a name, or where the link leads that is there. The
// machine is locked.
func (d dir) node(op, name string) (*node, error) {
	n, err := d.lnode(op, name)
	if err != nil || !n.isLink() {
		return n, err
	}
	at, err := d.inside(op, path.Join(d.path, name), "")
	if err != nil {
		return nil, err
	}
	return d.found(op, name, at)
}

// lnode returns what is at a name. The machine is locked.
func (d dir) lnode(op, name string) (*node, error) {
	at, err := d.at(op, name)
	if err != nil {
		return nil, err
	}
	return d.found(op, name, at)
}

func (d dir) found(op, name, at string) (*node, error) {
	if n := d.m.nodes[at]; n != nil {
		return n, nil
	}
	if at == "/" {
		return &node{mode: fs.ModeDir | 0o755}, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

func (d dir) Open(name string) (fs.File, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	n, err := d.node("open", name)
	if err != nil {
		return nil, err
	}
	f := &openFile{info: d.info(name, n), Reader: strings.NewReader(n.content)}
	if n.mode.IsDir() {
		at, err := d.inside("open", path.Join(d.path, name), "")
		if err != nil {
			return nil, err
		}
		for _, inner := range slices.Sorted(maps.Keys(d.m.nodes)) {
			if inner != "/" && path.Dir(inner) == at {
				f.entries = append(f.entries, fs.FileInfoToDirEntry(d.info(inner, d.m.nodes[inner])))
			}
		}
	}
	return f, nil
}

// openFile is an open file or directory.
type openFile struct {
	info fileInfo
	*strings.Reader
	entries []fs.DirEntry
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// ReadDir returns the next n entries of a directory, all if n is not positive.
func (f *openFile) ReadDir(n int) ([]fs.DirEntry, error) {
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

// fileInfo describes a file or directory.
type fileInfo struct {
	name    string
	node    node
	changed time.Time
}

// info describes n, which is at a name. The machine is locked.
func (d dir) info(name string, n *node) fileInfo {
	if changed := n.changed; !changed.IsZero() {
		return fileInfo{path.Base(name), *n, changed}
	}
	return fileInfo{path.Base(name), *n, d.m.began}
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return int64(len(i.node.content)) }
func (i fileInfo) Mode() fs.FileMode  { return i.node.mode }
func (i fileInfo) ModTime() time.Time { return i.changed }
func (i fileInfo) IsDir() bool        { return i.node.mode.IsDir() }
func (i fileInfo) Sys() any           { return i.node.owner }

func (d dir) Lstat(name string) (fs.FileInfo, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	n, err := d.lnode("lstat", name)
	if err != nil {
		return nil, err
	}
	return d.info(name, n), nil
}

func (d dir) Readlink(name string) (string, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	n, err := d.lnode("readlink", name)
	if err != nil {
		return "", err
	}
	if !n.isLink() {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: syscall.EINVAL}
	}
	return n.content, nil
}

func (d dir) Chmod(name string, perm fs.FileMode) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	n, err := d.node("chmod", name)
	if err == nil {
		n.mode = n.mode.Type() | permissions(perm)
	}
	return err
}

func (d dir) Chown(name string, owner machine.Owner) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	n, err := d.node("chown", name)
	if err == nil {
		n.owner = changed(n.owner, owner)
	}
	return err
}

// changed is an owner after what of by is not left unchanged.
func changed(owner, by machine.Owner) machine.Owner {
	if by.UID != machine.Unchanged {
		owner.UID = by.UID
	}
	if by.GID != machine.Unchanged {
		owner.GID = by.GID
	}
	return owner
}

func (d dir) Mkdir(name string, perm fs.FileMode) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if n, err := d.node("mkdir", name); err == nil {
		if !n.mode.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
		}
		return nil
	}
	return d.put("mkdir", name, &node{mode: fs.ModeDir | permissions(perm)})
}

func permissions(mode fs.FileMode) fs.FileMode {
	only, _ := machine.PermissionsOf(mode)
	return only
}

// put puts n at a name, whose directory must be there. The machine is locked.
func (d dir) put(op, name string, n *node) error {
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	above, err := d.node(op, path.Dir(name))
	if err != nil {
		return err
	}
	if !above.mode.IsDir() {
		return &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
	}
	at, err := d.at(op, name)
	if err == nil {
		d.m.nodes[at] = n
	}
	return err
}

func (d dir) Remove(name string, all bool) error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if _, err := d.lnode("remove", name); err != nil {
		return err
	}
	at, err := d.at("remove", name)
	if err != nil {
		return err
	}
	if !all && slices.ContainsFunc(slices.Collect(maps.Keys(d.m.nodes)), func(inner string) bool { return strings.HasPrefix(inner, at+"/") }) {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	d.m.removeAll(at)
	return nil
}

// removeAll removes what is at an absolute path, with all that is in it. The
// machine is locked.
func (m *Machine) removeAll(name string) {
	for inner := range m.nodes {
		if inner == name || strings.HasPrefix(inner, name+"/") {
			delete(m.nodes, inner)
		}
	}
}

// maxFile is how large a file of a simulated machine may be, in bytes.
const maxFile = 1 << 30

func (d dir) WriteFile(name string, content io.Reader, perm fs.FileMode, owner machine.Owner) error {
	data, err := io.ReadAll(io.LimitReader(content, maxFile+1))
	if err != nil {
		return err
	}
	if len(data) > maxFile {
		return &fs.PathError{Op: "write", Path: name, Err: syscall.EFBIG}
	}
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if n, err := d.lnode("write", name); err == nil && n.mode.IsDir() {
		return &fs.PathError{Op: "write", Path: name, Err: syscall.EISDIR}
	}
	return d.put("write", name, &node{content: string(data), mode: permissions(perm), owner: changed(machine.Owner{}, owner), changed: d.m.now})
}
