package model

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Port is a port, or a range of ports, that the unit may be reached at once
// its application is exposed.
type Port struct {
	Protocol string // "tcp", "udp" or "icmp"
	// From and To are the first and the last port, 1 to 65535; both are 0 for
	// icmp.
	From, To int
}

// String returns the port as hook tools write it: "80/tcp", "80-90/udp", "icmp".
func (p Port) String() string {
	switch {
	case p.Protocol == "icmp":
		return "icmp"
	case p.From == p.To:
		return fmt.Sprintf("%d/%s", p.From, p.Protocol)
	}
	return fmt.Sprintf("%d-%d/%s", p.From, p.To, p.Protocol)
}

// Check returns the port with its protocol in lower case, or says why there is
// no such port.
func (p Port) Check() (Port, error) {
	p.Protocol = strings.ToLower(p.Protocol)
	switch p.Protocol {
	case "icmp":
		if p.From != 0 || p.To != 0 {
			return p, usage("icmp has no ports: leave them out")
		}
	case "tcp", "udp":
		if p.From == 0 {
			return p, usage("%s needs a port, a number from 1 to 65535", p.Protocol)
		}
		if p.From < 1 || p.To > 65535 || p.From > p.To {
			return p, usage("%d to %d is not a range of ports: they are from 1 to 65535", p.From, p.To)
		}
	default:
		known := []string{"tcp", "udp", "icmp"}
		return p, usage("there is no protocol %q%s: use one of %s", shorten(p.Protocol), didYouMean(p.Protocol, known), strings.Join(known, ", "))
	}
	return p, nil
}

// ParsePort reads "80", which is tcp, "80/udp", "80-90/tcp" and "icmp".
func ParsePort(text string) (Port, error) {
	ports, protocol, ok := strings.Cut(text, "/")
	if !ok {
		if strings.EqualFold(text, "icmp") {
			return Port{Protocol: "icmp"}, nil
		}
		protocol = "tcp"
	}
	first, last, ok := strings.Cut(ports, "-")
	if !ok {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	if err = cmp.Or(err, err2); err != nil {
		return Port{}, usage("%q is not a port such as 80/tcp, 80-90/udp or icmp", shorten(text))
	}
	return Port{Protocol: protocol, From: int(from), To: int(to)}.Check()
}

// portChange is a port that this hook opened or closed. Juju's list of the open
// ports leaves that out.
type portChange struct {
	port Port
	open bool
}

// OpenPort opens a port when the hook succeeds. One that is known to be open
// already is not opened again.
func (m *Model) OpenPort(p Port) error { return m.changePort("open-port", p, true) }

// ClosePort closes a port when the hook succeeds.
func (m *Model) ClosePort(p Port) error { return m.changePort("close-port", p, false) }

func (m *Model) changePort(tool string, p Port, open bool) error {
	p, err := p.Check()
	if err != nil {
		return err
	}
	if m.ports != nil && slices.Contains(m.ports, p) == open {
		return nil
	}
	if _, err := m.run(tool, nil, p.String()); err != nil {
		return err
	}
	change := portChange{p, open}
	m.portChanges = append(m.portChanges, change)
	if m.ports != nil {
		m.ports = change.apply(m.ports)
	}
	return nil
}

func (c portChange) apply(ports []Port) []Port {
	ports = slices.DeleteFunc(ports, func(p Port) bool { return p == c.port })
	if c.open {
		ports = append(ports, c.port)
	}
	slices.SortFunc(ports, comparePorts)
	return ports
}

func comparePorts(a, b Port) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
}

// OpenedPorts returns the open ports, sorted, with what this hook has opened
// and closed.
func (m *Model) OpenedPorts() ([]Port, error) {
	if m.ports != nil {
		return slices.Clone(m.ports), nil
	}
	answer, err := m.run("opened-ports", nil, "--format=json")
	if err != nil {
		return nil, err
	}
	texts, err := decode[[]string]("opened-ports", answer)
	if err != nil {
		return nil, err
	}
	ports := []Port{}
	for _, text := range texts {
		p, err := ParsePort(text)
		if err != nil {
			return nil, nonsense("opened-ports", err)
		}
		ports = append(ports, p)
	}
	slices.SortFunc(ports, comparePorts)
	ports = slices.Compact(ports)
	for _, change := range m.portChanges {
		ports = change.apply(ports)
	}
	m.ports = ports
	return slices.Clone(ports), nil
}

// SetPorts opens these ports and closes all others: those first, so that a
// range can take the place of another.
func (m *Model) SetPorts(want []Port) error {
	wanted := make([]Port, len(want))
	for i, p := range want {
		var err error
		if wanted[i], err = p.Check(); err != nil {
			return err
		}
	}
	slices.SortFunc(wanted, comparePorts)
	open, err := m.OpenedPorts()
	if err != nil {
		return err
	}
	for _, p := range open {
		if !slices.Contains(wanted, p) {
			if err := m.ClosePort(p); err != nil {
				return err
			}
		}
	}
	for _, p := range wanted {
		if err := m.OpenPort(p); err != nil {
			return err
		}
	}
	return nil
}
