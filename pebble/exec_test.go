package pebble_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// genuine starts a Pebble and returns a client of it.
func genuine(t *testing.T) *world {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("the daemon must be root, as in a container")
	}
	w, stop := genuineWorld(t, peers.Pebble(t), t.Name())
	t.Cleanup(stop)
	t.Cleanup(w.client.Close)
	return w
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

func sh(script string) []string { return []string{"sh", "-c", script} }

// within fails a test whose f does not return in time, with all goroutines'
// stacks.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(d):
		buf := make([]byte, 1<<20)
		t.Fatalf("not done after %s\n%s", d, buf[:runtime.Stack(buf, true)])
	}
}

func run(t *testing.T, c *pebble.Client, o pebble.ExecOptions) (stdout, stderr string, err error) {
	t.Helper()
	p, err := c.Exec(context.Background(), o)
	require.NoError(t, err)
	out, errOut, err := p.Output()
	return string(out), string(errOut), err
}

func TestExec(t *testing.T) {
	w := genuine(t)
	out, errOut, err := run(t, w.client, pebble.ExecOptions{Command: sh("echo out; echo err >&2; cat"), Stdin: strings.NewReader("in\n")})
	require.NoError(t, err)
	assert.Equal(t, "out\nin\n", out)
	assert.Equal(t, "err\n", errOut)
}

// TestExecDoesNotHang has the cases in which an exec could wait for ever.
func TestExecDoesNotHang(t *testing.T) {
	w := genuine(t)
	ctx := context.Background()
	before := runtime.NumGoroutine()
	megabyte := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	for name, test := range map[string]func(t *testing.T){
		"no input": func(t *testing.T) {
			out, _, err := run(t, w.client, pebble.ExecOptions{Command: []string{"cat"}})
			assert.NoError(t, err)
			assert.Empty(t, out)
		},
		"input that is not read": func(t *testing.T) {
			out, _, err := run(t, w.client, pebble.ExecOptions{Command: sh("echo done"), Stdin: bytes.NewReader(megabyte)})
			assert.NoError(t, err)
			assert.Equal(t, "done\n", out)
		},
		"input that is not read by an exit code": func(t *testing.T) {
			_, _, err := run(t, w.client, pebble.ExecOptions{Command: sh("exit 3"), Stdin: bytes.NewReader(megabyte)})
			require.True(t, pebble.IsKind(err, pebble.ExecError), "%v", err)
			assert.Equal(t, 3, asError(err).ExitCode)
		},
		"input after the output is closed": func(t *testing.T) {
			out, _, err := run(t, w.client, pebble.ExecOptions{
				Command: sh("exec >&- 2>&-; sleep 0.3; wc -c > " + w.dir + "/count"), Stdin: bytes.NewReader(megabyte)})
			assert.NoError(t, err)
			assert.Empty(t, out)
			count, err := os.ReadFile(w.dir + "/count")
			assert.NoError(t, err)
			assert.Equal(t, "1048576\n", string(count))
		},
		"pipe that is not read": func(t *testing.T) {
			p, err := w.client.Exec(ctx, pebble.ExecOptions{Command: []string{"true"}, PipeStdin: true})
			require.NoError(t, err)
			_, err = p.Stdin().Write(bytes.Repeat(megabyte, 4))
			assert.True(t, pebble.IsKind(err, pebble.ConnectionError), "%v", err)
			assert.NoError(t, p.Wait())
		},
		"pipe that is not closed": func(t *testing.T) {
			p, err := w.client.Exec(ctx, pebble.ExecOptions{Command: []string{"cat"}, PipeStdin: true})
			require.NoError(t, err)
			_, err = p.Stdin().Write([]byte("x"))
			assert.NoError(t, err)
			out, _, err := p.Output()
			assert.NoError(t, err)
			assert.Equal(t, "x", string(out))
			_, err = p.Stdin().Write([]byte("x"))
			assert.Error(t, err)
		},
		"writing what comes back": func(t *testing.T) {
			p, err := w.client.Exec(ctx, pebble.ExecOptions{Command: []string{"cat"}, PipeStdin: true})
			require.NoError(t, err)
			_, err = p.Stdin().Write(bytes.Repeat(megabyte, 8))
			assert.NoError(t, err)
			out, _, err := p.Output()
			assert.NoError(t, err)
			assert.Len(t, out, 8<<20)
		},
		"reading one output while the other fills": func(t *testing.T) {
			p, err := w.client.Exec(ctx, pebble.ExecOptions{Command: sh("head -c 4000000 /dev/zero >&2; echo end")})
			require.NoError(t, err)
			line, err := io.ReadAll(p.Stdout())
			assert.NoError(t, err)
			assert.Equal(t, "end\n", string(line))
			_, errOut, err := p.Output()
			assert.NoError(t, err)
			assert.Len(t, errOut, 4000000)
		},
		"orphan holds the outputs": func(t *testing.T) {
			_, _, err := run(t, w.client, pebble.ExecOptions{Command: sh("sleep 3 & echo hi"), Timeout: 20 * time.Second})
			assert.NoError(t, err)
		},
		"orphan is silent": func(t *testing.T) {
			c := impatient(t, w, time.Second)
			begin := time.Now()
			out, _, err := run(t, c, pebble.ExecOptions{Command: sh("sleep 4 & echo hi")})
			assert.True(t, pebble.IsKind(err, pebble.TimeoutError), "%v", err)
			assert.ErrorContains(t, err, `command "sh" has ended, and what it started keeps its output open`)
			assert.Equal(t, "hi\n", out)
			assert.Less(t, time.Since(begin), 10*time.Second)
		},
		"orphan outlives the timeout": func(t *testing.T) {
			c := impatient(t, w, time.Minute)
			_, _, err := run(t, c, pebble.ExecOptions{Command: sh("setsid sleep 4 & sleep 4"), Timeout: 200 * time.Millisecond})
			assert.True(t, pebble.IsKind(err, pebble.TimeoutError), "%v", err)
		},
		"timeout": func(t *testing.T) {
			_, _, err := run(t, w.client, pebble.ExecOptions{Command: []string{"sleep", "600"}, Timeout: 200 * time.Millisecond})
			assert.True(t, pebble.IsKind(err, pebble.ChangeError), "%v", err)
			assert.ErrorContains(t, err, "timed out after 200ms")
		},
		"timeout of less than a millisecond": func(t *testing.T) {
			_, _, err := run(t, w.client, pebble.ExecOptions{Command: []string{"sleep", "600"}, Timeout: time.Microsecond})
			assert.True(t, pebble.IsKind(err, pebble.ChangeError), "%v", err)
		},
		"timeout with input that is not read": func(t *testing.T) {
			_, _, err := run(t, w.client, pebble.ExecOptions{Command: []string{"sleep", "600"}, Stdin: bytes.NewReader(megabyte), Timeout: 200 * time.Millisecond})
			assert.True(t, pebble.IsKind(err, pebble.ChangeError), "%v", err)
		},
		"nothing is read and nobody waits": func(t *testing.T) {
			p, err := w.client.Exec(ctx, pebble.ExecOptions{Command: []string{"yes"}})
			require.NoError(t, err)
			p.Close()
			assert.True(t, pebble.IsKind(p.Wait(), pebble.RootError))
		},
		"context": func(t *testing.T) {
			ctx, cancel := context.WithCancel(ctx)
			p, err := w.client.Exec(ctx, pebble.ExecOptions{Command: []string{"sleep", "600"}})
			require.NoError(t, err)
			time.AfterFunc(50*time.Millisecond, cancel)
			assert.ErrorIs(t, p.Wait(), context.Canceled)
		},
		"more output than there may be": func(t *testing.T) {
			out, _, err := run(t, w.client, pebble.ExecOptions{Command: []string{"yes"}, MaxOutput: 3 << 20})
			assert.EqualError(t, err, `command "yes" wrote more than 3 MiB to stdout, which was not read, and was killed`)
			assert.True(t, pebble.IsKind(err, pebble.RootError))
			assert.LessOrEqual(t, len(out), 3<<20)
		},
		"64 MiB": func(t *testing.T) {
			out, _, err := run(t, w.client, pebble.ExecOptions{Command: []string{"head", "-c", "67108864", "/dev/zero"}})
			assert.NoError(t, err)
			assert.Len(t, out, 64<<20)
		},
		"slow reader": func(t *testing.T) {
			p, err := w.client.Exec(ctx, pebble.ExecOptions{Command: []string{"head", "-c", "20000000", "/dev/zero"}, MaxOutput: 1 << 20})
			require.NoError(t, err)
			n, buf := 0, make([]byte, 10000)
			for err == nil {
				var read int
				read, err = p.Stdout().Read(buf)
				n += read
				runtime.Gosched()
			}
			assert.Equal(t, io.EOF, err)
			assert.Equal(t, 20000000, n)
			assert.NoError(t, p.Wait())
		},
	} {
		t.Run(name, func(t *testing.T) { within(t, 30*time.Second, func() { test(t) }) })
	}
	w.client.Close()
	settles(t, before)
}

// impatient is another client of the same daemon.
func impatient(t *testing.T, w *world, idle time.Duration) *pebble.Client {
	c := pebble.New(pebble.Config{SocketPath: w.socket, Timeout: time.Second, IdleTimeout: idle})
	t.Cleanup(c.Close)
	return c
}

func TestExecDaemonDies(t *testing.T) {
	w := genuine(t)
	before := runtime.NumGoroutine()
	within(t, 30*time.Second, func() {
		p, err := w.client.Exec(context.Background(), pebble.ExecOptions{Command: sh("echo begun; read line; kill -9 $PPID; sleep 1"), PipeStdin: true})
		require.NoError(t, err)
		_, err = io.ReadFull(p.Stdout(), make([]byte, 6))
		require.NoError(t, err)
		_, err = p.Stdin().Write([]byte("go\n"))
		require.NoError(t, err)
		rest, err := io.ReadAll(p.Stdout())
		assert.Empty(t, rest)
		assert.True(t, pebble.IsKind(err, pebble.ConnectionError), "%v", err)
		assert.True(t, pebble.IsKind(p.Wait(), pebble.ConnectionError), "%v", p.Wait())
	})
	w.client.Close()
	settles(t, before)
}

// TestManyExecs runs commands and moves files at the same time.
func TestManyExecs(t *testing.T) {
	w := genuine(t)
	before := runtime.NumGoroutine()
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			text := strings.Repeat(strconv.Itoa(i)+"\n", 20000)
			out, _, err := run(t, w.client, pebble.ExecOptions{Command: []string{"cat"}, Stdin: strings.NewReader(text), Timeout: time.Minute})
			assert.NoError(t, err)
			assert.Equal(t, len(text), len(out))
		})
		group.Go(func() {
			path := w.dir + "/" + strconv.Itoa(i)
			assert.NoError(t, w.client.Push(context.Background(), path, strings.NewReader(path), pebble.PushOptions{}))
			_, err := w.client.ListFiles(context.Background(), path, pebble.ListFilesOptions{})
			assert.NoError(t, err)
		})
	}
	group.Wait()
	w.client.Close()
	settles(t, before)
}
