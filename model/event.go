package model

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// EventKind is a sort of event: "config_changed", "relation_changed".
type EventKind string

// The kinds. Events about an endpoint, a storage, a container or an action
// have its name in front: db_relation_changed, backup_action.
const (
	Install               EventKind = "install"
	Start                 EventKind = "start"
	Stop                  EventKind = "stop"
	Remove                EventKind = "remove"
	ConfigChanged         EventKind = "config_changed"
	UpdateStatus          EventKind = "update_status"
	UpgradeCharm          EventKind = "upgrade_charm"
	LeaderElected         EventKind = "leader_elected"
	LeaderSettingsChanged EventKind = "leader_settings_changed"
	PreSeriesUpgrade      EventKind = "pre_series_upgrade"
	PostSeriesUpgrade     EventKind = "post_series_upgrade"
	CollectMetrics        EventKind = "collect_metrics"
	MeterStatusChanged    EventKind = "meter_status_changed"
	RelationCreated       EventKind = "relation_created"
	RelationJoined        EventKind = "relation_joined"
	RelationChanged       EventKind = "relation_changed"
	RelationDeparted      EventKind = "relation_departed"
	RelationBroken        EventKind = "relation_broken"
	StorageAttached       EventKind = "storage_attached"
	StorageDetaching      EventKind = "storage_detaching"
	PebbleReady           EventKind = "pebble_ready"
	PebbleCustomNotice    EventKind = "pebble_custom_notice"
	PebbleCheckFailed     EventKind = "pebble_check_failed"
	PebbleCheckRecovered  EventKind = "pebble_check_recovered"
	SecretChanged         EventKind = "secret_changed"
	SecretRotate          EventKind = "secret_rotate"
	SecretRemove          EventKind = "secret_remove"
	SecretExpired         EventKind = "secret_expired"
	Action                EventKind = "action"
	CollectAppStatus      EventKind = "collect_app_status"
	CollectUnitStatus     EventKind = "collect_unit_status"
	PreCommit             EventKind = "pre_commit"
	Commit                EventKind = "commit"
)

// What the events of a kind are about.
const (
	aboutCharm     = ""
	aboutEndpoint  = "endpoint"
	aboutStorage   = "storage"
	aboutContainer = "container"
	aboutAction    = "action"
)

// kindInfo is what is known of a kind.
type kindInfo struct {
	kind        EventKind
	about       string
	fields      string // separated by spaces
	cannotDefer string
	doc         string
}

const (
	leaving        = "the unit is going away, no later hook would run it"
	internal       = "it belongs to this hook, the next one has its own"
	relationFields = "relation app unit"
)

var eventKinds = [...]kindInfo{
	{Install, aboutCharm, "", "", "Runs once, before anything else, to install what the charm needs."},
	{Start, aboutCharm, "", "", "Runs once after install and the first config-changed, and again when the machine or pod restarts."},
	{Stop, aboutCharm, "", leaving, "Runs when the unit is to stop its workload before it is removed."},
	{Remove, aboutCharm, "", leaving, "Runs last, when the unit is about to be gone."},
	{ConfigChanged, aboutCharm, "", "", "Runs after install and upgrade-charm, after a restart, and when a configuration option has changed."},
	{UpdateStatus, aboutCharm, "", "", "Runs at an interval, by default every five minutes."},
	{UpgradeCharm, aboutCharm, "", "", "Runs first after the charm was refreshed."},
	{LeaderElected, aboutCharm, "", "", "Runs on a unit that has become the leader of its application."},
	{LeaderSettingsChanged, aboutCharm, "", "", "Runs on followers when the leader's settings changed; gone in Juju 4."},
	{PreSeriesUpgrade, aboutCharm, "", "", "Runs before the machine's system is upgraded; gone in Juju 4."},
	{PostSeriesUpgrade, aboutCharm, "", "", "Runs after the machine's system was upgraded; gone in Juju 4."},
	{CollectMetrics, aboutCharm, "", "", "Runs every five minutes to collect metrics, with few hook tools; gone in Juju 3.6.11."},
	{MeterStatusChanged, aboutCharm, "", "", "Runs when the meter status changed, with few hook tools; gone in Juju 3.6.11."},
	{RelationCreated, aboutEndpoint, relationFields, "", "Runs when the application has been related to another one."},
	{RelationJoined, aboutEndpoint, relationFields, "", "Runs when a remote unit has joined the relation."},
	{RelationChanged, aboutEndpoint, relationFields, "", "Runs when a remote unit or application has changed its data."},
	{RelationDeparted, aboutEndpoint, relationFields + " departing_unit", "", "Runs when a unit has left the relation."},
	{RelationBroken, aboutEndpoint, relationFields, "", "Runs when the relation has been removed."},
	{StorageAttached, aboutStorage, "storage", "", "Runs when a storage instance is there to be used."},
	{StorageDetaching, aboutStorage, "storage", "", "Runs when a storage instance is about to be taken away."},
	{PebbleReady, aboutContainer, "workload", "", "Runs when Pebble has started in a container."},
	{PebbleCustomNotice, aboutContainer, "workload notice", "", "Runs when a notice of type custom occurred in a container; Juju 3.4."},
	{PebbleCheckFailed, aboutContainer, "workload info", "", "Runs when a health check in a container has reached its threshold of failures; Juju 3.6."},
	{PebbleCheckRecovered, aboutContainer, "workload info", "", "Runs when a health check in a container that had failed succeeds again; Juju 3.6."},
	{SecretChanged, aboutCharm, "secret", "", "Runs on a unit that uses a secret, when it has a new revision; Juju 3.0."},
	{SecretRotate, aboutCharm, "secret", "Juju fires secret-rotate again by itself", "Runs on a secret's owner when it is to be given new content; Juju 3.0."},
	{SecretRemove, aboutCharm, "secret revision", "", "Runs on a secret's owner when nobody uses a revision any more; Juju 3.0."},
	{SecretExpired, aboutCharm, "secret revision", "Juju fires secret-expired again by itself", "Runs on a secret's owner when a revision is past its time; Juju 3.0."},
	{Action, aboutAction, "id params", "the user waits for its result", "Runs when a user asks for an action."},
	{CollectAppStatus, aboutCharm, "", internal, "Asks, at the end of a hook and on the leader only, what the application's status is."},
	{CollectUnitStatus, aboutCharm, "", internal, "Asks, at the end of a hook, what the unit's status is."},
	{PreCommit, aboutCharm, "", internal, "Runs before the hook's state is saved."},
	{Commit, aboutCharm, "", internal, "Runs when the hook's state is being saved."},
}

func (k EventKind) info() kindInfo {
	for _, info := range eventKinds {
		if info.kind == k {
			return info
		}
	}
	return kindInfo{}
}

// EventKinds returns all kinds, in the order of a unit's life.
func EventKinds() []EventKind {
	kinds := make([]EventKind, len(eventKinds))
	for i, info := range eventKinds {
		kinds[i] = info.kind
	}
	return kinds
}

// CannotDefer returns why an event of this kind cannot be deferred, in one
// phrase, or "" when it can.
func (k EventKind) CannotDefer() string { return k.info().cannotDefer }

// Restricted tells whether Juju allows only a few hook tools in this hook, so
// that neither deferred events nor status collection can run in it.
func (k EventKind) Restricted() bool { return k == CollectMetrics || k == MeterStatusChanged }

// Lifecycle tells whether the event comes from the runtime and not from Juju.
func (k EventKind) Lifecycle() bool {
	switch k {
	case CollectAppStatus, CollectUnitStatus, PreCommit, Commit:
		return true
	}
	return false
}

// Relation tells whether the event is about a relation.
func (k EventKind) Relation() bool { return k.info().about == aboutEndpoint }

// Fields returns the attributes that such an event has, methods aside.
func (k EventKind) Fields() []string { return strings.Fields(k.info().fields) }

// Doc says in a sentence when the event runs.
func (k EventKind) Doc() string { return k.info().doc }

// subject names what the event is about: "endpoint", "storage", "container",
// "action", or "" for the charm as a whole.
func (k EventKind) subject() string { return k.info().about }

// first tells whether the kind is the first of those about the same things.
func (k EventKind) first() bool {
	for _, info := range eventKinds {
		if info.about == k.info().about {
			return info.kind == k
		}
	}
	return false
}

// EventDef is an event that a charm may meet.
type EventDef struct {
	Name    string // the attribute of on: "db_relation_changed"
	Kind    EventKind
	Subject string // endpoint, storage, container or action as the metadata has it; "" for others
}

// Event is something that happened. Its data is plain: what JSON can hold,
// with int64 for numbers.
//
//	relation_*          relation_name, relation_id, app_name and unit_name if known,
//	                    departing_unit for relation_departed if known
//	storage_*           storage_name, storage_index, storage_location if known
//	pebble_*            container_name
//	pebble_custom_notice  and notice_id, notice_type, notice_key
//	pebble_check_*        and check_name
//	secret_*            id, label if there is one
//	secret_remove, secret_expired  and revision
//	action              id
type Event struct {
	EventDef
	Data map[string]any
}

// Events returns all events that the charm may meet, those from the runtime
// included, sorted by name.
func (m *Metadata) Events() []EventDef {
	var events []EventDef
	for _, info := range eventKinds {
		if info.about == aboutCharm {
			events = append(events, EventDef{Name: string(info.kind), Kind: info.kind})
		}
		for subject := range m.subjects(info.about) {
			events = append(events, EventDef{Name: normal(subject) + "_" + string(info.kind), Kind: info.kind, Subject: subject})
		}
	}
	slices.SortFunc(events, func(a, b EventDef) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Subject, b.Subject))
	})
	return events
}

// EventsOf returns the events of an endpoint, storage, container or action, in
// no certain order; none if the charm has nothing of that name. "_" and "-" are
// the same in a name.
func (m *Metadata) EventsOf(subject string) []EventDef {
	prefix := normal(subject) + "_"
	var events []EventDef
	for _, about := range []string{aboutEndpoint, aboutStorage, aboutContainer, aboutAction} {
		for name := range m.subjects(about) {
			// Most names differ in length, which is cheap to see.
			if len(name) != len(subject) || normal(name) != prefix[:len(name)] {
				continue
			}
			for _, info := range eventKinds {
				if info.about == about {
					events = append(events, EventDef{Name: prefix + string(info.kind), Kind: info.kind, Subject: name})
				}
			}
		}
	}
	return events
}

// subjects returns the names of what events may be about, in any order.
func (m *Metadata) subjects(about string) iter.Seq[string] {
	switch about {
	case aboutEndpoint:
		return maps.Keys(m.Relations)
	case aboutStorage:
		return maps.Keys(m.Storages)
	case aboutContainer:
		return maps.Keys(m.Containers)
	case aboutAction:
		return maps.Keys(m.Actions)
	}
	return func(func(string) bool) {}
}

// Event finds an event by its name, such as "db_relation_changed".
func (m *Metadata) Event(name string) (EventDef, bool) {
	for _, info := range eventKinds {
		prefix, ok := strings.CutSuffix(name, string(info.kind))
		switch {
		case !ok:
		case info.about == aboutCharm:
			if prefix == "" {
				return EventDef{Name: name, Kind: info.kind}, true
			}
		default:
			for subject := range m.subjects(info.about) {
				if normal(subject)+"_" == prefix {
					return EventDef{Name: name, Kind: info.kind, Subject: subject}, true
				}
			}
		}
	}
	return EventDef{}, false
}

// Event returns what the hook is about. It is false for an event that the
// charm does not know, which is nothing bad: the charm may have been rolled
// back. An error names a variable that such an event needs and that is missing
// or contradicts the event.
func (c *Context) Event(m *Metadata) (Event, bool, error) {
	def, ok := m.Event(c.EventName())
	if !ok || def.Kind.Lifecycle() {
		return Event{}, false, nil
	}
	b := eventBuilder{def: def, data: make(map[string]any)}
	switch def.Kind.subject() {
	case aboutEndpoint:
		b.same("JUJU_RELATION", c.RelationName)
		b.data["relation_name"] = def.Subject
		b.number("relation_id", "JUJU_RELATION_ID", c.RelationID, -1)
		b.optional("app_name", c.RemoteApp)
		switch def.Kind {
		case RelationJoined, RelationDeparted:
			b.text("unit_name", "JUJU_REMOTE_UNIT", c.RemoteUnit)
		default:
			b.optional("unit_name", c.RemoteUnit)
		}
		if def.Kind == RelationDeparted {
			b.optional("departing_unit", c.DepartingUnit)
		}
	case aboutStorage:
		b.same("JUJU_STORAGE_ID", c.StorageName)
		b.data["storage_name"] = def.Subject
		b.number("storage_index", "JUJU_STORAGE_ID", c.StorageIndex, -1)
		b.optional("storage_location", c.StorageLocation)
	case aboutContainer:
		b.same("JUJU_WORKLOAD_NAME", c.WorkloadName)
		b.data["container_name"] = def.Subject
		switch def.Kind {
		case PebbleCustomNotice:
			b.text("notice_id", "JUJU_NOTICE_ID", c.NoticeID)
			b.text("notice_type", "JUJU_NOTICE_TYPE", c.NoticeType)
			b.text("notice_key", "JUJU_NOTICE_KEY", c.NoticeKey)
		case PebbleCheckFailed, PebbleCheckRecovered:
			b.text("check_name", "JUJU_PEBBLE_CHECK_NAME", c.CheckName)
		}
	case aboutAction:
		b.text("id", "JUJU_ACTION_UUID", c.ActionUUID)
	}
	switch def.Kind {
	case SecretChanged, SecretRotate, SecretRemove, SecretExpired:
		b.text("id", "JUJU_SECRET_ID", c.SecretID)
		b.optional("label", c.SecretLabel)
		if def.Kind == SecretRemove || def.Kind == SecretExpired {
			b.number("revision", "JUJU_SECRET_REVISION", c.SecretRevision, 0)
		}
	}
	if b.err != nil {
		return Event{}, true, b.err
	}
	return Event{EventDef: def, Data: b.data}, true, nil
}

// eventBuilder collects an event's data and the first error.
type eventBuilder struct {
	def  EventDef
	data map[string]any
	err  error
}

func (b *eventBuilder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("cannot understand the event %s: %s", b.def.Name, fmt.Sprintf(format, args...))
	}
}

func (b *eventBuilder) text(key, variable, value string) {
	if value == "" {
		b.fail("%s is not set", variable)
	}
	b.data[key] = value
}

func (b *eventBuilder) number(key, variable string, value, none int) {
	if value == none {
		b.fail("%s is not set", variable)
	}
	b.data[key] = int64(value)
}

func (b *eventBuilder) optional(key, value string) {
	if value != "" {
		b.data[key] = value
	}
}

// same checks a variable that repeats what the event is about.
func (b *eventBuilder) same(variable, value string) {
	if value != "" && value != b.def.Subject {
		b.fail("%s is about %q, not about %q", variable, shorten(value), b.def.Subject)
	}
}
