package model

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
)

// TestToolsThatThisJujuLacks: a tool that is missing because of Juju's version
// is a VersionError that says which versions have it.
func TestToolsThatThisJujuLacks(t *testing.T) {
	for _, c := range []struct{ tool, version, want string }{
		{"secret-add", "2.9.51", "cannot run secret-add: Juju 2.9.51 does not have it: it came with Juju 3.0.3"},
		{"secret-ids", "3.0.2", "cannot run secret-ids: Juju 3.0.2 does not have it: it came with Juju 3.0.3"},
		{"secret-get", "3.0.3", ""},
		{"relation-model-get", "3.5.7", "cannot run relation-model-get: Juju 3.5.7 does not have it: it came with Juju 3.6.2"},
		{"relation-model-get", "3.6.2", ""},
		{"relation-model-get", "", "cannot run relation-model-get: this Juju does not have it: it came with Juju 3.6.2"},
		{"add-metric", "3.6.10", ""},
		{"add-metric", "3.6.11", "cannot run add-metric: Juju 3.6.11 does not have it: it went with Juju 3.6.11"},
		{"leader-set", "4.0-beta1", "cannot run leader-set: Juju 4.0-beta1 does not have it: it went with Juju 4.0.0"},
		{"payload-register", "3.6.11", ""},
		{"pod-spec-set", "4.1.0", "cannot run pod-spec-set: Juju 4.1.0 does not have it: it went with Juju 4.0.0"},
		{"k8s-raw-get", "4.0.0", "cannot run k8s-raw-get: Juju 4.0.0 does not have it: it went with Juju 4.0.0"},
		{"state-get", "2.7.8", "cannot run state-get: Juju 2.7.8 does not have it: it came with Juju 2.8.0"},
		{"config-get", "2.9.0", ""},
		{"no-such-tool", "", ""},
	} {
		cause := &hooktool.Error{Tool: c.tool, Reason: hooktool.Missing, Err: errors.New("none")}
		m, _ := newModel(t, map[string]string{"JUJU_VERSION": c.version}, map[string]any{c.tool: cause})
		_, err := m.run(c.tool, nil)
		if c.want == "" {
			requireKind(t, err, HookToolError, cause.Error())
		} else {
			requireKind(t, err, VersionError, c.want)
		}
		assert.ErrorIs(t, err, cause)
	}
}

func TestCloudSpecThatCannotBeHad(t *testing.T) {
	const onPods = `cannot access cloud credentials: credential-get on a "caas" model not supported`
	for _, c := range []struct {
		stderr, version string
		kind            Kind
		want            string
	}{
		{onPods, "3.5.7", VersionError, "cannot run credential-get on Kubernetes: Juju 3.5.7 does not have it: it came with Juju 3.6.10"},
		{onPods, "3.6.10", ModelError, "cannot run credential-get: " + onPods},
		{"cannot access cloud credentials: permission denied", "3.6.11", ModelError,
			"cannot run credential-get: cannot access cloud credentials: permission denied; it is for applications that are trusted: juju trust web"},
		{"boom", "3.6.11", ModelError, "cannot run credential-get: boom"},
	} {
		m, _ := newModel(t, map[string]string{"JUJU_VERSION": c.version}, map[string]any{"credential-get": failed(c.stderr), "is-leader": follower})
		_, err := m.CloudSpec()
		requireKind(t, err, c.kind, c.want)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "credential-get", e.Tool)
	}
}
