package main

import "github.com/juju/juju/rpc/params"

// payloadCalls answers what every hook context asks when it opens. Payloads themselves are gone from Juju 4 and not served.
func payloadCalls(calls map[string]facadeCall) {
	calls["PayloadsHookContext.List"] = handle(func(params.Entities) (params.PayloadResults, error) {
		return params.PayloadResults{}, nil
	})
}
