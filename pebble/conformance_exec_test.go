package pebble_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// What the simulated daemon cannot do is not among these cases: terminals, a
// pty's size, what a command leaves behind (orphans), the daemon's own
// environment, and whatever a shell does that no Exec describes. The package
// comment of pebbletest has the whole list.

// shell is an Exec of a shell script, which for the simulated daemon does what
// is said here.
func shell(script string, does pebbletest.Exec) *pebbletest.Exec {
	does.CommandPrefix = sh(script)
	return &does
}

// catExec is cat, for the simulated daemon.
func catExec() *pebbletest.Exec {
	return &pebbletest.Exec{CommandPrefix: []string{"cat"}, Handler: pebbletest.HandlerFunc(func(_ context.Context, c *pebbletest.Command) int {
		if _, err := io.Copy(c.Stdout, c.Stdin); err != nil {
			return 1
		}
		return 0
	})}
}

// exec runs a command and records what it came to.
func (w *world) exec(o pebble.ExecOptions) {
	for i := range o.Command {
		o.Command[i] = w.expand(o.Command[i])
	}
	o.WorkingDir = w.expand(o.WorkingDir)
	p, err := w.client.Exec(context.Background(), o)
	if err != nil {
		w.result("exec", nil, err)
		return
	}
	w.wait(p)
}

func (w *world) wait(p *pebble.Process) {
	out, errOut, err := p.Output()
	w.note("stdout %s, stderr %s", shorten(out), shorten(errOut))
	w.result("exec", "done", err)
	w.get("/v1/changes/" + p.ChangeID())
}

func shorten(b []byte) string {
	if len(b) > 100 {
		return fmt.Sprintf("%q… (%d)", b[:20], len(b))
	}
	return fmt.Sprintf("%q", b)
}

const execLayer = `
services:
  web: {override: replace, command: sleep 1, environment: {A: one, B: two}, working-dir: $DIR, user: root}
  bad: {override: replace, command: sleep 1, user: nobody-there}
`

func execCases() []conformanceCase {
	setup := func(w *world) {
		w.layer("one", strings.ReplaceAll(execLayer, "$DIR", "/tmp"), false)
		err := w.client.Push(context.Background(), w.dir+"/file", strings.NewReader("x"), pebble.PushOptions{})
		w.result("push", "done", err)
	}
	cases := posts("exec", "/v1/exec", setup,
		``, `{`, `null`, `{}`, `{"command":[]}`, `{"command":null}`, `{"command":"cat"}`, `{"command":[1]}`, `{"command":[""]}`,
		`{"command":["no-such-command"]}`, `{"command":["no-such-command","a b"],"timeout":"x"}`, `{"command":["/no/such"]}`,
		`{"command":["cat"],"timeout":"10"}`, `{"command":["cat"],"timeout":"x"}`, `{"command":["cat"],"timeout":10}`,
		`{"command":["cat"],"service-context":"nope"}`, `{"command":["cat"],"service-context":"bad"}`,
		`{"command":["cat"],"user":"nobody-there"}`, `{"command":["cat"],"user":"root","user-id":1}`, `{"command":["cat"],"user-id":54321}`,
		`{"command":["cat"],"user-id":"0"}`, `{"command":["cat"],"group":"root"}`, `{"command":["cat"],"group-id":0}`,
		`{"command":["cat"],"user":"root","group":"nobody-there"}`, `{"command":["cat"],"user":"root","group":"root","group-id":7}`,
		`{"command":["cat"],"working-dir":"/no/such"}`, `{"command":["cat"],"working-dir":"$DIR/file"}`, `{"command":["cat"],"working-dir":"$DIR/file/x"}`,
		`{"command":["cat"],"working-dir":"relative"}`, `{"command":["cat"],"user":"nobody"}`, `{"command":["cat"],"environment":{"HOME":"/no/such"}}`,
		`{"command":["cat"],"environment":{"A":1}}`, `{"command":["cat"],"environment":[]}`, `{"command":["cat"],"interactive":true}`,
		`{"command":["cat"],"split-stderr":"yes"}`,
	)
	for i := range cases {
		cases[i].execs = []*pebbletest.Exec{catExec()}
	}
	commands := []struct {
		name string
		does *pebbletest.Exec
		o    pebble.ExecOptions
	}{
		{"true", shell("true", pebbletest.Exec{}), pebble.ExecOptions{}},
		{"exit-1", shell("exit 1", pebbletest.Exec{ExitCode: 1}), pebble.ExecOptions{}},
		{"exit-42", shell("echo out; exit 42", pebbletest.Exec{Stdout: "out\n", ExitCode: 42}), pebble.ExecOptions{}},
		{"exit-255", shell("exit 255", pebbletest.Exec{ExitCode: 255}), pebble.ExecOptions{}},
		{"output", shell("echo out; echo err >&2", pebbletest.Exec{Stdout: "out\n", Stderr: "err\n"}), pebble.ExecOptions{}},
		{"output-and-exit", shell("echo out; echo err >&2; exit 3", pebbletest.Exec{Stdout: "out\n", Stderr: "err\n", ExitCode: 3}), pebble.ExecOptions{}},
		{"combined", shell("echo out; echo err >&2; exit 3", pebbletest.Exec{Stdout: "out\n", Stderr: "err\n", ExitCode: 3}), pebble.ExecOptions{CombineStderr: true}},
		{"only-stderr", shell("echo err >&2", pebbletest.Exec{Stderr: "err\n"}), pebble.ExecOptions{}},
		{"no-newline", shell("printf x", pebbletest.Exec{Stdout: "x"}), pebble.ExecOptions{}},
		{"not-utf-8", shell(`printf 'a\377\000b'`, pebbletest.Exec{Stdout: "a\xff\x00b"}), pebble.ExecOptions{}},
		{"large-output", shell("head -c 1000000 /dev/zero", pebbletest.Exec{Stdout: strings.Repeat("\x00", 1000000)}), pebble.ExecOptions{}},
		{"large-outputs", shell("head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero", pebbletest.Exec{Stdout: strings.Repeat("\x00", 300000), Stderr: strings.Repeat("\x00", 300000)}), pebble.ExecOptions{}},
		{"timeout", shell("echo begun; exec sleep 100", pebbletest.Exec{Stdout: "begun\n", Hangs: true}), pebble.ExecOptions{Timeout: 300 * time.Millisecond}},
		{"timeout-combined", shell("exec sleep 100", pebbletest.Exec{Hangs: true}), pebble.ExecOptions{Timeout: 300 * time.Millisecond, CombineStderr: true}},
		{"timeout-not-reached", shell("exit 4", pebbletest.Exec{ExitCode: 4}), pebble.ExecOptions{Timeout: time.Minute}},
		{"timeout-rounded", shell("exec sleep 100", pebbletest.Exec{Hangs: true}), pebble.ExecOptions{Timeout: time.Nanosecond}},
		{"input-not-read", shell("exit 5", pebbletest.Exec{ExitCode: 5}), pebble.ExecOptions{Stdin: bytes.NewReader(make([]byte, 2<<20))}},
		{"killed-by-itself", shell("kill -9 $$", pebbletest.Exec{ExitCode: 137}), pebble.ExecOptions{}},
		{"cat", catExec(), pebble.ExecOptions{Stdin: strings.NewReader("in\n")}},
		{"cat-nothing", catExec(), pebble.ExecOptions{}},
		{"cat-empty", catExec(), pebble.ExecOptions{Stdin: strings.NewReader("")}},
		{"cat-large", catExec(), pebble.ExecOptions{Stdin: strings.NewReader(strings.Repeat("0123456789", 200000))}},
		{"cat-not-utf-8", catExec(), pebble.ExecOptions{Stdin: strings.NewReader("\xff\x00\n")}},
		{"working-dir", printing("pwd", func(c *pebbletest.Command) string { return c.WorkingDir }), pebble.ExecOptions{WorkingDir: "$DIR"}},
		{"working-dir-of-context", printing("pwd", func(c *pebbletest.Command) string { return c.WorkingDir }), pebble.ExecOptions{ServiceContext: "web"}},
		{"working-dir-over-context", printing("pwd", func(c *pebbletest.Command) string { return c.WorkingDir }), pebble.ExecOptions{ServiceContext: "web", WorkingDir: "/"}},
		{"environment", printing("printenv C", variable("C")), pebble.ExecOptions{Environment: map[string]string{"C": "three"}}},
		{"environment-of-context", printing("printenv A", variable("A")), pebble.ExecOptions{ServiceContext: "web"}},
		{"environment-over-context", printing("printenv A", variable("A")), pebble.ExecOptions{ServiceContext: "web", Environment: map[string]string{"A": "mine"}}},
		{"lang", printing("printenv LANG", variable("LANG")), pebble.ExecOptions{Environment: map[string]string{"LANG": "C"}}},
		{"home", printing("printenv HOME", variable("HOME")), pebble.ExecOptions{Environment: map[string]string{"HOME": "/tmp"}}},
		{"home-is-working-dir", printing("pwd", func(c *pebbletest.Command) string { return c.WorkingDir }), pebble.ExecOptions{Environment: map[string]string{"HOME": "/tmp"}}},
		{"user", printing("id -u", func(c *pebbletest.Command) string { return fmt.Sprint(c.UserID) }), pebble.ExecOptions{Owner: pebble.Owner{User: "root"}}},
		{"user-nobody", printing("id -u", func(c *pebbletest.Command) string { return fmt.Sprint(c.UserID) }), pebble.ExecOptions{Owner: pebble.Owner{User: "nobody"}, WorkingDir: "/"}},
		{"user-home", printing("printenv HOME", variable("HOME")), pebble.ExecOptions{Owner: pebble.Owner{User: "nobody"}, WorkingDir: "/"}},
		{"user-name", printing("printenv USER", variable("USER")), pebble.ExecOptions{Owner: pebble.Owner{User: "nobody"}, WorkingDir: "/"}},
		{"group", printing("id -g", func(c *pebbletest.Command) string { return fmt.Sprint(c.GroupID) }), pebble.ExecOptions{Owner: pebble.Owner{User: "root", Group: "nogroup"}, WorkingDir: "/"}},
		{"user-id-zero", printing("id -u", func(c *pebbletest.Command) string { return fmt.Sprint(c.UserID) }), pebble.ExecOptions{Owner: pebble.Owner{UserID: new(int), GroupID: new(int)}}},
		{"no-such-executable", nil, pebble.ExecOptions{Command: []string{"no-such-command", "x"}}},
	}
	for _, c := range commands {
		one := conformanceCase{name: "exec/" + c.name, run: func(w *world) {
			setup(w)
			o := c.o
			if c.does != nil {
				o.Command = append([]string(nil), c.does.CommandPrefix...)
			}
			// Each daemon reads the input from its beginning.
			if seeker, ok := o.Stdin.(io.Seeker); ok {
				_, _ = seeker.Seek(0, io.SeekStart)
			}
			w.exec(o)
		}}
		if c.does != nil {
			one.execs = []*pebbletest.Exec{c.does}
		}
		cases = append(cases, one)
	}
	for _, signal := range []string{"SIGTERM", "SIGKILL", "SIGHUP", "SIGINT", "SIGUSR1"} {
		cases = append(cases, conformanceCase{name: "exec/signal-" + signal, execs: []*pebbletest.Exec{shell("echo begun; exec sleep 100", pebbletest.Exec{Stdout: "begun\n", Hangs: true})}, run: func(w *world) {
			p, err := w.client.Exec(context.Background(), pebble.ExecOptions{Command: sh("echo begun; exec sleep 100"), Timeout: time.Minute})
			if err != nil {
				w.result("exec", nil, err)
				return
			}
			_, err = io.ReadFull(p.Stdout(), make([]byte, 6))
			w.result("begun", true, err)
			// Neither of these ends anything.
			w.result("signal", true, p.SendSignal("SIGCHLD"))
			w.result("signal", true, p.SendSignal("SIGNOPE"))
			w.result("signal", true, p.SendSignal("9"))
			w.result("signal", true, p.SendSignal(signal))
			w.wait(p)
		}})
	}
	return append(cases,
		conformanceCase{name: "exec/methods", run: func(w *world) {
			w.get("/v1/exec")
			w.raw("PUT", "/v1/exec", "{}")
			w.post("/v1/tasks/1/websocket/control", "{}")
			w.get("/v1/tasks/1/websocket")
			w.get("/v1/tasks/1")
		}},
		conformanceCase{name: "exec/writes-files", execs: []*pebbletest.Exec{{CommandPrefix: []string{"touch"}, Handler: pebbletest.HandlerFunc(func(_ context.Context, c *pebbletest.Command) int {
			if c.WriteFile(c.Args[1], "") != nil {
				return 1
			}
			return 0
		})}}, run: func(w *world) {
			w.exec(pebble.ExecOptions{Command: []string{"touch", "$DIR/made"}})
			w.exec(pebble.ExecOptions{Command: []string{"touch", "here"}, WorkingDir: "$DIR"})
			infos, err := w.client.ListFiles(context.Background(), w.dir, pebble.ListFilesOptions{})
			for _, info := range infos {
				w.note("%s %s", info.Path, info.Type)
			}
			w.result("list", len(infos), err)
		}},
		conformanceCase{name: "exec/changes-and-notices", execs: []*pebbletest.Exec{catExec()}, run: func(w *world) {
			w.exec(pebble.ExecOptions{Command: []string{"cat"}})
			w.exec(pebble.ExecOptions{Command: []string{"cat"}, Stdin: strings.NewReader("x")})
			w.get("/v1/changes?select=in-progress")
			notices, err := w.client.Notices(context.Background(), pebble.NoticesOptions{Keys: []string{"1"}})
			for _, n := range notices {
				w.note("%s %s %d %v", n.Type, n.Key, n.Occurrences, n.LastData)
			}
			w.result("notices", len(notices), err)
			w.post("/v1/changes/1", `{"action":"abort"}`)
		}},
	)
}

// printing is a command that prints a word.
func printing(command string, word func(c *pebbletest.Command) string) *pebbletest.Exec {
	return &pebbletest.Exec{CommandPrefix: strings.Fields(command), Handler: pebbletest.HandlerFunc(func(_ context.Context, c *pebbletest.Command) int {
		if _, err := fmt.Fprintln(c.Stdout, word(c)); err != nil {
			return 1
		}
		return 0
	})}
}

func variable(name string) func(c *pebbletest.Command) string {
	return func(c *pebbletest.Command) string { return c.Environment[name] }
}

// dial connects to a websocket and records the answer.
func (w *world) dial(path string) *websocket.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, "ws://localhost"+path, &websocket.DialOptions{HTTPClient: &http.Client{Transport: w.transport}})
	switch {
	case err == nil:
		w.note("connected to %s", path)
	case resp != nil:
		body, _ := io.ReadAll(resp.Body)
		w.note("connect to %s: %d %s", path, resp.StatusCode, pretty(body))
	default:
		w.note("connect to %s: %v", path, err)
	}
	return conn
}

// start asks for a command, without connecting to it.
func (w *world) start(body string) {
	req, err := http.NewRequest("POST", "http://localhost/v1/exec", strings.NewReader(body))
	if err != nil {
		w.note("%v", err)
		return
	}
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		w.note("%v", err)
		return
	}
	resp.Body.Close()
	w.note("start %s: %d", body, resp.StatusCode)
}

// hear reads a stream up to its end.
func (w *world) hear(conn *websocket.Conn) {
	var heard bytes.Buffer
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		kind, data, err := conn.Read(ctx)
		cancel()
		if err != nil || kind == websocket.MessageText {
			w.note("heard %q, then %s %v", heard.Bytes(), data, err != nil)
			return
		}
		heard.Write(data)
	}
}

func (w *world) say(conn *websocket.Conn, kind websocket.MessageType, text string) {
	if err := conn.Write(context.Background(), kind, []byte(text)); err != nil {
		w.note("say %s: %v", text, err)
	}
}

func execSocketCases() []conformanceCase {
	const path = "/v1/tasks/1/websocket/"
	socket := func(name string, run func(w *world)) conformanceCase {
		return conformanceCase{name: "exec-socket/" + name, run: run, execs: []*pebbletest.Exec{catExec()}}
	}
	return []conformanceCase{
		socket("no-such-task", func(w *world) {
			w.dial("/v1/tasks/7/websocket/control")
			w.dial("/v1/tasks/x/websocket/stdio")
			w.get("/v1/tasks/7/websocket/control")
		}),
		socket("task-of-a-service", func(w *world) {
			w.layer("one", "services: {web: {override: replace, command: sleep 100}}", false)
			_, err := w.client.Start(context.Background(), []string{"web"}, pebble.WaitOptions{})
			w.result("start", true, err)
			w.dial(path + "control")
		}),
		socket("names", func(w *world) {
			w.start(`{"command":["cat"],"split-stderr":true}`)
			w.dial(path + "nope")
			w.dial(path + "stdio/x")
			control := w.dial(path + "control")
			w.dial(path + "control")
			stdio := w.dial(path + "stdio")
			w.dial(path + "stdio")
			stderr := w.dial(path + "stderr")
			w.say(stdio, websocket.MessageText, `{"command":"end"}`)
			w.hear(stdio)
			w.hear(stderr)
			w.get("/v1/changes/1/wait")
			w.dial(path + "control")
			w.dial(path + "nope")
			for _, conn := range []*websocket.Conn{control, stdio, stderr} {
				_ = conn.CloseNow()
			}
		}),
		socket("no-stderr", func(w *world) {
			w.start(`{"command":["cat"]}`)
			w.dial(path + "stderr")
			stdio := w.dial(path + "stdio")
			w.say(stdio, websocket.MessageBinary, "hello")
			w.say(stdio, websocket.MessageText, `{"command":"end"}`)
			w.hear(stdio)
			w.get("/v1/changes/1/wait?timeout=20s")
			_ = stdio.CloseNow()
		}),
		socket("nobody-connects", func(w *world) {
			w.start(`{"command":["cat"]}`)
			w.get("/v1/changes/1/wait?timeout=20s")
			w.dial(path + "control")
			w.dial(path + "stdio")
		}),
		socket("garbage", func(w *world) {
			w.start(`{"command":["cat"]}`)
			control, stdio := w.dial(path+"control"), w.dial(path+"stdio")
			for _, text := range []string{"", "x", "{}", `{"command":"no"}`, `{"command":3}`, `{"command":"signal"}`, `{"command":"signal","signal":{}}`, `{"command":"resize"}`, "\xff"} {
				w.say(control, websocket.MessageText, text)
				w.say(control, websocket.MessageBinary, text)
				w.say(stdio, websocket.MessageText, text)
			}
			w.say(stdio, websocket.MessageBinary, "still there")
			w.say(stdio, websocket.MessageBinary, "")
			w.say(stdio, websocket.MessageText, `{"command":"end","more":1}`)
			w.hear(stdio)
			w.get("/v1/changes/1/wait?timeout=20s")
			_, _ = control.CloseNow(), stdio.CloseNow()
		}),
		socket("running", func(w *world) {
			w.start(`{"command":["cat"]}`)
			control, stdio := w.dial(path+"control"), w.dial(path+"stdio")
			w.say(stdio, websocket.MessageBinary, "x")
			_, _, err := stdio.Read(context.Background())
			w.result("read", true, err)
			w.get("/v1/changes/1")
			w.get("/v1/changes?select=all")
			w.get("/v1/changes?select=ready")
			w.get("/v1/changes/1/wait?timeout=100ms")
			_ = control.CloseNow()
			w.get("/v1/changes/1/wait?timeout=20s")
			_ = stdio.CloseNow()
		}),
		socket("abort", func(w *world) {
			w.start(`{"command":["cat"]}`)
			control, stdio := w.dial(path+"control"), w.dial(path+"stdio")
			w.say(stdio, websocket.MessageBinary, "x")
			_, _, err := stdio.Read(context.Background())
			w.result("read", true, err)
			_, err = w.client.AbortChange(context.Background(), "1")
			w.result("abort", true, err)
			w.get("/v1/changes/1/wait?timeout=20s")
			_, _ = control.CloseNow(), stdio.CloseNow()
		}),
		socket("control-says-farewell", func(w *world) {
			w.start(`{"command":["cat"]}`)
			control, stdio := w.dial(path+"control"), w.dial(path+"stdio")
			w.say(stdio, websocket.MessageBinary, "x")
			_, _, err := stdio.Read(context.Background())
			w.result("read", true, err)
			w.result("close", true, control.Close(websocket.StatusNormalClosure, ""))
			w.say(stdio, websocket.MessageBinary, "y")
			w.say(stdio, websocket.MessageText, `{"command":"end"}`)
			w.hear(stdio)
			w.get("/v1/changes/1/wait?timeout=20s")
			_ = stdio.CloseNow()
		}),
	}
}

func logCases() []conformanceCase {
	const layer = `
services:
  a: {override: replace, command: "sh -c 'echo a1; echo a2 >&2; printf \"tail\\\\n\"; sleep 100'"}
  b: {override: replace, command: "sh -c 'sleep 0.3; echo b1; echo \"<&>ä\"; sleep 100'"}
  silent: {override: replace, command: sleep 100}
`
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var logs []*pebbletest.Log
	for i, line := range []string{"a a1", "a a2", "a tail", "b b1", "b <&>ä"} {
		service, message, _ := strings.Cut(line, " ")
		logs = append(logs, &pebbletest.Log{Service: service, Message: message, Time: begin.Add(time.Duration(i) * time.Millisecond)})
	}
	setup := func(w *world) {
		w.layer("one", layer, false)
		_, err := w.client.Start(context.Background(), []string{"a", "b", "silent"}, pebble.WaitOptions{})
		w.result("start", true, err)
	}
	cases := gets("logs", setup,
		"/v1/logs", "/v1/logs?n=1", "/v1/logs?n=2", "/v1/logs?n=0", "/v1/logs?n=-1", "/v1/logs?n=-2", "/v1/logs?n=x", "/v1/logs?n=", "/v1/logs?n=1.5",
		"/v1/logs?services=a", "/v1/logs?services=a,b&n=3", "/v1/logs?services=b&services=a", "/v1/logs?services=nope", "/v1/logs?services=silent",
		"/v1/logs?services=b,nope&n=1", "/v1/logs?services=,a,", "/v1/logs?follow=false", "/v1/logs?follow=x", "/v1/logs?follow=x&n=x", "/v1/logs?services=a&services=a")
	cases = append(cases,
		conformanceCase{name: "logs/follow", run: func(w *world) {
			setup(w)
			var seen []string
			stop := fmt.Errorf("enough")
			err := w.client.FollowLogs(context.Background(), pebble.LogsOptions{N: 3}, func(e *pebble.LogEntry) error {
				if seen = append(seen, e.Service+" "+e.Message); len(seen) == 3 {
					return stop
				}
				return nil
			})
			w.note("%q, stopped %t", seen, err == stop)
		}},
		conformanceCase{name: "logs/client", run: func(w *world) {
			setup(w)
			for _, o := range []pebble.LogsOptions{{}, {N: 2}, {N: -1}, {Services: []string{"b"}}, {Services: []string{"b", "a"}, N: 4}, {Services: []string{"a,b"}}, {N: -7}} {
				entries, err := w.client.Logs(context.Background(), o)
				var seen []string
				for _, e := range entries {
					seen = append(seen, e.Service+" "+e.Message)
				}
				w.result(fmt.Sprintf("logs %v", o), seen, err)
			}
			w.post("/v1/logs", "{}")
		}},
		conformanceCase{name: "logs/none", run: func(w *world) {
			w.get("/v1/logs")
			w.get("/v1/logs?services=a")
		}})
	for i := range cases {
		cases[i].logs = logs
	}
	cases[len(cases)-1].logs = nil
	return cases
}
