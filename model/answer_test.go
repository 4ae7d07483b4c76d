package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

// sameAnswer is a Juju in which every hook tool prints the same.
type sameAnswer []byte

func (a sameAnswer) Run(context.Context, hooktool.Call) (hooktool.Result, error) {
	return hooktool.Result{Stdout: a}, nil
}

// fuzzAnswer gives a reader whatever a tool may answer. It must not crash; what
// it cannot read is a failure of its kind, in few words; and what it reads is
// not much larger than the answer.
func fuzzAnswer[T any](f *testing.F, tool string, read func(m *Model) (T, error), seeds ...string) {
	metadata, err := LoadMetadata(files("metadata.yaml", fullMetadata, "config.yaml", fullConfig, "actions.yaml", fullActions))
	require.NoError(f, err)
	hook, err := ParseContext(map[string]string{
		"JUJU_UNIT_NAME": "web/0", "JUJU_MODEL_UUID": "uuid-1", "JUJU_VERSION": "3.6.11", "JUJU_DISPATCH_PATH": "actions/ping", "JUJU_ACTION_UUID": "1",
	})
	require.NoError(f, err)
	for _, seed := range append(seeds, "", "null", "{}", "[]", `""`, "true", "1e999", "123456789012345678901", `{"a":{"a":{"a":[[[null]]]}}}`, `["", "\u0000", "a\nb"]`, "{} {}", "ERROR x", "\xff") {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		value, err := read(New(t.Context(), Config{Context: hook, Metadata: metadata, Tools: sameAnswer(answer)}))
		var e *Error
		switch {
		case err == nil:
			assert.LessOrEqual(t, len(fmt.Sprint(value)), 64*len(answer)+4096)
		case !errors.As(err, &e):
			t.Errorf("not a failure: %v", err)
		default:
			assert.Equal(t, HookToolError, e.Kind, e.Message)
			assert.Equal(t, tool, e.Tool)
			assert.LessOrEqual(t, len(e.Message), 8<<10)
		}
	})
}

func FuzzIsLeader(f *testing.F) { fuzzAnswer(f, "is-leader", (*Model).IsLeader, "false") }

func FuzzConfigGet(f *testing.F) {
	fuzzAnswer(f, "config-get", (*Model).Config, `{"port":80,"ratio":1,"key":"secret:x","tls":true}`, `{"port":"80"}`, `{"port":1.5}`)
}

func FuzzStatusGet(f *testing.F) {
	fuzzAnswer(f, "status-get", (*Model).UnitStatus, `{"status":"active","message":"m","status-data":{}}`, `{"status":"nope"}`)
}

func FuzzAppStatusGet(f *testing.F) {
	fuzzAnswer(f, "status-get", func(m *Model) (Status, error) {
		leads := true
		m.leader = &leads
		return m.AppStatus()
	}, `{"application-status":{"status":"active","message":"m","units":{"web/0":{"status":"idle"}}}}`)
}

func FuzzGoalState(f *testing.F) {
	fuzzAnswer(f, "goal-state", (*Model).GoalState,
		`{"units":{"web/0":{"status":"dying","since":"2024-01-01 00:00:00Z"}},"relations":{"db":{"pg":{"status":"joined","since":"2024-01-01T00:00:00Z"}}}}`)
}

func FuzzPlannedUnits(f *testing.F) {
	fuzzAnswer(f, "goal-state", (*Model).PlannedUnits, `{"units":{"web/0":{"status":"dying"},"web/1":{}}}`)
}

func FuzzNetworkGet(f *testing.F) {
	fuzzAnswer(f, "network-get", func(m *Model) (*Network, error) { return m.Network("db") },
		`{"bind-addresses":[{"mac-address":"m","interface-name":"e","addresses":[{"hostname":"","value":"10.0.0.1","cidr":"10.0.0.0/8"}]}],"egress-subnets":["10.0.0.1/8"],"ingress-addresses":["h"]}`,
		`{"bind-addresses":[{"addresses":null}]}`)
}

func FuzzStorageList(f *testing.F) {
	fuzzAnswer(f, "storage-list", func(m *Model) ([]Storage, error) { return m.Storages("data") }, `["data/0","data/10","data/9"]`, `["data/99999999999999999999"]`)
}

func FuzzStorageGet(f *testing.F) {
	fuzzAnswer(f, "storage-get", func(m *Model) (string, error) { return m.StorageLocation("data", 0) }, `{"kind":"filesystem","location":"/srv"}`, `{"location":"relative"}`)
}

func FuzzOpenedPorts(f *testing.F) {
	fuzzAnswer(f, "opened-ports", func(m *Model) ([]Port, error) {
		ports, err := m.OpenedPorts()
		for _, p := range ports {
			if _, err := p.Check(); err != nil {
				return nil, err
			}
		}
		if !slices.IsSortedFunc(ports, comparePorts) {
			return nil, errors.New("not sorted")
		}
		return ports, err
	}, `["80/tcp","80-90/udp","icmp"]`, `["1-65535/tcp"]`, `["0/tcp"]`, `["80/tcp (db)"]`)
}

func FuzzActionGet(f *testing.F) {
	fuzzAnswer(f, "action-get", (*Model).ActionParams, `{"level":3,"opts":{"deep":[1,2.5,"x",null]}}`)
}

func FuzzCredentialGet(f *testing.F) {
	fuzzAnswer(f, "credential-get", (*Model).CloudSpec,
		`{"type":"lxd","name":"n","credential":{"auth-type":"certificate","attrs":{"client-cert":"c"},"redacted":["x"]},"cacertificates":["y"]}`)
}

func FuzzStateGet(f *testing.F) {
	fuzzAnswer(f, "state-get", func(m *Model) (map[string]string, error) {
		_, _, err := m.StateGet("x")
		return m.state, err
	}, `{"x":"1","y":"line\nnext"}`)
}

func FuzzResourceGet(f *testing.F) {
	fuzzAnswer(f, "resource-get", func(m *Model) (string, error) { return m.ResourcePath("blob") }, "/var/lib/x\n", "relative")
}

func FuzzRelationModelGet(f *testing.F) {
	fuzzAnswer(f, "relation-model-get", func(m *Model) (string, error) {
		r, err := m.RelationByID("db", 1)
		if err != nil {
			return "", err
		}
		return r.RemoteModelUUID()
	}, `{"uuid":"f47ac10b-58cc-4372-a567-0e02b2c3d479"}`)
}

// FuzzAsk reads any answer, as the raw hook tools do.
func FuzzAsk(f *testing.F) {
	fuzzAnswer(f, "unit-get", func(m *Model) (any, error) {
		var value any
		err := m.Ask(hooktool.Call{Name: "unit-get"}, &value)
		return value, err
	})
}
