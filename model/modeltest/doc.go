// Package modeltest is a simulated Juju, at the wire: it answers the arguments
// and standard input of a hook tool with the output, the error text and the
// exit code of the real one. Code that talks to Juju runs unchanged on top of
// it, and the same calls can be made to both and compared (cases_test.go).
//
// A [State] describes the world, in the terms of ops.testing. [New] checks it
// against a charm's metadata. [Juju.Begin] starts a hook, whose [Hook] is a
// [hooktool.Runner]; [Hook.End] ends it and keeps or drops what Juju keeps or
// drops. [Juju.State] is the world afterwards:
//
//	juju, err := modeltest.New(meta, &modeltest.State{Leader: true})
//	hook, err := juju.Begin(modeltest.Event{Name: "config-changed"})
//	result, err := hook.Run(ctx, hooktool.Call{Name: "status-set", Args: []string{"active"}})
//	err = hook.End(0)
//
// What takes effect at once: statuses, the workload version, log lines, and
// which revision of a secret is tracked. What waits for the end of the hook:
// databags, ports, secrets, storage requests and charm state; a hook that ends
// with another exit code than 0 loses them. An action's results are kept in
// any case.
//
// Everything is deterministic: identifiers are counted, output is sorted.
package modeltest
