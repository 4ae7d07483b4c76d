package pebble_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

func asError(err error) *pebble.Error {
	var e *pebble.Error
	errors.As(err, &e)
	return e
}

func conformanceCases() []conformanceCase {
	var cases []conformanceCase
	for _, group := range [][]conformanceCase{
		systemCases(), layerCases(), mergeCases(), serviceCases(), changeCases(),
		checkCases(), noticeCases(), readCases(), writeCases(), dirCases(), execCases(), execSocketCases(), logCases(), ensureCases(), copyCases(), identityCases(), metricsCases(), refreshCases(), planCases(), linkCases(),
	} {
		cases = append(cases, group...)
	}
	return cases
}

// gets makes a case of one GET each, after setup.
func gets(group string, setup func(w *world), paths ...string) []conformanceCase {
	var cases []conformanceCase
	for i, path := range paths {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("%s/get-%02d", group, i+1), run: func(w *world) {
			if setup != nil {
				setup(w)
			}
			w.get(path)
		}})
	}
	return cases
}

// posts makes a case of one POST each, after setup.
func posts(group, path string, setup func(w *world), bodies ...string) []conformanceCase {
	var cases []conformanceCase
	for i, body := range bodies {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("%s/post-%02d", group, i+1), run: func(w *world) {
			if setup != nil {
				setup(w)
			}
			w.post(path, body)
		}})
	}
	return cases
}

func systemCases() []conformanceCase {
	return append(gets("system", nil,
		"/v1/system-info", "/v1/nope", "/", "/v1/layers", "/v1/signals", "/v1/services/web", "/v1/health", "/v1/health?level=x"),
		conformanceCase{name: "system/methods", run: func(w *world) {
			w.raw("PUT", "/v1/services", "{}")
			w.raw("DELETE", "/v1/system-info", "")
			w.post("/v1/system-info", "{}")
			w.post("/v1/plan", "{}")
			w.post("/v1/health", "{}")
			w.post("/v1/changes", "{}")
		}},
		conformanceCase{name: "system/client", run: func(w *world) {
			info, err := w.client.SystemInfo(context.Background())
			w.result("system-info", info, err)
			healthy, err := w.client.Health(context.Background(), pebble.HealthOptions{Level: pebble.LevelReady})
			w.result("health", healthy, err)
		}},
	)
}

func layerCases() []conformanceCase {
	var cases []conformanceCase
	for i, text := range []string{
		"", "{}", "null", "[]", "a", "\t", "a: 1", "summary: []", "summary: a\ndescription: b", "---\nsummary: a\n---\nsummary: b\n",
		"services: 3", "services: {a: 3}", "services: {a: null}", "services: {a: {}}", "services: {}", "services:",
		"services: {x: {override: replace}}", "services: {x: {override: foo}}", "services: {x: {override: replace, command: ''}}",
		"services:\n  x:\n    override: replace\n    command: a\n    bogus: 1\n    other: 2\n",
		"services: {x: {override: replace, command: 'a \"b'}}", "services: {x: {override: replace, command: \"a 'b\"}}", `services: {x: {override: replace, command: 'a b\'}}`,
		"services: {x: {override: replace, command: 'a [ b ] c'}}", "services: {x: {override: replace, command: 'a [ b'}}",
		"services: {x: {override: replace, command: '[ b ]'}}", "services: {x: {override: replace, command: 'a ] b'}}", "services: {x: {override: replace, command: 'a [ b [ c ] ]'}}",
		"services: {x: {override: replace, command: a, startup: foo}}", "services: {x: {override: replace, command: a, startup: true}}",
		"services: {x: {override: replace, command: a, on-success: foo}}", "services: {x: {override: replace, command: a, on-failure: foo}}",
		"services: {x: {override: replace, command: a, on-success: failure-shutdown, on-failure: success-shutdown}}",
		"services: {x: {override: replace, command: a, on-success: success-shutdown}}", "services: {x: {override: replace, command: a, on-failure: failure-shutdown}}",
		"services: {x: {override: replace, command: a, on-check-failure: {c: foo}}}", "services: {x: {override: replace, command: a, on-check-failure: {c: failure-shutdown}}}",
		"services: {x: {override: replace, command: a, backoff-delay: 10}}", "services: {x: {override: replace, command: a, backoff-delay: abc}}",
		"services: {x: {override: replace, command: a, backoff-delay: []}}", "services: {x: {override: replace, command: a, backoff-delay: 0s, kill-delay: -1s}}",
		"services: {x: {override: replace, command: a, backoff-factor: 0.5}}", "services: {x: {override: replace, command: a, backoff-factor: abc}}", "services: {x: {override: replace, command: a, backoff-factor: 3}}",
		"services: {x: {override: replace, command: a, user-id: abc}}", "services: {x: {override: replace, command: a, user-id: 0, group-id: 0}}",
		"services: {x: {override: replace, command: a, after: abc}}", "services: {x: {override: replace, command: a, environment: []}}",
		"services: {x: {override: replace, command: a, environment: {a: []}}}", "services: {x: {override: replace, command: a, environment: {a: 1, b: true, c: null, d: 1.50}}}",
		"services: {x: {override: replace, command: a, after: [x]}}", "services: {x: {override: replace, command: a, after: [nope]}}", "services: {x: {override: replace, command: a, requires: [nope]}}",
		"services: {x: {override: replace, command: a, after: [y]}, y: {override: replace, command: a, after: [x]}}",
		"services: {x: {override: replace, command: a, before: [y]}, y: {override: replace, command: a, before: [x]}, z: {override: replace, command: a}}",
		"services: {pebble: {override: replace, command: a}}", "services: {-x: {override: replace, command: a}}", "services: {'': {override: replace, command: a}}",
		"services: {x: {override: replace, command: a}\n", "services: {x: {override: replace, command: a}, x: {override: replace, command: a}}",
		"checks: {x: {override: replace}}", "checks: {x: null}", "checks: {x: {}}", "checks: {x: {override: foo, exec: {command: a}}}",
		"checks: {x: {override: replace, exec: {command: ''}}}", "checks: {x: {override: replace, exec: {}}}", "checks: {x: {override: replace, tcp: {}}}",
		"checks: {x: {override: replace, startup: disabled, tcp: {port: 70000}}}", "checks: {x: {override: replace, tcp: {port: abc}}}", "checks: {x: {override: replace, http: {}}}",
		"checks: {x: {override: replace, http: {url: 'http://x'}, tcp: {port: 1}}}", "checks: {x: {override: replace, level: foo, tcp: {port: 1}}}",
		"checks: {x: {override: replace, startup: foo, tcp: {port: 1}}}", "checks: {x: {override: replace, period: 0s, tcp: {port: 1}}}",
		"checks: {x: {override: replace, timeout: 0s, tcp: {port: 1}}}", "checks: {x: {override: replace, startup: disabled, threshold: -1, tcp: {port: 1}}}",
		"checks: {x: {override: replace, startup: disabled, threshold: 0, tcp: {port: 1}}}", "checks: {x: {override: replace, period: foo, tcp: {port: 1}}}",
		"checks: {x: {override: replace, bogus: foo, tcp: {port: 1}}}", "checks: {x: {override: replace, tcp: {port: 1, bogus: 1}}}",
		"checks: {x: {override: replace, exec: {command: a, service-context: nope}}}", "checks: {x: {override: replace, exec: {command: 'a \"b'}}}",
		"checks: {x: {override: replace, startup: disabled, period: 5s, timeout: 7s, tcp: {port: 1}}}", "checks: {x: {override: replace, startup: disabled, timeout: 20s, tcp: {port: 1}}}", "checks: {x: {override: replace, startup: disabled, period: 1s, tcp: {port: 1}}}",
		"checks: {x: {override: replace, startup: disabled, tcp: {port: 1}, http: null}}", "checks: {'': {override: replace, tcp: {port: 1}}}",
		"log-targets: {x: {}}", "log-targets: {x: null}", "log-targets: {x: {override: replace}}", "log-targets: {x: {override: replace, type: foo, location: a}}",
		"log-targets: {x: {override: replace, type: loki}}", "log-targets: {x: {override: replace, type: loki, location: a, services: [nope]}}", "log-targets: {x: {override: replace, type: loki, location: a, services: [all, -nope]}}",
		"log-targets: {x: {override: replace, type: loki, location: a, labels: {pebble_x: b}}}", "log-targets: {x: {override: foo, type: loki, location: a}}",
		"workloads: {}", "pairing: {}",
	} {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("layer/%02d", i+1), run: func(w *world) {
			w.layer("one", text, false)
			w.get("/v1/plan?format=yaml")
		}})
	}
	cases = append(cases, posts("layer", "/v1/layers", nil,
		`{}`, `{"action":"add"}`, `{"action":"foo"}`, `{"action":"add","label":"x"}`, `{"action":"add","label":"x","format":"json"}`,
		`{"action":"add","label":"x","format":"yaml"}`, `{"action":"add","label":3}`, ``, `{`, `null`,
		`{"action":"add","label":"pebble-x","format":"yaml","layer":""}`, `{"action":"add","label":"x","format":"yaml","layer":null,"other":1}`)...)
	cases = append(cases, gets("plan", nil, "/v1/plan", "/v1/plan?format=json", "/v1/plan?format=yaml")...)
	return cases
}

const fullLayer = `
services:
  b:
    summary: ss
    description: dd
    startup: enabled
    override: replace
    command: sleep 100
    before: [a]
    requires: [a]
    environment: {B: 1, A: true, C: null, D: "off"}
    user-id: 0
    user: root
    group-id: 0
    group: root
    working-dir: /tmp
    on-success: shutdown
    on-failure: ignore
    on-check-failure: {c1: restart}
    backoff-delay: 1500ms
    backoff-factor: 1.5
    backoff-limit: 60s
    kill-delay: 90s
  a: {override: merge, command: "sleep 1"}
checks:
  c1: {override: replace, level: ready, startup: disabled, period: 60s, timeout: 90s, threshold: 5, http: {url: "http://localhost:1/", headers: {X: y}}}
  c2: {override: replace, level: alive, startup: disabled, tcp: {port: 80, host: h}}
  c3: {override: replace, startup: disabled, exec: {command: "true", service-context: b, environment: {A: 1}, user: root, user-id: 0, group: root, group-id: 0, working-dir: /}}
log-targets:
  t: {override: replace, type: loki, location: "http://localhost:1", services: [-all], labels: {a: b}}
`

func mergeCases() []conformanceCase {
	pairs := []struct{ name, base, newer string }{
		{"scalars", "services: {x: {override: replace, command: a, summary: s, startup: enabled, user: root}}", "services: {x: {override: merge, command: b, description: d, startup: disabled}}"},
		{"empty-scalars", "services: {x: {override: replace, command: a, startup: enabled}}", "services: {x: {override: merge, command: '', startup: ''}}"},
		{"replace", "services: {x: {override: merge, command: a, summary: s}}", "services: {x: {override: replace, command: b}}"},
		{"lists", "services: {a: {override: replace, command: a}, x: {override: replace, command: a, after: [a], requires: [a]}}", "services: {x: {override: merge, after: [a, b], requires: [a], before: [c]}}"},
		{"maps", "services: {x: {override: replace, command: a, environment: {A: 1, B: 2}, on-check-failure: {c: restart}}}", "services: {x: {override: merge, environment: {B: 3, C: ''}, on-check-failure: {d: ignore}}}"},
		{"user-id-zero", "services: {x: {override: replace, command: a, user-id: 5, group-id: 6}}", "services: {x: {override: merge, user-id: 0, group-id: 0}}"},
		{"durations", "services: {x: {override: replace, command: a, kill-delay: 10s, backoff-delay: 1s, backoff-factor: 3}}", "services: {x: {override: merge, kill-delay: 0s, backoff-limit: 90s, backoff-factor: 1}}"},
		{"absent", "services: {x: {override: replace, command: a}}", "services: {y: {override: merge, command: b}}"},
		{"no-command", "services: {x: {override: replace, command: a}}", "services: {x: {override: replace}}"},
		{"check", "checks: {x: {override: replace, startup: disabled, period: 20s, http: {url: 'http://a', headers: {A: b}}}}", "checks: {x: {override: merge, level: ready, threshold: 7, timeout: 30s, http: {headers: {C: d}}}}"},
		{"check-two-kinds", "checks: {x: {override: replace, startup: disabled, tcp: {port: 1}}}", "checks: {x: {override: merge, exec: {command: a}}}"},
		{"check-tcp", "checks: {x: {override: replace, startup: disabled, tcp: {port: 1}}}", "checks: {x: {override: merge, tcp: {host: h}}}"},
		{"check-exec", "checks: {x: {override: replace, startup: disabled, exec: {command: a, environment: {A: b}, user-id: 5, group-id: 5}}}", "checks: {x: {override: merge, exec: {environment: {C: d}, working-dir: /, user-id: 0}}}"},
		{"target", "log-targets: {x: {override: replace, type: loki, location: 'http://localhost:1', services: [-all], labels: {a: b}}}", "log-targets: {x: {override: merge, services: [-all], labels: {c: d}}}"},
		{"target-type", "log-targets: {x: {override: replace, type: loki, location: 'http://localhost:1', services: [-all]}}", "log-targets: {x: {override: merge, type: syslog, location: 'udp://localhost:1'}}"},
		{"loop", "services: {x: {override: replace, command: a, after: [y]}, y: {override: replace, command: a}}", "services: {y: {override: merge, after: [x]}}"},
	}
	var cases []conformanceCase
	for _, pair := range pairs {
		cases = append(cases,
			conformanceCase{name: "merge/two-layers-" + pair.name, run: func(w *world) {
				w.layer("one", pair.base, false)
				w.layer("two", pair.newer, false)
				w.plan()
			}},
			conformanceCase{name: "merge/one-layer-" + pair.name, run: func(w *world) {
				w.layer("one", pair.base, false)
				w.layer("one", pair.newer, true)
				w.plan()
			}})
	}
	return append(cases,
		conformanceCase{name: "merge/full", run: func(w *world) {
			w.layer("one", fullLayer, false)
			w.get("/v1/plan?format=yaml")
			w.layer("one", fullLayer, true)
			w.get("/v1/plan?format=yaml")
		}},
		conformanceCase{name: "merge/position", run: func(w *world) {
			w.layer("one", "services: {x: {override: replace, command: a}}", false)
			w.layer("two", "services: {x: {override: merge, command: b}}", false)
			w.layer("one", "services: {x: {override: merge, command: c, summary: s}}", true)
			w.plan()
			w.layer("one", "services: {x: {override: replace, command: d}}", false)
			w.layer("three", "services: {x: {override: merge, command: e}}", true)
			w.plan()
		}},
		conformanceCase{name: "merge/repeated", run: func(w *world) {
			for range 3 {
				w.layer("one", "services: {x: {override: merge, command: a, after: [y]}}", true)
			}
			w.plan()
		}},
		conformanceCase{name: "merge/refused-layer-changes-nothing", run: func(w *world) {
			w.layer("one", "services: {x: {override: replace, command: a}}", false)
			w.layer("one", "services: {x: {override: merge, command: b}, y: {override: replace}}", true)
			w.layer("two", "services: {z: {override: replace}}", false)
			w.plan()
			w.layer("two", "services: {z: {override: replace, command: c}}", false)
			w.plan()
		}},
	)
}

const abcLayer = `
services:
  a: {override: replace, command: sleep 100, startup: enabled}
  b: {override: replace, command: sleep 100, requires: [a], after: [a]}
  c: {override: replace, command: sleep 100, startup: enabled}
`

func abc(w *world) { w.layer("base", abcLayer, false) }

func serviceCases() []conformanceCase {
	cases := posts("services", "/v1/services", nil,
		`{"action":"replan"}`, `{"action":"autostart"}`, `{"action":"start"}`, `{"action":"stop","services":[]}`, `{"action":"restart"}`,
		`{"action":"start","services":["x"]}`, `{"action":"stop","services":["x","x"]}`, `{"action":"restart","services":["x"]}`,
		`{"action":"replan","services":["x"]}`, `{"action":"autostart","services":["x"]}`, `{"action":"foo","services":["x"]}`, `{"action":"foo"}`, `{}`, `{`, ``, `{"action":3}`)
	cases = append(cases, gets("services", abc, "/v1/services", "/v1/services?names=a", "/v1/services?names=a,c&names=b,nope", "/v1/services?names=", "/v1/services?names=nope", "/v1/services?names=%20a%20,")...)
	cases = append(cases, posts("signals", "/v1/signals", abc,
		`{}`, `{"signal":"SIGHUP"}`, `{"signal":"SIGHUP","services":["a"]}`, `{"signal":"foo","services":["a","b"]}`, `{"signal":"SIGHUP","services":["nope"]}`, ``)...)
	run := func(name string, steps ...[]string) {
		cases = append(cases, conformanceCase{name: "services/" + name, run: func(w *world) {
			abc(w)
			for _, step := range steps {
				if step[0] == "layer" {
					w.layer("more", step[1], true)
					continue
				}
				w.change(step[0], step[1:]...)
			}
		}})
	}
	run("autostart", []string{"autostart"}, []string{"autostart"})
	run("replan", []string{"replan"}, []string{"replan"})
	run("start-required", []string{"start", "b"}, []string{"start", "b", "a", "a"})
	run("start-unknown", []string{"start", "nope", "a"})
	run("start-several", []string{"start", "c", "a"})
	run("stop-never-started", []string{"stop", "a"})
	run("stop-dependents", []string{"start", "b"}, []string{"stop", "a"}, []string{"stop", "a"})
	run("stop-one", []string{"start", "b"}, []string{"stop", "b"})
	run("restart-stopped", []string{"restart", "a"})
	run("restart-running", []string{"start", "b"}, []string{"restart", "a"})
	run("restart-dependent", []string{"start", "b"}, []string{"restart", "b"})
	run("restart-several", []string{"start", "b", "c"}, []string{"restart", "c", "a", "b"})
	run("replan-changed", []string{"autostart"}, []string{"layer", "services: {a: {override: merge, environment: {A: b}}}"}, []string{"replan"}, []string{"replan"})
	run("replan-summary", []string{"start", "c"}, []string{"layer", "services: {c: {override: merge, summary: s}}"}, []string{"replan"})
	run("replan-changed-dependency", []string{"start", "b"}, []string{"layer", "services: {a: {override: merge, environment: {A: b}}}"}, []string{"replan"})
	run("replan-stopped-disabled", []string{"start", "b"}, []string{"stop", "b"}, []string{"layer", "services: {b: {override: merge, summary: s}}"}, []string{"replan"})
	run("replan-stopped-unchanged", []string{"start", "b"}, []string{"stop", "b"}, []string{"replan"})
	run("replan-stopped-enabled", []string{"start", "c"}, []string{"stop", "c"}, []string{"replan"})
	run("replan-disabled-later", []string{"start", "c"}, []string{"layer", "services: {c: {override: merge, startup: disabled}}"}, []string{"replan"})
	run("replan-never-started", []string{"layer", "services: {b: {override: merge, summary: s}}"}, []string{"replan"})
	run("start-changed", []string{"start", "c"}, []string{"layer", "services: {c: {override: merge, environment: {A: b}}}"}, []string{"start", "c"}, []string{"replan"})
	for _, failure := range []struct {
		name, fields string
		code         int
	}{{"restarts", "", 3}, {"ignored", ", on-failure: ignore", 1}, {"success", "", 0}, {"success-ignored", ", on-success: ignore", 0}} {
		cases = append(cases, conformanceCase{name: "services/exits-" + failure.name, failing: map[string]int{"bad": failure.code}, run: func(w *world) {
			abc(w)
			w.layer("bad", fmt.Sprintf(`services:
  bad: {override: replace, command: "sh -c 'exit %d'", backoff-delay: 1h%s}
  user: {override: replace, command: sleep 100, requires: [bad], after: [bad]}
`, failure.code, failure.fields), false)
			w.change("start", "bad")
			_, err := w.client.Start(context.Background(), []string{"user", "c"}, pebble.WaitOptions{})
			w.result("start user c", nil, err)
			w.get("/v1/changes/2")
			w.services()
			w.change("stop", "bad")
			w.change("stop", "bad")
			w.change("restart", "bad")
		}})
	}
	for _, lines := range []int{2, 30} {
		logs := make([]*pebbletest.Log, lines)
		for i := range logs {
			logs[i] = &pebbletest.Log{Service: "bad", Message: fmt.Sprint("line ", i+1)}
		}
		cases = append(cases, conformanceCase{name: fmt.Sprintf("services/exits-after-%d-lines", lines), failing: map[string]int{"bad": 3}, logs: logs, run: func(w *world) {
			w.layer("bad", fmt.Sprintf(`services:
  bad: {override: replace, command: "sh -c 'for i in $(seq %d); do echo line $i; done; exit 3'", backoff-delay: 1h}
`, lines), false)
			w.change("start", "bad")
		}})
	}
	run("same-by-meaning", []string{"layer", "services: {c: {override: merge, kill-delay: 60s}}"}, []string{"start", "c"}, []string{"layer", "services: {c: {override: merge, kill-delay: 1m0s}}"}, []string{"replan"})
	cases = append(cases, conformanceCase{name: "services/kill-delay", run: func(w *world) {
		w.layer("one", `services: {stubborn: {override: replace, kill-delay: 300ms, command: "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'"}}`, false)
		w.change("start", "stubborn")
		w.change("stop", "stubborn")
	}})
	cases = append(cases, conformanceCase{name: "services/signal", run: func(w *world) {
		ctx := context.Background()
		abc(w)
		w.change("start", "a", "c")
		w.change("stop", "c")
		w.result("signal a", nil, w.client.SendSignal(ctx, "SIGCONT", []string{"a"}))
		w.result("signal b c", nil, w.client.SendSignal(ctx, "SIGCONT", []string{"b", "c", "a"}))
		w.result("signal 1", nil, w.client.SendSignal(ctx, "1", []string{"a"}))
		w.result("signal HUP", nil, w.client.SendSignal(ctx, "HUP", []string{"a", "b"}))
		w.result("signal none", nil, w.client.SendSignal(ctx, "SIGHUP", nil))
	}})
	return cases
}

func changeCases() []conformanceCase {
	oneChange := func(w *world) { w.change("replan") }
	cases := gets("changes", oneChange, "/v1/changes", "/v1/changes?select=all", "/v1/changes?select=ready", "/v1/changes?select=foo",
		"/v1/changes?select=all&for=x", "/v1/changes/1", "/v1/changes/99", "/v1/changes/x%2Fy", "/v1/changes/1/wait", "/v1/changes/99/wait", "/v1/changes/1/wait?timeout=x", "/v1/changes/1/wait?timeout=10",
		"/v1/changes/1/wait?timeout=1ms", "/v1/changes/1/nope", "/v1/changes/")
	cases = append(cases, posts("changes", "/v1/changes/1", oneChange, `{"action":"abort"}`, `{"action":"x"}`, `{}`, `{`)...)
	cases = append(cases, posts("changes/unknown", "/v1/changes/99", nil, `{"action":"abort"}`)...)
	return append(cases, conformanceCase{name: "changes/for-service", run: func(w *world) {
		abc(w)
		w.change("start", "b")
		w.change("stop", "b")
		w.change("start", "c")
		for _, service := range []string{"a", "b", "c", "nope"} {
			changes, err := w.client.Changes(context.Background(), pebble.ChangesOptions{Select: pebble.SelectAll, Service: service})
			if err != nil {
				w.result("changes", nil, err)
			}
			for _, change := range changes {
				w.note("%s: %s %s %v", service, change.ID, change.Summary, change.Ready)
			}
		}
		changes, err := w.client.Changes(context.Background(), pebble.ChangesOptions{})
		w.result("in progress", len(changes), err)
		_, err = w.client.WaitChange(context.Background(), "99", pebble.WaitOptions{Timeout: time.Second})
		w.result("wait 99", nil, err)
		_, err = w.client.AbortChange(context.Background(), "1")
		w.result("abort 1", nil, err)
	}})
}

const checksLayer = `
checks:
  a: {override: replace, level: alive, period: 1h, exec: {command: "true"}}
  b: {override: replace, level: ready, startup: disabled, exec: {command: "true"}}
  c: {override: replace, threshold: 7, period: 1h, exec: {command: "true"}}
`

func withChecks(w *world) { w.layer("checks", checksLayer, false) }

func (w *world) checks() {
	infos, err := w.client.Checks(context.Background(), pebble.ChecksOptions{})
	w.result("checks", infos, err)
}

func checkCases() []conformanceCase {
	cases := gets("checks", withChecks, "/v1/checks", "/v1/checks?level=alive", "/v1/checks?level=ready", "/v1/checks?level=x", "/v1/checks?level=",
		"/v1/checks?names=c,a&names=zz", "/v1/checks?names=zz", "/v1/checks?names=a&level=ready",
		"/v1/health", "/v1/health?level=alive", "/v1/health?level=ready", "/v1/health?names=zz", "/v1/health?names=a,b")
	cases = append(cases, posts("checks", "/v1/checks", withChecks,
		`{"action":"start"}`, `{"action":"stop","checks":[]}`, `{"action":"foo","checks":["a"]}`, `{"action":"foo"}`, `{"action":"start","checks":["a","zz","yy"]}`, `{"action":"stop","checks":["b","zz"]}`,
		`{"action":"start","checks":["b","a","b"]}`, `{"action":"stop","checks":["c","b","a"]}`, `{}`, `{`)...)
	return append(cases,
		conformanceCase{name: "checks/start-stop", run: func(w *world) {
			ctx := context.Background()
			withChecks(w)
			for _, step := range []struct {
				name string
				do   func(context.Context, []string) ([]string, error)
				to   []string
			}{
				{"start", w.client.StartChecks, []string{"b"}}, {"start", w.client.StartChecks, []string{"b"}},
				{"stop", w.client.StopChecks, []string{"c", "a"}}, {"stop", w.client.StopChecks, []string{"c"}},
				{"stop", w.client.StopChecks, []string{"zz", "b"}}, {"start", w.client.StartChecks, []string{"c", "a", "b"}},
			} {
				changed, err := step.do(ctx, step.to)
				w.result(step.name+" "+strings.Join(step.to, " "), changed, err)
				w.checks()
			}
		}},
		conformanceCase{name: "checks/replan", run: func(w *world) {
			withChecks(w)
			_, err := w.client.StopChecks(context.Background(), []string{"a", "c"})
			w.result("stop", nil, err)
			w.change("replan")
			w.checks()
		}},
		conformanceCase{name: "checks/changed", run: func(w *world) {
			withChecks(w)
			w.layer("checks", "checks: {a: {override: merge, threshold: 4}}", true)
			w.checks()
			w.layer("checks", "checks: {a: {override: merge, threshold: 4}}", true)
			w.checks()
			w.layer("checks", "checks: {b: {override: merge, threshold: 4}}", true)
			w.checks()
			w.layer("checks", "checks: {b: {override: merge, startup: enabled}}", true)
			w.checks()
		}},
		conformanceCase{name: "checks/disabled-later", run: func(w *world) {
			withChecks(w)
			w.layer("checks", "checks: {c: {override: merge, startup: disabled}}", true)
			w.checks()
			w.layer("checks", "checks: {c: {override: merge, startup: enabled}}", true)
			w.checks()
		}},
		conformanceCase{name: "checks/changed-while-stopped", run: func(w *world) {
			withChecks(w)
			_, err := w.client.StopChecks(context.Background(), []string{"a"})
			w.result("stop", nil, err)
			w.layer("checks", "checks: {a: {override: merge, threshold: 4}}", true)
			w.checks()
		}},
		conformanceCase{name: "checks/stopped-and-another-layer", run: func(w *world) {
			withChecks(w)
			_, err := w.client.StartChecks(context.Background(), []string{"b"})
			w.result("start", nil, err)
			_, err = w.client.StopChecks(context.Background(), []string{"a", "b"})
			w.result("stop", nil, err)
			w.layer("other", "services: {s: {override: replace, command: a}}", false)
			w.checks()
		}},
		conformanceCase{name: "checks/kinds", run: func(w *world) {
			w.layer("checks", "checks: {h: {override: replace, period: 1h, http: {url: 'http://localhost:1'}}, t: {override: replace, period: 1h, tcp: {port: 1}}}", false)
			changes, err := w.client.Changes(context.Background(), pebble.ChangesOptions{})
			if err != nil {
				w.result("changes", nil, err)
			}
			slices.SortFunc(changes, func(a, b *pebble.Change) int { return strings.Compare(a.Summary, b.Summary) })
			for _, change := range changes {
				w.note("%s %s %v %d", change.Kind, change.Summary, change.Ready, len(change.Tasks))
			}
			_, err = w.client.StopChecks(context.Background(), []string{"h"})
			w.result("stop", nil, err)
			for i := range 2 {
				change, err := w.client.Change(context.Background(), fmt.Sprint(i+1))
				w.result("change", change.Kind, err)
			}
		}},
	)
}

func noticeCases() []conformanceCase {
	notify := func(fields string) string { return `{"action":"add","type":"custom",` + fields + `}` }
	key := `"key":"example.com/a"`
	cases := posts("notices", "/v1/notices", nil,
		`{}`, `{"action":"add"}`, `{"action":"add","type":"custom"}`, `{"action":"add","type":"foo","key":"a.b/c"}`, `{"action":"add","type":"warning","key":"a.b/c"}`,
		`{"action":"foo","type":"custom","key":"a.b/c"}`, `{`, ``,
		notify(`"key":"foo"`), notify(`"key":"Foo.b/c"`), notify(`"key":"a.b/`+strings.Repeat("c", 253)+`"`), notify(`"key":"a.b/`+strings.Repeat("c", 252)+`"`),
		notify(`"key":"x.y.z/a-b/c_d"`), notify(`"key":"x.y.z/a-b/c"`), notify(`"key":"a.b"`), notify(`"key":"a.b/"`), notify(`"key":"a/b"`), notify(`"key":"-a.b/c"`),
		notify(`"key":"a.b/c d"`), notify(`"key":"a.b/c.d"`), notify(`"key":"a.b/-"`), notify(`"key":"a1.b2/c--d"`), notify(`"key":"1.2/3"`), notify(`"key":"a.b//c"`),
		notify(key+`,"data":{"a":1}`), notify(key+`,"data":null`), notify(key+`,"data":[]`), notify(key+`,"data":{"a":"`+strings.Repeat("x", 4089)+`"}`), notify(key+`,"data":{"a":"`+strings.Repeat("x", 4088)+`"}`),
		notify(key+`,"repeat-after":"x"`), notify(key+`,"repeat-after":"1h"`), notify(key+`,"repeat-after":"10"`))
	some := func(w *world) {
		for _, body := range []string{notify(key), notify(`"key":"example.com/b"`), notify(key + `,"data":{"k":"v"}`), notify(`"key":"example.com/c","repeat-after":"90s"`), notify(`"key":"example.com/c","data":{"x":"y"},"repeat-after":"90s"`)} {
			w.post("/v1/notices", body)
		}
	}
	cases = append(cases, gets("notices", some, "/v1/notices", "/v1/notices?types=custom", "/v1/notices?types=nope", "/v1/notices?types=custom&types=nope", "/v1/notices?types=custom,warning&keys=example.com/a,q",
		"/v1/notices?keys=example.com/b&keys=example.com/c", "/v1/notices?users=all", "/v1/notices?users=foo", "/v1/notices?user-id=0", "/v1/notices?user-id=1000", "/v1/notices?user-id=x", "/v1/notices?users=all&user-id=0",
		"/v1/notices?after=x", "/v1/notices?after=2999-01-01T00:00:00Z", "/v1/notices?after=2000-01-01T00:00:00.123456789Z", "/v1/notices?timeout=x", "/v1/notices?keys=q&timeout=10ms", "/v1/notices?timeout=0s",
		"/v1/notices/1", "/v1/notices/99", "/v1/notices/x")...)
	return append(cases,
		conformanceCase{name: "notices/of-changes", run: func(w *world) {
			w.change("replan")
			abc(w)
			w.change("start", "c")
			w.get("/v1/notices?types=change-update&keys=1,2")
			w.post("/v1/notices", notify(key))
			w.get("/v1/notices/3")
		}},
		conformanceCase{name: "notices/of-checks", run: func(w *world) {
			withChecks(w)
			notices, err := w.client.Notices(context.Background(), pebble.NoticesOptions{Types: []string{pebble.NoticeChangeUpdate}})
			if err != nil {
				w.result("notices", nil, err)
			}
			for _, notice := range notices {
				// Checks start in no order.
				w.note("%s %s", notice.Type, notice.LastData["kind"])
			}
		}},
		conformanceCase{name: "notices/client", run: func(w *world) {
			ctx := context.Background()
			for range 3 {
				id, err := w.client.Notify(ctx, pebble.NotifyOptions{Key: "example.com/x", Data: map[string]string{"a": "b"}, RepeatAfter: time.Hour})
				w.result("notify", id, err)
			}
			notice, err := w.client.Notice(ctx, "1")
			w.result("notice", []any{notice.Occurrences, notice.RepeatAfter, notice.ExpireAfter, notice.LastData, notice.Type, notice.Key}, err)
			w.note("repeated: %v", notice.LastRepeated.After(notice.FirstOccurred))
			_, err = w.client.Notice(ctx, "99")
			w.result("notice 99", nil, err)
			first := notice.FirstOccurred
			for i, after := range []time.Time{first, first.Add(-time.Nanosecond)} {
				notices, err := w.client.Notices(ctx, pebble.NoticesOptions{After: after, Keys: []string{"example.com/x"}, Timeout: time.Millisecond})
				w.result(fmt.Sprint("after ", i), len(notices), err)
			}
		}},
	)
}

func (w *world) push(path, content string, o pebble.PushOptions) {
	w.result("push "+path, nil, w.client.Push(context.Background(), w.expand(path), strings.NewReader(content), o))
}

func (w *world) pull(path string) {
	file, err := w.client.Pull(context.Background(), w.expand(path))
	if err != nil {
		w.result("pull "+path, nil, err)
		return
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	w.result("pull "+path, string(content), err)
}

func (w *world) list(path string, o pebble.ListFilesOptions) {
	infos, err := w.client.ListFiles(context.Background(), w.expand(path), o)
	if err != nil {
		w.result("list "+path, nil, err)
		return
	}
	w.note("list %s %+v:", path, o)
	for _, info := range infos {
		size := "-"
		if info.Size != nil {
			size = fmt.Sprint(*info.Size)
		}
		w.note("  %s %s %s %s %s %d:%s %d:%s", info.Path, info.Name, info.Type, size, info.Permissions, *info.UserID, info.User, *info.GroupID, info.Group)
	}
}

func (w *world) mkdir(path string, o pebble.MakeDirOptions) {
	w.result("make-dir "+path, nil, w.client.MakeDir(context.Background(), w.expand(path), o))
}

func (w *world) remove(path string, recursive bool) {
	w.result(fmt.Sprint("remove ", path, " ", recursive), nil, w.client.RemovePath(context.Background(), w.expand(path), pebble.RemoveOptions{Recursive: recursive}))
}

// someFiles makes a file, a directory with a file, and an empty directory.
func someFiles(w *world) {
	w.push("$DIR/f", "hello", pebble.PushOptions{})
	w.push("$DIR/d/x", "", pebble.PushOptions{MakeDirs: true})
	w.mkdir("$DIR/e", pebble.MakeDirOptions{})
}

func readCases() []conformanceCase {
	cases := gets("files", someFiles, "/v1/files", "/v1/files?action=foo", "/v1/files?action=list", "/v1/files?action=read", "/v1/files?action=read&path=$DIR/f",
		"/v1/files?action=list&path=rel", "/v1/files?action=list&path=$DIR/f&itself=maybe", "/v1/files?action=list&path=$DIR&itself=false", "/v1/files?action=list&path=$DIR/nope", "/v1/files?action=list&path=$DIR/f/x", "/v1/files?action=list&path=$DIR&pattern=%5B")
	for i, path := range []string{"$DIR/f", "$DIR/nope", "$DIR/d", "rel", "", "$DIR/f/x", "$DIR/f/", "$DIR/d/../f", "$DIR/d/x", "/", "$DIR/nope/../f", "$DIR//f"} {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("files/pull-%02d", i+1), run: func(w *world) {
			someFiles(w)
			w.pull(path)
		}})
	}
	for i, path := range []string{"$DIR", "$DIR/", "$DIR/f", "$DIR/f/", "$DIR/e", "$DIR/d/../f", "$DIR/nope", "$DIR/f/x", "", "$DIR/d/..", "$DIR/nope/.."} {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("files/list-%02d", i+1), run: func(w *world) {
			someFiles(w)
			for _, o := range []pebble.ListFilesOptions{{}, {Itself: true}, {Pattern: "f*"}, {Pattern: "[d-e]"}, {Pattern: "["}, {Itself: true, Pattern: "zz"}} {
				w.list(path, o)
			}
		}})
	}
	return append(cases,
		conformanceCase{name: "files/root", run: func(w *world) { w.list("/", pebble.ListFilesOptions{Itself: true}) }},
		conformanceCase{name: "files/read-several", run: func(w *world) {
			someFiles(w)
			query := url.Values{"action": {"read"}, "path": {w.dir + "/f", w.dir + "/nope", w.dir + "/d", w.dir + "/d/x"}}
			w.raw("GET", "/v1/files?"+strings.ReplaceAll(query.Encode(), url.QueryEscape(w.dir), "$DIR"), "", "Accept", "multipart/form-data")
			w.raw("GET", "/v1/files?action=read&path=$DIR/f", "", "Accept", "application/json")
		}},
	)
}

// form is the body of a request to write files.
func form(metadata string, files ...string) string {
	const boundary = "boundary-boundary-boundary-boundary"
	var b strings.Builder
	if metadata != "" {
		fmt.Fprintf(&b, "--%s\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n%s\r\n", boundary, metadata)
	}
	for i := 0; i < len(files); i += 2 {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"files\"; filename=\"%s\"\r\n\r\n%s\r\n", boundary, files[i], files[i+1])
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.String()
}

func writeCases() []conformanceCase {
	zero, one, unknown, nobody := 0, 1, 12345, 65534
	owners := []pebble.Owner{{User: "root"}, {UserID: &zero}, {User: "root", UserID: &one}, {User: "nosuch"}, {UserID: &unknown}, {UserID: &unknown, GroupID: &unknown}, {Group: "root"}, {GroupID: &zero}, {User: "root", Group: "nosuch"}, {User: "nobody"}, {UserID: &nobody}, {User: "nobody", Group: "root"}, {User: "root", Group: "root", GroupID: &one}}
	var cases []conformanceCase
	for i, o := range owners {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("files/owner-%02d", i+1), run: func(w *world) {
			w.push("$DIR/f", "x", pebble.PushOptions{Owner: o})
			w.push("$DIR/p/f", "x", pebble.PushOptions{Owner: o, MakeDirs: true})
			w.mkdir("$DIR/d", pebble.MakeDirOptions{Owner: o})
			w.list("$DIR", pebble.ListFilesOptions{})
			w.list("$DIR/p", pebble.ListFilesOptions{})
		}})
	}
	for _, mode := range []int{0, 0o600, 0o644, 0o777, 0o1000, 0o4755, -1} {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("files/mode-%o", mode), run: func(w *world) {
			w.push("$DIR/f", "x", pebble.PushOptions{Permissions: &mode})
			w.mkdir("$DIR/d", pebble.MakeDirOptions{Permissions: &mode})
			w.mkdir("$DIR/p/q/r", pebble.MakeDirOptions{Permissions: &mode, MakeParents: true})
			w.list("$DIR", pebble.ListFilesOptions{})
		}})
	}
	for i, path := range []string{"$DIR/f", "$DIR/new", "$DIR/q/new", "$DIR/f/new", "$DIR/d", "$DIR/d/", "$DIR/new/", "rel", "", "/", "$DIR/a*b", "$DIR/d/../dd", "$DIR/q/../dd", `$DIR/a"b`, `$DIR/a\b`, `$DIR/a\"b`, "$DIR/a b;c%41\té", "$DIR/" + strings.Repeat("n", 200)} {
		for _, makeDirs := range []bool{false, true} {
			cases = append(cases, conformanceCase{name: fmt.Sprintf("files/push-%02d-%v", i+1, makeDirs), run: func(w *world) {
				someFiles(w)
				w.push(path, "content\r\n\x00\xff", pebble.PushOptions{MakeDirs: makeDirs})
				if path != "/" && path != "" && path != "rel" {
					w.pull(path)
				}
				w.list("$DIR", pebble.ListFilesOptions{})
			}})
		}
	}
	contentType := []string{"Content-Type", "multipart/form-data; boundary=boundary-boundary-boundary-boundary"}
	write := func(paths ...string) string {
		var files []string
		for _, path := range paths {
			files = append(files, `{"path":"`+path+`"}`)
		}
		return `{"action":"write","files":[` + strings.Join(files, ",") + `]}`
	}
	for i, body := range []string{
		form(write("$DIR/n"), "$DIR/n", "abc"), form(write("$DIR/n")), form(write("$DIR/n"), "$DIR/m", "abc"), form(`{"action":"write"}`), form(`{"action":"write","files":[]}`),
		form(`{"action":"foo"}`), form(`{`), form(`{"action":"remove"}`), form("", "$DIR/m", "abc"), form(write("$DIR/1", "$DIR/q/2", "$DIR/3"), "$DIR/1", "a", "$DIR/q/2", "b", "$DIR/3", "c"),
		form(write("$DIR/1", "$DIR/1"), "$DIR/1", "a", "$DIR/1", "b"),
		form(`{"action":"write","files":[{"path":"$DIR/n","permissions":"64"}]}`, "$DIR/n", "a"), form(`{"action":"write","files":[{"path":"$DIR/n","permissions":"0644"}]}`, "$DIR/n", "a"), form(`{"action":"write","files":[{"path":"$DIR/n","permissions":"abc"}]}`, "$DIR/n", "a"),
	} {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("files/form-%02d", i+1), run: func(w *world) {
			w.raw("POST", "/v1/files", body, contentType...)
			w.list("$DIR", pebble.ListFilesOptions{})
		}})
	}
	for i, kind := range []string{"multipart/form-data", "multipart/form-data; boundary=short", "text/plain", "", "nonsense;;"} {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("files/content-type-%02d", i+1), run: func(w *world) {
			w.raw("POST", "/v1/files", form(write("$DIR/n"), "$DIR/n", "abc"), "Content-Type", kind)
		}})
	}
	return append(cases, posts("files", "/v1/files", nil,
		`{}`, `{"action":"foo"}`, `{"action":"write"}`, `{"action":"make-dirs"}`, `{"action":"make-dirs","dirs":[]}`, `{"action":"remove"}`, `{"action":"remove","paths":[]}`, `{`, ``,
		`{"action":"make-dirs","dirs":[{"path":"$DIR/a"},{"path":"$DIR/b/c"},{"path":"$DIR/d"}]}`,
		`{"action":"remove","paths":[{"path":"$DIR/a"},{"path":"$DIR/b","recursive":true}]}`)...)
}

func dirCases() []conformanceCase {
	var cases []conformanceCase
	for i, path := range []string{"$DIR/new", "$DIR/d", "$DIR/e/", "$DIR/q/r/s", "$DIR/f", "$DIR/f/a", "$DIR/f/a/b", "rel", "", "/", "$DIR/new/", "$DIR/d/../g", "$DIR/q/../g"} {
		for _, parents := range []bool{false, true} {
			cases = append(cases, conformanceCase{name: fmt.Sprintf("files/mkdir-%02d-%v", i+1, parents), run: func(w *world) {
				someFiles(w)
				w.mkdir(path, pebble.MakeDirOptions{MakeParents: parents})
				w.list("$DIR", pebble.ListFilesOptions{})
			}})
		}
	}
	for i, path := range []string{"$DIR/f", "$DIR/nope", "$DIR/d", "$DIR/d/", "$DIR/e", "$DIR/e/", "$DIR/f/x", "$DIR/f/", "$DIR/nope/x", "rel", "", "$DIR/d/../f"} {
		for _, recursive := range []bool{false, true} {
			cases = append(cases, conformanceCase{name: fmt.Sprintf("files/remove-%02d-%v", i+1, recursive), run: func(w *world) {
				someFiles(w)
				w.remove(path, recursive)
				w.list("$DIR", pebble.ListFilesOptions{})
			}})
		}
	}
	return cases
}
