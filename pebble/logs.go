package pebble

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxLogLine is how large a line of the log's encoding may be, in bytes. The
// daemon keeps 100 KiB of each service's output.
const maxLogLine = 1 << 20

// LogEntry is a line that a service wrote to its output or error output.
type LogEntry struct {
	// Time is in milliseconds.
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	// Message is the line without its newline. A very long one is split.
	Message string `json:"message"`
}

// LogsOptions selects lines.
type LogsOptions struct {
	// Services limits the lines to those of these services; without it they are
	// of all. One that is not there, or has written nothing, is left out.
	Services []string
	// N is how many of the newest lines to return; 30 when it is 0, and for
	// [Client.FollowLogs] none. -1 is all that the daemon keeps.
	N int
}

func (o LogsOptions) query() url.Values {
	query := url.Values{}
	for _, name := range o.Services {
		query.Add("services", name)
	}
	if o.N != 0 {
		query.Set("n", strconv.Itoa(o.N))
	}
	return query
}

// Logs returns what services have written, oldest first.
func (c *Client) Logs(ctx context.Context, o LogsOptions) ([]*LogEntry, error) {
	ctx, cancel := within(ctx, c.timeout)
	defer cancel()
	var entries []*LogEntry
	size := 0
	err := c.logs(ctx, o.query(), func(e *LogEntry) error {
		if size += len(e.Service) + len(e.Message); size > maxAnswer {
			return protocolError("Pebble's answer to GET /v1/logs is larger than %d MiB", maxAnswer>>20)
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// FollowLogs calls each with the newest lines that o asks for and then with
// every new one, oldest first, until ctx ends or each returns an error, which
// it returns. A daemon that goes away is a [ConnectionError].
func (c *Client) FollowLogs(ctx context.Context, o LogsOptions, each func(*LogEntry) error) error {
	query := o.query()
	query.Set("follow", "true")
	err := c.logs(ctx, query, each)
	if err == nil {
		err = c.transportError("follow the logs", io.ErrUnexpectedEOF)
	}
	return err
}

func (c *Client) logs(ctx context.Context, query url.Values, each func(*LogEntry) error) error {
	r := request{method: http.MethodGet, path: "/v1/logs", query: query}
	resp, err := c.send(ctx, r, nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media != "application/x-ndjson" {
		_, err := c.readAnswer(ctx, r, resp.StatusCode, resp.Header.Get("Content-Type"), resp.Body)
		if err == nil {
			err = protocolError("Pebble's answer to GET /v1/logs is of type %q, not lines of JSON", media)
		}
		return err
	}
	return c.readLogs(ctx, resp.Body, each)
}

func (c *Client) readLogs(ctx context.Context, from io.Reader, each func(*LogEntry) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLogLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var e LogEntry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return protocolError("cannot decode a line of Pebble's logs: %w", err)
		}
		if err := each(&e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err == bufio.ErrTooLong {
		return protocolError("a line of Pebble's logs is larger than %d MiB", maxLogLine>>20)
	} else if err != nil {
		return c.transportError("read the logs", contextCause(ctx, err))
	}
	return nil
}

// String is as the Pebble command line shows it.
func (e *LogEntry) String() string {
	return fmt.Sprintf("%s [%s] %s", e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"), e.Service, e.Message)
}
