package builtins

import (
	"fmt"
	"path"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starcharm/starcharm/pebble"
)

// A pebbleClient reaches a Pebble by its socket: that of a container, or
// another. It does what a container does, and what is about the daemon itself.
type pebbleClient struct{ *container }

var clientTable = table[*pebbleClient]{
	typ: "client",
	doc: "A Pebble on a unix socket: that of a container (container.pebble), a second one in it, or that of a snap (pebble.Client). It has the methods of a container, and those that are about the daemon itself. Calls fail as those of a container do.",
	members: append([]member[*pebbleClient]{
		{name: "socket_path", sig: "str", doc: "The path of the socket.",
			get: func(c *pebbleClient) (starlark.Value, error) { return starlark.String(c.socketPath), nil }},
		{name: "get_system_info", sig: "() -> struct", doc: "What Pebble says of itself: version, boot_id, which changes when the machine restarts, and http_address, where it also listens, or None.",
			call: (*pebbleClient).getSystemInfo},
		{name: "get_metrics", sig: "() -> str", doc: "Metrics of services and checks, as text in the format of Prometheus.",
			call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				text, err := c.client.Metrics(c.h.Context)
				return starlark.String(text), c.h.pebbleFailure(err)
			}},
		{name: "is_healthy", sig: "(*checks: str, level: str = None) -> bool", doc: "Whether no check is down; with names, none of these; with level \"alive\", none of that level, with \"ready\", none that has a level.",
			call: (*pebbleClient).isHealthy},
		{name: "refresh_check", sig: "(check: str) -> tuple", doc: "Runs a check now: its state, a check, and why the run failed, a str, \"\" if it did not. A check that the plan does not have is an APIError with code 404.",
			call: (*pebbleClient).refreshCheck},

		{name: "get_changes", sig: "(*, select: str = \"in-progress\", service: str = \"\") -> list[change]", doc: "The changes, oldest first: \"in-progress\", \"ready\" or \"all\"; with service, those of one service.",
			call: (*pebbleClient).getChanges},
		{name: "get_change", sig: "(id: str) -> change", doc: "A change. One that Pebble does not know, or has forgotten, is an APIError with code 404.",
			call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
				var id string
				if err := in.unpack("id", &id); err != nil {
					return nil, err
				}
				return c.change(c.client.Change(c.h.Context, id))
			}},
		{name: "wait_change", sig: "(id: str, *, timeout: float = 30) -> change", doc: "Waits until a change is ready, whether it failed (err) or not, timeout seconds at most, or else TimeoutError; 0 looks once, and returns it as it is.",
			call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
				var id string
				var timeout starlark.Value = starlark.MakeInt(30)
				if err := in.unpack("id", &id, byName, nil, "timeout?", &timeout); err != nil {
					return nil, err
				}
				d, err := seconds(in, "timeout", timeout)
				if err != nil {
					return nil, err
				}
				if d == 0 {
					return c.change(c.client.Change(c.h.Context, id))
				}
				return c.change(c.client.WaitChange(c.h.Context, id, pebble.WaitOptions{Timeout: d}))
			}},
		{name: "abort_change", sig: "(id: str) -> change", doc: "Gives up a change that is not ready. One that is is an APIError.",
			call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
				var id string
				if err := in.unpack("id", &id); err != nil {
					return nil, err
				}
				return c.change(c.client.AbortChange(c.h.Context, id))
			}},

		{name: "get_identities", sig: "() -> dict", doc: "Who may use Pebble, by name: a dict with access (\"admin\", \"read\", \"metrics\" or \"untrusted\") and one or more of local ({\"user-id\": 1000}), basic ({\"password\": …}) and cert ({\"pem\": …}); of passwords and certificates Pebble shows *****.",
			call: (*pebbleClient).getIdentities},
		{name: "add_identities", sig: "(identities: dict)", doc: "Adds identities, by name, as get_identities shows them. A password is a hash as of sha512-crypt. A name that is taken is an APIError, and nothing is added.",
			call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
				return c.changeIdentities(in, false, c.client.AddIdentities)
			}},
		{name: "update_identities", sig: "(identities: dict)", doc: "Changes identities. A name that is not there is an APIError, and nothing is changed.",
			call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
				return c.changeIdentities(in, false, c.client.UpdateIdentities)
			}},
		{name: "replace_identities", sig: "(identities: dict)", doc: "Adds identities, changes those that are there, and removes those that are None.",
			call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
				return c.changeIdentities(in, true, c.client.ReplaceIdentities)
			}},
		{name: "remove_identities", sig: "(*identities: str)", doc: "Removes identities, at least one. A name that is not there is an APIError, and nothing is removed.",
			call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
				names, err := names(in, "identity")
				if err != nil {
					return nil, err
				}
				return starlark.None, c.h.pebbleFailure(c.client.RemoveIdentities(c.h.Context, names))
			}},
	}, containerMembers("name", "pebble")...),
}

// containerMembers are the members of a container but those named.
func containerMembers(without ...string) []member[*pebbleClient] {
	var members []member[*pebbleClient]
	for _, m := range containerTable.members {
		if slices.Contains(without, m.name) {
			continue
		}
		members = append(members, member[*pebbleClient]{name: m.name, sig: m.sig, doc: m.doc, call: func(c *pebbleClient, in invocation) (starlark.Value, error) {
			return m.call(c.container, in)
		}})
	}
	return members
}

func (c *pebbleClient) String() string                           { return "<client " + c.socketPath + ">" }
func (c *pebbleClient) Type() string                             { return "client" }
func (c *pebbleClient) Hash() (uint32, error)                    { return starlark.String(c.socketPath).Hash() }
func (c *pebbleClient) Attr(name string) (starlark.Value, error) { return clientTable.attr(c, name) }
func (c *pebbleClient) AttrNames() []string                      { return clientTable.attrNames(c) }

func newPebbleClient(h *Hook, in invocation) (starlark.Value, error) {
	var socketPath string
	if err := in.unpack("socket_path", &socketPath); err != nil {
		return nil, err
	}
	if !path.IsAbs(socketPath) {
		return nil, fmt.Errorf("%s: socket_path is %q, which is relative; want the whole path", in.name, socketPath)
	}
	c := &container{h: h, name: socketPath, socketPath: socketPath, client: h.Pebble(socketPath)}
	return &pebbleClient{container: c}, nil
}

func (c *pebbleClient) getSystemInfo(in invocation) (starlark.Value, error) {
	if err := in.none(); err != nil {
		return nil, err
	}
	info, err := c.client.SystemInfo(c.h.Context)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	fields := starlark.StringDict{
		"version": starlark.String(info.Version), "boot_id": starlark.String(info.BootID), "http_address": starlark.None,
	}
	if info.HTTPAddress != "" {
		fields["http_address"] = starlark.String(info.HTTPAddress)
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, fields), nil
}

func (c *pebbleClient) isHealthy(in invocation) (starlark.Value, error) {
	wanted, level, err := checkFilter(in)
	if err != nil {
		return nil, err
	}
	healthy, err := c.client.Health(c.h.Context, pebble.HealthOptions{Names: wanted, Level: level})
	return starlark.Bool(healthy), c.h.pebbleFailure(err)
}

func (c *pebbleClient) refreshCheck(in invocation) (starlark.Value, error) {
	var name string
	if err := in.unpack("check", &name); err != nil {
		return nil, err
	}
	info, problem, err := c.client.RefreshCheck(c.h.Context, name)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	return starlark.Tuple{&check{container: c.container, name: name, full: info}, starlark.String(problem)}, nil
}

func (c *pebbleClient) getChanges(in invocation) (starlark.Value, error) {
	which, service := string(pebble.SelectInProgress), ""
	if err := in.unpack(byName, nil, "select?", &which, "service?", &service); err != nil {
		return nil, err
	}
	options := pebble.ChangesOptions{Select: pebble.ChangeSelect(which), Service: service}
	if !slices.Contains([]pebble.ChangeSelect{pebble.SelectInProgress, pebble.SelectReady, pebble.SelectAll}, options.Select) {
		return nil, fmt.Errorf("%s: select is %q, want \"in-progress\", \"ready\" or \"all\"", in.name, which)
	}
	changes, err := c.client.Changes(c.h.Context, options)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	list := make([]starlark.Value, len(changes))
	for i := range changes {
		list[i] = &change{Change: changes[i]}
	}
	return starlark.NewList(list), nil
}

// change is what the client said of a change.
func (c *pebbleClient) change(found *pebble.Change, err error) (starlark.Value, error) {
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	return &change{Change: found}, nil
}
