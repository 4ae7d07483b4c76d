package builtins

import (
	"context"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// This file converts Pebble's identities, which are dicts with Pebble's own
// names.

func (c *pebbleClient) getIdentities(in invocation) (starlark.Value, error) {
	if err := in.none(); err != nil {
		return nil, err
	}
	identities, err := c.client.Identities(c.h.Context)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	all := map[string]any{}
	for name, i := range identities {
		fields := map[string]any{"access": string(i.Access)}
		if i.Local != nil {
			fields["local"] = map[string]any{"user-id": i.Local.UserID}
		}
		if i.Basic != nil {
			fields["basic"] = map[string]any{"password": i.Basic.Password}
		}
		if i.Cert != nil {
			fields["cert"] = map[string]any{"pem": i.Cert.PEM}
		}
		all[name] = fields
	}
	return toStarlark(all)
}

// changeIdentities sends identities with one of the client's methods. One that
// is None is allowed if removes is set.
func (c *pebbleClient) changeIdentities(in invocation, removes bool, send func(context.Context, map[string]*pebble.Identity) error) (starlark.Value, error) {
	var given *starlark.Dict
	if err := in.unpack("identities", &given); err != nil {
		return nil, err
	}
	identities := map[string]*pebble.Identity{}
	for _, item := range given.Items() {
		name, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("%s: identities has the key %v of type %s, want a name", in.name, item[0], item[0].Type())
		}
		if item[1] == starlark.None && removes {
			identities[name] = nil
			continue
		}
		identity, err := identityOf(item[1])
		if err != nil {
			return nil, fmt.Errorf("%s: identities[%q]: %w", in.name, name, err)
		}
		identities[name] = identity
	}
	return starlark.None, c.h.pebbleFailure(send(c.h.Context, identities))
}

// identityOf reads an identity. Whether its values make sense is Pebble's to
// judge.
func identityOf(v starlark.Value) (*pebble.Identity, error) {
	i := &pebble.Identity{}
	err := fieldsOf(v, map[string]func(starlark.Value) error{
		"access": func(v starlark.Value) error { return textInto((*string)(&i.Access), v) },
		"local": func(v starlark.Value) error {
			i.Local = &pebble.LocalIdentity{}
			return fieldsOf(v, map[string]func(starlark.Value) error{"user-id": func(v starlark.Value) error {
				n, err := starlark.AsInt32(v)
				i.Local.UserID = n
				return err
			}})
		},
		"basic": func(v starlark.Value) error {
			i.Basic = &pebble.BasicIdentity{}
			return fieldsOf(v, map[string]func(starlark.Value) error{"password": func(v starlark.Value) error { return textInto(&i.Basic.Password, v) }})
		},
		"cert": func(v starlark.Value) error {
			i.Cert = &pebble.CertIdentity{}
			return fieldsOf(v, map[string]func(starlark.Value) error{"pem": func(v starlark.Value) error { return textInto(&i.Cert.PEM, v) }})
		},
	})
	return i, err
}

func textInto(to *string, v starlark.Value) error {
	text, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("got a %s, want a string", v.Type())
	}
	*to = text
	return nil
}

// fieldsOf gives each field of a dict to the function of its name.
func fieldsOf(v starlark.Value, known map[string]func(starlark.Value) error) error {
	dict, ok := v.(*starlark.Dict)
	if !ok {
		return fmt.Errorf("got a %s, want a dict", v.Type())
	}
	for _, item := range dict.Items() {
		name, _ := starlark.AsString(item[0])
		read := known[name]
		if read == nil {
			return fmt.Errorf("there is no %v%s", item[0], didYouMean(name, sortedNames(known)))
		}
		if err := read(item[1]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
