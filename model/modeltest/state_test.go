package modeltest_test

import (
	"maps"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/model/modeltest"
)

func TestDecode(t *testing.T) {
	state := &modeltest.State{}
	err := modeltest.Decode([]byte(`
leader: true
config: {port: 1, ratio: 0.5, name: x}
relations:
  - id: 4
    endpoint: db
    remote_app: pg
    remote_units_data: {0: {a: b}, 12: {}}
model: {name: m, type: lxd, cloud_spec: {type: lxd, credential: {auth_type: x}}}
unit_status: {name: active, message: ok}
planned_units: 3
secrets:
  - {id: "secret:9m4e2mr0ui3e8a215n50", owner: app, tracked_content: {key: v}, expire: 2030-01-01T00:00:00Z, remote_grants: {4: [pg]}}
opened_ports: [{port: 80}]
`), state)
	require.NoError(t, err)
	assert.True(t, state.Leader)
	assert.Equal(t, map[int]map[string]string{0: {"a": "b"}, 12: {}}, state.Relations[0].RemoteUnitsData)
	assert.Equal(t, 3, *state.PlannedUnits)
	assert.Equal(t, "x", state.Model.CloudSpec.Credential.AuthType)
	_, err = modeltest.New(loadMeta(t, charmFiles), state)
	require.NoError(t, err)

	empty := &modeltest.State{}
	require.NoError(t, modeltest.Decode(nil, empty))
	assert.Equal(t, &modeltest.State{}, empty)
}

func TestDecodeSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"leadr: true", `line 1: there is no key "leadr" here; did you mean "leader"?`},
		{"leader: true\nrelations:\n- id: 1\n  remote_unit_data: {}", `line 4: there is no key "remote_unit_data" here; did you mean "remote_units_data"?`},
		{"relations:\n- {endpoint: db, remote_app_name: pg}", `line 2: there is no key "remote_app_name" here; did you mean "remote_app"?`},
		{"model: {cloud_spec: {zzz: 1}}", `line 1: there is no key "zzz" here; there are type, name, region, endpoint`},
		{"a: 1\nb: 2", `line 1: there is no key "a" here; line 2: there is no key "b" here`},
		{"leader: 5", `line 1: got "5", want true or false`},
		{"- x", "line 1: got a list, want a map"},
		{"leader: true\nleader: false", "already defined"},
		{"a: [", "did not find expected node content"},
	} {
		require.ErrorContains(t, modeltest.Decode([]byte(c.text), &modeltest.State{}), c.want)
	}
}

func TestNewSaysAllThatDoesNotFitTheCharm(t *testing.T) {
	state := world()
	state.Config = map[string]any{"prt": 1, "port": "x", "ratio": true, "token": "no uri"}
	state.Relations = append(state.Relations,
		&modeltest.Relation{ID: 1, Endpoint: "dbb"},
		&modeltest.Relation{ID: 20, Endpoint: "db", Interface: "mysql", PeersData: map[int]map[string]string{}},
		&modeltest.Relation{ID: 21, Endpoint: "cluster", PeersData: map[int]map[string]string{0: {}}, RemoteAppData: map[string]string{}},
	)
	state.Secrets = append(state.Secrets, &modeltest.Secret{ID: "secret:x", Owner: "me", Denied: true}, &modeltest.Secret{ID: own, Owner: "app", LatestContent: map[string]string{"k": "v"}, RemoteGrants: map[int][]string{77: {"x"}}})
	state.Storages = append(state.Storages, &modeltest.Storage{Name: "dta"}, &modeltest.Storage{Name: "data", Index: 0})
	state.Resources = []*modeltest.Resource{{Name: "ap"}}
	state.Networks = append(state.Networks, &modeltest.Network{Binding: "admn"})
	state.OpenedPorts = []modeltest.Port{{Port: 70000}, {Protocol: "sctp", Port: 1}}
	state.UnitStatus.Name = "activ"
	_, err := modeltest.New(loadMeta(t, charmFiles), state)
	require.Error(t, err)
	for _, want := range []string{
		`unknown option "prt" (did you mean "port"?)`,
		`option "port" is of type int, it cannot be "x"`,
		`option "ratio" is of type float, it cannot be true`,
		`option "token" is of type secret`,
		`two relations have the id 1`,
		`unknown endpoint "dbb" (did you mean "db"?)`,
		`endpoint "db" has the interface "pgsql", not "mysql"`,
		`relation 20 is no peer relation`,
		`relation 21 is a peer relation`,
		`peers_data holds this unit, web-app/0`,
		`"secret:x" is not a secret's id`,
		`the owner is unit, app or nothing, not "me"`,
		`secret secret:x has no content`,
		`secret secret:x is denied, and`,
		`two secrets have the id ` + own,
		`granted to relation 77, which does not exist`,
		`unknown storage "dta" (did you mean "data"?)`,
		`there are two storages data/0`,
		`unknown resource "ap" (did you mean "app"?)`,
		`unknown binding "admn" (did you mean "admin"?)`,
		`port range bounds must be between 0 and 65535`,
		`invalid protocol "sctp"`,
		`unknown status "activ" (did you mean "active"?)`,
	} {
		assert.ErrorContains(t, err, want)
	}
	_, err = modeltest.New(loadMeta(t, charmFiles), &modeltest.State{JujuVersion: "new"})
	require.ErrorContains(t, err, `cannot use juju_version: "new" is not a Juju version`)
}

// TestCloneSharesNothing changes everything in a copy, by way of YAML.
func TestCloneSharesNothing(t *testing.T) {
	state := world()
	state.Stored = map[string]string{"a": "b"}
	state.StorageRequests = map[string]int{"data": 1}
	state.Config = map[string]any{"name": "x"}
	state.PlannedUnits = number(3)
	state.Model.CloudSpec = &modeltest.CloudSpec{CACertificates: []string{"x"}, Credential: &modeltest.CloudCredential{Attributes: map[string]string{"a": "b"}, Redacted: []string{"r"}}}
	state.Secrets[0].RemovedRevisions = []int{1}
	state.Resources = []*modeltest.Resource{{Name: "app"}}
	state.OpenedPorts = []modeltest.Port{{Port: 1}}
	before, err := yaml.Marshal(state)
	require.NoError(t, err)
	clone := state.Clone()
	assert.Equal(t, state, clone)
	spoil(reflect.ValueOf(clone).Elem())
	after, err := yaml.Marshal(state)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
}

// spoil changes every string, number and map below v.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && v.Type().String() != "*time.Time" {
			spoil(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			spoil(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if value := v.MapIndex(key); value.Kind() == reflect.Map || value.Kind() == reflect.Slice {
				spoil(value)
			}
			v.SetMapIndex(key, reflect.Zero(v.Type().Elem()))
		}
	case reflect.String:
		v.SetString("spoilt")
	case reflect.Int:
		v.SetInt(99)
	}
}

func TestDefaults(t *testing.T) {
	k8s := maps.Clone(charmFiles)
	k8s["metadata.yaml"] += "containers:\n  web: {}\n"
	juju, err := modeltest.New(loadMeta(t, k8s), &modeltest.State{
		Relations: []*modeltest.Relation{{ID: 1, Endpoint: "db"}, {ID: 0, Endpoint: "cluster"}},
		Storages:  []*modeltest.Storage{{Name: "data"}, {Name: "cache", Index: 2}},
		Secrets:   []*modeltest.Secret{{ID: own, TrackedContent: map[string]string{"key": "v"}}, {ID: theirs, TrackedContent: map[string]string{"key": "v"}, LatestContent: map[string]string{"key": "w"}}},
	})
	require.NoError(t, err)
	s := juju.State()
	assert.Equal(t, "web-app", s.AppName)
	assert.Equal(t, "3.6.11", s.JujuVersion)
	assert.True(t, s.Model.Kubernetes())
	assert.Equal(t, modeltest.Status{Name: "unknown"}, s.UnitStatus)
	assert.Equal(t, "web-app", s.Relations[0].RemoteApp)
	assert.Equal(t, "remote", s.Relations[1].RemoteApp)
	assert.Equal(t, "pgsql", s.Relations[1].Interface)
	assert.Equal(t, map[string]string{"egress-subnets": "192.0.2.0/32", "ingress-address": "192.0.2.0", "private-address": "192.0.2.0"}, s.Relations[1].LocalUnitData)
	assert.Equal(t, "/srv", s.Storages[0].Location)
	assert.Equal(t, "/var/lib/juju/storage/cache/2", s.Storages[1].Location)
	assert.Equal(t, 1, s.Secrets[0].LatestRevision)
	assert.Equal(t, 2, s.Secrets[1].LatestRevision)
}
