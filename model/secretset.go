package model

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

// SecretRotations returns how often Juju can ask for a rotation.
func SecretRotations() []string {
	return []string{"never", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"}
}

func (o SecretOptions) check() error {
	if o.Rotate != "" && !slices.Contains(SecretRotations(), o.Rotate) {
		return usage("a secret cannot be rotated %q%s: use one of %q", shorten(o.Rotate), didYouMean(o.Rotate, SecretRotations()), SecretRotations())
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
	var id string
	err := m.withFiles(content, func(files []string) error {
		answer, err := m.run("secret-add", nil, slices.Concat(options.args(), []string{"--owner", string(owner)}, files)...)
		if err != nil {
			return err
		}
		id = strings.TrimSpace(string(answer))
		if !strings.HasPrefix(id, "secret:") || strings.ContainsAny(id, " \n\x00") {
			return nonsense("secret-add", fmt.Errorf("%q is not the id of a secret", shorten(id)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s, err := m.Secret(id, "")
	if err != nil {
		return nil, err
	}
	s.content = maps.Clone(content)
	s.change = secretChange{maps.Clone(content), options}
	if options.Label != "" {
		m.ownSecrets[ownSecret{owner, options.Label}] = s
	}
	return s, nil
}

// EnsureSecret has the owner's secret of that label hold the content: it adds
// the secret, or gives it a new revision, only when that is needed. It tells
// whether anything changed. Besides the label, options are for a secret that is
// added.
func (m *Model) EnsureSecret(owner SecretOwner, content map[string]string, options SecretOptions) (s *Secret, changed bool, err error) {
	if options.Label == "" {
		return nil, false, usage("a secret can only be ensured by its label, which is missing")
	}
	if err := errors.Join(checkSecretContent(content), options.check()); err != nil {
		return nil, false, err
	}
	if owner == OwnedByApp {
		if err := m.needLeader("ensure a secret of the application", "secret-set"); err != nil {
			return nil, false, err
		}
	}
	own := ownSecret{owner, options.Label}
	s, ok := m.ownSecrets[own]
	if !ok {
		byLabel, err := m.Secret("", options.Label)
		if err != nil {
			return nil, false, err
		}
		info, err := byLabel.Info()
		if isKind(err, SecretNotFoundError) {
			s, err = m.AddSecret(owner, content, options)
			return s, err == nil, err
		}
		if err != nil {
			return nil, false, err
		}
		if s, err = m.Secret(info.ID, ""); err != nil {
			return nil, false, err
		}
		m.ownSecrets[own] = s
	}
	current := s.change.content
	if current == nil {
		if current, err = s.Peek(); err != nil {
			return nil, false, err
		}
	}
	if maps.Equal(current, content) {
		return s, false, nil
	}
	return s, true, s.SetContent(content)
}

// ownSecret finds a secret that this hook added or looked up by its label.
type ownSecret struct {
	owner SecretOwner
	label string
}

// secretChange is what this hook has set of a secret. Juju before 3.6 keeps
// only the last of several changes, so each is sent with those before it.
type secretChange struct {
	content map[string]string
	options SecretOptions
}

// SetContent gives the secret a new revision when the hook succeeds; for the
// owner. [Secret.Content] goes on to return the tracked one until refreshed.
func (s *Secret) SetContent(content map[string]string) error {
	if err := checkSecretContent(content); err != nil {
		return err
	}
	return s.set(secretChange{maps.Clone(content), s.change.options})
}

// SetInfo changes what options says when the hook succeeds; for the owner.
func (s *Secret) SetInfo(options SecretOptions) error {
	if options == (SecretOptions{}) {
		return usage("nothing to set: give a label, a description, an expiry or a rotation")
	}
	if err := options.check(); err != nil {
		return err
	}
	return s.set(secretChange{s.change.content, options.over(s.change.options)})
}

func (s *Secret) set(change secretChange) error {
	id, err := s.id()
	if err != nil {
		return err
	}
	err = s.model.withFiles(change.content, func(files []string) error {
		_, err := s.model.run("secret-set", nil, slices.Concat(change.options.args(), []string{id}, files)...)
		return err
	})
	if err == nil {
		s.change = change
	}
	return err
}

// Grant lets the application at the other end of a relation read the secret,
// or one of its units if unit is not empty; for the owner.
func (s *Secret) Grant(r *Relation, unit string) error { return s.share("secret-grant", r, unit) }

// Revoke takes back what [Secret.Grant] gave.
func (s *Secret) Revoke(r *Relation, unit string) error { return s.share("secret-revoke", r, unit) }

func (s *Secret) share(tool string, r *Relation, unit string) error {
	if unit != "" && !isUnitName(unit) {
		return usage("%q is not the name of a unit", shorten(unit))
	}
	id, err := s.id()
	if err != nil {
		return err
	}
	args := []string{"--relation", strconv.Itoa(r.ID)}
	if unit != "" {
		args = append(args, "--unit", unit)
	}
	_, err = s.model.run(tool, nil, append(args, id)...)
	return err
}

// RemoveAll removes the secret with all its revisions when the hook succeeds;
// for the owner.
func (s *Secret) RemoveAll() error {
	id, err := s.id()
	if err != nil {
		return err
	}
	_, err = s.model.run("secret-remove", nil, id)
	return err
}

// SecretIDs returns the ids of the secrets that the unit owns, those of the
// application included if it is the leader, sorted.
func (m *Model) SecretIDs() ([]string, error) {
	answer, err := m.run("secret-ids", nil, "--format=json")
	if err != nil {
		return nil, err
	}
	ids, err := decode[[]string]("secret-ids", answer)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if ids[i] = m.canonicalID(id); ids[i] == "" {
			return nil, nonsense("secret-ids", errors.New("there is an empty id in it"))
		}
	}
	slices.Sort(ids)
	return ids, nil
}
