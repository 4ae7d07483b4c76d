package model

import (
	"errors"
	"fmt"
	"strings"

	"github.com/starcharm/starcharm/model/hooktool"
)

// Kind is a sort of failure that a running charm may meet. Kinds form
// families: a handler for one also gets those below it.
type Kind string

// The kinds, named as the exceptions of ops are where it has them.
const (
	// ModelError is the root: Juju refused what the charm asked of it.
	ModelError Kind = "ModelError"
	// TooManyRelatedAppsError: an endpoint has several relations where one was
	// asked for.
	TooManyRelatedAppsError Kind = "TooManyRelatedAppsError"
	// RelationDataError is the family of what is wrong with databags.
	RelationDataError Kind = "RelationDataError"
	// RelationDataTypeError: a databag cannot hold such a key or value.
	RelationDataTypeError Kind = "RelationDataTypeError"
	// RelationDataAccessError: this unit may not read or write the databag.
	RelationDataAccessError Kind = "RelationDataAccessError"
	// RelationNotFoundError: the relation is gone.
	RelationNotFoundError Kind = "RelationNotFoundError"
	// SecretNotFoundError: the secret is gone, was never there, or is not
	// granted; Juju does not always tell which.
	SecretNotFoundError Kind = "SecretNotFoundError"
	// NotLeaderError: only the leader may do that, and this unit is not.
	NotLeaderError Kind = "NotLeaderError"
	// HookToolError: there is no answer from Juju: the hook tool is missing,
	// took too long, was lost on the way, or made no sense.
	HookToolError Kind = "HookToolError"
	// VersionError: this version of Juju cannot do that.
	VersionError Kind = "VersionError"
)

// Kinds returns all kinds, parents first.
func Kinds() []Kind {
	return []Kind{ModelError, TooManyRelatedAppsError, RelationDataError, RelationDataTypeError, RelationDataAccessError,
		RelationNotFoundError, SecretNotFoundError, NotLeaderError, HookToolError, VersionError}
}

// Parent returns the kind that k is one of, or "" for the root.
func (k Kind) Parent() Kind {
	switch k {
	case ModelError:
		return ""
	case RelationDataTypeError, RelationDataAccessError:
		return RelationDataError
	}
	return ModelError
}

// Error is a failure that a running charm may meet and deal with.
type Error struct {
	Kind    Kind
	Message string
	// Tool and Args are the hook tool's call, if one failed, with its exit
	// code and what it wrote to standard error. Code is 0 when there was no
	// answer.
	Tool   string
	Args   []string
	Code   int
	Stderr string
	Err    error // the cause, or nil
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// UsageError is a mistake of the charm's author.
type UsageError struct{ Message string }

func (e *UsageError) Error() string { return e.Message }

func usage(format string, args ...any) error {
	return &UsageError{Message: fmt.Sprintf(format, args...)}
}

func isKind(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// refused is the failure of a hook tool that ended with an exit code.
func (m *Model) refused(call hooktool.Call, result hooktool.Result) error {
	stderr := string(result.Stderr)
	text := strings.ToValidUTF8(shortenTo(strings.TrimPrefix(strings.TrimSpace(stderr), "ERROR "), maxReason), "\uFFFD")
	if text == "" {
		text = fmt.Sprintf("exit code %d", result.Code)
	}
	m.reportDenied(call.Name, result.Code, text)
	return &Error{
		Kind:    refusalKind(call.Name, strings.ToLower(stderr)),
		Message: fmt.Sprintf("cannot run %s: %s", call.Name, text),
		Tool:    call.Name,
		Args:    call.Args,
		Code:    result.Code,
		Stderr:  stderr,
	}
}

// maxReason bounds, in bytes, what a message repeats of a tool's errors.
const maxReason = 4 << 10

// refusalKind reads Juju's words, which are the only sign of what was wrong.
func refusalKind(tool, stderr string) Kind {
	group, _, _ := strings.Cut(tool, "-")
	switch group {
	case "relation", "network", "secret":
		if strings.Contains(stderr, "relation not found") {
			return RelationNotFoundError
		}
	}
	switch {
	case group == "secret" && strings.Contains(stderr, "not found"), tool == "secret-get" && strings.Contains(stderr, "permission denied"):
		return SecretNotFoundError
	case group == "secret" && strings.Contains(stderr, "not the leader"):
		return NotLeaderError
	case strings.Contains(stderr, "flag provided but not defined"), strings.Contains(stderr, "option provided but not defined"):
		// A flag that a later version of Juju has.
		return VersionError
	}
	return ModelError
}

// unanswered is the failure of a hook tool without a result.
func (m *Model) unanswered(call hooktool.Call, err error) error {
	var e *hooktool.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("cannot run %s: %w", call.Name, err)
	}
	if e.Reason == hooktool.Canceled {
		return err
	}
	failure := &Error{Kind: HookToolError, Message: err.Error(), Tool: call.Name, Args: call.Args, Err: err}
	if e.Reason == hooktool.Missing {
		if message := m.lacking(call.Name, GateOfTool(call.Name)); message != "" {
			failure.Kind, failure.Message = VersionError, message
		}
	}
	return failure
}

// deniedPhrases are what Juju says when it denies access.
var deniedPhrases = [...]string{"access denied", "permission denied", "not the leader", "cannot write relation settings"}

// reportDenied makes a security event of a call that Juju denied.
func (m *Model) reportDenied(tool string, code int, text string) {
	if m.reporting {
		return // what the report itself runs may be denied as well
	}
	m.reporting = true
	defer func() { m.reporting = false }()
	lower := strings.ToLower(text)
	for _, phrase := range deniedPhrases {
		if !strings.Contains(lower, phrase) {
			continue
		}
		as := ""
		if leader, err := m.IsLeader(); err == nil && leader {
			as = " (as leader)"
		}
		// The failure itself is what the charm needs to hear of.
		_ = m.SecurityEvent("CRITICAL", "authz_fail:"+tool,
			fmt.Sprintf("Hook command %s failed%s with code %d: %s", tool, as, code, text))
		return
	}
}
