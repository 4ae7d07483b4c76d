package model

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

func TestAsk(t *testing.T) {
	answers := map[string]any{"config-get": `{"n": 3, "f": 2.5, "big": 123456789012345678901}`, "relation-ids": `["db:1"]`, "state-get": "", "unit-get": "null", "goal-state": "{} x"}
	m, _ := newModel(t, nil, answers)
	var value any
	require.NoError(t, m.Ask(hooktool.Call{Name: "config-get"}, &value))
	large, _ := new(big.Int).SetString("123456789012345678901", 10)
	assert.Equal(t, map[string]any{"n": int64(3), "f": 2.5, "big": large}, value)
	var list []string
	require.NoError(t, m.Ask(hooktool.Call{Name: "relation-ids"}, &list))
	assert.Equal(t, []string{"db:1"}, list)
	word := "as it was"
	require.NoError(t, m.Ask(hooktool.Call{Name: "unit-get"}, &word))
	require.NoError(t, m.Ask(hooktool.Call{Name: "state-get"}, &word))
	assert.Equal(t, "as it was", word)
	requireKind(t, m.Ask(hooktool.Call{Name: "goal-state"}, &value), HookToolError, "cannot read the answer of goal-state: there is more after the JSON value")
	requireKind(t, m.Ask(hooktool.Call{Name: "relation-ids"}, &word), HookToolError, "cannot read the answer of relation-ids: a JSON array was not to be expected")
}

// TestCallsMask: what a call tells of secrets is masked from then on, in
// whatever form it was asked for, and what people read has no secrets in it.
func TestCallsMask(t *testing.T) {
	for _, c := range []struct{ tool, answer string }{
		{"secret-get", `{"password":"hunter22"}`},
		{"secret-get", "password: hunter22\n"},
		{"secret-get", "hunter22\n"},
		{"secret-get", `"hunter22"`},
		{"credential-get", `{"name": "cloud", "credential": {"auth-type": "userpass", "attrs": {"password": "hunter22"}}}`},
		{"credential-get", "name: cloud\ncredential:\n  authtype: userpass\n  attributes:\n    password: hunter22\n"},
	} {
		m, s := newModel(t, nil, map[string]any{c.tool: c.answer})
		_, err := m.Call(hooktool.Call{Name: c.tool})
		require.NoError(t, err)
		assert.Equal(t, "<secret> of userpass on cloud", m.Mask("hunter22 of userpass on cloud"), c.answer)
		for _, tool := range []string{"juju-log", "status-set", "action-log", "action-fail", "application-version-set"} {
			args := []string{"it is hunter22"}
			_, err = m.Call(hooktool.Call{Name: tool, Args: args})
			require.NoError(t, err)
			assert.Equal(t, []string{"it is hunter22"}, args)
			assert.Equal(t, tool+" it is <secret>", s.calls[len(s.calls)-1])
		}
	}
}

// TestCallsMaskOneValue: a value that came alone is masked as it is, whatever
// it would be in YAML.
func TestCallsMaskOneValue(t *testing.T) {
	for _, value := range []string{"@hunter22", "%hunter22", "*hunter22", "[hunter22", "user: hunter22", "hunter22 # 1", "# hunter22", "null", "'hunter22",
		"-----BEGIN KEY-----\nMIIBVgIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"} {
		m, _ := newModel(t, nil, map[string]any{"secret-get": value + "\n"})
		_, err := m.Call(hooktool.Call{Name: "secret-get", Args: []string{"secret:abc", "password"}})
		require.NoError(t, err)
		assert.Equal(t, "it is <secret>.", m.Mask("it is "+value+"."))
		if lines := strings.Split(value, "\n"); len(lines) > 1 {
			assert.Equal(t, "it has <secret>.", m.Mask("it has "+lines[1]+"."))
		}
	}
}

func TestCallsKeepSecretsOutOfArguments(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"secret-add": "secret:abc\n"})
	for _, args := range [][]string{{"key=v"}, {"--owner=unit", "key=v"}, {"--label", "x=y", "key=v"}, {"key#base64=dg=="}, {"secret:abc", "key="}, {"--", "key=v"}} {
		_, err := m.Call(hooktool.Call{Name: "secret-set", Args: args})
		var e *UsageError
		require.ErrorAs(t, err, &e, "%q", args)
		assert.Contains(t, e.Message, "which all processes can see")
	}
	assert.Empty(t, s.take())
	for _, args := range [][]string{{"key#file=/tmp/x"}, {"--label", "x=y", "key#file=/tmp/x"}, {"--label=a=b"}, {"secret:abc"}} {
		_, err := m.Call(hooktool.Call{Name: "secret-add", Args: args})
		require.NoError(t, err, "%q", args)
	}
}

func TestCallWithSettings(t *testing.T) {
	m, s := newModel(t, nil, nil)
	require.NoError(t, m.CallWithSettings(hooktool.Call{Name: "state-set", Args: []string{"-x"}}, map[string]string{"k": "\U0001f600\n"}))
	assert.Equal(t, []string{"{\"k\": \"\U0001f600\\n\"}\n"}, s.stdin)
	assert.Equal(t, []string{"state-set -x --file -"}, s.take())
	requireUsage(t, m.CallWithSettings(hooktool.Call{Name: "state-set"}, map[string]string{"": "v"}), `"" cannot be a key for state-set: it must be UTF-8 that is not empty`)
	requireUsage(t, m.CallWithSettings(hooktool.Call{Name: "state-set"}, map[string]string{"k": "\xff"}), `the value of "k" for state-set is not UTF-8: encode it, for instance with base64`)
	assert.Empty(t, s.take())
}

func TestCallWithSecret(t *testing.T) {
	m, s := newSecretOwner(t, map[string]any{"secret-set": ""})
	_, err := m.CallWithSecret(hooktool.Call{Name: "secret-set", Args: []string{"secret:abc"}}, map[string]string{"password": "hunter22"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"password": "hunter22"}, s.seen)
	assert.Equal(t, "<secret>", m.Mask("hunter22"))
	_, err = m.CallWithSecret(hooktool.Call{Name: "secret-set"}, map[string]string{"Bad": "x"})
	assert.ErrorContains(t, err, `"Bad" cannot be a key of a secret`)
	_, err = m.CallWithSecret(hooktool.Call{Name: "secret-set", Args: []string{"secret:abc", "--label=l"}}, nil)
	require.NoError(t, err)
}

// FuzzHideAnswer: no answer makes looking for secrets in it crash.
func FuzzHideAnswer(f *testing.F) {
	for _, text := range []string{`{"a":"b"}`, "a: &x b\nc: *x", "credential: {attrs: {a: b}}", "- [", "a: !!binary x", strings.Repeat("[", 1000)} {
		f.Add("secret-get", []byte(text))
		f.Add("credential-get", []byte(text))
	}
	f.Fuzz(func(t *testing.T, tool string, answer []byte) {
		New(t.Context(), Config{Context: &Context{}}).hideAnswer(tool, answer)
	})
}
