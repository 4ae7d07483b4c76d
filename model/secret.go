package model

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Secret is a secret that the unit owns or was granted. Within a hook there is
// one Secret for each id and label.
type Secret struct {
	// ID is the secret's URI, "secret:9m4e2mr0ui3e8a215n4g"; empty when the
	// secret is known by its label only.
	ID string
	// Label is the name that the unit gave the secret, or empty.
	Label string

	model   *Model
	content map[string]string // nil: not read yet
	change  secretChange
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
		s = &Secret{ID: id, Label: label, model: m}
		m.secrets[key] = s
	}
	return s, nil
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

// UniqueID returns the identifier alone: "9m4e2mr0ui3e8a215n4g".
func (s *Secret) UniqueID() string {
	id := strings.TrimPrefix(s.ID, "secret:")
	return id[strings.LastIndexByte(id, '/')+1:]
}

// Content returns the revision that the unit tracks, which becomes the newest
// one with refresh. It is asked of Juju once, and again with refresh. The map
// is a copy.
func (s *Secret) Content(refresh bool) (map[string]string, error) {
	if s.content != nil && !refresh {
		return maps.Clone(s.content), nil
	}
	flag := ""
	if refresh {
		flag = "--refresh"
	}
	content, err := s.get(flag)
	if err != nil {
		return nil, err
	}
	s.content = content
	return maps.Clone(content), nil
}

// Peek returns the newest revision and leaves the tracked one alone. It is
// asked of Juju each time.
func (s *Secret) Peek() (map[string]string, error) { return s.get("--peek") }

func (s *Secret) get(flag string) (map[string]string, error) {
	args := []string{"--format=json"}
	if s.ID != "" {
		args = append(args, s.ID)
	}
	if s.Label != "" {
		args = append(args, "--label", s.Label)
	}
	if flag != "" {
		args = append(args, flag)
	}
	answer, err := s.model.run("secret-get", nil, args...)
	if err != nil {
		return nil, err
	}
	content, err := decode[map[string]string]("secret-get", answer)
	if err == nil && content == nil {
		err = nonsense("secret-get", errors.New("there is no content in it"))
	}
	if err != nil {
		return nil, err
	}
	s.model.hide(content)
	return content, nil
}

// SecretInfo is what a secret's owner can know of it besides its content.
type SecretInfo struct {
	ID          string // "secret:…"
	Label       string
	Description string
	Owner       string // "application" or "unit"
	Revision    int    // the newest
	// Rotation is "never", "hourly", "daily", "weekly", "monthly",
	// "quarterly" or "yearly".
	Rotation string
	Rotates  time.Time // when next; zero: never
	Expires  time.Time // zero: never
}

// Info returns what the owner can know; for others it fails. It is asked of
// Juju each time.
func (s *Secret) Info() (SecretInfo, error) {
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
		info = SecretInfo{ID: s.model.canonicalID(id), Label: data.Label, Description: data.Description,
			Owner: data.Owner, Revision: data.Revision, Rotation: data.Rotation}
		if data.Rotates != nil {
			info.Rotates = *data.Rotates
		}
		if data.Expiry != nil {
			info.Expires = *data.Expiry
		}
	}
	if info.ID == "" {
		return SecretInfo{}, nonsense("secret-info-get", errors.New("there is no id in it"))
	}
	return info, nil
}

// id returns the secret's id, which the owner can look up by the label.
func (s *Secret) id() (string, error) {
	if s.ID == "" {
		info, err := s.Info()
		if err != nil {
			return "", err
		}
		s.ID = info.ID
	}
	return s.ID, nil
}

// RemoveRevision removes a revision when the hook succeeds; for the owner.
func (s *Secret) RemoveRevision(revision int) error {
	if revision < 1 {
		return usage("a secret has no revision %d: they are counted from 1", revision)
	}
	id, err := s.id()
	if err != nil {
		return err
	}
	_, err = s.model.run("secret-remove", nil, id, "--revision", strconv.Itoa(revision))
	return err
}
