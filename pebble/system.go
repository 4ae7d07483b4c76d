package pebble

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// SystemInfo is what a daemon says about itself.
type SystemInfo struct {
	// Version is the daemon's version, for instance "v1.32.1".
	Version string `json:"version"`
	// BootID changes when the machine restarts.
	BootID string `json:"boot-id"`
	// HTTPAddress is where the daemon also listens, "" for nowhere.
	HTTPAddress string `json:"http-address,omitempty"`
}

// SystemInfo asks the daemon for its version. It is the cheapest question that
// tells whether the daemon can be reached.
func (c *Client) SystemInfo(ctx context.Context) (*SystemInfo, error) {
	var info SystemInfo
	if err := c.sync(ctx, request{method: http.MethodGet, path: "/v1/system-info"}, &info); err != nil {
		return nil, err
	}
	return &info, nil
}

// HealthOptions selects the checks that [Client.Health] looks at.
type HealthOptions struct {
	// Level is the level of checks that count: ready means the checks of
	// level alive too. "" means all checks.
	Level CheckLevel
	// Names are the checks that count; none means all of them.
	Names []string
}

// Health reports whether the selected checks are all up.
func (c *Client) Health(ctx context.Context, o HealthOptions) (bool, error) {
	query := url.Values{}
	if o.Level != "" {
		query.Set("level", string(o.Level))
	}
	if len(o.Names) > 0 {
		query["names"] = o.Names
	}
	var result struct {
		Healthy *bool `json:"healthy"`
	}
	r := request{method: http.MethodGet, path: "/v1/health", query: query}
	if err := c.sync(ctx, r, &result); err != nil {
		return false, err
	}
	if result.Healthy == nil {
		return false, protocolError("Pebble's answer to GET /v1/health does not say whether it is healthy")
	}
	return *result.Healthy, nil
}

// Metrics returns the daemon's metrics, as text in Prometheus' format.
func (c *Client) Metrics(ctx context.Context) (string, error) {
	r := request{method: http.MethodGet, path: "/v1/metrics"}
	ctx, cancel := within(ctx, c.timeout)
	defer cancel()
	resp, err := c.send(ctx, r, nil, http.Header{})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return "", c.transportError(r.what(), contextCause(ctx, err))
	}
	contentType := resp.Header.Get("Content-Type")
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case len(text) > maxAnswer:
		return "", protocolError("Pebble's answer to GET /v1/metrics is larger than %d MiB", maxAnswer>>20)
	case resp.StatusCode == http.StatusOK && (media == "text/plain" || len(text) == 0):
		return string(text), nil
	}
	if _, err := c.readAnswer(ctx, r, resp.StatusCode, contentType, bytes.NewReader(text)); err != nil {
		return "", err
	}
	return "", protocolError("Pebble's answer to GET /v1/metrics is of type %q, want \"text/plain\"", media)
}

// SendSignal sends a signal to the processes of running services. The signal
// is a name such as "SIGHUP"; [SignalName] gives it for a number. A service
// that is not running is an error of kind [APIError], after the others have
// been sent theirs.
func (c *Client) SendSignal(ctx context.Context, signal string, services []string) error {
	body := map[string]any{"signal": signal, "services": services}
	var done json.RawMessage
	return c.sync(ctx, request{method: http.MethodPost, path: "/v1/signals", body: body}, &done)
}
