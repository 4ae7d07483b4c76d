// Package model is Juju as one unit sees it, in Go: no Starlark in it.
//
// Three values come first, and stay as they are for the whole hook:
//
//   - [Metadata] is what the charm says of itself in metadata.yaml,
//     config.yaml and actions.yaml, or in charmcraft.yaml ([LoadMetadata]).
//   - [Context] is the hook's environment, parsed once ([ParseContext]).
//   - [Event] is what the two make of the hook ([Context.Event]).
//
// A [Model] reads and changes the Juju model through hook tools: config,
// leadership, status, relations and their databags, actions, ports, resources,
// storage, secrets, charm state, logs. What it reads it asks of Juju once a
// hook, and a write that changes nothing is not sent.
//
// What can go wrong comes in two forms. An [Error] is what a running charm may
// meet (a relation is gone, access is denied); its [Kind] says which. A
// [UsageError] is a mistake of the charm's author (an unknown endpoint, a value
// that no databag can hold). Any other error means that Juju cannot be talked
// to sensibly, or that the hook was cancelled.
package model
