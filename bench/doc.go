// Package bench measures starcharm against references that run in the same
// minute on the same machine, and prints ratios. It holds no code of the product.
//
//	go test -run '^$' -bench . ./bench
//
// Each benchmark runs its contestants in turn, once a round, so that whatever
// else the machine does hits all of them alike. A time is the lower quartile of
// the rounds. x-NAME: the subject takes that many times as long as NAME; NAME-x:
// NAME takes that many times as long as the subject.
//
//	BenchmarkDispatch  a hook as Juju starts it, a process, against a static Go
//	                   program that writes hello (x-hello)
//	BenchmarkPhases    where the time of such a hook goes
//	BenchmarkDatabags  a hook that reads the databags of 1, 10 and 100 units:
//	                   the agent's RPC against the tools on PATH (exec-x) and
//	                   against the same calls in a bare Go loop (x-bare)
//	BenchmarkRelation  a relation-changed hook that reads all of a relation of 1, 100 and
//	                   1,000 units: its calls and its time, against the calls that
//	                   it cannot do without in a bare Go loop (x-ideal)
//	BenchmarkGenuine   the same hook under Juju's own unit agent
//	BenchmarkInProcess dispatches of a loaded charm on the simulated Juju, against
//	                   the same handler in bare Starlark (x-bare)
//	BenchmarkSuite     events that tests run (starcharm test), against the dispatch
//	                   alone (x-dispatch), and with coverage (cover-x)
//	BenchmarkCold      starcharm test, a process, of a thousand tests and of one
//	BenchmarkLoad      host.Load for 200, 1,000 and 5,000 lines, against bare
//	                   parsing and compiling (x-bare)
//	BenchmarkLibraries what interface libraries that a charm loads add to a hook, a
//	                   process, that does nothing (x-plain)
//	BenchmarkFootprint the binary's size and the peak memory of a hook
//
// With -short the genuine Juju programs, whose first build takes minutes, are
// left out. docs/performance.md has figures and says what they mean.
package bench
