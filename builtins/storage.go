package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// A storage is one storage instance of this unit.
type storage struct {
	handle
	h     *Hook
	name  string
	index int
	// path is the location if the event told it.
	path string
}

var storageTable = table[*storage]{
	typ: "storage",
	doc: "One storage instance of this unit.",
	members: []member[*storage]{
		{name: "name", sig: "str", doc: "The storage's name in the metadata.",
			get: func(s *storage) (starlark.Value, error) { return starlark.String(s.name), nil }},
		{name: "index", sig: "int", doc: "The number of the instance.",
			get: func(s *storage) (starlark.Value, error) { return starlark.MakeInt(s.index), nil }},
		{name: "full_id", sig: "str", doc: "Name and number: \"data/0\".",
			get: func(s *storage) (starlark.Value, error) { return starlark.String(s.fullID()), nil }},
		{name: "location", sig: "str", doc: "The path where it is mounted, or the device. ModelError if it is gone.",
			get: func(s *storage) (starlark.Value, error) {
				if s.path != "" {
					return starlark.String(s.path), nil
				}
				path, err := s.h.Model.StorageLocation(s.name, s.index)
				return starlark.String(path), failure(err)
			}},
	},
}

func (s *storage) fullID() string                           { return fmt.Sprintf("%s/%d", s.name, s.index) }
func (s *storage) String() string                           { return "<storage " + s.fullID() + ">" }
func (s *storage) Type() string                             { return "storage" }
func (s *storage) Attr(name string) (starlark.Value, error) { return storageTable.attr(s, name) }
func (s *storage) AttrNames() []string                      { return storageTable.attrNames(s) }

func (h *Hook) storage(s model.Storage) *storage {
	return &storage{h: h, name: s.Name, index: s.Index}
}

func (e *Event) storage() (starlark.Value, error) {
	return &storage{h: e.hook, name: e.text("storage_name"), index: int(e.number("storage_index")), path: e.text("storage_location")}, nil
}

// storages is the value of model.storages.
type storages struct {
	*declaredMapping
	h *Hook
}

var storagesTable = table[*storages]{
	typ: "storages",
	doc: "The attached storages, by name: `model.storages[\"data\"]` is a list. A name that the metadata does not have is an error.",
	members: append(membersOf(&mappingTable, func(s *storages) *mapping { return &s.declaredMapping.mapping }),
		member[*storages]{name: "request", sig: "(name: str, count: int = 1)", doc: "Asks Juju for count more instances of a storage that the metadata has. They come after the hook has succeeded, each with its storage-attached event.",
			call: func(s *storages, in invocation) (starlark.Value, error) {
				var name string
				count := 1
				if err := in.unpack("name", &name, "count?", &count); err != nil {
					return nil, err
				}
				return starlark.None, failure(s.h.Model.RequestStorage(name, count))
			}}),
}

func (s *storages) Attr(name string) (starlark.Value, error) { return storagesTable.attr(s, name) }
func (s *storages) AttrNames() []string                      { return storagesTable.attrNames(s) }

func newStorages(h *Hook) *storages {
	names := sortedNames(h.Metadata.Storages)
	return &storages{h: h, declaredMapping: newDeclaredMapping("storages", "storage", names, func(name string) (starlark.Value, error) {
		found, err := h.Model.Storages(name)
		if err != nil {
			return nil, failure(err)
		}
		list := make([]starlark.Value, len(found))
		for i, s := range found {
			list[i] = h.storage(s)
		}
		return starlark.NewList(list), nil
	})}
}
