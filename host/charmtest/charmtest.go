// Package charmtest runs the tests of charms, which are written in Starlark: it
// finds them, gives them the modules testing and expect, runs each on its own,
// and reports.
//
// A test describes the world before, runs one event on the simulated Juju,
// Pebble and machine (package host/simulate), and looks at the world after. Its
// State and the parts of it are the simulation's own structs with a Starlark
// face; no rule of Juju or Pebble is here.
//
// Reading the source: suite.go loads a charm and its tests, runner.go runs
// them, report.go shows what came of it; module.go is module testing and
// expect.go module expect; context.go, event.go and outcome.go are ctx,
// ctx.on and what ctx.run returns; component.go, kinds.go, state.go and
// conversion.go are the State and its parts; difference.go finds what differs.
package charmtest
