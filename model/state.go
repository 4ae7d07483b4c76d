package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// loadState asks for the whole of the charm state, once: only so can a key that
// is missing be told from an empty value.
func (m *Model) loadState() error {
	if m.state != nil {
		return nil
	}
	answer, err := m.run("state-get", nil, "--format=json")
	if err != nil {
		return err
	}
	state, err := decode[map[string]string]("state-get", answer)
	if err != nil {
		return err
	}
	if state == nil {
		state = map[string]string{}
	}
	m.state = state
	return nil
}

// StateGet returns a value of the charm state that the controller keeps for
// the unit, and false when there is none.
func (m *Model) StateGet(key string) (string, bool, error) {
	if err := m.loadState(); err != nil {
		return "", false, err
	}
	value, ok := m.state[key]
	return value, ok, nil
}

// StateSet changes the charm state when the hook succeeds. Only values that
// differ are sent.
func (m *Model) StateSet(values map[string]string) error {
	if err := m.loadState(); err != nil {
		return err
	}
	changes := make(map[string]string)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value := values[key]
		if err := checkStateKey(key); err != nil {
			return err
		}
		if !utf8.ValidString(value) {
			return &Error{Kind: ModelError, Message: fmt.Sprintf("cannot save the charm state %q: it is not UTF-8", key)}
		}
		if current, ok := m.state[key]; !ok || current != value {
			changes[key] = value
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if _, err := m.run("state-set", flatYAML(changes), "--file", "-"); err != nil {
		return err
	}
	maps.Copy(m.state, changes)
	return nil
}

// StateDelete removes a value from the charm state when the hook succeeds; one
// that is not there is no failure.
func (m *Model) StateDelete(key string) error {
	if err := checkStateKey(key); err != nil {
		return err
	}
	if err := m.loadState(); err != nil {
		return err
	}
	if _, ok := m.state[key]; !ok {
		return nil
	}
	if _, err := m.run("state-delete", nil, key); err != nil {
		return err
	}
	delete(m.state, key)
	return nil
}

func checkStateKey(key string) error {
	if key == "" || strings.HasPrefix(key, "-") || strings.ContainsRune(key, 0) || !utf8.ValidString(key) {
		return usage("%q cannot be a key of the charm state: it must be UTF-8 that is not empty and does not begin with a dash", shorten(key))
	}
	return nil
}
