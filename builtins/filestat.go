package builtins

import (
	"fmt"
	"io/fs"

	"go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

var fileStatTable = table[*fileStat]{
	typ: "file_stat",
	doc: "What is known of a file of the machine.",
	members: []member[*fileStat]{
		{name: "kind", sig: "str", doc: "\"file\", \"directory\", \"symlink\", or \"other\" for a device, socket or named pipe.",
			get: func(s *fileStat) (starlark.Value, error) { return starlark.String(s.kind()), nil }},
		{name: "size", sig: "int", doc: "Its size in bytes.",
			get: func(s *fileStat) (starlark.Value, error) { return starlark.MakeInt64(s.info.Size()), nil }},
		{name: "mode", sig: "int", doc: "Its permissions, for instance 0o644, or 0o2770 for a directory with the set-group-ID bit.",
			get: func(s *fileStat) (starlark.Value, error) {
				_, number := machine.PermissionsOf(s.info.Mode())
				return starlark.MakeUint64(uint64(number)), nil
			}},
		{name: "owner", sig: "str", doc: "The name of the user that it belongs to; None for one without a name.",
			get: func(s *fileStat) (starlark.Value, error) { return orNone(s.owner), nil }},
		{name: "group", sig: "str", doc: "The name of its group; None for one without a name.",
			get: func(s *fileStat) (starlark.Value, error) { return orNone(s.group), nil }},
		{name: "uid", sig: "int", doc: "The number of the user.",
			get: func(s *fileStat) (starlark.Value, error) { return starlark.MakeInt(machine.OwnerOf(s.info).UID), nil }},
		{name: "gid", sig: "int", doc: "The number of the group.",
			get: func(s *fileStat) (starlark.Value, error) { return starlark.MakeInt(machine.OwnerOf(s.info).GID), nil }},
		{name: "modified", sig: "time.time", doc: "When it was written last.",
			get: func(s *fileStat) (starlark.Value, error) { return time.Time(s.info.ModTime()), nil }},
		{name: "target", sig: "str", doc: "Where a symlink leads; None for anything else.",
			get: func(s *fileStat) (starlark.Value, error) { return orNone(s.target), nil }},
	},
}

func orNone(text string) starlark.Value {
	if text == "" {
		return starlark.None
	}
	return starlark.String(text)
}

// fileStat describes a file.
type fileStat struct {
	handle
	path                 string
	info                 fs.FileInfo
	owner, group, target string
}

var _ starlark.HasAttrs = (*fileStat)(nil)

func (s *fileStat) kind() string {
	switch mode := s.info.Mode(); {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symlink"
	}
	return "other"
}

func (s *fileStat) String() string                           { return fmt.Sprintf("<file_stat %s>", s.path) }
func (s *fileStat) Type() string                             { return fileStatTable.typ }
func (s *fileStat) Attr(name string) (starlark.Value, error) { return fileStatTable.attr(s, name) }
func (s *fileStat) AttrNames() []string                      { return fileStatTable.attrNames(s) }

func (f *hostFiles) describe(in invocation) (starlark.Value, error) {
	var name string
	if err := in.unpack("path", &name); err != nil {
		return nil, err
	}
	dir, last, err := f.open(in, name, false)
	if err != nil {
		return nil, f.orMisuse("look at", name, err)
	}
	defer dir.Close()
	s := &fileStat{path: name}
	if s.info, err = dir.Lstat(last); err != nil {
		return nil, f.failure("look at", name, err)
	}
	if s.kind() == "symlink" {
		if s.target, err = dir.Readlink(last); err != nil {
			return nil, f.failure("look at", name, err)
		}
	}
	s.owner, s.group = f.machine.OwnerNames(machine.OwnerOf(s.info))
	return s, nil
}
