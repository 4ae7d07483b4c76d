package modeltest_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
)

// charmFiles is a machine charm with a bit of everything.
var charmFiles = map[string]string{
	"metadata.yaml": `
name: web-app
summary: s
description: d
requires:
  db: {interface: pgsql}
  logs: {interface: loki, limit: 2}
provides:
  website: {interface: http}
peers:
  cluster: {interface: peers}
extra-bindings:
  admin: null
storage:
  data: {type: filesystem, location: /srv}
  cache: {type: filesystem, multiple: {range: 0-}}
  disk: {type: block, multiple: {range: 0-}}
resources:
  app: {type: file, filename: app.tgz}
payloads:
  monitor: {type: docker}
  vm: {type: kvm}
`,
	"metrics.yaml": `
metrics:
  users: {type: gauge, description: d}
  bytes: {type: absolute, description: d}
`,
	"config.yaml": `
options:
  name: {type: string, default: hello}
  port: {type: int, default: 8080}
  ratio: {type: float, default: 0.5}
  debug: {type: boolean, default: false}
  unset: {type: string}
  token: {type: secret}
`,
	"actions.yaml": `
backup:
  description: d
  params:
    to: {type: string, default: s3}
    level: {type: integer}
    opts: {type: object, properties: {deep: {type: boolean, default: true}}}
  required: [level]
noop:
  description: d
`,
}

func loadMeta(t testing.TB, files map[string]string) *model.Metadata {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	meta, err := model.LoadMetadata(fsys)
	require.NoError(t, err)
	return meta
}

const (
	modelUUID  = "5f2c0d1e-6b0a-4a56-8a6e-7d9f3a2b1c0d"
	theirs     = "secret:9m4e2mr0ui3e8a215n4g"
	own        = "secret:9m4e2mr0ui3e8a215n50"
	ownUnit    = "secret:9m4e2mr0ui3e8a215n5g"
	noSecret   = "secret:9m4e2mr0ui3e8a215n9g"
	theirsFull = "secret://" + modelUUID + "/9m4e2mr0ui3e8a215n4g"
)

// world is the state that most tests begin with: a leader.
func world() *modeltest.State {
	return &modeltest.State{
		Leader:      true,
		JujuVersion: "3.5.1",
		Model:       modeltest.Model{Name: "prod", UUID: modelUUID, Type: "lxd"},
		UnitStatus:  modeltest.Status{Name: "waiting", Message: "wait"},
		Relations: []*modeltest.Relation{
			{
				ID: 1, Endpoint: "db", RemoteApp: "pg",
				LocalAppData:    map[string]string{"mine": "app"},
				LocalUnitData:   map[string]string{"ingress-address": "10.0.0.1", "z": "u"},
				RemoteAppData:   map[string]string{"endpoints": "h:1"},
				RemoteUnitsData: map[int]map[string]string{0: {"a": "1", "b": "x"}, 1: {}},
			},
			{
				ID: 2, Endpoint: "cluster",
				LocalAppData:  map[string]string{"seed": "s"},
				LocalUnitData: map[string]string{"k": "v"},
				PeersData:     map[int]map[string]string{1: {"k1": "v1"}},
			},
			{ID: 3, Endpoint: "db", RemoteApp: "pg2", LocalUnitData: map[string]string{}},
			{ID: 10, Endpoint: "website", RemoteApp: "lb", RemoteEndpoint: "web", LocalUnitData: map[string]string{}, RemoteUnitsData: map[int]map[string]string{0: {}, 2: {}, 10: {}}},
		},
		Storages: []*modeltest.Storage{
			{Name: "data", Index: 0}, {Name: "cache", Index: 1, Location: "/c1"}, {Name: "disk", Index: 3, Location: "/dev/sdb"},
		},
		Secrets: []*modeltest.Secret{
			{
				ID: theirs, Label: "mylabel", TrackedRevision: 1, LatestRevision: 2,
				TrackedContent: map[string]string{"user": "u", "password": "p"},
				LatestContent:  map[string]string{"user": "u", "password": "p2"},
			},
			{
				ID: own, Owner: "app", Label: "own", Description: "dd", Rotate: "daily", LatestRevision: 1,
				LatestContent: map[string]string{"key": "val"}, RemoteGrants: map[int][]string{1: {"pg"}},
			},
			{ID: ownUnit, Owner: "unit", LatestRevision: 3, LatestContent: map[string]string{"key": "unitval"}},
		},
		Networks: []*modeltest.Network{{
			Binding: "db", EgressSubnets: []string{"10.0.0.5/32"}, IngressAddresses: []string{"10.0.0.5"},
			BindAddresses: []modeltest.BindAddress{{
				InterfaceName: "eth0", MACAddress: "00:16:3e:00:00:01",
				Addresses: []modeltest.Address{{Value: "10.0.0.5", CIDR: "10.0.0.0/24"}, {Value: "10.0.0.6", CIDR: "10.0.0.0/24"}},
			}},
		}},
		PrivateAddress: "10.0.0.5",
		PublicAddress:  "1.2.3.4",
	}
}

func number(n int) *int { return &n }
