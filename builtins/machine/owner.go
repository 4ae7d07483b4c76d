package machine

import (
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// An Owner is whom a file belongs to: the numbers of a user and of a group.
type Owner struct{ UID, GID int }

// Unchanged is a number that says to leave the user or group as it is, or as a
// new file has it.
const Unchanged = -1

// OwnerOf is whom a file of a [Dir] belongs to.
func OwnerOf(info fs.FileInfo) Owner {
	switch sys := info.Sys().(type) {
	case *syscall.Stat_t:
		return Owner{int(sys.Uid), int(sys.Gid)}
	case Owner:
		return sys
	}
	return Owner{Unchanged, Unchanged}
}

func (real) LookupUser(name string) (int, error) {
	if id, err := ownerID(name); err == nil {
		return id, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no user %q", name)
	}
	return ownerID(u.Uid)
}

func (real) LookupGroup(name string) (int, error) {
	if id, err := ownerID(name); err == nil {
		return id, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no group %q", name)
	}
	return ownerID(g.Gid)
}

// ownerID reads a number. The highest of 32 bits is nobody's: the kernel takes
// it for [Unchanged].
func ownerID(text string) (int, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err == nil && id == 1<<32-1 {
		err = strconv.ErrRange
	}
	return int(id), err
}

func (real) OwnerNames(o Owner) (userName, groupName string) {
	if u, err := user.LookupId(strconv.Itoa(o.UID)); err == nil {
		userName = u.Username
	}
	if g, err := user.LookupGroupId(strconv.Itoa(o.GID)); err == nil {
		groupName = g.Name
	}
	return userName, groupName
}
