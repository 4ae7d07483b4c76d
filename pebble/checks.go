package pebble

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// CheckLevel is what a check's failure says about the workload.
type CheckLevel string

// The values of [Check.Level]. A check without a level counts for neither.
const (
	LevelAlive CheckLevel = "alive"
	LevelReady CheckLevel = "ready"
)

// CheckStatus is a check's result.
type CheckStatus string

// The values of [CheckInfo.Status].
const (
	CheckUp       CheckStatus = "up"
	CheckDown     CheckStatus = "down"
	CheckInactive CheckStatus = "inactive"
)

// CheckInfo is a check's state.
type CheckInfo struct {
	Name    string      `json:"name"`
	Level   CheckLevel  `json:"level,omitempty"`
	Startup Startup     `json:"startup"`
	Status  CheckStatus `json:"status"`
	// Successes counts the runs that succeeded since the check was started;
	// nil with a daemon that does not count them.
	Successes *int `json:"successes,omitempty"`
	// Failures counts the runs that failed since the last success.
	Failures int `json:"failures,omitempty"`
	// Threshold is how many failures in a row bring the check down.
	Threshold int `json:"threshold"`
	// ChangeID is the change that runs the check, "" when it is inactive.
	ChangeID string `json:"change-id,omitempty"`
	// PrevChangeID is the change that ran it before its status changed.
	PrevChangeID string `json:"prev-change-id,omitempty"`
}

// ChecksOptions selects checks.
type ChecksOptions struct {
	// Level limits the checks to those of one level, "" does not.
	Level CheckLevel
	// Names limits the checks to those named; none means all. Names that the
	// plan does not have are left out.
	Names []string
}

// Checks returns the state of the selected checks, sorted by name.
func (c *Client) Checks(ctx context.Context, o ChecksOptions) ([]*CheckInfo, error) {
	query := url.Values{}
	if o.Level != "" {
		query.Set("level", string(o.Level))
	}
	if len(o.Names) > 0 {
		query["names"] = o.Names
	}
	var infos []*CheckInfo
	if err := c.sync(ctx, request{method: http.MethodGet, path: "/v1/checks", query: query}, &infos); err != nil {
		return nil, err
	}
	infos = slices.DeleteFunc(infos, func(info *CheckInfo) bool { return info == nil })
	for _, info := range infos {
		info.infer()
	}
	return infos, nil
}

// infer sets what older daemons leave unsaid.
func (info *CheckInfo) infer() {
	// A daemon that knows startup gives every check that runs a change.
	if info.Startup != "" && info.ChangeID == "" {
		info.Status = CheckInactive
	}
}

// StartChecks starts checks and returns the names of those that were not
// running. A name that the plan does not have is an [APIError], and nothing is
// started.
func (c *Client) StartChecks(ctx context.Context, names []string) ([]string, error) {
	return c.checkAction(ctx, "start", names)
}

// StopChecks stops checks and returns the names of those that were running. A
// name that the plan does not have is an [APIError], and nothing is stopped.
func (c *Client) StopChecks(ctx context.Context, names []string) ([]string, error) {
	return c.checkAction(ctx, "stop", names)
}

func (c *Client) checkAction(ctx context.Context, action string, names []string) ([]string, error) {
	var result struct {
		// Older daemons give null for no change.
		Changed []string `json:"changed"`
	}
	err := c.sync(ctx, request{
		method: http.MethodPost,
		path:   "/v1/checks",
		body:   map[string]any{"action": action, "checks": append([]string{}, names...)},
	}, &result)
	if err != nil {
		return nil, err
	}
	return append([]string{}, result.Changed...), nil
}

// RefreshCheck runs a check now, and returns its state afterwards and why the
// run failed, "" if it did not. A name that the plan does not have is an
// [APIError] with code 404.
func (c *Client) RefreshCheck(ctx context.Context, name string) (info *CheckInfo, problem string, err error) {
	var result struct {
		Info  *CheckInfo `json:"info"`
		Error string     `json:"error"`
	}
	err = c.sync(ctx, request{
		method: http.MethodPost,
		path:   "/v1/checks/refresh",
		body:   map[string]any{"name": name},
		// A check may take as long as its own timeout.
		timeout: c.idleTimeout,
	}, &result)
	if err != nil {
		return nil, "", err
	}
	if result.Info == nil {
		return nil, "", protocolError("Pebble's answer to POST /v1/checks/refresh does not describe the check")
	}
	result.Info.infer()
	return result.Info, result.Error, nil
}
