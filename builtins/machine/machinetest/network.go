package machinetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/builtins/machine"
)

// readNames takes over the names that a State describes.
func (m *Machine) readNames(s State) error {
	m.hostname, m.fqdn = s.Hostname, s.FQDN
	m.hosts = map[string][]netip.Addr{"localhost": {netip.AddrFrom4([4]byte{127, 0, 0, 1})}}
	for _, host := range slices.Sorted(maps.Keys(s.Hosts)) {
		addresses := []netip.Addr{}
		for _, text := range s.Hosts[host] {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return fmt.Errorf("cannot use hosts[%s]: %q is no IP address", host, text)
			}
			addresses = append(addresses, address)
		}
		m.hosts[strings.ToLower(host)] = addresses
	}
	return nil
}

// nameFor names the machine after a unit, where the State gives it no name.
func (m *Machine) nameFor(unit, model string, pod bool) {
	m.hostname = cmp.Or(m.hostname, strings.ReplaceAll(unit, "/", "-"))
	if app, _, _ := strings.Cut(unit, "/"); m.fqdn == "" && pod {
		m.fqdn = fmt.Sprintf("%s.%s-endpoints.%s.svc.cluster.local", m.hostname, app, model)
	}
}

// Hostname returns the name that the State gives, or the unit's.
func (m *Machine) Hostname() (string, error) {
	if m.hostname == "" {
		return "", &machine.UndescribedError{What: "the machine's name", Cure: "add hostname: NAME"}
	}
	return m.hostname, nil
}

// FQDN returns the full name that the State gives, or the usual one.
func (m *Machine) FQDN(context.Context) (string, error) {
	if m.fqdn != "" {
		return m.fqdn, nil
	}
	return m.Hostname()
}

// Resolve returns the addresses that the State gives a host. An address is its
// own.
func (m *Machine) Resolve(_ context.Context, host string) ([]netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{address}, nil
	}
	addresses, found := m.hosts[strings.ToLower(host)]
	switch {
	case !found:
		return nil, &machine.UndescribedError{What: "the host " + host, Cure: fmt.Sprintf("add it to hosts, %q: [ADDRESS], or [] if it is not found", host)}
	case len(addresses) == 0:
		return nil, machine.ErrNoHost
	}
	return slices.Clone(addresses), nil
}
