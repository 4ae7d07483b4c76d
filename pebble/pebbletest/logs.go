package pebbletest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/starcharm/starcharm/pebble"
)

// Log is a line that a service wrote.
type Log struct {
	Service string `yaml:"service"`
	Message string `yaml:"message"`
	// Time is the server's clock when it is zero.
	Time time.Time `yaml:"time,omitempty"`
}

// Log is a line that a service writes now; who follows the logs gets it.
func (s *Server) Log(service, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs = append(s.logs, &pebble.LogEntry{Time: s.now().UTC().Truncate(time.Millisecond), Service: service, Message: message})
	close(s.logged)
	s.logged = make(chan struct{})
}

func (s *Server) loadLogs(state *State) {
	for _, l := range state.Logs {
		at := l.Time
		if at.IsZero() {
			at = s.now()
		}
		s.logs = append(s.logs, &pebble.LogEntry{Time: at.UTC().Truncate(time.Millisecond), Service: l.Service, Message: l.Message})
	}
	slices.SortStableFunc(s.logs, func(a, b *pebble.LogEntry) int { return a.Time.Compare(b.Time) })
}

func (s *Server) storeLogs(state *State) {
	for _, e := range s.logs {
		state.Logs = append(state.Logs, &Log{Service: e.Service, Message: e.Message, Time: e.Time})
	}
}

func (s *Server) readLogs(c *call) response {
	services := c.list("services")
	c.summary = strings.Join(append([]string{"logs"}, services...), " ")
	follow := c.query.Get("follow")
	if follow != "" && follow != "true" && follow != "false" {
		return badRequest(errors.New(`follow parameter must be "true" or "false"`))
	}
	n := 30
	if follow == "true" {
		n = 0
	}
	if text := c.query.Get("n"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < -1 {
			return badRequest(errors.New("n must be -1, 0, or a positive integer"))
		}
	}
	if len(services) == 0 {
		services = slices.Collect(maps.Keys(s.plan.Services))
	}
	entries, next := s.logsOf(services, 0)
	if n >= 0 {
		entries = entries[max(0, len(entries)-n):]
	}
	resp := response{code: http.StatusOK, contentType: "application/x-ndjson", body: encodeLogs(entries)}
	if follow == "true" {
		first := resp.body
		resp.stream = func(ctx context.Context, w io.Writer) { s.follow(ctx, w, first, services, next) }
	}
	return resp
}

// logsOf returns the lines of services from the given one on, and which comes
// next. The server is locked.
func (s *Server) logsOf(services []string, from int) ([]*pebble.LogEntry, int) {
	var entries []*pebble.LogEntry
	for _, e := range s.logs[from:] {
		if slices.Contains(services, e.Service) {
			entries = append(entries, e)
		}
	}
	return entries, len(s.logs)
}

// follow writes lines as they come, until ctx ends.
func (s *Server) follow(ctx context.Context, w io.Writer, lines []byte, services []string, next int) {
	for {
		if len(lines) > 0 {
			if _, err := w.Write(lines); err != nil {
				return
			}
		}
		s.mu.Lock()
		var entries []*pebble.LogEntry
		entries, next = s.logsOf(services, next)
		logged, reachable := s.logged, s.reachable
		s.mu.Unlock()
		lines = encodeLogs(entries)
		if !reachable {
			return
		}
		if len(lines) > 0 {
			continue
		}
		select {
		case <-logged:
		case <-ctx.Done():
			return
		}
	}
}

func encodeLogs(entries []*pebble.LogEntry) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, e := range entries {
		// Validate has seen to it that the time can be encoded.
		_ = encoder.Encode(e)
	}
	return b.Bytes()
}

// streamBody is the body of an answer that goes on until it is closed.
type streamBody struct {
	io.Reader
	stop context.CancelFunc
	pipe *io.PipeReader
}

func newStreamBody(ctx context.Context, write func(context.Context, io.Writer)) *streamBody {
	ctx, stop := context.WithCancel(ctx)
	reader, writer := io.Pipe()
	b := &streamBody{Reader: reader, stop: stop, pipe: reader}
	go func() {
		write(ctx, writer)
		err := ctx.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		_ = writer.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	return b
}

func (b *streamBody) Close() error {
	b.stop()
	return b.pipe.Close()
}

// flushing sends what is written at once.
type flushing struct{ http.ResponseWriter }

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.ResponseWriter.Write(b)
	if flusher, ok := f.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
	return n, err
}
