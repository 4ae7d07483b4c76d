package host_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host"
)

// roleVariable makes the test binary something else than tests: a process that a test starts.
const roleVariable = "STARCHARM_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if programDir != "" {
		_ = os.RemoveAll(programDir)
	}
	os.Exit(code)
}

// play is what the test binary does in a role.
func play(role string) error {
	switch role {
	case "dispatch":
		return playDispatch()
	case "save":
		return host.PlaySave(os.Args[1:])
	case "workload":
		return playWorkload()
	case "valkey":
		return playValkey()
	}
	return fmt.Errorf("there is no role %q", role)
}

// programDir is where starcharm has put the program; empty if nobody asked for it.
var programDir string

// starcharm builds the program, once, and returns its path.
var starcharm = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "starcharm-")
	if err != nil {
		return "", err
	}
	programDir = dir
	path := filepath.Join(dir, "starcharm")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/starcharm/starcharm/cmd/starcharm")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, output)
	}
	return path, nil
})

// linkDispatch puts the program into a charm as its dispatch.
func linkDispatch(t testing.TB, charm string) {
	t.Helper()
	program, err := starcharm()
	require.NoError(t, err)
	dispatch := filepath.Join(charm, "dispatch")
	if os.Link(program, dispatch) == nil {
		return
	}
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dispatch, content, 0o755))
}
