package daemon_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/daemon"
	"github.com/starcharm/starcharm/pebble/pebbletest"
	"github.com/starcharm/starcharm/testdata/peers"
)

// TestMain: the test binary is the program that becomes Pebble in a container.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == daemon.EnterCommand {
		fmt.Fprintln(os.Stderr, daemon.Enter(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// start starts a container, and makes sure that it leaves nothing.
func start(t *testing.T, state string) *daemon.Daemon {
	t.Helper()
	program := peers.Pebble(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	parsed, err := pebbletest.ParseState([]byte(state))
	require.NoError(t, err)
	d, err := daemon.Start(t.Context(), program, parsed)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, d.Close())
		left, err := os.ReadDir(temp)
		assert.NoError(t, err)
		assert.Empty(t, left)
	})
	return d
}

func run(t *testing.T, c *pebble.Client, command ...string) string {
	t.Helper()
	p, err := c.Exec(t.Context(), pebble.ExecOptions{Command: command})
	require.NoError(t, err)
	out, _, err := p.Output()
	require.NoError(t, err)
	return string(out)
}

// TestState: a container begins as its State says, and what becomes of it is
// read back.
func TestState(t *testing.T) {
	d := start(t, `
name: app
layers:
  image:
    services:
      db: {override: replace, command: sleep 1000}
      idle: {override: replace, command: sleep 1000}
    checks:
      here: {override: replace, exec: {command: "true"}, level: ready, threshold: 5}
      started: {override: replace, exec: {command: "true"}, startup: disabled}
      stopped: {override: replace, exec: {command: "true"}}
check_infos:
- {name: started, status: up}
- {name: stopped, status: inactive}
service_statuses: {db: active}
files:
  /data/old: kept
  /data/empty: {kind: directory, mode: 0700}
  /data/link: {kind: symlink, target: /etc/app.conf}
notices:
- {key: example.com/a, id: "1", occurrences: 4}
- {key: example.com/b, id: "2"}
execs:
- {command_prefix: [ls]}
`)
	assert.Equal(t, []string{"container app: execs are not used: commands are run, and have to be on this machine"}, d.Notes)
	begins, err := d.State(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[string]pebble.ServiceStatus{"db": "active"}, begins.ServiceStatuses)
	statuses := map[string]pebble.CheckStatus{}
	for _, info := range begins.CheckInfos {
		statuses[info.Name] = info.Status
	}
	assert.Equal(t, map[string]pebble.CheckStatus{"here": pebble.CheckUp, "started": pebble.CheckUp, "stopped": pebble.CheckInactive}, statuses)
	client := pebble.New(pebble.Config{Transport: d.Transport()})
	require.NoError(t, client.AddLayerYAML(t.Context(), "web", "services: {web: {override: replace, command: sleep 1000, startup: enabled}}", pebble.AddLayerOptions{}))
	last, _ := d.LastRequest()
	assert.Equal(t, "add-layer web", last.Summary)
	_, err = client.Replan(t.Context(), pebble.WaitOptions{})
	require.NoError(t, err)
	_, err = client.Notify(t.Context(), pebble.NotifyOptions{Key: "example.com/a"})
	require.NoError(t, err)
	assert.Equal(t, "kept", run(t, client, "cat", "/data/old"))
	run(t, client, "sh", "-c", "echo 1 >/data/link; mkfifo /data/pipe; ln -s / /data/out; mkdir -p /srv/new; chmod 500 /srv/new")
	got, err := d.End(t.Context())
	require.NoError(t, err)

	assert.Equal(t, map[string]pebble.ServiceStatus{"db": "active", "web": "active"}, got.ServiceStatuses)
	var labels []string
	for _, l := range got.Layers {
		labels = append(labels, l.Label)
	}
	assert.Equal(t, []string{"image", "web"}, labels)
	mode := func(m pebbletest.Mode) *pebbletest.Mode { return &m }
	assert.Equal(t, map[string]*pebbletest.File{
		"/data/old":     {Content: "kept"},
		"/data/empty":   {Kind: pebble.TypeDirectory, Mode: mode(0o700)},
		"/data/link":    {Kind: pebble.TypeSymlink, Target: "/etc/app.conf"},
		"/data/out":     {Kind: pebble.TypeSymlink, Target: "/"},
		"/etc/app.conf": {Content: "1\n"},
		"/srv/new":      {Kind: pebble.TypeDirectory, Mode: mode(0o500)},
	}, got.Files)
	require.Len(t, got.Notices, 2)
	assert.Equal(t, 5, got.Notices[0].Occurrences)
	assert.Equal(t, 1, got.Notices[1].Occurrences)
	require.Len(t, got.CheckInfos, 3)
	assert.Equal(t, 5, got.CheckInfos[0].Threshold)
	executions := d.Executions()
	require.Len(t, executions, 2)
	assert.Equal(t, []string{"cat", "/data/old"}, executions[0].Args)
	assert.Zero(t, executions[0].ExitCode)
}

// TestApart: a container has the machine's programs to read, and nothing else of
// it.
func TestApart(t *testing.T) {
	d := start(t, "name: app")
	client := pebble.New(pebble.Config{Transport: d.Transport()})
	outside := filepath.Join(t.TempDir(), "file")
	require.NoError(t, client.Push(t.Context(), outside, strings.NewReader("x"), pebble.PushOptions{MakeDirs: true}))
	assert.NoFileExists(t, outside)
	assert.Error(t, client.Push(t.Context(), "/usr/bin/starcharm-test", strings.NewReader("x"), pebble.PushOptions{}))
	assert.NoFileExists(t, "/usr/bin/starcharm-test")
	assert.Equal(t, "lo\n", run(t, client, "sh", "-c", "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"))
	assert.Equal(t, "pebble\n", run(t, client, "cat", "/proc/1/comm"))
}

// TestFailing: a service whose command ends at once is what Pebble says.
func TestFailing(t *testing.T) {
	d := start(t, "{name: app, layers: {image: {services: {bad: {override: replace, command: 'false', on-failure: ignore}}}}}")
	client := pebble.New(pebble.Config{Transport: d.Transport()})
	_, err := client.Start(t.Context(), []string{"bad"}, pebble.WaitOptions{})
	assert.ErrorContains(t, err, "exited quickly with code 1")
	got, err := d.End(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[string]pebble.ServiceStatus{"bad": pebble.ServiceError}, got.ServiceStatuses)
}

// TestCancelled: with its context the daemon ends, whatever goes on.
func TestCancelled(t *testing.T) {
	program := peers.Pebble(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(t.Context())
	d, err := daemon.Start(ctx, program, &pebbletest.State{Name: "app"})
	require.NoError(t, err)
	client := pebble.New(pebble.Config{Transport: d.Transport()})
	p, err := client.Exec(t.Context(), pebble.ExecOptions{Command: []string{"sleep", "1000"}})
	require.NoError(t, err)
	cancel()
	assert.Error(t, p.Wait())
	_, err = d.End(ctx)
	assert.ErrorContains(t, err, "cannot tell what became of the container app: ")
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestRefused: what no container of this machine can be.
func TestRefused(t *testing.T) {
	program := peers.Pebble(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for name, c := range map[string]struct{ program, state, message string }{
		"programs":   {program, "{name: app, files: {/usr/bin/x: y}}", "it cannot have the file /usr/bin/x: there are the programs of this machine"},
		"no program": {temp + "/nosuch", "{name: app}", "nosuch cannot be mounted: no such file or directory"},
		"no Pebble":  {"/bin/true", "{name: app}", "it ended at once: it said nothing"},
		"command":    {program, "{name: app, layers: {a: {services: {x: {override: replace, command: nosuch}}}}, service_statuses: {x: active}}", `"nosuch": executable file not found`},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := pebbletest.ParseState([]byte(c.state))
			require.NoError(t, err)
			_, err = daemon.Start(t.Context(), c.program, state)
			assert.ErrorContains(t, err, "cannot start Pebble for the container app: ")
			assert.ErrorContains(t, err, c.message)
		})
	}
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestTooLarge: a container with more than is read is an error.
func TestTooLarge(t *testing.T) {
	d := start(t, "name: app")
	client := pebble.New(pebble.Config{Transport: d.Transport()})
	run(t, client, "truncate", "-s", "1T", "/root/large")
	_, err := d.End(t.Context())
	assert.EqualError(t, err, "cannot read the files of the container app: they are larger than 64 MiB")
}
