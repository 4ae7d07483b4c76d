package pebble

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxAnswer is how large an answer that is held in memory may be, in
	// bytes.
	maxAnswer = 16 << 20
	// maxHeader is how large the header of an answer may be, in bytes.
	maxHeader = 64 << 10

	defaultTimeout     = 5 * time.Second
	defaultIdleTimeout = 30 * time.Second
	defaultWait        = 30 * time.Second
	defaultDelay       = 100 * time.Millisecond
)

// Config says where a Pebble is and how long to wait for it.
type Config struct {
	// SocketPath is the path of the daemon's unix socket. In a charm it is
	// /charm/containers/NAME/pebble.socket.
	SocketPath string
	// Transport replaces the socket, in tests.
	Transport http.RoundTripper
	// Wrap, unless nil, is put around what carries requests, for who refuses
	// or records some.
	Wrap func(http.RoundTripper) http.RoundTripper
	// Timeout is how long one request may take, from connecting to the last
	// byte of the answer: 5 seconds by default. It does not bound transfers
	// of files, and a wait for a change is made of several requests.
	Timeout time.Duration
	// IdleTimeout is how long a transfer of a file, or the removal of a tree,
	// may go on without progress: 30 seconds by default.
	IdleTimeout time.Duration
}

// Client talks to one Pebble daemon. It holds no connection until it is used,
// and may be used by several goroutines.
type Client struct {
	socketPath  string
	timeout     time.Duration
	idleTimeout time.Duration
	// A request that changes something goes over a connection of its own: on
	// one that was idle a daemon's restart could not be told from a request
	// that was carried out without an answer.
	get, post http.RoundTripper
}

// New returns a client of the daemon that cfg names. It does not connect.
func New(cfg Config) *Client {
	c := &Client{
		socketPath:  cfg.SocketPath,
		timeout:     cfg.Timeout,
		idleTimeout: cfg.IdleTimeout,
		get:         cfg.Transport,
		post:        cfg.Transport,
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.idleTimeout <= 0 {
		c.idleTimeout = defaultIdleTimeout
	}
	if cfg.Transport == nil {
		c.get = socketTransport(cfg.SocketPath, true)
		c.post = socketTransport(cfg.SocketPath, false)
	}
	if cfg.Wrap != nil {
		c.get, c.post = cfg.Wrap(c.get), cfg.Wrap(c.post)
	}
	return c
}

func socketTransport(path string, keepAlive bool) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		DisableKeepAlives:      !keepAlive,
		DisableCompression:     true,
		MaxIdleConns:           1,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// Close closes the connections that are idle. The client stays usable.
func (c *Client) Close() {
	for _, t := range []http.RoundTripper{c.get, c.post} {
		if t, ok := t.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// request is one call of the API.
type request struct {
	method string
	// path is escaped where it holds what a user gave.
	path  string
	query url.Values
	// body is sent as JSON when it is not nil.
	body any
	// timeout is how long the request may take; 0 means the client's Timeout.
	timeout time.Duration
}

// what describes the request in errors.
func (r request) what() string { return "get an answer from Pebble to " + r.method + " " + r.path }

// answer is the envelope that every JSON answer of the API has.
type answer struct {
	Type       string          `json:"type"`
	StatusCode int             `json:"status-code"`
	Status     string          `json:"status"`
	Change     string          `json:"change"`
	Result     json.RawMessage `json:"result"`
}

// failure is an answer's result when its type is "error".
type failure struct {
	Message string `json:"message"`
	Kind    string `json:"kind"`
}

// sync sends r and decodes the result of its answer into result, unless that
// is nil.
func (c *Client) sync(ctx context.Context, r request, result any) error {
	a, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	if a.Type != "sync" {
		return protocolError("Pebble's answer to %s %s is of type %q, want \"sync\"", r.method, r.path, a.Type)
	}
	return a.decode(r, result)
}

// async sends r and returns the id of the change that carries it out.
func (c *Client) async(ctx context.Context, r request) (string, error) {
	a, err := c.do(ctx, r)
	if err != nil {
		return "", err
	}
	if a.Type != "async" || a.Change == "" {
		return "", protocolError("Pebble's answer to %s %s is of type %q, want \"async\" with a change", r.method, r.path, a.Type)
	}
	return a.Change, nil
}

func (a *answer) decode(r request, result any) error {
	if result == nil {
		return nil
	}
	if len(a.Result) == 0 || string(a.Result) == "null" {
		return protocolError("Pebble's answer to %s %s has no result", r.method, r.path)
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		return protocolError("cannot decode Pebble's answer to %s %s: %w", r.method, r.path, err)
	}
	return nil
}

// do sends r and returns the envelope of its answer. An answer of type "error"
// is an error.
func (c *Client) do(ctx context.Context, r request) (*answer, error) {
	timeout := r.timeout
	if timeout == 0 {
		timeout = c.timeout
	}
	ctx, cancel := within(ctx, timeout)
	defer cancel()

	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("cannot encode the request %s %s: %w", r.method, r.path, err)
		}
		body = bytes.NewReader(data)
	}
	resp, err := c.send(ctx, r, body, http.Header{"Content-Type": {"application/json"}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return c.readAnswer(ctx, r, resp.StatusCode, resp.Header.Get("Content-Type"), resp.Body)
}

// send sends r with the given body and returns the response, whose body the
// caller closes.
func (c *Client) send(ctx context.Context, r request, body io.Reader, header http.Header) (*http.Response, error) {
	target := "http://localhost" + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("cannot make the request %s %s: %w", r.method, r.path, err)
	}
	if body != nil {
		req.Header = header
	} else if accept := header.Get("Accept"); accept != "" {
		req.Header.Set("Accept", accept)
	}
	transport := c.get
	if r.method != http.MethodGet {
		transport = c.post
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, c.transportError(r.what(), contextCause(ctx, err))
	}
	return resp, nil
}

// within ends ctx when an answer takes too long.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, lapse("no answer within %s", timeout))
}

// contextCause prefers the reason why ctx ended to the error that its end
// caused further down.
func contextCause(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// readAnswer reads the JSON envelope from body.
func (c *Client) readAnswer(ctx context.Context, r request, code int, contentType string, body io.Reader) (*answer, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return nil, c.transportError(r.what(), contextCause(ctx, err))
	}
	if len(data) > maxAnswer {
		return nil, protocolError("Pebble's answer to %s %s is larger than %d MiB", r.method, r.path, maxAnswer>>20)
	}
	media, _, _ := mime.ParseMediaType(contentType)
	if media != "application/json" {
		return nil, notJSON(r, code, fmt.Errorf("its content type is %q", contentType))
	}
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, notJSON(r, code, err)
	}
	if a.Type == "error" {
		return nil, apiError(code, &a)
	}
	return &a, nil
}

// notJSON reports an answer without an envelope: whatever answered, if it says
// that the request failed, that is the more useful news.
func notJSON(r request, code int, reason error) error {
	if code < http.StatusBadRequest {
		return protocolError("Pebble's answer to %s %s cannot be read: %w", r.method, r.path, reason)
	}
	return &Error{
		Kind:    APIError,
		Message: fmt.Sprintf("%d %s: the answer to %s %s cannot be read: %v", code, http.StatusText(code), r.method, r.path, plainly(reason)),
		Err:     reason,
		Code:    code,
		Status:  http.StatusText(code),
	}
}

func apiError(code int, a *answer) error {
	var f failure
	if err := json.Unmarshal(a.Result, &f); err != nil || f.Message == "" {
		f.Message = strings.TrimSpace(a.Status + " " + string(a.Result[:min(len(a.Result), 1024)]))
	}
	if a.StatusCode != 0 {
		code = a.StatusCode
	}
	status := a.Status
	if status == "" {
		status = http.StatusText(code)
	}
	return &Error{Kind: APIError, Message: f.Message, Code: code, Status: status, APIKind: f.Kind}
}

// hasCode reports whether err is an [APIError] with the given HTTP status.
func hasCode(err error, code int) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == APIError && e.Code == code
}
