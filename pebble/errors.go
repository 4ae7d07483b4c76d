package pebble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/coder/websocket"
)

// Kind is the family of a failure, named as ops names its exception.
type Kind string

const (
	// RootError is the family that all others belong to. By itself it is the
	// kind of a call that its context cancelled.
	RootError Kind = "Error"
	// ConnectionError: the daemon cannot be reached, or went away.
	ConnectionError Kind = "ConnectionError"
	// TimeoutError: no answer in time, or a change that is not ready in time.
	TimeoutError Kind = "TimeoutError"
	// ProtocolError: the answer is not what Pebble's API promises.
	ProtocolError Kind = "ProtocolError"
	// PathError: one path could not be read, written, made or removed.
	PathError Kind = "PathError"
	// APIError: the daemon refused the request.
	APIError Kind = "APIError"
	// ChangeError: the daemon accepted the request and failed to carry it out.
	ChangeError Kind = "ChangeError"
	// ExecError: a command ran and ended with an exit code other than 0.
	ExecError Kind = "ExecError"
	// MultiPushPullError: of several files and directories some could not be
	// copied.
	MultiPushPullError Kind = "MultiPushPullError"
)

// Kinds returns every kind, the root first.
func Kinds() []Kind {
	return []Kind{RootError, ConnectionError, TimeoutError, ProtocolError, PathError, APIError, ChangeError, ExecError, MultiPushPullError}
}

// Parent returns the family that k belongs to: [RootError], or "" for
// RootError itself and for what is not a kind.
func (k Kind) Parent() Kind {
	if k == RootError || !slices.Contains(Kinds(), k) {
		return ""
	}
	return RootError
}

// PathKind says why a path could not be used.
type PathKind string

// The values of [Error.PathKind], as they are on the wire.
const (
	NotFound         PathKind = "not-found"
	PermissionDenied PathKind = "permission-denied"
	GenericFileError PathKind = "generic-file-error"
)

// Error is a failure of a call to Pebble.
type Error struct {
	Kind Kind
	// Message says what happened, without the parts that the fields below
	// hold.
	Message string
	// Err is the cause, nil where the daemon itself reported the failure.
	Err error

	// PathKind and Path are set for [PathError].
	PathKind PathKind
	Path     string

	// Code and Status are the HTTP status ("404", "Not Found"), APIKind the
	// daemon's own word for the error ("" in most cases). Set for [APIError].
	Code    int
	Status  string
	APIKind string

	// Change is the failed change with its tasks. Set for [ChangeError].
	Change *Change
	// Output holds the newest lines of the services whose tasks failed, oldest
	// first, where the logs of the tasks do not have them. Set for
	// [ChangeError].
	Output []*LogEntry

	// Failures say what could not be copied. Set for [MultiPushPullError].
	Failures []PathFailure

	// Command, ExitCode, Stdout and Stderr are set for [ExecError].
	Command  []string
	ExitCode int
	Stdout   string
	Stderr   string
}

// Error returns the text that ops gives for the same exception.
func (e *Error) Error() string {
	switch e.Kind {
	case PathError:
		return string(e.PathKind) + " - " + e.Message
	case ChangeError:
		return e.Message + changeLogs(e.Change) + outputText(e.Output)
	case ExecError:
		return execText(e)
	default:
		return e.Message
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsKind reports whether err is, or wraps, an [*Error] of the given family.
// Every *Error is of the family [RootError].
func IsKind(err error, family Kind) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Kind == family || e.Kind.Parent() == family
}

// changeLogs renders the logs of a change's tasks as ops does.
func changeLogs(change *Change) string {
	if change == nil {
		return ""
	}
	var b strings.Builder
	for i, task := range change.Tasks {
		if len(task.Log) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n----- Logs from task %d -----\n%s", i, strings.Join(task.Log, "\n"))
	}
	if b.Len() > 0 {
		b.WriteString("\n-----")
	}
	return b.String()
}

// maxShownLine is how much of a line that a service wrote is shown, in
// characters.
const maxShownLine = 512

// outputText renders what services wrote, in the style of changeLogs.
func outputText(output []*LogEntry) string {
	if len(output) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n----- Newest output of the services that failed -----")
	for _, entry := range output {
		line, truncated := []rune(entry.String()), ""
		if len(line) > maxShownLine {
			line, truncated = line[:maxShownLine], " [truncated]"
		}
		b.WriteString("\n" + string(line) + truncated)
	}
	b.WriteString("\n-----")
	return b.String()
}

// maxExecOutput is how much of a command's output its error's text shows, in
// characters.
const maxExecOutput = 1024

func execText(e *Error) string {
	// The executable alone: the arguments may hold secrets, and the text ends up
	// in logs.
	text := fmt.Sprintf("non-zero exit code %d executing %s", e.ExitCode, executable(e.Command))
	for _, out := range []struct{ name, content string }{{"stdout", e.Stdout}, {"stderr", e.Stderr}} {
		if out.content == "" {
			continue
		}
		shown, truncated := []rune(out.content), ""
		if len(shown) > maxExecOutput {
			shown, truncated = shown[:maxExecOutput], " [truncated]"
		}
		text += fmt.Sprintf(", %s=%q%s", out.name, string(shown), truncated)
	}
	return text
}

// transportError classifies what went wrong between sending a request and
// having its answer.
func (c *Client) transportError(what string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	wrapped := fmt.Errorf("cannot %s: %w", what, plainly(err))
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return &Error{Kind: RootError, Message: wrapped.Error(), Err: err}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Kind: TimeoutError, Message: wrapped.Error(), Err: err}
	case isDial(err) && errors.Is(err, fs.ErrNotExist):
		return &Error{
			Kind:    ConnectionError,
			Message: fmt.Sprintf("Could not connect to Pebble: socket not found at '%s' (container restarted?)", c.socketPath),
			Err:     err,
		}
	case isDial(err):
		return &Error{Kind: ConnectionError, Message: fmt.Sprintf("Could not connect to Pebble at '%s': %s", c.socketPath, c.dialReason(err)), Err: err}
	case isDropped(err):
		return &Error{Kind: ConnectionError, Message: wrapped.Error(), Err: err}
	default:
		// The words would be those of Go's HTTP, multipart and websocket readers.
		return &Error{Kind: ProtocolError, Message: fmt.Sprintf("cannot %s: what came is malformed, or too large", what), Err: err}
	}
}

// maxSocketPath is how long the path of a unix socket may be, in bytes.
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// dialReason says why the socket could not be connected to.
func (c *Client) dialReason(err error) string {
	var errno syscall.Errno
	switch {
	case len(c.socketPath) > maxSocketPath:
		return fmt.Sprintf("the path of a socket is at most %d bytes long", maxSocketPath)
	case errors.As(err, &errno) && errno == syscall.ECONNREFUSED:
		return "connection refused (is Pebble running?)"
	case errors.As(err, &errno):
		return errno.Error()
	default:
		return "the socket cannot be used"
	}
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func isDropped(err error) bool {
	var (
		op     *net.OpError
		closed websocket.CloseError
	)
	return errors.As(err, &op) || errors.As(err, &closed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// protocolError reports an answer that is not what the API promises. Errors
// among args are put plainly.
func protocolError(format string, args ...any) error {
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			args[i] = plainly(err)
		}
	}
	err := fmt.Errorf(format, args...)
	return &Error{Kind: ProtocolError, Message: err.Error(), Err: errors.Unwrap(err)}
}
