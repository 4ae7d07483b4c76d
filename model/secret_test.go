package model

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretContent(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"secret-get": `{"password": "hunter22"}`})
	secret, err := m.Secret("abc", "")
	require.NoError(t, err)
	for range 2 {
		content, err := secret.Content(false)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"password": "hunter22"}, content)
		content["password"] = "mine"
	}
	_, err = secret.Content(true)
	require.NoError(t, err)
	_, err = secret.Peek()
	require.NoError(t, err)
	labelled, err := m.Secret("", "db")
	require.NoError(t, err)
	_, err = labelled.Content(false)
	require.NoError(t, err)
	both, err := m.Secret("secret:abc", "db")
	require.NoError(t, err)
	_, err = both.Content(false)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"secret-get --format=json secret:abc", "secret-get --format=json secret:abc --refresh", "secret-get --format=json secret:abc --peek",
		"secret-get --format=json --label db", "secret-get --format=json secret:abc --label db",
	}, s.take())

	for _, id := range []string{"abc", " secret:abc ", "secret://uuid-1/abc"} {
		same, err := m.Secret(id, "")
		require.NoError(t, err)
		assert.Same(t, secret, same, id)
	}
	other, err := m.Secret("secret://uuid-2/abc", "")
	require.NoError(t, err)
	assert.Equal(t, "secret://uuid-2/abc", other.ID)
	assert.Equal(t, "abc", other.UniqueID())
	_, err = m.Secret("", "")
	requireUsage(t, err, "a secret is found by its id or its label: give at least one of them")

	m, _ = newModel(t, nil, map[string]any{"secret-get": failed(`secret "abc" not found`)})
	secret, err = m.Secret("abc", "")
	require.NoError(t, err)
	_, err = secret.Content(false)
	requireKind(t, err, SecretNotFoundError, `cannot run secret-get: secret "abc" not found`)
}

func TestSecretsAreMasked(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"secret-get": `{"a": "hunter22", "b": "two\nlines", "c": "abc", "d": "hunter22-long"}`})
	secret, err := m.Secret("x", "")
	require.NoError(t, err)
	_, err = secret.Content(false)
	require.NoError(t, err)
	s.take()
	assert.Equal(t, "<secret>, <secret>; <secret> <secret> abc <secret>", m.Mask(`hunter22-long, hunter22; two\nlines two`+"\nlines abc aHVudGVyMjI="))
	require.NoError(t, m.Log("INFO", "it is hunter22"))
	require.NoError(t, m.SetUnitStatus(Status{"blocked", "bad password hunter22"}))
	require.NoError(t, m.SecurityEvent("INFO", "x", "hunter22"))
	calls := s.take()
	assert.Equal(t, "juju-log --log-level INFO -- it is <secret>", calls[0])
	assert.Equal(t, "status-set --application=false blocked -- bad password <secret>", calls[1])
	assert.NotContains(t, calls[2], "hunter22")
}

func TestSecretInfo(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"secret-info-get": `{"abc": {"revision": 3, "label": "db", "owner": "application", "description": "d",
		"rotation": "monthly", "rotates": "2026-02-01T00:00:00Z", "expiry": "2027-01-01T00:00:00Z"}}`})
	secret, err := m.Secret("", "db")
	require.NoError(t, err)
	info, err := secret.Info()
	require.NoError(t, err)
	assert.Equal(t, SecretInfo{ID: "secret:abc", Label: "db", Description: "d", Owner: "application", Revision: 3, Rotation: "monthly",
		Rotates: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}, info)
	require.NoError(t, secret.RemoveRevision(2))
	assert.Equal(t, []string{"secret-info-get --format=json --label db", "secret-info-get --format=json --label db",
		"secret-remove secret:abc --revision 2"}, s.take(), "the owner looks up the id by the label")
	requireUsage(t, secret.RemoveRevision(0), "a secret has no revision 0: they are counted from 1")
}
