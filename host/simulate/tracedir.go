package simulate

import (
	"io"
	"io/fs"
	"path"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
)

// tracedDir traces which files of the machine are looked at and changed.
type tracedDir struct {
	machine.Dir
	r    *recorder
	path string
}

func (d tracedDir) looks(name string) {
	d.r.touched(builtins.Touch{What: "file " + path.Join(d.path, name)})
}

func (d tracedDir) writes(name string) {
	d.r.touched(builtins.Touch{Write: true, What: "host_files." + path.Join(d.path, name)})
}

func (d tracedDir) Open(name string) (fs.File, error) {
	d.looks(name)
	return d.Dir.Open(name)
}

func (d tracedDir) Lstat(name string) (fs.FileInfo, error) {
	d.looks(name)
	return d.Dir.Lstat(name)
}

func (d tracedDir) Mkdir(name string, perm fs.FileMode) error {
	d.writes(name)
	return d.Dir.Mkdir(name, perm)
}

func (d tracedDir) WriteFile(name string, content io.Reader, perm fs.FileMode, owner machine.Owner) error {
	d.writes(name)
	return d.Dir.WriteFile(name, content, perm, owner)
}

func (d tracedDir) Chmod(name string, perm fs.FileMode) error {
	d.writes(name)
	return d.Dir.Chmod(name, perm)
}

func (d tracedDir) Chown(name string, owner machine.Owner) error {
	d.writes(name)
	return d.Dir.Chown(name, owner)
}

func (d tracedDir) Remove(name string, all bool) error {
	d.writes(name)
	return d.Dir.Remove(name, all)
}

// Stat describes what is at a name, without opening it if the directory can.
func (d tracedDir) Stat(name string) (fs.FileInfo, error) {
	d.looks(name)
	return fs.Stat(d.Dir, name)
}
