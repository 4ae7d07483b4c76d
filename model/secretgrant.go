package model

import (
	"cmp"
	"fmt"
	"strconv"
)

// Grant lets the application at the other end of a relation read the secret,
// or one of its units if unit is not empty, until the relation ends; for the
// owner. What Juju would drop silently is refused.
func (s *Secret) Grant(r *Relation, unit string) error {
	subject, err := s.subject("grant access", "secret-grant", r, unit)
	if err != nil {
		return err
	}
	active, err := r.Active()
	if err != nil {
		return err
	}
	refuse := func(kind Kind, why string) error {
		to := ""
		if subject != "" { // of a relation that is gone, Juju may not tell the application any more
			to = " to " + subject
		}
		return &Error{Kind: kind, Message: fmt.Sprintf("cannot grant the secret %s%s: %s", s.name(), to, why)}
	}
	f := s.facts
	before, granted := f.granted[r.ID]
	switch {
	case !active:
		return refuse(RelationNotFoundError, "the relation "+r.Key()+" is gone or being removed")
	case f.revoked[subject]:
		return refuse(ModelError, "this hook took it back, and Juju does that last; grant it in a later hook")
	case granted && unit != "" && !isUnitName(before):
		return nil // the application has it; Juju would keep this grant instead
	case granted && unit != "" && before != subject:
		return refuse(ModelError, "this hook granted it to "+before+", and Juju keeps only the last grant of a hook in a relation; grant it to the application, or in a later hook")
	}
	if err := s.share("secret-grant", r, unit); err != nil {
		return err
	}
	if f.granted == nil {
		f.granted = make(map[int]string)
	}
	f.granted[r.ID] = subject
	return nil
}

// Revoke takes back what [Secret.Grant] gave. With a relation that is gone it
// has nothing to do: the grant ended with the relation.
func (s *Secret) Revoke(r *Relation, unit string) error {
	subject, err := s.subject("revoke access", "secret-revoke", r, unit)
	if err != nil {
		return err
	}
	if err := s.share("secret-revoke", r, unit); isKind(err, RelationNotFoundError) {
		return nil
	} else if err != nil {
		return err
	}
	if s.facts.revoked == nil {
		s.facts.revoked = make(map[string]bool)
	}
	s.facts.revoked[subject] = true
	return nil
}

// subject returns whom a grant is about, if the secret is the unit's to share.
func (s *Secret) subject(deed, tool string, r *Relation, unit string) (string, error) {
	if unit != "" && !isUnitName(unit) {
		return "", usage("%q is not the name of a unit", shorten(unit))
	}
	if _, err := s.own(deed, tool); err != nil {
		return "", err
	}
	app, err := r.App()
	if err != nil {
		return "", err
	}
	return cmp.Or(unit, app), nil
}

func (s *Secret) share(tool string, r *Relation, unit string) error {
	args := []string{"--relation", strconv.Itoa(r.ID)}
	if unit != "" {
		args = append(args, "--unit", unit)
	}
	_, err := s.model.run(tool, nil, append(args, s.ID)...)
	if err == nil {
		s.facts.sent = true
	}
	return err
}
