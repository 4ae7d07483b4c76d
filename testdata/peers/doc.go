// Package peers builds and starts the genuine counterparts of a charm for tests: a Juju unit agent made of Juju 3.5.1's own
// code (see juju/README.md) and Canonical's Pebble daemon (see pebble/). Both are nested Go modules, because Juju is AGPL and
// Pebble is GPL: they are built and run as programs of their own and never linked into anything of this module.
//
// Each peer is built once and kept in the user's cache directory, under a name made of its sources and the Go version; the
// first build of Juju takes minutes and needs the Go module proxy. A peer that cannot be built fails the test; under
// "go test -short" the test is skipped instead.
//
// The machine's genuine counterpart is a copy of the one that the tests run on: [OnACopyOfThisMachine].
package peers
