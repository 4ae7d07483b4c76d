package pebbletest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// upper writes its input in upper case, and says on stderr what it was given.
func upper(_ context.Context, c *pebbletest.Command) int {
	in, err := io.ReadAll(c.Stdin)
	if err != nil {
		return 2
	}
	fmt.Fprint(c.Stdout, strings.ToUpper(string(in)))
	fmt.Fprintf(c.Stderr, "%s in %s with A=%s\n", strings.Join(c.Args, " "), c.WorkingDir, c.Environment["A"])
	if err := c.WriteFile("seen", string(in)); err != nil {
		return 1
	}
	return 0
}

func container(t *testing.T) *pebbletest.State {
	t.Helper()
	state, err := pebbletest.ParseState([]byte(`
name: web
files: {/srv: {kind: directory}, /old: x}
execs:
  - {command_prefix: [tool]}
  - {command_prefix: [tool, fail], exit_code: 7, stdout: out, stderr: err, files: {/etc/made: by tool}, removes: [/old]}
  - {command_prefix: [sleep], stdout: started, hangs: true}
`))
	require.NoError(t, err)
	state.Execs = append(state.Execs, &pebbletest.Exec{CommandPrefix: []string{"upper"}, Handler: pebbletest.HandlerFunc(upper)})
	return state
}

// settles waits until there are no more goroutines than before.
func settles(t *testing.T, before int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("goroutines are left\n%s", buf[:runtime.Stack(buf, true)])
		}
	}
}

func output(t *testing.T, c *pebble.Client, o pebble.ExecOptions) (string, string, error) {
	t.Helper()
	p, err := c.Exec(context.Background(), o)
	require.NoError(t, err)
	out, errOut, err := p.Output()
	return string(out), string(errOut), err
}

func TestExec(t *testing.T) {
	before := runtime.NumGoroutine()
	server, client := connect(t, container(t))
	out, errOut, err := output(t, client, pebble.ExecOptions{Command: []string{"tool", "fail", "x"}})
	require.True(t, pebble.IsKind(err, pebble.ExecError), "%v", err)
	assert.Equal(t, []string{"out", "err"}, []string{out, errOut})
	assert.EqualError(t, err, `non-zero exit code 7 executing "tool", stdout="out", stderr="err"`)
	files := server.State().Files
	assert.Contains(t, files, "/etc/made")
	assert.NotContains(t, files, "/old")

	out, _, err = output(t, client, pebble.ExecOptions{Command: []string{"tool", "other"}})
	assert.NoError(t, err)
	assert.Empty(t, out)

	out, errOut, err = output(t, client, pebble.ExecOptions{
		Command: []string{"upper", "x"}, Stdin: strings.NewReader("hello"), WorkingDir: "/srv", Environment: map[string]string{"A": "b"}})
	assert.NoError(t, err)
	assert.Equal(t, "HELLO", out)
	assert.Equal(t, "upper x in /srv with A=b\n", errOut)
	assert.Equal(t, "hello", server.State().Files["/srv/seen"].Content)
	last, _ := server.LastRequest()
	assert.Equal(t, "wait 3", last.Summary)

	_, err = client.Exec(context.Background(), pebble.ExecOptions{Command: []string{"rm", "-rf", "/"}})
	assert.EqualError(t, err, `cannot find executable "rm"`)
	settles(t, before)
}

func TestExecHangs(t *testing.T) {
	before := runtime.NumGoroutine()
	server, client := connect(t, container(t))
	sleep := pebble.ExecOptions{Command: []string{"sleep", "1000"}, Timeout: time.Hour}
	out, _, err := output(t, client, sleep)
	assert.True(t, pebble.IsKind(err, pebble.ChangeError), "%v", err)
	assert.ErrorContains(t, err, "timed out after 1h0m0s: context deadline exceeded")
	assert.Equal(t, "started", out)

	for signal, code := range map[string]int{"SIGTERM": 143, "SIGKILL": 137, "SIGHUP": 129} {
		p, err := client.Exec(context.Background(), sleep)
		require.NoError(t, err)
		require.NoError(t, p.SendSignal("SIGCHLD"))
		require.NoError(t, p.SendSignal(signal))
		err = p.Wait()
		require.True(t, pebble.IsKind(err, pebble.ExecError), "%v", err)
		var e *pebble.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, code, e.ExitCode)
		assert.NoError(t, p.SendSignal(signal))
	}

	_, _, err = output(t, client, pebble.ExecOptions{Command: []string{"sleep", "1000"}})
	assert.ErrorContains(t, err, "the simulated command hangs, without a timeout, and nobody sends it a signal")

	p, err := client.Exec(context.Background(), sleep)
	require.NoError(t, err)
	server.SetConnectable(false)
	assert.True(t, pebble.IsKind(p.Wait(), pebble.ConnectionError), "%v", p.Wait())
	settles(t, before)
}

// TestManyExecs runs commands and moves files at the same time.
func TestManyExecs(t *testing.T) {
	before := runtime.NumGoroutine()
	_, client := connect(t, container(t))
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			text := strings.Repeat(fmt.Sprintf("line %d\n", i), 10000)
			out, _, err := output(t, client, pebble.ExecOptions{Command: []string{"upper"}, WorkingDir: "/srv", Stdin: strings.NewReader(text)})
			assert.NoError(t, err)
			assert.Equal(t, strings.ToUpper(text), out)
		})
		group.Go(func() {
			path := fmt.Sprintf("/srv/%d", i)
			assert.NoError(t, client.Push(context.Background(), path, strings.NewReader(path), pebble.PushOptions{}))
		})
	}
	group.Wait()
	settles(t, before)
}

// TestExecOverHTTP is an exec through a real HTTP server.
func TestExecOverHTTP(t *testing.T) {
	web := httptest.NewServer(pebbletest.New(pebbletest.Config{State: container(t)}))
	defer web.Close()
	client := pebble.New(pebble.Config{Transport: toServer(web)})
	out, _, err := output(t, client, pebble.ExecOptions{Command: []string{"upper"}, Stdin: strings.NewReader(strings.Repeat("x", 1<<20))})
	assert.NoError(t, err)
	assert.Len(t, out, 1<<20)
}

// toServer is a transport that sends every request to one server.
func toServer(web *httptest.Server) http.RoundTripper {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", web.Listener.Addr().String())
	}}
}
