package pebble_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parse[T pebble.Layer | pebble.Plan | pebble.Service | pebble.Check | pebble.LogTarget](t *testing.T, text string) *T {
	t.Helper()
	v, err := pebble.Parse[T]([]byte(text))
	require.NoError(t, err)
	return v
}

func TestLayerKeepsAllFields(t *testing.T) {
	const text = `summary: s
services:
    web:
        override: replace
        command: run
        environment:
            A: "1"
            B: ""
        user-id: 0
        group-id: 0
        kill-delay: 1m0s
        workload: w
checks:
    up:
        override: merge
        tcp:
            port: 80
            ttl: 3
pairing:
    mode: single
`
	layer := parse[pebble.Layer](t, text)
	got, err := pebble.ToYAML(layer)
	require.NoError(t, err)
	assert.Equal(t, text, got)

	fields, err := pebble.ToMap(layer)
	require.NoError(t, err)
	again, err := pebble.FromMap[pebble.Layer](fields)
	require.NoError(t, err)
	assert.True(t, layer.Equal(again))

	again.Services["web"].Environment["A"] = "2"
	*again.Services["web"].UserID = 7
	assert.False(t, layer.Equal(again))
	assert.Equal(t, "1", layer.Services["web"].Environment["A"])

	copied := layer.Copy()
	copied.Services["web"].Environment["A"] = "2"
	*copied.Services["web"].UserID = 7
	copied.Extra["pairing"].(map[string]any)["mode"] = "x"
	got, err = pebble.ToYAML(layer)
	require.NoError(t, err)
	assert.Equal(t, text, got, "a copy must share nothing")
}

// TestPlanOfANewerDaemon reads a plan with what this package does not know, and
// writes it back.
func TestPlanOfANewerDaemon(t *testing.T) {
	const text = `services:
    web:
        override: replace
        command: run
        sandbox:
            level: 3
checks:
    grpc:
        override: replace
        threshold: 3
        grpc:
            port: 80
    up:
        override: replace
        exec:
            command: "true"
            nice: -5
log-targets:
    t:
        type: kafka
        location: x
        override: replace
        topics:
            - a
workloads:
    w:
        override: replace
`
	var written string
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		answer := any(true)
		if r.Method == http.MethodGet {
			answer = text
		} else {
			var body struct{ Layer string }
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&body))
			written = body.Layer
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"type": "sync", "status-code": 200, "result": answer})
	})
	plan, err := client.Plan(t.Context())
	require.NoError(t, err)
	layer := &pebble.Layer{Services: plan.Services, Checks: plan.Checks, LogTargets: plan.LogTargets, Extra: plan.Extra}
	require.NoError(t, client.AddLayer(t.Context(), "back", layer, pebble.AddLayerOptions{}))
	assert.Equal(t, text, written)
	assert.True(t, plan.Has(layer))

	layer = layer.Copy()
	layer.Services["web"].Extra["sandbox"].(map[string]any)["level"] = 4
	assert.False(t, plan.Has(layer), "what is not known counts")
}

func TestEmptyLayer(t *testing.T) {
	for _, text := range []string{"", "{}", "null", "# nothing\n"} {
		got, err := pebble.ToYAML(parse[pebble.Layer](t, text))
		require.NoError(t, err)
		assert.Equal(t, "{}\n", got)
	}
}

func TestParseErrorsNameTheField(t *testing.T) {
	for text, want := range map[string]string{
		"services: {web: {kill-delay: 10}}":         `cannot parse layer: services.web.kill-delay: invalid duration "10"`,
		"services: {web: {after: x}}":               "cannot parse layer: services.web.after: line 1: cannot unmarshal !!str `x` into a list of strings",
		"checks:\n  up:\n    tcp:\n      port: abc": "cannot parse layer: checks.up.tcp.port: line 4: cannot unmarshal !!str `abc` into a number",
		"services: {web: {backoff-factor: x}}":      `cannot parse layer: services.web.backoff-factor: invalid floating-point number "x"`,
		"checks: {up: {period: soon}}":              `cannot parse layer: checks.up.period: invalid duration "soon"`,
		"checks: {up: {http: {headers: []}}}":       "cannot parse layer: checks.up.http.headers: line 1: cannot unmarshal !!seq into a map of strings",
		"checks: {up: {exec: {user-id: root}}}":     "cannot parse layer: checks.up.exec.user-id: line 1: cannot unmarshal !!str `root` into a number",
		"checks: {up: 3}":                           "cannot parse layer: checks.up: line 1: cannot unmarshal !!int `3` into a Check",
		"log-targets: {loki: {services: all}}":      "cannot parse layer: log-targets.loki.services: line 1: cannot unmarshal !!str `all` into a list of strings",
		"log-targets: {loki: {labels: {a: []}}}":    "cannot parse layer: log-targets.loki.labels.a: line 1: cannot unmarshal !!seq into a string",
		"log-targets: {loki: []}":                   "cannot parse layer: log-targets.loki: line 1: cannot unmarshal !!seq into a LogTarget",
		"services: {web: 3}":                        "cannot parse layer: services.web: line 1: cannot unmarshal !!int `3` into a Service",
		"services: {web: null}":                     `cannot parse layer: service object cannot be null for service "web"`,
		"[]":                                        "cannot parse layer: line 1: cannot unmarshal !!seq into a Layer",
		"services: {":                               "cannot parse layer: line 1: did not find expected node content",
	} {
		_, err := pebble.Parse[pebble.Layer]([]byte(text))
		assert.EqualError(t, err, want, text)
	}
}

func TestEqualByMeaning(t *testing.T) {
	for _, pair := range [][2]string{
		{"kill-delay: 60s", "kill-delay: 1m0s"},
		{"", "kill-delay: 5s"},
		{"", "startup: disabled"},
		{"", "backoff-factor: 2"},
		{"", "on-failure: restart"},
		{"environment: {}", "after: []"},
		{"environment: {A: 1}", "environment: {A: '1'}"},
	} {
		assert.True(t, parse[pebble.Service](t, pair[0]).Equal(parse[pebble.Service](t, pair[1])), "%q", pair)
	}
	for _, pair := range [][2]string{
		{"", "user-id: 0"}, {"", "startup: enabled"}, {"", "extra: 1"}, {"after: [a, b]", "after: [b, a]"},
		{"override: merge", "override: replace"}, {"", "kill-delay: 0s"}, {"", "environment: {A: ''}"},
	} {
		assert.False(t, parse[pebble.Service](t, pair[0]).Equal(parse[pebble.Service](t, pair[1])), "%q", pair)
	}
	for _, pair := range [][2]string{
		{"", "threshold: 3"}, {"period: 60s", "period: 1m"}, {"", "startup: enabled"}, {"", "{period: 10s, timeout: 3s}"},
		{"{period: 5s, timeout: 7s}", "{period: 5s, timeout: 5s}"}, {"http: {url: x}", "http: {url: x, headers: {}}"},
	} {
		assert.True(t, parse[pebble.Check](t, pair[0]).Equal(parse[pebble.Check](t, pair[1])), "%q", pair)
	}
	assert.False(t, parse[pebble.Check](t, "threshold: 4").Equal(parse[pebble.Check](t, "")))
	assert.False(t, parse[pebble.Check](t, "http: {url: x}").Equal(parse[pebble.Check](t, "")))
	assert.True(t, parse[pebble.LogTarget](t, "services: []").Equal(parse[pebble.LogTarget](t, "labels: {}")))
}

func TestPlanHas(t *testing.T) {
	plan := parse[pebble.Plan](t, `
services: {web: {override: replace, command: run, kill-delay: 1m0s, after: [db], environment: {A: a}}}
checks: {up: {override: replace, threshold: 3, tcp: {port: 80}}}
log-targets: {loki: {override: replace, type: loki, location: x, services: [all]}}
`)
	for text, want := range map[string]bool{
		"": true,
		"services: {web: {override: replace, command: run, kill-delay: 60s, after: [db], environment: {A: a}}}": true,
		"services: {web: {override: merge, after: [db], kill-delay: 60s}}":                                      true,
		"services: {web: {override: replace, command: run}}":                                                    false,
		"services: {web: {override: merge, after: [cache]}}":                                                    false,
		"services: {other: {override: merge, command: run}}":                                                    false,
		"checks: {up: {override: replace, period: 10s, tcp: {port: 80}}}":                                       true,
		"checks: {up: {override: merge, tcp: {port: 81}}}":                                                      false,
		"log-targets: {loki: {override: merge, services: [all]}}":                                               true,
		"log-targets: {loki: {override: merge, labels: {a: b}}}":                                                false,
	} {
		assert.Equal(t, want, plan.Has(parse[pebble.Layer](t, text)), text)
	}
}

func TestPlanOrder(t *testing.T) {
	plan := parse[pebble.Plan](t, `
services:
  a: {command: x, requires: [b], after: [b]}
  b: {command: x}
  c: {command: x}
  d: {command: x, requires: [a], after: [a]}
`)
	start, err := plan.StartOrder([]string{"d", "c"})
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "a", "d", "c"}, start)
	stop, err := plan.StopOrder([]string{"b"})
	require.NoError(t, err)
	assert.Equal(t, []string{"d", "a", "b"}, stop)
	_, err = plan.StartOrder([]string{"x"})
	assert.EqualError(t, err, `service "x" does not exist`)
}
