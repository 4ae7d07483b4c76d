package model

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// SecretOwner says who owns a secret.
type SecretOwner string

// The owners. An application's secrets are in the hands of its leader.
const (
	OwnedByApp  SecretOwner = "application"
	OwnedByUnit SecretOwner = "unit"
)

// SecretOptions is what an owner may say of a secret besides its content.
// What is empty is not said: it can be changed, but not unset.
type SecretOptions struct {
	Label, Description string
	Expire             time.Time // of the revision
	Rotate             string    // one of [SecretRotations]
}

// neverRotated is the rotation of a secret that has none.
const neverRotated = "never"

// SecretRotations returns how often Juju can ask for a rotation.
func SecretRotations() []string {
	return []string{neverRotated, "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"}
}

func (o SecretOptions) check() error {
	if o.Rotate != "" && !slices.Contains(SecretRotations(), o.Rotate) {
		return usage("a secret cannot be rotated %q%s: use one of %s", shorten(o.Rotate), didYouMean(o.Rotate, SecretRotations()), strings.Join(SecretRotations(), ", "))
	}
	return nil
}

func (o SecretOptions) args() []string {
	var args []string
	add := func(flag, value string) {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	add("--label", o.Label)
	add("--description", o.Description)
	if !o.Expire.IsZero() {
		add("--expire", o.Expire.UTC().Format(time.RFC3339))
	}
	add("--rotate", o.Rotate)
	return args
}

// over returns o, and what o does not say from older.
func (o SecretOptions) over(older SecretOptions) SecretOptions {
	if o.Label == "" {
		o.Label = older.Label
	}
	if o.Description == "" {
		o.Description = older.Description
	}
	if o.Expire.IsZero() {
		o.Expire = older.Expire
	}
	if o.Rotate == "" {
		o.Rotate = older.Rotate
	}
	return o
}

var secretKeyPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z](?:-?[a-z0-9]){2,}$`) })

func checkSecretContent(content map[string]string) error {
	if len(content) == 0 {
		return usage("a secret cannot be empty")
	}
	for _, key := range slices.Sorted(maps.Keys(content)) {
		if len(key) > 200 || !secretKeyPattern().MatchString(key) {
			return usage("%q cannot be a key of a secret: use three or more lower-case letters and digits, with single dashes between them, the first a letter", shorten(key))
		}
		if !utf8.ValidString(content[key]) {
			return usage("the value of %q in a secret is not UTF-8: encode it, for instance with base64", key)
		}
	}
	return nil
}

// withFiles runs a hook tool with a secret's content in files, which only this
// user can read and which are gone afterwards: arguments are for all to see.
func (m *Model) withFiles(content map[string]string, run func(args []string) error) (err error) {
	if content == nil {
		return run(nil)
	}
	m.hide(content)
	dir, err := os.MkdirTemp("", "starcharm-secret-")
	if err != nil {
		return fmt.Errorf("cannot pass a secret to Juju: %w", err)
	}
	defer func() {
		if e := os.RemoveAll(dir); e != nil && err == nil {
			err = fmt.Errorf("cannot remove the file of a secret: %w", e)
		}
	}()
	var args []string
	for _, key := range slices.Sorted(maps.Keys(content)) {
		file := filepath.Join(dir, key)
		if err := os.WriteFile(file, []byte(content[key]), 0o600); err != nil {
			return fmt.Errorf("cannot pass a secret to Juju: %w", err)
		}
		args = append(args, key+"#file="+file)
	}
	return run(args)
}

// AddSecret makes a secret when the hook succeeds. Its id is valid at once.
func (m *Model) AddSecret(owner SecretOwner, content map[string]string, options SecretOptions) (*Secret, error) {
	if err := errors.Join(checkSecretContent(content), options.check()); err != nil {
		return nil, err
	}
	if owner != OwnedByApp && owner != OwnedByUnit {
		return nil, usage("a secret is owned by %q or %q, not %q", OwnedByApp, OwnedByUnit, owner)
	}
	if owner == OwnedByApp {
		if err := m.needLeader("add a secret of the application", "secret-add"); err != nil {
			return nil, err
		}
	}
	if m.removesLabel(owner, options.Label) {
		return nil, &Error{Kind: ModelError, Message: fmt.Sprintf(
			"cannot add a secret with the label %q: this hook removes the one that has it, and Juju adds before it removes; give that one other content instead", shorten(options.Label))}
	}
	var id string
	err := m.withFiles(content, func(files []string) error {
		answer, err := m.run("secret-add", nil, slices.Concat(options.args(), []string{"--owner", string(owner)}, files)...)
		if err != nil {
			return err
		}
		id = strings.TrimSpace(string(answer))
		if !strings.HasPrefix(id, "secret:") || strings.ContainsAny(id, " \n\x00") || uniqueID(id) == "" {
			return nonsense("secret-add", fmt.Errorf("%q is not the id of a secret", shorten(id)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	id = m.canonicalID(id)
	content = maps.Clone(content)
	m.secretsByID[uniqueID(id)] = &secretFacts{
		content: content, newest: content, added: true, changed: true, sent: true, change: secretChange{content, options},
		info: &SecretInfo{ID: id, Label: options.Label, Description: options.Description, Owner: owner, Revision: 1,
			Rotation: cmp.Or(options.Rotate, neverRotated), Expires: options.Expire},
	}
	s := &Secret{ID: id, Label: options.Label, model: m, facts: m.secretFacts(id)}
	m.secrets[secretKey{id, options.Label}] = s
	if options.Label != "" {
		m.secretLabels[options.Label] = id
	}
	return s, nil
}

// removesLabel tells whether this hook removes the owner's secret of that label.
func (m *Model) removesLabel(owner SecretOwner, label string) bool {
	for _, facts := range m.secretsByID {
		if facts.removed && label != "" && facts.info.Label == label && facts.info.Owner == owner {
			return true
		}
	}
	return false
}

// EnsureSecret has the owner's secret of that label hold the content, the
// description and the rotation: it adds the secret, or changes it, only when
// that is needed. An expiry is of the revision: it is set with other content.
//
// The unit tracks the newest revision from then on, so that it does not keep an
// older one from becoming obsolete.
func (m *Model) EnsureSecret(owner SecretOwner, content map[string]string, options SecretOptions) (*Secret, error) {
	if options.Label == "" {
		return nil, usage("a secret can only be ensured by its label, which is missing")
	}
	if err := errors.Join(checkSecretContent(content), options.check()); err != nil {
		return nil, err
	}
	if owner == OwnedByApp {
		if err := m.needLeader("ensure a secret of the application", "secret-set"); err != nil {
			return nil, err
		}
	}
	s, err := m.ownSecret(owner, options.Label)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return m.AddSecret(owner, content, options)
	}
	info, err := s.own("ensure the content", "secret-set")
	if err != nil {
		return nil, err
	}
	if s.facts.newest == nil {
		// The newest revision may be gone; then there is none to compare with.
		if _, err := s.Content(true); err != nil && !isKind(err, SecretNotFoundError) {
			return nil, err
		}
	}
	change := secretChange{options: SecretOptions{}}
	if options.Description != info.Description {
		change.options.Description = options.Description
	}
	if options.Rotate != info.Rotation {
		change.options.Rotate = options.Rotate
	}
	if !maps.Equal(s.facts.newest, content) {
		change.content, change.options.Expire = maps.Clone(content), options.Expire
	}
	if change.content == nil && change.options == (SecretOptions{}) {
		return s, nil
	}
	if err := s.set(change); err != nil || change.content == nil || s.facts.added {
		return s, err
	}
	_, err = s.Content(true)
	return s, err
}

// ownSecret finds a secret by its owner and label; nil if there is none. The
// unit and the application may both have one with that label.
func (m *Model) ownSecret(owner SecretOwner, label string) (*Secret, error) {
	s, err := m.Secret("", label)
	if err != nil {
		return nil, err
	}
	info := s.facts.info
	if info == nil || s.facts.stale {
		found, err := s.Info()
		if isKind(err, SecretNotFoundError) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		info = &found
	}
	if info.Owner == owner {
		return s, nil
	}
	ids, err := m.SecretIDs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		s, err := m.Secret(id, "")
		if err != nil {
			return nil, err
		}
		info, err := s.Info()
		if err != nil {
			return nil, err
		}
		if info.Owner == owner && info.Label == label {
			return s, nil
		}
	}
	return nil, nil
}

// secretChange is what this hook has set of a secret. Juju before 3.6 keeps
// only the last of several changes, so each is sent with those before it.
type secretChange struct {
	content map[string]string
	options SecretOptions
}

// SetContent gives the secret a new revision when the hook succeeds; for the
// owner. The content that it has already is not sent. [Secret.Content] goes on
// to return the tracked revision until refreshed.
func (s *Secret) SetContent(content map[string]string) error {
	if err := checkSecretContent(content); err != nil {
		return err
	}
	if _, err := s.own("set the content", "secret-set"); err != nil {
		return err
	}
	if s.facts.newest == nil {
		// The newest revision may be gone; then there is none to compare with.
		if _, err := s.Peek(); err != nil && !isKind(err, SecretNotFoundError) {
			return err
		}
	}
	if maps.Equal(s.facts.newest, content) {
		return nil
	}
	return s.set(secretChange{content: maps.Clone(content)})
}

// SetInfo changes what options says when the hook succeeds; for the owner.
func (s *Secret) SetInfo(options SecretOptions) error {
	if options == (SecretOptions{}) {
		return usage("nothing to set: give a label, a description, an expiry or a rotation")
	}
	if err := options.check(); err != nil {
		return err
	}
	if _, err := s.own("set the label, description, expiry or rotation", "secret-set"); err != nil {
		return err
	}
	return s.set(secretChange{options: options})
}

// set sends a change together with those that the hook sent before.
func (s *Secret) set(change secretChange) error {
	f := s.facts
	all := secretChange{f.change.content, change.options.over(f.change.options)}
	if change.content != nil {
		all.content = change.content
	}
	err := s.model.withFiles(all.content, func(files []string) error {
		_, err := s.model.run("secret-set", nil, slices.Concat(all.options.args(), []string{s.ID}, files)...)
		return err
	})
	if err != nil {
		return err
	}
	f.change, f.sent = all, true
	if change.content != nil {
		f.newest, f.changed = change.content, true
		if f.added { // its only revision
			f.content = change.content
		}
	}
	f.info.Description = cmp.Or(change.options.Description, f.info.Description)
	f.info.Rotation = cmp.Or(change.options.Rotate, f.info.Rotation)
	if label := change.options.Label; label != "" && label != f.info.Label {
		delete(s.model.secretLabels, f.info.Label)
		s.model.secretLabels[label] = s.ID
		f.info.Label = label
		if s.Label != "" {
			s.Label = label
		}
	}
	return nil
}

// SecretIDs returns the ids of the secrets that the unit owns, those of the
// application included if it is the leader, sorted.
func (m *Model) SecretIDs() ([]string, error) {
	answer, err := m.run("secret-ids", nil, "--format=json")
	if err != nil {
		return nil, err
	}
	ids, err := parseSecretIDs(answer)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		ids[i] = m.canonicalID(id)
	}
	slices.Sort(ids)
	return ids, nil
}

// parseSecretIDs reads the ids as Juju spells them.
func parseSecretIDs(answer []byte) ([]string, error) {
	ids, err := decode[[]string]("secret-ids", answer)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if uniqueID(strings.TrimSpace(id)) == "" {
			return nil, nonsense("secret-ids", errors.New("there is an empty id in it"))
		}
	}
	return ids, nil
}
