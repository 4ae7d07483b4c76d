package model

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Secret is a secret that the unit owns or was granted. Within a hook there is
// one Secret for each id and label, and all that are of one secret share what
// is known of it and what the hook did to it.
type Secret struct {
	// ID is the secret's URI, "secret:9m4e2mr0ui3e8a215n4g"; empty as long as
	// the secret is known by its label only.
	ID string
	// Label is the name that the unit gave the secret, or empty.
	Label string

	model *Model
	// unlabelled says that Juju is still to hear of the label.
	unlabelled bool
	facts      *secretFacts
}

// secretFacts is what this hook knows of a secret and what it did to it.
type secretFacts struct {
	content map[string]string // the tracked revision's; nil: not read yet
	newest  map[string]string // the newest revision's; nil: not read yet
	info    *SecretInfo       // what Juju told the owner; nil: not asked yet
	stale   bool              // info may not be true any more
	added   bool              // by this hook
	// changed says that the hook added the secret or gave it other content.
	changed bool
	// sent says that the hook sent a change of any kind.
	sent      bool
	change    secretChange
	granted   map[int]string  // who was granted it, by the relation's id
	revoked   map[string]bool // from whom it was taken back
	revisions []int           // to be removed when the hook ends
	removed   bool            // the secret is to be
}

type secretKey struct{ id, label string }

// Secret returns a secret by id, by label, or by id so that it gets the label.
// Juju is not asked, so the secret need not exist.
func (m *Model) Secret(id, label string) (*Secret, error) {
	id = m.canonicalID(id)
	if id == "" && label == "" {
		return nil, usage("a secret is found by its id or its label: give at least one of them")
	}
	key := secretKey{id, label}
	s, ok := m.secrets[key]
	if !ok {
		s = &Secret{ID: id, Label: label, model: m, unlabelled: id != "" && label != "", facts: &secretFacts{}}
		if id != "" {
			s.facts = m.secretFacts(id)
		}
		m.secrets[key] = s
	}
	s.identify()
	return s, nil
}

// secretFacts returns what is known of a secret.
func (m *Model) secretFacts(id string) *secretFacts {
	unique := uniqueID(id)
	if m.secretsByID[unique] == nil {
		m.secretsByID[unique] = &secretFacts{}
	}
	return m.secretsByID[unique]
}

// identify gives a secret that is known by its label its id, once that was
// learnt on any way.
func (s *Secret) identify() {
	id, ok := s.model.secretLabels[s.Label]
	if s.ID != "" || !ok {
		return
	}
	s.ID = id
	facts := s.model.secretFacts(id)
	if facts.content == nil {
		facts.content = s.facts.content
	}
	s.facts = facts
}

// canonicalID gives a secret of this model one spelling: "secret:" and its
// identifier. Those of other models keep their model's uuid.
func (m *Model) canonicalID(id string) string {
	id = strings.TrimSpace(id)
	if id == "" {
		return ""
	}
	id = strings.TrimPrefix(id, "secret:")
	if uuid := m.cfg.Context.ModelUUID; uuid != "" {
		id = strings.TrimPrefix(id, "//"+uuid+"/")
	}
	return "secret:" + id
}

// UniqueID returns the identifier alone: "9m4e2mr0ui3e8a215n4g". It is the same
// in every spelling of a secret's id.
func (s *Secret) UniqueID() string { return uniqueID(s.ID) }

func uniqueID(id string) string {
	id = strings.TrimPrefix(id, "secret:")
	return id[strings.LastIndexByte(id, '/')+1:]
}

// Changed tells whether this hook added the secret or gave it other content.
func (s *Secret) Changed() bool {
	s.identify()
	return s.facts.changed
}

// Content returns the revision that the unit tracks, which becomes the newest
// one with refresh, and when the tracked one was removed. It is asked of Juju
// once, and again with refresh. The map is a copy.
func (s *Secret) Content(refresh bool) (map[string]string, error) {
	s.identify()
	if s.facts.content != nil && !refresh && !s.unlabelled {
		return maps.Clone(s.facts.content), nil
	}
	flag := ""
	if refresh {
		flag = "--refresh"
	}
	content, err := s.get(flag)
	var refused *Error
	if !refresh && errors.As(err, &refused) && strings.Contains(refused.Stderr, "secret revision ") && refused.Kind == SecretNotFoundError {
		refresh = true
		content, err = s.get("--refresh")
	}
	if err != nil {
		return nil, err
	}
	s.facts.content = content
	if refresh {
		s.facts.newest = content
	}
	return maps.Clone(content), nil
}

// Peek returns the newest revision and leaves the tracked one alone. It is
// asked of Juju each time.
func (s *Secret) Peek() (map[string]string, error) {
	s.identify()
	content, err := s.get("--peek")
	if err != nil {
		return nil, err
	}
	s.facts.newest = content
	return maps.Clone(content), nil
}

func (s *Secret) get(flag string) (map[string]string, error) {
	args := []string{"--format=json"}
	if s.ID != "" {
		args = append(args, s.ID)
	}
	// Juju before 3.6.12 finds a change of this hook by the id only.
	if s.ID == "" || s.unlabelled {
		args = append(args, "--label", s.Label)
	}
	if flag != "" {
		args = append(args, flag)
	}
	answer, err := s.model.run("secret-get", nil, args...)
	if err != nil {
		return nil, err
	}
	content, err := parseSecretContent(answer)
	if err != nil {
		return nil, err
	}
	s.unlabelled = false
	s.model.hide(content)
	return content, nil
}

func parseSecretContent(answer []byte) (map[string]string, error) {
	content, err := decode[map[string]string]("secret-get", answer)
	if err == nil && content == nil {
		err = nonsense("secret-get", errors.New("there is no content in it"))
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}

// SecretInfo is what a secret's owner can know of it besides its content.
type SecretInfo struct {
	ID          string // "secret:…"
	Label       string
	Description string
	Owner       SecretOwner
	Revision    int // the newest
	// Rotation is "never", "hourly", "daily", "weekly", "monthly",
	// "quarterly" or "yearly".
	Rotation string
	Rotates  time.Time // when next; zero: never
	Expires  time.Time // zero: never
}

// UniqueID returns the identifier alone.
func (i SecretInfo) UniqueID() string { return uniqueID(i.ID) }

// Info returns what the owner can know; for others it fails. It is asked of
// Juju each time.
func (s *Secret) Info() (SecretInfo, error) {
	s.identify()
	args := []string{"--format=json"}
	if s.ID != "" {
		args = append(args, s.ID)
	} else {
		args = append(args, "--label", s.Label)
	}
	answer, err := s.model.run("secret-info-get", nil, args...)
	if err != nil {
		return SecretInfo{}, err
	}
	info, err := parseSecretInfo(answer)
	if err != nil {
		return SecretInfo{}, err
	}
	info.ID = s.model.canonicalID(info.ID)
	if s.ID == "" {
		s.model.secretLabels[s.Label] = info.ID
		s.identify()
	}
	s.facts.info, s.facts.stale = &info, false
	return info, nil
}

// parseSecretInfo reads the answer about one secret. The ID is as Juju spells it.
func parseSecretInfo(answer []byte) (SecretInfo, error) {
	found, err := decode[map[string]struct {
		Revision    int        `json:"revision"`
		Label       string     `json:"label"`
		Description string     `json:"description"`
		Owner       string     `json:"owner"`
		Rotation    string     `json:"rotation"`
		Rotates     *time.Time `json:"rotates"`
		Expiry      *time.Time `json:"expiry"`
	}]("secret-info-get", answer)
	if err == nil && len(found) != 1 {
		err = nonsense("secret-info-get", fmt.Errorf("it is about %d secrets, not one", len(found)))
	}
	if err != nil {
		return SecretInfo{}, err
	}
	var info SecretInfo
	for id, data := range found {
		info = SecretInfo{ID: id, Label: data.Label, Description: data.Description, Owner: SecretOwner(data.Owner),
			Revision: data.Revision, Rotation: cmp.Or(data.Rotation, neverRotated)}
		if data.Rotates != nil {
			info.Rotates = *data.Rotates
		}
		if data.Expiry != nil {
			info.Expires = *data.Expiry
		}
	}
	switch {
	case uniqueID(strings.TrimSpace(info.ID)) == "":
		return SecretInfo{}, nonsense("secret-info-get", errors.New("there is no id in it"))
	case info.Revision < 1:
		return SecretInfo{}, nonsense("secret-info-get", fmt.Errorf("a secret has no revision %d", info.Revision))
	}
	return info, nil
}

// own makes sure that the unit may change the secret, which Juju checks too
// late, when the hook has ended. deed completes "cannot …"; tool names what
// would be run, for the security event.
func (s *Secret) own(deed, tool string) (*SecretInfo, error) {
	s.identify()
	switch {
	case s.facts.removed:
		return nil, &Error{Kind: SecretNotFoundError, Message: fmt.Sprintf("cannot %s of the secret %s: this hook removed it", deed, s.name())}
	case s.facts.info != nil && !s.facts.stale:
		return s.facts.info, nil
	}
	info, err := s.Info()
	if !isKind(err, SecretNotFoundError) {
		return &info, err
	}
	c := s.model.cfg.Context
	leader, leaderErr := s.model.IsLeader()
	if leaderErr != nil {
		return nil, leaderErr
	}
	refusal := &Error{Kind: SecretNotFoundError, Err: err,
		Message: fmt.Sprintf("cannot %s of the secret %s: neither %s nor %s has such a secret", deed, s.name(), c.UnitName, c.AppName)}
	if !leader {
		refusal.Kind = NotLeaderError
		refusal.Message = fmt.Sprintf("cannot %s of the secret %s: it is none of %s's own, and only the leader can change those of %s", deed, s.name(), c.UnitName, c.AppName)
		// The failure itself is what the charm needs to hear of.
		_ = s.model.SecurityEvent("CRITICAL", "authz_fail:"+tool, "Tried to "+deed+" of a secret without being the leader.")
	}
	return nil, refusal
}

// name is the secret in messages.
func (s *Secret) name() string {
	if s.Label != "" {
		return strconv.Quote(shorten(s.Label))
	}
	return s.ID
}
