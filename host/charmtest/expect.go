package charmtest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file defines module expect. An expectation that is not met ends the
// test.

var expectTable = builtins.NewTable("expect", "What a test expects. One that is not met ends the test, and shows what differs, where the charm wrote it if its calls tell, and the last calls.",
	builtins.Member[*session]{Name: "eq", Sig: "(got: any, want: any)", Doc: "The values are equal. The failure shows the smallest parts that differ, inside of JSON texts too.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var got, want starlark.Value
			if err := in.Unpack("got", &got, "want", &want); err != nil {
				return nil, err
			}
			return starlark.None, s.equal(got, want)
		}},
	builtins.Member[*session]{Name: "ne", Sig: "(got: any, unwanted: any)", Doc: "The values are not equal.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var got, unwanted starlark.Value
			if err := in.Unpack("got", &got, "unwanted", &unwanted); err != nil {
				return nil, err
			}
			same, err := starlark.Equal(got, unwanted)
			if err != nil || !same {
				return starlark.None, err
			}
			return nil, s.unmet("got what was not wanted: %s", shown(got))
		}},
	builtins.Member[*session]{Name: "true", Sig: "(condition: any, message: str = \"\")", Doc: "The condition is true, as if takes it.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var condition starlark.Value
			message := ""
			if err := in.Unpack("condition", &condition, "message?", &message); err != nil {
				return nil, err
			}
			if condition.Truth() {
				return starlark.None, nil
			}
			if message == "" {
				message = "it is not true: " + shown(condition)
			}
			return nil, s.unmet("%s", message)
		}},
	builtins.Member[*session]{Name: "contains", Sig: "(whole: any, part: any)", Doc: "A text contains another; a list an element; a dict these keys with these values, of which dicts are compared in the same way.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var whole, part starlark.Value
			if err := in.Unpack("whole", &whole, "part", &part); err != nil {
				return nil, err
			}
			return starlark.None, s.contains(in, whole, part)
		}},
	builtins.Member[*session]{Name: "match", Sig: "(text: str, pattern: str)", Doc: "A part of the text fits the regular expression.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var text starlark.Value
			var pattern string
			if err := in.Unpack("text", &text, "pattern", &pattern); err != nil {
				return nil, err
			}
			re, err := regexp.Compile(pattern)
			if err != nil {
				return nil, fmt.Errorf("expect.match: %w", err)
			}
			if str, ok := starlark.AsString(text); ok && re.MatchString(str) {
				return starlark.None, nil
			}
			return nil, s.unmet("the text does not fit\ngot:  %s\nwant: %q", shown(text), pattern)
		}},
	builtins.Member[*session]{Name: "status", Sig: "(out: Outcome, status: status, *, app: bool = False)", Doc: "The unit's status, or with app the application's, is this one.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var out *outcome
			var want *builtins.Status
			app := false
			if err := in.Unpack("out", &out, "status", &want, builtins.ByName, nil, "app?", &app); err != nil {
				return nil, err
			}
			got, path := statusValue(out.sim().Juju.UnitStatus), "unit_status"
			if app {
				got, path = statusValue(out.sim().Juju.AppStatus), "app_status"
			}
			if *got == *want {
				return starlark.None, nil
			}
			return nil, &failure{outcome: out.o, message: "the status is not as expected\n" +
				explain([]difference{{got: got, want: want}}, func(difference) string { return writer(out.o, path) })}
		}},
	builtins.Member[*session]{Name: "calls", Sig: "(out: Outcome, calls: list[str])", Doc: "The charm made these calls in this order, perhaps with others between: \"pebble: replan web\", \"juju: status-set active\", \"http: GET http://app/\". A text fits calls that begin with it, up to a space.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var out *outcome
			var want *starlark.List
			if err := in.Unpack("out", &out, "calls", &want); err != nil {
				return nil, err
			}
			return starlark.None, expectCalls(out, want)
		}},
	builtins.Member[*session]{Name: "unchanged", Sig: "(out: Outcome)", Doc: "The world is as it was.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var out *outcome
			if err := in.Unpack("out", &out); err != nil {
				return nil, err
			}
			return starlark.None, expectChanges(out, nil)
		}},
	builtins.Member[*session]{Name: "changed_only", Sig: "(out: Outcome, paths: list[str])", Doc: "Nothing is different afterwards but what is at these paths and below, and all of them are: \"unit_status\", \"relations[db:1].local_app_data.url\", \"containers[web].files\". Outcome.changes has the paths.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var out *outcome
			var paths *starlark.List
			if err := in.Unpack("out", &out, "paths", &paths); err != nil {
				return nil, err
			}
			allowed := []string{}
			for elem := range paths.Elements() {
				path, ok := starlark.AsString(elem)
				if !ok {
					return nil, fmt.Errorf("expect.changed_only: got a %s, want paths", elem.Type())
				}
				allowed = append(allowed, path)
			}
			return starlark.None, expectChanges(out, allowed)
		}},
	builtins.Member[*session]{Name: "error", Sig: "(out: Outcome, kind: kind = None, match: str = None)", Doc: "The charm failed, in ctx.run(…, error = True): with a failure of this kind or its family, if it is given, and a message of which a part fits the regular expression match.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var out *outcome
			var kind *builtins.Kind
			var pattern starlark.Value = starlark.None
			if err := in.Unpack("out", &out, "kind??", &kind, "match?", &pattern); err != nil {
				return nil, err
			}
			return starlark.None, expectError(out, kind, pattern)
		}},
	builtins.Member[*session]{Name: "plan", Sig: "(container: Container, plan: plan | layer | dict | str)", Doc: "The container's plan means the same as this one: a plan, a layer, a dict or YAML.",
		Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
			var container *component
			var want starlark.Value
			if err := in.Unpack("container", &container, "plan", &want); err != nil {
				return nil, err
			}
			return starlark.None, s.expectPlan(container, want)
		}},
	builtins.Member[*session]{Name: "snapshot", Sig: "(value: any, *, name: str = \"value\")", Doc: "The value is what it was when starcharm test --update wrote it to the test's file in tests/snapshots, in words: an Outcome as its calls and changes, a State and its parts field by field, a dict by its keys, a text of several lines as it is. A test that takes several gives each a name.",
		Call: (*session).snapshot},
)

// unmet is the failure of an expectation; the run that came last is shown.
func (s *session) unmet(format string, args ...any) *failure {
	return &failure{message: fmt.Sprintf(format, args...), outcome: s.last}
}

func (s *session) equal(got, want starlark.Value) error {
	found, err := differences(got, want)
	if err != nil {
		return err
	}
	if same, err := starlark.Equal(got, want); err != nil || same {
		return err
	}
	if len(found) == 0 {
		found = []difference{{got: got, want: want}}
	}
	return s.unmet("the values differ\n%s", explain(found, s.where))
}

// where is the line of the charm that wrote what differs, if the run that came
// last wrote such a value.
func (s *session) where(d difference) string {
	if d.text != nil {
		d.got, d.path = d.text, d.textPath
	}
	if s.last == nil || d.got == nil {
		return ""
	}
	if status, ok := d.got.(*builtins.Status); ok {
		for _, app := range []bool{false, true} {
			path, now := "unit_status", s.last.State.Juju.UnitStatus
			if app {
				path, now = "app_status", s.last.State.Juju.AppStatus
			}
			if *status == *statusValue(now) {
				return writer(s.last, path)
			}
		}
		return ""
	}
	key := ""
	if open := strings.LastIndex(d.path, "["); open >= 0 {
		key = strings.Trim(d.path[open:], "[]\"")
	}
	for _, c := range s.last.Changes {
		if after, ok := c.After.(string); ok && starlark.String(after) == d.got && (key == "" || strings.HasSuffix(c.Path, "."+key)) {
			return writer(s.last, c.Path)
		}
	}
	return ""
}

func (s *session) contains(in builtins.Invocation, whole, part starlark.Value) error {
	switch w := whole.(type) {
	case starlark.String:
		text, ok := starlark.AsString(part)
		if !ok {
			return fmt.Errorf("expect.contains: part is a %s, want a string as whole is", part.Type())
		}
		if strings.Contains(string(w), text) {
			return nil
		}
	case starlark.IterableMapping:
		p, ok := part.(starlark.IterableMapping)
		if !ok {
			found, err := has(w, part)
			if err != nil || found {
				return err
			}
			break
		}
		d := differ{}
		if err := d.subset("", w, p, 0); err != nil {
			return err
		}
		if len(d.found) > 0 {
			return s.unmet("the dict does not contain it\n%s", explain(d.found, s.where))
		}
		return nil
	case starlark.Iterable:
		for elem := range starlark.Elements(w) {
			if same, err := starlark.Equal(elem, part); err != nil || same {
				return err
			}
		}
	default:
		return fmt.Errorf("expect.contains: whole is a %s, want a string, a list or a dict", whole.Type())
	}
	return s.unmet("it is not contained\ngot:  %s\nwant: %s", shown(whole), shown(part))
}

func has(m starlark.Mapping, key starlark.Value) (bool, error) {
	_, found, err := m.Get(key)
	return found, err
}

// subset compares only the keys that part has.
func (d *differ) subset(path string, whole, part starlark.IterableMapping, depth int) error {
	if depth > maxNested {
		return fmt.Errorf("cannot compare values that are nested more than %d deep", maxNested)
	}
	for _, item := range part.Items() {
		at := fmt.Sprintf("%s[%s]", path, item[0])
		got, ok, err := whole.Get(item[0])
		if err != nil {
			return err
		}
		if !ok {
			d.add(at, nil, item[1])
			continue
		}
		inner, isDict := item[1].(starlark.IterableMapping)
		if gotDict, ok := got.(starlark.IterableMapping); ok && isDict {
			err = d.subset(at, gotDict, inner, depth+1)
		} else {
			err = d.compare(at, got, item[1], depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func expectCalls(out *outcome, want *starlark.List) error {
	var made []string
	for _, s := range out.o.Steps {
		if s.Via != "log" {
			made = append(made, callText(s))
		}
	}
	from := 0
	for i := range want.Len() {
		text, ok := starlark.AsString(want.Index(i))
		if !ok {
			return fmt.Errorf("expect.calls: got a %s, want texts such as \"pebble: replan web\"", want.Index(i).Type())
		}
		fits := func(c string) bool { return c == text || strings.HasPrefix(c, text+" ") }
		at := slices.IndexFunc(made[from:], fits)
		switch {
		case at >= 0:
			from += at + 1
		case slices.ContainsFunc(made[:from], fits):
			return &failure{outcome: out.o, message: fmt.Sprintf("the charm made the call %q, but before the one that it was to follow, %s", text, want.Index(i-1))}
		default:
			return &failure{outcome: out.o, message: fmt.Sprintf("the charm did not make the call %q%s", text, nearest(text, unique(made)))}
		}
	}
	return nil
}

func unique(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// expectChanges checks that what is different is allowed, and that each path
// that is allowed is different.
func expectChanges(out *outcome, allowed []string) error {
	covers := func(path, change string) bool {
		rest, ok := strings.CutPrefix(change, path)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	var unwanted []simulate.Change
	for _, c := range out.o.Changes {
		if !slices.ContainsFunc(allowed, func(path string) bool { return covers(path, c.Path) }) {
			unwanted = append(unwanted, c)
		}
	}
	if len(unwanted) > 0 {
		var b strings.Builder
		for i, c := range unwanted {
			if i == maxDifferences {
				fmt.Fprintf(&b, "\n… and %d more", len(unwanted)-i)
				break
			}
			fmt.Fprintf(&b, "\n%s: %s → %s", c.Path, plainShown(c.Before), plainShown(c.After))
			if at := writer(out.o, c.Path); at != "" {
				fmt.Fprintf(&b, " (%s)", at)
			}
		}
		if len(allowed) == 0 {
			return &failure{outcome: out.o, message: "nothing was to change, and this did" + b.String()}
		}
		return &failure{outcome: out.o, message: "this was not to change, and did" + b.String()}
	}
	for _, path := range allowed {
		if !slices.ContainsFunc(out.o.Changes, func(c simulate.Change) bool { return covers(path, c.Path) }) {
			var changed []string
			for _, c := range out.o.Changes {
				changed = append(changed, c.Path)
			}
			if len(changed) == 0 {
				changed = []string{"nothing"}
			}
			return &failure{outcome: out.o, message: fmt.Sprintf("%s was to change, and did not; what changed: %s", path, strings.Join(changed, ", "))}
		}
	}
	return nil
}

func plainShown(v any) string {
	if v == nil {
		return "nothing"
	}
	value, err := builtins.ToStarlark(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return shown(value)
}

func expectError(out *outcome, kind *builtins.Kind, pattern starlark.Value) error {
	err := out.o.Err
	if err == nil {
		return &failure{outcome: out.o, message: "the charm was to fail, and did not"}
	}
	value, attrErr := out.charmError()
	if attrErr != nil {
		return attrErr
	}
	text, _ := value.(starlark.HasAttrs).Attr("message")
	message, _ := starlark.AsString(text)
	if kind != nil {
		var failed *builtins.Failure
		if !errors.As(err, &failed) {
			return &failure{outcome: out.o, message: fmt.Sprintf("the charm was to fail with %s, and failed with a bug or fail(): %s", kind, message)}
		}
		if !failed.Kind.Matches(kind) {
			return &failure{outcome: out.o, message: fmt.Sprintf("the charm was to fail with %s, and failed with %s: %s", kind, failed.Kind, message)}
		}
	}
	if pattern != starlark.None {
		expression, ok := starlark.AsString(pattern)
		if !ok {
			return fmt.Errorf("expect.error: match is a %s, want a string", pattern.Type())
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return fmt.Errorf("expect.error: %w", err)
		}
		if !re.MatchString(message) {
			return &failure{outcome: out.o, message: fmt.Sprintf("the error does not fit\ngot:  %q\nwant: %q", message, expression)}
		}
	}
	return nil
}

func (s *session) expectPlan(container *component, want starlark.Value) error {
	state, ok := container.ptr().(*pebbletest.State)
	if !ok {
		return fmt.Errorf("expect.plan: got a %s, want a Container", container.kind.name)
	}
	fields := builtins.PlanFields(want)
	if fields == nil {
		layer, err := builtins.LayerOf(want)
		if err != nil {
			return fmt.Errorf("expect.plan: %w", err)
		}
		if fields, err = pebble.ToMap(layer); err != nil {
			return fmt.Errorf("expect.plan: %w", err)
		}
	}
	fields = maps.Clone(fields)
	delete(fields, "summary")
	delete(fields, "description")
	wanted, err := pebble.FromMap[pebble.Plan](fields)
	if err != nil {
		return fmt.Errorf("expect.plan: %w", err)
	}
	plan, err := pebble.CombineLayers(state.Layers)
	if err != nil {
		return fmt.Errorf("expect.plan: %w", err)
	}
	if plan.Equal(wanted) {
		return nil
	}
	a, err := builtins.NewPlan(plan)
	if err != nil {
		return err
	}
	b, err := builtins.NewPlan(wanted)
	if err != nil {
		return err
	}
	found, err := differences(a, b)
	if err != nil {
		return err
	}
	return s.unmet("the plan of %s is another\n%s", state.Name, explain(found, func(difference) string {
		if s.last == nil {
			return ""
		}
		return writer(s.last, "containers["+state.Name+"].layers")
	}))
}
