package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// RemoveRevision removes a revision; for the owner. It is sent when the hook
// ends, see [Model.RemoveSecrets].
func (s *Secret) RemoveRevision(revision int) error {
	if revision < 1 {
		return usage("a secret has no revision %d: they are counted from 1", revision)
	}
	info, err := s.removable("remove a revision")
	if err != nil {
		return err
	}
	if revision > info.Revision {
		return &Error{Kind: SecretNotFoundError,
			Message: fmt.Sprintf("cannot remove revision %d of the secret %s: %d is its newest one", revision, s.name(), info.Revision)}
	}
	if !slices.Contains(s.facts.revisions, revision) {
		s.facts.revisions = append(s.facts.revisions, revision)
	}
	return nil
}

// RemoveAll removes the secret with all its revisions; for the owner. It is
// sent when the hook ends, see [Model.RemoveSecrets].
func (s *Secret) RemoveAll() error {
	if _, err := s.removable("remove the revisions"); err != nil {
		return err
	}
	s.facts.removed = true
	return nil
}

func (s *Secret) removable(deed string) (*SecretInfo, error) {
	info, err := s.own(deed, "secret-remove")
	if err != nil {
		return nil, err
	}
	if s.facts.added {
		return nil, &Error{Kind: ModelError,
			Message: fmt.Sprintf("cannot %s of the secret %s: this hook added it, and it is not there before the hook has ended; remove it in a later hook", deed, s.name())}
	}
	return info, nil
}

// RemoveSecrets sends the removals of this hook and those that had to wait in
// earlier ones, and returns those that have to wait now, by the secret's id. It
// is for the end of the hook, since Juju does not show a secret any more of
// which it is to remove something.
//
// A revision has to wait when the hook changed the secret in another way, which
// Juju would forget for the removal, or the removal for it. Before 3.6.11 Juju
// removes only one revision of a secret in a hook, and with revision 2 also 20
// to 29, 200 to 299 and so on: what has such a follower waits.
func (m *Model) RemoveSecrets(waiting map[string][]int) (map[string][]int, error) {
	revisions := make(map[string][]int) // by id
	for id, list := range waiting {
		id = m.canonicalID(id)
		revisions[id] = append(revisions[id], list...)
	}
	var removed []string
	for _, f := range m.secretsByID {
		switch {
		case f.removed:
			removed = append(removed, f.info.ID)
		case f.revisions != nil:
			revisions[f.info.ID] = append(revisions[f.info.ID], f.revisions...)
		}
	}
	slices.Sort(removed)
	for _, id := range removed {
		delete(revisions, id)
		if _, err := m.run("secret-remove", nil, id); err != nil {
			return nil, err
		}
	}
	var left map[string][]int
	for _, id := range slices.Sorted(maps.Keys(revisions)) {
		list := revisions[id]
		slices.Sort(list)
		wait, err := m.removeRevisions(id, slices.Compact(list))
		if err != nil {
			return nil, err
		}
		if len(wait) > 0 {
			if left == nil {
				left = make(map[string][]int)
			}
			left[id] = wait
		}
	}
	return left, nil
}

// removeRevisions sends what can be sent of one secret and returns what has to
// wait. What is not there any more is forgotten.
func (m *Model) removeRevisions(id string, revisions []int) (wait []int, err error) {
	s, err := m.Secret(id, "")
	if err != nil {
		return nil, err
	}
	if s.facts.sent {
		return revisions, nil
	}
	if s.facts.info == nil || s.facts.stale {
		_, err := s.Info()
		if isKind(err, SecretNotFoundError) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	newest := s.facts.info.Revision
	old := !m.cfg.Context.Version.AtLeast(3, 6, 11)
	sent := 0
	for _, revision := range revisions {
		if revision > newest {
			continue
		}
		if old && (sent > 0 || revision <= newest/10) {
			wait = append(wait, revision)
			continue
		}
		if _, err := m.run("secret-remove", nil, s.ID, "--revision", strconv.Itoa(revision)); err != nil {
			return nil, err
		}
		sent++
	}
	return wait, nil
}

// RemovesSecrets says whether this hook is to remove a secret or a revision of
// one when it ends.
func (m *Model) RemovesSecrets() bool {
	for _, f := range m.secretsByID {
		if f.removed || len(f.revisions) > 0 {
			return true
		}
	}
	return false
}
