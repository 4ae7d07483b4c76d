package model

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

// TestHostileDatabags: what another charm, or Juju, may have put there is a
// failure that names relation, side and key.
func TestHostileDatabags(t *testing.T) {
	long := strings.Repeat("k", 1000)
	for answer, reason := range map[string]string{
		`[]`:                            "a list was not to be expected",
		`"x"`:                           "a string was not to be expected",
		`12`:                            "a number was not to be expected",
		`true`:                          "a boolean was not to be expected",
		`{"a": "1"`:                     "unexpected EOF",
		`{"a": `:                        `in the value of "a": unexpected EOF`,
		`{"a": "1", "port": 80}`:        `the value of "port" is a number, not a string`,
		`{"tls": true}`:                 `the value of "tls" is a boolean, not a string`,
		`{"x": null}`:                   `the value of "x" is null, not a string`,
		`{"x": {"y": "z"}}`:             `the value of "x" is an object, not a string`,
		`{"x": ["y"]}`:                  `the value of "x" is a list, not a string`,
		`{"a": "1", "b": "", "a": "2"}`: `the key "a" is there twice`,
		"{\"a\": \"\xff\"}":             `in the value of "a": it is not UTF-8`,
		"{\"a\xff\": \"1\"}":            "in a key: it is not UTF-8",
		`{"a": "1", "a": "2", "b": null, "c": null}`: `the key "a" is there twice`,
		`{"a": "1"} {}`:                       "there is more after the JSON value",
		`null {}`:                             "there is more after the JSON value",
		`{"` + long + `": 1}`:                 `the value of "` + long[:60] + `…" is a number, not a string`,
		`{"x": ` + strings.Repeat("[", 1<<20): `the value of "x" is a list, not a string`,
		strings.Repeat(`{"a":`, 1<<20):        `the value of "a" is an object, not a string`,
		"<html>":                              "invalid character '<' looking for beginning of value",
	} {
		m, _ := newModel(t, nil, map[string]any{"relation-get": answer, "relation-list": `"pg"`})
		r := relation(t, m, "db", 1)
		_, err := databag(t, r, "pg").Items()
		requireKind(t, err, HookToolError, "cannot read the databag of the application pg in db:1 from the answer of relation-get: "+reason)
		_, _, err = databag(t, r, "pg/0").Get("a")
		requireKind(t, err, HookToolError, "cannot read the databag of the unit pg/0 in db:1 from the answer of relation-get: "+reason)
	}
	for _, answer := range []string{"", " \n", "null", "{}"} {
		data, err := parseDatabag([]byte(answer))
		require.NoError(t, err)
		assert.Equal(t, map[string]string{}, data)
	}
}

func TestHugeDatabags(t *testing.T) {
	huge := `{"a": "` + strings.Repeat("x", maxDatabag) + `"}`
	m, s := newModel(t, nil, map[string]any{"relation-get": huge, "relation-list": `"pg"`})
	r := relation(t, m, "db", 1)
	_, err := databag(t, r, "pg").Items()
	requireKind(t, err, RelationDataError, "cannot read the databag of the application pg in db:1: it has 16777225 bytes of JSON, more than the 16 MiB that are read")

	s.answers["relation-get"] = `{"a": "1"}`
	m.databagBytes = maxDatabags - 15
	_, err = databag(t, r, "pg/0").Items()
	require.NoError(t, err)
	_, err = m.Call(hooktool.Call{Name: "relation-set"})
	require.NoError(t, err)
	_, err = databag(t, r, "pg/0").Items()
	require.NoError(t, err, "what is read again is kept once")
	_, err = databag(t, r, "pg/1").Items()
	requireKind(t, err, RelationDataError, "cannot read the databag of the unit pg/1 in db:1: with it, the databags that this hook has read have more than 256 MiB")
}

func TestHostileRelations(t *testing.T) {
	for answer, reason := range map[string]string{
		`["db:1", "other:2"]`: `"other:2" is not a relation of "db"`,
		`["1"]`:               `"1" is not a relation of "db"`,
		`["db:-1"]`:           `"db:-1" is not a relation of "db"`,
		`["db:99999999999"]`:  `"db:99999999999" is not a relation of "db"`,
		`["db:1:2"]`:          `"db:1:2" is not a relation of "db"`,
		`{"db": 1}`:           "a JSON object was not to be expected",
		`[["db:1"]]`:          "a JSON array was not to be expected",
	} {
		m, _ := newModel(t, nil, map[string]any{"relation-ids": answer})
		_, err := m.Relations("db")
		requireKind(t, err, HookToolError, `cannot read the relations of "db" from the answer of relation-ids: `+reason)
	}
	m, s := newModel(t, nil, map[string]any{"relation-list": `["pg/0", "pg/../../x"]`})
	r := relation(t, m, "db", 1)
	_, err := r.Units()
	requireKind(t, err, HookToolError, `cannot read the units in db:1 from the answer of relation-list: "pg/../../x" is not the name of a unit`)
	s.answers["relation-list"] = `"-pg"`
	_, err = r.App()
	requireKind(t, err, HookToolError, `cannot read the application in db:1 from the answer of relation-list: "-pg" is not the name of an application`)
	s.answers["relation-list"] = `["pg/1", "pg/0", "pg/1"]`
	units, err := r.Units()
	require.NoError(t, err)
	assert.Equal(t, []string{"pg/0", "pg/1"}, units)
}

func FuzzDatabag(f *testing.F) {
	f.Add([]byte(`{"a": "1", "b": "\ud83d\ude00\u2028", "": "x"}`))
	f.Add([]byte(`{"a": 1, "b": [[[]]], "c": {"d": null}}`))
	f.Add([]byte("{\"a\": \"\xff\"}"))
	f.Add([]byte(`{"a": "1", "a": "2"} x`))
	f.Add([]byte(`{"a": "1", "a": "2", "b": null, "c": null}`))
	f.Add([]byte(`{"a\\\"": "\\\\", "null": "null"}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		data, err := parseDatabag(answer)
		assert.Equal(t, diagnoseDatabag(answer), err, "what is wrong is always told")
		var want map[string]string
		if err != nil {
			assert.Nil(t, data)
			assert.NotEmpty(t, err.Error())
			return
		}
		if len(strings.TrimSpace(string(answer))) > 0 {
			require.NoError(t, json.Unmarshal(answer, &want), "what is taken is JSON")
		}
		if want == nil {
			want = map[string]string{}
		}
		assert.Equal(t, want, data, "and means the same")
		assert.True(t, utf8.Valid(answer))
	})
}

func FuzzRelationLists(f *testing.F) {
	f.Add([]byte(`["db:3", "db:10", "db:3"]`))
	f.Add([]byte(`["pg/0", "pg/10", "pg/9", "a-b/0"]`))
	f.Add([]byte(`"pg"`))
	f.Add([]byte(`[["db:1"], null]`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if ids, err := parseRelationIDs("db", answer); err == nil {
			assert.True(t, slices.IsSorted(ids))
			for i, id := range ids {
				assert.GreaterOrEqual(t, id, 0)
				assert.False(t, i > 0 && ids[i-1] == id)
			}
		}
		if units, err := parseUnits(answer); err == nil {
			assert.True(t, slices.IsSortedFunc(units, compareUnits))
			for _, unit := range units {
				assert.True(t, isUnitName(unit))
			}
		}
		if app, err := parseApp(answer); err == nil && app != "" {
			assert.True(t, isAppName(app))
		}
	})
}
