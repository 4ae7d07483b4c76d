package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// A port is one that the unit opens: model.Port("tcp", 8000).
type port struct{ model.Port }

var (
	_ starlark.HasAttrs   = (*port)(nil)
	_ starlark.Comparable = (*port)(nil)
)

var portTable = table[*port]{
	typ: "port",
	doc: "A port, or a range of ports, and its protocol. Equal ports are equal values.",
	members: []member[*port]{
		{name: "protocol", sig: "str", doc: "tcp, udp or icmp.",
			get: func(p *port) (starlark.Value, error) { return starlark.String(p.Protocol), nil }},
		{name: "port", sig: "int", doc: "The number, the first one of a range; None for icmp.",
			get: func(p *port) (starlark.Value, error) {
				if p.From == 0 {
					return starlark.None, nil
				}
				return starlark.MakeInt(p.From), nil
			}},
		{name: "to_port", sig: "int", doc: "The last number of a range; the same as port for a single one; None for icmp.",
			get: func(p *port) (starlark.Value, error) {
				if p.To == 0 {
					return starlark.None, nil
				}
				return starlark.MakeInt(p.To), nil
			}},
	},
}

func (p *port) String() string                           { return fmt.Sprintf("<port %s>", p.Port) }
func (p *port) Type() string                             { return "port" }
func (p *port) Freeze()                                  {}
func (p *port) Truth() starlark.Bool                     { return true }
func (p *port) Hash() (uint32, error)                    { return starlark.String(p.Port.String()).Hash() }
func (p *port) Attr(name string) (starlark.Value, error) { return portTable.attr(p, name) }
func (p *port) AttrNames() []string                      { return portTable.attrNames(p) }

func (p *port) CompareSameType(op syntax.Token, other starlark.Value, _ int) (bool, error) {
	same := p.Port == other.(*port).Port
	switch op {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, fmt.Errorf("ports have no order: cannot compare with %s", op)
}

// newPort reads the arguments (protocol, port = None, to_port = None).
func newPort(in invocation) (*port, error) {
	var protocol string
	var first, last starlark.Value = starlark.None, starlark.None
	if err := in.unpack("protocol", &protocol, "port?", &first, "to_port?", &last); err != nil {
		return nil, err
	}
	p := model.Port{Protocol: protocol}
	var err error
	if first != starlark.None {
		if p.From, err = portNumber(first); err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		p.To = p.From
	}
	if last != starlark.None {
		if p.To, err = portNumber(last); err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
	}
	if p, err = p.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	return &port{p}, nil
}

func portNumber(v starlark.Value) (int, error) {
	n, err := starlark.AsInt32(v)
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("%v is no port; want a number from 1 to 65535", v)
	}
	return n, nil
}

// portOf reads a number, which is a tcp port, or a port.
func portOf(v starlark.Value) (model.Port, error) {
	if p, ok := v.(*port); ok {
		return p.Port, nil
	}
	n, err := portNumber(v)
	return model.Port{Protocol: "tcp", From: n, To: n}, err
}
