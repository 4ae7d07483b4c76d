package pebble_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// liar is a daemon that accepts a command and then says what it likes.
type liar struct {
	stdio, stderr, control []byte
	logs                   []byte
}

func (h liar) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(code int, contentType string, body io.ReadCloser) (*http.Response, error) {
		return &http.Response{StatusCode: code, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {contentType}}, Body: body, Request: r}, nil
	}
	text := func(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	said, isSocket := map[string][]byte{"stdio": h.stdio, "stderr": h.stderr, "control": h.control}[name]
	switch {
	case isSocket:
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		resp, _ := answer(http.StatusSwitchingProtocols, "", speaker{bytes.NewReader(said)})
		resp.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Accept": {base64.StdEncoding.EncodeToString(sum[:])}}
		return resp, nil
	case name == "exec":
		return answer(http.StatusAccepted, "application/json", text(`{"type":"async","status-code":202,"change":"1","result":{"task-id":"1"}}`))
	case name == "logs":
		return answer(http.StatusOK, "application/x-ndjson", io.NopCloser(bytes.NewReader(h.logs)))
	}
	return answer(http.StatusOK, "application/json", text(`{"type":"sync","status-code":200,"result":{"id":"1","ready":true,"tasks":[{"data":{"exit-code":0}}]}}`))
}

// speaker says something and hangs up; it hears nothing.
type speaker struct{ io.Reader }

func (speaker) Write(b []byte) (int, error) { return len(b), nil }
func (speaker) Close() error                { return nil }

// FuzzExecFrames: whatever comes over the websockets, an exec ends, with an
// error of a kind if it fails, and leaves nothing behind.
func FuzzExecFrames(f *testing.F) {
	end := "\x81\x11" + `{"command":"end"}`
	for _, stdio := range []string{"", end, "\x82\x02hi" + end, "\x81\x02{}" + end, "\x81\x03\xff\xfe\xfd" + end, "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "\x82\x7f\x00\x00\x00\x00\xff\xff\xff\xffx",
		"\x02\x01a\x80\x01b" + end, "\x80\x01b", "\x88\x02\x03\xe8", "\x88\x00", "\x89\x00" + end, "\x8a\x7d", "\x83\x00", "\xc2\x01a", "\x82\x81abcde", "\x81\x00\x81\x00" + end} {
		f.Add([]byte(stdio), []byte(end), []byte("\x81\x02{}"))
	}
	f.Fuzz(func(t *testing.T, stdio, stderr, control []byte) {
		before := runtime.NumGoroutine()
		client := pebble.New(pebble.Config{Transport: liar{stdio: stdio, stderr: stderr, control: control}, Timeout: 200 * time.Millisecond, IdleTimeout: 200 * time.Millisecond})
		within(t, 20*time.Second, func() {
			p, err := client.Exec(context.Background(), pebble.ExecOptions{Command: []string{"x"}, MaxOutput: 1 << 20})
			if err == nil {
				_, _, err = p.Output()
			}
			if err != nil && !pebble.IsKind(err, pebble.RootError) {
				t.Errorf("an error without a kind: %v", err)
			}
		})
		for i := 0; runtime.NumGoroutine() > before; i++ {
			if i > 1000 {
				t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// TestStrangeFrames: commands that are not known, and what is none, neither end
// a stream nor get into it.
func TestStrangeFrames(t *testing.T) {
	const end = "\x81\x11" + `{"command":"end"}`
	const strange = "\x81\x00" + "\x81\x02{}" + "\x81\x04nope" + "\x81\x11" + `{"command":"new"}` + "\x81\x0d" + `{"command":3}`
	client := pebble.New(pebble.Config{Transport: liar{
		stdio:  []byte(strange + "\x82\x02hi" + strange + "\x82\x01!" + end),
		stderr: []byte("\x82\x03err" + strange + end),
	}})
	p, err := client.Exec(t.Context(), pebble.ExecOptions{Command: []string{"x"}})
	require.NoError(t, err)
	out, errOut, err := p.Output()
	require.NoError(t, err)
	assert.Equal(t, "hi!", string(out))
	assert.Equal(t, "err", string(errOut))
	assert.NoError(t, p.Wait(), "a second wait says the same")
}

// FuzzLogLines: whatever comes for logs is entries, or an error of a kind.
func FuzzLogLines(f *testing.F) {
	for _, logs := range []string{"", "\n\n", "{}", `{"time":"2026-01-02T03:04:05.678Z","service":"a","message":"b"}` + "\n", `{"time":3}`, `{"message":"` + strings.Repeat("x", 1<<20), "null\n3\n", "\xff"} {
		f.Add([]byte(logs))
	}
	f.Fuzz(func(t *testing.T, logs []byte) {
		client := pebble.New(pebble.Config{Transport: liar{logs: logs}})
		entries, err := client.Logs(context.Background(), pebble.LogsOptions{})
		if err != nil && !pebble.IsKind(err, pebble.RootError) {
			t.Errorf("an error without a kind: %v", err)
		}
		for _, e := range entries {
			_ = e.String()
		}
		if err := client.FollowLogs(context.Background(), pebble.LogsOptions{}, func(*pebble.LogEntry) error { return nil }); !pebble.IsKind(err, pebble.RootError) {
			t.Errorf("following ends with %v", err)
		}
	})
}
