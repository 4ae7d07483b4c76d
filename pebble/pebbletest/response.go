package pebbletest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// response is an answer.
type response struct {
	code        int
	contentType string
	body        []byte
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

func result(v any) response {
	return envelope{Type: "sync", StatusCode: http.StatusOK, Result: v}.response()
}

func accepted(change string) response {
	return envelope{Type: "async", StatusCode: http.StatusAccepted, Change: change}.response()
}

func badRequest(err error) response { return failed(http.StatusBadRequest, "", err) }

func failed(code int, kind string, err error) response {
	fields := map[string]string{"message": err.Error()}
	if kind != "" {
		fields["kind"] = kind
	}
	return envelope{Type: "error", StatusCode: code, Result: fields}.response()
}
