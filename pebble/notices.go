package pebble

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// The types of a [Notice]. A newer daemon may have others.
const (
	NoticeCustom       = "custom"
	NoticeChangeUpdate = "change-update"
	NoticeWarning      = "warning"
)

// Notice is a message that the daemon keeps, and counts when it repeats.
type Notice struct {
	ID string `json:"id"`
	// UserID is the user that may see the notice, nil for everyone.
	UserID *int   `json:"user-id"`
	Type   string `json:"type"`
	// Key is what the notice is about, "example.com/path" for custom ones.
	// User, type and key identify a notice.
	Key           string    `json:"key"`
	FirstOccurred time.Time `json:"first-occurred"`
	LastOccurred  time.Time `json:"last-occurred"`
	// LastRepeated is the last occurrence that counted as news.
	LastRepeated time.Time `json:"last-repeated"`
	Occurrences  int       `json:"occurrences"`
	// LastData is what came with the last occurrence.
	LastData map[string]string `json:"last-data,omitempty"`
	// RepeatAfter is how long after LastRepeated an occurrence counts as news
	// again, "" for always.
	RepeatAfter string `json:"repeat-after,omitempty"`
	// ExpireAfter is how long after LastOccurred the notice is dropped.
	ExpireAfter string `json:"expire-after,omitempty"`
}

// NotifyOptions is an occurrence of a notice.
type NotifyOptions struct {
	// Type is [NoticeCustom] by default; the daemon takes no other.
	Type string
	// Key is "example.com/path", at most 256 bytes.
	Key  string
	Data map[string]string
	// RepeatAfter is how long after the last news this counts as news again,
	// 0 for always.
	RepeatAfter time.Duration
}

// NoticesOptions selects notices. None of the fields selects the public
// notices and one's own.
type NoticesOptions struct {
	// AllUsers selects the notices of every user. Only admins may.
	AllUsers bool
	// UserID selects the notices of one user, and public ones. Only admins
	// may.
	UserID *int
	Types  []string
	Keys   []string
	// After selects notices that were news after that time.
	After time.Time
	// Timeout is how long to wait for a notice when there is none yet.
	Timeout time.Duration
}

// Notify records an occurrence of a notice and returns the notice's id.
func (c *Client) Notify(ctx context.Context, o NotifyOptions) (string, error) {
	if o.Type == "" {
		o.Type = NoticeCustom
	}
	body := map[string]any{"action": "add", "type": o.Type, "key": o.Key}
	if len(o.Data) > 0 {
		body["data"] = o.Data
	}
	if o.RepeatAfter > 0 {
		body["repeat-after"] = o.RepeatAfter.String()
	}
	var result struct {
		ID string `json:"id"`
	}
	if err := c.sync(ctx, request{method: http.MethodPost, path: "/v1/notices", body: body}, &result); err != nil {
		return "", err
	}
	return result.ID, nil
}

// Notice returns one notice. An id that the daemon does not know is an
// [APIError] with code 404.
func (c *Client) Notice(ctx context.Context, id string) (*Notice, error) {
	var notice Notice
	if err := c.sync(ctx, request{method: http.MethodGet, path: "/v1/notices/" + url.PathEscape(id)}, &notice); err != nil {
		return nil, err
	}
	return &notice, nil
}

// Notices returns the selected notices, in the order in which they were last
// news. That there is none within o.Timeout is no error.
func (c *Client) Notices(ctx context.Context, o NoticesOptions) ([]*Notice, error) {
	query := url.Values{}
	if o.AllUsers {
		query.Set("users", "all")
	}
	if o.UserID != nil {
		query.Set("user-id", strconv.Itoa(*o.UserID))
	}
	if len(o.Types) > 0 {
		query["types"] = o.Types
	}
	if len(o.Keys) > 0 {
		query["keys"] = o.Keys
	}
	if !o.After.IsZero() {
		query.Set("after", o.After.Format(time.RFC3339Nano))
	}
	r := request{method: http.MethodGet, path: "/v1/notices", query: query}
	if o.Timeout > 0 {
		query.Set("timeout", seconds(o.Timeout))
		r.timeout = o.Timeout + c.timeout
	}
	var notices []*Notice
	if err := c.sync(ctx, r, &notices); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(notices, func(n *Notice) bool { return n == nil }), nil
}
