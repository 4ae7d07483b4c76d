package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/testdata/peers"
)

// members is a charm that uses every member of the Juju side of the API.
const members = "../testdata/charms/members"

// Secrets that the charm meets: its unit's, its application's, and one that it
// was granted.
const (
	unitsSecret = "secret:9m4e2mr0ui3e8a215n4g"
	pgsSecret   = "secret:9m4e2mr0ui3e8a215n50"
	appsSecret  = "secret:9m4e2mr0ui3e8a215n60"
)

// membersWorld is what the charm is deployed into: a machine model.
func membersWorld() *modeltest.State {
	expire, rotate := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	network := func(binding, address string) *modeltest.Network {
		return &modeltest.Network{Binding: binding, EgressSubnets: []string{address + "/32"}, IngressAddresses: []string{address},
			BindAddresses: []modeltest.BindAddress{{InterfaceName: "eth0", MACAddress: "00:16:3e:00:00:01", Addresses: []modeltest.Address{{Value: address, CIDR: "10.0.0.0/24"}}}}}
	}
	return &modeltest.State{
		Leader: true, JujuVersion: "3.5.1", Config: map[string]any{"token": pgsSecret},
		Model: modeltest.Model{Name: "lab", UUID: "f47ac10b-58cc-4372-a567-0e02b2c3d479", Type: "lxd", CloudSpec: &modeltest.CloudSpec{
			Type: "openstack", Name: "stack", Region: "north", Endpoint: "https://stack", IdentityEndpoint: "https://id", StorageEndpoint: "https://store",
			CACertificates: []string{"PEM"}, SkipTLSVerify: true, IsControllerCloud: true,
			Credential: &modeltest.CloudCredential{AuthType: "userpass", Attributes: map[string]string{"username": "ann", "password": "hunter22"}, Redacted: []string{"token"}},
		}},
		Relations: []*modeltest.Relation{
			{ID: 1, Endpoint: "db", RemoteApp: "pg", RemoteAppData: map[string]string{"version": "16"},
				RemoteUnitsData: map[int]map[string]string{0: {"host": "h0", "port": "5432"}, 1: {"host": "h1"}}},
			{ID: 2, Endpoint: "site", RemoteApp: "proxy", RemoteUnitsData: map[int]map[string]string{0: {}}},
			{ID: 3, Endpoint: "site", RemoteApp: "cache"},
			{ID: 4, Endpoint: "cluster", PeersData: map[int]map[string]string{1: {"peer": "yes"}}},
		},
		Secrets: []*modeltest.Secret{
			{ID: unitsSecret, Owner: "unit", Label: "own", Description: "Ours.", Rotate: "daily", NextRotate: &rotate, Expire: &expire,
				TrackedContent: map[string]string{"older": "own-one"}, TrackedRevision: 1, LatestContent: map[string]string{"newer": "own-two"}, LatestRevision: 2},
			{ID: pgsSecret, LatestContent: map[string]string{"password": "granted-one"}, LatestRevision: 1},
			{ID: "secret:9m4e2mr0ui3e8a215n5g", Denied: true, LatestContent: map[string]string{"key": "of-somebody"}, LatestRevision: 1},
			{ID: appsSecret, Owner: "app", Label: "apps", LatestContent: map[string]string{"older": "apps-one"}, LatestRevision: 1},
		},
		Storages:  []*modeltest.Storage{{Name: "data", Index: 0, Location: "/data/0"}, {Name: "cache", Index: 1, Location: "/cache"}},
		Resources: []*modeltest.Resource{{Name: "seed", Path: "/var/lib/juju/resources/seed.txt"}},
		Networks:  []*modeltest.Network{network("db", "10.0.0.7"), network("admin", "10.0.0.8"), network("juju-info", "10.0.0.9"), network("site", "10.0.0.7"), network("cluster", "10.0.0.7")},
	}
}

// live takes the charm through all of its parts in a place, and returns what
// happened.
func liveMembers(p place) string {
	var c chronicle
	run := func(e modeltest.Event) { c.note(title(e), p.run(e)) }
	part := func(words string) {
		p.change(func(s *modeltest.State) { s.Config["parts"] = words })
		c.note(words, p.run(modeltest.Event{Name: "update-status"}))
	}
	leads := func(leader bool) { p.change(func(s *modeltest.State) { s.Leader = leader }) }
	number := func(n int) *int { return &n }
	of := func(name string, relation int, unit *int) modeltest.Event {
		return modeltest.Event{Name: name, RelationID: number(relation), RemoteUnit: unit}
	}

	part("model")
	part("unit application")
	part("relation")
	part("access")
	part("schema")
	part("gone")
	part("economy")
	part("secret")
	part("secret-change")
	part("secret-later")
	part("storage")
	part("binding")
	part("port")
	part("cloud")
	part("hooktool")
	part("hooktool-lasting")
	part("hooktool-secrets")
	part("hooktool-old")
	for _, late := range []string{"late-port", "late-storage", "late-secret-set", "late-secret-remove", "late-label"} {
		part(late)
	}
	part("reboot")

	run(of("db-relation-changed", 1, number(0)))
	run(of("db-relation-changed", 1, nil))
	run(of("cluster-relation-changed", 4, number(1)))
	run(modeltest.Event{Name: "data-storage-attached", StorageIndex: number(0)})
	run(modeltest.Event{Name: "data-storage-detaching", StorageIndex: number(0)})
	p.change(func(s *modeltest.State) {
		s.Secrets[1].TrackedContent, s.Secrets[1].TrackedRevision = s.Secrets[1].LatestContent, 1
		s.Secrets[1].LatestContent, s.Secrets[1].LatestRevision = map[string]string{"rotated": "granted-two"}, 2
	})
	run(modeltest.Event{Name: "secret-changed", SecretID: pgsSecret})
	run(modeltest.Event{Name: "secret-rotate", SecretID: unitsSecret})
	run(modeltest.Event{Name: "secret-expired", SecretID: unitsSecret, SecretRevision: 3})
	run(modeltest.Event{Name: "secret-remove", SecretID: unitsSecret, SecretRevision: 2})
	run(modeltest.Event{Name: "act", Action: true, Params: map[string]any{"text": "hi", "count": 3, "deep": map[string]any{"list": []any{"x"}}}})
	run(modeltest.Event{Name: "act-raw", Action: true, Params: map[string]any{"text": "hi"}})
	run(modeltest.Event{Name: "act-unfit", Action: true, Params: map[string]any{"count": 0}})
	run(modeltest.Event{Name: "collect-metrics"})

	leads(false)
	part("application")
	part("access")
	part("gone")
	part("secret")
	part("secret-later")
	part("hooktool hooktool-lasting")
	part("hooktool-secrets")
	part("hooktool-old")
	p.change(func(s *modeltest.State) { s.Model.CloudSpec = nil })
	part("cloud")
	for _, unit := range []int{0, 1} {
		run(of("db-relation-departed", 1, number(unit)))
		p.change(func(s *modeltest.State) { delete(s.Relations[0].RemoteUnitsData, unit) })
	}
	run(of("db-relation-broken", 1, nil))
	p.change(func(s *modeltest.State) {
		s.Relations = s.Relations[1:]
		for _, secret := range s.Secrets {
			delete(secret.RemoteGrants, 1)
		}
	})
	part("gone")
	return c.String()
}

// liveInPods takes the charm through what is otherwise on Kubernetes.
func liveInPods(p place) string {
	var c chronicle
	part := func(words string) {
		p.change(func(s *modeltest.State) { s.Config["parts"] = words })
		c.note(words, p.run(modeltest.Event{Name: "update-status"}))
	}
	part("cloud")
	part("port")
	part("pod")
	part("hooktool-specs")
	part("hooktool-raw-spec")
	part("reboot")
	p.change(func(s *modeltest.State) { s.Leader = false })
	part("pod hooktool-specs")
	part("hooktool-raw-spec")
	return c.String()
}

// TestMembers runs the charm under genuine unit agents, which it reaches by RPC
// and by exec, and on the simulated Juju: after each hook the worlds are
// alike, and the charm was told the same.
func TestMembers(t *testing.T) {
	pods := membersWorld()
	pods.Model.Type, pods.Model.CloudSpec = "kubernetes", nil
	for name, c := range map[string]struct {
		world *modeltest.State
		live  func(place) string
	}{"life.txt": {membersWorld(), liveMembers}, "pods.txt": {pods, liveInPods}} {
		t.Run(name, func(t *testing.T) {
			charm, err := host.Load(os.DirFS(members))
			require.NoError(t, err)
			path := filepath.Join(members, name)
			simulated := c.live(&simulatedPlace{simulatedUnit: &simulatedUnit{t: t, charm: charm, state: &simulate.State{Juju: *c.world.Clone()}}})
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(simulated), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			t.Run("simulated", func(t *testing.T) { sameLives(t, string(want), simulated) })
			bothWays(t, func(t *testing.T, tools string) {
				p := &genuinePlace{JujuAgent: peers.Juju(t), t: t, told: c.world.Clone(), meta: charm.Metadata}
				p.Env = map[string]string{"STARCHARM_HOOK_TOOLS": tools}
				p.begin(packed(t, members))
				sameLives(t, string(want), c.live(p))
			})
		})
	}
}

// sameLives compares transcripts hook by hook.
func sameLives(t *testing.T, want, got string) {
	t.Helper()
	wants, gots := strings.Split(want, "\n\n== "), strings.Split(got, "\n\n== ")
	require.Len(t, gots, len(wants))
	for i := range wants {
		assert.Equal(t, wants[i], gots[i])
	}
}
