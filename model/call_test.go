package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

func TestCall(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{
		"is-leader": leader, "status-get": `{"status": "active", "message": ""}`, "state-get": `{"k": "1"}`,
		"relation-get": `{"a": "1"}`, "opened-ports": `["80/tcp"]`, "goal-state": failed("no goal"),
	})
	result, err := m.Call(hooktool.Call{Name: "is-leader"})
	require.NoError(t, err)
	assert.Equal(t, leader, string(result.Stdout))
	result, err = m.Call(hooktool.Call{Name: "goal-state"})
	requireKind(t, err, ModelError, "cannot run goal-state: no goal")
	assert.Equal(t, "ERROR no goal\n", string(result.Stderr), "what a tool wrote is there when it fails, too")

	bag := databag(t, relation(t, m, "db", 1), "web/0")
	use := func() {
		t.Helper()
		_, err := m.UnitStatus()
		require.NoError(t, err)
		_, _, err = m.StateGet("k")
		require.NoError(t, err)
		_, err = bag.Items()
		require.NoError(t, err)
		_, err = m.OpenedPorts()
		require.NoError(t, err)
	}
	use()
	require.NoError(t, m.OpenPort(Port{Protocol: "tcp", From: 443, To: 443}))
	for _, c := range []struct{ tool, asked string }{
		{"network-get", ""},
		{"status-set", "status-get --include-data --format=json --application=false"},
		{"state-set", "state-get --format=json"},
		{"state-delete", "state-get --format=json"},
		{"relation-set", "relation-get --format=json -r db:1 - web/0"},
		{"open-port", "opened-ports --format=json"},
		{"close-port", "opened-ports --format=json"},
	} {
		s.take()
		_, err = m.Call(hooktool.Call{Name: c.tool, Args: []string{"--x", "8080"}})
		require.NoError(t, err)
		use()
		calls := []string{c.tool + " --x 8080"}
		if c.asked != "" {
			calls = append(calls, c.asked)
		}
		assert.Equal(t, calls, s.take(), "what %s may have changed is asked again, and nothing else", c.tool)
		ports, err := m.OpenedPorts()
		require.NoError(t, err)
		want := []Port{{"tcp", 80, 80}, {"tcp", 443, 443}}
		if c.tool == "open-port" {
			want = append(want, Port{"tcp", 8080, 8080})
		}
		assert.Equal(t, want, ports, "what the hook opened is open after %s", c.tool)
	}

	s.answers["open-port"] = failed("conflicts with port ranges")
	_, err = m.Call(hooktool.Call{Name: "open-port", Args: []string{"9090"}})
	require.Error(t, err)
	_, err = m.Call(hooktool.Call{Name: "close-port", Args: []string{"--endpoints", "db", "443"}})
	require.NoError(t, err)
	ports, err := m.OpenedPorts()
	require.NoError(t, err)
	assert.Equal(t, []Port{{"tcp", 80, 80}}, ports, "what Juju refused to open is not open, and what was closed is not")

	s.answers["relation-get"] = failed("lost")
	_, err = m.Call(hooktool.Call{Name: "relation-set"})
	require.NoError(t, err)
	keys, err := bag.Keys()
	require.Error(t, err)
	assert.Equal(t, []string{"a"}, keys, "what was known stays known")
}
