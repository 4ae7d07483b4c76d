package fleet

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/starcharm/starcharm/model/modeltest"
)

// A secret is a secret of a unit, of an application, or of the model's user,
// with all its revisions.
type secret struct {
	id   string
	app  *App  // nil: the user's
	unit *Unit // nil: the application's, or the user's

	label, description, rotate string
	nextRotate, expire         *time.Time
	latest                     int
	revisions                  map[int]map[string]string
	removed                    []int
	grants                     map[int][]string // by relation
	apps                       []*App           // to which the user has granted it
	consumers                  map[string]*consumer

	// Of which revisions its owner was told that nobody reads them any more,
	// and that they have expired.
	toldObsolete, toldExpired []int
}

// A consumer is a unit that has read a secret.
type consumer struct {
	label string
	// tracked is the revision that it reads, told the newest that it was told
	// of.
	tracked, told int
}

// owned tells whether the secret is the unit's or its application's.
func (s *secret) owned(u *Unit) bool { return s.app == u.App && (s.unit == nil || s.unit == u) }

// granted tells whether the unit, which does not own it, may read it.
func (s *secret) granted(u *Unit) bool {
	if slices.Contains(s.apps, u.App) {
		return true
	}
	for id, names := range s.grants {
		for _, r := range u.App.model.relations {
			if r.ID == id && r.of(u.App) != nil && (slices.Contains(names, u.App.Name) || slices.Contains(names, u.Name())) {
				return true
			}
		}
	}
	return false
}

// secretsOf are the secrets that the unit sees, which sees these relations.
func (m *Model) secretsOf(u *Unit, relations []*modeltest.Relation) []*modeltest.Secret {
	var all []*modeltest.Secret
	for _, s := range m.secrets {
		own := s.owned(u)
		if !own && !s.granted(u) {
			continue
		}
		seen := &modeltest.Secret{ID: s.id, LatestContent: s.revisions[s.latest], LatestRevision: s.latest, RemovedRevisions: slices.Clone(s.removed)}
		if own {
			seen.Owner, seen.Label, seen.Description, seen.Rotate = "unit", s.label, s.description, s.rotate
			if s.unit == nil {
				seen.Owner = "app"
			}
			seen.NextRotate, seen.Expire = s.nextRotate, s.expire
			seen.RemoteGrants = map[int][]string{}
			for id, names := range s.grants {
				if relationIn(relations, id) != nil {
					seen.RemoteGrants[id] = slices.Clone(names)
				}
			}
		}
		if c := s.consumers[u.Name()]; c != nil {
			seen.TrackedRevision, seen.TrackedContent = c.tracked, s.revisions[c.tracked]
			if seen.TrackedContent == nil {
				seen.TrackedContent = map[string]string{}
			}
			if !own {
				seen.Label = c.label
			}
		}
		all = append(all, seen)
	}
	return all
}

// takeSecrets takes over what a hook of the unit did to the secrets that it
// saw; of grants it saw those for its relations.
func (m *Model) takeSecrets(u *Unit, before, after []*modeltest.Secret, relations []*modeltest.Relation) {
	for _, was := range before {
		if !slices.ContainsFunc(after, func(s *modeltest.Secret) bool { return s.ID == was.ID }) {
			m.secrets = slices.DeleteFunc(m.secrets, func(s *secret) bool { return s.id == was.ID })
		}
	}
	for _, is := range after {
		s := m.secret(is.ID)
		if s == nil {
			s = &secret{id: is.ID, app: u.App, revisions: map[int]map[string]string{}, consumers: map[string]*consumer{}}
			if is.Owner == "unit" {
				s.unit = u
			}
			m.secrets = append(m.secrets, s)
		}
		if s.owned(u) {
			s.label, s.description, s.rotate = is.Label, is.Description, is.Rotate
			s.nextRotate, s.expire, s.removed = is.NextRotate, is.Expire, is.RemovedRevisions
			s.latest = is.LatestRevision
			s.revisions[s.latest] = maps.Clone(is.LatestContent)
			maps.DeleteFunc(s.grants, func(id int, _ []string) bool { return relationIn(relations, id) != nil })
			if s.grants == nil {
				s.grants = map[int][]string{}
			}
			maps.Copy(s.grants, is.RemoteGrants)
			for _, revision := range s.removed {
				delete(s.revisions, revision)
			}
		}
		if is.TrackedContent == nil {
			continue
		}
		c := s.consumers[u.Name()]
		if c == nil {
			c = &consumer{told: s.latest}
			s.consumers[u.Name()] = c
		}
		c.tracked = is.TrackedRevision
		if !s.owned(u) {
			c.label = is.Label
		}
	}
}

// AddSecret adds a secret of the model's user, which is granted to nobody, and
// returns its id.
func (m *Model) AddSecret(content map[string]string) string {
	m.userSecrets++
	id := fmt.Sprintf("secret:u%018d0", m.userSecrets)
	m.secrets = append(m.secrets, &secret{id: id, latest: 1, revisions: map[int]map[string]string{1: content}, consumers: map[string]*consumer{}})
	return id
}

// UpdateSecret gives a secret of the user a new revision.
func (m *Model) UpdateSecret(id string, content map[string]string) error {
	s, err := m.userSecret(id)
	if err != nil {
		return err
	}
	if !maps.Equal(s.revisions[s.latest], content) {
		s.latest++
		s.revisions[s.latest] = content
	}
	return nil
}

// GrantSecret lets an application read a secret of the user, or not any more.
func (m *Model) GrantSecret(id string, a *App, granted bool) error {
	s, err := m.userSecret(id)
	if err != nil {
		return err
	}
	s.apps = slices.DeleteFunc(s.apps, func(other *App) bool { return other == a })
	if granted {
		s.apps = append(s.apps, a)
	}
	return nil
}

func (m *Model) userSecret(id string) (*secret, error) {
	if s := m.secret(id); s != nil && s.app == nil {
		return s, nil
	}
	return nil, fmt.Errorf("the model's user has no secret %q; add_secret returns the id of one", id)
}

func (m *Model) secret(id string) *secret {
	for _, s := range m.secrets {
		if s.id == id {
			return s
		}
	}
	return nil
}

// rotateRetry is when Juju asks again for a rotation that brought no new
// revision.
const rotateRetry = 5 * time.Minute

// secretNews are the secret hooks that the unit's agent may run: of expiry,
// rotation and obsolete revisions to the owner, which for an application is its
// leader; of a new revision to each unit that has read the secret.
func (u *Unit) secretNews() []*choice {
	var all []*choice
	m := u.App.model
	for _, s := range m.secrets {
		add := func(kind string, revision int, done func()) {
			about := s.id
			if revision > 0 {
				about += fmt.Sprintf("/%d", revision)
			}
			event := modeltest.Event{Name: "secret-" + kind, SecretID: s.id}
			if kind != "changed" {
				event.SecretRevision = revision
			}
			all = append(all, &choice{unit: u, event: event, about: about, done: done})
		}
		if c := s.consumers[u.Name()]; c != nil && !s.owned(u) && s.granted(u) && c.told != s.latest {
			latest := s.latest
			add("changed", latest, func() { c.told = latest })
		}
		if s.app != u.App || s.unit != nil && s.unit != u || s.unit == nil && u.App.leader != u {
			continue
		}
		if s.expire != nil && !s.expire.After(m.now) && !slices.Contains(s.toldExpired, s.latest) {
			latest := s.latest
			add("expired", latest, func() { s.toldExpired = append(s.toldExpired, latest) })
		}
		if s.nextRotate != nil && !s.nextRotate.After(m.now) {
			latest := s.latest
			add("rotate", 0, func() {
				next := m.now.Add(rotateRetry)
				if at, ok := modeltest.NextRotation(s.rotate, m.now); ok && s.latest != latest {
					next = at
				}
				if s.nextRotate != nil {
					s.nextRotate = &next
				}
			})
		}
		for _, revision := range slices.Sorted(maps.Keys(s.revisions)) {
			if revision == s.latest || slices.Contains(s.toldObsolete, revision) || s.tracked(revision) {
				continue
			}
			add("remove", revision, func() { s.toldObsolete = append(s.toldObsolete, revision) })
		}
	}
	return all
}

// possible tells whether a hook can be run again: that of a secret cannot if
// the unit has lost it.
func (m *Model) possible(c *choice) bool {
	if c.event.SecretID == "" {
		return true
	}
	s := m.secret(c.event.SecretID)
	switch {
	case s == nil:
		return false
	case c.event.Name == "secret-changed":
		return s.granted(c.unit)
	}
	return s.unit == c.unit || s.unit == nil && c.unit.App.leader == c.unit
}

// tracked tells whether a unit reads the revision.
func (s *secret) tracked(revision int) bool {
	for _, c := range s.consumers {
		if c.tracked == revision {
			return true
		}
	}
	return false
}
