package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

const (
	pebbleDir   = "/var/lib/pebble/default"
	socketPath  = "/charm/container/pebble.socket"
	programPath = "/charm/bin/pebble"

	// maxFiles and maxContent are how many files of a container are read, and
	// how many bytes in all.
	maxFiles   = 10_000
	maxContent = 64 << 20
)

// programDirs are the directories of the machine that a container has, where
// the machine has them; devices are its devices.
var (
	programDirs = [...]string{"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc/alternatives"}
	devices     = [...]string{"null", "zero", "full", "random", "urandom", "tty"}
)

// usualDirs are in every container, and usualFiles, unless the State has others.
var usualDirs = [...]string{"charm/bin", "charm/container", "dev/shm", "etc", "home", "opt", "proc", "root", "run", "srv", "tmp", "var/cache", "var/lib/pebble/default", "var/log", "var/run", "var/tmp"}

func usualFiles() map[string]string {
	return map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
		"etc/group":  "root:x:0:\n",
		"etc/hosts":  "127.0.0.1 localhost\n::1 localhost\n",
	}
}

// A root is the directory that is the root of a container.
type root struct {
	dir string
	// socketDir is where the socket is, however long the path that leads there: a
	// socket's name is short.
	socketDir *os.File
	// in keeps what is done within: a link that leads out is refused.
	in    *os.Root
	given map[string]*pebbletest.File
	// usual are the files and directories that were made for the State, with
	// what they hold.
	usual map[string]string
}

func newRoot(ctx context.Context, shadow *pebbletest.Server, files map[string]*pebbletest.File) (*root, error) {
	dir, err := os.MkdirTemp("", "starcharm-pebble-")
	if err != nil {
		return nil, err
	}
	r := &root{dir: dir, given: files, usual: map[string]string{}}
	if r.in, err = os.OpenRoot(dir); err == nil {
		if err = r.furnish(); err == nil {
			err = r.write(ctx, shadow)
		}
	}
	if err == nil {
		r.socketDir, err = os.Open(filepath.Join(dir, path.Dir(socketPath)))
	}
	if err != nil {
		return nil, errors.Join(err, r.remove())
	}
	return r, nil
}

func (r *root) socket() string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", r.socketDir.Fd(), path.Base(socketPath))
}

// remove removes the directory. What is mounted in it was so for the container
// alone.
func (r *root) remove() error {
	if r.in != nil {
		_ = r.in.Close()
	}
	if r.socketDir != nil {
		_ = r.socketDir.Close()
	}
	// A directory that its owner cannot write is no obstacle.
	_ = filepath.WalkDir(r.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(r.dir)
}

// furnish makes what every container has.
func (r *root) furnish() error {
	if err := r.in.Chmod(".", 0o755); err != nil {
		return err
	}
	for _, dir := range usualDirs {
		if err := r.makeDirs(dir); err != nil {
			return err
		}
	}
	for _, dir := range [...]string{"tmp", "var/tmp", "dev/shm"} {
		if err := r.in.Chmod(dir, os.ModeSticky|0o777); err != nil {
			return err
		}
	}
	for _, dir := range programDirs {
		info, err := os.Lstat("/" + dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink("/" + dir)
			if err == nil {
				r.usual[dir] = target
				err = r.in.Symlink(target, dir)
			}
			if err != nil {
				return err
			}
		default:
			if err := r.makeDirs(dir); err != nil {
				return err
			}
		}
	}
	for _, device := range devices {
		if err := r.put("dev/"+device, ""); err != nil {
			return err
		}
	}
	if err := r.put(programPath[1:], ""); err != nil {
		return err
	}
	for name, content := range usualFiles() {
		if r.given["/"+name] == nil {
			if err := r.put(name, content); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *root) put(name, content string) error {
	r.usual[name] = content
	return r.in.WriteFile(name, []byte(content), 0o644)
}

func (r *root) makeDirs(dir string) error {
	for at := dir; at != "."; at = path.Dir(at) {
		r.usual[at] = ""
	}
	return r.in.MkdirAll(dir, 0o755)
}

// write writes the files of the State.
func (r *root) write(ctx context.Context, shadow *pebbletest.Server) error {
	// The simulated Pebble knows whose they are.
	client := pebble.New(pebble.Config{Transport: shadow.Transport()})
	var dirs []string
	for _, name := range slices.Sorted(maps.Keys(r.given)) {
		f, inside := r.given[name], strings.TrimPrefix(path.Clean("/"+name), "/")
		if isPrograms(inside) {
			return fmt.Errorf("it cannot have the file %s: there are the programs of this machine", name)
		}
		info, err := described(ctx, client, "/"+inside)
		if err != nil {
			return cannotWrite(name, err)
		}
		if err := r.in.MkdirAll(path.Dir(inside), 0o755); err != nil {
			return cannotWrite(name, err)
		}
		switch info.Type {
		case pebble.TypeFile:
			err = r.in.WriteFile(inside, []byte(f.Content), 0o644)
		case pebble.TypeDirectory:
			dirs = append(dirs, inside)
			err = r.in.MkdirAll(inside, 0o755)
		case pebble.TypeSymlink:
			err = r.in.Symlink(f.Target, inside)
		default:
			return fmt.Errorf("it cannot have the file %s: it is a %s", name, info.Type)
		}
		if err == nil && (*info.UserID != 0 || *info.GroupID != 0) {
			if os.Getuid() != 0 {
				return fmt.Errorf("the file %s belongs to another than root: for that, starcharm has to be run by root", name)
			}
			err = r.in.Lchown(inside, *info.UserID, *info.GroupID)
		}
		if err == nil && info.Type == pebble.TypeFile {
			err = r.chmod(inside, info)
		}
		if err != nil {
			return cannotWrite(name, err)
		}
		delete(r.usual, inside)
	}
	// Now all is in them.
	for _, dir := range slices.Backward(dirs) {
		info, err := described(ctx, client, "/"+dir)
		if err == nil {
			err = r.chmod(dir, info)
		}
		if err != nil {
			return cannotWrite("/"+dir, err)
		}
	}
	return nil
}

// described is what a Pebble tells of a file, links not followed.
func described(ctx context.Context, client *pebble.Client, name string) (*pebble.FileInfo, error) {
	infos, err := client.ListFiles(ctx, path.Dir(name), pebble.ListFilesOptions{})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(infos, func(info *pebble.FileInfo) bool { return info.Name == path.Base(name) })
	if i < 0 {
		return nil, fs.ErrNotExist
	}
	return infos[i], nil
}

func cannotWrite(name string, err error) error {
	return fmt.Errorf("it cannot have the file %s: %w", name, err)
}

func (r *root) chmod(name string, info *pebble.FileInfo) error {
	mode, err := strconv.ParseUint(info.Permissions, 8, 32)
	if err != nil {
		return err
	}
	return r.in.Chmod(name, fs.FileMode(mode))
}

// isPrograms says whether a path leads to what is not the container's own.
func isPrograms(name string) bool {
	for _, dir := range slices.Concat(programDirs[:], []string{"charm", "dev", "proc", pebbleDir[1:]}) {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// files reads the files that are the container's own. Nothing may run in it.
func (r *root) files() (map[string]*pebbletest.File, error) {
	files := map[string]*pebbletest.File{}
	left := maxContent
	err := fs.WalkDir(r.in.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		if isPrograms(name) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		f := &pebbletest.File{}
		mode := pebbletest.Mode(info.Mode().Perm())
		f.Mode = &mode
		owner := info.Sys().(*syscall.Stat_t)
		f.UserID, f.GroupID = r.id(int(owner.Uid), os.Getuid()), r.id(int(owner.Gid), os.Getgid())
		switch {
		case info.IsDir():
			if _, usual := r.usual[name]; usual {
				return nil
			}
			f.Kind = pebble.TypeDirectory
		case info.Mode()&fs.ModeSymlink != 0:
			f.Kind = pebble.TypeSymlink
			if f.Target, err = r.in.Readlink(name); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			if info.Size() > int64(left) {
				return fmt.Errorf("they are larger than %d MiB", maxContent>>20)
			}
			content, err := r.read(name, left)
			if err != nil {
				return err
			}
			if usual, ok := r.usual[name]; ok && usual == content {
				return nil
			}
			f.Content = content
			left -= len(content)
		default:
			return nil // a socket or the like, which no State has
		}
		if files["/"+name] = f; len(files) > maxFiles {
			return fmt.Errorf("they are more than %d", maxFiles)
		}
		return nil
	})
	return files, err
}

func (r *root) read(name string, limit int) (string, error) {
	file, err := r.in.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, int64(limit)))
	return string(content), err
}

// id is a user's or group's in the container, where ours is root's; nil for
// root.
func (r *root) id(id, ours int) *int {
	if id == 0 || id == ours {
		return nil
	}
	return &id
}
