package builtins

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// This file defines the framework module: which events there are, who
// observes them, and the scopes of libraries.

// A Framework holds the registrations that the charm's scripts made while
// they were loaded.
type Framework struct {
	hook *Hook

	// Observers and Reconcilers are in the order of their registration.
	Observers   []*Observer
	Reconcilers []*Observer
	// JujuStorage says that the charm asked for Juju to keep its state.
	JujuStorage bool
	// stateRead says that stored state was read, so that it is known who
	// keeps it.
	stateRead bool
	// Loading is true while the scripts' top level runs; only then can they
	// register anything.
	Loading bool
	// Running is the observer whose handler runs now, the innermost one.
	Running *Observer

	handlers map[handlerKey]*starlark.Function
	scopes   map[string]*scope
	stored   map[string]*stored
	meta     starlark.Value // nil until it is asked for
}

func newFramework(h *Hook) *Framework {
	return &Framework{
		hook:     h,
		handlers: map[handlerKey]*starlark.Function{},
		scopes:   map[string]*scope{},
		stored:   map[string]*stored{},
	}
}

// metadata is the charm's metadata, which every library at the top of a charm
// asks for.
func (f *Framework) metadata() (starlark.Value, error) {
	if f.meta == nil {
		meta, err := metadataStruct(f.hook.Metadata)
		if err != nil {
			return nil, err
		}
		f.meta = meta
	}
	return f.meta, nil
}

type handlerKey struct{ scope, id string }

// An Observer is one registration of a handler.
type Observer struct {
	// Source is the event that is observed; nil for a reconciler.
	Source *EventSource
	// Scope is the library instance that registered it; "" for the charm.
	Scope string
	// ID names the handler across hooks: "src/charm.star:on_install".
	ID      string
	Handler *starlark.Function
}

// Observes says whether the observer is to be called for events of source.
func (o *Observer) Observes(source *EventSource) bool {
	if o.Source.any {
		return source.Scope == "" && !source.Kind.Lifecycle()
	}
	return o.Source.Scope == source.Scope && o.Source.Name == source.Name
}

// An EventSource is one event that can be observed: framework.on.install.
type EventSource struct {
	handle
	// Scope is the library instance that defined it; "" for Juju's own.
	Scope string
	model.EventDef
	// Fields are the attributes of an event that a library defined.
	Fields []string

	any  bool
	hook *Hook
}

// QualifiedName is the event's name, with its scope if it has one.
func (s *EventSource) QualifiedName() string {
	if s.Scope != "" {
		return s.Scope + "." + s.Name
	}
	return s.Name
}

var eventSourceTable = table[*EventSource]{
	typ: "event_source",
	doc: "An event that can be observed: an attribute of framework.on, or what define_event returns.",
	members: []member[*EventSource]{
		{name: "name", sig: "str", doc: "The event's name, for instance \"config_changed\".",
			get: func(s *EventSource) (starlark.Value, error) { return starlark.String(s.Name), nil }},
		{name: "emit", sig: "(**fields)", doc: "Emits the event to its observers, at once. Takes each of the fields that define_event named, as plain data. Only of events that define_event made: those of Juju come from Juju.",
			only: func(s *EventSource) bool { return s.Scope != "" },
			call: emitCustom},
	},
}

func (s *EventSource) String() string { return "<event " + s.QualifiedName() + ">" }
func (s *EventSource) Type() string   { return "event_source" }
func (s *EventSource) Attr(name string) (starlark.Value, error) {
	return eventSourceTable.attr(s, name)
}
func (s *EventSource) AttrNames() []string { return eventSourceTable.attrNames(s) }

func emitCustom(s *EventSource, in invocation) (starlark.Value, error) {
	if s.hook.Framework.Loading {
		return nil, fmt.Errorf("%s: events cannot be emitted while the charm is loading; emit them in a handler", s.QualifiedName())
	}
	if len(in.args) > 0 {
		return nil, fmt.Errorf("%s.emit: unexpected positional argument; its fields are keyword arguments: %s", s.QualifiedName(), strings.Join(s.Fields, ", "))
	}
	data := make(map[string]any, len(s.Fields))
	for _, kv := range in.kwargs {
		name := string(kv[0].(starlark.String))
		if !slices.Contains(s.Fields, name) {
			return nil, fmt.Errorf("%s.emit: unexpected keyword argument %s%s", s.QualifiedName(), name, didYouMean(name, s.Fields))
		}
		raw, err := encodePlain(name, kv[1])
		if err != nil {
			return nil, fmt.Errorf("%s.emit: %w", s.QualifiedName(), err)
		}
		data[name] = raw
	}
	for _, name := range s.Fields {
		if _, ok := data[name]; !ok {
			return nil, fmt.Errorf("%s.emit: missing argument for %s", s.QualifiedName(), name)
		}
	}
	return starlark.None, s.hook.Emit(in.thread, NewEvent(s.hook, s, data))
}

// didYouMean is empty, or a hint in parentheses, as package model and the
// interpreter give it.
func didYouMean(name string, known []string) string {
	if near := model.Nearest(name, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

var frameworkTable = table[*Framework]{
	typ: "framework",
	doc: "The events of this charm and the handlers that observe them.",
	members: []member[*Framework]{
		{name: "on", sig: "events", doc: "Every event that this charm can meet, by name: framework.on.install, framework.on[\"db\"].relation_changed, framework.on.db_relation_changed, framework.on.backup_action, framework.on.any.",
			get: func(f *Framework) (starlark.Value, error) { return &events{f: f}, nil }},
		{name: "observe", sig: "(event: event_source | list, handler: function)", doc: "Calls handler(event) whenever the event, or one of them, happens. Observers run in the order of registration; a handler that is registered twice for an event is called once. The handler is a function made with def, not a lambda, that takes the event. Can be called only while the charm loads, like all functions of this module that do not say otherwise.",
			call: func(f *Framework, in invocation) (starlark.Value, error) { return f.observe("", in) }},
		{name: "reconcile", sig: "(handler: function)", doc: "Calls handler(event) once in every hook, after the event's own observers and before status collection, but not for actions, stop, remove, and collect-metrics. It returns None, or a status or list of statuses, which join the collected unit statuses.",
			call: (*Framework).reconcile},
		{name: "scope", sig: "(name: str) -> scope", doc: "The namespace of one library instance. What it observes, defines and stores is its own, so that two instances never clash. A name can be taken once.",
			call: (*Framework).newScope},
		{name: "meta", sig: "struct", fields: fieldsOfStruct(metadataStruct(&model.Metadata{})), doc: "The charm's metadata: name, relations, containers, options, actions and so on.",
			get: (*Framework).metadata},
		{name: "charm_dir", sig: "str", doc: "The directory of the charm on this machine.",
			get: func(f *Framework) (starlark.Value, error) { return starlark.String(f.hook.CharmDir), nil }},
		{name: "read_file", sig: "(path: str, *, default = <fail>) -> str", doc: "The text of a file of the charm, by its path relative to the charm's directory: framework.read_file(\"src/dashboards/app.json\"). For one that is not there it is default, if that is given. No such file without a default, one of more than 4 MiB, and one that is not UTF-8 is an error, which ends the hook. Can be called at any time.",
			call: readCharmFile},
		{name: "list_files", sig: "(path: str, *, recursive: bool = False) -> list[str]", doc: "The paths of the files in a directory of the charm, with recursive also of those in the directories below it, each relative to the charm's directory and in the order of their names. An empty list if there is no such directory; more than 10,000 files are an error. Can be called at any time.",
			call: listCharmFiles},
		{name: "context", sig: "struct", fields: fieldsOfStruct(contextStruct(&model.Context{}), nil), doc: "The environment of this hook as Juju gave it, typed: dispatch_path, hook_name, model_name, model_uuid, unit_name, app_name, juju_version, debug, debug_at, availability_zone, machine_id, principal_unit, action_name, action_uuid, relation_name, relation_id, remote_app, remote_unit, departing_unit, storage_name, storage_index, workload_name, notice_id, notice_type, notice_key, check_name, secret_id, secret_label, secret_revision. What does not apply to this hook is None.",
			get: func(f *Framework) (starlark.Value, error) { return contextStruct(f.hook.Model.Context()), nil }},
		{name: "breakpoint", sig: "(name: str = None)", doc: "Stops here when JUJU_DEBUG_AT names the breakpoint, or is \"all\", for someone at a terminal to look around: juju debug-hooks, starcharm run, starcharm test. In starcharm repl all breakpoints stop. Otherwise it does nothing. A name has lower-case letters, digits, and - between them.",
			call: (*Framework).breakpoint},
		{name: "use_juju_for_storage", sig: "()", doc: "Keeps stored state and deferred events with Juju instead of in a file, so that they survive the loss of the pod. Call it at the top of the charm, before stored state is read.",
			call: func(f *Framework, in invocation) (starlark.Value, error) {
				if err := f.mustBeLoading(in.name); err != nil {
					return nil, err
				}
				if f.stateRead && !f.JujuStorage {
					return nil, fmt.Errorf("%s: stored state has been read already, from the charm's directory; call it before", in.name)
				}
				f.JujuStorage = true
				return starlark.None, in.none()
			}},
	},
}

func (f *Framework) mustBeLoading(what string) error {
	if !f.Loading {
		return fmt.Errorf("%s can only be called while the charm is loading, at the top level of a file or in a function called from there: what a handler registered would be forgotten after the hook", what)
	}
	return nil
}

func (f *Framework) observe(scope string, in invocation) (starlark.Value, error) {
	if err := f.mustBeLoading(in.name); err != nil {
		return nil, err
	}
	var what starlark.Value
	var handler starlark.Value
	if err := in.unpack("event", &what, "handler", &handler); err != nil {
		return nil, err
	}
	var sources []*EventSource
	switch what := what.(type) {
	case *EventSource:
		sources = []*EventSource{what}
	case starlark.Sequence:
		i := 0
		for elem := range starlark.Elements(what) {
			source, ok := elem.(*EventSource)
			if !ok {
				return nil, fmt.Errorf("%s: element %d of the list is a %s, want an event such as framework.on.install", in.name, i, elem.Type())
			}
			sources = append(sources, source)
			i++
		}
	default:
		return nil, fmt.Errorf("%s: got %s, want an event such as framework.on.install, or a list of them", in.name, describeNotEvent(what))
	}
	fn, id, err := f.handler(scope, handler)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	for _, source := range sources {
		o := &Observer{Source: source, Scope: scope, ID: id, Handler: fn}
		if !slices.ContainsFunc(f.Observers, func(p *Observer) bool {
			return p.Scope == scope && p.ID == id && p.Source.Scope == source.Scope && p.Source.Name == source.Name
		}) {
			f.Observers = append(f.Observers, o)
		}
	}
	return starlark.None, nil
}

func describeNotEvent(v starlark.Value) string {
	if s, ok := v.(starlark.String); ok {
		return fmt.Sprintf("the string %s", s)
	}
	return v.Type()
}

func (f *Framework) reconcile(in invocation) (starlark.Value, error) {
	if err := f.mustBeLoading(in.name); err != nil {
		return nil, err
	}
	var handler starlark.Value
	if err := in.unpack("handler", &handler); err != nil {
		return nil, err
	}
	fn, id, err := f.handler("", handler)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	if !slices.ContainsFunc(f.Reconcilers, func(o *Observer) bool { return o.ID == id }) {
		f.Reconcilers = append(f.Reconcilers, &Observer{ID: id, Handler: fn})
	}
	return starlark.None, nil
}

// handler checks that v can handle events and gives it its name across hooks.
func (f *Framework) handler(scope string, v starlark.Value) (*starlark.Function, string, error) {
	fn, ok := v.(*starlark.Function)
	if !ok {
		return nil, "", fmt.Errorf("the handler is a %s, want a function defined with def that takes the event", v.Type())
	}
	if fn.Name() == "lambda" {
		return nil, "", fmt.Errorf("the handler is a lambda; define it with def and a name, because a deferred event finds its handler again by name")
	}
	required := 0
	positional := fn.NumParams() - fn.NumKwonlyParams()
	if fn.HasVarargs() {
		positional--
	}
	if fn.HasKwargs() {
		positional--
	}
	for i := 0; i < positional; i++ {
		if fn.ParamDefault(i) == nil {
			required++
		}
	}
	kwonly := ""
	for i := positional; i < positional+fn.NumKwonlyParams(); i++ {
		if fn.ParamDefault(i) == nil {
			kwonly, _ = fn.Param(i)
		}
	}
	switch {
	case kwonly != "":
		return nil, "", fmt.Errorf("%s wants the keyword argument %s, but a handler is called with the event alone: def %s(event)", fn.Name(), kwonly, fn.Name())
	case required > 1, positional == 0 && !fn.HasVarargs():
		return nil, "", fmt.Errorf("%s takes %d arguments, but a handler is called with the event alone: def %s(event)", fn.Name(), required, fn.Name())
	}
	id := fn.Position().Filename() + ":" + fn.Name()
	key := handlerKey{scope, id}
	if other, ok := f.handlers[key]; ok && other != fn {
		return nil, "", fmt.Errorf("another function %s of this file is registered already (it is at %v, this one at %v), and a deferred event could not tell them apart; give them different names, or register each in a framework.scope of its own",
			fn.Name(), other.Position(), fn.Position())
	}
	f.handlers[key] = fn
	return fn, id, nil
}

// Events is the value of framework.on.
type events struct {
	handle
	f *Framework
}

var (
	_ starlark.HasAttrs = (*events)(nil)
	_ starlark.Mapping  = (*events)(nil)
)

func (e *events) String() string { return "<events>" }
func (e *events) Type() string   { return "events" }

func (e *events) AttrNames() []string {
	names := []string{"any"}
	for _, def := range e.f.hook.Metadata.Events() {
		names = append(names, def.Name)
	}
	sort.Strings(names)
	return names
}

func (e *events) Attr(name string) (starlark.Value, error) {
	if name == "any" {
		return &EventSource{EventDef: model.EventDef{Name: "any"}, any: true, hook: e.f.hook}, nil
	}
	def, ok := e.f.hook.Metadata.Event(name)
	if !ok {
		return nil, starlark.NoSuchAttrError(fmt.Sprintf("%s has no event %q", e.f.hook.Metadata.Name, name))
	}
	return &EventSource{EventDef: def, hook: e.f.hook}, nil
}

// Get returns the events of one endpoint, storage, container or action.
func (e *events) Get(key starlark.Value) (starlark.Value, bool, error) {
	subject, ok := starlark.AsString(key)
	if !ok {
		return nil, false, fmt.Errorf("framework.on[…] wants the name of an endpoint, storage, container or action, got %s", key.Type())
	}
	prefix := &prefixedEvents{f: e.f, subject: subject, defs: map[string]model.EventDef{}}
	for _, def := range e.f.hook.Metadata.EventsOf(subject) {
		prefix.defs[string(def.Kind)] = def
	}
	if len(prefix.defs) == 0 {
		var subjects []string
		for _, def := range e.f.hook.Metadata.Events() {
			if def.Subject != "" {
				subjects = append(subjects, def.Subject)
			}
		}
		return nil, false, fmt.Errorf("%s has no endpoint, storage, container or action %q%s", e.f.hook.Metadata.Name, subject, didYouMean(subject, subjects))
	}
	return prefix, true, nil
}

// prefixedEvents is the value of framework.on["db"].
type prefixedEvents struct {
	handle
	f       *Framework
	subject string
	defs    map[string]model.EventDef // by kind
}

func (p *prefixedEvents) String() string { return fmt.Sprintf("<events of %s>", p.subject) }
func (p *prefixedEvents) Type() string   { return "events" }

func (p *prefixedEvents) AttrNames() []string {
	names := make([]string, 0, len(p.defs))
	for kind := range p.defs {
		names = append(names, kind)
	}
	sort.Strings(names)
	return names
}

func (p *prefixedEvents) Attr(name string) (starlark.Value, error) {
	def, ok := p.defs[name]
	if !ok {
		return nil, starlark.NoSuchAttrError(fmt.Sprintf("%s has no event %q; it has %s", p.subject, name, strings.Join(p.AttrNames(), ", ")))
	}
	return &EventSource{EventDef: def, hook: p.f.hook}, nil
}

// A scope is the namespace of one library instance.
type scope struct {
	handle
	f      *Framework
	name   string
	events map[string]*EventSource
}

var scopeTable = table[*scope]{
	typ: "scope",
	doc: "The namespace of one library instance, from framework.scope(name).",
	members: []member[*scope]{
		{name: "name", sig: "str", doc: "The name that was given to framework.scope.",
			get: func(s *scope) (starlark.Value, error) { return starlark.String(s.name), nil }},
		{name: "observe", sig: "(event: event_source | list, handler: function)", doc: "Like framework.observe, for the library: the handler belongs to this instance.",
			call: func(s *scope, in invocation) (starlark.Value, error) { return s.f.observe(s.name, in) }},
		{name: "define_event", sig: "(name: str, *fields: str) -> event_source", doc: "Defines an event of this instance; emit(field = value, …) on the result emits it. It can be observed and deferred like Juju's own.",
			call: (*scope).defineEvent},
		{name: "stored", sig: "(**defaults) -> stored", doc: "Like storedstate.define, for the library: the values belong to this instance.",
			call: func(s *scope, in invocation) (starlark.Value, error) {
				return defineStored(s.f.hook, scopePrefix+s.name, in)
			}},
	},
}

func (s *scope) String() string                           { return "<scope " + s.name + ">" }
func (s *scope) Type() string                             { return "scope" }
func (s *scope) Attr(name string) (starlark.Value, error) { return scopeTable.attr(s, name) }
func (s *scope) AttrNames() []string                      { return scopeTable.attrNames(s) }

func (f *Framework) newScope(in invocation) (starlark.Value, error) {
	if err := f.mustBeLoading(in.name); err != nil {
		return nil, err
	}
	var name string
	if err := in.unpack("name", &name); err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fmt.Errorf("%s: the name is empty", in.name)
	}
	if f.scopes[name] != nil {
		return nil, fmt.Errorf("%s: the name %q is taken by another library instance; give each its own, for instance with the endpoint in it", in.name, name)
	}
	s := &scope{f: f, name: name, events: map[string]*EventSource{}}
	f.scopes[name] = s
	return s, nil
}

func (s *scope) defineEvent(in invocation) (starlark.Value, error) {
	if err := s.f.mustBeLoading(in.name); err != nil {
		return nil, err
	}
	if len(in.kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword argument %s", in.name, in.kwargs[0][0])
	}
	if len(in.args) == 0 {
		return nil, fmt.Errorf("%s: want a name and field names: define_event(\"ready\", \"address\")", in.name)
	}
	var words []string
	for _, arg := range in.args {
		word, ok := starlark.AsString(arg)
		if !ok || !isIdentifier(word) {
			return nil, fmt.Errorf("%s: %v is no name; use lower-case letters, digits and _", in.name, arg)
		}
		if isReserved(word) {
			return nil, fmt.Errorf("%s: %q is a reserved word of Starlark; choose another name", in.name, word)
		}
		words = append(words, word)
	}
	name, fields := words[0], words[1:]
	for i, field := range fields {
		if slices.Contains(fields[:i], field) {
			return nil, fmt.Errorf("%s: the field %q is named twice", in.name, field)
		}
		if eventTable.find(&Event{Source: &EventSource{}}, field) != nil {
			return nil, fmt.Errorf("%s: every event has an attribute %q already; choose another name", in.name, field)
		}
	}
	if s.events[name] != nil {
		return nil, fmt.Errorf("%s: %s has defined the event %q already", in.name, s.name, name)
	}
	source := &EventSource{Scope: s.name, EventDef: model.EventDef{Name: name, Kind: "custom"}, Fields: fields, hook: s.f.hook}
	s.events[name] = source
	return source, nil
}

// CustomSource returns the event that the library instance scope defined.
func (f *Framework) CustomSource(scope, name string) *EventSource {
	if s := f.scopes[scope]; s != nil {
		return s.events[name]
	}
	return nil
}

// Source returns one of Juju's events or a lifecycle event.
func (f *Framework) Source(def model.EventDef) *EventSource {
	return &EventSource{EventDef: def, hook: f.hook}
}

// Handler returns the function that was registered under id in scope, or nil.
func (f *Framework) Handler(scope, id string) *starlark.Function {
	return f.handlers[handlerKey{scope, id}]
}

// contextStruct shows the environment of the hook.
func contextStruct(c *model.Context) starlark.Value {
	text := func(s string) starlark.Value {
		if s == "" {
			return starlark.None
		}
		return starlark.String(s)
	}
	number := func(n int, none int) starlark.Value {
		if n == none {
			return starlark.None
		}
		return starlark.MakeInt(n)
	}
	debugAt := make(starlark.Tuple, len(c.DebugAt))
	for i, s := range c.DebugAt {
		debugAt[i] = starlark.String(s)
	}
	return starlarkstruct.FromStringDict(starlark.String("context"), starlark.StringDict{
		"dispatch_path":     text(c.DispatchPath),
		"hook_name":         text(c.HookName),
		"model_name":        text(c.ModelName),
		"model_uuid":        text(c.ModelUUID),
		"unit_name":         text(c.UnitName),
		"app_name":          text(c.AppName),
		"juju_version":      newVersion(c.Version),
		"debug":             starlark.Bool(c.Debug),
		"debug_at":          debugAt,
		"availability_zone": text(c.AvailabilityZone),
		"machine_id":        text(c.MachineID),
		"principal_unit":    text(c.PrincipalUnit),
		"action_name":       text(c.ActionName),
		"action_uuid":       text(c.ActionUUID),
		"relation_name":     text(c.RelationName),
		"relation_id":       number(c.RelationID, -1),
		"remote_app":        text(c.RemoteApp),
		"remote_unit":       text(c.RemoteUnit),
		"departing_unit":    text(c.DepartingUnit),
		"storage_name":      text(c.StorageName),
		"storage_index":     number(c.StorageIndex, -1),
		"workload_name":     text(c.WorkloadName),
		"notice_id":         text(c.NoticeID),
		"notice_type":       text(c.NoticeType),
		"notice_key":        text(c.NoticeKey),
		"check_name":        text(c.CheckName),
		"secret_id":         text(c.SecretID),
		"secret_label":      text(c.SecretLabel),
		"secret_revision":   number(c.SecretRevision, 0),
	})
}

// fieldsOfStruct are the names of a struct's attributes.
func fieldsOfStruct(v starlark.Value, err error) []string {
	s, ok := v.(starlark.HasAttrs)
	if err != nil || !ok {
		return nil
	}
	return s.AttrNames()
}

// isIdentifier says whether s is a lower-case Starlark name.
func isIdentifier(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r == '_', i > 0 && r >= '0' && r <= '9':
		default:
			return false
		}
	}
	return s != ""
}

// isReserved says whether an identifier is none of an attribute, because
// Starlark has another use for it.
func isReserved(s string) bool {
	options := syntax.FileOptions{}
	_, err := options.ParseExpr("", "event."+s, 0)
	return err != nil
}
