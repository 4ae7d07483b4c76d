package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func relation(t *testing.T, m *Model, endpoint string, id int) *Relation {
	t.Helper()
	r, err := m.RelationByID(endpoint, id)
	require.NoError(t, err)
	return r
}

func databag(t *testing.T, r *Relation, entity string) *Databag {
	t.Helper()
	b, err := r.Databag(entity)
	require.NoError(t, err)
	return b
}

func TestRelations(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{
		"relation-ids db --format=json":                 `["db:10", "db:2"]`,
		"relation-ids log --format=json":                `[]`,
		"relation-ids cluster --format=json":            `["cluster:0"]`,
		"relation-list --format=json -r db:2":           `["pg/10", "pg/9"]`,
		"relation-list --format=json --app -r db:10":    `"other"`,
		"relation-list --format=json -r cluster:0":      `["web/1"]`,
		"relation-model-get --format=json -r cluster:0": `{"uuid": "u-2"}`,
	})
	list, err := m.Relations("db")
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, []int{2, 10}, []int{list[0].ID, list[1].ID})
	assert.Same(t, list[0], relation(t, m, "db", 2))
	_, err = m.Relation("db")
	requireKind(t, err, TooManyRelatedAppsError, `cannot choose among the 2 relations of "db": go through all of them, or set limit: 1 in the metadata`)
	none, err := m.Relation("log")
	require.NoError(t, err)
	assert.Nil(t, none)

	units, err := list[0].Units()
	require.NoError(t, err)
	assert.Equal(t, []string{"pg/9", "pg/10"}, units)
	app, err := list[0].App()
	require.NoError(t, err)
	assert.Equal(t, "pg", app)
	app, err = list[1].App()
	require.NoError(t, err)
	assert.Equal(t, "other", app)

	peers, err := m.Relation("cluster")
	require.NoError(t, err)
	app, err = peers.App()
	require.NoError(t, err)
	assert.Equal(t, "web", app)
	entities, err := peers.Entities()
	require.NoError(t, err)
	assert.Equal(t, []string{"web/0", "web", "web/1"}, entities)
	uuid, err := peers.RemoteModelUUID()
	require.NoError(t, err)
	assert.Equal(t, "u-2", uuid)

	active, err := list[0].Active()
	require.NoError(t, err)
	assert.True(t, active)
	active, err = relation(t, m, "db", 7).Active()
	require.NoError(t, err)
	assert.False(t, active)

	assert.Equal(t, []string{
		"relation-ids db --format=json", "relation-ids log --format=json", "relation-list --format=json -r db:2",
		"relation-list --format=json --app -r db:10", "relation-ids cluster --format=json",
		"relation-list --format=json -r cluster:0", "relation-model-get --format=json -r cluster:0",
	}, s.take())
	_, err = m.Relations("bd")
	requireUsage(t, err, `the charm has no endpoint "bd" (did you mean "db"?)`)
}

func TestBrokenRelation(t *testing.T) {
	// Juju 3.5 still lists the relation in its relation-broken hook.
	m, _ := newModel(t, map[string]string{"JUJU_DISPATCH_PATH": "hooks/my-site-relation-broken", "JUJU_RELATION": "my-site",
		"JUJU_RELATION_ID": "my-site:4", "JUJU_REMOTE_APP": "lb"}, map[string]any{
		"relation-ids":  `["my-site:4", "my-site:5"]`,
		"relation-list": `[]`,
		"relation-get --format=json -r my-site:4 --app - lb": `{"a": "b"}`,
		"is-leader": follower,
	})
	r, err := m.Relation("my-site")
	require.NoError(t, err)
	assert.Equal(t, 5, r.ID)
	broken := relation(t, m, "my-site", 4)
	active, err := broken.Active()
	require.NoError(t, err)
	assert.False(t, active)
	app, err := broken.App()
	require.NoError(t, err)
	assert.Equal(t, "lb", app)
	value, _, err := databag(t, broken, "lb").Get("a")
	require.NoError(t, err)
	assert.Equal(t, "b", value, "its data is there to the end")
}

func TestRelationThatIsGone(t *testing.T) {
	gone := failed(`invalid value "db:9" for option -r: relation not found`)
	m, s := newModel(t, nil, map[string]any{"relation-ids": "[]", "relation-list": gone, "relation-get": gone, "relation-set": gone})
	r := relation(t, m, "db", 9)
	app, err := r.App()
	require.NoError(t, err)
	assert.Empty(t, app)
	units, err := r.Units()
	require.NoError(t, err)
	assert.Empty(t, units)
	items, err := databag(t, r, "pg/0").Items()
	require.NoError(t, err)
	assert.Empty(t, items)
	n, err := databag(t, r, "pg").Len()
	require.NoError(t, err)
	assert.Zero(t, n)
	err = databag(t, r, "web/0").Set("a", "b")
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, RelationNotFoundError, e.Kind)
	assert.NotContains(t, s.take(), "relation-list --format=json -r db:9", "Juju said already that it is gone")
}

func TestDepartingUnits(t *testing.T) {
	// The list may still have the unit; its databag can be read.
	m, _ := newModel(t, map[string]string{"JUJU_DISPATCH_PATH": "hooks/cluster-relation-departed", "JUJU_RELATION": "cluster",
		"JUJU_RELATION_ID": "cluster:0", "JUJU_REMOTE_UNIT": "web/2", "JUJU_DEPARTING_UNIT": "web/2"}, map[string]any{
		"relation-list": `["web/1", "web/2"]`,
		"relation-get --format=json -r cluster:0 - web/2": `{"ip": "1"}`,
		"relation-get --format=json -r cluster:0 - web/3": failed(`cannot read settings for unit "web/3" in relation: settings not found`),
		"relation-get --format=json -r cluster:0 - web/1": failed(`boom not found`),
	})
	r := relation(t, m, "cluster", 0)
	units, err := r.Units()
	require.NoError(t, err)
	assert.Equal(t, []string{"web/1"}, units)
	entities, err := r.Entities()
	require.NoError(t, err)
	assert.Equal(t, []string{"web/0", "web", "web/1", "web/2"}, entities)
	value, _, err := databag(t, r, "web/2").Get("ip")
	require.NoError(t, err)
	assert.Equal(t, "1", value)

	n, err := databag(t, r, "web/3").Len()
	require.NoError(t, err, "a deferred event may be about a unit that left long ago")
	assert.Zero(t, n)
	_, err = databag(t, r, "web/1").Len()
	requireKind(t, err, ModelError, "cannot run relation-get: boom not found")
}

func TestDatabagsOfStrangers(t *testing.T) {
	m, _ := newModel(t, nil, map[string]any{"relation-list --format=json --app -r db:1": `"pg"`, "relation-list --format=json -r db:1": `["pg/0"]`})
	r := relation(t, m, "db", 1)
	_, err := r.Databag("gp")
	requireUsage(t, err, `"gp" is no party to the relation db:1 (did you mean "pg"?): these are web/0, web, pg, pg/0`)
	_, err = r.Databag("web/1")
	requireUsage(t, err, `"web/1" is no party to the relation db:1 (did you mean "web/0"?): these are web/0, web, pg, pg/0`)
	_, err = r.Databag("--help")
	assert.Error(t, err)
}

func TestDatabagReads(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{
		"relation-list": `"pg"`,
		"relation-get --format=json -r db:1 --app - pg": `{"b": "2", "a": "1"}`,
	})
	b := databag(t, relation(t, m, "db", 1), "pg")
	keys, err := b.Keys()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, keys)
	has, err := b.Has("c")
	require.NoError(t, err)
	assert.False(t, has)
	items, err := b.Items()
	require.NoError(t, err)
	items["a"] = "changed"
	value, ok, err := b.Get("a")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "1", value)
	assert.Equal(t, []string{"relation-list --format=json --app -r db:1", "relation-get --format=json -r db:1 --app - pg"}, s.take(),
		"a remote application's data is no question of leadership, and read once")
}

func TestDatabagAccess(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{
		"is-leader":                                follower,
		"relation-list":                            `"pg"`,
		"relation-get":                             `{"a": "1"}`,
		"relation-list --format=json -r db:1":      `["pg/0"]`,
		"relation-list --format=json -r cluster:0": `["web/1"]`,
	})
	r := relation(t, m, "db", 1)
	own := databag(t, r, "web")
	_, _, err := own.Get("a")
	requireKind(t, err, RelationDataAccessError,
		"cannot read the databag of web in db:1: web/0 is not the leader, and only the leader can read its own application's databag")
	requireKind(t, own.Set("a", "1"), RelationDataAccessError,
		"cannot write the databag of web in db:1: web/0 is not the leader, and only the leader can write its application's databag")
	assert.Equal(t, []string{"is-leader --format=json"}, s.take(), "Juju is not even asked for the data")

	requireKind(t, databag(t, r, "pg").Set("a", "1"), RelationDataAccessError,
		"cannot write the databag of pg in db:1: it belongs to the remote application")
	requireKind(t, databag(t, r, "pg/0").Update(nil), RelationDataAccessError,
		"cannot write the databag of pg/0 in db:1: a unit can only write its own databag, here that of web/0")

	peers := relation(t, m, "cluster", 0)
	value, _, err := databag(t, peers, "web").Get("a")
	require.NoError(t, err, "a follower reads its application's data among peers")
	assert.Equal(t, "1", value)
	ok, reason, err := databag(t, peers, "web").CanWrite()
	require.NoError(t, err)
	assert.False(t, ok)
	assert.Equal(t, "web/0 is not the leader, and only the leader can write its application's databag", reason)
}
