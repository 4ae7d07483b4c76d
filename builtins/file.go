package builtins

import (
	"fmt"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// A fileInfo describes a path in a container.
type fileInfo struct {
	handle
	info *pebble.FileInfo
}

var fileInfoTable = table[*fileInfo]{
	typ: "file_info",
	doc: "What is known of a path in a container.",
	members: []member[*fileInfo]{
		{name: "path", sig: "str", doc: "The whole path.",
			get: func(f *fileInfo) (starlark.Value, error) { return starlark.String(f.info.Path), nil }},
		{name: "name", sig: "str", doc: "Its last part.",
			get: func(f *fileInfo) (starlark.Value, error) { return starlark.String(f.info.Name), nil }},
		{name: "type", sig: "str", doc: "file, directory, symlink, socket, named-pipe, device or unknown.",
			get: func(f *fileInfo) (starlark.Value, error) { return starlark.String(f.info.Type), nil }},
		{name: "size", sig: "int", doc: "In bytes; None for what is no file.",
			get: func(f *fileInfo) (starlark.Value, error) {
				if f.info.Size == nil {
					return starlark.None, nil
				}
				return starlark.MakeInt64(*f.info.Size), nil
			}},
		{name: "permissions", sig: "int", doc: "The permission bits: 0o644.",
			get: func(f *fileInfo) (starlark.Value, error) {
				mode, err := f.info.Mode()
				return starlark.MakeInt(mode), err
			}},
		{name: "last_modified", sig: "time.time", doc: "When it was last changed, in whole seconds.",
			get: func(f *fileInfo) (starlark.Value, error) { return startime.Time(f.info.LastModified), nil }},
		{name: "user_id", sig: "int", doc: "The owner's number, or None.",
			get: func(f *fileInfo) (starlark.Value, error) { return optionalInt(f.info.UserID), nil }},
		{name: "user", sig: "str", doc: "The owner's name; \"\" if it has none.",
			get: func(f *fileInfo) (starlark.Value, error) { return starlark.String(f.info.User), nil }},
		{name: "group_id", sig: "int", doc: "The group's number, or None.",
			get: func(f *fileInfo) (starlark.Value, error) { return optionalInt(f.info.GroupID), nil }},
		{name: "group", sig: "str", doc: "The group's name; \"\" if it has none.",
			get: func(f *fileInfo) (starlark.Value, error) { return starlark.String(f.info.Group), nil }},
	},
}

// optionalInt is None for nil.
func optionalInt(n *int) starlark.Value {
	if n == nil {
		return starlark.None
	}
	return starlark.MakeInt(*n)
}

func (f *fileInfo) String() string                           { return fmt.Sprintf("<file_info %s %s>", f.info.Type, f.info.Path) }
func (f *fileInfo) Attr(name string) (starlark.Value, error) { return fileInfoTable.attr(f, name) }
func (f *fileInfo) AttrNames() []string                      { return fileInfoTable.attrNames(f) }

func (f *fileInfo) Type() string { return "file_info" }
