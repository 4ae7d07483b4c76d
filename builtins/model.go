package builtins

import (
	"errors"
	"fmt"
	"sort"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// This file defines the model module: Juju as this unit sees it.

var modelTable = table[*Hook]{
	typ: "model",
	doc: "The Juju model as this unit sees it. What is read is asked of Juju once in a hook; what is written and changes nothing is not sent.",
	members: append(append([]member[*Hook]{
		{name: "unit", sig: "unit", doc: "This unit.",
			get: func(h *Hook) (starlark.Value, error) { return h.unit(h.Model.Context().UnitName), nil }},
		{name: "app", sig: "application", doc: "The application of this unit.",
			get: func(h *Hook) (starlark.Value, error) { return h.app(h.Model.Context().AppName), nil }},
		{name: "name", sig: "str", doc: "The model's name.",
			get: func(h *Hook) (starlark.Value, error) { return starlark.String(h.Model.Context().ModelName), nil }},
		{name: "uuid", sig: "str", doc: "The model's UUID.",
			get: func(h *Hook) (starlark.Value, error) { return starlark.String(h.Model.Context().ModelUUID), nil }},
		{name: "juju_version", sig: "juju_version", doc: "The version of Juju that runs this unit.",
			get: func(h *Hook) (starlark.Value, error) { return newVersion(h.Model.Context().Version), nil }},
		{name: "config", sig: "mapping", doc: "The charm's options, typed by the metadata. An option that is neither set nor has a default reads as None, is not among the keys, and `name in model.config` is False for it; one that the metadata does not have is an error. A secret option is the secret's URI.",
			get: (*Hook).config},
		{name: "relations", sig: "mapping", doc: "The relations by endpoint: a list for each. One that is being removed is not among them. An endpoint that the metadata does not have is an error.",
			get: (*Hook).relationsMapping},
		{name: "storages", sig: "storages", doc: "The attached storages by name: a list for each, lowest index first; and request() for more.",
			get: func(h *Hook) (starlark.Value, error) { return newStorages(h), nil }},
		{name: "resources", sig: "resources", doc: "The charm's resources: fetch(name) gives a path.",
			get: func(h *Hook) (starlark.Value, error) { return &resources{h: h}, nil }},
		{name: "pod", sig: "pod", doc: "The pods of a charm without containers of its own; deprecated.",
			get: func(h *Hook) (starlark.Value, error) { return h.pod, nil }},
		{name: "get_unit", sig: "(name: str) -> unit", doc: "The unit of that name, for instance \"db/0\".",
			call: func(h *Hook, in invocation) (starlark.Value, error) {
				var name string
				if err := in.unpack("name", &name); err != nil {
					return nil, err
				}
				if err := model.CheckUnitName(name); err != nil {
					return nil, fmt.Errorf("%s: %w", in.name, err)
				}
				return h.unit(name), nil
			}},
		{name: "get_app", sig: "(name: str) -> application", doc: "The application of that name.",
			call: func(h *Hook, in invocation) (starlark.Value, error) {
				var name string
				if err := in.unpack("name", &name); err != nil {
					return nil, err
				}
				if err := model.CheckAppName(name); err != nil {
					return nil, fmt.Errorf("%s: %w", in.name, err)
				}
				return h.app(name), nil
			}},
		{name: "get_relation", sig: "(endpoint: str, id: int = None) -> relation", doc: "The relation of an endpoint, or None if there is none. With more than one relation an id is needed, else TooManyRelatedAppsError. For an id that is gone, a relation that is not active.",
			call: (*Hook).getRelation},
		{name: "get_binding", sig: "(key: str | relation) -> binding", doc: "The network that an endpoint, an extra binding, juju-info, or one relation uses. A name that the metadata does not have is an error.",
			call: (*Hook).getBinding},
		{name: "get_cloud_spec", sig: "() -> cloud_spec", doc: "What it takes to talk to the cloud that the model is on. ModelError unless the application is trusted (juju trust); VersionError on Kubernetes before Juju 3.6.10.",
			call: func(h *Hook, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				spec, err := h.Model.CloudSpec()
				return &cloudSpec{s: spec}, failure(err)
			}},
		{name: "get_goal_state", sig: "() -> goal_state", doc: "The units and relations that there shall be once Juju has done all that it was asked for.",
			call: func(h *Hook, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				state, err := h.Model.GoalState()
				return &goalState{g: state}, failure(err)
			}},
		{name: "get_secret", sig: "(*, id: str = None, label: str = None, default = <fail>) -> secret", doc: "The secret of that id or label, whose content is read at once. If there is none, or none that this unit may see: default if that is given, for instance None, else SecretNotFoundError. With both, the label is given to the secret.",
			call: (*Hook).getSecret},
		{name: "load_config", sig: "(schema: record_type, *, errors: str = \"raise\") -> record", doc: "The charm's options as a record: a field server_port is filled by the option server-port, and one with an alias by the option of that name. An option without a value gives the field's default; options that the schema does not have are left out; a field that no option can fill is an error. A string option is decoded when its field names a codec. What does not fit is the failure schema.ValidationError, or with errors = \"blocked\" the unit's status, BlockedStatus, for the end of the hook, and the handler ends there.",
			call: (*Hook).loadConfig},
		{name: "Port", sig: "(protocol: str, port: int = None, to_port: int = None) -> port", doc: "A port, or with to_port the range from port to to_port: protocol tcp, udp or icmp, in any case; icmp has no number.",
			call: func(h *Hook, in invocation) (starlark.Value, error) { return newPort(in) }},
		{name: "JujuVersion", sig: "(text: str) -> juju_version", doc: "A version of Juju to compare with model.juju_version.",
			call: func(h *Hook, in invocation) (starlark.Value, error) {
				var text string
				if err := in.unpack("text", &text); err != nil {
					return nil, err
				}
				v, err := model.ParseVersion(text)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", in.name, err)
				}
				return newVersion(v), nil
			}},
		{name: "status_from_name", sig: "(name: str, message: str = \"\") -> status", doc: "The status of a name: active, blocked, maintenance, waiting, error or unknown; unknown has no message.",
			call: statusFromName},
	}, statusMembers()...), kindMembers[*Hook](modelKinds, map[string]string{
		"ModelError":              "The family of all that Juju refuses. What a hook tool answered has the fields tool, exit_code and stderr.",
		"TooManyRelatedAppsError": "The endpoint has several relations where one was asked for.",
		"RelationDataError":       "The family of what is wrong with databags.",
		"RelationDataTypeError":   "A databag cannot hold such a key or value: both are strings.",
		"RelationDataAccessError": "This unit may not read or write the databag.",
		"RelationNotFoundError":   "The relation is gone.",
		"SecretNotFoundError":     "The secret is gone, was never there, or was not granted; Juju does not always tell which.",
		"NotLeaderError":          "Only the leader may do that, and this unit is not.",
		"HookToolError":           "There is no answer from Juju: the hook tool is missing, took too long, was lost on the way, or made no sense.",
		"VersionError":            "This version of Juju cannot do that; the message says which can.",
	})...),
}

// statusMembers are the constructors of statuses.
func statusMembers() []member[*Hook] {
	var members []member[*Hook]
	for _, s := range statusTypes {
		sig := "(message: str = \"\") -> status"
		if s.name == "unknown" {
			sig = "() -> status"
		}
		members = append(members, member[*Hook]{name: s.typ, sig: sig, doc: s.doc,
			call: func(_ *Hook, in invocation) (starlark.Value, error) { return newStatus(s.name, in) }})
	}
	return members
}

// modelKinds are the kinds of failure of package model, by their names there.
var modelKinds = kindFamily("model", model.Kinds())

// kindFamily makes Starlark values of the kinds of failure of a Go package.
// Parents come before their children, or a parent is found by name later.
func kindFamily[K interface {
	~string
	Parent() K
}](module string, kinds []K) map[string]*Kind {
	family := make(map[string]*Kind, len(kinds))
	for _, k := range kinds {
		family[string(k)] = &Kind{Name: module + "." + string(k)}
	}
	for _, k := range kinds {
		family[string(k)].Parent = family[string(k.Parent())]
	}
	return family
}

// kindMembers are the module members that name the kinds; docs says, by name,
// what they mean.
func kindMembers[T any](family map[string]*Kind, docs map[string]string) []member[T] {
	var members []member[T]
	for name, k := range family {
		doc := docs[name]
		if k.Parent != nil {
			doc += " Of the family " + k.Parent.Name + "."
		}
		members = append(members, member[T]{name: name, sig: "kind", doc: doc,
			get: func(T) (starlark.Value, error) { return k, nil }})
	}
	sort.Slice(members, func(i, j int) bool { return members[i].name < members[j].name })
	return members
}

// failure turns what package model calls a failure into one that catch takes.
// Any other error, a misuse for instance, stays what it is: a bug. So does the
// refusal of a databag, which is not about the call that it comes from.
func failure(err error) error {
	var e *model.Error
	var write *model.WriteError
	if err == nil || !errors.As(err, &e) || errors.As(err, &write) {
		return err
	}
	f := &Failure{Kind: modelKinds[string(e.Kind)], Message: e.Message, Err: err}
	if e.Tool != "" {
		f.Fields = starlark.StringDict{
			"tool":      starlark.String(e.Tool),
			"exit_code": starlark.MakeInt(e.Code),
			"stderr":    starlark.String(e.Stderr),
		}
	}
	return f
}

func (h *Hook) relationsMapping() (starlark.Value, error) {
	endpoints := sortedNames(h.Metadata.Relations)
	return newDeclaredMapping("relations", "endpoint", endpoints, func(endpoint string) (starlark.Value, error) {
		relations, err := h.Model.Relations(endpoint)
		if err != nil {
			return nil, failure(err)
		}
		list := make([]starlark.Value, len(relations))
		for i, r := range relations {
			list[i] = h.relation(r)
		}
		return starlark.NewList(list), nil
	}), nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (h *Hook) getRelation(in invocation) (starlark.Value, error) {
	var endpoint string
	var id starlark.Value = starlark.None
	if err := in.unpack("endpoint", &endpoint, "id?", &id); err != nil {
		return nil, err
	}
	if id == starlark.None {
		r, err := h.Model.Relation(endpoint)
		if err != nil {
			return nil, failure(err)
		}
		if r == nil {
			return starlark.None, nil
		}
		return h.relation(r), nil
	}
	n, err := starlark.AsInt32(id)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%s: id is %s, want the number of a relation", in.name, shown(id))
	}
	r, err := h.Model.RelationByID(endpoint, n)
	if err != nil {
		return nil, failure(err)
	}
	return h.relation(r), nil
}

// resources is the value of model.resources.
type resources struct {
	handle
	h *Hook
}

var resourcesTable = table[*resources]{
	typ: "resources",
	doc: "The charm's resources.",
	members: []member[*resources]{
		{name: "fetch", sig: "(name: str) -> str", doc: "The path of a resource on this machine; Juju downloads it when needed. That of an oci-image is a YAML file with registrypath, username and password. ModelError if it cannot be had; a name that the metadata does not have is an error.",
			call: func(r *resources, in invocation) (starlark.Value, error) {
				var name string
				if err := in.unpack("name", &name); err != nil {
					return nil, err
				}
				path, err := r.h.Model.ResourcePath(name)
				return starlark.String(path), failure(err)
			}},
	},
}

func (r *resources) String() string                           { return "<resources>" }
func (r *resources) Type() string                             { return "resources" }
func (r *resources) Attr(name string) (starlark.Value, error) { return resourcesTable.attr(r, name) }
func (r *resources) AttrNames() []string                      { return resourcesTable.attrNames(r) }
