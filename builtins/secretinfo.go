package builtins

import (
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// A secretInfo is what a secret's owner can know of it besides the content.
type secretInfo struct {
	handle
	info model.SecretInfo
}

var secretInfoTable = table[*secretInfo]{
	typ: "secret_info",
	doc: "What a secret's owner can know of it besides the content, with the changes of this hook.",
	members: []member[*secretInfo]{
		{name: "id", sig: "str", doc: "The secret's URI.",
			get: func(i *secretInfo) (starlark.Value, error) { return starlark.String(i.info.ID), nil }},
		{name: "unique_identifier", sig: "str", doc: "The last part of the URI.",
			get: func(i *secretInfo) (starlark.Value, error) { return starlark.String(i.info.UniqueID()), nil }},
		{name: "label", sig: "str", doc: "The owner's label, or None.",
			get: func(i *secretInfo) (starlark.Value, error) { return textOrNone(i.info.Label), nil }},
		{name: "description", sig: "str", doc: "What it is for, or None.",
			get: func(i *secretInfo) (starlark.Value, error) { return textOrNone(i.info.Description), nil }},
		{name: "owner", sig: "str", doc: "\"application\" or \"unit\".",
			get: func(i *secretInfo) (starlark.Value, error) { return starlark.String(i.info.Owner), nil }},
		{name: "revision", sig: "int", doc: "The number of the newest revision, from 1. New content of this hook counts when the hook has ended.",
			get: func(i *secretInfo) (starlark.Value, error) { return starlark.MakeInt(i.info.Revision), nil }},
		{name: "rotation", sig: "str", doc: "How often Juju asks for other content by secret_rotate: \"never\", \"hourly\", \"daily\", \"weekly\", \"monthly\", \"quarterly\" or \"yearly\".",
			get: func(i *secretInfo) (starlark.Value, error) { return starlark.String(i.info.Rotation), nil }},
		{name: "rotates", sig: "time.time", doc: "When it asks next, or None.",
			get: func(i *secretInfo) (starlark.Value, error) { return optionalTime(i.info.Rotates), nil }},
		{name: "expires", sig: "time.time", doc: "When the newest revision expires, or None.",
			get: func(i *secretInfo) (starlark.Value, error) { return optionalTime(i.info.Expires), nil }},
	},
}

func (i *secretInfo) String() string                           { return "<secret_info " + i.info.ID + ">" }
func (i *secretInfo) Type() string                             { return "secret_info" }
func (i *secretInfo) Attr(name string) (starlark.Value, error) { return secretInfoTable.attr(i, name) }
func (i *secretInfo) AttrNames() []string                      { return secretInfoTable.attrNames(i) }
