package model

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseContext(t *testing.T) {
	c, err := ParseContext(map[string]string{
		"JUJU_DISPATCH_PATH": "hooks/db-relation-departed", "JUJU_HOOK_NAME": "db-relation-departed",
		"JUJU_MODEL_NAME": "m", "JUJU_MODEL_UUID": "u", "JUJU_UNIT_NAME": "web/3", "JUJU_VERSION": "3.6.11",
		"CHARM_DIR": "/charm", "JUJU_DEBUG": "1", "JUJU_DEBUG_AT": " a, ,all", "JUJU_MACHINE_ID": "0/lxd/1",
		"JUJU_RELATION": "db", "JUJU_RELATION_ID": "db:3", "JUJU_REMOTE_UNIT": "pg-x/10", "JUJU_DEPARTING_UNIT": "pg-x/10",
		"JUJU_STORAGE_ID": "data/2", "JUJU_STORAGE_LOCATION": "/srv", "JUJU_SECRET_REVISION": "4",
	})
	require.NoError(t, err)
	assert.Equal(t, &Context{
		DispatchPath: "hooks/db-relation-departed", HookName: "db-relation-departed", ModelName: "m", ModelUUID: "u",
		UnitName: "web/3", AppName: "web", Version: Version{Major: 3, Minor: 6, Patch: 11}, CharmDir: "/charm",
		Debug: true, DebugAt: []string{"a", "all"}, MachineID: "0/lxd/1",
		RelationName: "db", RelationID: 3, RemoteApp: "pg-x", RemoteUnit: "pg-x/10", DepartingUnit: "pg-x/10",
		StorageName: "data", StorageIndex: 2, StorageLocation: "/srv", SecretRevision: 4,
	}, c)
	assert.Equal(t, "db_relation_departed", c.EventName())
	assert.False(t, c.IsAction())

	c, err = ParseContext(map[string]string{"JUJU_VERSION": "", "JUJU_DEBUG": "0"})
	require.NoError(t, err)
	assert.Equal(t, &Context{RelationID: -1, StorageIndex: -1}, c)
	assert.Equal(t, "", c.EventName())
}

func TestEventNames(t *testing.T) {
	for path, want := range map[string]string{
		"hooks/config-changed": "config_changed", "actions/back-up": "back_up_action", "install": "install",
		"other/actions/x": "x_action", "actions": "actions", "": "",
	} {
		c := &Context{DispatchPath: path}
		assert.Equal(t, want, c.EventName(), path)
		assert.Equal(t, strings.HasSuffix(want, "_action"), c.IsAction(), path)
	}
}

func TestMalformedContext(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"JUJU_VERSION", "three", "a version of Juju, such as 3.6.11 or 4.1-beta2"},
		{"JUJU_UNIT_NAME", "web", "the name of a unit, such as web/0"},
		{"JUJU_REMOTE_UNIT", "web/x", "the name of a unit, such as web/0"},
		{"JUJU_RELATION_ID", "db:", "a relation's id, such as db:3 or 3"},
		{"JUJU_RELATION_ID", "db:-3", "a relation's id, such as db:3 or 3"},
		{"JUJU_STORAGE_ID", "data", "a storage instance, such as data/0"},
		{"JUJU_SECRET_REVISION", "1.5", "a whole number that is not negative"},
	} {
		_, err := ParseContext(map[string]string{test.name: test.value})
		assert.EqualError(t, err, "cannot understand the environment: "+test.name+` is "`+test.value+`", but it must be `+test.want)
	}
}

func FuzzContext(f *testing.F) {
	f.Add("JUJU_RELATION_ID=db:3\nJUJU_UNIT_NAME=web/0\nJUJU_VERSION=3.6.11\nJUJU_STORAGE_ID=data/1\nJUJU_DISPATCH_PATH=hooks/db-relation-joined")
	f.Add("JUJU_DISPATCH_PATH=actions/x\nJUJU_SECRET_REVISION=9999999999999999999")
	m, err := LoadMetadata(files("metadata.yaml", fullMetadata, "actions.yaml", fullActions))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		env := make(map[string]string)
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			env[name] = value
		}
		c, err := ParseContext(env)
		if err != nil {
			return
		}
		event, known, err := c.Event(m)
		if err == nil && known && (event.Data == nil || event.Name != c.EventName()) {
			t.Fatalf("strange event: %#v", event)
		}
	})
}

func TestVersions(t *testing.T) {
	ordered := []string{"2.9.0", "3.0-alpha9", "3.0-rc3", "3.0-rc3.2", "3.0.0", "3.0.3", "3.6.11", "4.0-beta1", "4.0.0", "4.1-beta2", "4.1.0", "4.1.0.7"}
	var versions []Version
	for _, text := range ordered {
		v, err := ParseVersion(text)
		require.NoError(t, err)
		assert.Equal(t, text, v.String())
		versions = append(versions, v)
	}
	for i, v := range versions {
		for j, w := range versions {
			assert.Equal(t, i < j, v.Compare(w) < 0, "%v %v", v, w)
			assert.Equal(t, i == j, v.Compare(w) == 0, "%v %v", v, w)
		}
	}
	for _, text := range []string{"", "3", "3.6.", "3.x", "3.6-2", "v3.6", "3.6.1.1.1", "3.6.99999999999", strings.Repeat("1", 1000)} {
		_, err := ParseVersion(text)
		assert.Error(t, err, text)
	}
	v, err := ParseVersion("3.6")
	require.NoError(t, err)
	assert.Equal(t, Version{Major: 3, Minor: 6}, v)
}

func TestVersionGates(t *testing.T) {
	gate := func(text string, gate func(Version) bool) bool {
		v, err := ParseVersion(text)
		require.NoError(t, err)
		return gate(v)
	}
	assert.False(t, gate("3.0-rc3", Version.HasSecrets), "a release candidate of 3.0.0 lacks what came with 3.0.3")
	assert.True(t, gate("3.0.3", Version.HasSecrets))
	assert.True(t, gate("4.0-beta1", Version.RefusesExtraActionParams))
	assert.False(t, gate("3.6.11", Version.RefusesExtraActionParams))
	assert.True(t, gate("3.1.6", Version.SupportsExecServiceContext))
	assert.False(t, gate("3.2.0", Version.SupportsExecServiceContext))
	assert.True(t, gate("3.2.1", Version.SupportsExecServiceContext))
	assert.False(t, Version{}.HasAppData())
}

func TestNearest(t *testing.T) {
	known := []string{"config_changed", "install", "db", "my-app", "update_status"}
	for name, want := range map[string]string{
		"config_chaged": "config_changed", "isntall": "install", "my_app": "my-app", "My-App": "my-app",
		"bd": "db", "dbx": "db", "xyz": "", "stall": "", "": "", "db": "", strings.Repeat("a", 10000): "",
	} {
		assert.Equal(t, want, Nearest(name, known), name)
	}
}

func TestUnitTagOfRestrictedHooks(t *testing.T) {
	c, err := ParseContext(map[string]string{
		"JUJU_UNIT_NAME": "unit-web-front-12", "JUJU_DISPATCH_PATH": "hooks/collect-metrics",
	})
	require.NoError(t, err)
	require.Equal(t, "web-front/12", c.UnitName)
	require.Equal(t, "web-front", c.AppName)

	_, err = ParseContext(map[string]string{"JUJU_UNIT_NAME": "unit-web-x"})
	require.ErrorContains(t, err, `JUJU_UNIT_NAME is "unit-web-x"`)
}
