package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// An application is this unit's or a remote one. Applications of one name are
// the same value.
type application struct {
	handle
	h    *Hook
	name string
}

var (
	_ starlark.HasSetField = (*application)(nil)
	_ starlark.HasAttrs    = (*application)(nil)
)

var applicationTable = table[*application]{
	typ: "application",
	doc: "An application: this unit's (model.app) or a remote one.",
	members: []member[*application]{
		{name: "name", sig: "str", doc: "The application's name.",
			get: func(a *application) (starlark.Value, error) { return starlark.String(a.name), nil }},
		{name: "status", sig: "status", doc: "The application's status; only the leader can read or set it. Setting takes effect at once and stays even if the hook fails. A remote application's reads as UnknownStatus and cannot be set.",
			get: func(a *application) (starlark.Value, error) {
				if !a.ours() {
					return &Status{model.Status{Name: "unknown"}}, nil
				}
				s, err := a.h.Model.AppStatus()
				return &Status{s}, failure(err)
			},
			set: func(a *application, v starlark.Value) error {
				status := new(Status)
				if err := status.Unpack(v); err != nil {
					return fmt.Errorf("cannot set app.status: %w", err)
				}
				if !a.ours() {
					return fmt.Errorf("cannot set the status of %s, which is a remote application", a.name)
				}
				if err := status.Settable(); err != nil {
					return err
				}
				return failure(a.h.Model.SetAppStatus(status.Status))
			}},
		{name: "planned_units", sig: "() -> int", doc: "How many units the application is meant to have.",
			call: func(a *application, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				if err := a.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				n, err := a.h.Model.PlannedUnits()
				return starlark.MakeInt(n), failure(err)
			}},
		{name: "add_secret", sig: addSecretSig, doc: "A new secret that the application owns; NotLeaderError unless this unit is the leader." + addSecretDoc,
			call: func(a *application, in invocation) (starlark.Value, error) {
				if err := a.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				return a.h.addSecret(model.OwnedByApp, in)
			}},
		{name: "ensure_secret", sig: ensureSecretSig, doc: "The application's secret of that label, with this content; NotLeaderError unless this unit is the leader." + ensureSecretDoc,
			call: func(a *application, in invocation) (starlark.Value, error) {
				if err := a.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				return a.h.ensureSecret(model.OwnedByApp, in)
			}},
	},
}

func (a *application) String() string        { return "<application " + a.name + ">" }
func (a *application) Type() string          { return "application" }
func (a *application) Hash() (uint32, error) { return starlark.String(a.name).Hash() }
func (a *application) Attr(name string) (starlark.Value, error) {
	return applicationTable.attr(a, name)
}
func (a *application) AttrNames() []string { return applicationTable.attrNames(a) }
func (a *application) SetField(name string, v starlark.Value) error {
	if name == "status" {
		if err := a.h.refuseInLibrary("status"); err != nil {
			return err
		}
	}
	return applicationTable.setField(a, name, v)
}

func (a *application) ours() bool { return a.name == a.h.Model.Context().AppName }

func (a *application) mustBeOurs(what string) error {
	if !a.ours() {
		return fmt.Errorf("%s: %s is a remote application; this is for model.app only", what, a.name)
	}
	return nil
}

func (h *Hook) app(name string) *application {
	a := h.apps[name]
	if a == nil {
		a = &application{h: h, name: name}
		h.apps[name] = a
	}
	return a
}

func (h *Hook) appOrNone(name string) starlark.Value {
	if name == "" {
		return starlark.None
	}
	return h.app(name)
}
