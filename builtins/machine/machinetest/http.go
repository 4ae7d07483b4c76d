package machinetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/pki"
)

// A Route is one HTTP request that the simulated machine answers.
type Route struct {
	// Method of the request; empty: GET.
	Method string `yaml:"method"`
	// URL of the request, absolute. Without a query it stands for any query.
	URL string `yaml:"url"`
	// Status of the answer; 0: 200.
	Status int `yaml:"status"`
	// Text is the answer's body. Not together with JSON.
	Text string `yaml:"text"`
	// JSON is a value to encode as the body, with its Content-Type.
	JSON any `yaml:"json"`
	// Headers of the answer.
	Headers map[string]string `yaml:"headers"`
	// ClientCert is the certificate, as PEM text, that the client has to show,
	// or else the request fails; empty: none.
	ClientCert string `yaml:"client_cert"`
	// Error makes the request fail instead: "refused" (nobody listens) or
	// "timeout" (no answer within the time that the charm allows).
	Error string `yaml:"error"`
}

// A Request is one that the charm made.
type Request struct {
	Method, URL string
	Headers     http.Header
	Body        []byte
}

// maxRequest bounds the body of a recorded request, in bytes.
const maxRequest = 64 << 20

// A route is a Route that was checked.
type route struct {
	method string
	url    *url.URL
	status int
	body   []byte
	header http.Header
	client string // the fingerprint of the client's certificate; empty: any or none
	err    string // as Error of a Route
}

func (r route) key() string { return r.method + " " + r.url.String() }

func (r Route) parse(i int) (route, error) {
	bad := func(format string, args ...any) (route, error) {
		return route{}, fmt.Errorf("cannot use http[%d] (%s %s): %s", i, r.Method, r.URL, fmt.Sprintf(format, args...))
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	out := route{method: strings.ToUpper(r.Method), status: r.Status, body: []byte(r.Text), header: make(http.Header), err: r.Error}
	var err error
	if out.url, err = url.Parse(r.URL); err != nil {
		return bad("%v", err)
	}
	if (out.url.Scheme != "http" && out.url.Scheme != "https") || out.url.Host == "" {
		return bad("its url is not like http://host/path")
	}
	if out.url.Path == "" {
		out.url.Path = "/"
	}
	switch {
	case out.status == 0:
		out.status = http.StatusOK
	case out.status < 200 || out.status > 599:
		return bad("its status %d is not between 200 and 599", out.status)
	}
	switch out.err {
	case "", "refused", "timeout":
	default:
		return bad("error is %q, want refused or timeout", out.err)
	}
	if r.ClientCert != "" {
		if out.url.Scheme != "https" {
			return bad("a client_cert is shown to https://… only")
		}
		wanted, err := pki.ParseCertificate(r.ClientCert)
		if err != nil {
			return bad("its client_cert is of no use: %v", err)
		}
		out.client = wanted.Fingerprint
	}
	if r.JSON != nil {
		if r.Text != "" {
			return bad("it has both text and json")
		}
		if out.body, err = json.Marshal(r.JSON); err != nil {
			return bad("cannot encode its json: %v", err)
		}
		out.header.Set("Content-Type", "application/json")
	}
	for name, value := range r.Headers {
		out.header.Set(name, value)
	}
	return out, nil
}

func (r route) matches(method string, u *url.URL) bool {
	path := u.Path
	if path == "" {
		path = "/"
	}
	return r.method == method && r.url.Scheme == u.Scheme && strings.EqualFold(r.url.Host, u.Host) && r.url.Path == path &&
		(r.url.RawQuery == "" || r.url.RawQuery == u.RawQuery)
}

// transport is the Machine as a carrier of HTTP requests.
type transport struct {
	*Machine
	certificate *tls.Certificate // the client's; nil: none
}

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if body, err = io.ReadAll(io.LimitReader(req.Body, maxRequest+1)); err != nil {
			return nil, fmt.Errorf("cannot read the request's body: %w", err)
		}
		if len(body) > maxRequest {
			return nil, fmt.Errorf("cannot record a request of more than %d bytes", maxRequest)
		}
	}
	r, ok := t.take(req, body)
	if !ok {
		target := *req.URL
		target.RawQuery, target.User = "", nil // a route fits whatever they are
		return nil, &machine.UndescribedError{
			What: fmt.Sprintf("the request %s %s", req.Method, req.URL.Redacted()),
			Cure: fmt.Sprintf("add a route to http, {method: %s, url: %q, …}", req.Method, target.String()),
		}
	}
	switch r.err {
	case "refused":
		return nil, fmt.Errorf("dial tcp %s: %w", req.URL.Host, syscall.ECONNREFUSED)
	case "timeout":
		return nil, context.DeadlineExceeded
	}
	if err := r.refuse(t.certificate); err != nil {
		return nil, err
	}
	header := r.header.Clone()
	return &http.Response{
		Status: fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)), StatusCode: r.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(r.body)), ContentLength: int64(len(r.body)), Request: req,
	}, nil
}

// refuse is what a client meets that does not show the certificate which the
// route wants.
func (r route) refuse(shown *tls.Certificate) error {
	switch {
	case r.client == "":
		return nil
	case shown == nil:
		return errors.New("remote error: tls: certificate required")
	case fmt.Sprintf("%x", sha256.Sum256(shown.Certificate[0])) != r.client:
		return errors.New("remote error: tls: bad certificate: it is not the route's client_cert")
	}
	return nil
}

// take records the request and returns the route whose turn it is to answer.
func (t transport) take(req *http.Request, body []byte) (route, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, Request{req.Method, req.URL.String(), req.Header.Clone(), body})
	var turns []route
	for _, r := range t.routes {
		if r.matches(req.Method, req.URL) && (len(turns) == 0 || turns[0].key() == r.key()) {
			turns = append(turns, r)
		}
	}
	if len(turns) == 0 {
		return route{}, false
	}
	key := turns[0].key()
	turn := min(t.served[key], len(turns)-1)
	t.served[key]++
	return turns[turn], true
}
