package pebble

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// This file defines what [Client.PushPath] and [Client.PullPath] share: both
// copy trees of files, and go on past what cannot be copied.

const (
	// maxTreeDepth is how deep directories may be nested, maxTreeEntries how
	// many files and directories one call copies.
	maxTreeDepth   = 100
	maxTreeEntries = 100_000
	// maxTreeFailures is how many failures are kept before a call gives up.
	maxTreeFailures = 1000

	// Files of up to maxSmall bytes go together in requests of up to maxBatch
	// files, maxBatchBytes bytes of content and maxBatchPaths bytes of paths.
	maxSmall      = 64 << 10
	maxBatch      = 100
	maxBatchBytes = 1 << 20
	maxBatchPaths = 64 << 10
)

// PathFailure is what went wrong with one file or directory of several.
type PathFailure struct {
	// Path is that of the source.
	Path string
	Err  error
}

// errGaveUp ends a copy whose failures say why.
var errGaveUp = errors.New("gave up")

// treeCopy is a copy of trees, and what went wrong so far.
type treeCopy struct {
	client   *Client
	ctx      context.Context
	failures []PathFailure
	skipped  []string
	entries  int
}

// fail notes that path could not be copied. It returns an error when there is
// no sense in going on: there is no Pebble any more.
func (t *treeCopy) fail(path string, err error) error {
	var e *Error
	if t.ctx.Err() != nil || errors.As(err, &e) && e.Kind != PathError && e.Kind != APIError {
		return err
	}
	t.failures = append(t.failures, PathFailure{Path: path, Err: err})
	if len(t.failures) == maxTreeFailures {
		return errGaveUp
	}
	return nil
}

// enter counts what is at path, and returns false if it is too much.
func (t *treeCopy) enter(path string, depth int) (bool, error) {
	t.entries++
	switch {
	case depth > maxTreeDepth:
		return false, t.fail(path, localFailure(path, "it is nested deeper than %d directories", maxTreeDepth))
	case t.entries > maxTreeEntries:
		if err := t.fail(path, localFailure(path, "there are more than %d files and directories", maxTreeEntries)); err != nil {
			return false, err
		}
		return false, errGaveUp
	}
	return true, nil
}

// localFailure is a path's failure that the daemon has no part in.
func localFailure(path, format string, args ...any) error {
	return &Error{Kind: PathError, PathKind: GenericFileError, Path: path, Message: fmt.Sprintf(format, args...)}
}

// end returns the error that a copy comes to. What is "push" or "pull".
func (t *treeCopy) end(what string, err error) error {
	if err != nil && !errors.Is(err, errGaveUp) {
		return err
	}
	if len(t.failures) == 0 {
		return nil
	}
	var shown []string
	for _, f := range t.failures[:min(len(t.failures), 3)] {
		shown = append(shown, fmt.Sprintf("%s: %v", f.Path, f.Err))
	}
	if more := len(t.failures) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	done := "the rest was copied"
	if err != nil {
		done = "the copy ended there"
	}
	return &Error{
		Kind:     MultiPushPullError,
		Message:  fmt.Sprintf("cannot %s everything, %s (%d errors): %s", what, done, len(t.failures), strings.Join(shown, "; ")),
		Failures: t.failures,
	}
}
