package model

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

func TestKindsAreATree(t *testing.T) {
	seen := map[Kind]bool{"": true}
	for _, kind := range Kinds() {
		assert.True(t, seen[kind.Parent()], "%s comes before its parent", kind)
		seen[kind] = true
	}
	assert.Equal(t, RelationDataError, RelationDataAccessError.Parent())
	assert.Equal(t, Kind(""), ModelError.Parent())
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		tool, stderr string
		want         Kind
	}{
		{"relation-get", `invalid value "db:7" for option -r: relation not found`, RelationNotFoundError},
		{"network-get", "relation not found", RelationNotFoundError},
		{"secret-grant", `invalid value "3" for option --relation: relation not found`, RelationNotFoundError},
		{"secret-get", `secret "x" not found`, SecretNotFoundError},
		{"secret-get", "permission denied", SecretNotFoundError},
		{"secret-set", "permission denied", ModelError},
		{"secret-add", "this unit is not the leader", NotLeaderError},
		{"status-set", "relation not found", ModelError},
		{"secret-get", "flag provided but not defined: --peek", VersionError},
		{"config-get", "", ModelError},
	} {
		m, _ := newModel(t, nil, map[string]any{test.tool: failed(test.stderr), "is-leader": follower})
		_, err := m.run(test.tool, nil)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, test.want, e.Kind, test.stderr)
		assert.Equal(t, 1, e.Code)
		assert.Equal(t, "ERROR "+test.stderr+"\n", e.Stderr)
	}
	m, _ := newModel(t, nil, map[string]any{"opened-ports": failed("boom")})
	_, err := m.OpenedPorts()
	requireKind(t, err, ModelError, "cannot run opened-ports: boom")
}

func TestDeniedCallsAreSecurityEvents(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"opened-ports": failed("permission denied"), "is-leader": leader})
	_, err := m.OpenedPorts()
	requireKind(t, err, ModelError, "cannot run opened-ports: permission denied")
	assert.Equal(t, []string{
		"opened-ports --format=json",
		"is-leader --format=json",
		`juju-log --log-level TRACE -- {"datetime":"2026-01-02T03:04:05Z","level":"CRITICAL","type":"security","appid":"uuid-1-web/0",` +
			`"event":"authz_fail:opened-ports","description":"Hook command opened-ports failed (as leader) with code 1: permission denied"}`,
	}, s.take())

	m, s = newModel(t, nil, map[string]any{"opened-ports": failed("permission denied"),
		"is-leader": failed("permission denied"), "juju-log": failed("permission denied")})
	_, err = m.OpenedPorts()
	requireKind(t, err, ModelError, "cannot run opened-ports: permission denied")
	assert.Len(t, s.take(), 3, "a denied report is not reported")
}

func TestCallsWithoutResult(t *testing.T) {
	for _, reason := range []hooktool.Reason{hooktool.Missing, hooktool.Timeout, hooktool.Lost, hooktool.Garbage, hooktool.Refused} {
		cause := &hooktool.Error{Tool: "config-get", Reason: reason, Err: errors.New("why")}
		m, _ := newModel(t, nil, map[string]any{"config-get": cause})
		_, err := m.Config()
		requireKind(t, err, HookToolError, cause.Error())
		assert.ErrorIs(t, err, cause)
	}
	canceled := &hooktool.Error{Tool: "config-get", Reason: hooktool.Canceled, Err: context.Canceled}
	m, _ := newModel(t, nil, map[string]any{"config-get": canceled})
	_, err := m.Config()
	var e *Error
	assert.False(t, errors.As(err, &e), "nothing can catch the end of the hook")
	assert.ErrorIs(t, err, context.Canceled)
}

func TestAnswersWithoutSense(t *testing.T) {
	calls := map[string]func(m *Model) error{
		"is-leader":     func(m *Model) error { _, err := m.IsLeader(); return err },
		"config-get":    func(m *Model) error { _, err := m.Config(); return err },
		"status-get":    func(m *Model) error { _, err := m.UnitStatus(); return err },
		"goal-state":    func(m *Model) error { _, err := m.PlannedUnits(); return err },
		"relation-ids":  func(m *Model) error { _, err := m.Relations("db"); return err },
		"opened-ports":  func(m *Model) error { _, err := m.OpenedPorts(); return err },
		"resource-get":  func(m *Model) error { _, err := m.ResourcePath("blob"); return err },
		"storage-list":  func(m *Model) error { _, err := m.Storages("data"); return err },
		"storage-get":   func(m *Model) error { _, err := m.StorageLocation("data", 0); return err },
		"state-get":     func(m *Model) error { _, _, err := m.StateGet("a"); return err },
		"relation-list": func(m *Model) error { r, _ := m.RelationByID("db", 1); _, err := r.Units(); return err },
		"relation-get": func(m *Model) error {
			r, _ := m.RelationByID("db", 1)
			b, _ := r.Databag("web/0")
			_, err := b.Len()
			return err
		},
		"relation-model-get": func(m *Model) error { r, _ := m.RelationByID("db", 1); _, err := r.RemoteModelUUID(); return err },
		"secret-get":         func(m *Model) error { s, _ := m.Secret("x", ""); _, err := s.Peek(); return err },
		"secret-info-get":    func(m *Model) error { s, _ := m.Secret("x", ""); _, err := s.Info(); return err },
	}
	for tool, call := range calls {
		for _, answer := range []string{"{", `[1]`, `"x" "y"`, "[[[", `{"a": {"b": 1}, "c": 2}`, "\x00", `12`} {
			m, _ := newModel(t, nil, map[string]any{tool: answer})
			err := call(m)
			var e *Error
			if tool == "config-get" && errors.As(err, &e) == false {
				continue // of options that the metadata does not know any value will do
			}
			require.ErrorAs(t, err, &e, "%s: %s", tool, answer)
			assert.Equal(t, HookToolError, e.Kind)
			assert.Regexp(t, "^cannot read (.* from )?the answer of "+tool+": ", e.Message)
		}
	}
}

func TestArgumentsThatLinuxRefuses(t *testing.T) {
	m, s := newModel(t, nil, nil)
	requireKind(t, m.SetWorkloadVersion("a\x00b"), ModelError, `cannot run application-version-set: an argument has a zero byte: "a\x00b"`)
	err := m.SetWorkloadVersion(string(make([]byte, maxArgument+1)))
	assert.ErrorContains(t, err, "an argument has 131072 bytes")
	assert.Empty(t, s.take())
}

func FuzzAnswers(f *testing.F) {
	f.Add("true")
	f.Add(`{"status":"active","message":"m","units":{"web/0":{"status":"dying"}},"location":"/x","uuid":"u"}`)
	f.Add(`["db:1","db:2","80/tcp","80-90/udp","icmp","data/0","pg/1"]`)
	f.Add(`{"port":80,"ratio":1,"key":"secret:x","tls":true}`)
	f.Add(`{"x":{"revision":1,"label":"l","rotates":"2026-01-02T03:04:05Z"}}`)
	f.Add(`"pg"`)
	f.Fuzz(func(t *testing.T, answer string) {
		tools := map[string]any{}
		for _, tool := range []string{"is-leader", "config-get", "status-get", "goal-state", "relation-ids", "relation-list", "relation-get",
			"relation-model-get", "opened-ports", "resource-get", "storage-list", "storage-get", "state-get", "secret-get", "secret-info-get", "action-get",
			"network-get", "credential-get", "secret-ids"} {
			tools[tool] = answer
		}
		m, _ := newModel(t, map[string]string{"JUJU_DISPATCH_PATH": "actions/ping", "JUJU_ACTION_UUID": "1"}, tools)
		check := func(err error) {
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("not a failure: %v", err)
			}
		}
		_, err := m.IsLeader()
		check(err)
		_, err = m.Config()
		check(err)
		_, err = m.UnitStatus()
		check(err)
		_, err = m.PlannedUnits()
		check(err)
		_, err = m.Relations("db")
		check(err)
		r, err := m.RelationByID("db", 1)
		check(err)
		_, err = r.Entities()
		check(err)
		_, err = r.RemoteModelUUID()
		check(err)
		b, err := r.Databag("web/0")
		check(err)
		_, err = b.Items()
		check(err)
		_, err = m.OpenedPorts()
		check(err)
		_, err = m.ResourcePath("blob")
		check(err)
		_, err = m.Storages("data")
		check(err)
		_, err = m.StorageLocation("data", 0)
		check(err)
		_, _, err = m.StateGet("x")
		check(err)
		_, err = m.ActionParams()
		check(err)
		s, err := m.Secret("x", "")
		check(err)
		_, err = s.Content(false)
		check(err)
		_, err = s.Info()
		check(err)
		_, err = m.Network("db")
		check(err)
		_, err = m.CloudSpec()
		check(err)
		_, err = m.SecretIDs()
		check(err)
		m.Mask(answer)
	})
}
