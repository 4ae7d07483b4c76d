package builtins

import (
	"slices"

	"github.com/starcharm/starcharm/model"
)

// This file puts the tables together for the manual.

// documentFunctions describes the functions that are there without load() and
// belong to no module; print and fail are Starlark's own, described for what
// they do here.
func documentFunctions() TypeDoc {
	return TypeDoc{Doc: "Functions that belong to no module.", Members: []MemberDoc{
		{Name: "catch", Method: true, Signature: "(fn: function, *args, **kwargs) -> (value, failure | None)",
			Doc: "Calls `fn(*args, **kwargs)` and returns `(value, None)`, or `(None, failure)` when it met one. It takes what a running charm may meet, which the texts here call failures and name by kind. It does not take bugs, such as a wrong type or an unknown name, nor fail(): they end the hook."},
		{Name: "throw", Method: true, Signature: "(what: failure | kind, message: str = None)",
			Doc: "Raises a failure: one that catch() returned, with its kind, fields and traceback, and with message instead of its own if that is given; or a new one of a kind, which needs a message. One that nobody catches ends the hook with an error."},
		{Name: "struct", Method: true, Signature: "(**fields) -> struct",
			Doc: "A value with these attributes, which cannot be changed. Structs of equal fields are equal; + joins two, the fields of the right one winning."},
		{Name: "print", Method: true, Signature: "(*args, sep: str = \" \")",
			Doc: "Logs the arguments at INFO, as log.info does."},
		{Name: "fail", Method: true, Signature: "(*args, sep: str = \" \")",
			Doc: "Ends the hook with an error on what should never happen; catch() does not take it. An action fails with event.fail()."},
	}}
}

// Documentation describes everything that a charm's files can use: functions,
// modules, and the types of their values, in the manual's order.
func Documentation() []TypeDoc {
	var docs []TypeDoc
	module := func(m TypeDoc, types ...TypeDoc) {
		m.Module, m.Of = m.Name != "", m.Name
		docs = append(docs, m)
		for _, d := range types {
			d.Of = m.Name
			docs = append(docs, d)
		}
	}
	module(documentFunctions(),
		failureTable.document(),
		TypeDoc{Name: "kind", Doc: "A kind of failure, such as pebble.ConnectionError: an argument of throw() and of failure.matches(). Kinds can be compared with == and be keys of dicts."})
	module(frameworkTable.document(),
		documentEvent(), eventSourceTable.document(),
		TypeDoc{Name: "events", Doc: "framework.on, and what framework.on[name] gives. Its attributes are the events, each an event_source: those of the charm, of its endpoints, storages, containers and actions, and any for all hooks and actions. In a name, - is written as _. One that the metadata does not have is an error when the charm loads."},
		scopeTable.document())
	module(modelTable.document(),
		unitTable.document(), applicationTable.document(), relationTable.document(), remoteModelTable.document(), databagTable.document(),
		mappingTable.document(), statusTable.document(), secretTable.document(), secretInfoTable.document(), storagesTable.document(), storageTable.document(),
		bindingTable.document(), networkTable.document(), networkInterfaceTable.document(),
		goalStateTable.document(), goalTable.document(), cloudSpecTable.document(), cloudCredentialTable.document(), podTable.document(),
		resourcesTable.document(), portTable.document(), versionTable.document())
	module(hooktoolTable.document())
	module(storedstateTable.document(),
		TypeDoc{Name: "stored", Doc: "What storedstate.define returns. Its attributes are those that define named; a value that is read is frozen, and is changed by assigning a new one: `stored.hosts = stored.hosts + [\"a\"]`. What is no plain data is refused where it is assigned. It can be assigned in handlers only, not while the charm loads."})
	module(pebbleTable.document(),
		containerTable.document(), clientTable.document(), fileInfoTable.document(), serviceInfoTable.document(), checkTable.document(), noticeTable.document(),
		layerTable.document(), planTable.document(), serviceTable.document(), checkConfigTable.document(), logTargetTable.document(),
		logEntryTable.document(), processTable.document(), outputStreamTable.document(), inputStreamTable.document(),
		changeTable.document(), taskTable.document())
	module(logTable.document())
	module(jsonTable.document())
	module(yamlTable.document())
	module(timeTable.document(), documentTime(), documentDuration())
	module(mathTable.document())
	module(reTable.document(), rePatternTable.document(), reMatchTable.document())
	module(schemaTable.document(),
		TypeDoc{Name: "schema_type", Doc: "What a value has to be, as schema.int() and others return it."},
		TypeDoc{Name: "record_type", Doc: "What schema.record returns: a type whose values are records. Calling it with values for its fields, by name, makes a record: `Config(server_port = 8000)`; what does not fit is the failure schema.ValidationError, a field that it does not have an error. A dict will do for a field that is a record. Printed, it is a table of its fields."},
		TypeDoc{Name: "record", Doc: "A value with the fields of its record_type as attributes. It does not change, is equal to records of its type with equal fields, and can be encoded as JSON or YAML."})
	module(templateTable.document())
	module(base64Table.document())
	module(hashlibTable.document(), digestTable.document())
	module(lzmaTable.document())
	module(httpTable.document(), httpResponseTable.document(), httpHeadersTable.document())
	module(commandTable.document(), commandResultTable.document())
	module(cryptoTable.document(), certificateTable.document(), certificateRequestTable.document(), privateKeyTable.document())
	module(hostFileTable.document(), fileStatTable.document())
	module(netTable.document(), ipTable.document(), urlTable.document())
	return docs
}

// documentEvent describes the events' attributes, and which events have which.
func documentEvent() TypeDoc {
	d := eventTable.document()
	for i, m := range eventTable.members {
		if m.only == nil {
			continue
		}
		for _, e := range eventsByKind() {
			if m.only(&Event{Source: &EventSource{EventDef: e}}) {
				d.Members[i].Only = append(d.Members[i].Only, e.Name)
			}
		}
	}
	return d
}

// An EventDoc describes a kind of event for the manual.
type EventDoc struct {
	// Name has <endpoint>, <storage>, <container> or <action> where events are
	// named for one.
	Name string
	Doc  string
	// Attributes are those that not every event has, methods with (), sorted.
	Attributes []string
	// CannotDefer is why it cannot be deferred, or "".
	CannotDefer string
}

// EventDocumentation describes all events, in the order of a unit's life.
func EventDocumentation() []EventDoc {
	var docs []EventDoc
	for _, e := range eventsByKind() {
		doc := EventDoc{Name: e.Name, Doc: e.Kind.Doc(), CannotDefer: e.Kind.CannotDefer()}
		for _, m := range documentEvent().Members {
			if !slices.Contains(m.Only, e.Name) {
				continue
			}
			name := m.Name
			if m.Method {
				name += "()"
			}
			doc.Attributes = append(doc.Attributes, name)
		}
		docs = append(docs, doc)
	}
	return docs
}

// eventsByKind is one event of each kind, of a charm whose endpoint, storage,
// container and action have names that stand for any.
func eventsByKind() []model.EventDef {
	known := (&model.Metadata{
		Relations:  map[string]*model.RelationMeta{"<endpoint>": nil},
		Storages:   map[string]*model.StorageMeta{"<storage>": nil},
		Containers: map[string]*model.ContainerMeta{"<container>": nil},
		Actions:    map[string]*model.ActionMeta{"<action>": nil},
	}).Events()
	kinds := model.EventKinds()
	slices.SortStableFunc(known, func(a, b model.EventDef) int {
		return slices.Index(kinds, a.Kind) - slices.Index(kinds, b.Kind)
	})
	return known
}
