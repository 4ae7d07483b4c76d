package model

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Databag is what a unit or an application tells the other end of a relation.
// It is read when first needed. What is written others see when the hook has
// succeeded.
type Databag struct {
	// Entity is the unit or application whose databag it is.
	Entity string

	relation *Relation
	app      bool
	data     map[string]string // nil: not read yet
	stale    bool              // data may not be what Juju has
}

// Relation returns the relation that the databag belongs to.
func (b *Databag) Relation() *Relation { return b.relation }

// CanRead tells whether this unit may read the databag, and if not, why.
func (b *Databag) CanRead() (ok bool, reason string, err error) {
	c := b.relation.model.cfg.Context
	if !b.app || b.Entity != c.AppName || b.relation.meta.Role == Peer {
		return true, "", nil
	}
	leader, err := b.relation.model.IsLeader()
	if err != nil || leader {
		return err == nil, "", err
	}
	return false, c.UnitName + " is not the leader, and only the leader can read its own application's databag", nil
}

// CanWrite tells whether this unit may write the databag, and if not, why.
func (b *Databag) CanWrite() (ok bool, reason string, err error) {
	c := b.relation.model.cfg.Context
	switch {
	case b.Entity == c.UnitName:
		return true, "", nil
	case !b.app:
		return false, "a unit can only write its own databag, here that of " + c.UnitName, nil
	case b.Entity != c.AppName:
		return false, "it belongs to the remote application", nil
	}
	leader, err := b.relation.model.IsLeader()
	if err != nil || leader {
		return err == nil, "", err
	}
	return false, c.UnitName + " is not the leader, and only the leader can write its application's databag", nil
}

func (b *Databag) denied(deed, reason string) error {
	return &Error{Kind: RelationDataAccessError,
		Message: fmt.Sprintf("cannot %s the databag of %s in %s: %s", deed, b.Entity, b.relation.Key(), reason)}
}

// Get returns a value, and false when there is none.
func (b *Databag) Get(key string) (string, bool, error) {
	data, err := b.read()
	value, ok := data[key]
	return value, ok, err
}

// Has tells whether there is a value.
func (b *Databag) Has(key string) (bool, error) {
	_, ok, err := b.Get(key)
	return ok, err
}

// Keys returns the keys, sorted.
func (b *Databag) Keys() ([]string, error) {
	data, err := b.read()
	return slices.Sorted(maps.Keys(data)), err
}

// Len returns how many values there are.
func (b *Databag) Len() (int, error) {
	data, err := b.read()
	return len(data), err
}

// Items returns a copy of the content.
func (b *Databag) Items() (map[string]string, error) {
	data, err := b.read()
	return maps.Clone(data), err
}

// read returns the content: what relation-get said, with what this hook wrote.
// With an error it is what was known last.
func (b *Databag) read() (map[string]string, error) {
	if b.data != nil && !b.stale {
		return b.data, nil
	}
	data, err := b.ask()
	if err != nil {
		return b.data, err
	}
	if data == nil {
		data = map[string]string{}
	}
	b.data, b.stale = data, false
	return data, nil
}

// ask asks Juju for the content.
func (b *Databag) ask() (map[string]string, error) {
	ok, reason, err := b.CanRead()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, b.denied("read", reason)
	}
	r := b.relation
	args := []string{"--format=json", "-r", r.Key()}
	if b.app {
		args = append(args, "--app")
	}
	answer, err := r.model.run("relation-get", nil, append(args, "-", b.Entity)...)
	switch {
	case isKind(err, RelationNotFoundError):
		r.gone = true
		return nil, nil
	case err != nil && b.departed(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return decode[map[string]string]("relation-get", answer)
}

// departed tells whether the error only says that a unit is gone.
func (b *Databag) departed(err error) bool {
	var e *Error
	if b.app || !errors.As(err, &e) || e.Kind != ModelError || !strings.Contains(e.Stderr, "not found") {
		return false
	}
	units, err := b.relation.Units()
	return err == nil && !slices.Contains(units, b.Entity)
}

// Set writes one value; an empty one deletes the key.
func (b *Databag) Set(key, value string) error {
	return b.Update(map[string]string{key: value})
}

// Delete removes a key; one that is not there is no failure.
func (b *Databag) Delete(key string) error {
	return b.Update(map[string]string{key: ""})
}

// Update writes several values at once; empty ones delete their keys. Only what
// differs is sent, and nothing if nothing does. Access is checked in any case:
// a [RelationDataAccessError].
func (b *Databag) Update(values map[string]string) error {
	ok, reason, err := b.CanWrite()
	if err != nil {
		return err
	}
	if !ok {
		return b.denied("write", reason)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch value := values[key]; {
		case key == "":
			return b.unfit("a key cannot be empty")
		case !utf8.ValidString(key):
			return b.unfit(fmt.Sprintf("the key %q is not UTF-8", shorten(key)))
		case !utf8.ValidString(value):
			return b.unfit(fmt.Sprintf("the value of %q is not UTF-8: encode it, for instance with base64", shorten(key)))
		}
	}
	current, err := b.read()
	if err != nil {
		return err
	}
	changes := make(map[string]string)
	for key, value := range values {
		if current[key] != value {
			changes[key] = value
		}
	}
	if len(changes) == 0 {
		return nil
	}
	args := []string{"-r", b.relation.Key()}
	if b.app {
		args = append(args, "--app")
	}
	if _, err := b.relation.model.run("relation-set", flatYAML(changes), append(args, "--file", "-")...); err != nil {
		return err
	}
	for key, value := range changes {
		if value == "" {
			delete(current, key)
		} else {
			current[key] = value
		}
	}
	return nil
}

func (b *Databag) unfit(reason string) error {
	return &Error{Kind: RelationDataTypeError,
		Message: fmt.Sprintf("cannot write the databag of %s in %s: %s", b.Entity, b.relation.Key(), reason)}
}
