package modeltest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/starcharm/starcharm/model"
)

// secretChanges is what a hook wants of secrets, by bare id. It waits for the
// hook's end.
type secretChanges map[string]*secretEdit

type secretEdit struct {
	created   *Secret // a new secret
	update    *secretUpdate
	tracked   bool // the hook has read the content of update
	removed   bool
	revisions []int         // to remove
	grants    map[int]grant // by relation: the last of a hook wins
	revokes   []grant
}

// secretUpdate holds what is to change; what is empty stays.
type secretUpdate struct {
	content                    map[string]string
	label, description, rotate string
	expire                     *time.Time
}

// grant lets an application or a unit read a secret as long as the relation
// lives; -1 is any relation.
type grant struct {
	relation int
	name     string
}

func (c secretChanges) edit(id string) *secretEdit {
	if c[id] == nil {
		c[id] = &secretEdit{}
	}
	return c[id]
}

func (c secretChanges) created(id string) *Secret {
	if c[id] == nil {
		return nil
	}
	return c[id].created
}

// removes tells whether something of the secret is to be removed. Juju does not
// list it any more then, be it one revision.
func (c secretChanges) removes(id string) bool {
	return c[id] != nil && (c[id].removed || c[id].revisions != nil)
}

// remove forgets what else the hook wants of the secret.
func (c secretChanges) remove(id string, revision int, v model.Version) {
	before := c.edit(id)
	edit := &secretEdit{removed: revision == 0 || before.removed && several(v)}
	if !edit.removed {
		if several(v) {
			edit.revisions = before.revisions
		}
		edit.revisions = append(edit.revisions, revision)
	}
	c[id] = edit
}

// several tells whether Juju removes more than the last revision that a hook
// names.
func several(v model.Version) bool { return v.AtLeast(3, 6, 11) }

// update forgets what is to be removed.
func (c secretChanges) update(id string, u secretUpdate, v model.Version) {
	edit := c.edit(id)
	edit.removed, edit.revisions = false, nil
	if edit.update != nil && v.AtLeast(3, 6, 0) {
		edit.update.merge(u)
	} else {
		// Before 3.6 the last call of a hook wins.
		edit.update = &u
	}
}

// view changes a copy of a secret to what the hook sees: with its own changes,
// but the number of the revision that Juju knows.
func (c secretChanges) view(secret *Secret) *Secret {
	edit := c[bareSecret(secret.ID)]
	if edit == nil || edit.update == nil {
		return secret
	}
	next := secret.NextRotate
	edit.update.apply(secret, time.Time{})
	secret.NextRotate = next
	if len(edit.update.content) > 0 {
		secret.LatestContent = maps.Clone(edit.update.content)
	}
	return secret
}

func (u *secretUpdate) merge(later secretUpdate) {
	for _, text := range []struct{ into, from *string }{
		{&u.label, &later.label}, {&u.description, &later.description}, {&u.rotate, &later.rotate},
	} {
		if *text.from != "" {
			*text.into = *text.from
		}
	}
	if later.expire != nil {
		u.expire = later.expire
	}
	if len(later.content) > 0 {
		u.content = later.content
	}
}

// apply changes all but the content.
func (u *secretUpdate) apply(secret *Secret, now time.Time) {
	if u.label != "" {
		secret.Label = u.label
	}
	if u.description != "" {
		secret.Description = u.description
	}
	if u.expire != nil {
		secret.Expire = u.expire
	}
	if u.rotate != "" {
		secret.Rotate = u.rotate
		secret.NextRotate = nil
		if after := rotatePeriods[u.rotate]; after != nil {
			next := after(now).UTC()
			secret.NextRotate = &next
		}
	}
}

// steps are the requests to the controller that make the changes, in order:
// each changes a state, or returns why the controller refuses.
func (c secretChanges) steps(j *Juju) []func(next *State) error {
	steps := []func(*State) error{c.create}
	for _, step := range []struct {
		what string
		do   func(*Juju, *State, *Secret, *secretEdit) error
		need func(*secretEdit) bool
	}{
		{"updating secrets", commitUpdate, func(e *secretEdit) bool { return e.update != nil }},
		{"granting secrets access", commitGrants, func(e *secretEdit) bool { return len(e.grants) > 0 }},
		{"revoking secrets access", commitRevokes, func(e *secretEdit) bool { return len(e.revokes) > 0 }},
		{"removing secrets", commitRemoval, func(e *secretEdit) bool { return e.removed || e.revisions != nil }},
	} {
		steps = append(steps, func(next *State) error {
			for _, id := range keys(c) {
				if !step.need(c[id]) {
					continue
				}
				secret, err := next.ownSecret(id)
				if err == nil {
					err = step.do(j, next, secret, c[id])
				}
				if err != nil {
					return fmt.Errorf("%s: %w", step.what, err)
				}
			}
			return nil
		})
	}
	return steps
}

func (c secretChanges) create(next *State) error {
	for _, id := range keys(c) {
		created := c[id].created
		if created == nil {
			continue
		}
		if err := next.uniqueLabel(created); err != nil {
			return fmt.Errorf("creating secrets: %w", err)
		}
		secret := created.clone()
		if secret.Rotate == "" {
			secret.Rotate = "never"
		}
		next.Secrets = append(next.Secrets, secret)
	}
	return nil
}

// ownSecret finds a secret that this unit may change, or says why not.
func (s *State) ownSecret(id string) (*Secret, error) {
	secret := s.secret(id)
	if secret == nil {
		return nil, fmt.Errorf("secret %q not found", "secret:"+id)
	}
	if secret.Owner == "" {
		return nil, errPermissionDenied
	}
	if !s.manages(secret) {
		return nil, fmt.Errorf("%q is not leader of %q", s.unit(), s.AppName)
	}
	return secret, nil
}

// uniqueLabel checks that no other secret of the same owner has the label.
func (s *State) uniqueLabel(secret *Secret) error {
	for _, other := range s.Secrets {
		if other.ID != secret.ID && other.Owner == secret.Owner && secret.Label != "" && other.Label == secret.Label {
			return fmt.Errorf("secret with label %q already exists", secret.Label)
		}
	}
	return nil
}

func commitUpdate(j *Juju, next *State, secret *Secret, edit *secretEdit) error {
	edit.update.apply(secret, j.Now())
	content := edit.update.content
	if len(content) > 0 && !(j.version.AtLeast(3, 6, 0) && equalContent(content, secret.LatestContent)) {
		secret.LatestContent = maps.Clone(content)
		secret.LatestRevision++
		secret.Expire = edit.update.expire // it is the revision's
		if edit.tracked {
			secret.TrackedContent, secret.TrackedRevision = maps.Clone(content), secret.LatestRevision
		}
	}
	return next.uniqueLabel(secret)
}

func commitGrants(_ *Juju, _ *State, secret *Secret, edit *secretEdit) error {
	if secret.RemoteGrants == nil {
		secret.RemoteGrants = map[int][]string{}
	}
	for _, g := range slices.SortedFunc(maps.Values(edit.grants), func(a, b grant) int { return a.relation - b.relation }) {
		if !slices.Contains(secret.RemoteGrants[g.relation], g.name) {
			secret.RemoteGrants[g.relation] = append(secret.RemoteGrants[g.relation], g.name)
		}
	}
	return nil
}

func commitRevokes(_ *Juju, _ *State, secret *Secret, edit *secretEdit) error {
	for _, g := range edit.revokes {
		for id, names := range secret.RemoteGrants {
			names = slices.DeleteFunc(names, func(name string) bool { return name == g.name })
			secret.RemoteGrants[id] = names
			if len(names) == 0 {
				delete(secret.RemoteGrants, id)
			}
		}
	}
	return nil
}

func commitRemoval(_ *Juju, next *State, secret *Secret, edit *secretEdit) error {
	drop := func() {
		next.Secrets = slices.DeleteFunc(next.Secrets, func(other *Secret) bool { return other == secret })
	}
	if edit.removed {
		drop()
		return nil
	}
	for _, revision := range edit.revisions {
		// Of older ones than the tracked it is not known which there are.
		if revision > secret.LatestRevision || slices.Contains(secret.RemovedRevisions, revision) {
			return fmt.Errorf("secret revision \"%s/%d\" not found", bareSecret(secret.ID), revision)
		}
		secret.RemovedRevisions = append(secret.RemovedRevisions, revision)
	}
	if len(secret.revisions()) == 0 {
		drop()
	}
	return nil
}

// revisions are those from the tracked to the latest that were not removed.
func (s *Secret) revisions() []int {
	first := s.LatestRevision
	if s.TrackedRevision > 0 {
		first = min(first, s.TrackedRevision)
	}
	var revisions []int
	for n := first; n <= s.LatestRevision; n++ {
		if !slices.Contains(s.RemovedRevisions, n) {
			revisions = append(revisions, n)
		}
	}
	return revisions
}
