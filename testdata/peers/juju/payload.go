package main

import (
	"github.com/juju/names/v5"

	corepayloads "github.com/juju/juju/core/payloads"
	"github.com/juju/juju/rpc/params"
)

// Payload is what a unit has registered under a class. It has one of each class: another registration takes its place.
type Payload struct {
	Type   string   `json:"type"`
	ID     string   `json:"id"`
	Status string   `json:"status"`
	Labels []string `json:"labels,omitempty"`
}

// payloadCalls answers the payload-* tools, which take effect at once. To a controller the class alone identifies a payload.
func (c *Controller) payloadCalls(calls map[string]facadeCall) {
	w := c.world
	calls["PayloadsHookContext.List"] = handle(func(params.Entities) (params.PayloadResults, error) {
		var results params.PayloadResults
		for class, p := range w.Payloads {
			results.Results = append(results.Results, params.PayloadResult{
				Entity:  params.Entity{Tag: names.NewPayloadTag(class).String()},
				Payload: &params.Payload{Class: class, Type: p.Type, ID: p.ID, Status: p.Status, Labels: p.Labels, Unit: c.tag.String()},
			})
		}
		return results, nil
	})
	calls["PayloadsHookContext.LookUp"] = handle(func(args params.LookUpPayloadArgs) (params.PayloadResults, error) {
		return eachPayload(args.Args, func(arg params.LookUpPayloadArg) (string, error) { return arg.Name, nil })
	})
	calls["PayloadsHookContext.Track"] = handle(func(args params.TrackPayloadArgs) (params.PayloadResults, error) {
		return eachPayload(args.Payloads, func(p params.Payload) (string, error) {
			if w.Payloads == nil {
				w.Payloads = map[string]Payload{}
			}
			w.Payloads[p.Class] = Payload{Type: p.Type, ID: p.ID, Status: p.Status, Labels: p.Labels}
			return p.Class, nil
		})
	})
	calls["PayloadsHookContext.SetStatus"] = handle(func(args params.SetPayloadStatusArgs) (params.PayloadResults, error) {
		return eachPayload(args.Args, func(arg params.SetPayloadStatusArg) (string, error) {
			class, err := payloadClass(arg.Tag)
			if err != nil {
				return "", err
			}
			p, ok := w.Payloads[class]
			if !ok {
				return class, corepayloads.ErrNotFound
			}
			p.Status = arg.Status
			w.Payloads[class] = p
			return class, nil
		})
	})
	calls["PayloadsHookContext.Untrack"] = handle(func(args params.Entities) (params.PayloadResults, error) {
		return eachPayload(args.Entities, func(e params.Entity) (string, error) {
			class, err := payloadClass(e.Tag)
			delete(w.Payloads, class)
			return class, err
		})
	})
}

func payloadClass(tag string) (string, error) {
	parsed, err := names.ParsePayloadTag(tag)
	return parsed.Id(), err
}

// eachPayload does f for each argument; f gives the payload's id, which is its class.
func eachPayload[A any](args []A, f func(A) (string, error)) (params.PayloadResults, error) {
	var results params.PayloadResults
	for _, arg := range args {
		id, err := f(arg)
		result := params.PayloadResult{Error: failed(err)}
		if id != "" {
			result.Tag = names.NewPayloadTag(id).String()
		}
		results.Results = append(results.Results, result)
	}
	return results, nil
}
