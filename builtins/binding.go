package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// A binding is an endpoint, an extra binding or a relation, and the network
// that it uses.
type binding struct {
	handle
	name    string
	network func() (*model.Network, error)
}

var bindingTable = table[*binding]{
	typ: "binding",
	doc: "An endpoint or extra binding, or one relation, and the network that Juju has bound it to.",
	members: []member[*binding]{
		{name: "name", sig: "str", doc: "The endpoint or extra binding.",
			get: func(b *binding) (starlark.Value, error) { return starlark.String(b.name), nil }},
		{name: "network", sig: "network", doc: "The network, asked of Juju when it is used, and once in a hook. That of a relation that is gone is the endpoint's. ModelError if Juju knows none.",
			get: func(b *binding) (starlark.Value, error) {
				n, err := b.network()
				return &network{n: n}, failure(err)
			}},
	},
}

func (b *binding) String() string                           { return "<binding " + b.name + ">" }
func (b *binding) Type() string                             { return "binding" }
func (b *binding) Attr(name string) (starlark.Value, error) { return bindingTable.attr(b, name) }
func (b *binding) AttrNames() []string                      { return bindingTable.attrNames(b) }

// network is what is known of the network behind a binding.
type network struct {
	handle
	n *model.Network
}

var networkTable = table[*network]{
	typ: "network",
	doc: "The addresses of this unit in the network behind a binding. Addresses are strings: IPv4 or IPv6 addresses or, in some clouds, host names.",
	members: []member[*network]{
		{name: "bind_address", sig: "str", doc: "The first address to listen on; None if there is none.",
			get: func(n *network) (starlark.Value, error) { return textOrNone(n.n.BindAddress()), nil }},
		{name: "ingress_address", sig: "str", doc: "The first address at which others reach this unit; None if there is none.",
			get: func(n *network) (starlark.Value, error) { return textOrNone(n.n.IngressAddress()), nil }},
		{name: "ingress_addresses", sig: "list[str]", doc: "All addresses at which others reach this unit.",
			get: func(n *network) (starlark.Value, error) { return stringList(n.n.IngressAddresses), nil }},
		{name: "egress_subnets", sig: "list[str]", doc: "The subnets that this unit's traffic comes from, as Juju writes them, such as \"10.0.0.7/32\".",
			get: func(n *network) (starlark.Value, error) { return stringList(n.n.EgressSubnets), nil }},
		{name: "interfaces", sig: "list[network_interface]", doc: "The addresses to listen on, each with its interface.",
			get: func(n *network) (starlark.Value, error) {
				list := make([]starlark.Value, len(n.n.Interfaces))
				for i, each := range n.n.Interfaces {
					list[i] = &networkInterface{i: each}
				}
				interfaces := starlark.NewList(list)
				interfaces.Freeze()
				return interfaces, nil
			}},
	},
}

func (n *network) String() string                           { return fmt.Sprintf("<network %s>", n.n.BindAddress()) }
func (n *network) Type() string                             { return "network" }
func (n *network) Attr(name string) (starlark.Value, error) { return networkTable.attr(n, name) }
func (n *network) AttrNames() []string                      { return networkTable.attrNames(n) }

// networkInterface is one address of this unit.
type networkInterface struct {
	handle
	i model.NetworkInterface
}

var networkInterfaceTable = table[*networkInterface]{
	typ: "network_interface",
	doc: "An address to listen on. An interface with several addresses is there several times.",
	members: []member[*networkInterface]{
		{name: "name", sig: "str", doc: "The interface, such as \"eth0\"; \"\" where Juju does not say, as on Kubernetes.",
			get: func(i *networkInterface) (starlark.Value, error) { return starlark.String(i.i.Name), nil }},
		{name: "address", sig: "str", doc: "The address, or a host name.",
			get: func(i *networkInterface) (starlark.Value, error) { return starlark.String(i.i.Address), nil }},
		{name: "subnet", sig: "str", doc: "Its subnet as Juju writes it, such as \"10.0.0.0/24\"; that of the address alone where Juju does not say; None for a host name without one.",
			get: func(i *networkInterface) (starlark.Value, error) { return textOrNone(i.i.Subnet), nil }},
		{name: "mac_address", sig: "str", doc: "The interface's hardware address; \"\" where Juju does not say.",
			get: func(i *networkInterface) (starlark.Value, error) { return starlark.String(i.i.MAC), nil }},
	},
}

func (i *networkInterface) String() string {
	return fmt.Sprintf("<network_interface %s %s>", i.i.Name, i.i.Address)
}
func (i *networkInterface) Type() string { return "network_interface" }
func (i *networkInterface) Attr(name string) (starlark.Value, error) {
	return networkInterfaceTable.attr(i, name)
}
func (i *networkInterface) AttrNames() []string { return networkInterfaceTable.attrNames(i) }

func (h *Hook) getBinding(in invocation) (starlark.Value, error) {
	var key starlark.Value
	if err := in.unpack("key", &key); err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *relation:
		return &binding{name: key.r.Endpoint, network: key.r.Network}, nil
	case starlark.String:
		name := string(key)
		if err := h.Model.CheckBinding(name); err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		return &binding{name: name, network: func() (*model.Network, error) { return h.Model.Network(name) }}, nil
	}
	return nil, fmt.Errorf("%s: got %s, want the name of an endpoint or extra binding, or a relation", in.name, key.Type())
}
