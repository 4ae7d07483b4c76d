package builtins

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

// send makes one request of the real machine and returns what came of it.
func send(ctx context.Context, address string, options ...starlark.Tuple) (*httpResponse, error) {
	get, err := newHTTP(ctx, machine.Real(), func(string) {}).(starlark.HasAttrs).Attr("post")
	if err != nil {
		return nil, err
	}
	v, err := starlark.Call(&starlark.Thread{}, get, starlark.Tuple{starlark.String(address)}, options)
	if err != nil {
		return nil, err
	}
	return v.(*httpResponse), nil
}

func option(name string, v starlark.Value) starlark.Tuple {
	return starlark.Tuple{starlark.String(name), v}
}

// wantFailure checks that err is a failure of a kind, and returns it.
func wantFailure(t *testing.T, err error, kind *Kind) *Failure {
	t.Helper()
	var failure *Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, kind, failure.Kind, failure.Message)
	return failure
}

func TestHTTPSends(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var data any
		err := json.NewDecoder(r.Body).Decode(&data)
		fmt.Fprintf(w, "%s %s %v %v %s %s %s", r.Method, r.URL, data, err, r.Header.Get("Content-Type"), r.Header.Get("X-Token"), r.Host)
	}))
	defer server.Close()
	data, headers, params := new(starlark.Dict), new(starlark.Dict), new(starlark.Dict)
	require.NoError(t, data.SetKey(starlark.String("a"), starlark.MakeInt(1)))
	require.NoError(t, headers.SetKey(starlark.String("x-token"), starlark.String("t")))
	require.NoError(t, headers.SetKey(starlark.String("host"), starlark.String("app.example")))
	require.NoError(t, params.SetKey(starlark.String("q"), starlark.String("a&b")))
	answer, err := send(t.Context(), server.URL+"/x?y=1", option("json", data), option("headers", headers), option("params", params))
	require.NoError(t, err)
	assert.Equal(t, "POST /x?q=a%26b&y=1 map[a:1] <nil> application/json t app.example", string(answer.body))
}

// serveTLS starts an HTTPS server, and returns it with the option by which it is
// trusted. clients are the authorities of the certificates that it wants; nil:
// it wants none.
func serveTLS(t *testing.T, clients *x509.CertPool, handler http.HandlerFunc) (*httptest.Server, starlark.Tuple) {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of refused handshakes
	if clients != nil {
		server.TLS = &tls.Config{ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return server, option("ca", starlark.String(ca))
}

func TestHTTPTrustsOnlyCA(t *testing.T) {
	server, ca := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hi") })
	_, err := send(t.Context(), server.URL)
	assert.Contains(t, wantFailure(t, err, httpConnectionError).Message, "certificate")
	answer, err := send(t.Context(), server.URL, ca)
	require.NoError(t, err)
	assert.Equal(t, "hi", string(answer.body))
	_, err = send(t.Context(), server.URL, option("ca", starlark.String("nothing")))
	assert.Contains(t, wantFailure(t, err, httpCertError).Message, "cannot find a certificate in ca")
}

func TestHTTPProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "proxy for ", r.URL) }))
	defer proxy.Close()
	answer, err := send(t.Context(), "http://charm.invalid/x", option("proxy", starlark.String(proxy.URL)))
	require.NoError(t, err)
	assert.Equal(t, "proxy for http://charm.invalid/x", string(answer.body))
	_, err = send(t.Context(), "http://charm.invalid/x", option("proxy", starlark.String("squid:3128")))
	wantFailure(t, err, httpURLError)
}

func TestHTTPFollowsFiveRedirects(t *testing.T) {
	var asked []string
	server, ca := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		left, err := strconv.Atoi(r.URL.Path[1:])
		assert.NoError(t, err)
		if left > 0 {
			http.Redirect(w, r, fmt.Sprintf("/%d", left-1), http.StatusFound)
		}
	})
	answer, err := send(t.Context(), server.URL+"/5", ca)
	require.NoError(t, err)
	assert.Equal(t, server.URL+"/0", answer.url)
	asked = nil
	_, err = send(t.Context(), server.URL+"/6", ca)
	wantFailure(t, err, httpResponseError)
	assert.Equal(t, []string{"/6", "/5", "/4", "/3", "/2", "/1"}, asked)
}

func TestHTTPRedirectsToOtherSchemes(t *testing.T) {
	server, ca := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusFound)
	})
	for _, to := range []string{"file:///etc/passwd", "ftp://127.0.0.1/", "unix:///run/snapd.socket", "http://"} {
		address := server.URL + "/?to=" + url.QueryEscape(to)
		_, err := send(t.Context(), address, ca)
		assert.Contains(t, wantFailure(t, err, httpResponseError).Message, "cannot follow the redirect of POST "+address, to)
		answer, err := send(t.Context(), address, ca, option("follow_redirects", starlark.False))
		require.NoError(t, err)
		assert.Equal(t, to, answer.headers.Get("Location"))
	}
}

func TestHTTPTimeout(t *testing.T) {
	release := make(chan struct{})
	server, ca := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			fmt.Fprint(w, "the start")
			w.(http.Flusher).Flush()
		}
		<-release
	})
	defer close(release)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connections wait there for a handshake
	require.NoError(t, err)
	defer silent.Close()
	for _, address := range []string{server.URL + "/header", server.URL + "/body", "https://" + silent.Addr().String() + "/"} {
		_, err := send(t.Context(), address, ca, option("timeout", starlark.Float(0.5)))
		assert.Equal(t, "POST "+address+" did not answer within 0.5 seconds", wantFailure(t, err, httpTimeoutError).Message)
	}
}

// The end of the hook is no failure: nothing catches it.
func TestHTTPEndOfHook(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel(errors.New("terminated by SIGTERM"))
		<-r.Context().Done()
	}))
	defer server.Close()
	_, err := send(ctx, server.URL)
	require.ErrorContains(t, err, "terminated by SIGTERM")
	var failure *Failure
	assert.False(t, errors.As(err, &failure))
}

func TestHTTPBoundsAnswer(t *testing.T) {
	server, ca := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 1<<20))
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	_, err := send(t.Context(), server.URL, ca)
	assert.Contains(t, wantFailure(t, err, httpResponseError).Message, "more than 16777216 bytes")
}

func TestHTTPBrokenAnswer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				return
			}
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
			c.Close()
		}
	}()
	_, err = send(t.Context(), "http://"+listener.Addr().String())
	wantFailure(t, err, httpConnectionError)
}

// A password in a URL does not get into messages.
func TestHTTPHidesPasswords(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := url.URL{Scheme: "http", User: url.UserPassword("u", "hunter2"), Host: listener.Addr().String()}
	require.NoError(t, listener.Close())
	_, err = send(t.Context(), address.String())
	failure := wantFailure(t, err, httpConnectionError)
	assert.NotContains(t, failure.Message, "hunter2")
	assert.Contains(t, failure.Message, "connection refused")
}
