package pebbletest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/coder/websocket"
)

// Transport returns a transport that serves requests in the caller's
// goroutine, without a socket. When there is no daemon it fails as connecting
// to a socket that is not there does.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1)); err != nil {
			return nil, err
		}
		if len(body) > maxBody {
			return nil, fmt.Errorf("the request is larger than %d bytes", maxBody)
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp, ok := t.server.answer(r, body)
	if err := r.Context().Err(); err != nil {
		return nil, err // who has given up sees no answer
	}
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.ENOENT)}
	}
	if resp.upgrade != nil {
		return upgrade(r, resp), nil
	}
	length := int64(len(resp.body))
	content := io.NopCloser(bytes.NewReader(resp.body))
	if resp.stream != nil {
		length, content = -1, newStreamBody(r.Context(), resp.stream)
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", resp.code, http.StatusText(resp.code)),
		StatusCode:    resp.code,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {resp.contentType}},
		Body:          content,
		ContentLength: length,
		Request:       r,
	}, nil
}

// upgrade makes a websocket of a connection in memory, and returns what the
// client is answered.
func upgrade(r *http.Request, resp response) *http.Response {
	client, server := connPair()
	w := &hijacked{header: http.Header{}, server: server}
	socket, err := websocket.Accept(w, r, nil)
	answer := &http.Response{
		Status:     fmt.Sprintf("%d %s", w.code, http.StatusText(w.code)),
		StatusCode: w.code,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     w.header,
		Request:    r,
	}
	resp.upgrade(socket, server.in.settle)
	if err != nil {
		answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(w.body)), int64(len(w.body))
		return answer
	}
	answer.Body = client
	return answer
}
