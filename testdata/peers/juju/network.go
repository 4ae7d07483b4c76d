package main

import (
	"maps"
	"slices"
	"strconv"

	"github.com/juju/errors"
	"github.com/juju/names/v5"

	"github.com/juju/juju/rpc/params"
)

// networkCalls answers addresses, bindings and opened ports.
func (c *Controller) networkCalls(calls map[string]facadeCall) {
	calls["Uniter.PrivateAddress"] = handle(func(params.Entities) (params.StringResults, error) {
		return c.address(c.world.PrivateAddress, "private"), nil
	})
	calls["Uniter.PublicAddress"] = handle(func(params.Entities) (params.StringResults, error) {
		return c.address(c.world.PublicAddress, "public"), nil
	})
	calls["Uniter.NetworkInfo"] = handle(func(args params.NetworkInfoParams) (params.NetworkInfoResults, error) {
		results := map[string]params.NetworkInfoResult{}
		if args.RelationId != nil {
			rel, ok := c.world.Relations[strconv.Itoa(*args.RelationId)]
			if !ok {
				return params.NetworkInfoResults{}, errors.NotFoundf("relation %d", *args.RelationId)
			}
			results[rel.Endpoint] = c.networkResult(rel.Endpoint)
		}
		for _, binding := range args.Endpoints {
			results[binding] = c.networkResult(binding)
		}
		return params.NetworkInfoResults{Results: results}, nil
	})
	calls["Uniter.OpenedMachinePortRangesByEndpoint"] = handle(func(params.Entities) (params.OpenPortRangesByEndpointResults, error) {
		return c.openedPorts(), nil
	})
	calls["Uniter.OpenedPortRangesByEndpoint"] = handle(func(struct{}) (params.OpenPortRangesByEndpointResults, error) {
		return c.openedPorts(), nil
	})
}

func (c *Controller) address(address, kind string) params.StringResults {
	if address == "" {
		err := &params.Error{Code: params.CodeNoAddressSet, Message: `"` + c.tag.String() + `" has no ` + kind + ` address set`}
		return params.StringResults{Results: []params.StringResult{{Error: err}}}
	}
	return oneString(address)
}

// networkResult is what network-get is told of a binding: an endpoint or an extra binding of the charm.
func (c *Controller) networkResult(binding string) params.NetworkInfoResult {
	meta := c.charm.Meta()
	_, isEndpoint := meta.CombinedRelations()[binding]
	_, isExtra := meta.ExtraBindings[binding]
	if !isEndpoint && !isExtra && binding != "" && binding != "juju-info" {
		return params.NetworkInfoResult{Error: failed(errors.NotValidf("undefined for unit charm: endpoint %q", binding))}
	}
	info, _ := c.network(binding)
	return info
}

// network is what the world describes of a binding.
func (c *Controller) network(binding string) (info params.NetworkInfoResult, ok bool) {
	if info, ok = c.world.Networks[binding]; !ok {
		info, ok = c.world.Networks[""]
	}
	return info, ok
}

// openedPorts lists the ports of this unit and, in a machine model, of the others on its machine.
func (c *Controller) openedPorts() params.OpenPortRangesByEndpointResults {
	byUnit := map[string][]params.OpenUnitPortRangesByEndpoint{c.tag.String(): portsByEndpoint(c.world.Ports)}
	if c.world.Model.Type == "iaas" {
		for unit, ports := range c.world.OtherPorts {
			byUnit[names.NewUnitTag(unit).String()] = portsByEndpoint(ports)
		}
	}
	result := params.OpenPortRangesByEndpointResult{UnitPortRanges: byUnit}
	return params.OpenPortRangesByEndpointResults{Results: []params.OpenPortRangesByEndpointResult{result}}
}

func portsByEndpoint(ports []Port) []params.OpenUnitPortRangesByEndpoint {
	ranges := map[string][]params.PortRange{}
	for _, p := range ports {
		ranges[p.Endpoint] = append(ranges[p.Endpoint], params.PortRange{FromPort: p.From, ToPort: p.To, Protocol: p.Protocol})
	}
	groups := []params.OpenUnitPortRangesByEndpoint{}
	for _, endpoint := range slices.Sorted(maps.Keys(ranges)) {
		groups = append(groups, params.OpenUnitPortRangesByEndpoint{Endpoint: endpoint, PortRanges: ranges[endpoint]})
	}
	return groups
}
