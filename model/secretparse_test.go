package model

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// requireFailure: an answer that makes no sense is a failure that a charm can
// catch, and short enough for a log.
func requireFailure(t *testing.T, err error) {
	var e *Error
	if !errors.As(err, &e) || e.Kind != HookToolError {
		t.Fatalf("%v is no failure of the hook tool", err)
	}
	if len(e.Message) > 2000 || !utf8.ValidString(e.Message) {
		t.Fatalf("cannot log %q", e.Message)
	}
}

func FuzzSecretContent(f *testing.F) {
	for _, seed := range []string{`{"password": "hunter22"}`, `{}`, `null`, ``, `[]`, `{"a": 1}`, `{"a": {"b": "c"}}`, "{\"a\": \"\xff\"}", `{"a": "b"} x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		content, err := parseSecretContent(answer)
		if err != nil {
			requireFailure(t, err)
			return
		}
		for key, value := range content {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				t.Fatalf("%q = %q is no text", key, value)
			}
		}
	})
}

func FuzzSecretInfo(f *testing.F) {
	for _, seed := range []string{
		`{"abc": {"revision": 3, "label": "db", "owner": "application", "rotation": "monthly", "rotates": "2026-02-01T00:00:00Z", "expiry": null}}`,
		`{"": {"revision": 1}}`, `{"a": {"revision": 0}}`, `{"a": {"revision": 1e99}}`, `{"a": null}`, `{}`, `{"a": {"revision": 1}, "b": {"revision": 1}}`, `{"secret://x/": {"revision": 1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		info, err := parseSecretInfo(answer)
		if err != nil {
			requireFailure(t, err)
			return
		}
		if info.UniqueID() == "" || info.Revision < 1 || info.Rotation == "" {
			t.Fatalf("%+v is about no secret", info)
		}
	})
}

func FuzzSecretIDs(f *testing.F) {
	for _, seed := range []string{`["abc", "secret:def", "secret://uuid/ghi"]`, `[]`, `null`, `[""]`, `["secret:"]`, `["a/"]`, `[null]`, `"abc"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		ids, err := parseSecretIDs(answer)
		if err != nil {
			requireFailure(t, err)
			return
		}
		for _, id := range ids {
			if uniqueID(strings.TrimSpace(id)) == "" {
				t.Fatalf("%q is among the ids", id)
			}
		}
	})
}

// TestRemovalsOfOldJuju: before 3.6.11, Juju takes one revision in a hook, and
// those whose numbers start with its own with it.
func TestRemovalsOfOldJuju(t *testing.T) {
	for _, c := range []struct {
		version   string
		revisions []int
		calls     []string
		left      []int
	}{
		{"3.5.1", []int{1, 2, 11}, []string{"--revision 2"}, []int{1, 11}},
		{"3.6.10", []int{1}, nil, []int{1}},
		{"3.6.10", []int{12}, []string{"--revision 12"}, nil},
		{"3.6.11", []int{1, 2, 11}, []string{"--revision 1", "--revision 2", "--revision 11"}, nil},
		{"4.1.0", []int{12, 13}, []string{"--revision 12"}, nil},
	} {
		m, s := newModel(t, map[string]string{"JUJU_VERSION": c.version}, map[string]any{"secret-info-get": `{"abc": {"revision": 12, "owner": "unit"}}`})
		left, err := m.RemoveSecrets(map[string][]int{"secret:abc": c.revisions})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, flag := range c.calls {
			want = append(want, "secret-remove secret:abc "+flag)
		}
		got := s.take()[1:]
		if strings.Join(got, "\n") != strings.Join(want, "\n") || len(left["secret:abc"]) != len(c.left) {
			t.Errorf("%s %v: sent %q, left %v", c.version, c.revisions, got, left)
		}
	}
	m, s := newModel(t, nil, map[string]any{"secret-info-get": failed(`secret "abc" not found`)})
	if left, err := m.RemoveSecrets(map[string][]int{"secret:abc": {1}}); left != nil || err != nil || len(s.take()) != 1 {
		t.Errorf("a secret that is gone: %v, %v", left, err)
	}
}
