package hooktool_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

// toolVariable makes this test binary, started under a hook tool's name,
// behave as the named program.
const toolVariable = "HOOKTOOL_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if program := os.Getenv(toolVariable); program != "" {
		os.Exit(runProgram(program))
	}
	os.Exit(m.Run())
}

func runProgram(program string) int {
	switch program {
	case "echo":
		stdin, _ := io.ReadAll(os.Stdin)
		dir, _ := os.Getwd()
		fmt.Printf("%s %q stdin=%q dir=%s home=%q", filepath.Base(os.Args[0]), os.Args[1:], stdin, filepath.Base(dir), os.Getenv("HOME"))
		fmt.Fprint(os.Stderr, "ERROR some\n")
		return 3
	case "quick":
		fmt.Print("true\n")
		return 0
	case "flood-stdout":
		flood(os.Stdout)
	case "flood-stderr":
		flood(os.Stderr)
	case "hang":
		fmt.Print("started")
		os.WriteFile(os.Getenv("STARTED"), []byte(fmt.Sprint(os.Getpid())), 0o600)
		hang()
	case "orphan":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), toolVariable+"=hang")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			return 99
		}
		fmt.Print("parent done\n")
		return 0
	case "dispatch":
		return dispatch()
	case "suicide":
		p, _ := os.FindProcess(os.Getpid())
		p.Kill()
		hang()
	}
	return 98
}

func flood(f *os.File) {
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for {
		if _, err := f.Write(chunk); err != nil {
			os.Exit(1)
		}
	}
}

// hang waits for ever: until it is killed.
func hang() {
	r, _, err := os.Pipe()
	if err != nil {
		os.Exit(97)
	}
	r.Read(make([]byte, 1))
}

// jujuc is the receiver of a fake agent's RPC.
type jujuc struct {
	requests chan Request
	answer   func(Request) (Response, error)
}

// Request is Juju's, exported as net/rpc demands.
type Request struct {
	ContextId   string
	Dir         string
	CommandName string
	Args        []string
	StdinSet    bool
	Stdin       []byte
	Token       string
}

// Response is Juju's, exported as net/rpc demands.
type Response struct {
	Code           int
	Stdout, Stderr []byte
}

// Jujuc is exported as net/rpc demands.
type Jujuc struct{ fake *jujuc }

func (j *Jujuc) Main(req Request, resp *Response) error {
	if j.fake.requests != nil {
		j.fake.requests <- req
	}
	r, err := j.fake.answer(req)
	*resp = r
	return err
}

func socketDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "hooktool")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// listen runs serve for each connection to a new socket and returns a hook's
// environment that points at it.
func listen(t testing.TB, serve func(net.Conn)) map[string]string {
	path := filepath.Join(socketDir(t), "agent.socket")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	serveOn(t, listener, serve)
	return map[string]string{
		"JUJU_AGENT_SOCKET_ADDRESS": path,
		"JUJU_AGENT_SOCKET_NETWORK": "unix",
		"JUJU_CONTEXT_ID":           "app/0-install-1",
		"JUJU_CHARM_DIR":            "/var/lib/charm",
	}
}

func serveOn(t testing.TB, listener net.Listener, serve func(net.Conn)) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
}

func agent(t testing.TB, fake *jujuc) func(net.Conn) {
	server := rpc.NewServer()
	require.NoError(t, server.RegisterName("Jujuc", &Jujuc{fake}))
	return func(conn net.Conn) { server.ServeConn(conn) }
}

func open(t testing.TB, env map[string]string, opts hooktool.Options) *hooktool.Client {
	client, err := hooktool.Open(env, opts)
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// program makes env's PATH hold a tool of this name that does what program
// says.
func program(t testing.TB, env map[string]string, tool, program string) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{tool, "juju-log"} {
		require.NoError(t, os.Symlink(self, filepath.Join(dir, name)))
	}
	env["PATH"] = "relative:" + dir
	env[toolVariable] = program
	env["GORACE"] = "atexit_sleep_ms=0"
	env["GOCOVERDIR"] = t.TempDir()
}

func wantError(t testing.TB, err error, reason hooktool.Reason, mayHaveRun bool, text string) {
	t.Helper()
	var e *hooktool.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, reason, e.Reason, "%v", err)
	assert.Equal(t, mayHaveRun, e.MayHaveRun, "%v", err)
	assert.Contains(t, err.Error(), text)
}

func TestRPCSendsTheCallAndReturnsTheAnswer(t *testing.T) {
	fake := &jujuc{requests: make(chan Request, 1), answer: func(Request) (Response, error) {
		return Response{Code: 2, Stdout: []byte("out"), Stderr: []byte("ERROR err\n")}, nil
	}}
	env := listen(t, agent(t, fake))
	env["JUJU_AGENT_TOKEN"] = "secret"
	client := open(t, env, hooktool.Options{})
	for _, stdin := range [][]byte{nil, {}, []byte("in")} {
		result, err := client.Run(t.Context(), hooktool.Call{Name: "relation-set", Args: []string{"--file", "-", ""}, Stdin: stdin})
		require.NoError(t, err)
		assert.Equal(t, hooktool.Result{Code: 2, Stdout: []byte("out"), Stderr: []byte("ERROR err\n")}, result)
		got := <-fake.requests
		assert.Equal(t, stdin != nil, got.StdinSet)
		assert.Equal(t, string(stdin), string(got.Stdin))
		assert.Equal(t, []string{"--file", "-", ""}, got.Args)
		assert.Equal(t, "relation-set", got.CommandName)
		assert.Equal(t, "app/0-install-1", got.ContextId)
		assert.Equal(t, "/var/lib/charm", got.Dir)
		assert.Equal(t, "secret", got.Token)
	}
}

func TestRPCReusesOneConnectionAndCloseEndsIt(t *testing.T) {
	fake := &jujuc{answer: func(Request) (Response, error) { return Response{}, nil }}
	var connections atomic.Int32
	ended := make(chan bool, 10)
	serve := agent(t, fake)
	env := listen(t, func(conn net.Conn) {
		connections.Add(1)
		serve(conn)
		ended <- true
	})
	client := open(t, env, hooktool.Options{})
	for range 5 {
		_, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, connections.Load())
	require.NoError(t, client.Close())
	<-ended
	_, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
	wantError(t, err, hooktool.Lost, false, "the hook is over")
	require.NoError(t, client.Close())
}

func TestRPCUsesAbstractSockets(t *testing.T) {
	name := fmt.Sprintf("@hooktool-test-%d", os.Getpid())
	listener, err := net.Listen("unix", name)
	if err != nil {
		t.Skipf("no abstract sockets here: %v", err)
	}
	serveOn(t, listener, agent(t, &jujuc{answer: func(Request) (Response, error) { return Response{Code: 7}, nil }}))
	client := open(t, map[string]string{"JUJU_AGENT_SOCKET_ADDRESS": name, "JUJU_CONTEXT_ID": "x", "JUJU_CHARM_DIR": "/charm"}, hooktool.Options{})
	result, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
	require.NoError(t, err)
	assert.Equal(t, 7, result.Code)
}

func TestRPCOverTLSChecksTheAgentsCertificate(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		ok         bool
	}{{"own application", "web-app/3", true}, {"another's", "other/3", false}} {
		t.Run(c.name, func(t *testing.T) {
			cert, ca := certificate(t, "web-app")
			listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
			require.NoError(t, err)
			serveOn(t, listener, agent(t, &jujuc{answer: func(Request) (Response, error) { return Response{Code: 7}, nil }}))
			client := open(t, map[string]string{
				"JUJU_AGENT_SOCKET_ADDRESS": listener.Addr().String(),
				"JUJU_AGENT_SOCKET_NETWORK": "tcp",
				"JUJU_AGENT_CA_CERT":        ca,
				"JUJU_CONTEXT_ID":           "x",
				"JUJU_CHARM_DIR":            "/charm",
				"JUJU_UNIT_NAME":            c.unit,
				hooktool.ModeVariable:       "rpc",
			}, hooktool.Options{})
			result, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
			if !c.ok {
				wantError(t, err, hooktool.Lost, false, "certificate")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, 7, result.Code)
		})
	}
}

// certificate makes a self-signed one for name; ca is its PEM file.
func certificate(t *testing.T, name string) (cert tls.Certificate, ca string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca
}

func TestRPCGivesEmptyStandardInputToAToolThatAsksForIt(t *testing.T) {
	fake := &jujuc{requests: make(chan Request, 2), answer: func(r Request) (Response, error) {
		if !r.StdinSet {
			return Response{}, errors.New("hook tool requires stdin, none supplied")
		}
		return Response{Stdout: []byte("ok")}, nil
	}}
	client := open(t, listen(t, agent(t, fake)), hooktool.Options{})
	result, err := client.Run(t.Context(), hooktool.Call{Name: "relation-set", Args: []string{"--file", "-"}})
	require.NoError(t, err)
	assert.Equal(t, "ok", string(result.Stdout))
	assert.Len(t, fake.requests, 2)
}

func TestServerErrors(t *testing.T) {
	fake := &jujuc{answer: func(r Request) (Response, error) {
		if r.CommandName == "made-up" {
			return Response{}, errors.New("bad request: unknown command: made-up")
		}
		return Response{}, errors.New(`bad request: wrong context ID; got "app/0-install-1"`)
	}}
	env := listen(t, agent(t, fake))
	program(t, env, "config-get", "quick")
	client := open(t, env, hooktool.Options{})
	_, err := client.Run(t.Context(), hooktool.Call{Name: "made-up"})
	wantError(t, err, hooktool.Missing, false, "cannot run made-up: this version of Juju has no such hook tool")
	_, err = client.Run(t.Context(), hooktool.Call{Name: "config-get"})
	wantError(t, err, hooktool.Refused, false, "wrong context ID")
}

func TestFallsBackToTheToolsOnPathOnlyWhenNothingCanHaveBeenDone(t *testing.T) {
	nothing := func(net.Conn) {}
	garbage := func(conn net.Conn) {
		conn.Read(make([]byte, 1))
		conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	}
	other := rpc.NewServer()
	require.NoError(t, other.RegisterName("Other", &Jujuc{}))
	otherMethod := rpc.NewServer()
	require.NoError(t, otherMethod.RegisterName("Jujuc", &OtherMethod{}))
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		env   map[string]string
		falls bool
	}{
		{"no variables", nil, map[string]string{}, true},
		{"no context", nil, map[string]string{"JUJU_AGENT_SOCKET_ADDRESS": "/x"}, true},
		{"no such socket", nil, map[string]string{"JUJU_AGENT_SOCKET_ADDRESS": "/nonexistent/x", "JUJU_CONTEXT_ID": "x"}, true},
		{"unknown network", nil, map[string]string{"JUJU_AGENT_SOCKET_ADDRESS": "x", "JUJU_AGENT_SOCKET_NETWORK": "carrier-pigeon", "JUJU_CONTEXT_ID": "x"}, true},
		{"no charm folder", nil, map[string]string{"JUJU_AGENT_SOCKET_ADDRESS": "/x", "JUJU_CONTEXT_ID": "x", "JUJU_CHARM_DIR": "relative"}, true},
		{"no such service", func(conn net.Conn) { other.ServeConn(conn) }, nil, true},
		{"no such method", func(conn net.Conn) { otherMethod.ServeConn(conn) }, nil, true},
		{"garbage", garbage, nil, false},
		{"closes after reading", func(conn net.Conn) { conn.Read(make([]byte, 1)) }, nil, false},
		{"closes at once", nothing, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := c.env
			if c.serve != nil {
				env = listen(t, c.serve)
			}
			program(t, env, "is-leader", "quick")
			env["JUJU_CHARM_DIR"] = t.TempDir()
			client := open(t, env, hooktool.Options{})
			for range 2 {
				result, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
				if c.falls {
					require.NoError(t, err)
					assert.Equal(t, "true\n", string(result.Stdout))
				} else {
					require.Error(t, err)
				}
			}
			env[hooktool.ModeVariable] = "rpc"
			forced, err := hooktool.Open(env, hooktool.Options{})
			if err == nil {
				_, err = forced.Run(t.Context(), hooktool.Call{Name: "is-leader"})
				forced.Close()
			}
			require.Error(t, err, "rpc was forced")
		})
	}
}

// OtherMethod is exported as net/rpc demands.
type OtherMethod struct{}

// Minor is not the method that the client wants.
func (*OtherMethod) Minor(Request, *Response) error { return nil }

func TestModeVariable(t *testing.T) {
	fake := &jujuc{answer: func(Request) (Response, error) { return Response{Stdout: []byte("rpc")}, nil }}
	env := listen(t, agent(t, fake))
	env["JUJU_CHARM_DIR"] = t.TempDir()
	program(t, env, "is-leader", "quick")
	env[hooktool.ModeVariable] = "exec"
	result, err := open(t, env, hooktool.Options{}).Run(t.Context(), hooktool.Call{Name: "is-leader"})
	require.NoError(t, err)
	assert.Equal(t, "true\n", string(result.Stdout))
	env[hooktool.ModeVariable] = "RPC"
	_, err = hooktool.Open(env, hooktool.Options{})
	require.EqualError(t, err, `cannot use STARCHARM_HOOK_TOOLS="RPC": it must be rpc, exec or unset`)
	_, err = hooktool.Open(map[string]string{hooktool.ModeVariable: "rpc"}, hooktool.Options{})
	require.EqualError(t, err, `cannot use STARCHARM_HOOK_TOOLS=rpc: JUJU_AGENT_SOCKET_ADDRESS is not set`)
}

// header is what net/rpc's gob server writes for one answer.
func header(t *testing.T, body any) []byte {
	var out bytes.Buffer
	fake := &jujuc{answer: func(Request) (Response, error) { return body.(Response), nil }}
	left, right := net.Pipe()
	done := make(chan bool)
	serve := agent(t, fake)
	go func() { serve(right); close(done) }()
	client := rpc.NewClient(struct {
		io.Reader
		io.Writer
		io.Closer
	}{io.TeeReader(left, &out), left, left})
	require.NoError(t, client.Call("Jujuc.Main", Request{CommandName: "x"}, &Response{}))
	client.Close()
	<-done
	return out.Bytes()
}

func TestServersThatBreakOffAtEveryByte(t *testing.T) {
	good := header(t, Response{Code: 5, Stdout: []byte("out"), Stderr: []byte("err")})
	for n := range good {
		var served atomic.Int32
		env := listen(t, func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			if served.Add(1) > 1 {
				conn.Write(good)
				return
			}
			conn.Write(good[:n])
		})
		client := open(t, env, hooktool.Options{})
		_, err := client.Run(t.Context(), hooktool.Call{Name: "status-set"})
		var e *hooktool.Error
		require.ErrorAs(t, err, &e)
		assert.True(t, e.MayHaveRun)
		assert.EqualValues(t, 1, served.Load(), "asked twice")
		// A later call dials anew. Its number is not that of the canned answer.
		_, err = client.Run(t.Context(), hooktool.Call{Name: "status-set"})
		wantError(t, err, hooktool.Garbage, true, "answer 0 to request 2")
	}
}

func TestHalfClosedSocketAndLaterReconnect(t *testing.T) {
	fake := &jujuc{answer: func(Request) (Response, error) { return Response{Code: 4}, nil }}
	serve := agent(t, fake)
	var served atomic.Int32
	env := listen(t, func(conn net.Conn) {
		if served.Add(1) == 1 {
			conn.(*net.UnixConn).CloseWrite()
			io.Copy(io.Discard, conn)
			return
		}
		serve(conn)
	})
	client := open(t, env, hooktool.Options{})
	_, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
	wantError(t, err, hooktool.Lost, true, "closed the connection")
	result, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
	require.NoError(t, err)
	assert.Equal(t, 4, result.Code)
}

func TestServerThatNeverAnswers(t *testing.T) {
	env := listen(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	client := open(t, env, hooktool.Options{Timeout: 20 * time.Millisecond, ResourceTimeout: 40 * time.Millisecond})
	_, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
	wantError(t, err, hooktool.Timeout, true, "cannot run is-leader: no answer within 20ms (it may have been carried out)")
	_, err = client.Run(t.Context(), hooktool.Call{Name: "resource-get"})
	wantError(t, err, hooktool.Timeout, true, "no answer within 40ms")
}

func TestServerThatDoesNotRead(t *testing.T) {
	release := make(chan bool)
	env := listen(t, func(net.Conn) { <-release })
	defer close(release)
	client := open(t, env, hooktool.Options{Timeout: 50 * time.Millisecond})
	_, err := client.Run(t.Context(), hooktool.Call{Name: "relation-set", Stdin: make([]byte, 16<<20)})
	wantError(t, err, hooktool.Timeout, false, "it was not carried out")
}

func TestCancellationAndCloseEndACall(t *testing.T) {
	reached := make(chan bool)
	env := listen(t, func(conn net.Conn) {
		conn.Read(make([]byte, 1))
		reached <- true
		io.Copy(io.Discard, conn)
	})
	client := open(t, env, hooktool.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	_, err := client.Run(ctx, hooktool.Call{Name: "is-leader"})
	wantError(t, err, hooktool.Canceled, true, "context canceled")
	require.ErrorIs(t, err, context.Canceled)
	_, err = client.Run(ctx, hooktool.Call{Name: "is-leader"})
	wantError(t, err, hooktool.Canceled, false, "it was not carried out")

	go func() { <-reached; client.Close() }()
	_, err = client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
	wantError(t, err, hooktool.Lost, true, "the hook is over")
}

func TestAnswersHaveABound(t *testing.T) {
	var size atomic.Int64
	fake := &jujuc{answer: func(r Request) (Response, error) {
		if r.CommandName == "status-get" {
			return Response{Stderr: make([]byte, size.Load())}, nil
		}
		return Response{Stdout: make([]byte, size.Load())}, nil
	}}
	env := listen(t, agent(t, fake))
	client := open(t, env, hooktool.Options{})
	size.Store(64 << 20)
	result, err := client.Run(t.Context(), hooktool.Call{Name: "relation-get"})
	require.NoError(t, err)
	assert.Len(t, result.Stdout, 64<<20)
	for _, tooMuch := range []int64{64<<20 + 1, 70 << 20} {
		size.Store(tooMuch)
		_, err = client.Run(t.Context(), hooktool.Call{Name: "relation-get"})
		wantError(t, err, hooktool.Garbage, true, "larger than 64 MiB")
	}
	size.Store(1<<20 + 1)
	_, err = client.Run(t.Context(), hooktool.Call{Name: "status-get"})
	wantError(t, err, hooktool.Garbage, true, "larger than")
}

func TestManyGoroutinesShareAClient(t *testing.T) {
	var running atomic.Int32
	fake := &jujuc{answer: func(r Request) (Response, error) {
		if running.Add(1) != 1 {
			return Response{}, errors.New("two calls at once")
		}
		defer running.Add(-1)
		return Response{Stdout: []byte(r.Args[0])}, nil
	}}
	client := open(t, listen(t, agent(t, fake)), hooktool.Options{})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			arg := fmt.Sprint(i)
			result, err := client.Run(t.Context(), hooktool.Call{Name: "config-get", Args: []string{arg}})
			assert.NoError(t, err)
			assert.Equal(t, arg, string(result.Stdout))
		})
	}
	wg.Wait()
}

func execEnv(t testing.TB, tool, behaviour string) map[string]string {
	env := map[string]string{"JUJU_CHARM_DIR": t.TempDir()}
	program(t, env, tool, behaviour)
	return env
}

func TestExecRunsTheToolInTheCharmsFolder(t *testing.T) {
	env := execEnv(t, "relation-set", "echo")
	client := open(t, env, hooktool.Options{})
	result, err := client.Run(t.Context(), hooktool.Call{Name: "relation-set", Args: []string{"a b", "$(c)"}, Stdin: []byte("in")})
	require.NoError(t, err)
	want := fmt.Sprintf(`relation-set ["a b" "$(c)"] stdin="in" dir=%s home=""`, filepath.Base(env["JUJU_CHARM_DIR"]))
	assert.Equal(t, want, string(result.Stdout))
	assert.Equal(t, "ERROR some\n", string(result.Stderr))
	assert.Equal(t, 3, result.Code)
}

func TestExecFindsToolsOnTheHooksPathAlone(t *testing.T) {
	env := execEnv(t, "is-leader", "quick")
	dir := filepath.SplitList(env["PATH"])[1]
	require.NoError(t, os.WriteFile(filepath.Join(dir, "not-executable"), nil, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	client := open(t, env, hooktool.Options{})
	for _, name := range []string{"config-get", "sh", "not-executable", "folder", "", "../" + filepath.Base(dir) + "/is-leader", filepath.Join(dir, "is-leader"), "-x", strings.Repeat("a", 65)} {
		_, err := client.Run(t.Context(), hooktool.Call{Name: name})
		wantError(t, err, hooktool.Missing, false, "it was not carried out")
	}
	_, err := client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
	require.NoError(t, err)
	elsewhere := t.TempDir() // on PATH, and not the agent's
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "curl"), []byte("#!/bin/sh\n"), 0o700))
	for _, path := range []string{elsewhere + ":" + dir, dir + ":" + elsewhere} {
		env["PATH"] = path
		client := open(t, env, hooktool.Options{})
		_, err := client.Run(t.Context(), hooktool.Call{Name: "curl"})
		wantError(t, err, hooktool.Missing, false, "no such hook tool")
		_, err = client.Run(t.Context(), hooktool.Call{Name: "is-leader"})
		require.NoError(t, err)
	}
	relative := execEnv(t, "is-leader", "quick")
	t.Chdir(filepath.SplitList(relative["PATH"])[1])
	relative["PATH"] = ".:"
	_, err = open(t, relative, hooktool.Options{}).Run(t.Context(), hooktool.Call{Name: "is-leader"})
	wantError(t, err, hooktool.Missing, false, "PATH")
}

func TestExecToolThatCannotStart(t *testing.T) {
	env := execEnv(t, "is-leader", "quick")
	env["JUJU_CHARM_DIR"] = "/nonexistent"
	_, err := open(t, env, hooktool.Options{}).Run(t.Context(), hooktool.Call{Name: "is-leader"})
	wantError(t, err, hooktool.Lost, false, "cannot start it")
}

func TestExecBounds(t *testing.T) {
	for _, behaviour := range []string{"flood-stdout", "flood-stderr"} {
		client := open(t, execEnv(t, "config-get", behaviour), hooktool.Options{})
		_, err := client.Run(t.Context(), hooktool.Call{Name: "config-get"})
		wantError(t, err, hooktool.Garbage, true, "larger than 64 MiB")
	}
}

func TestExecTimeoutAndCancellationKillTheTool(t *testing.T) {
	env := execEnv(t, "config-get", "hang")
	env["STARTED"] = filepath.Join(t.TempDir(), "pid")
	_, err := open(t, env, hooktool.Options{Timeout: 300 * time.Millisecond}).Run(t.Context(), hooktool.Call{Name: "config-get"})
	wantError(t, err, hooktool.Timeout, true, "no answer within 300ms")

	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, os.RemoveAll(env["STARTED"]))
	go func() {
		for {
			if _, err := os.Stat(env["STARTED"]); err == nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err = open(t, env, hooktool.Options{}).Run(ctx, hooktool.Call{Name: "config-get"})
	wantError(t, err, hooktool.Canceled, true, "it may have been carried out")
	_, err = open(t, execEnv(t, "config-get", "suicide"), hooktool.Options{}).Run(t.Context(), hooktool.Call{Name: "config-get"})
	wantError(t, err, hooktool.Lost, true, "killed")
}

func TestExecOrphanHoldingThePipe(t *testing.T) {
	env := execEnv(t, "config-get", "orphan")
	env["STARTED"] = filepath.Join(t.TempDir(), "pid")
	client := open(t, env, hooktool.Options{OrphanDelay: 200 * time.Millisecond})
	result, err := client.Run(t.Context(), hooktool.Call{Name: "config-get"})
	require.NoError(t, err)
	assert.Contains(t, string(result.Stdout), "parent done\n")
	if pid, err := os.ReadFile(env["STARTED"]); err == nil {
		var n int
		fmt.Sscan(string(pid), &n)
		orphan, err := os.FindProcess(n)
		require.NoError(t, err)
		orphan.Kill()
	}
}

// FuzzAnswer: whatever the agent's socket says, a call ends with a result or
// an *Error.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Add([]byte{0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x03, 0x02, 0xff, 0x81})
	f.Fuzz(func(t *testing.T, answer []byte) {
		env := listen(t, func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			conn.Write(answer)
		})
		_, err := open(t, env, hooktool.Options{Timeout: 5 * time.Second}).Run(t.Context(), hooktool.Call{Name: "config-get"})
		var e *hooktool.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("not an *Error: %v", err)
		}
	})
}

func BenchmarkRPC(b *testing.B) {
	fake := &jujuc{answer: func(Request) (Response, error) { return Response{Stdout: []byte("true\n")}, nil }}
	benchmark(b, listen(b, agent(b, fake)))
}

func BenchmarkExec(b *testing.B) {
	benchmark(b, execEnv(b, "is-leader", "quick"))
}

func benchmark(b *testing.B, env map[string]string) {
	client := open(b, env, hooktool.Options{})
	for b.Loop() {
		if _, err := client.Run(b.Context(), hooktool.Call{Name: "is-leader", Args: []string{"--format=json"}}); err != nil {
			b.Fatal(err)
		}
	}
}
