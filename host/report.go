package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// This file tells people what happened: in Juju's log, and on stderr, which an
// action's user sees.

// A reporter writes to Juju's log. What the log does not take goes to stderr;
// a charm never fails because its log did.
type reporter struct {
	context *model.Context
	model   *model.Model
	stderr  io.Writer
}

// log writes one message to Juju's log. With JUJU_DEBUG set it is also shown
// on stderr.
func (r *reporter) log(level, message string) {
	if r.context.Debug {
		fmt.Fprintf(r.stderr, "%-8s %s\n", level, r.model.Mask(message))
	}
	if err := r.model.Log(level, message); err != nil && !r.context.Debug {
		fmt.Fprintf(r.stderr, "%-8s %s\n", level, r.model.Mask(message))
	}
}

// report tells of the error that ended the hook: the charm author's own
// traceback to the log, two lines to an action's user, and a security event.
// It returns what was wrong.
func (r *reporter) report(err error, source func(string) ([]byte, bool)) []Diagnostic {
	// Masked here, because a traceback indents the lines of a message, and
	// would cut a secret of several lines into pieces that nobody recognises.
	found := Diagnose(err, source)
	for i := range found {
		d := &found[i]
		d.Message, d.Note, d.Suggestion = r.model.Mask(d.Message), r.model.Mask(d.Note), r.model.Mask(d.Suggestion)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(r.stderr, "The hook was stopped: %s. Nothing was saved.\n", r.model.Mask(err.Error()))
		return found
	}
	var bug *PanicError
	if errors.As(err, &bug) {
		r.log("DEBUG", string(bug.Stack))
	}
	r.log("ERROR", "Uncaught exception while in charm code:\n"+tracebackOf(found))
	name, message := errorName(err)
	if r.context.IsAction() {
		fmt.Fprintf(r.stderr, "Uncaught %s in charm code: %s\n", name, r.model.Mask(message))
		fmt.Fprintln(r.stderr, "Use `juju debug-log` to see the full traceback.")
	}
	description := fmt.Sprintf("Uncaught exception in charm code: %s: %s", name, r.model.Mask(message))
	if err := r.model.SecurityEvent("WARN", "sys_crash:"+name, description); err != nil {
		fmt.Fprintln(r.stderr, description)
	}
	return found
}

// errorName is what sort of error ended a hook, and its message.
func errorName(err error) (name, message string) {
	var failure *builtins.Failure
	var eval *starlark.EvalError
	var bug *PanicError
	switch {
	case errors.As(err, &failure):
		return failure.Kind.Name, failure.Message
	case errors.As(err, &bug):
		return "PanicError", bug.Error()
	case errors.As(err, &eval):
		return "Error", failText(rootCause(eval).Error())
	}
	return "Error", err.Error()
}

// rootCause is the innermost error of a chain of evaluations.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// stack is the Go stack of a panic, for the log at DEBUG.
func stack() []byte {
	return []byte(strings.TrimSpace(string(debug.Stack())))
}
