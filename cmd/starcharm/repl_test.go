package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// A person is someone at a terminal in which the program runs.
type person struct {
	t    *testing.T
	tty  *os.File
	cmd  *exec.Cmd
	mu   sync.Mutex
	read strings.Builder
	more chan struct{} // something was read
	seen int           // up to where it was looked at
	end  error         // of reading
}

// patience is how long a person waits for what has to come.
const patience = 30 * time.Second

// sits starts the program in a terminal.
func sits(t *testing.T, dir string, env []string, args ...string) *person {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(program, filepath.Join(bin, "starcharm")))
	cmd := exec.Command(filepath.Join(bin, "starcharm"), args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"TERM=xterm", "NO_COLOR=1", "PATH=" + os.Getenv("PATH")}, env...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	require.NoError(t, err)
	p := &person{t: t, tty: tty, cmd: cmd, more: make(chan struct{}, 1)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			p.mu.Lock()
			p.read.Write(buf[:n])
			p.end = err
			p.mu.Unlock()
			select {
			case p.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = tty.Close()
	})
	return p
}

// sees waits for a text, after what was seen so far.
func (p *person) sees(text string) {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		all, end := p.read.String(), p.end
		p.mu.Unlock()
		if i := strings.Index(all[p.seen:], text); i >= 0 {
			p.seen += i + len(text)
			return
		}
		if end != nil {
			p.t.Fatalf("the program ended before %q was there:\n%s", text, all[p.seen:])
		}
		select {
		case <-p.more:
		case <-deadline:
			p.t.Fatalf("%q did not come:\n%s", text, all[p.seen:])
		}
	}
}

// types sends keys.
func (p *person) types(keys string) {
	p.t.Helper()
	_, err := p.tty.WriteString(keys)
	require.NoError(p.t, err)
}

// says types a line at the prompt, and sees what comes.
func (p *person) says(line string, answers ...string) {
	p.t.Helper()
	p.types(line + "\r")
	p.sees("\r\n") // after the echo
	for _, answer := range answers {
		p.sees(answer)
	}
	p.sees(">>> ")
}

// givesUp types something, and Ctrl-C once it is there.
func (p *person) givesUp(half string) {
	p.t.Helper()
	p.types(half)
	p.sees(half)
	p.types(ctrlC)
	p.sees(">>> ")
}

// leaves types Ctrl-D and returns the exit code.
func (p *person) leaves() int {
	p.t.Helper()
	p.types("\x04")
	return p.ends()
}

// ends waits for the program's end and returns the exit code.
func (p *person) ends() int {
	p.t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(patience):
		p.t.Fatal("the program did not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

const (
	ctrlC = "\x03"
	tab   = "\t"
)

// replCharm writes a charm for the shell.
func replCharm(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"charmcraft.yaml": `
name: web
type: charm
containers: {app: {}}
requires: {db: {interface: pgsql}}
peers: {cluster: {interface: web}}
config: {options: {port: {type: int, default: 80, description: the port}}}
actions: {backup: {description: makes one}}
`,
		"src/charm.star": `
"""Serves."""

stored = storedstate.define(runs = 0)

def double(n):
    """Twice as much."""
    return 2 * n

def on_config_changed(event):
    stored.runs += 1
    port = model.config["port"]
    if port < 1:
        fail("no such port")
    for relation in model.relations["db"]:
        relation.data[model.unit]["port"] = str(port)
    model.unit.status = model.ActiveStatus("on port %d" % port)

def on_backup(event):
    event.set_results({"runs": stored.runs})

framework.observe(framework.on.config_changed, on_config_changed)
framework.observe(framework.on.backup_action, on_backup)
`,
	} {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	return dir
}

func TestReplAsAPerson(t *testing.T) {
	p := sits(t, replCharm(t), nil, "repl")
	p.sees("web/0 of the charm web, simulated.")
	p.sees(">>> ")
	p.says("double(21)", "42")
	p.says("x = double(2)")
	p.says("x + _", "46")

	// What is done to the model, and what comes of it.
	p.says("config(port = 81)")
	p.says("emit('config-changed')", "config-changed on web/0", "unit_status.message: on port 81", "exit 0")
	p.says("model.unit.status", `ActiveStatus("on port 81")`)
	p.says("stored.runs", "1")
	p.says("undo()", `"config-changed"`)
	p.says("model.unit.status", `UnknownStatus("")`)
	p.says("model.config['port']", "81")
	p.says("undo()", `"config of port"`)
	p.says("model.config", "└─ port 80")

	// Several lines.
	p.types("def three(n):\r")
	p.sees("... ")
	p.types("    return 3 * n\r")
	p.sees("... ")
	p.says("")
	p.says("three(5)", "15")

	// Mistakes stay here.
	p.says("three(modle)", "error:", "undefined: modle", "three(modle)", "^")
	p.types("three(5\r")
	p.sees("... ")
	p.givesUp("given up")
	p.says("help(double)", "double(n)", "Twice as much.")
	p.says("help(model.unit.open_port)", "unit.open_port(")
	require.Equal(t, 0, p.leaves())
}

func TestReplIsInterrupted(t *testing.T) {
	p := sits(t, replCharm(t), nil, "repl")
	p.sees(">>> ")
	p.types("n = 0\r")
	p.sees(">>> ")
	p.types("while True: n += 1; n == 5 and print('spinning')\r")
	p.sees("... ")
	p.types("\r")
	p.sees("\r\nspinning")
	p.types(ctrlC)
	p.sees("interrupted")
	p.sees(">>> ")
	p.says("1 + 1", "2") // the session goes on
	p.givesUp("half of a line")
	p.says("2 + 2", "4")
	require.Equal(t, 0, p.leaves())
}

func TestReplCompletes(t *testing.T) {
	p := sits(t, replCharm(t), nil, "repl")
	p.sees(">>> ")
	for typed, completed := range map[string]string{
		"model.unit.stat":         "model.unit.status",
		`emit("config-ch`:         `emit("config-changed"`,
		`model.config["po`:        `model.config["port"`,
		`integrate("d`:            `integrate("db"`,
		"config(po":               "config(port = ",
		"doub":                    "double",
		"framework.on.backup_act": "framework.on.backup_action",
	} {
		p.types(typed + tab)
		p.sees(completed)
		p.types(ctrlC)
		p.sees(">>> ")
	}
	require.Equal(t, 0, p.leaves())
}

func TestReplRemembers(t *testing.T) {
	state := t.TempDir()
	dir := replCharm(t)
	for _, want := range []string{"40 + 2", "40 + 2"} {
		p := sits(t, dir, []string{"XDG_STATE_HOME=" + state}, "repl")
		p.sees(">>> ")
		if _, err := os.Stat(filepath.Join(state, "starcharm", "repl_history")); err == nil {
			p.types("\x1b[A") // the line before
			p.sees(want)
			p.types("\r")
		} else {
			p.types(want + "\r")
		}
		p.sees("42")
		p.sees(">>> ")
		require.Equal(t, 0, p.leaves())
	}
	info, err := os.Stat(filepath.Join(state, "starcharm", "repl_history"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

// debugCharm writes a charm with breakpoints.
func debugCharm(t *testing.T) string {
	dir := replCharm(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "src/charm.star"), []byte(`
def total(numbers):
    sum = 0
    for n in numbers:
        sum += n
    return sum

def on_config_changed(event):
    port = model.config["port"]
    framework.breakpoint("before")
    sum = total([port, 1])
    model.unit.status = model.ActiveStatus("%d" % sum)

framework.observe(framework.on.config_changed, on_config_changed)
`), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tests"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tests/web_test.star"), []byte(`
def test_port(t):
    ctx = testing.Context()
    out = ctx.run(ctx.on.config_changed(), testing.State(config = {"port": 5}))
    expect.status(out, model.ActiveStatus("6"))
`), 0o644))
	return dir
}

func TestBreakpoint(t *testing.T) {
	p := sits(t, debugCharm(t), []string{"JUJU_DEBUG_AT=before"}, "run", "config-changed")
	p.sees("The charm is held.")
	p.sees(`src/charm.star:10 in on_config_changed (breakpoint "before")`)
	p.sees(`->   10      framework.breakpoint("before")`)
	at := func(line string, answers ...string) {
		t.Helper()
		p.types(line + "\r")
		p.sees("\r\n")
		for _, answer := range answers {
			p.sees(answer)
		}
		p.sees("(debug) >>> ")
	}
	p.sees("(debug) >>> ")
	at("locals", "event = ", "port = 80")
	at("port + 1", "81")
	at("model.unit.name", `"web/0"`)
	at("porrt", "undefined: porrt")
	at("total([1, 2])", "3") // what is evaluated does not stop
	at("where", "src/charm.star:10 in on_config_changed")
	at("next", "src/charm.star:11 in on_config_changed")
	at("step", "src/charm.star:3 in total")
	at("next", ":4 in total")
	at("next", ":5 in total")
	at("", ":5 in total") // again: the loop's next turn
	at("locals", "n = 1", "numbers = [80, 1]", "sum = 80")
	at("where", "in on_config_changed", ":5 in total")
	at("up", "src/charm.star:11 in on_config_changed")
	at("port", "80")
	at("down", ":5 in total")
	at("out", "src/charm.star:12 in on_config_changed")
	at("sum", "81")
	p.types("continue\r")
	p.sees("unit_status.message: 81")
	p.sees("exit 0")
	require.Equal(t, 0, p.ends())
}

func TestBreakpointQuits(t *testing.T) {
	p := sits(t, debugCharm(t), []string{"JUJU_DEBUG_AT=hook"}, "run", "config-changed")
	p.sees("src/charm.star:9 in on_config_changed (on_config_changed handles config_changed)")
	p.sees("(debug) >>> ")
	p.types("quit\r")
	p.sees("the debugger has ended the charm")
	require.Equal(t, 1, p.ends())
}

func TestBreakpointInTest(t *testing.T) {
	p := sits(t, debugCharm(t), []string{"JUJU_DEBUG_AT=all"}, "test")
	p.sees("src/charm.star:9 in on_config_changed (on_config_changed handles config_changed)")
	p.sees("(debug) >>> ")
	p.types("c\r")
	p.sees(`(breakpoint "before")`)
	p.sees("(debug) >>> ")
	p.types("port\r")
	p.sees("5")
	p.sees("(debug) >>> ")
	p.types("\x04") // Ctrl-D lets it run on
	p.sees("1 passed")
	require.Equal(t, 0, p.ends())
}

func TestBreakpointInRepl(t *testing.T) {
	p := sits(t, debugCharm(t), nil, "repl")
	p.sees(">>> ")
	p.types("emit('config-changed')\r")
	p.sees(`(breakpoint "before")`)
	p.sees("(debug) >>> ")
	p.types("port\r")
	p.sees("80")
	p.sees("(debug) >>> ")
	p.types("c\r")
	p.sees("exit 0")
	p.sees(">>> ")
	p.says("model.unit.status", `ActiveStatus("81")`)
	require.Equal(t, 0, p.leaves())
}

func TestBreakpointOfJuju(t *testing.T) {
	dir := debugCharm(t)
	tools := t.TempDir()
	for name, text := range map[string]string{"config-get": `{"port": 7}`, "juju-log": "", "status-set": "", "is-leader": "true"} {
		require.NoError(t, os.WriteFile(filepath.Join(tools, name), []byte("#!/bin/sh\necho '"+text+"'\n"), 0o755))
	}
	p := sits(t, dir, []string{
		"JUJU_DEBUG_AT=before", "PATH=" + tools + ":" + os.Getenv("PATH"), "JUJU_CHARM_DIR=" + dir, "JUJU_VERSION=3.6.11",
		"JUJU_UNIT_NAME=web/0", "JUJU_DISPATCH_PATH=hooks/config-changed", "JUJU_MODEL_NAME=m",
	}, "dispatch")
	p.sees(`(breakpoint "before")`)
	p.sees("(debug) >>> ")
	p.types("port\r")
	p.sees("7")
	p.sees("(debug) >>> ")
	p.types("c\r")
	require.Equal(t, 0, p.ends())
}
