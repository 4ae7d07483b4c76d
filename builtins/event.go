package builtins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// This file defines the event that a handler receives.

// An Event is one event on its way to one handler.
type Event struct {
	handle
	Source *EventSource
	// Data is the event's snapshot: plain data, by the names of
	// model.Event.Data for Juju's events, by field for a library's.
	Data map[string]any
	// Deferred says that the handler called defer().
	Deferred bool
	// Statuses are those that handlers of a collect-status event added.
	Statuses []*Status

	hook *Hook
	// ChangedOptions answers changed_config; set by the host.
	ChangedOptions func() ([]string, error)
}

// NewEvent returns an event of source.
func NewEvent(h *Hook, source *EventSource, data map[string]any) *Event {
	return &Event{Source: source, Data: data, hook: h}
}

// Snapshot is the event's data as JSON, equal for equal events.
func (e *Event) Snapshot() (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e.Data); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}

// Restore sets the event's data to what Snapshot gave.
func (e *Event) Restore(snapshot json.RawMessage) error {
	if e.Source.Scope != "" {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(snapshot, &fields); err != nil {
			return err
		}
		e.Data = make(map[string]any, len(fields))
		for name, raw := range fields {
			e.Data[name] = raw
		}
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(snapshot))
	dec.UseNumber()
	var data map[string]any
	if err := dec.Decode(&data); err != nil {
		return err
	}
	for key, v := range data {
		if n, ok := v.(json.Number); ok {
			i, err := n.Int64()
			if err != nil {
				return err
			}
			data[key] = i
		}
	}
	e.Data = data
	return e.checkData()
}

// checkData says what the data of one of Juju's events lacks.
func (e *Event) checkData() error {
	for _, field := range e.Source.Kind.Fields() {
		ok := true
		switch field {
		case "relation":
			id, isNumber := e.Data["relation_id"].(int64)
			ok = isNumber && id >= 0 && id <= math.MaxInt32
		case "storage":
			index, isNumber := e.Data["storage_index"].(int64)
			ok = isNumber && index >= 0 && index <= math.MaxInt32
		case "workload":
			ok = e.text("container_name") == e.Source.Subject
		case "notice":
			ok = e.text("notice_id") != "" && e.text("notice_type") != "" && e.text("notice_key") != ""
		case "info":
			ok = e.text("check_name") != ""
		case "secret":
			ok = e.text("id") != ""
		case "revision":
			ok = e.number("revision") > 0
		}
		if !ok {
			return fmt.Errorf("the data of %s does not say which %s it is about", e.Source.Name, field)
		}
	}
	return nil
}

// kind says whether the event is of one of these kinds.
func kind(kinds ...model.EventKind) func(*Event) bool {
	return func(e *Event) bool {
		for _, k := range kinds {
			if e.Source.Kind == k {
				return true
			}
		}
		return false
	}
}

// field says whether the events of this kind have this attribute.
func field(name string) func(*Event) bool {
	return func(e *Event) bool {
		for _, f := range e.Source.Kind.Fields() {
			if f == name {
				return true
			}
		}
		return false
	}
}

var eventTable = table[*Event]{
	typ: "event",
	doc: "What a handler receives. Which attributes it has depends on the kind of event.",
	members: []member[*Event]{
		{name: "name", sig: "str", doc: "The event's name, for instance \"db_relation_changed\".",
			get: func(e *Event) (starlark.Value, error) { return starlark.String(e.Source.Name), nil }},
		{name: "deferred", sig: "bool", doc: "Whether defer() has been called.",
			get: func(e *Event) (starlark.Value, error) { return starlark.Bool(e.Deferred), nil }},
		{name: "defer", sig: "()", doc: "Keeps the event for this handler: it is called again, from its top, at the start of the next hook. The handler goes on after it; return to leave. Actions, stop, remove, secret-rotate, secret-expired and status collection cannot be deferred.",
			call: (*Event).deferIt},
		{name: "changed_config", sig: "list[str]", doc: "The names of the options whose values differ from those of the last config-changed hook that succeeded, sorted. All that have a value, if there was none.",
			get: (*Event).changedConfig},

		{name: "relation", sig: "relation", doc: "The relation that the event is about.", only: field("relation"),
			get: (*Event).relation},
		{name: "app", sig: "application", doc: "The remote application. None in the rare case that Juju does not say.", only: field("app"),
			get: func(e *Event) (starlark.Value, error) { return e.hook.appOrNone(e.text("app_name")), nil }},
		{name: "unit", sig: "unit", doc: "The remote unit. None when the event is about the application alone: relation-created, relation-broken, and a change of the application's data.", only: field("unit"),
			get: func(e *Event) (starlark.Value, error) { return e.hook.unitOrNone(e.text("unit_name")), nil }},
		{name: "departing_unit", sig: "unit", doc: "The unit that leaves the relation; it may be this unit itself.", only: field("departing_unit"),
			get: func(e *Event) (starlark.Value, error) { return e.hook.unitOrNone(e.text("departing_unit")), nil }},
		{name: "storage", sig: "storage", doc: "The storage that was attached or is about to be detached.", only: field("storage"),
			get: (*Event).storage},
		{name: "workload", sig: "container", doc: "The container that the event is about.", only: field("workload"),
			get: func(e *Event) (starlark.Value, error) { return e.hook.container(e.text("container_name")) }},
		{name: "notice", sig: "notice", doc: "The notice: id, type and key are there at once, the rest is asked of Pebble when used.", only: field("notice"),
			get: (*Event).notice},
		{name: "info", sig: "check", doc: "The check: its name is there at once, the rest is asked of Pebble when used.", only: field("info"),
			get: (*Event).check},
		{name: "secret", sig: "secret", doc: "The secret that the event is about.", only: field("secret"),
			get: (*Event).secret},
		{name: "revision", sig: "int", doc: "The secret revision that the event is about.", only: field("revision"),
			get: func(e *Event) (starlark.Value, error) { return starlark.MakeInt64(e.number("revision")), nil }},
		{name: "remove_revision", sig: "()", doc: "Removes the secret revision that the event is about, as secret.remove_revision does. Nothing is to be done when the secret is gone, or is the application's and this unit no leader any more.", only: field("revision"),
			call: func(e *Event, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				s, err := e.modelSecret()
				if err != nil {
					return nil, failure(err)
				}
				err = s.RemoveRevision(int(e.number("revision")))
				var refused *model.Error
				if errors.As(err, &refused) && (refused.Kind == model.SecretNotFoundError || refused.Kind == model.NotLeaderError) {
					return starlark.None, nil
				}
				return starlark.None, failure(err)
			}},

		{name: "id", sig: "str", doc: "The action's id.", only: kind("action"),
			get: func(e *Event) (starlark.Value, error) { return starlark.String(e.text("id")), nil }},
		{name: "params", sig: "dict", doc: "The action's parameters, with Juju's defaults filled in, nested where the schema is; read-only. A parameter of type number is a float, one of type integer an int. One that was not given and has no default is not there: event.params.get(\"to\").", only: kind("action"),
			get: func(e *Event) (starlark.Value, error) {
				params, err := e.hook.Model.ActionParams()
				if err != nil {
					return nil, failure(err)
				}
				return toStarlark(params)
			}},
		{name: "load_params", sig: "(schema: record_type, *, errors: str = \"raise\") -> record", doc: "The action's parameters as a record; names as for model.load_config. What does not fit is the failure schema.ValidationError, or with errors = \"fail\" it fails the action, with a message to its user, and the handler ends there.", only: kind("action"),
			call: (*Event).loadParams},
		{name: "set_results", sig: "(results: dict)", doc: "Gives results to the action's user. Keys are lower-case letters, digits, - and .; nested dicts are flattened with a dot. stdout, stderr and return-code are Juju's own. A list is given as JSON. Several calls add up. ModelError for a result of more than 128 KiB with its key: then nothing of the call is sent.", only: kind("action"),
			call: setResults},
		{name: "log", sig: "(message: str)", doc: "Shows a line to the action's user while the action runs.", only: kind("action"),
			call: func(e *Event, in invocation) (starlark.Value, error) {
				var message string
				if err := in.unpack("message", &message); err != nil {
					return nil, err
				}
				return starlark.None, failure(e.hook.Model.ActionLog(message))
			}},
		{name: "fail", sig: "(message: str = \"\")", doc: "Marks the action as failed, with the last message that it is called with; without one Juju says that no reason was given. The handler goes on after it; return to leave.", only: kind("action"),
			call: func(e *Event, in invocation) (starlark.Value, error) {
				var message string
				if err := in.unpack("message?", &message); err != nil {
					return nil, err
				}
				return starlark.None, failure(e.hook.Model.ActionFail(message))
			}},

		{name: "add_status", sig: "(status: status)", doc: "Adds a status. Of all that were added in this hook the worst is set: blocked, maintenance, waiting, active; among equals the first.", only: kind("collect_app_status", "collect_unit_status"),
			call: func(e *Event, in invocation) (starlark.Value, error) {
				status := new(Status)
				if err := in.unpack("status", status); err != nil {
					return nil, err
				}
				if err := status.Settable(); err != nil {
					return nil, fmt.Errorf("%s: %w", in.name, err)
				}
				e.Statuses = append(e.Statuses, status)
				e.hook.writes(StatusPath(status))
				return starlark.None, nil
			}},
		{name: "add_metrics", sig: "(metrics: dict[str, int | float], labels: dict[str, str] = {})", doc: "Records metrics: finite numbers that are not negative. Keys and labels are letters, digits, - and _, with a letter in front; a label's value is not empty and has neither comma nor =. VersionError from Juju 3.6.11 on, which has no metrics.", only: kind("collect_metrics"),
			call: addMetrics},
	},
}

var (
	_ starlark.HasAttrs    = (*Event)(nil)
	_ starlark.HasSetField = (*Event)(nil)
)

func (e *Event) Type() string { return "event" }

func (e *Event) String() string {
	var about []string
	for _, key := range []string{"relation_id", "unit_name", "storage_name", "storage_index", "container_name", "check_name", "notice_key", "label", "id"} {
		if v, ok := e.Data[key]; ok && v != "" {
			about = append(about, fmt.Sprintf("%s=%v", key, v))
		}
	}
	for _, name := range e.Source.Fields {
		raw, ok := e.Data[name].(json.RawMessage)
		if !ok { // deferred before the library had the field: None
			raw = json.RawMessage("null")
		}
		about = append(about, fmt.Sprintf("%s=%s", name, raw))
	}
	return strings.TrimSpace("<event "+e.Source.QualifiedName()+" "+strings.Join(about, " ")) + ">"
}

func (e *Event) Attr(name string) (starlark.Value, error) {
	for _, f := range e.Source.Fields {
		if f == name {
			return toStarlark(e.Data[name])
		}
	}
	return eventTable.attr(e, name)
}

func (e *Event) AttrNames() []string {
	names := append(eventTable.attrNames(e), e.Source.Fields...)
	sort.Strings(names)
	return names
}

func (e *Event) SetField(name string, v starlark.Value) error {
	return fmt.Errorf("cannot set event.%s: an event is read-only; keep what must live on in storedstate", name)
}

func (e *Event) text(key string) string {
	s, _ := e.Data[key].(string)
	return s
}

func (e *Event) number(key string) int64 {
	switch n := e.Data[key].(type) {
	case int64:
		return n
	case int:
		return int64(n)
	}
	return 0
}

func (e *Event) deferIt(in invocation) (starlark.Value, error) {
	if err := in.none(); err != nil {
		return nil, err
	}
	if reason := e.Source.Kind.CannotDefer(); reason != "" {
		return nil, fmt.Errorf("cannot defer %s: %s", e.Source.Name, reason)
	}
	if f := e.hook.Framework; f.Running == nil || f.Running.Source == nil {
		return nil, fmt.Errorf("cannot defer %s in a reconciler: it runs in every hook anyway", e.Source.Name)
	}
	e.Deferred = true
	e.hook.writes("deferred")
	return starlark.None, nil
}

func (e *Event) changedConfig() (starlark.Value, error) {
	e.hook.looks("changed_config")
	names, err := e.ChangedOptions()
	if err != nil {
		return nil, failure(err)
	}
	sort.Strings(names)
	return stringList(names), nil
}

// stringList is a frozen list of strings.
func stringList(names []string) *starlark.List {
	elems := make([]starlark.Value, len(names))
	for i, name := range names {
		elems[i] = starlark.String(name)
	}
	list := starlark.NewList(elems)
	list.Freeze()
	return list
}

// RelationID is the id of the relation that the event is about, or -1.
func (e *Event) RelationID() int {
	if _, ok := e.Data["relation_id"]; !ok {
		return -1
	}
	return int(e.number("relation_id"))
}

func (e *Event) modelRelation() (*model.Relation, error) {
	return e.hook.Model.RelationByID(e.Source.Subject, e.RelationID())
}

func (e *Event) relation() (starlark.Value, error) {
	r, err := e.modelRelation()
	if err != nil {
		return nil, failure(err)
	}
	return e.hook.relation(r), nil
}

// Gone says what the event is about that is not there any more, or "". An
// event that tells of the leaving of its subject is never without it.
func (e *Event) Gone() (string, error) {
	switch e.Source.Kind {
	case "relation_created", "relation_joined", "relation_changed":
		r, err := e.modelRelation()
		if err != nil {
			return "", err
		}
		active, err := r.Active()
		if err != nil || active {
			return "", err
		}
		return fmt.Sprintf("relation %s:%d", e.Source.Subject, e.RelationID()), nil
	case "storage_attached":
		storages, err := e.hook.Model.Storages(e.Source.Subject)
		if err != nil {
			return "", err
		}
		for _, s := range storages {
			if int64(s.Index) == e.number("storage_index") {
				return "", nil
			}
		}
		return fmt.Sprintf("storage %s/%d", e.Source.Subject, e.number("storage_index")), nil
	}
	return "", nil
}

func setResults(e *Event, in invocation) (starlark.Value, error) {
	var results *starlark.Dict
	if err := in.unpack("results", &results); err != nil {
		return nil, err
	}
	plain, err := fromStarlark("results", results)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	return starlark.None, failure(e.hook.Model.SetActionResults(plain.(map[string]any)))
}

func addMetrics(e *Event, in invocation) (starlark.Value, error) {
	var metrics, labels *starlark.Dict
	if err := in.unpack("metrics", &metrics, "labels?", &labels); err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for _, item := range metrics.Items() {
		name, ok := starlark.AsString(item[0])
		f, isNumber := starlark.AsFloat(item[1])
		if !ok || !isNumber {
			return nil, fmt.Errorf("%s: metrics: %v = %v; want names and numbers", in.name, item[0], item[1])
		}
		values[name] = f
	}
	tags := map[string]string{}
	if labels != nil {
		for _, item := range labels.Items() {
			name, ok := starlark.AsString(item[0])
			value, isText := starlark.AsString(item[1])
			if !ok || !isText {
				return nil, fmt.Errorf("%s: labels: %v = %v; want strings", in.name, item[0], item[1])
			}
			tags[name] = value
		}
	}
	return starlark.None, failure(e.hook.Model.AddMetrics(values, tags))
}
