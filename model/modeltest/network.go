package modeltest

import (
	"errors"
	"fmt"
)

func networkTools() []tool {
	return []tool{{name: "network-get", use: "<binding>", prepare: prepareNetworkGet}}
}

func prepareNetworkGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	binding := ""
	var primary, bind, ingress, egress bool
	h.relationFlag(c)
	c.flags.boolean(&primary, "primary-address")
	c.flags.boolean(&bind, "bind-address")
	c.flags.boolean(&ingress, "ingress-address")
	c.flags.boolean(&egress, "egress-subnets")
	c.formatted()
	parse := func(args []string) error {
		if len(args) == 0 {
			return errors.New("no arguments specified")
		}
		if binding = shift(&args); binding == "" {
			return errors.New("no binding name specified")
		}
		return noMore(args)
	}
	return parse, func() error {
		if !hasBinding(h.juju.meta, binding) {
			return fmt.Errorf("no network config found for binding %q", binding)
		}
		network := h.state().network(binding)
		if len(network.BindAddresses) == 0 &&
			(!h.juju.version.AtLeast(4, 1, 0) || len(network.IngressAddresses)+len(network.EgressSubnets) == 0) {
			return fmt.Errorf("no network config found for binding %q", binding)
		}
		// Up to Juju 4.0 an interface without addresses ends the agent.
		if (primary || bind) && network.bindAddress() == "" {
			return fmt.Errorf("no %s address attached to space for binding %q", map[bool]string{true: "primary", false: "bind"}[primary], binding)
		}
		if ingress && network.ingressAddress() == "" {
			return fmt.Errorf("no ingress address attached to space for binding %q", binding)
		}
		if primary && (bind || ingress || egress) {
			return errors.New("--primary-address must be the only flag specified")
		}
		if primary {
			return c.print(network.bindAddress())
		}
		picked := object{}
		if bind {
			picked = append(picked, same("bind-address", network.bindAddress()))
		}
		if egress {
			picked = append(picked, same("egress-subnets", network.EgressSubnets))
		}
		if ingress {
			picked = append(picked, same("ingress-address", network.ingressAddress()))
		}
		switch len(picked) {
		case 0:
			return c.print(network.object())
		case 1:
			return c.print(picked[0].value)
		}
		return c.print(picked)
	}
}

// network returns what is known of a binding, or else the default.
func (s *State) network(binding string) Network {
	network := Network{Binding: binding}
	for _, n := range s.Networks {
		if n.Binding == binding {
			network = *n
		}
	}
	if network.BindAddresses == nil {
		network.BindAddresses = []BindAddress{{Addresses: []Address{{Value: defaultAddress}}}}
	}
	if network.IngressAddresses == nil {
		network.IngressAddresses = []string{defaultAddress}
	}
	if network.EgressSubnets == nil {
		network.EgressSubnets = []string{defaultAddress + "/24"}
	}
	if len(network.EgressSubnets) == 0 {
		network.EgressSubnets = nil // null in JSON
	}
	return network
}

func (n Network) bindAddress() string {
	for _, bind := range n.BindAddresses {
		if len(bind.Addresses) > 0 {
			return bind.Addresses[0].Value
		}
	}
	return ""
}

// ingressAddress is the first, or else the one that the unit binds to.
func (n Network) ingressAddress() string {
	if len(n.IngressAddresses) == 0 {
		return n.bindAddress()
	}
	return n.IngressAddresses[0]
}

// object is the answer of network-get; some of its keys are in YAML only, and
// what is empty is left out.
func (n Network) object() object {
	binds := []any{}
	for _, bind := range n.BindAddresses {
		addresses := []any{}
		for _, address := range bind.Addresses {
			addresses = append(addresses, object{
				same("hostname", address.Hostname),
				same("value", address.Value),
				same("cidr", address.CIDR),
				{yaml: "address", value: address.Value, yamlOnly: true},
			})
		}
		binds = append(binds, object{
			same("mac-address", bind.MACAddress),
			same("interface-name", bind.InterfaceName),
			same("addresses", addresses),
			{yaml: "macaddress", value: bind.MACAddress, yamlOnly: true},
			{yaml: "interfacename", value: bind.InterfaceName, yamlOnly: true},
		})
	}
	o := object{}
	if len(binds) > 0 {
		o = append(o, same("bind-addresses", binds))
	}
	if len(n.EgressSubnets) > 0 {
		o = append(o, same("egress-subnets", n.EgressSubnets))
	}
	if len(n.IngressAddresses) > 0 {
		o = append(o, same("ingress-addresses", n.IngressAddresses))
	}
	return o
}
