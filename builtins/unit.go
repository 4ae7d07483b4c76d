package builtins

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// ErrStop ends the hook where it is, without an error and without a commit.
var ErrStop = errors.New("the hook ends here")

// A unit is this unit or a remote one. Units of one name are the same value.
type unit struct {
	handle
	h    *Hook
	name string
}

var (
	_ starlark.HasSetField = (*unit)(nil)
	_ starlark.HasAttrs    = (*unit)(nil)
)

var unitTable = table[*unit]{
	typ: "unit",
	doc: "A unit: this one (model.unit) or a remote one. Most of it is for this unit only.",
	members: []member[*unit]{
		{name: "name", sig: "str", doc: "The unit's name, for instance \"web/0\".",
			get: func(u *unit) (starlark.Value, error) { return starlark.String(u.name), nil }},
		{name: "app", sig: "application", doc: "The application that it belongs to.",
			get: func(u *unit) (starlark.Value, error) { return u.h.app(appOf(u.name)), nil }},
		{name: "status", sig: "status", doc: "The unit's status. Setting it takes effect at once and stays even if the hook fails. A remote unit's reads as UnknownStatus and cannot be set.",
			get: func(u *unit) (starlark.Value, error) {
				if !u.ours() {
					return &Status{model.Status{Name: "unknown"}}, nil
				}
				s, err := u.h.Model.UnitStatus()
				return &Status{s}, failure(err)
			},
			set: func(u *unit, v starlark.Value) error {
				status := new(Status)
				if err := status.Unpack(v); err != nil {
					return fmt.Errorf("cannot set unit.status: %w", err)
				}
				if !u.ours() {
					return fmt.Errorf("cannot set the status of %s, which is a remote unit", u.name)
				}
				if err := status.Settable(); err != nil {
					return err
				}
				return failure(u.h.Model.SetUnitStatus(status.Status))
			}},
		{name: "is_leader", sig: "() -> bool", doc: "Whether this unit leads its application. Asked of Juju once in a hook; it stays true for 30 seconds at least.",
			call: func(u *unit, in invocation) (starlark.Value, error) {
				if err := u.local(in); err != nil {
					return nil, err
				}
				leader, err := u.h.Model.IsLeader()
				u.h.looks("leadership")
				return starlark.Bool(leader), failure(err)
			}},
		{name: "set_workload_version", sig: "(version: str)", doc: "Shows the version of what the charm runs in juju status. Takes effect at once.",
			call: func(u *unit, in invocation) (starlark.Value, error) {
				var version string
				if err := in.unpack("version", &version); err != nil {
					return nil, err
				}
				if err := u.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				return starlark.None, failure(u.h.Model.SetWorkloadVersion(version))
			}},
		{name: "containers", sig: "mapping", doc: "The containers of this unit's pod that the metadata names, by name.",
			get: func(u *unit) (starlark.Value, error) {
				if err := u.mustBeOurs("unit.containers"); err != nil {
					return nil, err
				}
				names := sortedNames(u.h.Metadata.Containers)
				return newDeclaredMapping("containers", "container", names, func(name string) (starlark.Value, error) { return u.h.container(name) }), nil
			}},
		{name: "get_container", sig: "(name: str) -> container", doc: "A container of this unit's pod, whether its Pebble answers or not. A name that the metadata does not have is an error.",
			call: func(u *unit, in invocation) (starlark.Value, error) {
				var name string
				if err := in.unpack("name", &name); err != nil {
					return nil, err
				}
				if err := u.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				return u.h.container(name)
			}},
		{name: "add_secret", sig: addSecretSig, doc: "A new secret that this unit owns." + addSecretDoc,
			call: func(u *unit, in invocation) (starlark.Value, error) {
				if err := u.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				return u.h.addSecret(model.OwnedByUnit, in)
			}},
		{name: "ensure_secret", sig: ensureSecretSig, doc: "This unit's secret of that label, with this content." + ensureSecretDoc,
			call: func(u *unit, in invocation) (starlark.Value, error) {
				if err := u.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				return u.h.ensureSecret(model.OwnedByUnit, in)
			}},
		{name: "reboot", sig: "(*, now: bool = False)", doc: "Has the machine reboot after the hook. With now, at once: the hook ends there, nothing of it is kept, and Juju runs it again afterwards. ModelError in an action.",
			call: func(u *unit, in invocation) (starlark.Value, error) {
				var now bool
				if err := in.unpack(byName, nil, "now?", &now); err != nil {
					return nil, err
				}
				if err := u.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				if err := u.h.Model.Reboot(now); err != nil {
					return nil, failure(err)
				}
				if now {
					return nil, ErrStop
				}
				return starlark.None, nil
			}},
		{name: "open_port", sig: "(protocol: str, port: int = None, to_port: int = None)", doc: "Opens a port, or with to_port a range, when the hook succeeds. protocol is \"tcp\", \"udp\" or \"icmp\", in any case; ports are 1 to 65535, and are left out for icmp. ModelError for a range that overlaps another one.",
			call: portCall((*model.Model).OpenPort)},
		{name: "close_port", sig: "(protocol: str, port: int = None, to_port: int = None)", doc: "Closes a port or a range when the hook succeeds; arguments as for open_port. One that is not open is no error. A range is opened and closed as a whole.",
			call: portCall((*model.Model).ClosePort)},
		{name: "opened_ports", sig: "() -> list[port]", doc: "The ports and ranges that are open, sorted, with what this hook has opened and closed.",
			call: func(u *unit, in invocation) (starlark.Value, error) {
				if err := u.local(in); err != nil {
					return nil, err
				}
				ports, err := u.h.Model.OpenedPorts()
				if err != nil {
					return nil, failure(err)
				}
				list := make([]starlark.Value, len(ports))
				for i, p := range ports {
					list[i] = &port{p}
				}
				return starlark.NewList(list), nil
			}},
		{name: "set_ports", sig: "(*ports: int | port)", doc: "Makes exactly these ports and ranges the open ones; a number is a tcp port. Those that are open already stay open; others are closed first.",
			call: func(u *unit, in invocation) (starlark.Value, error) {
				if len(in.kwargs) > 0 {
					return nil, fmt.Errorf("%s: unexpected keyword argument %s", in.name, in.kwargs[0][0])
				}
				if err := u.mustBeOurs(in.name); err != nil {
					return nil, err
				}
				var ports []model.Port
				for _, arg := range in.args {
					p, err := portOf(arg)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", in.name, err)
					}
					ports = append(ports, p)
				}
				return starlark.None, failure(u.h.Model.SetPorts(ports))
			}},
	},
}

func (u *unit) String() string                           { return "<unit " + u.name + ">" }
func (u *unit) Type() string                             { return "unit" }
func (u *unit) Hash() (uint32, error)                    { return starlark.String(u.name).Hash() }
func (u *unit) Attr(name string) (starlark.Value, error) { return unitTable.attr(u, name) }
func (u *unit) AttrNames() []string                      { return unitTable.attrNames(u) }
func (u *unit) SetField(name string, v starlark.Value) error {
	if name == "status" {
		if err := u.h.refuseInLibrary("status"); err != nil {
			return err
		}
	}
	return unitTable.setField(u, name, v)
}

func (u *unit) ours() bool { return u.name == u.h.Model.Context().UnitName }

func (u *unit) mustBeOurs(what string) error {
	if !u.ours() {
		return fmt.Errorf("%s: %s is a remote unit; this is for model.unit only", what, u.name)
	}
	return nil
}

// local unpacks no arguments and refuses a remote unit.
func (u *unit) local(in invocation) error {
	if err := in.none(); err != nil {
		return err
	}
	return u.mustBeOurs(in.name)
}

// portCall makes a method of what the model does with a port of this unit.
func portCall(do func(*model.Model, model.Port) error) func(*unit, invocation) (starlark.Value, error) {
	return func(u *unit, in invocation) (starlark.Value, error) {
		p, err := newPort(in)
		if err != nil {
			return nil, err
		}
		if err := u.mustBeOurs(in.name); err != nil {
			return nil, err
		}
		return starlark.None, failure(do(u.h.Model, p.Port))
	}
}

// refuseInLibrary says that a library's handler cannot set a status: what a
// unit shows is the charm's to decide.
func (h *Hook) refuseInLibrary(what string) error {
	if o := h.Framework.Running; o != nil && o.Scope != "" {
		return fmt.Errorf("cannot set the %s in a handler of the library instance %q: a library tells the charm, for instance by an event, and the charm sets the status", what, o.Scope)
	}
	return nil
}

func (h *Hook) unit(name string) *unit {
	u := h.units[name]
	if u == nil {
		u = &unit{h: h, name: name}
		h.units[name] = u
	}
	return u
}

func (h *Hook) unitOrNone(name string) starlark.Value {
	if name == "" {
		return starlark.None
	}
	return h.unit(name)
}

func appOf(unitName string) string {
	app, _, _ := strings.Cut(unitName, "/")
	return app
}
