package pebbletest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
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
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.ENOENT)}
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", resp.code, http.StatusText(resp.code)),
		StatusCode:    resp.code,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {resp.contentType}},
		Body:          io.NopCloser(bytes.NewReader(resp.body)),
		ContentLength: int64(len(resp.body)),
		Request:       r,
	}, nil
}
