package pebble_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listen serves connections on a unix socket and returns its path.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pb")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return path
}

// reply serves one answer, whatever is asked, and closes the connection.
func reply(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		// What is left unread would take the answer with it.
		io.Copy(io.Discard, request.Body)
		io.WriteString(conn, answer)
	}
}

// serve runs a handler on a unix socket and returns a client of it.
func serve(t *testing.T, cfg pebble.Config, handler http.HandlerFunc) *pebble.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "pb")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg.SocketPath = filepath.Join(dir, "s")
	listener, err := net.Listen("unix", cfg.SocketPath)
	require.NoError(t, err)
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	client := pebble.New(cfg)
	t.Cleanup(client.Close)
	return client
}

func answerJSON(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	io.WriteString(w, text)
}

func TestMissingSocket(t *testing.T) {
	client := pebble.New(pebble.Config{SocketPath: "/nope/pebble.socket"})
	_, err := client.SystemInfo(context.Background())
	assert.True(t, pebble.IsKind(err, pebble.ConnectionError))
	assert.EqualError(t, err, "Could not connect to Pebble: socket not found at '/nope/pebble.socket' (container restarted?)")
}

func TestDeadSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	listener.SetUnlinkOnClose(false)
	listener.Close()
	_, err = pebble.New(pebble.Config{SocketPath: path}).SystemInfo(context.Background())
	assert.True(t, pebble.IsKind(err, pebble.ConnectionError))
	assert.EqualError(t, err, "Could not connect to Pebble at '"+path+"': connection refused (is Pebble running?)")
}

func TestAPIError(t *testing.T) {
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, 404, `{"type":"error","status-code":404,"status":"Not Found","result":{"message":"no foo found","kind":"k"}}`)
	})
	_, err := client.SystemInfo(context.Background())
	e := asError(err)
	require.NotNil(t, e)
	assert.Equal(t, &pebble.Error{Kind: pebble.APIError, Code: 404, Status: "Not Found", Message: "no foo found", APIKind: "k"}, e)
}

func TestCancel(t *testing.T) {
	asked := make(chan struct{})
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	_, err := client.SystemInfo(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, pebble.RootError, asError(err).Kind)
}

// A restarted daemon closes idle connections: neither kind of request may fail
// for it.
func TestConnections(t *testing.T) {
	var connections atomic.Int32
	path := listen(t, func(conn net.Conn) {
		connections.Add(1)
		defer conn.Close()
		reader := bufio.NewReader(conn)
		for {
			request, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			io.Copy(io.Discard, request.Body)
			body := `{"type":"sync","result":true}`
			if request.Method == "GET" {
				body = `{"type":"sync","result":{}}`
			}
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	})
	client := pebble.New(pebble.Config{SocketPath: path})
	defer client.Close()
	for range 3 {
		_, err := client.SystemInfo(context.Background())
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, connections.Load(), "reads share a connection")
	for range 3 {
		require.NoError(t, client.SendSignal(context.Background(), "SIGHUP", []string{"a"}))
	}
	assert.EqualValues(t, 4, connections.Load(), "each write has its own")
}

func TestSignalName(t *testing.T) {
	name, err := pebble.SignalName(15)
	require.NoError(t, err)
	assert.Equal(t, "SIGTERM", name)
	for _, number := range []int{0, -1, 999} {
		_, err = pebble.SignalName(number)
		assert.Error(t, err)
	}
}
