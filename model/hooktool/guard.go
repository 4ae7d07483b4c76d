package hooktool

import (
	"context"
	"slices"
	"strings"
)

// readers are the hook tools that change nothing.
var readers = [...]string{
	"action-get", "config-get", "credential-get", "goal-state", "is-leader", "juju-log", "leader-get", "network-get", "opened-ports",
	"payload-status-get", "relation-get", "relation-ids", "relation-list", "relation-model-get", "resource-get", "secret-get",
	"secret-ids", "secret-info-get", "state-get", "status-get", "storage-get", "storage-list", "unit-get",
}

// Writes says whether the call changes something. A tool that is not known is
// said to. juju-log is not, nor is secret-get, though Juju has the unit track a
// secret from its first read on; with --refresh or a new --label it is.
func (c Call) Writes() bool {
	if !slices.Contains(readers[:], c.Name) {
		return true
	}
	if c.Name != "secret-get" {
		return false
	}
	label, id := false, false
	for i, arg := range c.Args {
		switch {
		case arg == "--refresh" || arg == "--update" || strings.HasPrefix(arg, "--refresh="):
			return true
		case arg == "--label" || strings.HasPrefix(arg, "--label="):
			label = true
		case !strings.HasPrefix(arg, "-") && (i == 0 || c.Args[i-1] != "--label"):
			id = true
		}
	}
	return label && id
}

// A Guard runs the calls that only read, and gives the others away: to who
// refuses them, or takes note of them.
type Guard struct {
	Runner
	// Write stands for a call that writes.
	Write func(ctx context.Context, call Call) (Result, error)
}

// Run implements [Runner].
func (g Guard) Run(ctx context.Context, call Call) (Result, error) {
	if call.Writes() {
		return g.Write(ctx, call)
	}
	return g.Runner.Run(ctx, call)
}
