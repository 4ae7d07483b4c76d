package modeltest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func portTools() []tool {
	return []tool{
		{name: "open-port", use: "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp", prepare: preparePort("open-port", (*Hook).openPort)},
		{name: "close-port", use: "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp", prepare: preparePort("close-port", (*Hook).closePort)},
		{name: "opened-ports", prepare: prepareOpenedPorts},
	}
}

// String returns the range as Juju writes it.
func (p Port) String() string {
	switch {
	case p.Protocol == "icmp":
		return "icmp"
	case p.Port == p.ToPort:
		return fmt.Sprintf("%d/%s", p.Port, p.Protocol)
	}
	return fmt.Sprintf("%d-%d/%s", p.Port, p.ToPort, p.Protocol)
}

func (p Port) check() error {
	switch {
	case p.Protocol == "icmp" && p.Port == 0 && p.ToPort == 0:
		return nil
	case p.Protocol == "icmp":
		return fmt.Errorf("protocol %q doesn't support any ports; got \"%d\"", p.Protocol, p.Port)
	case p.Protocol != "tcp" && p.Protocol != "udp":
		return fmt.Errorf(`invalid protocol %q, expected "tcp", "udp", or "icmp"`, p.Protocol)
	case p.Port > p.ToPort:
		return fmt.Errorf("invalid port range %v", p)
	case p.Port < 0 || p.ToPort > 65535:
		return fmt.Errorf("port range bounds must be between 0 and 65535, got %d-%d", p.Port, p.ToPort)
	}
	return nil
}

func (p Port) compare(q Port) int {
	return cmp.Or(cmp.Compare(p.Protocol, q.Protocol), cmp.Compare(p.Port, q.Port), cmp.Compare(p.ToPort, q.ToPort),
		cmp.Compare(p.Endpoint, q.Endpoint))
}

// parsePort reads 80, 80/tcp, 80-90/udp and icmp.
func parsePort(text string) (Port, error) {
	ports, protocol, given := strings.Cut(strings.ToLower(text), "/")
	if ports == "icmp" {
		return Port{Protocol: "icmp"}, nil
	}
	if !given {
		protocol = "tcp"
	}
	if protocol == "icmp" {
		return Port{}, fmt.Errorf("protocol %q doesn't support any ports; got %q", protocol, ports)
	}
	part := strings.Split(ports, "-")
	if len(part) > 2 {
		return Port{}, fmt.Errorf("invalid port range %q", ports)
	}
	var bounds [2]int
	for i := range bounds {
		number := part[min(i, len(part)-1)]
		n, err := strconv.Atoi(number)
		if err != nil {
			return Port{}, fmt.Errorf("invalid port %q: %w", number, err)
		}
		bounds[i] = n
	}
	port := Port{Protocol: protocol, Port: bounds[0], ToPort: bounds[1]}
	return port, port.check()
}

func preparePort(name string, do func(*Hook, Port) error) func(*Hook, *invocation) (func([]string) error, func() error) {
	return func(h *Hook, c *invocation) (func([]string) error, func() error) {
		endpoints := ""
		var port Port
		c.flags.text(&endpoints, "endpoints")
		c.oldFormat()
		parse := func(args []string) (err error) {
			if len(args) == 0 {
				return errors.New("no port or range specified")
			}
			if port, err = parsePort(shift(&args)); err != nil {
				return err
			}
			return noMore(args)
		}
		return parse, func() error {
			c.warnFormat(name)
			for _, endpoint := range splitList(endpoints) {
				port.Endpoint = strings.TrimSpace(endpoint)
				if err := do(h, port); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// portChanges are the ranges that a hook opens and closes.
type portChanges struct {
	opening, closing []Port
}

// apply returns the opened ports with the changes made, sorted.
func (c *portChanges) apply(opened []Port) []Port {
	ports := slices.Concat(opened, c.opening)
	slices.SortFunc(ports, Port.compare)
	return slices.DeleteFunc(slices.Compact(ports), func(p Port) bool { return slices.Contains(c.closing, p) })
}

// overlaps says whether Juju refuses to open both ranges: they have a port in
// common and are not the same.
func (p Port) overlaps(q Port) bool {
	same := p.Port == q.Port && p.ToPort == q.ToPort
	return !same && p.Protocol == q.Protocol && p.Port <= q.ToPort && q.Port <= p.ToPort
}

// conflict refuses a range that overlaps another one: of those that the hook
// has asked for in the same way before, or of those that were open before it.
func (h *Hook) conflict(verb string, port Port, before []Port) error {
	for i, other := range slices.Concat(before, h.state().OpenedPorts) {
		if !port.overlaps(other) {
			continue
		}
		unit, earlier := h.state().unit(), ""
		if i < len(before) {
			earlier = " requested earlier"
		}
		return fmt.Errorf("cannot %s %v (unit %q): port range conflicts with %v (unit %q)%s", verb, port, unit, other, unit, earlier)
	}
	return nil
}

// checkKubernetes refuses ranges where Juju has but single ports.
func (h *Hook) checkKubernetes(port Port) error {
	if h.state().Model.Kubernetes() && port.Port != port.ToPort {
		return errors.New("port ranges are not supported for k8s applications, please specify a single port")
	}
	return nil
}

func (h *Hook) openPort(port Port) error {
	if err := h.checkKubernetes(port); err != nil {
		return err
	}
	if err := h.conflict("open", port, h.ports.opening); err != nil {
		return err
	}
	h.ports.closing = without(h.ports.closing, port)
	if !slices.Contains(h.state().OpenedPorts, port) {
		h.ports.opening = with(h.ports.opening, port)
	}
	return nil
}

func (h *Hook) closePort(port Port) error {
	if err := h.checkKubernetes(port); err != nil {
		return err
	}
	if err := h.conflict("close", port, h.ports.closing); err != nil {
		return err
	}
	h.ports.opening, h.ports.closing = without(h.ports.opening, port), with(h.ports.closing, port)
	return nil
}

func with(ports []Port, port Port) []Port { return append(without(ports, port), port) }

func without(ports []Port, port Port) []Port {
	return slices.DeleteFunc(slices.Clone(ports), func(other Port) bool { return other == port })
}

func prepareOpenedPorts(h *Hook, c *invocation) (func([]string) error, func() error) {
	showEndpoints := false
	c.flags.boolean(&showEndpoints, "endpoints")
	c.formatted()
	return noMore, func() error {
		var ports []Port
		if !h.restricted() {
			ports = h.ports.apply(h.state().OpenedPorts)
		}
		list := []string{}
		for len(ports) > 0 {
			text := ports[0].String()
			endpoints := []string{}
			for len(ports) > 0 && ports[0].String() == text {
				endpoint := ports[0].Endpoint
				if endpoint == "" {
					endpoint = "*"
				}
				endpoints = append(endpoints, endpoint)
				ports = ports[1:]
			}
			if endpoints[0] == "*" {
				endpoints = endpoints[:1] // all, so the others say nothing
			}
			if showEndpoints {
				text += " (" + strings.Join(endpoints, ", ") + ")"
			}
			list = append(list, text)
		}
		return c.print(list)
	}
}

func (h *Hook) commitPorts(next *State) error {
	for _, port := range h.ports.opening {
		if port.Protocol == "icmp" && next.Model.Kubernetes() && h.juju.version.AtLeast(3, 6, 0) {
			return errors.New("protocol icmp on caas models not supported")
		}
	}
	next.OpenedPorts = h.ports.apply(next.OpenedPorts)
	return nil
}
