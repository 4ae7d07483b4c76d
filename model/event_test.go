package model

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func demoMetadata(t *testing.T) *Metadata {
	t.Helper()
	m, err := LoadMetadata(files("metadata.yaml", fullMetadata, "config.yaml", fullConfig, "actions.yaml", fullActions))
	require.NoError(t, err)
	return m
}

func TestMetadataEvents(t *testing.T) {
	m := demoMetadata(t)
	var names []string
	for _, event := range m.Events() {
		names = append(names, event.Name)
	}
	assert.True(t, slices.IsSorted(names))
	for _, name := range []string{"install", "collect_unit_status", "pre_commit", "secret_changed", "meter_status_changed",
		"my_site_relation_broken", "cluster_relation_created", "data_storage_detaching", "web_app_pebble_check_recovered", "back_up_action"} {
		assert.Contains(t, names, name)
	}
	assert.Len(t, names, 21+5*4+2*3+4*2+2)

	for _, event := range m.Events() {
		found, ok := m.Event(event.Name)
		assert.True(t, ok)
		assert.Equal(t, event, found)
	}
	event, ok := m.Event("my_site_relation_joined")
	assert.True(t, ok)
	assert.Equal(t, EventDef{"my_site_relation_joined", RelationJoined, "my-site"}, event)
	for _, name := range []string{"my-site_relation_joined", "x_install", "relation_joined", "_relation_joined", "db_relation_join", ""} {
		_, ok = m.Event(name)
		assert.False(t, ok, name)
	}
}

func TestEventsOfOneSubject(t *testing.T) {
	m := demoMetadata(t)
	of := map[string][]EventDef{}
	for _, event := range m.Events() {
		if event.Subject != "" {
			of[event.Subject] = append(of[event.Subject], event)
		}
	}
	for subject, events := range of {
		assert.ElementsMatch(t, events, m.EventsOf(subject))
	}
	assert.Equal(t, m.EventsOf("my-site"), m.EventsOf("my_site"))
	for _, name := range []string{"", "my", "install", "config-changed"} {
		assert.Empty(t, m.EventsOf(name), name)
	}
}

func TestContextEvent(t *testing.T) {
	m := demoMetadata(t)
	for _, test := range []struct {
		env  map[string]string
		want Event
	}{
		{map[string]string{"JUJU_DISPATCH_PATH": "hooks/config-changed", "JUJU_REMOTE_UNIT": "x/0"},
			Event{EventDef{"config_changed", ConfigChanged, ""}, map[string]any{}}},
		{map[string]string{"JUJU_DISPATCH_PATH": "hooks/db-relation-created", "JUJU_RELATION_ID": "db:1", "JUJU_REMOTE_APP": "pg"},
			Event{EventDef{"db_relation_created", RelationCreated, "db"},
				map[string]any{"relation_name": "db", "relation_id": int64(1), "app_name": "pg"}}},
		{map[string]string{"JUJU_DISPATCH_PATH": "hooks/my-site-relation-departed", "JUJU_RELATION": "my-site", "JUJU_RELATION_ID": "my-site:0",
			"JUJU_REMOTE_UNIT": "lb/1", "JUJU_DEPARTING_UNIT": "web/0"},
			Event{EventDef{"my_site_relation_departed", RelationDeparted, "my-site"},
				map[string]any{"relation_name": "my-site", "relation_id": int64(0), "app_name": "lb", "unit_name": "lb/1", "departing_unit": "web/0"}}},
		{map[string]string{"JUJU_DISPATCH_PATH": "hooks/data-storage-attached", "JUJU_STORAGE_ID": "data/0", "JUJU_STORAGE_LOCATION": "/srv"},
			Event{EventDef{"data_storage_attached", StorageAttached, "data"},
				map[string]any{"storage_name": "data", "storage_index": int64(0), "storage_location": "/srv"}}},
		{map[string]string{"JUJU_DISPATCH_PATH": "hooks/web-app-pebble-custom-notice", "JUJU_WORKLOAD_NAME": "web-app",
			"JUJU_NOTICE_ID": "1", "JUJU_NOTICE_TYPE": "custom", "JUJU_NOTICE_KEY": "a.b/c"},
			Event{EventDef{"web_app_pebble_custom_notice", PebbleCustomNotice, "web-app"},
				map[string]any{"container_name": "web-app", "notice_id": "1", "notice_type": "custom", "notice_key": "a.b/c"}}},
		{map[string]string{"JUJU_DISPATCH_PATH": "hooks/web-app-pebble-check-failed", "JUJU_PEBBLE_CHECK_NAME": "up"},
			Event{EventDef{"web_app_pebble_check_failed", PebbleCheckFailed, "web-app"},
				map[string]any{"container_name": "web-app", "check_name": "up"}}},
		{map[string]string{"JUJU_DISPATCH_PATH": "hooks/secret-expired", "JUJU_SECRET_ID": "secret:x", "JUJU_SECRET_LABEL": "l", "JUJU_SECRET_REVISION": "2"},
			Event{EventDef{"secret_expired", SecretExpired, ""}, map[string]any{"id": "secret:x", "label": "l", "revision": int64(2)}}},
		{map[string]string{"JUJU_DISPATCH_PATH": "actions/back-up", "JUJU_ACTION_UUID": "7"},
			Event{EventDef{"back_up_action", Action, "back-up"}, map[string]any{"id": "7"}}},
	} {
		c, err := ParseContext(test.env)
		require.NoError(t, err)
		event, known, err := c.Event(m)
		require.NoError(t, err)
		assert.True(t, known)
		assert.Equal(t, test.want, event)
	}
}

func TestUnknownEvents(t *testing.T) {
	m := demoMetadata(t)
	for _, path := range []string{"", "hooks/leader-deposed", "hooks/gone-relation-joined", "actions/gone", "hooks/collect-unit-status"} {
		_, known, err := (&Context{DispatchPath: path}).Event(m)
		assert.NoError(t, err)
		assert.False(t, known, path)
	}
}

func TestIncompleteEvents(t *testing.T) {
	m := demoMetadata(t)
	for _, test := range []struct{ path, extra, value, want string }{
		{"hooks/db-relation-changed", "", "", "cannot understand the event db_relation_changed: JUJU_RELATION_ID is not set"},
		{"hooks/db-relation-joined", "JUJU_RELATION_ID", "1", "cannot understand the event db_relation_joined: JUJU_REMOTE_UNIT is not set"},
		{"hooks/db-relation-joined", "JUJU_RELATION", "log", `cannot understand the event db_relation_joined: JUJU_RELATION is about "log", not about "db"`},
		{"hooks/data-storage-attached", "", "", "cannot understand the event data_storage_attached: JUJU_STORAGE_ID is not set"},
		{"hooks/secret-remove", "JUJU_SECRET_ID", "secret:x", "cannot understand the event secret_remove: JUJU_SECRET_REVISION is not set"},
		{"hooks/web-app-pebble-check-failed", "", "", "cannot understand the event web_app_pebble_check_failed: JUJU_PEBBLE_CHECK_NAME is not set"},
		{"actions/ping", "", "", "cannot understand the event ping_action: JUJU_ACTION_UUID is not set"},
	} {
		c, err := ParseContext(map[string]string{"JUJU_DISPATCH_PATH": test.path, test.extra: test.value})
		require.NoError(t, err)
		_, known, err := c.Event(m)
		assert.True(t, known)
		assert.EqualError(t, err, test.want)
	}
}

func TestEventKinds(t *testing.T) {
	var cannot []EventKind
	for _, kind := range EventKinds() {
		assert.NotEmpty(t, kind.Doc(), kind)
		if kind.CannotDefer() != "" {
			cannot = append(cannot, kind)
		}
	}
	assert.Equal(t, []EventKind{Stop, Remove, SecretRotate, SecretExpired, Action, CollectAppStatus, CollectUnitStatus, PreCommit, Commit}, cannot)
	assert.Equal(t, []string{"relation", "app", "unit", "departing_unit"}, RelationDeparted.Fields())
	assert.Empty(t, Install.Fields())
	assert.True(t, CollectMetrics.Restricted())
	assert.True(t, Commit.Lifecycle())
	assert.False(t, ConfigChanged.Lifecycle())
	assert.Empty(t, EventKind("nonsense").Doc())
}
