package hooktool

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWrites(t *testing.T) {
	for line, writes := range map[string]bool{
		"config-get --format=json":                 false,
		"relation-get -r db:1 - pg/0":              false,
		"status-get --include-data":                false,
		"status-set active":                        true,
		"relation-set -r db:1 --file -":            true,
		"secret-get --format=json secret:9m4":      false,
		"secret-get --format=json --peek x":        false,
		"secret-get --refresh x":                   true,
		"secret-get --label db":                    false,
		"secret-get --label db --format=json":      false,
		"secret-get --format=json x --label db":    true,
		"secret-get x --label=db":                  true,
		"application-version-set 1.0":              true,
		"a-tool-that-juju-will-have-some-day -x y": true,
	} {
		words := strings.Fields(line)
		require.Equal(t, writes, Call{Name: words[0], Args: words[1:]}.Writes(), line)
	}
}

func TestGuard(t *testing.T) {
	var ran, given []string
	guard := Guard{
		Runner: runner(func(call Call) { ran = append(ran, call.Name) }),
		Write: func(_ context.Context, call Call) (Result, error) {
			given = append(given, call.Name)
			return Result{}, nil
		},
	}
	for _, name := range []string{"is-leader", "status-set", "config-get", "open-port"} {
		_, err := guard.Run(t.Context(), Call{Name: name})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"is-leader", "config-get"}, ran)
	require.Equal(t, []string{"status-set", "open-port"}, given)
}

type runner func(Call)

func (r runner) Run(_ context.Context, call Call) (Result, error) {
	r(call)
	return Result{}, nil
}
