// Package pebbletest is a simulated Pebble: the HTTP API of a daemon over a
// workload container that exists only as a [State].
//
//	server := pebbletest.New(pebbletest.Config{State: state})
//	client := pebble.New(pebble.Config{Transport: server.Transport()})
//	… use the client …
//	next := server.State()
//
// It answers what a genuine daemon (v1.32.1) answers, down to the texts of its
// errors; the conformance test of package pebble compares the two. What
// differs, because there are no processes and no time passes by itself:
//
//   - A service that is started is active at once and stays so, unless
//     State.FailingServices or [Server.SetFailing] names it, or until
//     [Server.EndService]; then the clock starts it again as its backoff says.
//     One that State.ServiceStatuses says is in error or backoff is so until it
//     is started again. There is no process that outlives the stop of a service,
//     and a check that goes down restarts none.
//   - A check is what State.CheckInfos says; one that starts is up. With
//     [Server.SetCheckProblem] the clock counts its failures. It contacts
//     nothing.
//   - Changes are ready at once, but for those that run commands, so nothing
//     waits, and a long poll for notices returns at once.
//   - A command is what State.Execs says: a description, or a Go function. There
//     is no other, no terminal, and the daemon has no environment of its own.
//   - Services write what State.Logs and [Server.Log] say.
//   - Users and groups are those in the State's /etc/passwd and /etc/group;
//     without these files every name exists.
//   - Every request is root's: an identity restricts nobody. There is no TLS, no
//     pairing, and no log forwarding: a log target is in the plan and gets
//     nothing.
//   - Nothing is limited as a kernel or disk limits it: pipes, sockets, space,
//     file descriptors. There are no mounts.
package pebbletest
