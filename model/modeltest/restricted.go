package modeltest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
)

// Up to Juju 3.5, collect-metrics and meter-status-changed are run by workers
// of their own, in whose hooks most tools are refused.

var errRestricted = errors.New("not implemented for restricted context not implemented")

// restricted tells whether this is such a hook.
func (h *Hook) restricted() bool { return h.plan.def.Kind.Restricted() }

// refuses is the agent's refusal to begin a tool that looks at the hook's
// relation or storage before it reads its arguments, or nil.
func (h *Hook) refuses(tool string) error {
	if !h.restricted() {
		return nil
	}
	switch tool {
	case "relation-ids", "relation-list", "relation-get", "relation-set", "network-get", "secret-grant", "secret-revoke", "storage-get":
		return &hooktool.Error{Tool: tool, Reason: hooktool.Refused, Err: fmt.Errorf("the agent of Juju refused the call: bad request: %w", errRestricted)}
	}
	return nil
}

// restrict makes a tool fail that such a hook does not have.
func (h *Hook) restrict(tool string, do func() error) func() error {
	if !h.restricted() {
		return do
	}
	doing := ""
	switch tool {
	case "juju-log", "opened-ports", "status-get", "add-metric":
		return do
	case "credential-get":
		doing = "cannot access cloud credentials: "
	case "is-leader":
		doing = "leadership status unknown: "
	case "leader-get":
		doing = "cannot read leadership settings: "
	case "leader-set":
		doing = "cannot write leadership settings: "
	case "resource-get":
		doing = "could not download resource: "
	}
	return func() error { return fmt.Errorf("%s%w", doing, errRestricted) }
}

// restrictedEnv is the environment of such a hook: there JUJU_UNIT_NAME is the
// unit's tag, and of the model nothing is told.
func (j *Juju) restrictedEnv(p *plan) map[string]string {
	tag := "unit-" + strings.ReplaceAll(j.state.unit(), "/", "-")
	env := map[string]string{
		"CHARM_DIR":                j.CharmDir,
		"JUJU_CHARM_DIR":           j.CharmDir,
		"JUJU_CONTEXT_ID":          fmt.Sprintf("%s-%s-%d", tag, p.hook, j.contexts+1),
		"JUJU_DISPATCH_PATH":       "hooks/" + p.hook,
		"JUJU_UNIT_NAME":           tag,
		"PATH":                     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG":                     "C.UTF-8",
		"TERM":                     "screen",
		"APT_LISTCHANGES_FRONTEND": "none",
		"DEBIAN_FRONTEND":          "noninteractive",
	}
	if p.def.Kind == model.MeterStatusChanged {
		env["JUJU_METER_STATUS"], env["JUJU_METER_INFO"] = "AMBER", "not set"
	}
	return env
}
