// Package hooktool runs Juju hook tools (config-get, relation-set, …).
//
// It is the seam between starcharm and Juju: everything that a charm reads
// from or writes to the model goes through one method, [Runner.Run], as a tool
// name, arguments and standard input, and comes back as standard output,
// standard error and an exit code.
//
// Live, [Open] chooses between Juju's RPC on the agent's socket and the tools
// on PATH. Simulated, package modeltest answers the same arguments with the
// same output.
package hooktool

import "context"

// Call is one invocation of a hook tool.
type Call struct {
	// Name is the tool's name, for instance "relation-get".
	Name string
	// Args are the arguments after the name.
	Args []string
	// Stdin is what the tool reads from standard input. Nil means that it has
	// none; an empty slice that is not nil is an empty standard input.
	Stdin []byte
}

// Result is what a hook tool that ran to its end left behind.
type Result struct {
	Stdout []byte
	Stderr []byte
	// Code is the exit code: 0 for success.
	Code int
}

// Runner runs hook tools.
//
// The error is nil whenever the tool ran to its end, whatever its exit code.
// An error of type *[Error] says that there is no result: the tool does not
// exist, or it is not known whether it did its work.
//
// A Runner may be used by several goroutines; calls are run one at a time, as
// Juju does.
type Runner interface {
	Run(ctx context.Context, call Call) (Result, error)
}
