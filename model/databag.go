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
// It is read when first needed. What is written can be read at once; Juju is
// told by [Model.Flush], and others see it when the hook has succeeded.
type Databag struct {
	// Entity is the unit or application whose databag it is.
	Entity string

	relation *Relation
	app      bool
	data     map[string]string // nil: not read yet
	size     int               // of data as it was read, in bytes of JSON
	stale    bool              // data may not be what Juju has
	// unsent are the keys that were written and that Juju was not told of yet,
	// with what Juju has of them: "" for nothing.
	unsent map[string]string
	queued bool // in the model's list of what to flush
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
	b.relation.model.looked(b, key)
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
	b.relation.model.looked(b, "")
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
	b.relation.model.looked(b, "")
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
	if data == nil { // the relation or the unit is gone
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
	total := r.model.databagBytes - b.size + len(answer)
	switch {
	case len(answer) > maxDatabag:
		return nil, b.tooLarge(fmt.Sprintf("it has %d bytes of JSON, more than the %d MiB that are read", len(answer), maxDatabag>>20))
	case total > maxDatabags:
		return nil, b.tooLarge(fmt.Sprintf("with it, the databags that this hook has read have more than %d MiB", maxDatabags>>20))
	}
	data, err := parseDatabag(answer)
	if err != nil {
		return nil, nonsenseAbout(fmt.Sprintf("the databag of the %s %s in %s", b.side(), b.Entity, r.Key()), "relation-get", err)
	}
	r.model.databagBytes, b.size = total, len(answer)
	return data, nil
}

func (b *Databag) tooLarge(reason string) error {
	return &Error{Kind: RelationDataError, Message: fmt.Sprintf("cannot read the databag of the %s %s in %s: %s", b.side(), b.Entity, b.relation.Key(), reason)}
}

func (b *Databag) side() string {
	if b.app {
		return "application"
	}
	return "unit"
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

// Update writes several values at once; empty ones delete their keys. What does
// not differ changes nothing. Access is checked in any case: a
// [RelationDataAccessError]. A relation that is known to be gone cannot be
// changed: a [RelationNotFoundError].
func (b *Databag) Update(values map[string]string) error {
	ok, reason, err := b.CanWrite()
	if err != nil {
		return err
	}
	if !ok {
		return b.denied("write", reason)
	}
	if err := b.fits(values); err != nil {
		return err
	}
	return b.write(values)
}

// fits is an error unless a databag can hold the keys and values.
func (b *Databag) fits(values map[string]string) error {
	unfit := func(reason string) error {
		return &Error{Kind: RelationDataTypeError,
			Message: fmt.Sprintf("cannot write the databag of %s in %s: %s", b.Entity, b.relation.Key(), reason)}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch value := values[key]; {
		case key == "":
			return unfit("a key cannot be empty")
		case !utf8.ValidString(key):
			return unfit(fmt.Sprintf("the key %q is not UTF-8", shorten(key)))
		case !utf8.ValidString(value):
			return unfit(fmt.Sprintf("the value of %q is not UTF-8: encode it, for instance with base64", shorten(key)))
		}
	}
	return nil
}

// write changes what is remembered, and remembers what to send.
func (b *Databag) write(values map[string]string) error {
	current, err := b.read()
	if err != nil {
		return err
	}
	var changed []string
	for key, value := range values {
		was := current[key]
		if was == value {
			continue
		}
		if b.relation.gone {
			return &Error{Kind: RelationNotFoundError,
				Message: fmt.Sprintf("cannot write the databag of %s in %s: the relation is gone", b.Entity, b.relation.Key())}
		}
		changed = append(changed, key)
		put(current, key, value)
		if b.unsent == nil {
			b.unsent = make(map[string]string)
		}
		if juju, ok := b.unsent[key]; !ok {
			b.unsent[key] = was
		} else if juju == value {
			delete(b.unsent, key)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	m := b.relation.model
	if !b.queued {
		b.queued = true
		m.written = append(m.written, b)
	}
	if m.cfg.Written != nil {
		m.cfg.Written(b, changed)
	}
	return nil
}

func put(data map[string]string, key, value string) {
	if value == "" {
		delete(data, key)
	} else {
		data[key] = value
	}
}

// A WriteError is Juju's refusal of what was written to a databag. It comes
// when the hook's work is done, so that there is nobody left to deal with it:
// the hook fails.
type WriteError struct {
	Databag *Databag
	Keys    []string // what was written, sorted
	Err     error
}

// maxShownKeys is how many keys a message names.
const maxShownKeys = 8

func (e *WriteError) Error() string {
	return fmt.Sprintf("cannot write %s to the databag of the %s %s in %s: %v", keyList(e.Keys), e.Databag.side(), e.Databag.Entity, e.Databag.relation.Key(), e.Err)
}

// Unwrap returns what Juju said.
func (e *WriteError) Unwrap() error { return e.Err }

func keyList(keys []string) string {
	var out strings.Builder
	for i, key := range keys {
		if i == maxShownKeys {
			fmt.Fprintf(&out, " and %d more keys", len(keys)-i)
			break
		}
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(&out, "%q", shorten(key))
	}
	return out.String()
}

// Flush tells Juju of what was written to databags, with one call for each that
// is not as Juju has it, in the order of their first writes. It is called when
// the hook has succeeded, and before anything that could see what Juju has: a
// hook that fails sends nothing.
//
// What was written to a relation that has gone meanwhile is dropped with a
// warning in the log. Any other refusal is a [WriteError]; the databag is then
// again as Juju has it.
func (m *Model) Flush() error {
	for len(m.written) > 0 {
		bag := m.written[0]
		m.written = m.written[1:]
		if err := bag.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (b *Databag) flush() error {
	unsent := b.unsent
	b.unsent, b.queued = nil, false
	if len(unsent) == 0 {
		return nil
	}
	values := make(map[string]string, len(unsent))
	for key := range unsent {
		values[key] = b.data[key]
	}
	r := b.relation
	args := []string{"-r", r.Key()}
	if b.app {
		args = append(args, "--app")
	}
	_, err := r.model.run("relation-set", flatYAML(values), append(args, "--file", "-")...)
	if err == nil {
		return nil
	}
	for key, juju := range unsent {
		put(b.data, key, juju)
	}
	keys := slices.Sorted(maps.Keys(values))
	if isKind(err, RelationNotFoundError) {
		r.gone = true
		// A charm does not fail because its log did.
		_ = r.model.Log("WARNING", fmt.Sprintf("The relation %s is gone: nobody will see %s, which the hook wrote to the databag of %s.", r.Key(), keyList(keys), b.Entity))
		return nil
	}
	return &WriteError{Databag: b, Keys: keys, Err: err}
}
