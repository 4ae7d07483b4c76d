package pebble_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/starcharm/starcharm/pebble"
)

// has records whether the plan has a layer, and whether ensuring it would
// change anything.
func (w *world) has(text string) {
	ctx := context.Background()
	plan, err := w.client.Plan(ctx)
	if err != nil {
		w.result("plan", nil, err)
		return
	}
	w.result("has "+text, plan.Has(parseLayer(text)), nil)
	changed, err := w.client.Ensure(ctx, pebble.EnsureOptions{Label: "ensured", Layer: parseLayer(text)})
	w.result("ensure changes it", changed, err)
}

const ownPlan = `
services: {x: {override: replace, command: a, kill-delay: 60s, backoff-delay: 1500ms, backoff-limit: 90s, backoff-factor: 2, environment: {A: 1, B: "2", C: on}}}
checks: {c: {override: replace, startup: disabled, period: 120s, timeout: 60s, exec: {command: "true", environment: {A: 1}}}}
log-targets: {t: {override: replace, type: loki, location: "http://localhost:1", services: [-all], labels: {a: 1}}}
`

// sameAsOwnPlan says the same in other words.
const sameAsOwnPlan = `
log-targets: {t: {labels: {a: "1"}, services: [-all], location: "http://localhost:1", type: loki, override: replace}}
checks: {c: {override: replace, threshold: 3, startup: disabled, period: 2m, timeout: 1m0s, exec: {environment: {A: "1"}, command: "true"}}}
services: {x: {environment: {C: "on", B: 2, A: "1"}, backoff-delay: 1.5s, backoff-limit: 1m30s, kill-delay: 1m0s, command: a, startup: disabled, override: replace}}
`

// refused are layers that Pebble refuses for what they say, not how.
var refused = []string{
	"services: {x: {override: replace}}",
	"services: {x: {override: replace, command: 'a \"b'}}",
	"services: {x: {override: replace, command: a, on-success: foo}}",
	"services: {x: {override: replace, command: a, on-failure: foo}}",
	"services: {x: {override: replace, command: a, on-check-failure: {c: foo}}}",
	"services: {x: {override: replace, command: a, backoff-factor: 0.5}}",
	"services: {x: {command: a}}", "services: {x: {override: foo, command: a}}", "services: {pebble: {override: replace, command: a}}",
	"checks: {x: {override: replace}}", "checks: {x: {tcp: {port: 1}}}",
	"checks: {x: {override: replace, level: foo, tcp: {port: 1}}}", "checks: {x: {override: replace, startup: foo, tcp: {port: 1}}}",
	"checks: {x: {override: replace, period: 0s, tcp: {port: 1}}}", "checks: {x: {override: replace, timeout: 0s, tcp: {port: 1}}}",
	"checks: {x: {override: replace, http: {}}}", "checks: {x: {override: replace, tcp: {}}}", "checks: {x: {override: replace, exec: {}}}",
	"checks: {x: {override: replace, exec: {command: a, service-context: nope}}}",
	"log-targets: {x: {type: loki, location: a}}", "log-targets: {x: {override: replace, location: a}}", "log-targets: {x: {override: replace, type: loki}}",
	"log-targets: {x: {override: replace, type: foo, location: a}}", "log-targets: {x: {override: replace, type: loki, location: a, services: [nope]}}",
	"log-targets: {x: {override: replace, type: loki, location: a, labels: {pebble_x: b}}}",
}

func planCases() []conformanceCase {
	ctx := context.Background()
	const merge = "services: {x: {override: merge, summary: s}}\nchecks: {c: {override: merge, threshold: 4}}\nlog-targets: {t: {override: merge, labels: {b: c}}}"
	cases := []conformanceCase{
		// What is merged onto a replacement is shown as one.
		{name: "plan/override-in-one-layer", run: func(w *world) {
			w.layer("one", ownPlan, false)
			w.layer("one", merge, true)
			w.get("/v1/plan?format=yaml")
			w.has(merge)
			w.has(strings.ReplaceAll(merge, "summary: s", "summary: z"))
		}},
		{name: "plan/override-in-two-layers", run: func(w *world) {
			w.layer("one", ownPlan, false)
			w.layer("two", merge, false)
			w.get("/v1/plan?format=yaml")
			w.has(merge)
		}},
		{name: "plan/override-of-nothing", run: func(w *world) {
			w.layer("one", strings.ReplaceAll(ownPlan, "replace", "merge"), false)
			w.get("/v1/plan?format=yaml")
			w.has(ownPlan)
			w.has(strings.ReplaceAll(ownPlan, "replace", "merge"))
			w.get("/v1/plan?format=yaml")
		}},
		{name: "plan/by-meaning", run: func(w *world) {
			w.layer("one", ownPlan, false)
			w.has(ownPlan)
			w.has(sameAsOwnPlan)
			plan, err := w.client.Plan(ctx)
			if err != nil {
				w.result("plan", nil, err)
				return
			}
			for _, text := range []string{ownPlan, sameAsOwnPlan, strings.ReplaceAll(sameAsOwnPlan, "1m0s", "61s"), strings.ReplaceAll(sameAsOwnPlan, "A: \"1\"", "A: \"01\"")} {
				said, err := pebble.Parse[pebble.Plan]([]byte(text))
				w.result("equal", err == nil && plan.Equal(said), err)
			}
			w.has(strings.ReplaceAll(sameAsOwnPlan, "kill-delay: 1m0s", "kill-delay: 61s"))
			w.plan()
		}},
		// What the client does not know comes and goes all the same.
		{name: "plan/pairing", run: func(w *world) {
			w.layer("one", "pairing: {mode: single}", false)
			w.layer("two", "services: {x: {override: replace, command: a}}\npairing: {}", false)
			plan, err := w.client.Plan(ctx)
			if err != nil {
				w.result("plan", nil, err)
				return
			}
			layer := &pebble.Layer{Services: plan.Services, Extra: plan.Extra}
			w.result("write it back", nil, w.client.AddLayer(ctx, "back", layer, pebble.AddLayerOptions{}))
			w.get("/v1/plan?format=yaml")
			w.layer("three", "pairing: {mode: multiple}", false)
			w.layer("three", "pairing: {mode: disabled}", true)
			w.get("/v1/plan?format=yaml")
		}},
		{name: "plan/pairing-refused", run: func(w *world) {
			w.layer("one", "pairing: {mode: foo}", false)
			w.layer("one", "pairing: {bogus: 1}", false)
			w.get("/v1/plan?format=yaml")
		}},
		{name: "plan/workloads", run: func(w *world) {
			w.layer("one", "workloads: {w: {override: replace}}", false)
			w.layer("one", "services: {y: {override: replace, command: a, workload: nope}}", false)
			w.get("/v1/plan?format=yaml")
		}},
		{name: "plan/written-back", run: func(w *world) {
			w.layer("one", fullLayer, false)
			before, err := w.client.Plan(ctx)
			if err != nil {
				w.result("plan", nil, err)
				return
			}
			layer := &pebble.Layer{Services: before.Services, Checks: before.Checks, LogTargets: before.LogTargets, Extra: before.Extra}
			w.result("write it back", nil, w.client.AddLayer(ctx, "back", layer, pebble.AddLayerOptions{}))
			after, err := w.client.Plan(ctx)
			w.result("the same", err == nil && after.Equal(before), err)
			w.get("/v1/plan?format=yaml")
		}},
	}
	for i, text := range refused {
		cases = append(cases, conformanceCase{name: fmt.Sprintf("plan/refused-%02d", i+1), run: func(w *world) {
			layer := parseLayer(text)
			ours := layer.Validate()
			if ours == nil {
				_, ours = pebble.CombineLayers([]pebble.LabeledLayer{{Label: "one", Layer: layer}})
			}
			theirs := w.client.AddLayer(ctx, "one", layer, pebble.AddLayerOptions{})
			w.result("add-layer "+text, nil, theirs)
			w.note("the client says the same: %t", ours != nil && theirs != nil && strings.HasSuffix(theirs.Error(), ours.Error()))
		}})
	}
	return cases
}
