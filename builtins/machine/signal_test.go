package machine_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine"
)

func TestSignal(t *testing.T) {
	m := machine.Real()
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	pid := cmd.Process.Pid
	is := func(want bool, name string, s syscall.Signal) {
		t.Helper()
		there, err := m.Signal(pid, name, s)
		require.NoError(t, err)
		assert.Equal(t, want, there)
	}
	is(true, "", 0)
	is(true, "sleep", 0)
	is(false, "other", syscall.SIGKILL)
	is(true, "sleep", 0)
	is(true, "sleep", syscall.SIGTERM)
	// It has ended, and is there until somebody collects it: that is no
	// process that runs.
	require.Eventually(t, func() bool {
		there, err := m.Signal(pid, "", 0)
		return err == nil && !there
	}, 20*time.Second, time.Millisecond)
	is(false, "", syscall.SIGTERM)
	assert.Error(t, cmd.Wait())
	is(false, "", 0)

	there, err := m.Signal(1<<30, "", 0)
	assert.NoError(t, err)
	assert.False(t, there)
}

// TestProtected: what ends the hook with all that is around it gets no signal,
// but is there.
func TestProtected(t *testing.T) {
	m := machine.Real()
	for _, pid := range []int{1, os.Getpid(), os.Getppid()} {
		there, err := m.Signal(pid, "", 0)
		require.NoError(t, err)
		assert.True(t, there)
	}
	for _, pid := range []int{1, os.Getpid()} {
		_, err := m.Signal(pid, "", syscall.SIGWINCH) // which would do no harm
		assert.ErrorIs(t, err, machine.ErrProtected)
	}
}

// TestLongNames: the kernel keeps 15 bytes of a program's name, and may hold
// parentheses in them.
func TestLongNames(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	name := t.TempDir() + "/a) S (long name of a program"
	program, err := os.ReadFile(sleep)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, program, 0o755))
	cmd := &exec.Cmd{Path: name, Args: []string{"sleep", "600"}, SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	require.NoError(t, cmd.Start())
	there, err := machine.Real().Signal(cmd.Process.Pid, "a) S (long name of a program", syscall.SIGKILL)
	require.NoError(t, err)
	assert.True(t, there)
	assert.Error(t, cmd.Wait())
}

func TestSleep(t *testing.T) {
	m := machine.Real()
	start := m.Now()
	require.NoError(t, m.Sleep(t.Context(), 10*time.Millisecond))
	assert.GreaterOrEqual(t, m.Now().Sub(start), 10*time.Millisecond)

	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("the unit's agent ends the hook")
	cancel(over)
	assert.ErrorIs(t, m.Sleep(ctx, time.Hour), over)
}

func TestOwners(t *testing.T) {
	m := machine.Real()
	for _, lookup := range []func(string) (int, error){m.LookupUser, m.LookupGroup} {
		id, err := lookup("root")
		require.NoError(t, err)
		assert.Zero(t, id)
		id, err = lookup("54321")
		require.NoError(t, err)
		assert.Equal(t, 54321, id)
		for _, none := range []string{"nobody-of-that-name", "", "-1", "4294967295", "99999999999", "root:", "root\n", "../root"} {
			_, err = lookup(none)
			assert.ErrorContains(t, err, strconv.Quote(none))
		}
	}
	user, group := m.OwnerNames(machine.Owner{UID: 0, GID: 54321})
	assert.Equal(t, []string{"root", ""}, []string{user, group})
}

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/tool", nil, 0o755))
	require.NoError(t, os.WriteFile(dir+"/data", nil, 0o644))
	t.Setenv("PATH", dir)
	for program, want := range map[string]string{"tool": dir + "/tool", "data": "", "none": ""} {
		found, err := machine.Real().LookPath(program)
		require.NoError(t, err, program)
		assert.Equal(t, want, found)
	}
}
