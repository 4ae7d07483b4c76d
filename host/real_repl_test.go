package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

const shellScript = `
def on_update_status(event):
    port = 80
    framework.breakpoint("before")
    model.unit.status = model.ActiveStatus("on port %d" % port)

framework.observe(framework.on.update_status, on_update_status)
`

// deployShell deploys a charm whose dispatch is the given line of a shell, which calls the program by the name that
// it has in the directory run.
func deployShell(t *testing.T, tools, line string) *unit {
	dir := packed(t, everything)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "src", "charm.star"), []byte(shellScript), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "run"), 0o755))
	require.NoError(t, os.Rename(filepath.Join(dir, "dispatch"), filepath.Join(dir, "run", "dispatch")))
	require.NoError(t, os.Symlink("dispatch", filepath.Join(dir, "run", "starcharm")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dispatch"), []byte("#!/bin/sh\n"+line+"\n"), 0o755))
	return deploy(t, dir, tools)
}

// TestRealShell reads and writes the genuine model from a hook, as "juju exec -- ./dispatch repl" does.
func TestRealShell(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		shell := func(flags, text string) (peers.JujuOutcome, string, *unit) {
			u := deployShell(t, tools, `exec run/starcharm repl `+flags+` < input > output 2>&1`)
			require.NoError(t, os.WriteFile(filepath.Join(u.dir, "input"), []byte(text), 0o644))
			outcome := u.Hook(peers.JujuHook{Kind: "update-status"})
			output, err := os.ReadFile(filepath.Join(u.dir, "output"))
			require.NoError(t, err)
			return outcome, string(output), u
		}
		read, output, _ := shell("", "model.unit.name\nmodel.unit.is_leader()\nmodel.name\n")
		assert.Empty(t, read.Error, output)
		assert.Contains(t, output, `"everything/0"`)
		assert.Contains(t, output, `"lab"`)

		const write = "model.unit.status = model.BlockedStatus('from the shell')\n"
		refused, output, u := shell("", write)
		assert.NotEmpty(t, refused.Error)
		assert.Contains(t, output, "this shell only reads")
		assert.NotEqual(t, "from the shell", u.World.UnitStatus.Message)

		written, output, u := shell("--write", write)
		assert.Empty(t, written.Error, output)
		assert.Equal(t, "from the shell", u.World.UnitStatus.Message)
	})
}

// TestRealBreakpoint stops a dispatch of the genuine agent at a terminal, as "juju debug-hooks" does.
func TestRealBreakpoint(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		master, terminal, err := pty.Open()
		require.NoError(t, err)
		defer master.Close()
		defer terminal.Close()
		u := deployShell(t, tools, `exec run/dispatch < `+terminal.Name()+` > `+terminal.Name()+` 2>&1`)
		u.Env["JUJU_DEBUG_AT"], u.Env["TERM"] = "before", "xterm"
		said := make(chan string, 1)
		go func() {
			var read strings.Builder
			buf := make([]byte, 4096)
			answers := []string{"port + 7\r", "c\r"}
			for n := 0; ; {
				n, err = master.Read(buf)
				read.Write(buf[:n])
				if len(answers) > 0 && strings.HasSuffix(strings.TrimRight(read.String(), " "), "(debug) >>>") {
					_, _ = master.WriteString(answers[0])
					answers = answers[1:]
				}
				if err != nil || len(answers) == 0 {
					said <- read.String()
					return
				}
			}
		}()
		outcome := u.Hook(peers.JujuHook{Kind: "update-status"})
		assert.Empty(t, outcome.Error, "%v", outcome.Logs)
		assert.Equal(t, "on port 80", u.World.UnitStatus.Message)
		select {
		case text := <-said:
			assert.Contains(t, text, `(breakpoint "before")`)
			assert.Contains(t, text, "87")
		case <-time.After(20 * time.Second):
			t.Fatal("the charm did not stop")
		}
	})
}
