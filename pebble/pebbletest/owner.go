package pebbletest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// owner says who owns a file. The zero owner is root.
type owner struct{ user, group int }

// account is a line of /etc/passwd or /etc/group.
type account struct {
	name string
	id   int
	// group is a user's primary group, home its home directory.
	group int
	home  string
}

// accounts are the users and groups of a container. Without a file for them
// every name exists, with an id that follows from the name.
type accounts struct {
	tree                *tree
	users, groups       []account
	userFile, groupFile bool
}

func (t *tree) accounts() *accounts {
	a := &accounts{tree: t}
	a.users, a.userFile = t.accountFile("/etc/passwd")
	a.groups, a.groupFile = t.accountFile("/etc/group")
	root := account{name: "root", home: "/root"}
	if !a.userFile {
		a.users = []account{root}
	}
	if !a.groupFile {
		a.groups = []account{root}
	}
	a.users, a.groups = append(a.users, t.users...), append(a.groups, t.groups...)
	return a
}

func (t *tree) accountFile(p string) ([]account, bool) {
	_, n, err := t.lookup(p, true)
	if err != nil {
		return nil, false
	}
	var all []account
	for line := range strings.Lines(n.content) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 4 {
			continue
		}
		id, err := strconv.Atoi(fields[2])
		if err != nil {
			continue
		}
		// The fourth field of a group lists its members instead.
		group, _ := strconv.Atoi(fields[3])
		a := account{name: fields[0], id: id, group: group}
		if len(fields) > 5 {
			a.home = fields[5]
		}
		all = append(all, a)
	}
	return all, true
}

func byName(all []account, name string) (account, bool) {
	for _, a := range all {
		if a.name == name {
			return a, true
		}
	}
	return account{}, false
}

// invent gives an account an id that follows from its name.
func invent(name string) account {
	hash := fnv.New32a()
	hash.Write([]byte(name))
	id := 1000 + int(hash.Sum32()%60000)
	return account{name: name, id: id, group: id, home: "/home/" + name}
}

// user returns the user of that name. A name that is not there is made up where
// that is allowed.
func (a *accounts) user(name string, made bool) (account, bool) {
	user, ok := byName(a.users, name)
	if !ok && made {
		user, ok = invent(name), true
		a.users, a.tree.users = append(a.users, user), append(a.tree.users, user)
		a.group(name, made)
	}
	return user, ok
}

// group is user for groups.
func (a *accounts) group(name string, made bool) (account, bool) {
	group, ok := byName(a.groups, name)
	if !ok && made {
		group, ok = invent(name), true
		a.groups, a.tree.groups = append(a.groups, group), append(a.tree.groups, group)
	}
	return group, ok
}

func byID(all []account, id int) (account, bool) {
	for _, a := range all {
		if a.id == id {
			return a, true
		}
	}
	return account{}, false
}

// wanted is who a request says should own what it makes.
type wanted struct {
	UserID  *int   `json:"user-id"`
	User    string `json:"user"`
	GroupID *int   `json:"group-id"`
	Group   string `json:"group"`
}

// resolve returns the ids that w comes to, for a file.
func (a *accounts) resolve(w wanted) (owner, error) {
	o, err := a.find(w)
	if err != nil {
		err = fmt.Errorf("cannot look up user and group: %w", err)
	}
	return o, err
}

// find returns the ids that w comes to.
func (a *accounts) find(w wanted) (owner, error) {
	var o owner
	haveUser, haveGroup := false, false
	var primary *int
	if w.User != "" {
		user, ok := a.user(w.User, !a.userFile)
		if !ok {
			return o, fmt.Errorf("user: unknown user %s", w.User)
		}
		if w.UserID != nil && *w.UserID != user.id {
			return o, fmt.Errorf("user %q UID (%d) does not match user-id (%d)", w.User, user.id, *w.UserID)
		}
		o.user, haveUser, primary = user.id, true, &user.group
	} else if w.UserID != nil {
		o.user, haveUser = *w.UserID, true
		if user, ok := byID(a.users, *w.UserID); ok {
			primary = &user.group
		} else if !a.userFile {
			primary = w.UserID
		}
	}
	if w.Group != "" {
		group, ok := a.group(w.Group, !a.groupFile)
		if !ok {
			return o, fmt.Errorf("group: unknown group %s", w.Group)
		}
		if w.GroupID != nil && *w.GroupID != group.id {
			return o, fmt.Errorf("group %q GID (%d) does not match group-id (%d)", w.Group, group.id, *w.GroupID)
		}
		o.group, haveGroup = group.id, true
	} else if w.GroupID != nil {
		o.group, haveGroup = *w.GroupID, true
	}
	switch {
	case haveGroup && !haveUser:
		return owner{}, errors.New("must specify user, not just group")
	case haveUser && !haveGroup && primary == nil:
		return owner{}, fmt.Errorf("user: unknown userid %d", o.user)
	case haveUser && !haveGroup:
		o.group = *primary
	}
	return o, nil
}

// of returns who owns a file of a State.
func (a *accounts) of(f *File) owner {
	var o owner
	if f.User != "" {
		user, _ := a.user(f.User, true)
		o = owner{user: user.id, group: user.group}
	}
	if f.UserID != nil {
		o.user = *f.UserID
	}
	if f.Group != "" {
		group, _ := a.group(f.Group, true)
		o.group = group.id
	}
	if f.GroupID != nil {
		o.group = *f.GroupID
	}
	return o
}

// names returns the names of the ids of o, "" for those that have none.
func (a *accounts) names(o owner) (user, group string) {
	if u, ok := byID(a.users, o.user); ok {
		user = u.name
	}
	if g, ok := byID(a.groups, o.group); ok {
		group = g.name
	}
	return user, group
}

// describe sets who owns f.
func (a *accounts) describe(f *File, o owner) {
	if o == (owner{}) {
		return
	}
	f.User, f.Group = a.names(o)
	if f.User == "" {
		f.UserID = &o.user
	} else if user, _ := byName(a.users, f.User); user.group == o.group {
		f.Group = ""
		return
	}
	if f.Group == "" {
		f.GroupID = &o.group
	}
}
