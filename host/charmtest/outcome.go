package charmtest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
)

// This file defines what ctx.run returns.

// An outcome is what came of a hook.
type outcome struct {
	ctx   *testContext
	o     *simulate.Outcome
	state *component
	// notes are the rules that it breaks that are only odd.
	notes []string
	// duration is how long the run took.
	duration time.Duration
}

func (out *outcome) sim() *simulate.State { return out.state.ptr().(*simulate.State) }

// A logLine is a line of Juju's log.
type logLine struct {
	Level   string `yaml:"level"`
	Message string `yaml:"message"`
}

var logLineKind = &kind{
	name: "JujuLogLine", typ: reflect.TypeFor[logLine](), positional: 2,
	doc: "A line of Juju's log.",
	fields: []field{
		{name: "level", sig: "str", doc: "TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL.", need: true},
		{name: "message", sig: "str", doc: "What it says.", need: true},
	},
}

// A call is one that the charm made to the world.
type call struct {
	Text   string `yaml:"text"`
	Input  string `yaml:"input"`
	Result string `yaml:"result"`
	Failed bool   `yaml:"failed"`
	At     string `yaml:"at"`
}

var callKind = &kind{
	name: "Call", typ: reflect.TypeFor[call](), positional: 1,
	doc: "One call of the charm to Juju, Pebble or the machine.",
	fields: []field{
		{name: "text", sig: "str", doc: "What was asked: \"juju: status-set active\", \"pebble: replan web\", \"http: GET http://app/\".", need: true},
		{name: "input", sig: "str = \"\"", doc: "What was written to it."},
		{name: "result", sig: "str = \"\"", doc: "What came back."},
		{name: "failed", sig: "bool = False", doc: "Whether it did not succeed."},
		{name: "at", sig: "str = \"\"", doc: "The line of the charm that made it, for instance src/charm.star:12."},
	},
}

// An emitted is an event that was emitted.
type emitted struct {
	Name  string         `yaml:"name"`
	Scope string         `yaml:"scope"`
	Data  map[string]any `yaml:"data"`
	Again bool           `yaml:"again"`
}

var emittedKind = &kind{
	name: "EmittedEvent", typ: reflect.TypeFor[emitted](), positional: 1,
	doc: "An event that was emitted.",
	fields: []field{
		{name: "name", sig: "str", doc: "Its name, for instance db_relation_changed.", need: true},
		{name: "scope", sig: "str = \"\"", doc: "The framework.scope that defined it; \"\": it is Juju's."},
		{name: "data", sig: "dict = {}", doc: "The fields of a library's event."},
		{name: "again", sig: "bool = False", doc: "Whether it was deferred before."},
	},
}

// An actionResult is what an action's user is told.
type actionResult struct {
	Results map[string]any `yaml:"results"`
	Logs    []string       `yaml:"logs"`
	Failed  bool           `yaml:"failed"`
	Failure *string        `yaml:"failure"`
}

var actionKind = &kind{
	name: "ActionOutput", typ: reflect.TypeFor[actionResult](),
	doc: "What an action's user is told.",
	fields: []field{
		{name: "results", sig: "dict = {}", doc: "What event.set_results set."},
		{name: "logs", sig: "list[str] = []", doc: "What event.log told."},
		{name: "failed", sig: "bool = False", doc: "Whether it failed."},
		{name: "failure", sig: "str = None", doc: "Why; None if it did not fail."},
	},
}

func init() {
	kinds = append(kinds, logLineKind, callKind, emittedKind, actionKind, executionKind)
}

var outcomeTable = builtins.NewTable("Outcome", "What came of running an event.", append([]builtins.Member[*outcome]{
	{Name: "state", Sig: "State", Doc: "The world afterwards, which the next run can start from. After a charm's error it is what Juju would keep.",
		Get: func(out *outcome) (starlark.Value, error) { return out.state, nil }},
	{Name: "unit_status", Sig: "status", Doc: "The unit's status.",
		Get: func(out *outcome) (starlark.Value, error) { return statusValue(out.sim().Juju.UnitStatus), nil }},
	{Name: "app_status", Sig: "status", Doc: "The application's status.",
		Get: func(out *outcome) (starlark.Value, error) { return statusValue(out.sim().Juju.AppStatus), nil }},
	{Name: "unit_status_history", Sig: "list[status]", Doc: "The unit's statuses before the present one, oldest first: each that a later one replaced.",
		Get: func(out *outcome) (starlark.Value, error) { return out.history(false), nil }},
	{Name: "app_status_history", Sig: "list[status]", Doc: "The application's statuses before the present one, oldest first.",
		Get: func(out *outcome) (starlark.Value, error) { return out.history(true), nil }},
	{Name: "workload_version", Sig: "str", Doc: "The version of the workload.",
		Get: func(out *outcome) (starlark.Value, error) {
			return starlark.String(out.sim().Juju.WorkloadVersion), nil
		}},
	{Name: "opened_ports", Sig: "list[Port]", Doc: "The ports that are open.",
		Get: func(out *outcome) (starlark.Value, error) {
			return toStarlark(reflect.ValueOf(out.sim().Juju.OpenedPorts))
		}},
	{Name: "deferred", Sig: "list[DeferredEvent]", Doc: "The deferred events, oldest first.",
		Get: func(out *outcome) (starlark.Value, error) { return toStarlark(reflect.ValueOf(out.sim().Deferred)) }},
	{Name: "stored_state", Sig: "dict", Doc: "What the charm keeps, by object and name.",
		Get: func(out *outcome) (starlark.Value, error) { return toStarlark(reflect.ValueOf(out.sim().StoredState)) }},
	{Name: "logs", Sig: "list[JujuLogLine]", Doc: "The lines of Juju's log, those of security events left out.",
		Get: (*outcome).logs},
	{Name: "calls", Sig: "list[Call]", Doc: "The calls to Juju, Pebble and the machine, in order.",
		Get: (*outcome).calls},
	{Name: "execs", Sig: "list[Execution]", Doc: "The commands that the charm ran in containers, in order.",
		Get: func(out *outcome) (starlark.Value, error) { return executions(out.o) }},
	{Name: "events", Sig: "list[EmittedEvent]", Doc: "The events that were emitted: deferred ones first, then Juju's own, with those of libraries between.",
		Get: func(out *outcome) (starlark.Value, error) {
			all := make([]emitted, len(out.o.Emitted))
			for i, e := range out.o.Emitted {
				all[i] = emitted{Name: e.Name, Scope: e.Scope, Again: e.Again}
				if e.Scope != "" {
					all[i].Data = e.Data
				}
			}
			return toStarlark(reflect.ValueOf(all))
		}},
	{Name: "action", Sig: "ActionOutput", Doc: "What the action's user is told; None if the event is no action.",
		Get: func(out *outcome) (starlark.Value, error) {
			a := out.o.Action
			if a == nil {
				return starlark.None, nil
			}
			result := &actionResult{Results: a.Results, Logs: a.Log, Failed: a.Failed}
			if a.Failed {
				result.Failure = &a.Message
			}
			return of(actionKind, result), nil
		}},
	{Name: "reboot", Sig: "str", Doc: "\"after\" if the machine is to reboot after the hook, \"now\" if it is to at once, else \"\".",
		Get: func(out *outcome) (starlark.Value, error) { return starlark.String(out.o.Reboot), nil }},
	{Name: "duration", Sig: "time.duration", Doc: "How long the run took, by the real clock.",
		Get: func(out *outcome) (starlark.Value, error) { return startime.Duration(out.duration), nil }},
	{Name: "value", Sig: "any", Doc: "What the function of ctx.call returned; None after ctx.run.",
		Get: func(out *outcome) (starlark.Value, error) {
			if out.o.Value == nil {
				return starlark.None, nil
			}
			return out.o.Value, nil
		}},
	{Name: "changes", Sig: "list[str]", Doc: "The paths of what is different afterwards, for instance \"unit_status.name\".",
		Get: func(out *outcome) (starlark.Value, error) {
			paths := make([]string, len(out.o.Changes))
			for i, c := range out.o.Changes {
				paths[i] = c.Path
			}
			return toStarlark(reflect.ValueOf(paths))
		}},
	{Name: "notes", Sig: "list[str]", Doc: "What is odd about the State and the event, though not impossible: \"SC064: …\".",
		Get: func(out *outcome) (starlark.Value, error) { return toStarlark(reflect.ValueOf(out.notes)) }},
	{Name: "error", Sig: "struct", Doc: "How the charm failed: kind, message and traceback; None if it did not.",
		Get: (*outcome).charmError},
}, lookups(func(out *outcome) *simulate.State { return out.sim() })...)...)

var _ starlark.HasAttrs = (*outcome)(nil)

func (out *outcome) String() string                           { return "<Outcome of " + out.o.Event + " on " + out.o.Unit + ">" }
func (out *outcome) Type() string                             { return outcomeTable.Type() }
func (out *outcome) Freeze()                                  {}
func (out *outcome) Truth() starlark.Bool                     { return true }
func (out *outcome) Hash() (uint32, error)                    { return 0, errors.New("unhashable: Outcome") }
func (out *outcome) Attr(name string) (starlark.Value, error) { return outcomeTable.Attr(out, name) }
func (out *outcome) AttrNames() []string                      { return outcomeTable.AttrNames(out) }

func (out *outcome) history(app bool) starlark.Value {
	last := out.o.Before.Juju.UnitStatus
	if app {
		last = out.o.Before.Juju.AppStatus
	}
	var all []starlark.Value
	for _, change := range out.o.Statuses {
		if change.App == app {
			all = append(all, statusValue(last))
			last = modeltest.Status{Name: change.Name, Message: change.Message}
		}
	}
	list := starlark.NewList(all)
	list.Freeze()
	return list
}

func (out *outcome) logs() (starlark.Value, error) {
	lines := []logLine{}
	for _, s := range out.o.Steps {
		if s.Via == "log" && s.What != "TRACE" {
			lines = append(lines, logLine{s.What, s.Result})
		}
	}
	return toStarlark(reflect.ValueOf(lines))
}

func (out *outcome) calls() (starlark.Value, error) {
	calls := []call{}
	for _, s := range out.o.Steps {
		if s.Via != "log" {
			c := call{Text: callText(s), Input: s.Input, Result: s.Result, Failed: s.Failed}
			if s.At.Line > 0 {
				c.At = fmt.Sprintf("%s:%d", s.At.Filename(), s.At.Line)
			}
			calls = append(calls, c)
		}
	}
	return toStarlark(reflect.ValueOf(calls))
}

// callText is a call in one line: "pebble: add-layer web base".
func callText(s simulate.Step) string {
	if container, what, ok := strings.Cut(s.What, ": "); ok && s.Via == "pebble" {
		verb, rest, _ := strings.Cut(what, " ")
		return strings.TrimRight("pebble: "+verb+" "+container+" "+rest, " ")
	}
	return s.Via + ": " + s.What
}

func (out *outcome) charmError() (starlark.Value, error) {
	err := out.o.Err
	if err == nil {
		return starlark.None, nil
	}
	fields := starlark.StringDict{"kind": starlark.None, "message": starlark.String(""), "traceback": starlark.String("")}
	var traceback strings.Builder
	for i, d := range out.o.Diagnostics {
		if i == 0 {
			fields["message"] = starlark.String(d.Message)
		}
		traceback.WriteString(d.Render(false))
	}
	fields["traceback"] = starlark.String(traceback.String())
	var failed *builtins.Failure
	if errors.As(err, &failed) {
		fields["kind"], fields["message"] = failed.Kind, starlark.String(failed.Message)
	}
	return starlarkstruct.FromStringDict(starlark.String("error"), fields), nil
}
