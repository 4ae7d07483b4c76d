package builtins

import "go.starlark.net/starlark"

// A remoteModel is the model at the other end of a relation.
type remoteModel struct {
	handle
	uuid string
}

var _ starlark.HasAttrs = (*remoteModel)(nil)

var remoteModelTable = table[*remoteModel]{
	typ: "remote_model",
	doc: "The model at the other end of a relation: another one than this if the relation crosses models.",
	members: []member[*remoteModel]{
		{name: "uuid", sig: "str", doc: "The model's UUID.",
			get: func(m *remoteModel) (starlark.Value, error) { return starlark.String(m.uuid), nil }},
	},
}

func (m *remoteModel) String() string { return "<remote_model " + m.uuid + ">" }
func (m *remoteModel) Type() string   { return "remote_model" }
func (m *remoteModel) Attr(name string) (starlark.Value, error) {
	return remoteModelTable.attr(m, name)
}
func (m *remoteModel) AttrNames() []string { return remoteModelTable.attrNames(m) }
