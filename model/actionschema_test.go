package model_test

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/testdata/peers"
)

const schemaActions = `
backup:
  params:
    level: {type: integer, minimum: 1, maximum: 9}
    to: {type: string, default: disk, enum: [disk, s3, tape]}
    name: {type: string, minLength: 2, maxLength: 4, pattern: "^[a-zö]*$"}
    ratio: {type: number, minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true}
    step: {multipleOf: 5}
    size: {type: [integer, "null"], enum: [1, 2.0, null]}
    tags: {type: array, items: {type: string, minLength: 1}, minItems: 1, maxItems: 2, uniqueItems: true}
    pair: {type: array, items: [{type: string}, {type: integer}], additionalItems: false}
    open: {type: array, items: [{type: string}], additionalItems: {type: integer}}
    opts:
      type: object
      properties:
        deep: {type: boolean, default: true}
        inner: {type: object, properties: {port: {type: integer, maximum: 65535}}, required: [port]}
      patternProperties: {"^x-": {type: string}}
      additionalProperties: false
      maxProperties: 3
    rest: {type: object, properties: {}, additionalProperties: {type: integer}}
    bare: {type: object}
    some: {anyOf: [{type: string}, {minimum: 5}]}
    one: {oneOf: [{type: integer}, {type: number}]}
    all: {allOf: [{minimum: 5}, {maximum: 6}]}
    but: {not: {type: string}}
    mail: {type: string, format: email}
  additionalProperties: false
needed:
  params:
    level: {type: integer, default: 3}
  required: [level]
open:
  params:
    level: {type: integer}
rest:
  params:
    level: {type: integer}
  additionalProperties: {type: string}
unfit:
  params:
    level: {type: integer, default: high}
half:
  params:
    opts: {type: object, properties: {a: {default: 1}, b: {type: string}}, required: [b]}
`

// TestParamsAreCheckedAsByJuju says what is wrong with what users give to
// actions, and asks Juju's own code whether it runs them.
func TestParamsAreCheckedAsByJuju(t *testing.T) {
	meta, err := model.LoadMetadata(fstest.MapFS{
		"metadata.yaml": {Data: []byte("name: web\n")},
		"actions.yaml":  {Data: []byte(schemaActions)},
	})
	require.NoError(t, err)
	cases := []struct{ action, params, told, later string }{ // later: with Juju 4, when that is another
		{"backup", `{"level": 3, "to": "s3", "name": "aö", "ratio": 0.5, "step": 10, "size": null, "tags": ["a", "b"], "pair": ["a", 1]}`, "", ""},
		{"backup", `{"opts": {"x-y": "z", "inner": {"port": 80}}, "rest": {"a": 1}, "some": 7, "one": 1.5, "all": 5, "but": 1, "mail": "x"}`, "", ""},
		{"backup", `{"level": 3.0, "size": 2, "pair": ["a"], "open": ["a", 1, 2]}`, "", ""},
		{"backup", `{"pair": [1]}`, "", ""}, // Juju looks at pairs alone
		{"backup", `{"level": "3"}`, `the parameter "level" must be of type integer, it is "3"`, ""},
		{"backup", `{"level": 3.5}`, `the parameter "level" must be of type integer, it is 3.5`, ""},
		{"backup", `{"level": null}`, `the parameter "level" must be of type integer, it is null`, ""},
		{"backup", `{"level": 0}`, `the parameter "level" must be at least 1, it is 0`, ""},
		{"backup", `{"level": 10}`, `the parameter "level" must be at most 9, it is 10`, ""},
		{"backup", `{"to": "d"}`, `the parameter "to" must be "disk" or "s3" or "tape", it is "d"`, ""},
		{"backup", `{"name": "ö"}`, `the parameter "name" must have at least 2 character(s), it is "ö"`, ""},
		{"backup", `{"name": "abcde"}`, `the parameter "name" must have at most 4 character(s), it is "abcde"`, ""},
		{"backup", `{"name": "a1"}`, `the parameter "name" must match ^[a-zö]*$, it is "a1"`, ""},
		{"backup", `{"ratio": 0}`, `the parameter "ratio" must be more than 0, it is 0`, ""},
		{"backup", `{"ratio": 1}`, `the parameter "ratio" must be less than 1, it is 1`, ""},
		{"backup", `{"step": 7}`, `the parameter "step" must be a multiple of 5, it is 7`, ""},
		{"backup", `{"size": 3}`, `the parameter "size" must be 1 or 2 or null, it is 3`, ""},
		{"backup", `{"size": "a"}`, `the parameter "size" must be of type integer or null, it is "a"`, ""},
		{"backup", `{"tags": "a"}`, `the parameter "tags" must be of type array, it is "a"`, ""},
		{"backup", `{"tags": []}`, `the parameter "tags" must have at least 1 item(s), it is []`, ""},
		{"backup", `{"tags": ["a", "b", "c"]}`, `the parameter "tags" must have at most 2 item(s), it is ["a","b","c"]`, ""},
		{"backup", `{"tags": ["a", "a"]}`, `the parameter "tags" must have every item once, it is ["a","a"]`, ""},
		{"backup", `{"tags": ["a", 1]}`, `the parameter "tags[1]" must be of type string, it is 1`, ""},
		{"backup", `{"pair": [1, 1]}`, `the parameter "pair[0]" must be of type string, it is 1`, ""},
		{"backup", `{"pair": ["a", 1, 2]}`, `the parameter "pair" must have at most 2 item(s), it is ["a",1,2]`, ""},
		{"backup", `{"open": ["a", "b"]}`, `the parameter "open[1]" must be of type integer, it is "b"`, ""},
		{"backup", `{"opts": {"deep": "yes"}}`, `the parameter "opts.deep" must be of type boolean, it is "yes"`, ""},
		{"backup", `{"opts": {"inner": {}}}`, `the parameter "opts.inner.port" is required`, ""},
		{"backup", `{"opts": {"inner": {"port": 65536}}}`, `the parameter "opts.inner.port" must be at most 65535, it is 65536`, ""},
		{"backup", `{"opts": {"dep": true}}`, `unknown parameter "opts.dep" (did you mean "deep"?)`, ""},
		{"backup", `{"opts": {"x-y": 1}}`, `the parameter "opts.x-y" must be of type string, it is 1`, ""},
		{"backup", `{"opts": {"x-a": "", "x-b": "", "x-c": "", "deep": true}}`, `the parameter "opts" must have at most 3 key(s), it is {"deep":true,"x-a":"","x-b":"","x-c":""}`, ""},
		{"backup", `{"rest": {"a": "b"}}`, `the parameter "rest.a" must be of type integer, it is "b"`, ""},
		{"backup", `{"bare": {"a": 1}}`, `the parameter "bare" is an object, and its schema has no properties: Juju takes none then (add "properties: {}")`, ""},
		{"backup", `{"some": 1}`, `the parameter "some" must fit a schema of anyOf, it is 1`, ""},
		{"backup", `{"one": 1}`, `the parameter "one" must fit one schema of oneOf (2 fit), it is 1`, ""},
		{"backup", `{"all": 7}`, `the parameter "all" must be at most 6, it is 7`, ""},
		{"backup", `{"but": "x"}`, `the parameter "but" must not fit the schema of not, it is "x"`, ""},
		{"backup", `{"levle": 1}`, `unknown parameter "levle" (did you mean "level"?)`, ""},
		{"backup", `{"level": 0, "to": "d"}`, "the parameter \"level\" must be at least 1, it is 0\nthe parameter \"to\" must be \"disk\" or \"s3\" or \"tape\", it is \"d\"", ""},
		{"needed", `{}`, `the parameter "level" is required`, ""}, // a default does not help
		{"open", `{"x": 1}`, "", `unknown parameter "x": there are level`},
		{"rest", `{"x": "y"}`, "", ""},
		{"rest", `{"x": 1}`, `the parameter "x" must be of type string, it is 1`, ""},
		{"unfit", `{}`, `with the defaults of the schema: the parameter "level" must be of type integer, it is "high"`, "-"},
		{"half", `{}`, `with the defaults of the schema: the parameter "opts.b" is required`, "-"},
		{"open", `{"level": 9007199254740991}`, "", ""},
		{"open", `{"level": 9007199254740992}`, `the parameter "level" must be of type integer, it is 9007199254740992`, ""},
	}
	given := make([]peers.ActionParams, len(cases))
	for i, c := range cases {
		given[i] = peers.ActionParams{Actions: schemaActions, Action: c.action}
		require.NoError(t, json.Unmarshal([]byte(c.params), &given[i].Params))
	}
	check := func(i int, version, told string) (map[string]any, bool) {
		v, err := model.ParseVersion(version)
		require.NoError(t, err)
		params, err := meta.Actions[given[i].Action].QueuedParams(given[i].Params, v)
		if told == "" {
			assert.NoError(t, err, "%s %s, Juju %s", cases[i].action, cases[i].params, version)
		} else {
			assert.EqualError(t, err, told, "Juju %s", version)
		}
		return params, err == nil
	}
	outcomes := make([][2]map[string]any, len(cases))
	for i, c := range cases {
		later := c.later
		switch later {
		case "":
			later = c.told
		case "-":
			later = ""
		}
		if params, ok := check(i, "3.6.11", c.told); ok {
			outcomes[i][0] = params
		}
		if params, ok := check(i, "4.1.0", later); ok {
			outcomes[i][1] = params
		}
	}
	for i, verdict := range peers.QueueActions(t, given...) {
		for j, genuine := range []peers.ActionOutcome{verdict.Juju36, verdict.Juju41} {
			if outcomes[i][j] == nil {
				assert.NotEmpty(t, genuine.Error, "%s %s", cases[i].action, cases[i].params)
				continue
			}
			assert.Empty(t, genuine.Error, "%s %s", cases[i].action, cases[i].params)
			want, err := json.Marshal(genuine.Params)
			require.NoError(t, err)
			have, err := json.Marshal(outcomes[i][j])
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(have), "%s %s", cases[i].action, cases[i].params)
		}
	}
}
