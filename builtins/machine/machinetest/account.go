package machinetest

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/builtins/machine"
)

// accounts are the users or groups of a machine.
type accounts struct {
	what string
	// ids are those of /etc/passwd or /etc/group; listed says that there is
	// such a file, and that there are no others.
	ids    map[string]int
	listed bool
	// made are the names of those that are in no file, by the number that
	// they were given.
	made map[int]string
}

func newAccounts(what string) accounts {
	return accounts{what: what, ids: map[string]int{"root": 0}, made: map[int]string{}}
}

// read takes over the lines of /etc/passwd or /etc/group, whose third field is
// the number.
func (a *accounts) read(text string) {
	a.listed = true
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 3 {
			continue
		}
		if id, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			a.ids[fields[0]] = int(id)
		}
	}
}

// id is the number of one that is given by name or number. Without a file that
// lists them every name is somebody's.
func (a *accounts) id(name string) (int, error) {
	if id, err := strconv.ParseUint(name, 10, 32); err == nil && id != 1<<32-1 {
		return int(id), nil
	}
	if id, ok := a.ids[name]; ok {
		return id, nil
	}
	if a.listed || name == "" {
		return 0, fmt.Errorf("there is no %s %q", a.what, name)
	}
	id := 1000 + int(crc32.ChecksumIEEE([]byte(name))%50000)
	a.made[id] = name
	return id, nil
}

// name is the name of a number, or the number where it has none.
func (a *accounts) name(id int) string {
	for name, known := range a.ids {
		if known == id {
			return name
		}
	}
	if name, ok := a.made[id]; ok {
		return name
	}
	return strconv.Itoa(id)
}

// readAccounts takes over the users and groups that files list.
func (m *Machine) readAccounts(files map[string]*File) {
	if f := files["/etc/passwd"]; f != nil {
		m.users.read(f.Content)
	}
	if f := files["/etc/group"]; f != nil {
		m.groups.read(f.Content)
	}
}

// ownerOf is whom a file of a State belongs to.
func (m *Machine) ownerOf(f *File) (machine.Owner, error) {
	var o machine.Owner
	var err error
	if f.Owner != "" {
		if o.UID, err = m.users.id(f.Owner); err != nil {
			return o, err
		}
	}
	if f.Group != "" {
		o.GID, err = m.groups.id(f.Group)
	}
	return o, err
}

// LookupUser returns the number of a user: that of /etc/passwd, if the State
// has one, or else one made of the name.
func (m *Machine) LookupUser(name string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.users.id(name)
}

// LookupGroup returns the number of a group, likewise of /etc/group.
func (m *Machine) LookupGroup(name string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.groups.id(name)
}

// OwnerNames returns the names of a user and group.
func (m *Machine) OwnerNames(o machine.Owner) (user, group string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	named := func(a accounts, id int) string {
		if name := a.name(id); name != strconv.Itoa(id) {
			return name
		}
		return ""
	}
	return named(m.users, o.UID), named(m.groups, o.GID)
}
