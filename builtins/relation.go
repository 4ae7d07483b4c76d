package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// A relation is one relation of this unit's application.
type relation struct {
	handle
	h    *Hook
	r    *model.Relation
	bags *relationData // nil: not asked for yet
}

var _ starlark.HasAttrs = (*relation)(nil)

var relationTable = table[*relation]{
	typ: "relation",
	doc: "A relation of this application with another one, or among its own units.",
	members: []member[*relation]{
		{name: "name", sig: "str", doc: "The endpoint.",
			get: func(r *relation) (starlark.Value, error) { return starlark.String(r.r.Endpoint), nil }},
		{name: "id", sig: "int", doc: "The relation's id.",
			get: func(r *relation) (starlark.Value, error) { return starlark.MakeInt(r.r.ID), nil }},
		{name: "app", sig: "application", doc: "The remote application; this application for a peer relation. None in the rare case that Juju does not say.",
			get: func(r *relation) (starlark.Value, error) {
				name, err := r.r.App()
				if err != nil {
					return nil, failure(err)
				}
				return r.h.appOrNone(name), nil
			}},
		{name: "units", sig: "list[unit]", doc: "The remote units, sorted; for a peer relation the other units. A unit that is leaving is not among them.",
			get: func(r *relation) (starlark.Value, error) {
				names, err := r.r.Units()
				r.h.looks("the units of " + r.r.Key())
				if err != nil {
					return nil, failure(err)
				}
				list := make([]starlark.Value, len(names))
				for i, name := range names {
					list[i] = r.h.unit(name)
				}
				units := starlark.NewList(list)
				units.Freeze()
				return units, nil
			}},
		{name: "active", sig: "bool", doc: "False when the relation is gone or being removed.",
			get: func(r *relation) (starlark.Value, error) {
				active, err := r.r.Active()
				return starlark.Bool(active), failure(err)
			}},
		{name: "data", sig: "mapping", doc: "The databags, by unit or application, as value or by name: relation.data[event.app][\"url\"], relation.data[model.unit][\"ready\"] = \"true\".",
			get: (*relation).data},
		{name: "load_data", sig: "(schema: record_type, src: unit | application | str, *, default = <fail>) -> record", doc: "The databag of src as a record, each field decoded with its codec; keys that the schema does not have are left alone. JSON over 4 MiB and YAML over 1 MiB, or nested deeper than 100 and 500, does not fit. What does not fit is the failure schema.ValidationError. While all that is wrong is that required keys are not there yet, default is returned if there is one.",
			call: (*relation).loadRecord},
		{name: "save_data", sig: "(data: record, dst: unit | application | str)", doc: "Writes a record to the databag of dst in one go, each field encoded with its codec. The key of a field that is None, or an empty raw string, is removed; keys that the schema does not have stay.",
			call: (*relation).saveRecord},
		{name: "publish", sig: "(data: dict, to = model.app, *, keep: list[str] = []) -> bool", doc: "Makes the databag of this application, or of this unit with to = model.unit, hold exactly data: strings by name. Other keys are removed, but for those that keep names, which somebody else writes, and, in the unit's, for those that Juju puts there (egress-subnets, ingress-address, private-address). An empty string is as good as no key. False, and nothing is written, where nobody would see it: the application's databag on a unit that is not the leader, and a relation that is gone or being removed.",
			call: (*relation).publish},
		{name: "remote_model", sig: "remote_model", doc: "The model at the other end. VersionError before Juju 3.6.2.",
			get: func(r *relation) (starlark.Value, error) {
				uuid, err := r.r.RemoteModelUUID()
				if err != nil {
					return nil, failure(err)
				}
				return &remoteModel{uuid: uuid}, nil
			}},
	},
}

func (r *relation) String() string                           { return fmt.Sprintf("<relation %s:%d>", r.r.Endpoint, r.r.ID) }
func (r *relation) Type() string                             { return "relation" }
func (r *relation) Hash() (uint32, error)                    { return starlark.String(r.String()).Hash() }
func (r *relation) Attr(name string) (starlark.Value, error) { return relationTable.attr(r, name) }
func (r *relation) AttrNames() []string                      { return relationTable.attrNames(r) }

func (h *Hook) relation(r *model.Relation) *relation {
	v := h.relations[r]
	if v == nil {
		v = &relation{h: h, r: r}
		h.relations[r] = v
	}
	return v
}

func (r *relation) data() (starlark.Value, error) {
	if r.bags != nil { // a loop over a thousand units asks a thousand times
		return r.bags, nil
	}
	names, err := r.r.Entities()
	if err != nil {
		return nil, failure(err)
	}
	keys := make([]starlark.Value, len(names))
	for i, name := range names {
		keys[i] = r.h.entity(name)
	}
	r.bags = &relationData{mapping{typ: "relation_data", keys: keys, lookup: func(key starlark.Value) (starlark.Value, bool, error) {
		name, err := entityName(key)
		if err != nil {
			return nil, false, fmt.Errorf("relation.data[…]: %w", err)
		}
		bag, err := r.r.Databag(name)
		if err != nil {
			return nil, false, failure(err)
		}
		v, err := newDatabag(bag)
		return v, err == nil, err
	}}}
	return r.bags, nil
}

// relationData is the value of relation.data.
type relationData struct{ mapping }

var _ starlark.HasSetKey = (*relationData)(nil)

// SetKey implements starlark.HasSetKey, to say what to write instead.
func (d *relationData) SetKey(key, _ starlark.Value) error {
	return fmt.Errorf("a databag cannot be replaced: write relation.data[…].update({…}), or relation.data[…][\"key\"] = \"value\"")
}

// entity is the unit or application of that name.
func (h *Hook) entity(name string) starlark.Value {
	if name != appOf(name) {
		return h.unit(name)
	}
	return h.app(name)
}

func entityName(v starlark.Value) (string, error) {
	switch v := v.(type) {
	case *unit:
		return v.name, nil
	case *application:
		return v.name, nil
	case starlark.String:
		return string(v), nil
	}
	return "", fmt.Errorf("got %s, want a unit or application, or its name", v.Type())
}

// A databag is what one unit or application shows in one relation.
type databag struct {
	handle
	bag *model.Databag
}

var (
	_ starlark.HasSetKey       = (*databag)(nil)
	_ starlark.IterableMapping = (*databag)(nil)
	_ starlark.Sequence        = (*databag)(nil)
	_ starlark.HasAttrs        = (*databag)(nil)
)

// newDatabag reads the bag at once if it may be read, so that what can fail
// fails here and not in a loop over it. An own application's bag that only the
// leader can read is a closedDatabag.
func newDatabag(bag *model.Databag) (starlark.Value, error) {
	readable, _, err := bag.CanRead()
	if err != nil {
		return nil, failure(err)
	}
	if !readable {
		return &closedDatabag{bag: bag}, nil
	}
	if _, err := bag.Len(); err != nil {
		return nil, failure(err)
	}
	return &databag{bag: bag}, nil
}

var databagTable = table[*databag]{
	typ: "databag",
	doc: "What one unit or application shows in one relation: a dictionary of strings. This unit's can be written, and by the leader this application's. What is written can be read at once; it is sent, and others see it, when the hook has succeeded. A relation that is known to be gone cannot be written: RelationNotFoundError. An empty string removes a key. `bag[key]`, `bag[key] = value`, `key in bag`, `len(bag)` and `for key in bag` work as with a dict. A bag that may not be read or written is the failure model.RelationDataAccessError, a key or value that is no string model.RelationDataTypeError, a bag of more than 16 MiB that is read model.RelationDataError.",
	members: []member[*databag]{
		{name: "get", sig: "(key: str, default = None) -> str", doc: "The value of key, or default.",
			call: func(d *databag, in invocation) (starlark.Value, error) {
				var key string
				var fallback starlark.Value = starlark.None
				if err := in.unpack("key", &key, "default?", &fallback); err != nil {
					return nil, err
				}
				value, found, err := d.bag.Get(key)
				if err != nil || !found {
					return fallback, failure(err)
				}
				return starlark.String(value), nil
			}},
		{name: "keys", sig: "() -> list[str]", doc: "The keys, sorted.",
			call: func(d *databag, in invocation) (starlark.Value, error) {
				return starlark.NewList(stringKeys(d.keys())), in.none()
			}},
		{name: "values", sig: "() -> list[str]", doc: "The values, in the order of the keys.",
			call: func(d *databag, in invocation) (starlark.Value, error) {
				var values []starlark.Value
				for _, item := range d.Items() {
					values = append(values, item[1])
				}
				return starlark.NewList(values), in.none()
			}},
		{name: "items", sig: "() -> list", doc: "The (key, value) pairs, sorted by key.",
			call: func(d *databag, in invocation) (starlark.Value, error) {
				var pairs []starlark.Value
				for _, item := range d.Items() {
					pairs = append(pairs, item)
				}
				return starlark.NewList(pairs), in.none()
			}},
		{name: "update", sig: "(data: dict = {}, **kwargs: str)", doc: "Sets several keys at once: all of them, or, if one cannot be set, none.",
			call: func(d *databag, in invocation) (starlark.Value, error) {
				return starlark.None, updateDatabag(d.bag, in)
			}},
		{name: "setdefault", sig: "(key: str, default: str) -> str", doc: "The value of key; if there is none, default, which is set.",
			call: func(d *databag, in invocation) (starlark.Value, error) {
				var key, fallback string
				if err := in.unpack("key", &key, "default", &fallback); err != nil {
					return nil, err
				}
				value, found, err := d.bag.Get(key)
				if err != nil || found {
					return starlark.String(value), failure(err)
				}
				return starlark.String(fallback), failure(d.bag.Set(key, fallback))
			}},
		{name: "pop", sig: "(key: str, default = None) -> str", doc: "Removes key and returns the value that it had, or default.",
			call: func(d *databag, in invocation) (starlark.Value, error) {
				var key string
				var fallback starlark.Value = starlark.None
				if err := in.unpack("key", &key, "default?", &fallback); err != nil {
					return nil, err
				}
				value, found, err := d.bag.Get(key)
				if err != nil {
					return nil, failure(err)
				}
				if err := d.bag.Delete(key); err != nil || !found {
					return fallback, failure(err)
				}
				return starlark.String(value), nil
			}},
		{name: "clear", sig: "()", doc: "Removes every key.",
			call: func(d *databag, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				gone := map[string]string{}
				for _, key := range d.keys() {
					gone[key] = ""
				}
				return starlark.None, failure(d.bag.Update(gone))
			}},
	},
}

func (d *databag) keys() []string {
	keys, _ := d.bag.Keys() // read when the databag was made
	return keys
}

func (d *databag) String() string {
	dict := starlark.NewDict(d.Len())
	for _, item := range d.Items() {
		dict.SetKey(item[0], item[1]) // cannot fail: the keys are strings
	}
	return dict.String()
}

func (d *databag) Type() string                             { return "databag" }
func (d *databag) Truth() starlark.Bool                     { return d.Len() > 0 }
func (d *databag) Iterate() starlark.Iterator               { return starlark.Tuple(stringKeys(d.keys())).Iterate() }
func (d *databag) Attr(name string) (starlark.Value, error) { return databagTable.attr(d, name) }
func (d *databag) AttrNames() []string                      { return databagTable.attrNames(d) }

// Len implements starlark.Sequence.
func (d *databag) Len() int {
	n, _ := d.bag.Len() // read when the databag was made
	return n
}

func (d *databag) Items() []starlark.Tuple {
	keys := d.keys()
	items := make([]starlark.Tuple, len(keys))
	for i, key := range keys {
		value, _, _ := d.bag.Get(key) // read when the databag was made
		items[i] = starlark.Tuple{starlark.String(key), starlark.String(value)}
	}
	return items
}

func (d *databag) Get(key starlark.Value) (starlark.Value, bool, error) {
	name, ok := starlark.AsString(key)
	if !ok {
		return nil, false, fmt.Errorf("the keys of a databag are strings, got %s", key.Type())
	}
	value, found, err := d.bag.Get(name)
	return starlark.String(value), found, failure(err)
}

func (d *databag) SetKey(key, value starlark.Value) error { return setInDatabag(d.bag, key, value) }

func setInDatabag(bag *model.Databag, key, value starlark.Value) error {
	name, ok := starlark.AsString(key)
	text, isText := starlark.AsString(value)
	if !ok || !isText {
		return databagTypeError(key, value)
	}
	return failure(bag.Set(name, text))
}

func databagTypeError(key, value starlark.Value) error {
	what := "the key " + shown(key) + " is " + article(key.Type())
	if _, ok := starlark.AsString(key); ok {
		what = "the value of " + shown(key) + " is " + article(value.Type())
	}
	return &Failure{
		Kind:    modelKinds[string(model.RelationDataTypeError)],
		Message: "a databag holds strings only, and " + what + ": write str(…) or json.encode(…)",
	}
}

// databagItems are what goes into a databag.
type databagItems map[string]string

func (items databagItems) add(pairs []starlark.Tuple) error {
	for _, pair := range pairs {
		name, ok := starlark.AsString(pair[0])
		text, isText := starlark.AsString(pair[1])
		if !ok || !isText {
			return databagTypeError(pair[0], pair[1])
		}
		items[name] = text
	}
	return nil
}

func updateDatabag(bag *model.Databag, in invocation) error {
	changes := databagItems{}
	if len(in.args) > 1 {
		return fmt.Errorf("%s: got %d arguments, want at most 1", in.name, len(in.args))
	}
	for _, arg := range in.args {
		data, ok := arg.(starlark.IterableMapping)
		if !ok {
			return fmt.Errorf("%s: got %s, want a dict", in.name, arg.Type())
		}
		if err := changes.add(data.Items()); err != nil {
			return err
		}
	}
	if err := changes.add(in.kwargs); err != nil {
		return err
	}
	return failure(bag.Update(changes))
}

// A closedDatabag is one that this unit may not read. What it refuses, it
// refuses as package model says.
type closedDatabag struct {
	handle
	bag *model.Databag
}

var (
	_ starlark.HasSetKey = (*closedDatabag)(nil)
	_ starlark.HasAttrs  = (*closedDatabag)(nil)
)

var closedDatabagTable = table[*closedDatabag]{
	typ: "databag",
	doc: "A databag that this unit may not read: that of its own application, when it is not the leader.",
	members: []member[*closedDatabag]{
		{name: "get", sig: "(key: str, default = None) -> str", doc: "Fails with RelationDataAccessError.", call: getClosed},
		{name: "keys", sig: "() -> list[str]", doc: "Fails with RelationDataAccessError.", call: refuseClosed},
		{name: "values", sig: "() -> list[str]", doc: "Fails with RelationDataAccessError.", call: refuseClosed},
		{name: "items", sig: "() -> list", doc: "Fails with RelationDataAccessError.", call: refuseClosed},
		{name: "update", sig: "(data: dict = {}, **kwargs: str)", doc: "Fails with RelationDataAccessError.",
			call: func(d *closedDatabag, in invocation) (starlark.Value, error) {
				return starlark.None, updateDatabag(d.bag, in)
			}},
		{name: "setdefault", sig: "(key: str, default: str) -> str", doc: "Fails with RelationDataAccessError.",
			call: func(d *closedDatabag, in invocation) (starlark.Value, error) {
				var key, fallback string
				if err := in.unpack("key", &key, "default", &fallback); err != nil {
					return nil, err
				}
				return nil, d.refuse()
			}},
		{name: "pop", sig: "(key: str, default = None) -> str", doc: "Fails with RelationDataAccessError.", call: getClosed},
		{name: "clear", sig: "()", doc: "Fails with RelationDataAccessError.", call: refuseClosed},
	},
}

func getClosed(d *closedDatabag, in invocation) (starlark.Value, error) {
	var key string
	var fallback starlark.Value
	if err := in.unpack("key", &key, "default?", &fallback); err != nil {
		return nil, err
	}
	return nil, d.refuse()
}

func refuseClosed(d *closedDatabag, in invocation) (starlark.Value, error) {
	if err := in.none(); err != nil {
		return nil, err
	}
	return nil, d.refuse()
}

func (d *closedDatabag) refuse() error {
	_, err := d.bag.Items()
	return failure(err)
}

func (d *closedDatabag) String() string { return "<n/a>" }
func (d *closedDatabag) Type() string   { return "databag that only the leader can read" }
func (d *closedDatabag) Attr(name string) (starlark.Value, error) {
	return closedDatabagTable.attr(d, name)
}
func (d *closedDatabag) AttrNames() []string { return closedDatabagTable.attrNames(d) }

func (d *closedDatabag) Get(key starlark.Value) (starlark.Value, bool, error) {
	return nil, false, d.refuse()
}

func (d *closedDatabag) SetKey(key, value starlark.Value) error {
	return setInDatabag(d.bag, key, value)
}
