package builtins

import (
	"fmt"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starcharm/starcharm/model"
)

// A secret is one that this unit owns or was granted.
type secret struct {
	handle
	s *model.Secret
}

var secretTable = table[*secret]{
	typ: "secret",
	doc: "A secret that this unit owns or was granted. Its values are masked in logs, tracebacks and statuses.",
	members: []member[*secret]{
		{name: "id", sig: "str", doc: "The secret's URI; None when it is known by its label only.",
			get: func(s *secret) (starlark.Value, error) { return textOrNone(s.s.ID), nil }},
		{name: "label", sig: "str", doc: "The label that this unit gave it; None when it is known by its id only.",
			get: func(s *secret) (starlark.Value, error) { return textOrNone(s.s.Label), nil }},
		{name: "get_content", sig: "(*, refresh: bool = False) -> dict[str, str]", doc: "The revision that this unit tracks; with refresh the newest one, which it tracks from then on.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				var refresh bool
				if err := in.unpack(byName, nil, "refresh?", &refresh); err != nil {
					return nil, err
				}
				return secretContent(s.s.Content(refresh))
			}},
		{name: "peek_content", sig: "() -> dict[str, str]", doc: "The newest revision; the tracked one stays.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				return secretContent(s.s.Peek())
			}},
		{name: "get_info", sig: "() -> struct", doc: "What its owner can know besides the content: id, label, description, owner, revision, rotation, rotates, expires. For others it fails.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				info, err := s.s.Info()
				if err != nil {
					return nil, failure(err)
				}
				when := func(t startime.Time) starlark.Value {
					if t == (startime.Time{}) {
						return starlark.None
					}
					return t
				}
				return starlarkstruct.FromStringDict(starlark.String("secret_info"), starlark.StringDict{
					"id":          starlark.String(info.ID),
					"label":       starlark.String(info.Label),
					"description": starlark.String(info.Description),
					"owner":       starlark.String(info.Owner),
					"revision":    starlark.MakeInt(info.Revision),
					"rotation":    starlark.String(info.Rotation),
					"rotates":     when(startime.Time(info.Rotates)),
					"expires":     when(startime.Time(info.Expires)),
				}), nil
			}},
		{name: "remove_revision", sig: "(revision: int)", doc: "Removes one revision, when the hook succeeds. For the owner only.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				var revision int
				if err := in.unpack("revision", &revision); err != nil {
					return nil, err
				}
				return starlark.None, failure(s.s.RemoveRevision(revision))
			}},
	},
}

func (s *secret) String() string                           { return "<secret>" }
func (s *secret) Type() string                             { return "secret" }
func (s *secret) Attr(name string) (starlark.Value, error) { return secretTable.attr(s, name) }
func (s *secret) AttrNames() []string                      { return secretTable.attrNames(s) }

func textOrNone(s string) starlark.Value {
	if s == "" {
		return starlark.None
	}
	return starlark.String(s)
}

func secretContent(content map[string]string, err error) (starlark.Value, error) {
	if err != nil {
		return nil, failure(err)
	}
	dict := starlark.NewDict(len(content))
	for _, key := range sortedNames(content) {
		if err := dict.SetKey(starlark.String(key), starlark.String(content[key])); err != nil {
			return nil, err
		}
	}
	dict.Freeze()
	return dict, nil
}

func (h *Hook) getSecret(in invocation) (starlark.Value, error) {
	var id, label starlark.Value = starlark.None, starlark.None
	if err := in.unpack(byName, nil, "id?", &id, "label?", &label); err != nil {
		return nil, err
	}
	text := func(name string, v starlark.Value) (string, error) {
		s, ok := starlark.AsString(v)
		if !ok && v != starlark.None {
			return "", fmt.Errorf("%s: %s is a %s, want a string", in.name, name, v.Type())
		}
		return s, nil
	}
	idText, err := text("id", id)
	if err != nil {
		return nil, err
	}
	labelText, err := text("label", label)
	if err != nil {
		return nil, err
	}
	s, err := h.Model.Secret(idText, labelText)
	if err != nil {
		return nil, err
	}
	// Reading it now lets a secret that is not there fail here.
	if _, err := s.Content(false); err != nil {
		return nil, failure(err)
	}
	return &secret{s: s}, nil
}

func (e *Event) modelSecret() (*model.Secret, error) {
	return e.hook.Model.Secret(e.text("id"), e.text("label"))
}

func (e *Event) secret() (starlark.Value, error) {
	s, err := e.modelSecret()
	if err != nil {
		return nil, failure(err)
	}
	return &secret{s: s}, nil
}
