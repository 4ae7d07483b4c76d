package pebbletest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// response is an answer.
type response struct {
	code        int
	contentType string
	body        []byte
	// upgrade, unless nil, takes the connection over, nil if it failed. settle
	// waits until what the client has sent over it is dealt with.
	upgrade func(socket *websocket.Conn, settle func())
	// stream, unless nil, writes the body, until ctx ends.
	stream func(ctx context.Context, w io.Writer)
	// later, unless nil, waits for the answer, while others are answered.
	later func(ctx context.Context) response
}

// envelope is the JSON around every answer.
type envelope struct {
	Type       string `json:"type"`
	StatusCode int    `json:"status-code"`
	Status     string `json:"status"`
	Change     string `json:"change,omitempty"`
	Result     any    `json:"result"`
}

func (e envelope) response() response {
	e.Status = http.StatusText(e.StatusCode)
	body, err := json.Marshal(e)
	if err != nil {
		return failed(http.StatusInternalServerError, "", fmt.Errorf("cannot encode the answer: %w", err))
	}
	return response{code: e.StatusCode, contentType: "application/json", body: body}
}

// withoutResult is the answer whose result is not there, rather than null.
func (e envelope) withoutResult() response {
	r := e.response()
	r.body = bytes.Replace(r.body, []byte(`,"result":null`), nil, 1)
	return r
}

func result(v any) response {
	return envelope{Type: "sync", StatusCode: http.StatusOK, Result: v}.response()
}

func accepted(change string, result any) response {
	return envelope{Type: "async", StatusCode: http.StatusAccepted, Change: change, Result: result}.response()
}

func badRequest(err error) response { return failed(http.StatusBadRequest, "", err) }

func failed(code int, kind string, err error) response {
	fields := map[string]string{"message": err.Error()}
	if kind != "" {
		fields["kind"] = kind
	}
	return envelope{Type: "error", StatusCode: code, Result: fields}.response()
}
