package hooktool

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The wire format is Go's net/rpc with gob: a header, then a body. The headers
// are those of net/rpc, declared here because that package brings html/template
// and an HTTP server into the program; the bodies are Juju's own
// (worker/uniter/runner/jujuc), the same from 2.9 to 4.1. gob leaves out empty
// fields and ignores those that the other side does not know, so Token does not
// trouble Juju 4.
type (
	rpcRequestHeader struct {
		ServiceMethod string
		Seq           uint64
	}
	rpcResponseHeader struct {
		ServiceMethod string
		Seq           uint64
		Error         string
	}
	rpcRequest struct {
		ContextId   string
		Dir         string
		CommandName string
		Args        []string
		StdinSet    bool
		Stdin       []byte
		Token       string
	}
	rpcResponse struct {
		Code   int
		Stdout []byte
		Stderr []byte
	}
)

const (
	rpcMethod = "Jujuc.Main"
	// rpcSlack is what an answer may hold besides output: gob's type
	// descriptions, headers and counts.
	rpcSlack = 64 << 10
	// noStdin is Juju's error for a tool that reads standard input when the
	// request has none. The tool has not begun then.
	noStdin = "hook tool requires stdin, none supplied"
)

// rpcTransport calls the agent's server over one connection, which it makes
// when it is first needed and anew after it was lost.
type rpcTransport struct {
	network, address string
	tls              *tls.Config // nil: none
	template         rpcRequest
	dialTimeout      time.Duration

	conn    net.Conn // nil: not connected
	limit   *limitedReader
	out     bytes.Buffer
	enc     *gob.Encoder
	dec     *gob.Decoder
	seq     uint64
	proved  bool  // a call was answered: this is Juju's agent
	refusal error // why the environment does not allow RPC
}

// newRPCTransport always returns a transport; the error, which its calls
// repeat, says why it cannot work in this environment.
func newRPCTransport(env map[string]string, opts Options) (*rpcTransport, error) {
	t := &rpcTransport{
		network: env["JUJU_AGENT_SOCKET_NETWORK"],
		address: env["JUJU_AGENT_SOCKET_ADDRESS"],
		template: rpcRequest{
			ContextId: env["JUJU_CONTEXT_ID"],
			Dir:       env["JUJU_CHARM_DIR"],
			Token:     env["JUJU_AGENT_TOKEN"],
		},
		dialTimeout: opts.DialTimeout,
	}
	if t.network == "" {
		t.network = "unix"
	}
	t.refusal = t.check(env)
	return t, t.refusal
}

func (t *rpcTransport) check(env map[string]string) error {
	for _, name := range []string{"JUJU_AGENT_SOCKET_ADDRESS", "JUJU_CONTEXT_ID"} {
		if env[name] == "" {
			return fmt.Errorf("%s is not set", name)
		}
	}
	if !filepath.IsAbs(t.template.Dir) { // which Juju demands
		return fmt.Errorf("JUJU_CHARM_DIR is %q: it must be an absolute path", t.template.Dir)
	}
	if t.network != "unix" && t.network != "tcp" {
		return fmt.Errorf("JUJU_AGENT_SOCKET_NETWORK is %q: it must be unix or tcp", t.network)
	}
	path := env["JUJU_AGENT_CA_CERT"]
	if t.network != "tcp" || path == "" {
		return nil
	}
	pem, err := readBounded(path, 1<<20)
	if err != nil {
		return fmt.Errorf("cannot read JUJU_AGENT_CA_CERT: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("JUJU_AGENT_CA_CERT: %s holds no certificate", path)
	}
	// The agent's certificate names the application.
	app, _, _ := strings.Cut(env["JUJU_UNIT_NAME"], "/")
	t.tls = &tls.Config{RootCAs: roots, ServerName: app}
	return nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, nil
}

func (t *rpcTransport) run(ctx context.Context, call Call) (Result, error) {
	result, err := t.call(ctx, call)
	var refused serverError
	if call.Stdin == nil && errors.As(err, &refused) && refused == noStdin {
		// As a tool does whose standard input is /dev/null.
		call.Stdin = []byte{}
		result, err = t.call(ctx, call)
	}
	return result, err
}

// call makes one request and reads its response.
func (t *rpcTransport) call(ctx context.Context, call Call) (Result, error) {
	if err := t.connect(ctx, call.Name); err != nil {
		return Result{}, err
	}
	conn := t.conn
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	response, sent, err := t.exchange(call)
	if !stop() && err == nil {
		// The deadline that was set, or is about to be, would fail the next call.
		t.close()
	}
	if err == nil {
		t.proved = true
		if len(response.Stdout) > maxStdout || len(response.Stderr) > maxStderr {
			return Result{}, &Error{Tool: call.Name, Reason: Garbage, MayHaveRun: true, Err: errTooLarge}
		}
		return Result{Stdout: response.Stdout, Stderr: response.Stderr, Code: response.Code}, nil
	}
	var refused serverError
	if errors.As(err, &refused) {
		return Result{}, t.refused(call.Name, refused)
	}
	t.close()
	if ctx.Err() != nil {
		return Result{}, contextError(ctx, call.Name, sent)
	}
	e := &Error{Tool: call.Name, Reason: Garbage, MayHaveRun: sent, Err: err}
	var netErr net.Error
	switch {
	case errors.Is(err, errTooLarge):
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason, e.Err = Lost, errors.New("the agent of Juju closed the connection")
	case errors.As(err, &netErr):
		e.Reason, e.Err = Lost, fmt.Errorf("lost the connection to Juju's agent: %w", err)
	default:
		e.Err = fmt.Errorf("cannot understand what listens on %s: %w", t.address, err)
	}
	return Result{}, e
}

// refused is the error for a call that the server answered with an error of
// its own, before it ran anything.
func (t *rpcTransport) refused(tool string, text serverError) error {
	e := &Error{Tool: tool, Reason: Refused, Err: text}
	switch {
	case strings.HasPrefix(string(text), "rpc: "):
		// net/rpc's own: there is no service or method of that name.
		if !t.proved {
			e.Err = fmt.Errorf("%w on %s: %w", errNoService, t.address, text)
		}
	case strings.Contains(string(text), "unknown command"):
		t.proved = true
		e.Reason, e.Err = Missing, errors.New("this version of Juju has no such hook tool")
	default:
		t.proved = true
		e.Err = fmt.Errorf("the agent of Juju refused the call: %w", text)
	}
	return e
}

// connect dials unless there is a connection.
func (t *rpcTransport) connect(ctx context.Context, tool string) error {
	if t.conn != nil {
		return nil
	}
	conn, err := t.dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return contextError(ctx, tool, false)
		}
		if !t.proved {
			err = fmt.Errorf("%w: %w", errNoService, err)
		}
		return &Error{Tool: tool, Reason: Lost, Err: fmt.Errorf("cannot connect to Juju's agent: %w", err)}
	}
	t.conn = conn
	t.limit = &limitedReader{r: conn}
	t.out = bytes.Buffer{}
	t.enc = gob.NewEncoder(&t.out)
	t.dec = gob.NewDecoder(t.limit)
	return nil
}

func (t *rpcTransport) dial(ctx context.Context) (net.Conn, error) {
	if t.refusal != nil {
		return nil, t.refusal
	}
	ctx, cancel := context.WithTimeout(ctx, t.dialTimeout)
	defer cancel()
	if t.tls != nil {
		return (&tls.Dialer{Config: t.tls}).DialContext(ctx, t.network, t.address)
	}
	return (&net.Dialer{}).DialContext(ctx, t.network, t.address)
}

// exchange sends a request and reads the response. sent says that all of the
// request left, so that the server may have acted on it.
func (t *rpcTransport) exchange(call Call) (response rpcResponse, sent bool, err error) {
	defer func() {
		// gob promises no more than effort against hostile data.
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot decode: %v", p)
		}
	}()
	request := t.template
	request.CommandName = call.Name
	request.Args = call.Args
	request.StdinSet = call.Stdin != nil
	request.Stdin = call.Stdin
	t.seq++
	if err := t.enc.Encode(&rpcRequestHeader{ServiceMethod: rpcMethod, Seq: t.seq}); err != nil {
		return response, false, err
	}
	if err := t.enc.Encode(&request); err != nil {
		return response, false, err
	}
	n, err := t.conn.Write(t.out.Bytes())
	sent = n == t.out.Len()
	t.out.Reset()
	if err != nil {
		return response, sent, err
	}
	t.limit.left = maxStdout + maxStderr + rpcSlack
	var header rpcResponseHeader
	if err := t.dec.Decode(&header); err != nil {
		return response, true, err
	}
	if header.Seq != t.seq {
		return response, true, fmt.Errorf("answer %d to request %d", header.Seq, t.seq)
	}
	if header.Error != "" {
		var discard any // an empty struct
		if err := t.dec.Decode(discard); err != nil {
			return response, true, err
		}
		return response, true, serverError(header.Error)
	}
	err = t.dec.Decode(&response)
	return response, true, err
}

func (t *rpcTransport) close() {
	if t.conn != nil {
		t.conn.Close()
		t.conn = nil
	}
}

// serverError is what the server says instead of running a command.
type serverError string

func (e serverError) Error() string { return string(e) }

// errTooLarge says that an answer exceeds maxStdout or maxStderr.
var errTooLarge = fmt.Errorf("the output is larger than %d MiB, or the errors than %d MiB", maxStdout>>20, maxStderr>>20)

// limitedReader fails once more than left bytes are asked of it.
type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	if len(p) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= n
	return n, err
}
