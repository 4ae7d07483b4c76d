package pebbletest

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/starcharm/starcharm/pebble"
)

// maxLinks is how many symbolic links a path may lead through.
const maxLinks = 40

// node is what is at a path.
type node struct {
	kind     pebble.FileType
	content  string
	target   string
	mode     int
	owner    owner
	modified time.Time
}

// tree is a file system. Its nodes are by absolute, clean path, and the parent
// of each is in it.
type tree struct {
	nodes map[string]*node
	// users and groups are those that were named without being in the files
	// that list them.
	users, groups []account
}

func emptyTree(now time.Time) *tree {
	return &tree{nodes: map[string]*node{"/": {kind: pebble.TypeDirectory, mode: 0o755, modified: now}}}
}

// newTree makes a tree of a State's files.
func newTree(files map[string]*File, now time.Time) (*tree, error) {
	t := emptyTree(now)
	return t, t.add(files, now)
}

// add adds files to the tree.
func (t *tree) add(files map[string]*File, now time.Time) error {
	for _, p := range slices.Sorted(maps.Keys(files)) {
		file := files[p]
		switch {
		case !path.IsAbs(p) || path.Clean(p) != p:
			return fmt.Errorf("file %q: the path must be absolute, without \".\", \"..\" and a slash at the end", p)
		case file == nil:
			return fmt.Errorf("file %q: it has no content", p)
		}
		n := &node{kind: file.Kind, content: file.Content, target: file.Target, mode: 0o644, modified: now}
		switch n.kind {
		case "":
			n.kind = pebble.TypeFile
		case pebble.TypeDirectory:
			n.mode = 0o755
		case pebble.TypeSymlink:
			n.mode = 0o777
		case pebble.TypeFile, pebble.TypeSocket, pebble.TypeNamedPipe, pebble.TypeDevice, pebble.TypeUnknown:
		default:
			return fmt.Errorf("file %q: there is no kind %q", p, file.Kind)
		}
		if file.Mode != nil {
			n.mode = int(*file.Mode)
		}
		for parent := path.Dir(p); ; parent = path.Dir(parent) {
			if above := t.nodes[parent]; above == nil {
				t.nodes[parent] = &node{kind: pebble.TypeDirectory, mode: 0o755, modified: now}
			} else if above.kind != pebble.TypeDirectory {
				return fmt.Errorf("file %q: %q is not a directory", p, parent)
			}
			if parent == "/" {
				break
			}
		}
		t.nodes[p] = n
	}
	accounts := t.accounts()
	for p, file := range files {
		t.nodes[p].owner = accounts.of(file)
	}
	return nil
}

// store returns the files that make the same tree.
func (t *tree) store() map[string]*File {
	occupied := map[string]bool{}
	for p := range t.nodes {
		if p != "/" {
			occupied[path.Dir(p)] = true
		}
	}
	accounts := t.accounts()
	files := map[string]*File{}
	for p, n := range t.nodes {
		isDirectory := n.kind == pebble.TypeDirectory
		if p == "/" || isDirectory && occupied[p] && n.mode == 0o755 && n.owner == (owner{}) {
			continue
		}
		f := &File{Content: n.content, Target: n.target}
		usual := 0o644
		switch n.kind {
		case pebble.TypeFile:
		case pebble.TypeDirectory:
			f.Kind, usual = n.kind, 0o755
		case pebble.TypeSymlink:
			f.Kind, usual = n.kind, 0o777
		default:
			f.Kind = n.kind
		}
		if n.mode != usual {
			mode := Mode(n.mode)
			f.Mode = &mode
		}
		accounts.describe(f, n.owner)
		files[p] = f
	}
	if len(files) == 0 {
		return nil
	}
	return files
}

// lookup returns where p leads to and what is there. That nothing is there is
// ENOENT; the place is "" then unless only the last name is missing.
func (t *tree) lookup(p string, follow bool) (string, *node, error) {
	place, rest := "/", strings.Split(p, "/")
	wantDirectory := strings.HasSuffix(p, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if t.nodes[place].kind != pebble.TypeDirectory {
			if name == "" && !wantDirectory && len(rest) > 0 {
				continue
			}
			return "", nil, syscall.ENOTDIR
		}
		switch name {
		case "", ".":
			continue
		case "..":
			place = path.Dir(place)
			continue
		}
		next := path.Join(place, name)
		last := !slices.ContainsFunc(rest, func(name string) bool { return name != "" })
		n := t.nodes[next]
		switch {
		case n == nil && last:
			return next, nil, syscall.ENOENT
		case n == nil:
			return "", nil, syscall.ENOENT
		case n.kind == pebble.TypeSymlink && (!last || follow || wantDirectory):
			if links++; links > maxLinks {
				return "", nil, syscall.ELOOP
			}
			if path.IsAbs(n.target) {
				place = "/"
			}
			rest = append(strings.Split(n.target, "/"), rest...)
		default:
			place = next
		}
	}
	return place, t.nodes[place], nil
}

// names returns what is in the directory at place, sorted.
func (t *tree) names(place string) []string {
	var names []string
	for p := range t.nodes {
		if p != "/" && path.Dir(p) == place {
			names = append(names, path.Base(p))
		}
	}
	slices.Sort(names)
	return names
}

// removeAll removes place and all below it.
func (t *tree) removeAll(place string) {
	prefix := strings.TrimSuffix(place, "/") + "/"
	maps.DeleteFunc(t.nodes, func(p string, _ *node) bool { return p == place || strings.HasPrefix(p, prefix) })
}

// pathError says which step of an operation failed.
func pathError(op, p string, err error) error { return &fs.PathError{Op: op, Path: p, Err: err} }
