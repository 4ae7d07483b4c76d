package model

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
)

// Network is what Juju knows of the network behind a binding. Addresses are
// IP addresses or, in some clouds, host names.
type Network struct {
	Interfaces       []NetworkInterface // one for each address
	IngressAddresses []string           // where others reach the unit
	EgressSubnets    []string           // where the unit's traffic comes from, "10.0.0.1/32"
}

// NetworkInterface is an address of the unit.
type NetworkInterface struct {
	Name    string // "eth0"
	MAC     string
	Address string
	// Subnet is "10.0.0.0/24", that of the address alone where Juju does not
	// know more, and empty for host names.
	Subnet string
}

// BindAddress returns the first address to listen on, or "".
func (n *Network) BindAddress() string {
	if len(n.Interfaces) == 0 {
		return ""
	}
	return n.Interfaces[0].Address
}

// IngressAddress returns the first address to be reached at, or "".
func (n *Network) IngressAddress() string {
	if len(n.IngressAddresses) == 0 {
		return ""
	}
	return n.IngressAddresses[0]
}

// CheckBinding says why a name cannot be that of a binding: an endpoint, one of
// the metadata's extra-bindings, or juju-info, which every charm has.
func (m *Model) CheckBinding(name string) error {
	known := slices.Concat(m.cfg.Metadata.ExtraBindings, slices.Collect(maps.Keys(m.cfg.Metadata.Relations)), []string{"juju-info"})
	if !slices.Contains(known, name) {
		return m.unknown("binding", name, slices.Values(known))
	}
	return nil
}

// Network returns the network of a binding.
func (m *Model) Network(binding string) (*Network, error) {
	if err := m.CheckBinding(binding); err != nil {
		return nil, err
	}
	return m.network(binding)
}

// Network returns the network that the relation uses; the endpoint's when the
// relation is gone.
func (r *Relation) Network() (*Network, error) {
	if !r.gone {
		network, err := r.model.network(r.Endpoint, "-r", strconv.Itoa(r.ID))
		if !isKind(err, RelationNotFoundError) {
			return network, err
		}
		r.gone = true
	}
	return r.model.network(r.Endpoint)
}

func (m *Model) network(binding string, flags ...string) (*Network, error) {
	key := fmt.Sprint(binding, flags)
	if network, ok := m.networks[key]; ok {
		return network, nil
	}
	answer, err := m.run("network-get", nil, slices.Concat([]string{"--format=json"}, flags, []string{binding})...)
	if err != nil {
		return nil, err
	}
	found, err := decode[struct {
		Bind []struct {
			Name      string `json:"interface-name"`
			MAC       string `json:"mac-address"`
			Addresses []struct {
				Value string `json:"value"`
				Older string `json:"address"` // before Juju 2.9
				CIDR  string `json:"cidr"`
			} `json:"addresses"`
		} `json:"bind-addresses"`
		Ingress []string `json:"ingress-addresses"`
		Egress  []string `json:"egress-subnets"`
	}]("network-get", answer)
	if err != nil {
		return nil, err
	}
	network := &Network{IngressAddresses: found.Ingress, EgressSubnets: found.Egress}
	for _, bind := range found.Bind {
		for _, address := range bind.Addresses {
			text := address.Value
			if text == "" {
				text = address.Older
			}
			if text == "" {
				continue // nothing to listen on
			}
			network.Interfaces = append(network.Interfaces,
				NetworkInterface{Name: bind.Name, MAC: bind.MAC, Address: text, Subnet: subnet(address.CIDR, text)})
		}
	}
	m.networks[key] = network
	return network, nil
}

func subnet(cidr, address string) string {
	if cidr != "" {
		return cidr
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	return netip.PrefixFrom(ip.WithZone(""), ip.BitLen()).String()
}
