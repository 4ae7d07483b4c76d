package simulate_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

var update = flag.Bool("update", false, "write testdata/snapshot.yaml")

// snapshotOf takes the snapshot of a unit that a state file describes.
func snapshotOf(t *testing.T, text string, secrets bool) string {
	t.Helper()
	meta, err := model.LoadMetadata(os.DirFS("../charmtest/testdata/charm"))
	require.NoError(t, err)
	state, err := simulate.ParseState([]byte(text))
	require.NoError(t, err)
	juju, err := modeltest.New(meta, &state.Juju)
	require.NoError(t, err)
	event := modeltest.Event{Name: "update-status"}
	env, err := juju.Env(event)
	require.NoError(t, err)
	hook, err := model.ParseContext(env)
	require.NoError(t, err)
	running, err := juju.Begin(event)
	require.NoError(t, err)
	container := &pebbletest.State{Name: "app", CanConnect: new(bool)}
	if len(state.Containers) > 0 {
		container = state.Containers[0]
	}
	server := pebbletest.New(pebbletest.Config{State: container, Now: machinetest.Epoch})
	s, err := simulate.TakeSnapshot(t.Context(), simulate.SnapshotOptions{
		Context: hook, Metadata: meta, Tools: running, Now: machinetest.Epoch, Secrets: secrets,
		Pebble: func(path string) *pebble.Client {
			assert.Equal(t, "/charm/containers/app/pebble.socket", path)
			return pebble.New(pebble.Config{Transport: server.Transport()})
		},
		Document: []byte(`{"version":1,"stored":{"charm":{"seen":["a"],"password":"hunter-22"}},"deferred":[{"event":"start","data":{},"handler":"src/charm.star:on_start"}]}`),
	})
	require.NoError(t, err)
	assert.Empty(t, s.Missing)
	out, err := s.YAML()
	require.NoError(t, err)
	return string(out)
}

const lived = `
leader: true
config: {port: 81}
relations:
  - {id: 0, endpoint: db, remote_app: pg, remote_app_data: {host: h, password: "is hunter-22!"}, remote_units_data: {0: {}, 3: {a: b}}, local_app_data: {x: "1"}, local_unit_data: {}}
  - {id: 4, endpoint: cluster, peers_data: {1: {p: q}}}
secrets:
  - {id: "secret:9m4e2mr0ui3e8a215n4g", owner: app, label: own, rotate: daily, tracked_content: {password: hunter-22, user: same-user}, latest_content: {password: hunter-23, user: same-user}}
storages: [{name: data, index: 2, location: /mnt/data}]
opened_ports: [{protocol: tcp, port: 80}, {protocol: udp, port: 1, to_port: 9}]
unit_status: {name: blocked, message: no hunter-22}
app_status: {name: active}
planned_units: 0
networks: [{binding: db, bind_addresses: [{interface_name: eth0, mac_address: "aa:bb:cc:dd:ee:ff", addresses: [{value: 10.0.0.1, cidr: 10.0.0.0/8}]}], ingress_addresses: [10.0.0.2], egress_subnets: [10.0.0.0/24]}]
juju_version: 3.6.11
unit_id: 2
stored: {k: v}
containers:
  - name: app
    layers: {a: {services: {web: {override: replace, command: web}, idle: {override: replace, command: idle}}, checks: {up: {override: replace, level: alive, exec: {command: "true"}}}}}
    service_statuses: {web: active}
    check_infos: [{name: up, status: down, failures: 3}]
    notices: [{key: example.com/a, id: "7", last_data: {k: v}}]
`

// TestSnapshot: a snapshot has what the unit had, but for the values of
// secrets, and a unit that has the snapshot has the same one.
func TestSnapshot(t *testing.T) {
	got := snapshotOf(t, lived, false)
	if *update {
		require.NoError(t, os.WriteFile("testdata/snapshot.yaml", []byte(got), 0o644))
	}
	want, err := os.ReadFile("testdata/snapshot.yaml")
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
	assert.NotContains(t, got, "hunter")
	_, err = simulate.ParseState([]byte(got))
	require.NoError(t, err)

	told := snapshotOf(t, lived, true)
	assert.Equal(t, told, snapshotOf(t, told, true))
	state, err := simulate.ParseState([]byte(told))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"password": "hunter-22", "user": "same-user"}, state.Juju.Secrets[0].TrackedContent)
	assert.Equal(t, map[string]string{"password": "hunter-23", "user": "same-user"}, state.Juju.Secrets[0].LatestContent)
	assert.Equal(t, "is hunter-22!", state.Juju.Relations[1].RemoteAppData["password"])
}
