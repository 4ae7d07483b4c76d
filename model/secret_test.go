package model

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
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

// TestMaskedForms: a value is found however the text that holds it was written.
func TestMaskedForms(t *testing.T) {
	const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"
	m, _ := newModel(t, nil, map[string]any{"secret-get": fmt.Sprintf(`{"password": "a\"&<b é", "key": %q}`, key)})
	secret, err := m.Secret("x", "")
	require.NoError(t, err)
	_, err = secret.Content(false)
	require.NoError(t, err)
	for text, want := range map[string]string{
		`plain a"&<b é`:        "plain <secret>",
		`"a\"&<b é"`:           `"<secret>"`, // JSON, and as Starlark quotes
		`"a\"\u0026\u003cb é"`: `"<secret>"`, // JSON from Go
		"http://u:a%22&%3Cb%20%C3%A9@h/?p=a%22%26%3Cb+%C3%A9": "http://u:<secret>@h/?p=<secret>",
		"YSImPGIgw6k":       "<secret>", // without padding
		"key: " + key + ".": "key: <secret>.",
		"key: |\n  -----BEGIN KEY-----\n  MIIEvQIBADANBg\n  kqhkiG9w0BAQEF\n  -----END KEY-----\n": "key: |\n  -----BEGIN KEY-----\n  <secret>\n  <secret>\n  -----END KEY-----\n",
	} {
		assert.Equal(t, want, m.Mask(text))
	}
}

// TestMaskedStart: a message that shows the beginning of a long value shows
// nothing of it; what merely begins like it stays.
func TestMaskedStart(t *testing.T) {
	m, _ := newModel(t, nil, map[string]any{"secret-get": `{"token": "ghp_0123456789\"abcdefghijklmnopqrstuvwxyz", "dsn": "postgresql://10.1.2.3/db?password=x"}`})
	secret, err := m.Secret("x", "")
	require.NoError(t, err)
	_, err = secret.Content(false)
	require.NoError(t, err)
	for text, want := range map[string]string{
		`port: got "ghp_0123456789\"abcdef…, want an int`:                            `port: got "<secret>…, want an int`,
		`port: got "ghp_0123456789\"abcdef\ufffd…, want`:                             `port: got "<secret>\ufffd…, want`,
		`cannot use "ghp_0123456789\"abc" at all`:                                    `cannot use "<secret>" at all`,
		"ghp_0123456789\"abc...":                                                     "<secret>...",
		"ghp_0123456789\"ab\nghp_0123456789\"a":                                      "<secret>\n<secret>",
		"ghp_0123456789…":                                                            "ghp_0123456789…", // too little of it
		"at postgresql://10.1.2.3/other, ghp_0123456789\"abcdefghijklmnopqrstuvwxyz": "at postgresql://10.1.2.3/other, <secret>",
	} {
		assert.Equal(t, want, m.Mask(text))
	}
}

// TestSecurityEventIsMasked: nothing of a secret is left where a long text is cut.
func TestSecurityEventIsMasked(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"secret-get": `{"password": "hunter22-hunter22"}`})
	secret, err := m.Secret("x", "")
	require.NoError(t, err)
	_, err = secret.Content(false)
	require.NoError(t, err)
	s.take()
	require.NoError(t, m.SecurityEvent("WARN", "x", strings.Repeat("x", maxDescription-8)+"hunter22-hunter22"))
	assert.NotContains(t, strings.Join(s.take(), ""), "hunter22")
}

func TestSecretsAreMasked(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"secret-get": `{"a": "hunter22", "b": "two\nlines", "c": "abc", "d": "hunter22-long", "e": "??>>??>>"}`})
	secret, err := m.Secret("x", "")
	require.NoError(t, err)
	_, err = secret.Content(false)
	require.NoError(t, err)
	s.take()
	assert.Equal(t, "<secret>, <secret>; <secret> <secret> abc <secret> <secret> <secret>", m.Mask(`hunter22-long, hunter22; two\nlines two`+"\nlines abc aHVudGVyMjI= Pz8+Pj8/Pj4= Pz8-Pj8_Pj4="))
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
	assert.Equal(t, "secret:abc", secret.ID)
	require.NoError(t, secret.RemoveRevision(2))
	waiting, err := m.RemoveSecrets(nil)
	require.NoError(t, err)
	assert.Empty(t, waiting)
	assert.Equal(t, []string{"secret-info-get --format=json --label db", "secret-remove secret:abc --revision 2"}, s.take(), "the id is learnt once")
	requireUsage(t, secret.RemoveRevision(0), "a secret has no revision 0: they are counted from 1")
}

// secretFiles is a runner that reads the files which secret-add and secret-set
// are given.
type secretFiles struct {
	*script
	seen map[string]string
}

func (s *secretFiles) Run(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
	for i, arg := range call.Args {
		if key, file, ok := strings.Cut(arg, "#file="); ok {
			data, err := os.ReadFile(file)
			if err != nil {
				return hooktool.Result{}, err
			}
			info, err := os.Stat(filepath.Dir(file))
			if err != nil || info.Mode().Perm() != 0o700 {
				return hooktool.Result{}, fmt.Errorf("the folder is open: %v %w", info.Mode(), err)
			}
			s.seen[key] = string(data)
			call.Args[i] = key + "#file"
		}
	}
	return s.script.Run(ctx, call)
}

func newSecretOwner(t *testing.T, answers map[string]any) (*Model, *secretFiles) {
	t.Setenv("TMPDIR", t.TempDir())
	m, s := newModel(t, nil, answers)
	files := &secretFiles{s, make(map[string]string)}
	m.cfg.Tools = files
	t.Cleanup(func() {
		left, err := os.ReadDir(os.Getenv("TMPDIR"))
		assert.NoError(t, err)
		assert.Empty(t, left, "no file with a secret is left behind")
	})
	return m, files
}

func TestSecretOwners(t *testing.T) {
	m, s := newSecretOwner(t, map[string]any{"is-leader": leader, "secret-add": "secret:abc\n", "relation-list": `"lb"`, "relation-ids": `["my-site:3"]`})
	secret, err := m.AddSecret(OwnedByApp, map[string]string{"pass-word": "hunter22", "user": "ann"},
		SecretOptions{Label: "db", Description: "-d", Rotate: "daily", Expire: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"pass-word": "hunter22", "user": "ann"}, s.seen)
	assert.Equal(t, "secret:abc", secret.ID)
	assert.Equal(t, "<secret>", m.Mask("hunter22"))
	content, err := secret.Content(false)
	require.NoError(t, err)
	assert.Equal(t, "ann", content["user"])
	require.NoError(t, secret.SetInfo(SecretOptions{Rotate: "weekly"}))
	require.NoError(t, secret.Grant(relation(t, m, "my-site", 3), "lb/0"))
	require.NoError(t, secret.Revoke(relation(t, m, "my-site", 3), ""))
	requireKind(t, secret.RemoveAll(), ModelError, `cannot remove the revisions of the secret "db": this hook added it, and it is not there before the hook has ended; remove it in a later hook`)
	assert.Equal(t, []string{
		"is-leader --format=json",
		"secret-add --label db --description -d --expire 2027-01-01T00:00:00Z --rotate daily --owner application pass-word#file user#file",
		"secret-set --label db --description -d --expire 2027-01-01T00:00:00Z --rotate weekly secret:abc pass-word#file user#file",
		"relation-list --format=json --app -r my-site:3", "relation-ids my-site --format=json",
		"secret-grant --relation 3 --unit lb/0 secret:abc", "secret-revoke --relation 3 secret:abc",
	}, s.take(), "a later change carries the earlier ones")
}

func TestEnsureSecret(t *testing.T) {
	m, s := newSecretOwner(t, map[string]any{"secret-info-get": failed(`secret "db" not found`), "secret-add": "secret:abc\n"})
	content := map[string]string{"user": "ann"}
	secret, err := m.EnsureSecret(OwnedByUnit, content, SecretOptions{Label: "db"})
	require.NoError(t, err)
	assert.True(t, secret.Changed())
	again, err := m.EnsureSecret(OwnedByUnit, content, SecretOptions{Label: "db"})
	require.NoError(t, err)
	assert.Equal(t, secret.ID, again.ID)
	assert.Equal(t, []string{"secret-info-get --format=json --label db", "secret-add --label db --owner unit user#file"}, s.take())

	m, s = newSecretOwner(t, map[string]any{"secret-info-get": `{"abc": {"revision": 1, "label": "db", "owner": "unit", "description": "d"}}`, "secret-get": `{"user": "ann"}`})
	options := SecretOptions{Label: "db", Description: "d", Rotate: "never", Expire: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	secret, err = m.EnsureSecret(OwnedByUnit, content, options)
	require.NoError(t, err)
	assert.False(t, secret.Changed())
	options.Rotate = "daily"
	_, err = m.EnsureSecret(OwnedByUnit, content, options)
	require.NoError(t, err)
	assert.False(t, secret.Changed())
	_, err = m.EnsureSecret(OwnedByUnit, map[string]string{"user": "bob"}, options)
	require.NoError(t, err)
	assert.True(t, secret.Changed())
	assert.Equal(t, "bob", s.seen["user"])
	assert.Equal(t, []string{
		"secret-info-get --format=json --label db", "secret-get --format=json secret:abc --refresh",
		"secret-set --rotate daily secret:abc",
		"secret-set --expire 2027-01-01T00:00:00Z --rotate daily secret:abc user#file", "secret-get --format=json secret:abc --refresh",
	}, s.take())

	m, _ = newSecretOwner(t, map[string]any{"secret-info-get": `{"abc": {"revision": 1, "label": "db", "owner": "application"}}`, "secret-ids": `["abc"]`, "secret-add": "secret:new\n"})
	secret, err = m.EnsureSecret(OwnedByUnit, content, SecretOptions{Label: "db"})
	require.NoError(t, err)
	assert.Equal(t, "secret:new", secret.ID, "the application's secret of that label is another one")
}

func TestSecretMistakes(t *testing.T) {
	m, s := newSecretOwner(t, map[string]any{"is-leader": follower, "secret-add": "oops"})
	for _, test := range []struct {
		content map[string]string
		options SecretOptions
		want    string
	}{
		{nil, SecretOptions{}, "a secret cannot be empty"},
		{map[string]string{"a-b": "x"}, SecretOptions{}, `"a-b" cannot be a key of a secret: use three or more lower-case letters and digits, with single dashes between them, the first a letter`},
		{map[string]string{"../key": "x"}, SecretOptions{}, `"../key" cannot be a key of a secret: use three or more lower-case letters and digits, with single dashes between them, the first a letter`},
		{map[string]string{"key": "\xff"}, SecretOptions{}, `the value of "key" in a secret is not UTF-8: encode it, for instance with base64`},
		{map[string]string{"key": "x"}, SecretOptions{Rotate: "dayly"}, `a secret cannot be rotated "dayly" (did you mean "daily"?): use one of never, hourly, daily, weekly, monthly, quarterly, yearly`},
	} {
		_, err := m.AddSecret(OwnedByUnit, test.content, test.options)
		requireUsage(t, err, test.want)
	}
	assert.Empty(t, s.take())
	_, err := m.AddSecret(OwnedByApp, map[string]string{"key": "x"}, SecretOptions{})
	requireKind(t, err, NotLeaderError, "cannot add a secret of the application: web/0 is not the leader")
	_, err = m.AddSecret(OwnedByUnit, map[string]string{"key": "x"}, SecretOptions{})
	requireKind(t, err, HookToolError, `cannot read the answer of secret-add: "oops" is not the id of a secret`)
	secret, err := m.Secret("abc", "")
	require.NoError(t, err)
	requireUsage(t, secret.SetInfo(SecretOptions{}), "nothing to set: give a label, a description, an expiry or a rotation")
	requireUsage(t, secret.Grant(relation(t, m, "db", 1), "--help"), `"--help" is not the name of a unit`)
}
