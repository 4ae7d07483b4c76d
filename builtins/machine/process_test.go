package machine_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
)

// processes are commands with what the simulated machine is told of them, and
// what comes of them on both.
var processes = []struct {
	name      string
	command   machine.Command
	described machinetest.Process
	want      machine.Result
	err       error
	startErr  string
}{
	{name: "output", command: machine.Command{Args: []string{"sh", "-c", "echo out; echo err >&2"}},
		described: machinetest.Process{Stdout: "out\n", Stderr: "err\n"}, want: machine.Result{Stdout: []byte("out\n"), Stderr: []byte("err\n")}},
	{name: "exit code", command: machine.Command{Args: []string{"sh", "-c", "exit 3"}},
		described: machinetest.Process{ExitCode: 3}, want: machine.Result{ExitCode: 3}},
	{name: "signal", command: machine.Command{Args: []string{"sh", "-c", "kill -TERM $$"}},
		described: machinetest.Process{ExitCode: 143}, want: machine.Result{ExitCode: 143}},
	{name: "no shell", command: machine.Command{Args: []string{"echo", "$HOME; `id` *"}},
		described: machinetest.Process{Stdout: "$HOME; `id` *\n"}, want: machine.Result{Stdout: []byte("$HOME; `id` *\n")}},
	{name: "stdin", command: machine.Command{Args: []string{"cat"}, Stdin: []byte("a\xff\x00")},
		described: machinetest.Process{Stdout: "a\xff\x00"}, want: machine.Result{Stdout: []byte("a\xff\x00")}},
	{name: "stdin that is not read", command: machine.Command{Args: []string{"true"}, Stdin: make([]byte, 1<<20)}, want: machine.Result{}},
	{name: "env and dir", command: machine.Command{Args: []string{"sh", "-c", "echo $COLOUR; pwd"}, Env: map[string]string{"COLOUR": "red"}, Dir: "/"},
		described: machinetest.Process{Stdout: "red\n/\n"}, want: machine.Result{Stdout: []byte("red\n/\n")}},
	{name: "timeout", command: machine.Command{Args: []string{"sh", "-c", "echo first; sleep 600"}, Timeout: 300 * time.Millisecond},
		described: machinetest.Process{Stdout: "first\n", Hangs: true}, want: machine.Result{Stdout: []byte("first\n")}, err: machine.ErrTimeout},
	{name: "too much", command: machine.Command{Args: []string{"yes"}, MaxOutput: 10},
		described: machinetest.Process{Stdout: strings.Repeat("y\n", 6)}, err: machine.ErrOutput},
	{name: "no program", command: machine.Command{Args: []string{"no-such-program"}},
		described: machinetest.Process{Missing: true}, startErr: `exec: "no-such-program": executable file not found in $PATH`},
}

func TestProcesses(t *testing.T) {
	for _, c := range processes {
		described := c.described
		simulated, err := machinetest.New(machinetest.State{Processes: []*machinetest.Process{&described}})
		require.NoError(t, err)
		for name, m := range map[string]machine.Machine{"real": machine.Real(), "simulated": simulated} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				command := c.command
				if command.MaxOutput == 0 {
					command.MaxOutput = 1 << 20
				}
				result, err := m.Run(t.Context(), command)
				switch {
				case c.startErr != "":
					assert.EqualError(t, err, c.startErr)
					assert.Nil(t, result)
				case c.err == machine.ErrOutput:
					assert.ErrorIs(t, err, c.err)
				default:
					assert.ErrorIs(t, err, c.err)
					require.NotNil(t, result)
					if c.err == nil {
						assert.Equal(t, c.want.ExitCode, result.ExitCode)
					}
					assert.Equal(t, string(c.want.Stdout), string(result.Stdout))
					assert.Equal(t, string(c.want.Stderr), string(result.Stderr))
				}
			})
		}
	}
}

// TestProcessGroup: what a command has started ends with it when its time is
// over, and does not keep who waits for it when it has left that behind.
func TestProcessGroup(t *testing.T) {
	run := func(ctx context.Context, script string, timeout time.Duration) (*machine.Result, error) {
		return machine.Real().Run(ctx, machine.Command{Args: []string{"sh", "-c", script}, Timeout: timeout, MaxOutput: 100})
	}
	result, err := run(t.Context(), "sleep 600 & echo $!; wait", 500*time.Millisecond)
	assert.ErrorIs(t, err, machine.ErrTimeout)
	pid, err := strconv.Atoi(strings.TrimSpace(string(result.Stdout)))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		there, err := machine.Real().Signal(pid, "sleep", 0)
		return err == nil && !there
	}, 20*time.Second, time.Millisecond, "what it started has not ended")

	start := time.Now()
	result, err = run(t.Context(), "sleep 30 & echo $!", time.Minute)
	require.NoError(t, err)
	assert.Less(t, time.Since(start), 20*time.Second)
	_, err = machine.Real().Run(t.Context(), machine.Command{Args: []string{"kill", strings.TrimSpace(string(result.Stdout))}, MaxOutput: 100})
	require.NoError(t, err)

	over := errors.New("the hook is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(over)
	_, err = run(ctx, "sleep 600", time.Minute)
	assert.Error(t, err)

	if os.Getuid() == 0 {
		result, err = machine.Real().Run(t.Context(), machine.Command{Args: []string{"sh", "-c", "id -un; id -Gn; echo $USER"}, User: "nobody", MaxOutput: 100})
		require.NoError(t, err)
		assert.Regexp(t, `^nobody\nno(body|group)\nnobody\n$`, string(result.Stdout))
	}
	_, err = machine.Real().Run(t.Context(), machine.Command{Args: []string{"true"}, User: "nobody-of-that-name", MaxOutput: 1})
	assert.EqualError(t, err, `there is no user "nobody-of-that-name"`)
	_, err = machine.Real().Run(t.Context(), machine.Command{Args: []string{"true"}, Dir: t.TempDir() + "/none", MaxOutput: 1})
	assert.ErrorIs(t, err, os.ErrNotExist)
}
