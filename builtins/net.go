package builtins

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

// resolveTimeout is how long names are looked up.
const resolveTimeout = 30 * time.Second

// Kinds of failure of module net.
var (
	netError         = &Kind{Name: "net.Error"}
	netNotFoundError = &Kind{Name: "net.NotFoundError", Parent: netError}
	netResolveError  = &Kind{Name: "net.ResolveError", Parent: netError}
	netAddressError  = &Kind{Name: "net.AddressError", Parent: netError}
	netURLError      = &Kind{Name: "net.URLError", Parent: netError}
)

var netTable = table[*hostNames]{
	typ: "net",
	doc: "Names, addresses and URLs: `load(\"@std//net.star\", \"net\")`.",
	members: []member[*hostNames]{
		{name: "hostname", sig: "() -> str", doc: "The machine's own name, or the pod's.", call: (*hostNames).hostname},
		{name: "fqdn", sig: "() -> str", doc: "The name with its domain: in a pod the one under which other pods reach it, web-0.web-endpoints.model.svc.cluster.local. It is what /etc/hosts, or else the resolver, calls the address of hostname(); without a domain it is hostname() itself.", call: (*hostNames).fqdn},
		{name: "resolve", sig: "(host: str) -> list[str]", doc: "The addresses of a host, at least one, in the resolver's order; those of an address are itself. It takes at most 30 seconds. Failures: net.NotFoundError, net.ResolveError.", call: (*hostNames).resolve},
		{name: "parse_ip", sig: "(address: str, default = <fail>) -> ip", doc: "An IPv4 or IPv6 address. What is none gives default if there is one, otherwise the failure net.AddressError: `net.parse_ip(host, default = None)` tells an address from a name.", call: (*hostNames).parseIP},
		{name: "in_network", sig: "(address: str | ip, network: str) -> bool", doc: "Whether an address is in a network such as \"10.0.0.0/8\". What is no address or no network is the failure net.AddressError.", call: (*hostNames).inNetwork},
		{name: "parse_url", sig: "(url: str) -> url", doc: "A URL in its parts. What is none is the failure net.URLError; http://HOST and the like need a host.", call: (*hostNames).parseURL},
		{name: "quote", sig: "(text: str, *, safe: str = \"/\") -> str", doc: "The text as it is written in the path of a URL: letters, digits, -, ., _, ~ and the characters of safe, which are ASCII, stay as they are, all else is written as %2F. With safe = \"\" it can be a user name, password or value of a query.", call: (*hostNames).quote},
		{name: "Error", sig: "kind", doc: "The family of all failures of this module.", get: netKind(netError)},
		{name: "NotFoundError", sig: "kind", doc: "There is no such host.", get: netKind(netNotFoundError)},
		{name: "ResolveError", sig: "kind", doc: "The name cannot be resolved now: no server answers.", get: netKind(netResolveError)},
		{name: "AddressError", sig: "kind", doc: "A text is no IP address, or no network.", get: netKind(netAddressError)},
		{name: "URLError", sig: "kind", doc: "A text is no URL.", get: netKind(netURLError)},
	},
}

// newNet returns module net. ctx ends what is under way when the hook ends.
func newNet(ctx context.Context, m machine.Machine) starlark.Value {
	return &module[*hostNames]{table: &netTable, self: &hostNames{ctx, m}}
}

func netKind(k *Kind) func(*hostNames) (starlark.Value, error) {
	return func(*hostNames) (starlark.Value, error) { return k, nil }
}

// hostNames are what the machine knows of names.
type hostNames struct {
	ctx     context.Context
	machine machine.Machine
}

func (n *hostNames) hostname(in invocation) (starlark.Value, error) {
	if err := in.none(); err != nil {
		return nil, err
	}
	name, err := n.machine.Hostname()
	return starlark.String(name), n.failure("find the machine's name", err)
}

func (n *hostNames) fqdn(in invocation) (starlark.Value, error) {
	if err := in.none(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(n.ctx, resolveTimeout)
	defer cancel()
	name, err := n.machine.FQDN(ctx)
	return starlark.String(name), n.failure("find the machine's name", err)
}

func (n *hostNames) resolve(in invocation) (starlark.Value, error) {
	var host string
	if err := in.unpack("host", &host); err != nil {
		return nil, err
	}
	deed := "resolve " + shown(starlark.String(host))
	if host == "" || strings.ContainsAny(host, "\x00 \t\r\n/") {
		return nil, &Failure{Kind: netNotFoundError, Message: "cannot " + deed + ": no host has such a name"}
	}
	ctx, cancel := context.WithTimeout(n.ctx, resolveTimeout)
	defer cancel()
	addresses, err := n.machine.Resolve(ctx, host)
	if err != nil {
		return nil, n.failure(deed, err)
	}
	elems := make([]starlark.Value, len(addresses))
	for i, address := range addresses {
		elems[i] = starlark.String(address.String())
	}
	return starlark.NewList(elems), nil
}

// failure is an error as the charm meets it, or nil.
func (n *hostNames) failure(deed string, err error) error {
	var undescribed *machine.UndescribedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &undescribed):
		return undescribed
	case n.ctx.Err() != nil:
		return fmt.Errorf("cannot %s: %w", deed, context.Cause(n.ctx))
	case errors.Is(err, machine.ErrNoHost):
		return &Failure{Kind: netNotFoundError, Message: fmt.Sprintf("cannot %s: %v", deed, err), Err: err}
	}
	return &Failure{Kind: netResolveError, Message: fmt.Sprintf("cannot %s: %v", deed, err), Err: err}
}

func (n *hostNames) parseIP(in invocation) (starlark.Value, error) {
	var text string
	var fallback starlark.Value
	if err := in.unpack("address", &text, "default?", &fallback); err != nil {
		return nil, err
	}
	address, err := netip.ParseAddr(text)
	switch {
	case err == nil:
		return ip(address), nil
	case fallback != nil:
		return fallback, nil
	}
	return nil, badAddress(text)
}

func badAddress(text string) *Failure {
	return &Failure{Kind: netAddressError, Message: shown(starlark.String(text)) + " is no IP address, such as 10.0.0.7 or fd00::7"}
}

func (n *hostNames) inNetwork(in invocation) (starlark.Value, error) {
	var what starlark.Value
	var within string
	if err := in.unpack("address", &what, "network", &within); err != nil {
		return nil, err
	}
	var address netip.Addr
	switch v := what.(type) {
	case ip:
		address = netip.Addr(v)
	case starlark.String:
		var err error
		if address, err = netip.ParseAddr(string(v)); err != nil {
			return nil, badAddress(string(v))
		}
	default:
		return nil, fmt.Errorf("%s: address is a %s, want a string or an ip", in.name, what.Type())
	}
	prefix, err := netip.ParsePrefix(within)
	if err != nil {
		return nil, &Failure{Kind: netAddressError, Message: shown(starlark.String(within)) + " is no network, such as 10.0.0.0/8", Err: err}
	}
	if prefix.Addr().Is4() {
		address = address.Unmap()
	}
	return starlark.Bool(prefix.Contains(address.WithZone(""))), nil
}

var ipTable = table[ip]{
	typ: "ip",
	doc: "An IP address. str(ip) is its usual text; addresses compare with ==, and can be keys of dicts.",
	members: []member[ip]{
		{name: "version", sig: "int", doc: "4 or 6.", get: func(a ip) (starlark.Value, error) {
			if netip.Addr(a).Is4() {
				return starlark.MakeInt(4), nil
			}
			return starlark.MakeInt(6), nil
		}},
		{name: "is_loopback", sig: "bool", doc: "Whether it is the machine's own, 127.0.0.1 or ::1.", get: ipIs(netip.Addr.IsLoopback)},
		{name: "is_private", sig: "bool", doc: "Whether it is for private networks: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fc00::/7.", get: ipIs(netip.Addr.IsPrivate)},
		{name: "is_link_local", sig: "bool", doc: "Whether it counts on one link only: 169.254.0.0/16 or fe80::/10.", get: ipIs(netip.Addr.IsLinkLocalUnicast)},
		{name: "is_multicast", sig: "bool", doc: "Whether it is that of a group.", get: ipIs(netip.Addr.IsMulticast)},
		{name: "is_unspecified", sig: "bool", doc: "Whether it is 0.0.0.0 or ::.", get: ipIs(netip.Addr.IsUnspecified)},
	},
}

// ip is an address.
type ip netip.Addr

var _ starlark.HasAttrs = ip{}

func (a ip) String() string                           { return netip.Addr(a).String() }
func (a ip) Type() string                             { return ipTable.typ }
func (a ip) Freeze()                                  {}
func (a ip) Truth() starlark.Bool                     { return true }
func (a ip) Hash() (uint32, error)                    { return starlark.String(a.String()).Hash() }
func (a ip) Attr(name string) (starlark.Value, error) { return ipTable.attr(a, name) }
func (a ip) AttrNames() []string                      { return ipTable.attrNames(a) }

func ipIs(is func(netip.Addr) bool) func(ip) (starlark.Value, error) {
	return func(a ip) (starlark.Value, error) { return starlark.Bool(is(netip.Addr(a))), nil }
}
