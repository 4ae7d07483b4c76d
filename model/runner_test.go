package model

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

// script answers hook tools from a table and records the calls.
type script struct {
	t       *testing.T
	answers map[string]any // "is-leader --format=json" → stdout, failed or error
	calls   []string
	stdin   []string
}

// failed is a tool that writes to stderr and exits with code 1.
type failed string

func (s *script) Run(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
	line := strings.Join(append([]string{call.Name}, call.Args...), " ")
	s.calls = append(s.calls, line)
	if call.Stdin != nil {
		s.stdin = append(s.stdin, string(call.Stdin))
	}
	answer, ok := s.answers[line]
	if !ok {
		answer, ok = s.answers[call.Name]
	}
	switch answer := answer.(type) {
	case string:
		return hooktool.Result{Stdout: []byte(answer)}, nil
	case failed:
		return hooktool.Result{Stderr: []byte("ERROR " + string(answer) + "\n"), Code: 1}, nil
	case error:
		return hooktool.Result{}, answer
	}
	if !ok && strings.HasSuffix(line, "--format=json") {
		s.t.Errorf("unexpected call: %s", line)
	}
	return hooktool.Result{}, nil
}

// take returns the calls since the last time.
func (s *script) take() []string {
	calls := s.calls
	s.calls, s.stdin = nil, nil
	return calls
}

// newModel returns the model of web/0 in the hook that env describes.
func newModel(t *testing.T, env map[string]string, answers map[string]any) (*Model, *script) {
	t.Helper()
	full := map[string]string{
		"JUJU_UNIT_NAME": "web/0", "JUJU_MODEL_UUID": "uuid-1", "JUJU_VERSION": "3.6.11", "JUJU_DISPATCH_PATH": "hooks/config-changed",
	}
	for name, value := range env {
		full[name] = value
	}
	c, err := ParseContext(full)
	require.NoError(t, err)
	s := &script{t: t, answers: answers}
	return New(t.Context(), Config{
		Context:  c,
		Metadata: demoMetadata(t),
		Tools:    s,
		Now:      func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}), s
}

func requireKind(t *testing.T, err error, kind Kind, message string) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind)
	require.Equal(t, message, e.Error())
}

func requireUsage(t *testing.T, err error, message string) {
	t.Helper()
	var e *UsageError
	require.ErrorAs(t, err, &e)
	require.Equal(t, message, e.Error())
}

const (
	leader   = "true\n"
	follower = "false\n"
)
