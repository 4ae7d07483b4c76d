package model

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func files(pairs ...string) fstest.MapFS {
	fsys := make(fstest.MapFS)
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

const fullMetadata = `
name: demo
summary: A demo.
description: |
  Two
  lines.
maintainers: [Ann <a@x.org>]
docs: https://d.example
issues: https://i.example
website: [https://w1.example, https://w2.example]
tags: [web]
terms: owner/eula
subordinate: yes
assumes:
  - juju >= 3.6
  - any-of: [k8s-api, {all-of: [juju < 5]}]
charm-user: non-root
requires:
  db: {interface: pgsql, limit: 2, optional: true}
  log: syslog
provides:
  my-site: {interface: http, scope: container}
peers:
  cluster: {interface: demo_peers}
storage:
  data: {type: filesystem, multiple: {range: 2-}, minimum-size: 1G, location: /srv, read-only: true, properties: [transient]}
  one: {type: block, multiple: {range: 3}}
  some: {type: block, multiple: {range: 1-5}}
resources:
  image: {type: oci-image, description: An image., upstream-source: x}
  blob: {filename: blob.tgz}
containers:
  web-app:
    resource: image
    mounts: [{storage: data, location: /a}, {storage: data, location: /b}]
    uid: 1000000
  side:
    bases: [{name: ubuntu, channel: "24.04", architectures: [amd64]}]
extra-bindings:
  admin:
  internal:
unknown-key: [1, 2]
`

const fullConfig = `
options:
  port: {type: int, default: 80, description: The port.}
  ratio: {type: float, default: 1}
  half: {type: float, default: 0.5}
  title: {type: string, default: ""}
  plain: {}
  tls: {type: boolean, default: off}
  key: {type: secret}
  n: {type: integer, default: 3}
`

const fullActions = `
back-up:
  title: Back up
  description: Saves all.
  params:
    y: {type: string, default: x}
    depth: {type: integer, default: 3}
  required: [y]
  additionalProperties: false
ping:
`

func TestLoadPackedMetadata(t *testing.T) {
	m, err := LoadMetadata(files(
		"metadata.yaml", fullMetadata, "config.yaml", fullConfig, "actions.yaml", fullActions,
		"charmcraft.yaml", "name: other\nactions: {extra: {}}"))
	require.NoError(t, err)
	assert.Equal(t, "demo", m.Name)
	assert.Equal(t, "Two\nlines.\n", m.Description)
	assert.Equal(t, []string{"Ann <a@x.org>"}, m.Maintainers)
	assert.Equal(t, Links{Websites: []string{"https://w1.example", "https://w2.example"},
		Issues: []string{"https://i.example"}, Documentation: "https://d.example"}, m.Links)
	assert.Equal(t, []string{"owner/eula"}, m.Terms)
	assert.True(t, m.Subordinate, "Juju reads yes as true")
	assert.Equal(t, "non-root", m.CharmUser)
	assert.Equal(t, &Assumes{AllOf: []*Assumes{
		{Feature: "juju", Operator: ">=", Version: "3.6"},
		{AnyOf: []*Assumes{{Feature: "k8s-api"}, {AllOf: []*Assumes{{Feature: "juju", Operator: "<", Version: "5"}}}}},
	}}, m.Assumes)
	two := 2
	assert.Equal(t, map[string]*RelationMeta{
		"db":  {Name: "db", Role: Requires, Interface: "pgsql", Limit: &two, Scope: "global", Optional: true},
		"log": {Name: "log", Role: Requires, Interface: "syslog", Scope: "global"},
	}, m.Requires)
	assert.Equal(t, "container", m.Provides["my-site"].Scope)
	assert.Equal(t, Peer, m.Relations["cluster"].Role)
	assert.Len(t, m.Relations, 4)
	assert.Equal(t, &StorageMeta{Name: "data", Type: "filesystem", ReadOnly: true, MinimumSize: "1G", Location: "/srv",
		Multiple: &StorageRange{Min: 2, Max: -1}, Properties: []string{"transient"}}, m.Storages["data"])
	assert.Equal(t, &StorageRange{Min: 3, Max: 3}, m.Storages["one"].Multiple)
	assert.Equal(t, &StorageRange{Min: 1, Max: 5}, m.Storages["some"].Multiple)
	assert.Equal(t, &ResourceMeta{Name: "blob", Type: "file", Filename: "blob.tgz"}, m.Resources["blob"])
	assert.Equal(t, []string{"/a", "/b"}, m.Containers["web-app"].Mounts["data"].Locations)
	assert.Equal(t, 1000000, *m.Containers["web-app"].UID)
	assert.Equal(t, []ContainerBase{{OS: "ubuntu", Channel: "24.04", Architectures: []string{"amd64"}}}, m.Containers["side"].Bases)
	assert.Equal(t, []string{"admin", "internal"}, m.ExtraBindings)

	defaults := make(map[string]any)
	for name, option := range m.Options {
		defaults[name] = option.Default
	}
	assert.Equal(t, map[string]any{"port": int64(80), "ratio": 1.0, "half": 0.5, "title": "", "plain": nil,
		"tls": false, "key": nil, "n": int64(3)}, defaults)
	assert.Equal(t, "string", m.Options["plain"].Type)
	assert.Equal(t, "int", m.Options["n"].Type)

	require.Len(t, m.Actions, 2)
	assert.Equal(t, map[string]any{"y": map[string]any{"type": "string", "default": "x"},
		"depth": map[string]any{"type": "integer", "default": int64(3)}}, m.Actions["back-up"].Parameters)
	assert.Equal(t, []string{"y"}, m.Actions["back-up"].Required)
	assert.False(t, *m.Actions["back-up"].AdditionalProperties)
	assert.Nil(t, m.Actions["ping"].AdditionalProperties)
}

func TestLoadSourceMetadata(t *testing.T) {
	m, err := LoadMetadata(files("charmcraft.yaml", `
name: demo
links: {contact: Ann, documentation: D, source: [S], website: W, issues: I}
config: {options: {port: {type: int}}}
actions: {ping: {}}
parts: {x: {plugin: dump}}
`))
	require.NoError(t, err)
	assert.Equal(t, []string{"Ann"}, m.Maintainers)
	assert.Equal(t, Links{Websites: []string{"W"}, Sources: []string{"S"}, Issues: []string{"I"}, Documentation: "D"}, m.Links)
	assert.Contains(t, m.Options, "port")
	assert.Contains(t, m.Actions, "ping")
	assert.Equal(t, "root", m.CharmUser)

	m, err = LoadMetadata(files("metadata.yaml", "name: a", "charmcraft.yaml", "actions: {ping: {}}"))
	require.NoError(t, err, "a source tree may keep only some of it in charmcraft.yaml")
	assert.Contains(t, m.Actions, "ping")

	m, err = LoadMetadata(files("metadata.yaml", "name: a", "config.yaml", "", "actions.yaml", "# none\n"))
	require.NoError(t, err)
	assert.Empty(t, m.Actions)
}

func TestMetadataMistakes(t *testing.T) {
	for _, test := range []struct{ name, yaml, want string }{
		{"no name", "summary: x", `metadata.yaml:1:1: the charm has no name (add a line like name: my-charm)`},
		{"empty", "", `metadata.yaml: the charm has no name (add a line like name: my-charm)`},
		{"not YAML", "name: [a", `metadata.yaml:1:1: not YAML: did not find expected ',' or ']'`},
		{"not a mapping", "[a]", "metadata.yaml:1:1: expected a mapping, not a list"},
		{"key twice", "name: a\nname: b", `metadata.yaml:2:1: the key "name" is here twice, first with the value in line 1`},
		{"no interface", "name: a\nrequires:\n  db: {limit: 1}", "metadata.yaml:3:7: requires.db: the endpoint has no interface (add a line like interface: http)"},
		{"no endpoint", "name: a\nrequires:\n  db:", "metadata.yaml:3:6: requires.db: the endpoint has no interface (add a line like interface: http)"},
		{"endpoint twice", "name: a\nrequires: {db: x}\npeers: {db: x}", `metadata.yaml:3:13: peers.db: the endpoint "db" is also under requires (names are unique among endpoints)`},
		{"bad limit", "name: a\nrequires: {db: {interface: x, limit: many}}", `metadata.yaml:2:38: requires.db.limit: expected a whole number that is not negative, not the string "many"`},
		{"bad scope", "name: a\nrequires: {db: {interface: x, scope: contaner}}", `metadata.yaml:2:38: requires.db.scope: "contaner" is unknown (did you mean "container"?) (it must be one of global, container)`},
		{"storage type", "name: a\nstorage: {data: {}}", "metadata.yaml: storage.data.type: missing (it must be one of filesystem, block)"},
		{"storage scalar", "name: a\nstorage: {data: filesystem}", `metadata.yaml:2:17: storage.data: expected a mapping, not the string "filesystem"`},
		{"range", "name: a\nstorage: {data: {type: block, multiple: {range: x}}}", `metadata.yaml:2:49: storage.data.multiple.range: a range cannot be the string "x" (write 3, 1-5 or 2+)`},
		{"same events", "name: a\ncontainers: {my-app: {}, my_app: {}}", `metadata.yaml: the containers "my-app" and "my_app" would have the same events, such as my_app_pebble_ready (rename one of them)`},
		{"bad name", "name: a\ncontainers: {'a b': {}}", `metadata.yaml:2:21: containers.a b: "a b" cannot be a name (use letters, digits and dashes)`},
		{"assumes", "name: a\nassumes: ['juju > 3']", `metadata.yaml:2:11: assumes[0]: assumes cannot be the string "juju > 3" (write a feature, with >= or < and a version if needed: "juju >= 3.6")`},
		{"user", "name: a\ncharm-user: sudo", `metadata.yaml:2:13: charm-user: "sudo" is unknown (it must be one of root, sudoer, non-root)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := LoadMetadata(files("metadata.yaml", test.yaml))
			require.Error(t, err)
			assert.Equal(t, test.want, err.Error())
			var e *MetadataError
			assert.ErrorAs(t, err, &e)
		})
	}
}

func TestOptionMistakes(t *testing.T) {
	for _, test := range []struct{ yaml, want string }{
		{"{type: int, default: 1.5}", "config.yaml:1:35: options.a.default: the default of an option of type int cannot be the number 1.5 (Juju refuses such a charm)"},
		{"{type: string, default: 1}", "config.yaml:1:38: options.a.default: the default of an option of type string cannot be the number 1 (put it in quotes)"},
		{"{type: boolean, default: 'on'}", `config.yaml:1:39: options.a.default: the default of an option of type boolean cannot be the string "on" (Juju refuses such a charm)`},
		{"{type: str, default: abc}", `config.yaml:1:21: options.a.type: "str" is unknown (it must be one of string, int, float, boolean, secret, integer)`},
		{"{type: secret, default: abc}", `config.yaml:1:38: options.a.default: the default of an option of type secret cannot be the string "abc" (Juju refuses such a charm)`},
		{"{type: bool}", `config.yaml:1:21: options.a.type: "bool" is unknown (it must be one of string, int, float, boolean, secret, integer)`},
	} {
		_, err := LoadMetadata(files("metadata.yaml", "name: a", "config.yaml", "options: {a: "+test.yaml+"}"))
		assert.EqualError(t, err, test.want)
	}
}

func TestMetadataReportsSeveralMistakes(t *testing.T) {
	_, err := LoadMetadata(files("metadata.yaml", "name: a\nrequires: {a: {}, b: {}}"))
	require.Error(t, err)
	assert.Equal(t, 2, strings.Count(err.Error(), "has no interface"))
	_, err = LoadMetadata(files("README", ""))
	assert.EqualError(t, err, "metadata.yaml: there is no such file, nor a charmcraft.yaml (one of them must be in the charm's root)")
	assert.True(t, errors.Is(err, fs.ErrNotExist))
}

func TestHostileYAML(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("name: a\nx0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 9), ", "))
	}
	for name, test := range map[string]struct{ yaml, want string }{
		"aliases":   {bomb.String(), "more than 200000 values"},
		"depth":     {"name: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested deeper than 64 levels"},
		"recursive": {"name: &a [*a]", ""},
		"size":      {"name: " + strings.Repeat("x", 1<<20), "larger than 1 MiB"},
		"key":       {"{[a]: b}", "a key must be a string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LoadMetadata(files("metadata.yaml", test.yaml))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestMergeKeys(t *testing.T) {
	m, err := LoadMetadata(files("metadata.yaml", `
name: a
requires:
  a: &a {interface: x, limit: 1}
  b: {<<: *a, interface: y}
`))
	require.NoError(t, err)
	assert.Equal(t, "y", m.Requires["b"].Interface)
	assert.Equal(t, 1, *m.Requires["b"].Limit)
}

func FuzzMetadata(f *testing.F) {
	f.Add(fullMetadata, fullConfig, fullActions)
	f.Add("name: &a [*a]", "options: {a: {<<: [{b: c}, [d]]}}", "{? [x] : y}")
	f.Fuzz(func(t *testing.T, metadata, config, actions string) {
		m, err := LoadMetadata(files("metadata.yaml", metadata, "config.yaml", config, "actions.yaml", actions))
		if (m == nil) == (err == nil) {
			t.Fatal("either metadata or an error")
		}
		if err == nil {
			seen := map[string]bool{}
			for _, event := range m.Events() {
				if seen[event.Name] {
					t.Fatalf("%s is there twice", event.Name)
				}
				seen[event.Name] = true
			}
		}
	})
}
