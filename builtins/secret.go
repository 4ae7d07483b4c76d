package builtins

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// A secret is one that this unit owns or was granted. It is the same value
// however it is reached.
type secret struct {
	handle
	h *Hook
	s *model.Secret
}

var _ starlark.Comparable = (*secret)(nil)

var secretTable = table[*secret]{
	typ: "secret",
	doc: "A secret that this unit owns or was granted. What changes it is for its owner, of an application's secret the leader (NotLeaderError), and waits for the end of the hook; what the charm reads until then it reads changed. Two values are equal when they are of one secret. Its values are masked in logs, tracebacks and statuses.",
	members: []member[*secret]{
		{name: "id", sig: "str", doc: "The secret's URI; None when it is known by its label only.",
			get: func(s *secret) (starlark.Value, error) { return textOrNone(s.s.ID), nil }},
		{name: "unique_identifier", sig: "str", doc: "The last part of the URI, which is the same however the URI is written; None when the secret is known by its label only.",
			get: func(s *secret) (starlark.Value, error) { return textOrNone(s.s.UniqueID()), nil }},
		{name: "label", sig: "str", doc: "The label that this unit gave it; None when it is known by its id only.",
			get: func(s *secret) (starlark.Value, error) { return textOrNone(s.s.Label), nil }},
		{name: "changed", sig: "bool", doc: "Whether this hook added the secret or gave it other content.",
			get: func(s *secret) (starlark.Value, error) { return starlark.Bool(s.s.Changed()), nil }},
		{name: "get_content", sig: "(*, refresh: bool = False) -> dict[str, str]", doc: "The revision that this unit tracks: the newest one when it first read the secret. With refresh the newest one, which it tracks from then on; so also when the tracked one was removed. Also an owner goes on to track the former revision after set_content, which keeps that from becoming obsolete; ensure_secret moves on by itself. SecretNotFoundError when the secret is gone or was taken back.",
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
		{name: "get_info", sig: "() -> secret_info", doc: "What its owner can know besides the content. For others it fails with SecretNotFoundError.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				info, err := s.s.Info()
				if err != nil {
					return nil, failure(err)
				}
				return &secretInfo{info: info}, nil
			}},
		{name: "set_content", sig: "(content: dict[str, str])", doc: "Gives the secret a new revision with this content. The content that it has already makes none.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				var content *starlark.Dict
				if err := in.unpack("content", &content); err != nil {
					return nil, err
				}
				values, err := plainSecret(in, content)
				if err != nil {
					return nil, err
				}
				return starlark.None, failure(s.s.SetContent(values))
			}},
		{name: "set_info", sig: "(*, label: str = None, description: str = None, expire: time.time | time.duration = None, rotate: str = None)", doc: "Changes what is given, as add_secret takes it; the rest stays, and nothing can be unset. Juju removes no expired secret: it tells the charm, by secret_expired.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				var options secretOptions
				if err := in.unpack(append([]any{byName, nil}, options.pairs()...)...); err != nil {
					return nil, err
				}
				plain, err := options.plain(s.h, in)
				if err != nil {
					return nil, err
				}
				return starlark.None, failure(s.s.SetInfo(plain))
			}},
		{name: "grant", sig: "(relation: relation, *, unit: unit | str = None)", doc: "Lets the application at the other end of the relation read the secret until the relation ends, or one of its units only. RelationNotFoundError when the relation is gone or being removed. ModelError for what Juju would forget: a grant to whom this hook revoked it, or to a second unit in one relation.",
			call: func(s *secret, in invocation) (starlark.Value, error) { return shareSecret(in, s.s.Grant) }},
		{name: "revoke", sig: "(relation: relation, *, unit: unit | str = None)", doc: "Takes back what grant gave. A relation that is gone took it with it.",
			call: func(s *secret, in invocation) (starlark.Value, error) { return shareSecret(in, s.s.Revoke) }},
		{name: "remove_revision", sig: "(revision: int)", doc: "Removes one revision, which nobody should use any more. Juju forgets it for other changes of the secret in the same hook, and before 3.6.11 takes one revision of a secret in a hook only: what cannot be removed at the end of this hook is removed at that of a later one.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				var revision int
				if err := in.unpack("revision", &revision); err != nil {
					return nil, err
				}
				return starlark.None, failure(s.s.RemoveRevision(revision))
			}},
		{name: "remove_all_revisions", sig: "()", doc: "Removes the secret. One that this hook added cannot be removed in it.",
			call: func(s *secret, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				return starlark.None, failure(s.s.RemoveAll())
			}},
	},
}

func (s *secret) String() string                           { return "<secret>" }
func (s *secret) Type() string                             { return "secret" }
func (s *secret) Attr(name string) (starlark.Value, error) { return secretTable.attr(s, name) }
func (s *secret) AttrNames() []string                      { return secretTable.attrNames(s) }

// CompareSameType implements starlark.Comparable.
func (s *secret) CompareSameType(op syntax.Token, other starlark.Value, depth int) (bool, error) {
	o := other.(*secret)
	same := s.s == o.s || s.s.ID != "" && s.s.UniqueID() == o.s.UniqueID()
	switch op {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, fmt.Errorf("secrets have no order: %s", op)
}

func (h *Hook) secret(s *model.Secret) *secret {
	v := h.secrets[s]
	if v == nil {
		v = &secret{h: h, s: s}
		h.secrets[s] = v
	}
	return v
}

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
	return frozenStrings(content)
}

func (h *Hook) getSecret(in invocation) (starlark.Value, error) {
	var id, label optionalText
	var fallback starlark.Value
	if err := in.unpack(byName, nil, "id??", &id, "label??", &label, "default?", &fallback); err != nil {
		return nil, err
	}
	s, err := h.Model.Secret(string(id), string(label))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	// Reading it now lets a secret that is not there fail here.
	if _, err := s.Content(false); err != nil {
		var refused *model.Error
		if fallback != nil && errors.As(err, &refused) && refused.Kind == model.SecretNotFoundError {
			return fallback, nil
		}
		return nil, failure(err)
	}
	return h.secret(s), nil
}

// optionalText is a string argument that must not be empty.
type optionalText string

// Unpack implements starlark.Unpacker.
func (t *optionalText) Unpack(v starlark.Value) error {
	s, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("got %s, want string", v.Type())
	}
	if s == "" {
		return errors.New("got an empty string; leave it out instead")
	}
	*t = optionalText(s)
	return nil
}

// shareSecret unpacks whom a secret is granted to or revoked from.
func shareSecret(in invocation, share func(*model.Relation, string) error) (starlark.Value, error) {
	var with, to starlark.Value
	if err := in.unpack("relation", &with, byName, nil, "unit??", &to); err != nil {
		return nil, err
	}
	r, ok := with.(*relation)
	if !ok {
		return nil, fmt.Errorf("%s: relation is a %s, want a relation such as event.relation", in.name, with.Type())
	}
	name := ""
	if to != nil {
		if _, isApp := to.(*application); isApp {
			return nil, fmt.Errorf("%s: unit is an application; leave it out to mean the one at the other end", in.name)
		}
		var err error
		if name, err = entityName(to); err != nil {
			return nil, fmt.Errorf("%s: unit: %w", in.name, err)
		}
	}
	return starlark.None, failure(share(r.r, name))
}

func (e *Event) modelSecret() (*model.Secret, error) {
	return e.hook.Model.Secret(e.text("id"), e.text("label"))
}

func (e *Event) secret() (starlark.Value, error) {
	s, err := e.modelSecret()
	if err != nil {
		return nil, failure(err)
	}
	return e.hook.secret(s), nil
}
