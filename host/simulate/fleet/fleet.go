// Package fleet simulates a Juju model with several units of several charms.
// Relations, leadership, configuration, secrets, containers and time change as
// they do in Juju, and every hook that follows runs by package simulate.
//
// The rules are those of Juju's unit agent (juju/juju 3.6,
// internal/worker/uniter: resolver.go, relation/resolver.go,
// secrets/resolver.go, container/workload.go, storage/resolver.go, read for
// their behaviour). An agent compares what the model is with what its charm was
// told, and runs the hook for a difference; what changes twice before it looks
// is told once. So does [Unit]: agent.go lists the hooks that its agent may run
// next. Agents work side by side, and news reaches them in no fixed order:
// which of the possible hooks is next in the whole model is a choice, by
// [Model.Step]. A seed makes the choices, or a list of their labels, so that a
// sequence can be run again and shortened.
//
// Reading the source: model.go has what an operator does, agent.go the order of
// hooks, relation.go and secret.go what units share, hook.go runs a hook and
// takes over what it did, choice.go chooses, check.go looks for what a charm
// must never do.
package fleet
