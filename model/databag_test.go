package model

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

func TestDatabagWrites(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"relation-get": `{"same": "1", "old": "2", "gone": "3"}`, "is-leader": leader})
	b := databag(t, relation(t, m, "db", 1), "web/0")
	require.NoError(t, b.Update(map[string]string{"same": "1", "old": "new", "gone": "", "absent": "", "tab": "a\tb\x7f\u2028\u0085 \"😀\\"}))
	items, err := b.Items()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"same": "1", "old": "new", "tab": "a\tb\x7f\u2028\u0085 \"😀\\"}, items)
	assert.Equal(t, []string{"relation-get --format=json -r db:1 - web/0"}, s.take(), "Juju is told later")
	require.NoError(t, m.Flush())
	assert.Equal(t, []string{`{"gone": "", "old": "new", "tab": "a\u0009b\u007f\u2028\u0085 \"😀\\"}` + "\n"}, s.stdin)
	assert.Equal(t, []string{"relation-set -r db:1 --file -"}, s.take())
	require.NoError(t, b.Set("old", "new"))
	require.NoError(t, b.Delete("absent"))
	require.NoError(t, b.Update(nil))
	require.NoError(t, m.Flush())
	assert.Empty(t, s.take(), "what changes nothing is not sent")

	app := databag(t, relation(t, m, "db", 1), "web")
	require.NoError(t, app.Delete("old"))
	require.NoError(t, m.Flush())
	assert.Equal(t, []string{"is-leader --format=json", "relation-get --format=json -r db:1 --app - web", "relation-set -r db:1 --app --file -"}, s.take())

	requireKind(t, b.Set("a", "\xff"), RelationDataTypeError, `cannot write the databag of web/0 in db:1: the value of "a" is not UTF-8: encode it, for instance with base64`)
	requireKind(t, b.Set("", "a"), RelationDataTypeError, `cannot write the databag of web/0 in db:1: a key cannot be empty`)
}

func TestFlush(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"relation-get": `{"a": "1", "b": "2"}`, "is-leader": leader})
	var written []string
	m.cfg.Written = func(b *Databag, _ []string) { written = append(written, b.Entity) }
	unit, app := databag(t, relation(t, m, "db", 1), "web/0"), databag(t, relation(t, m, "db", 1), "web")
	other := databag(t, relation(t, m, "db", 2), "web/0")
	require.NoError(t, app.Set("a", "x"))
	require.NoError(t, other.Update(map[string]string{"a": "x", "b": "", "c": "3"}))
	require.NoError(t, unit.Set("a", "x"))
	require.NoError(t, app.Update(map[string]string{"b": "", "c": "3"}))
	require.NoError(t, other.Update(map[string]string{"a": "1", "b": "2", "c": ""})) // as it was
	require.NoError(t, app.Set("a", "y"))
	require.NoError(t, app.Set("a", "y"))
	assert.Equal(t, []string{"web", "web/0", "web/0", "web", "web/0", "web"}, written, "what changes nothing is no write")
	s.take()
	require.NoError(t, m.Flush())
	assert.Equal(t, []string{`{"a": "y", "b": "", "c": "3"}` + "\n", `{"a": "x"}` + "\n"}, s.stdin)
	assert.Equal(t, []string{"relation-set -r db:1 --app --file -", "relation-set -r db:1 --file -"}, s.take(),
		"one call for each databag that is not as it was, in the order of the first writes")
	require.NoError(t, m.Flush())
	assert.Empty(t, s.take(), "once")

	require.NoError(t, app.Set("a", "1"))
	require.NoError(t, unit.Set("a", "z"))
	_, err := m.Call(hooktool.Call{Name: "relation-get"})
	require.NoError(t, err)
	assert.Equal(t, []string{"relation-set -r db:1 --app --file -", "relation-set -r db:1 --file -", "relation-get"}, s.take(),
		"a call that could see it comes after it")
}

func TestFlushIsRefused(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"relation-get": `{"old": "1", "gone": "2"}`, "is-leader": leader})
	bag, next := databag(t, relation(t, m, "db", 1), "web"), databag(t, relation(t, m, "db", 2), "web/0")
	many := map[string]string{"old": "password", "gone": ""}
	for i := range 8 {
		many[fmt.Sprint("k", i)] = "password"
	}
	require.NoError(t, bag.Update(many))
	require.NoError(t, next.Set("old", "new"))
	s.take()
	s.answers["relation-set"] = failed("cannot write relation settings")
	_, err := m.Call(hooktool.Call{Name: "config-get"})
	var refused *WriteError
	require.ErrorAs(t, err, &refused)
	assert.Same(t, bag, refused.Databag)
	assert.Len(t, refused.Keys, 10)
	assert.Equal(t, `cannot write "gone", "k0", "k1", "k2", "k3", "k4", "k5", "k6" and 2 more keys to the databag of the application web in db:1: `+
		`cannot run relation-set: cannot write relation settings`, err.Error())
	assert.NotContains(t, strings.Join(s.take(), "\n"), "config-get", "what comes after it is not done")
	items, err := bag.Items()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"old": "1", "gone": "2"}, items, "as Juju has it")
}

func TestFlushToARelationThatIsGone(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"relation-get": `{"old": "1"}`})
	bag, other := databag(t, relation(t, m, "db", 1), "web/0"), databag(t, relation(t, m, "db", 2), "web/0")
	require.NoError(t, bag.Update(map[string]string{"old": "", "new": "secret"}))
	require.NoError(t, other.Set("old", "2"))
	s.take()
	s.answers["relation-set -r db:1 --file -"] = failed(`invalid value "db:1" for option -r: relation not found`)
	require.NoError(t, m.Flush())
	assert.Equal(t, []string{"relation-set -r db:1 --file -",
		`juju-log --log-level WARNING -- The relation db:1 is gone: nobody will see "new", "old", which the hook wrote to the databag of web/0.`,
		"relation-set -r db:2 --file -"}, s.take())
	requireKind(t, bag.Set("new", "x"), RelationNotFoundError, "cannot write the databag of web/0 in db:1: the relation is gone")
	require.NoError(t, bag.Delete("absent"))
	active, err := relation(t, m, "db", 1).Active()
	require.NoError(t, err)
	assert.False(t, active)
}
