package builtins

import (
	"fmt"
	"io/fs"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

// This file has what changes whom a file of the machine belongs to, and who may
// use it.

// permissions reads a mode.
func permissions(in invocation, v starlark.Value) (fs.FileMode, error) {
	n, err := starlark.AsInt32(v)
	if err != nil || n < 0 || n > machine.MaxPermissions {
		return 0, fmt.Errorf("%s: mode is %s, want permissions from 0o000 to 0o7777", in.name, shown(v))
	}
	return machine.Permissions(uint32(n)), nil
}

// ownerOf reads an owner and a group, each a name, a number or None.
func (f *hostFiles) ownerOf(in invocation, deed, name string, owner, group starlark.Value) (machine.Owner, error) {
	id := func(what string, v starlark.Value, lookup func(string) (int, error)) (int, error) {
		switch v := v.(type) {
		case starlark.NoneType:
			return machine.Unchanged, nil
		case starlark.Int:
			if n, ok := v.Int64(); ok && n >= 0 && n < 1<<32-1 {
				return int(n), nil
			}
		case starlark.String:
			n, err := lookup(string(v))
			if err != nil {
				return 0, f.failure(deed, name, err)
			}
			return n, nil
		}
		return 0, fmt.Errorf("%s: %s is %s, want a name or a number", in.name, what, shown(v))
	}
	uid, err := id("owner", owner, f.machine.LookupUser)
	if err != nil {
		return machine.Owner{}, err
	}
	gid, err := id("group", group, f.machine.LookupGroup)
	return machine.Owner{UID: uid, GID: gid}, err
}

// isOwner says whether a file belongs to owner already.
func isOwner(info fs.FileInfo, owner machine.Owner) bool {
	now := machine.OwnerOf(info)
	return (owner.UID == machine.Unchanged || owner.UID == now.UID) && (owner.GID == machine.Unchanged || owner.GID == now.GID)
}

func (f *hostFiles) chmod(in invocation) (starlark.Value, error) {
	var name string
	var wanted starlark.Value
	if err := in.unpack("path", &name, "mode", &wanted); err != nil {
		return nil, err
	}
	mode, err := permissions(in, wanted)
	if err != nil {
		return nil, err
	}
	return f.change(in, "change the permissions of", name, func(dir machine.Dir, last string, info fs.FileInfo) (bool, error) {
		if now, _ := machine.PermissionsOf(info.Mode()); now == mode {
			return false, nil
		}
		return true, dir.Chmod(last, mode)
	})
}

func (f *hostFiles) chown(in invocation) (starlark.Value, error) {
	var name string
	var user, group starlark.Value = starlark.None, starlark.None
	if err := in.unpack("path", &name, byName, nil, "owner?", &user, "group?", &group); err != nil {
		return nil, err
	}
	if user == starlark.None && group == starlark.None {
		return nil, fmt.Errorf("%s: neither owner nor group is given", in.name)
	}
	const deed = "change the owner of"
	owner, err := f.ownerOf(in, deed, name, user, group)
	if err != nil {
		return nil, err
	}
	return f.change(in, deed, name, func(dir machine.Dir, last string, info fs.FileInfo) (bool, error) {
		if isOwner(info, owner) {
			return false, nil
		}
		return true, dir.Chown(last, owner)
	})
}

// change calls do for what is at a path, and returns whether it changed
// anything.
func (f *hostFiles) change(in invocation, deed, name string, do func(machine.Dir, string, fs.FileInfo) (bool, error)) (starlark.Value, error) {
	dir, last, err := f.open(in, name, false)
	if err != nil {
		return nil, f.orMisuse(deed, name, err)
	}
	defer dir.Close()
	info, err := fs.Stat(dir, last)
	if err != nil {
		return nil, f.failure(deed, name, err)
	}
	changed, err := do(dir, last, info)
	if err != nil {
		return nil, f.failure(deed, name, err)
	}
	return starlark.Bool(changed), nil
}
