package builtins

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"sort"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/pki"
)

const (
	maxHTTPBody      = 16 << 20 // of an answer, in bytes
	maxHTTPRedirects = 5
	httpTimeout      = 10.0        // default, in seconds
	maxHTTPTimeout   = 60.0 * 60.0 // in seconds
)

// Kinds of failure of module http.
var (
	httpError           = &Kind{Name: "http.Error"}
	httpConnectionError = &Kind{Name: "http.ConnectionError", Parent: httpError}
	httpTimeoutError    = &Kind{Name: "http.TimeoutError", Parent: httpError}
	httpResponseError   = &Kind{Name: "http.ResponseError", Parent: httpError}
	httpDecodeError     = &Kind{Name: "http.DecodeError", Parent: httpError}
	httpURLError        = &Kind{Name: "http.URLError", Parent: httpError}
	httpCertError       = &Kind{Name: "http.CertificateError", Parent: httpError}
)

const httpOptions = "*, headers: dict = {}, params: dict = {}, timeout: float = 10, ca: str = \"\", cert: str = \"\", key: str = \"\", proxy: str = \"\", follow_redirects: bool = True) -> response"

var httpTable = table[*httpClient]{
	typ: "http",
	doc: "Requests to HTTP and HTTPS services: `load(\"@std//http.star\", \"http\")`. Every function returns a response whatever its status, or meets a failure of the family http.Error. headers and params are dicts; params are added to the URL's query. timeout is in seconds, for the whole exchange, more than 0 and at most 3600. ca is PEM text, the authorities to trust instead of the machine's. cert and key are PEM text too, together: the client's certificate, first, with those that lead to its authority, and its private key, which is masked from then on; they are shown to a server that asks for them. proxy is the URL of a proxy; the environment's proxy variables are not looked at. At most 5 redirects are followed, to http and https only; with follow_redirects = False the redirect itself is the response. An answer over 16 MiB is an http.ResponseError.",
	members: []member[*httpClient]{
		{name: "get", sig: "(url: str, " + httpOptions, doc: "Sends a GET request.", call: httpMethod(http.MethodGet)},
		{name: "post", sig: "(url: str, *, body: str | bytes = \"\", json = <none>, " + httpOptions[3:], doc: "Sends a POST request, with body as it is, or with json encoded as JSON and content type application/json; not both.", call: httpMethod(http.MethodPost)},
		{name: "put", sig: "(url: str, *, body: str | bytes = \"\", json = <none>, " + httpOptions[3:], doc: "Sends a PUT request, with body or json as post does.", call: httpMethod(http.MethodPut)},
		{name: "delete", sig: "(url: str, *, body: str | bytes = \"\", json = <none>, " + httpOptions[3:], doc: "Sends a DELETE request, with body or json as post does, if any.", call: httpMethod(http.MethodDelete)},
		{name: "request", sig: "(method: str, /, url: str, *, body: str | bytes = \"\", json = <none>, " + httpOptions[3:], doc: "Sends a request with any method, for instance \"PATCH\", otherwise as post does.",
			call: func(c *httpClient, in invocation) (starlark.Value, error) {
				if len(in.args) == 0 {
					return nil, fmt.Errorf("%s: missing the method: http.request(\"PATCH\", url)", in.name)
				}
				method, ok := starlark.AsString(in.args[0])
				if !ok {
					return nil, fmt.Errorf("%s: the method is a %s, want a string", in.name, in.args[0].Type())
				}
				in.args = in.args[1:]
				return c.request(strings.ToUpper(method), in)
			}},
		{name: "Error", sig: "kind", doc: "The family of all failures of this module.", get: httpKind(httpError)},
		{name: "ConnectionError", sig: "kind", doc: "No connection, or it broke: nobody listens, no such host, an untrusted certificate.", get: httpKind(httpConnectionError)},
		{name: "TimeoutError", sig: "kind", doc: "No complete answer within timeout.", get: httpKind(httpTimeoutError)},
		{name: "ResponseError", sig: "kind", doc: "An answer that cannot be used: raise_for_status() of a bad status, too many redirects, too large. Its field status is the status, or 0.", get: httpKind(httpResponseError)},
		{name: "DecodeError", sig: "kind", doc: "The body is not the JSON that response.json() wants.", get: httpKind(httpDecodeError)},
		{name: "URLError", sig: "kind", doc: "The URL is not one of http or https.", get: httpKind(httpURLError)},
		{name: "CertificateError", sig: "kind", doc: "ca, cert or key is not the PEM text that it should be, or cert and key do not belong together. A server's certificate that is not trusted is a ConnectionError.", get: httpKind(httpCertError)},
	},
}

// newHTTP returns module http. ctx ends every request that is under way when
// the hook ends; hide has a value masked.
func newHTTP(ctx context.Context, m machine.Machine, hide func(value string)) starlark.Value {
	return &module[*httpClient]{table: &httpTable, self: &httpClient{ctx, m, hide}}
}

func httpKind(k *Kind) func(*httpClient) (starlark.Value, error) {
	return func(*httpClient) (starlark.Value, error) { return k, nil }
}

func httpMethod(method string) func(*httpClient, invocation) (starlark.Value, error) {
	return func(c *httpClient, in invocation) (starlark.Value, error) { return c.request(method, in) }
}

type httpClient struct {
	ctx     context.Context
	machine machine.Machine
	hide    func(value string)
}

func (c *httpClient) request(method string, in invocation) (starlark.Value, error) {
	var address, ca, cert, key, proxy string
	var body, data starlark.Value
	var headers, params *starlark.Dict
	var seconds starlark.Value = starlark.Float(httpTimeout)
	follow := true
	if err := in.unpack("url", &address, "body?", &body, "json?", &data, "headers?", &headers, "params?", &params,
		"timeout?", &seconds, "ca?", &ca, "cert?", &cert, "key?", &key, "proxy?", &proxy, "follow_redirects?", &follow); err != nil {
		return nil, err
	}
	if len(in.args) > 1 {
		return nil, fmt.Errorf("%s: only the URL goes without a name: write body = …", in.name)
	}
	timeout, ok := starlark.AsFloat(seconds)
	if !ok || !(timeout > 0 && timeout <= maxHTTPTimeout) {
		return nil, fmt.Errorf("%s: timeout is %s, want seconds between 0 and %g", in.name, seconds, maxHTTPTimeout)
	}
	target, err := httpURL(address)
	if err != nil {
		return nil, err
	}
	if (cert == "") != (key == "") {
		return nil, fmt.Errorf("%s: got one of cert and key, want both or neither", in.name)
	}
	options, err := c.tlsOptions(ca, cert, key)
	if err != nil {
		return nil, err
	}
	if proxy != "" {
		if options.Proxy, err = httpURL(proxy); err != nil {
			return nil, err
		}
	}
	if params != nil {
		if err := addParams(target, params); err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
	}
	payload, isJSON, err := httpPayload(in, body, data)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Duration(timeout*float64(time.Second)))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	if isJSON {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "starcharm")
	if err := addHeaders(req, headers); err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	client := http.Client{Transport: c.machine.Transport(options), CheckRedirect: func(next *http.Request, via []*http.Request) error {
		switch {
		case !follow:
			return http.ErrUseLastResponse
		case len(via) > maxHTTPRedirects:
			return fmt.Errorf("more than %d redirects", maxHTTPRedirects)
		}
		_, err := httpURL(next.URL.String())
		return err
	}}
	return c.send(&client, req, timeout)
}

// tlsOptions reads PEM text: authorities, and a certificate with its key.
func (c *httpClient) tlsOptions(ca, cert, key string) (options machine.TransportOptions, err error) {
	if ca != "" {
		options.CA = x509.NewCertPool()
		if !options.CA.AppendCertsFromPEM([]byte(ca)) {
			return options, &Failure{Kind: httpCertError, Message: "cannot find a certificate in ca: want PEM text, -----BEGIN CERTIFICATE-----"}
		}
	}
	if cert == "" {
		return options, nil
	}
	private, err := pki.ParseKey(key)
	if err == nil {
		c.hide(key)
		var chain []*pki.Certificate
		if chain, err = pki.SplitChain(cert); err == nil {
			options.Certificate, err = pki.ClientCertificate(chain, private)
		}
	}
	if err != nil {
		return options, &Failure{Kind: httpCertError, Message: err.Error(), Err: err}
	}
	return options, nil
}

// send makes the request and reads the whole answer.
func (c *httpClient) send(client *http.Client, req *http.Request, timeout float64) (starlark.Value, error) {
	what := req.Method + " " + req.URL.Redacted()
	answer, err := client.Do(req)
	if err != nil {
		status := 0
		if answer != nil { // a redirect that was refused
			status = answer.StatusCode
		}
		return nil, c.failure(what, status, timeout, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHTTPBody+1))
	if err != nil {
		return nil, c.failure(what, 0, timeout, err)
	}
	if len(body) > maxHTTPBody {
		return nil, responseFailure(answer.StatusCode, "the answer to %s has more than %d bytes", what, maxHTTPBody)
	}
	return &httpResponse{what: what, status: answer.StatusCode, url: answer.Request.URL.String(), headers: answer.Header, body: body}, nil
}

// failure says what went wrong with a request: something that a charm may
// catch, but for the end of the hook and for what a test does not describe.
func (c *httpClient) failure(what string, status int, timeout float64, err error) error {
	var undescribed *machine.UndescribedError
	var failure *Failure
	var wrapped *url.Error
	switch {
	case errors.As(err, &undescribed):
		return undescribed
	case c.ctx.Err() != nil:
		return fmt.Errorf("cannot finish %s: %w", what, context.Cause(c.ctx))
	case errors.As(err, &failure): // the address of a redirect
		return responseFailure(status, "cannot follow the redirect of %s: %s", what, failure.Message)
	case errors.As(err, &wrapped):
		if wrapped.Timeout() {
			return &Failure{Kind: httpTimeoutError, Message: fmt.Sprintf("%s did not answer within %g seconds", what, timeout), Err: err}
		}
		err = wrapped.Err // without the method and URL, which may hold a password
	}
	switch {
	case status != 0:
		return responseFailure(status, "cannot follow the redirect of %s: %v", what, err)
	case errors.Is(err, context.DeadlineExceeded):
		return &Failure{Kind: httpTimeoutError, Message: fmt.Sprintf("%s did not answer within %g seconds", what, timeout), Err: err}
	}
	return &Failure{Kind: httpConnectionError, Message: fmt.Sprintf("cannot reach %s: %v", what, err), Err: err}
}

func responseFailure(status int, format string, args ...any) *Failure {
	return &Failure{
		Kind: httpResponseError, Message: fmt.Sprintf(format, args...),
		Fields: starlark.StringDict{"status": starlark.MakeInt(status)},
	}
}

// httpURL reads the address of a service, which may come from a databag.
func httpURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	var wrapped *url.Error
	switch {
	case errors.As(err, &wrapped):
		return nil, &Failure{Kind: httpURLError, Message: "cannot use the URL: " + strings.TrimPrefix(wrapped.Err.Error(), "net/url: "), Err: err}
	case err != nil:
		return nil, &Failure{Kind: httpURLError, Message: fmt.Sprintf("cannot use the URL: %v", err), Err: err}
	case (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return nil, &Failure{Kind: httpURLError, Message: fmt.Sprintf("cannot use the URL %.200q: want http://host/… or https://host/…", u.Redacted())}
	}
	return u, nil
}

func addParams(u *url.URL, params *starlark.Dict) error {
	query := u.Query()
	for _, item := range params.Items() {
		name, ok := starlark.AsString(item[0])
		if !ok {
			return fmt.Errorf("params has a %s as a name, want strings", item[0].Type())
		}
		switch v := item[1].(type) {
		case starlark.String:
			query.Set(name, string(v))
		case starlark.Int:
			query.Set(name, v.String())
		default:
			return fmt.Errorf("params[%q] is a %s, want a string or an int", name, v.Type())
		}
	}
	u.RawQuery = query.Encode()
	return nil
}

func addHeaders(req *http.Request, headers *starlark.Dict) error {
	if headers == nil {
		return nil
	}
	for _, item := range headers.Items() {
		name, ok := starlark.AsString(item[0])
		value, ok2 := starlark.AsString(item[1])
		switch {
		case !ok || !ok2:
			return fmt.Errorf("headers holds %s: %s, want strings", item[0].Type(), item[1].Type())
		case name == "" || strings.ContainsAny(name, " \t\r\n:"):
			return fmt.Errorf("headers has the name %q, which HTTP does not allow", name)
		case strings.ContainsAny(value, "\r\n\x00"):
			return fmt.Errorf("the header %s holds a line break or a zero byte", name)
		}
		if strings.EqualFold(name, "Host") {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	return nil
}

// httpPayload is what to send, and whether it is JSON.
func httpPayload(in invocation, body, data starlark.Value) (payload []byte, isJSON bool, err error) {
	switch {
	case body != nil && data != nil:
		return nil, false, fmt.Errorf("%s: got both body and json", in.name)
	case data != nil:
		text, err := encodeJSON(invocation{in.thread, in.name, starlark.Tuple{data}, nil}, "encode")
		if err != nil {
			return nil, false, fmt.Errorf("%s: cannot encode json: %s", in.name, bareMessage(err, "json.encode"))
		}
		return []byte(text.(starlark.String)), true, nil
	}
	switch body := body.(type) {
	case nil, starlark.NoneType:
		return nil, false, nil
	case starlark.String:
		return []byte(body), false, nil
	case starlark.Bytes:
		return []byte(body), false, nil
	default:
		return nil, false, fmt.Errorf("%s: body is a %s, want a string or bytes: json = … sends other values", in.name, body.Type())
	}
}

var httpResponseTable = table[*httpResponse]{
	typ: "response",
	doc: "The answer to an HTTP request.",
	members: []member[*httpResponse]{
		{name: "status", sig: "int", doc: "The status, for instance 200.",
			get: func(r *httpResponse) (starlark.Value, error) { return starlark.MakeInt(r.status), nil }},
		{name: "ok", sig: "bool", doc: "Whether the status is below 400.",
			get: func(r *httpResponse) (starlark.Value, error) { return starlark.Bool(r.status < 400), nil }},
		{name: "url", sig: "str", doc: "Where the answer came from, after redirects.",
			get: func(r *httpResponse) (starlark.Value, error) { return starlark.String(r.url), nil }},
		{name: "headers", sig: "headers", doc: "The headers: headers[\"content-type\"], headers.get(name), name in headers, in any case.",
			get: func(r *httpResponse) (starlark.Value, error) { return httpHeaders(r.headers), nil }},
		{name: "text", sig: "str", doc: "The body as UTF-8; bytes that are not become U+FFFD.",
			get: func(r *httpResponse) (starlark.Value, error) {
				return starlark.String(strings.ToValidUTF8(string(r.body), "\uFFFD")), nil
			}},
		{name: "content", sig: "bytes", doc: "The body as it came.",
			get: func(r *httpResponse) (starlark.Value, error) { return starlark.Bytes(r.body), nil }},
		{name: "json", sig: "(default = <fail>) -> value", doc: "The body decoded as JSON. What is none gives default if there is one, otherwise the failure http.DecodeError.",
			call: (*httpResponse).decode},
		{name: "raise_for_status", sig: "() -> response", doc: "The response itself, or the failure http.ResponseError if the status is 400 or above.",
			call: func(r *httpResponse, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				if r.status >= 400 {
					return nil, responseFailure(r.status, "%s answered %s", r.what, strings.TrimSpace(fmt.Sprintf("%d %s", r.status, http.StatusText(r.status))))
				}
				return r, nil
			}},
	},
}

type httpResponse struct {
	handle
	what    string // the request, for messages
	status  int
	url     string
	headers http.Header
	body    []byte
}

func (r *httpResponse) String() string       { return fmt.Sprintf("<response %d>", r.status) }
func (r *httpResponse) Type() string         { return httpResponseTable.typ }
func (r *httpResponse) AttrNames() []string  { return httpResponseTable.attrNames(r) }
func (r *httpResponse) Truth() starlark.Bool { return r.status < 400 }
func (r *httpResponse) Attr(name string) (starlark.Value, error) {
	return httpResponseTable.attr(r, name)
}

func (r *httpResponse) decode(in invocation) (starlark.Value, error) {
	var fallback starlark.Value
	if err := in.unpack("default?", &fallback); err != nil {
		return nil, err
	}
	v, err := decodeJSON(struct{}{}, invocation{in.thread, in.name, starlark.Tuple{starlark.String(r.body)}, nil})
	var failure *Failure
	switch {
	case err == nil:
		return v, nil
	case fallback != nil:
		return fallback, nil
	case errors.As(err, &failure):
		return nil, &Failure{Kind: httpDecodeError, Message: fmt.Sprintf("the answer to %s is not JSON: %s", r.what, failure.Message), Err: failure.Err}
	}
	return nil, err
}

var httpHeadersTable = table[httpHeaders]{
	typ: "headers",
	doc: "The headers of an HTTP response. Names compare without regard to case; several values of one name are joined with a comma.",
	members: []member[httpHeaders]{
		{name: "get", sig: "(name: str, default = None) -> str", doc: "The header, or default.",
			call: func(h httpHeaders, in invocation) (starlark.Value, error) {
				var name string
				var fallback starlark.Value = starlark.None
				if err := in.unpack("name", &name, "default?", &fallback); err != nil {
					return nil, err
				}
				if v, found, _ := h.Get(starlark.String(name)); found {
					return v, nil
				}
				return fallback, nil
			}},
		{name: "keys", sig: "() -> list[str]", doc: "The names, in lower case and sorted.",
			call: func(h httpHeaders, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				var names []starlark.Value
				for _, item := range h.Items() {
					names = append(names, item[0])
				}
				return starlark.NewList(names), nil
			}},
		{name: "items", sig: "() -> list[(str, str)]", doc: "Names, in lower case and sorted, with their values.",
			call: func(h httpHeaders, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				var items []starlark.Value
				for _, item := range h.Items() {
					items = append(items, item)
				}
				return starlark.NewList(items), nil
			}},
	},
}

type httpHeaders http.Header

var _ starlark.IterableMapping = httpHeaders(nil)

func (h httpHeaders) String() string       { return fmt.Sprintf("<headers, %d>", len(h)) }
func (h httpHeaders) Type() string         { return httpHeadersTable.typ }
func (h httpHeaders) Freeze()              {}
func (h httpHeaders) Truth() starlark.Bool { return len(h) > 0 }
func (h httpHeaders) AttrNames() []string  { return httpHeadersTable.attrNames(h) }
func (h httpHeaders) Len() int             { return len(h) }
func (h httpHeaders) Hash() (uint32, error) {
	return 0, errors.New("unhashable: headers")
}
func (h httpHeaders) Attr(name string) (starlark.Value, error) {
	return httpHeadersTable.attr(h, name)
}

func (h httpHeaders) Get(key starlark.Value) (starlark.Value, bool, error) {
	name, ok := starlark.AsString(key)
	if !ok {
		return nil, false, fmt.Errorf("headers: a name is a string, got %s", key.Type())
	}
	values, found := h[textproto.CanonicalMIMEHeaderKey(name)]
	return starlark.String(strings.Join(values, ", ")), found, nil
}

func (h httpHeaders) Items() []starlark.Tuple {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	sort.Strings(names)
	items := make([]starlark.Tuple, 0, len(h))
	for _, name := range names {
		items = append(items, starlark.Tuple{starlark.String(strings.ToLower(name)), starlark.String(strings.Join(h[name], ", "))})
	}
	return items
}

func (h httpHeaders) Iterate() starlark.Iterator {
	var names []starlark.Value
	for _, item := range h.Items() {
		names = append(names, item[0])
	}
	return starlark.NewList(names).Iterate()
}
