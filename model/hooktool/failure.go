package hooktool

import "fmt"

// Reason says why there is no result of a call.
type Reason string

const (
	// Missing: this Juju does not have the tool.
	Missing Reason = "missing"
	// Timeout: no answer within the time that [Options] allows, or within the
	// deadline of the call's context.
	Timeout Reason = "timeout"
	// Canceled: the call's context was cancelled.
	Canceled Reason = "canceled"
	// Lost: the agent could not be reached, went away, or the tool could not
	// be started or was killed.
	Lost Reason = "lost"
	// Garbage: what came back is not an answer, or is larger than an answer
	// may be.
	Garbage Reason = "garbage"
	// Refused: the agent answered that it will not run this call, for instance
	// because the hook that it belongs to is over.
	Refused Reason = "refused"
)

// Error is a call without a result.
type Error struct {
	// Tool is the hook tool's name.
	Tool   string
	Reason Reason
	// MayHaveRun is set when the call may have been carried out although
	// there is no result of it. Such a call must not be repeated blindly.
	MayHaveRun bool
	// Err is the cause.
	Err error
}

func (e *Error) Error() string {
	outcome := "it was not carried out"
	if e.MayHaveRun {
		outcome = "it may have been carried out"
	}
	return fmt.Sprintf("cannot run %s: %v (%s)", e.Tool, e.Err, outcome)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
