package pebble_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
)

func TestKinds(t *testing.T) {
	for _, kind := range pebble.Kinds() {
		want := pebble.RootError
		if kind == pebble.RootError {
			want = ""
		}
		assert.Equal(t, want, kind.Parent())
	}
	assert.Equal(t, pebble.Kind(""), pebble.Kind("Nope").Parent())

	err := fmt.Errorf("wrapped: %w", &pebble.Error{Kind: pebble.TimeoutError, Message: "late", Err: io.EOF})
	assert.True(t, pebble.IsKind(err, pebble.RootError))
	assert.True(t, pebble.IsKind(err, pebble.TimeoutError))
	assert.False(t, pebble.IsKind(err, pebble.APIError))
	assert.False(t, pebble.IsKind(io.EOF, pebble.RootError))
	assert.True(t, errors.Is(err, io.EOF))
}

func TestErrorTexts(t *testing.T) {
	change := &pebble.Change{Tasks: []*pebble.Task{{}, {Log: []string{"one", "two"}}}}
	for want, err := range map[string]*pebble.Error{
		"late":                    {Kind: pebble.TimeoutError, Message: "late"},
		"not-found - stat /x: no": {Kind: pebble.PathError, PathKind: pebble.NotFound, Message: "stat /x: no"},
		"no such service":         {Kind: pebble.APIError, Message: "no such service", Code: 400},
		"failed\n----- Logs from task 1 -----\none\ntwo\n-----": {Kind: pebble.ChangeError, Message: "failed", Change: change},
		"failed": {Kind: pebble.ChangeError, Message: "failed"},
		`non-zero exit code 2 executing "ls", stdout="out", stderr="err"`: {
			Kind: pebble.ExecError, Command: []string{"ls", "/x"}, ExitCode: 2, Stdout: "out", Stderr: "err"},
		`non-zero exit code 1 executing "a", stdout="` + strings.Repeat("é", 1024) + `" [truncated]`: {
			Kind: pebble.ExecError, Command: []string{"a"}, ExitCode: 1, Stdout: strings.Repeat("é", 1025)},
	} {
		assert.EqualError(t, err, want)
	}
}
