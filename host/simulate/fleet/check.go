package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
)

// A RuleError is about a charm that did what none must do.
type RuleError struct {
	// Message says what.
	Message string
	Outcome *simulate.Outcome
}

func (e *RuleError) Error() string { return e.Message }

// checkHook looks at what a hook did.
func (m *Model) checkHook(u *Unit, o *simulate.Outcome) error {
	broken := func(format string, args ...any) error {
		return &RuleError{Message: fmt.Sprintf(format, args...) + fmt.Sprintf(" (%s on %s)", o.Event, o.Unit), Outcome: o}
	}
	if !o.Before.Juju.Leader {
		for _, s := range o.Steps {
			if s.Via == "juju" && s.Failed && refusedToFollower(s) {
				return broken("a unit that is not the leader tried what only the leader may: %s", s.What)
			}
		}
	}
	for _, s := range m.secrets {
		for _, content := range s.revisions {
			for key, value := range content {
				if where := leak(o, value); where != "" {
					name := s.label
					if name == "" {
						name = s.id
					}
					return broken("the value of %q of the secret %s is in %s", key, name, where)
				}
			}
		}
	}
	return nil
}

// refusedToFollower tells whether Juju refused a call because the unit is not
// the leader.
func refusedToFollower(s simulate.Step) bool {
	name, _, _ := strings.Cut(s.What, " ")
	switch name {
	case "relation-set":
		return strings.Contains(s.Result, "cannot write relation settings")
	case "status-set", "secret-add", "leader-set", "pod-spec-set", "k8s-raw-set", "k8s-spec-set":
		return strings.Contains(s.Result, "leader")
	}
	return false
}

// minLeak is how long a secret's value has to be to be recognized elsewhere, in
// bytes: a port or a short name is found in many places.
const minLeak = 6

// public is how certificates and the requests for them begin: libraries keep
// them in secrets, for the sake of their expiry, and show them to everybody.
const public = "-----BEGIN CERTIFICATE"

// leak is where a hook wrote a secret's value that others may read, or "". In
// databags it may be part of a JSON text.
func leak(o *simulate.Outcome, value string) string {
	if len(value) < minLeak || strings.HasPrefix(value, public) {
		return ""
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		quoted = []byte(value)
	}
	inJSON := strings.Trim(string(quoted), `"`)
	for _, r := range o.State.Juju.Relations {
		for name, bag := range map[string]map[string]string{"the application's": r.LocalAppData, "the unit's": r.LocalUnitData} {
			for key, content := range bag {
				if strings.Contains(content, value) || strings.Contains(content, inJSON) {
					return fmt.Sprintf("%q of %s databag of the relation %s:%d", key, name, r.Endpoint, r.ID)
				}
			}
		}
	}
	for _, s := range o.Steps {
		if s.Via == "log" && strings.Contains(s.Result, value) {
			return "the log"
		}
	}
	for _, status := range []modeltest.Status{o.State.Juju.UnitStatus, o.State.Juju.AppStatus} {
		if strings.Contains(status.Message, value) {
			return "a status"
		}
	}
	return ""
}

// checkSettled runs update-status and config-changed once more on each unit,
// without consequence: nothing may come of them that others would see.
func (m *Model) checkSettled(ctx context.Context) error {
	for _, a := range m.apps {
		for _, u := range a.Units {
			if !u.started || u.failed != nil {
				continue
			}
			for _, name := range []string{"update-status", "config-changed"} {
				o, err := m.simulate(ctx, u, m.world(u, nil), modeltest.Event{Name: name})
				if err != nil {
					return err
				}
				if o.Err != nil {
					return &HookError{Outcome: o, Tries: 1}
				}
				for _, c := range o.Changes {
					if visible(c.Path) {
						return &RuleError{Message: fmt.Sprintf("%s on %s, with nothing left to do, changes %s", name, u.Name(), c.Path), Outcome: o}
					}
				}
			}
		}
	}
	return nil
}

// visible tells whether others than the charm see that part of the state.
func visible(path string) bool {
	head, rest, _ := strings.Cut(path, ".")
	if strings.HasPrefix(head, "secrets[") && strings.HasPrefix(rest, "tracked_") {
		return false // which revision a unit reads is its own affair
	}
	head, _, _ = strings.Cut(head, "[")
	return !slices.Contains([]string{"stored_state", "stored", "deferred", "config_digests", "secret_removals"}, head)
}
