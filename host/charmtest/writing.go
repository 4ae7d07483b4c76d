package charmtest

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
)

// This file writes a test of hooks that were run elsewhere.

// A Ran is a hook that was run.
type Ran struct {
	Event modeltest.Event
	// Before and After are the world as [Merge] has it.
	Before, After *simulate.State
	Outcome       *simulate.Outcome
}

// testName is what a test can be called, after test_.
var testName = regexp.MustCompile(`^[a-z0-9_]+$`)

// WriteTest returns the text of a test that runs the hooks one after the other,
// and expects of each what came of it: the unit's status, the databags that it
// wrote, and an action's results.
func WriteTest(name string, meta *model.Metadata, hooks []Ran) (string, error) {
	switch {
	case !testName.MatchString(name):
		return "", fmt.Errorf("%q cannot be a test's name: want lower-case letters, digits and _", name)
	case len(hooks) == 0:
		return "", errors.New("no hook has run: there is nothing to test")
	}
	w := &testWriter{meta: meta}
	first := hooks[0].Before
	w.writeContext(name, first)
	w.state("testing.State", first, nil)
	for i, h := range hooks {
		if i > 0 {
			w.state("out.state.replace", h.Before, hooks[i-1].After)
		}
		if err := w.hook(h); err != nil {
			return "", err
		}
	}
	return w.text.String(), nil
}

// A testWriter writes the lines of a test.
type testWriter struct {
	meta *model.Metadata
	text strings.Builder
}

const bodyIndent = "    "

func (w *testWriter) line(format string, args ...any) {
	fmt.Fprintf(&w.text, bodyIndent+format+"\n", args...)
}

// writeContext begins the test.
func (w *testWriter) writeContext(name string, first *simulate.State) {
	fmt.Fprintf(&w.text, "def test_%s(t):\n", name)
	var args []string
	add := func(name string, v starlark.Value, usual bool) {
		if !usual {
			args = append(args, name+" = "+v.String())
		}
	}
	juju := &first.Juju
	add("app_name", starlark.String(juju.AppName), juju.AppName == "" || juju.AppName == w.meta.Name)
	add("unit_id", starlark.MakeInt(juju.UnitID), juju.UnitID == 0)
	add("juju_version", starlark.String(juju.JujuVersion), juju.JujuVersion == "" || juju.JujuVersion == defaultJuju)
	add("app_trusted", starlark.True, juju.Model.CloudSpec == nil)
	add("machine_id", starlark.String(juju.MachineID), juju.MachineID == "" || juju.MachineID == "0")
	add("availability_zone", starlark.String(juju.AvailabilityZone), juju.AvailabilityZone == "")
	add("principal_unit", starlark.String(juju.PrincipalUnit), juju.PrincipalUnit == "")
	w.text.WriteString(statement(bodyIndent, "ctx = testing.Context", args...))
}

// state writes how the world before a hook is made: all that is not as usual,
// or, of one that follows upon another, what differs.
func (w *testWriter) state(maker string, s, last *simulate.State) {
	var args []string
	is := of(stateKind, s)
	for i := range stateKind.fields {
		f := &stateKind.fields[i]
		if last != nil {
			was := of(stateKind, last)
			if value, err := is.show(f); err == nil && !equal(is.field(f), was.field(f)) {
				args = append(args, keyword(f.name, value, bodyIndent+bodyIndent))
			}
		}
	}
	switch {
	case last == nil:
		for name, value := range is.unusual() {
			args = append(args, keyword(name, value, bodyIndent+bodyIndent))
		}
	case len(args) == 0:
		w.line("state = out.state")
		return
	}
	w.text.WriteString(statement(bodyIndent, "state = "+maker, args...))
}

// hook writes one run, and what is expected of it.
func (w *testWriter) hook(h Ran) error {
	event, err := w.event(h)
	if err != nil {
		return err
	}
	run := "ctx.on." + event + ", state"
	o := h.Outcome
	if o.Err != nil {
		run += ", error = True"
	}
	w.line("out = ctx.run(%s)", run)
	if o.Err != nil && len(o.Diagnostics) > 0 {
		w.line("expect.contains(out.error.message, %s)", starlark.String(o.Diagnostics[0].Message))
	}
	if status := statusValue(h.After.Juju.UnitStatus); status.Name != "unknown" {
		w.line("expect.status(out, model.%s)", status)
	}
	if status := statusValue(h.After.Juju.AppStatus); status.Name != "unknown" && h.After.Juju.AppStatus != h.Before.Juju.AppStatus {
		w.line("expect.status(out, model.%s, app = True)", status)
	}
	for _, r := range h.After.Juju.Relations {
		before := &modeltest.Relation{}
		for _, b := range o.Before.Juju.Relations { // with what Juju puts into them
			if b.ID == r.ID {
				before = b
			}
		}
		w.bag(r, "local_app_data", before.LocalAppData, r.LocalAppData)
		w.bag(r, "local_unit_data", before.LocalUnitData, r.LocalUnitData)
	}
	if !reflect.DeepEqual(h.Before.Juju.OpenedPorts, h.After.Juju.OpenedPorts) {
		if ports, err := toStarlark(reflect.ValueOf(h.After.Juju.OpenedPorts)); err == nil {
			w.text.WriteString(statement(bodyIndent, "expect.eq", "out.state.opened_ports", source(ports, bodyIndent+bodyIndent, maxLine)))
		}
	}
	if a := o.Action; a != nil {
		results, err := builtins.ToStarlark(a.Results)
		if err != nil {
			return err
		}
		w.text.WriteString(statement(bodyIndent, "expect.eq", "out.action.results", source(results, bodyIndent+bodyIndent, maxLine)))
		if a.Failed {
			w.line("expect.eq(out.action.failure, %s)", starlark.String(a.Message))
		}
	}
	return nil
}

// bag writes what is expected of a databag that the hook changed.
func (w *testWriter) bag(r *modeltest.Relation, name string, before, after map[string]string) {
	if len(before) == 0 && len(after) == 0 || reflect.DeepEqual(before, after) {
		return
	}
	value, err := toStarlark(reflect.ValueOf(after))
	if err != nil {
		return
	}
	w.text.WriteString(statement(bodyIndent, "expect.eq", fmt.Sprintf("out.relation(%d).%s", r.ID, name), source(value, bodyIndent+bodyIndent, maxLine)))
}

// event is the call that makes the event, without ctx.on.
func (w *testWriter) event(h Ran) (string, error) {
	e := h.Event
	name := strings.ReplaceAll(e.Name, "-", "_")
	if e.Action {
		name += "_action"
	}
	def, ok := w.meta.Event(name)
	if !ok {
		return "", fmt.Errorf("cannot write the event %s: the charm has none of that name", e.Name)
	}
	args := ""
	container := fmt.Sprintf("state.container(%q)", def.Subject)
	switch def.Kind {
	case model.Action:
		args = starlark.String(def.Subject).String()
		if len(e.Params) > 0 {
			params, err := builtins.ToStarlark(e.Params)
			if err != nil {
				return "", err
			}
			args += ", " + source(params, bodyIndent, maxLine)
		}
	case model.StorageAttached, model.StorageDetaching:
		args = fmt.Sprintf("state.storage(%q", def.Subject)
		if e.StorageIndex != nil {
			args += fmt.Sprintf(", index = %d", *e.StorageIndex)
		}
		args += ")"
	case model.SecretChanged, model.SecretRotate, model.SecretExpired, model.SecretRemove:
		args = fmt.Sprintf("state.secret(id = %q)", w.secret(h))
		if def.Kind == model.SecretExpired || def.Kind == model.SecretRemove {
			args += fmt.Sprintf(", revision = %d", max(e.SecretRevision, 1))
		}
	case model.PebbleReady:
		args = container
	case model.PebbleCustomNotice:
		args = fmt.Sprintf("%s, testing.Notice(%q, id = %q)", container, e.NoticeKey, e.NoticeID)
	case model.PebbleCheckFailed, model.PebbleCheckRecovered:
		args = fmt.Sprintf("%s, %s.check_info(%q)", container, container, e.CheckName)
	default:
		if !def.Kind.Relation() {
			break
		}
		relation := relationOf(h, def.Subject)
		args = fmt.Sprintf("state.relation(%d)", relation)
		switch {
		case e.RemoteUnit != nil:
			args += fmt.Sprintf(", remote_unit = %d", *e.RemoteUnit)
		case def.Kind == model.RelationChanged:
			args += ", remote_unit = -1"
		}
	}
	return string(def.Kind) + "(" + args + ")", nil
}

// relationOf is the id of the relation that an event is about.
func relationOf(h Ran, endpoint string) int {
	if h.Event.RelationID != nil {
		return *h.Event.RelationID
	}
	i := slices.IndexFunc(h.Before.Juju.Relations, func(r *modeltest.Relation) bool { return r.Endpoint == endpoint })
	return h.Before.Juju.Relations[max(i, 0)].ID
}

// secret is the id of the secret that an event is about: the one that is owned,
// or not.
func (w *testWriter) secret(h Ran) string {
	if h.Event.SecretID != "" {
		return h.Event.SecretID
	}
	changed := strings.HasSuffix(h.Event.Name, "changed")
	for _, s := range h.Before.Juju.Secrets {
		if (s.Owner == "") == changed {
			return s.ID
		}
	}
	return ""
}
