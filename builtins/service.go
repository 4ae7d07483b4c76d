package builtins

import (
	"context"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// serviceAction is what the start, stop and restart of a Pebble client are.
type serviceAction func(ctx context.Context, services []string, wait pebble.WaitOptions) (changeID string, err error)

// A serviceInfo is the state of a service.
type serviceInfo struct {
	handle
	*pebble.ServiceInfo
}

var serviceInfoTable = table[*serviceInfo]{
	typ: "service_info",
	doc: "The state of a service.",
	members: []member[*serviceInfo]{
		{name: "name", sig: "str", doc: "The service's name.",
			get: func(s *serviceInfo) (starlark.Value, error) { return starlark.String(s.Name), nil }},
		{name: "startup", sig: "str", doc: "enabled or disabled.",
			get: func(s *serviceInfo) (starlark.Value, error) { return starlark.String(s.Startup), nil }},
		{name: "current", sig: "str", doc: "active, inactive, backoff or error.",
			get: func(s *serviceInfo) (starlark.Value, error) { return starlark.String(s.Current), nil }},
		{name: "current_since", sig: "time.time", doc: "When current became what it is; None if it never changed.",
			get: func(s *serviceInfo) (starlark.Value, error) { return optionalTime(s.CurrentSince), nil }},
		{name: "is_running", sig: "() -> bool", doc: "Whether the service is active.",
			call: func(s *serviceInfo, in invocation) (starlark.Value, error) {
				return starlark.Bool(s.Running()), in.none()
			}},
	},
}

func (s *serviceInfo) String() string { return fmt.Sprintf("<service_info %s %s>", s.Name, s.Current) }
func (s *serviceInfo) Type() string   { return "service_info" }
func (s *serviceInfo) Attr(name string) (starlark.Value, error) {
	return serviceInfoTable.attr(s, name)
}
func (s *serviceInfo) AttrNames() []string { return serviceInfoTable.attrNames(s) }
