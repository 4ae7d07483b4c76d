package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/starcharm/starcharm/pebble/pebbletest"
)

const (
	// maxBody is how large a request may be, in bytes: as large as the simulated
	// Pebble takes it.
	maxBody = 1 << 30
	// maxAccepted is how large the answer to the request for a command may be,
	// in bytes.
	maxAccepted = 1 << 20
)

// Transport leads to the daemon.
func (d *Daemon) Transport() http.RoundTripper { return transport{d} }

type transport struct{ d *Daemon }

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
	resp, err := t.d.transport.RoundTrip(copyOf(r, body))
	if err != nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, err
	}
	if r.URL.Path == "/v1/exec" {
		return resp, t.d.asked(r, body, resp)
	}
	summary, err := t.d.told(r, body)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	t.d.note(r, summary, resp.StatusCode)
	return resp, nil
}

// told tells the simulated Pebble of a request, and returns it in a few words.
func (d *Daemon) told(r *http.Request, body []byte) (string, error) {
	resp, err := d.shadow.Transport().RoundTrip(copyOf(r, body))
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	last, _ := d.shadow.LastRequest()
	return last.Summary, nil
}

func (d *Daemon) note(r *http.Request, summary string, code int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = &pebbletest.Request{Method: r.Method, Path: r.URL.RequestURI(), Summary: summary, Code: code}
}

// LastRequest returns the newest request, and false if nothing was asked yet.
func (d *Daemon) LastRequest() (pebbletest.Request, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last == nil {
		return pebbletest.Request{}, false
	}
	return *d.last, true
}

// An execution is a command that was asked for, and the change that runs it.
type execution struct {
	pebbletest.Execution
	change string
}

// asked remembers the command that r asks for.
func (d *Daemon) asked(r *http.Request, body []byte, resp *http.Response) error {
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAccepted+1))
	resp.Body.Close()
	if err != nil {
		return err
	}
	if len(answer) > maxAccepted {
		return fmt.Errorf("the answer to %s is larger than %d bytes", r.URL.Path, maxAccepted)
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	var asked struct {
		Command     []string          `json:"command"`
		Environment map[string]string `json:"environment"`
		WorkingDir  string            `json:"working-dir"`
		Timeout     string            `json:"timeout"`
		UserID      int               `json:"user-id"`
		GroupID     int               `json:"group-id"`
	}
	var accepted struct {
		Change string `json:"change"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return fmt.Errorf("cannot read the request for a command: %w", err)
	}
	if err := json.Unmarshal(answer, &accepted); err != nil {
		return fmt.Errorf("cannot read the answer to the request for a command: %w", err)
	}
	d.note(r, strings.Join(append([]string{"exec"}, asked.Command...), " "), resp.StatusCode)
	timeout, _ := time.ParseDuration(asked.Timeout)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.execs = append(d.execs, &execution{change: accepted.Change, Execution: pebbletest.Execution{
		Command: &pebbletest.Command{
			Args: asked.Command, Environment: asked.Environment, WorkingDir: asked.WorkingDir,
			UserID: asked.UserID, GroupID: asked.GroupID, Timeout: timeout,
		},
		Unknown: accepted.Change == "", ExitCode: -1,
	}})
	return nil
}

// Executions returns the commands that were asked for, in order. What they read
// and wrote is not kept, and their exit codes are known when the daemon has
// ended.
func (d *Daemon) Executions() []pebbletest.Execution {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]pebbletest.Execution, len(d.execs))
	for i, e := range d.execs {
		all[i] = e.Execution
	}
	return all
}

// endExecutions asks how the commands ended. Of one that goes on nobody knows.
func (d *Daemon) endExecutions(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.execs {
		if e.change == "" {
			continue
		}
		change, err := d.client.Change(ctx, e.change)
		if err != nil || !change.Ready {
			continue
		}
		for _, task := range change.Tasks {
			if code, ok := task.Data["exit-code"].(float64); ok {
				e.ExitCode = int(code)
			}
		}
	}
}

// copyOf is the request with this body.
func copyOf(r *http.Request, body []byte) *http.Request {
	c := r.Clone(r.Context())
	if r.Body != nil {
		c.Body, c.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return c
}
