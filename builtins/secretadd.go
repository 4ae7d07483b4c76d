package builtins

import (
	"fmt"
	gotime "time"

	"go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// This file makes the methods of unit and application that add secrets.

const (
	addSecretSig = "(content: dict[str, str], *, label: str = None, description: str = None, expire: time.time | time.duration = None, rotate: str = None) -> secret"
	addSecretDoc = " Juju keeps it when the hook succeeds; in the hook it can be read and granted at once. A key has three or more lower-case letters and digits, with single dashes between them. label is the name by which its owner finds it again. expire, a time or how long from now, is when the charm gets secret_expired; rotate, how often it gets secret_rotate: \"never\", \"hourly\", \"daily\", \"weekly\", \"monthly\", \"quarterly\" or \"yearly\". A label that the owner has used already fails the hook at its end: see ensure_secret."

	ensureSecretSig = "(label: str, content: dict[str, str], *, description: str = None, expire: time.time | time.duration = None, rotate: str = None) -> secret"
	ensureSecretDoc = " It is added if there is none of that label, and gets a new revision only if its content differs: see its attribute changed. A description or rotation that is given is set if it differs; expire is set with a new revision. This unit tracks the newest revision from then on. Arguments as for add_secret."
)

// addSecret is the method add_secret of an owner.
func (h *Hook) addSecret(owner model.SecretOwner, in invocation) (starlark.Value, error) {
	var content *starlark.Dict
	var options secretOptions
	if err := in.unpack(append([]any{"content", &content, byName, nil}, options.pairs()...)...); err != nil {
		return nil, err
	}
	return h.newSecret(in, owner, content, options, h.Model.AddSecret)
}

// ensureSecret is the method ensure_secret of an owner.
func (h *Hook) ensureSecret(owner model.SecretOwner, in invocation) (starlark.Value, error) {
	var content *starlark.Dict
	var options secretOptions
	pairs := append([]any{"label", &options.label, "content", &content, byName, nil}, options.pairs()[2:]...)
	if err := in.unpack(pairs...); err != nil {
		return nil, err
	}
	return h.newSecret(in, owner, content, options, h.Model.EnsureSecret)
}

func (h *Hook) newSecret(in invocation, owner model.SecretOwner, content *starlark.Dict, options secretOptions,
	do func(model.SecretOwner, map[string]string, model.SecretOptions) (*model.Secret, error)) (starlark.Value, error) {
	values, err := plainSecret(in, content)
	if err != nil {
		return nil, err
	}
	plain, err := options.plain(h, in)
	if err != nil {
		return nil, err
	}
	s, err := do(owner, values, plain)
	if err != nil {
		return nil, failure(err)
	}
	return h.secret(s), nil
}

// plainSecret reads the content of a secret. A message never shows a value.
func plainSecret(in invocation, content *starlark.Dict) (map[string]string, error) {
	values := make(map[string]string, content.Len())
	for _, item := range content.Items() {
		key, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("%s: a secret has a key of type %s, want a string", in.name, item[0].Type())
		}
		value, ok := starlark.AsString(item[1])
		if !ok {
			return nil, fmt.Errorf("%s: the value of %q in a secret is a %s, want a string; write str(…) or json.encode(…)", in.name, key, item[1].Type())
		}
		values[key] = value
	}
	return values, nil
}

// secretOptions are what may be said of a secret besides its content.
type secretOptions struct {
	label, description, rotate optionalText
	expire                     starlark.Value
}

// pairs are the arguments for unpack; label comes first.
func (o *secretOptions) pairs() []any {
	return []any{"label??", &o.label, "description??", &o.description, "expire??", &o.expire, "rotate??", &o.rotate}
}

func (o *secretOptions) plain(h *Hook, in invocation) (model.SecretOptions, error) {
	plain := model.SecretOptions{Label: string(o.label), Description: string(o.description), Rotate: string(o.rotate)}
	switch expire := o.expire.(type) {
	case nil:
	case time.Time:
		plain.Expire = gotime.Time(expire)
	case time.Duration:
		if expire <= 0 {
			return plain, fmt.Errorf("%s: expire is %s from now, want a time to come", in.name, expire)
		}
		plain.Expire = h.Machine.Now().Add(gotime.Duration(expire))
	default:
		return plain, fmt.Errorf("%s: expire is a %s, want a time such as time.parse_time(\"2027-01-31T00:00:00Z\"), or how long from now: 24 * time.hour", in.name, expire.Type())
	}
	return plain, nil
}
