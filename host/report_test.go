package host_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/modeltest"
)

// TestSecretsAreMasked: what a secret holds shows nowhere that people look.
func TestSecretsAreMasked(t *testing.T) {
	const password = "correct horse battery"
	for name, script := range map[string]string{
		"log":              `log.warning("with %s", password)`,
		"print":            `print(password, [password], {"a": password})`,
		"status":           `model.unit.status = model.BlockedStatus("bad password: " + password)`,
		"application":      `model.app.status = model.ActiveStatus(password)`,
		"fail":             `fail("cannot log in with", password)`,
		"error":            `{"a": 1}[password]`,
		"failure":          `throw(model.ModelError, "not " + password)`,
		"local in an call": `int(password)`,
		"part of a text":   `fail("postgres://user:" + password + "@host/")`,
		"hook tool":        `model.get_secret(label = password)`,
		"workload version": `model.unit.set_workload_version(password)`,
		"another secret":   `fail(key)`,
		"collected status": `statuses.append(password)`,
	} {
		for _, event := range []modeltest.Event{{Name: "start"}, {Name: "backup", Action: true}} {
			t.Run(name+" "+event.Name, func(t *testing.T) {
				u := newUnit(t, `
-- charmcraft.yaml --
name: web
actions: {backup: {}}
-- charm.star --
def on_event(event):
    content = model.get_secret(label = "db").get_content()
    password = content["password"]
    key = content["key"]
    statuses = []
    `+script+`
    for text in statuses:
        model.unit.status = model.WaitingStatus(text)
framework.observe([framework.on.start, framework.on.backup_action], on_event)
`)
				u.state.Juju.Secrets = []*modeltest.Secret{{
					ID: "secret:9m4e2mr0ui3e8a215n4g", Label: "db", Owner: "unit",
					TrackedContent: map[string]string{"password": password, "key": "-----BEGIN KEY-----\nMIIabcdefgh\n-----END KEY-----\n"},
				}}
				o := u.event(event)
				for _, s := range o.Steps {
					if s.Via == "log" {
						assert.NotContains(t, s.Result, password)
						assert.NotContains(t, s.Result, "MIIabcdefgh")
					}
				}
				assert.NotContains(t, o.Stderr, password)
				assert.NotContains(t, o.Stderr, "MIIabcdefgh")
				for _, d := range o.Diagnostics {
					assert.NotContains(t, d.Render(false), password)
					assert.NotContains(t, d.Render(false), "MIIabcdefgh")
				}
				for _, status := range []modeltest.Status{u.state.Juju.UnitStatus, u.state.Juju.AppStatus} {
					assert.NotContains(t, status.Message, password)
				}
				if name == "print" {
					assert.Equal(t, []string{`<secret> ["<secret>"] {"a": "<secret>"}`}, logged(o))
				}
				if name == "fail" && event.Action {
					assert.Equal(t, "Uncaught Error in charm code: cannot log in with <secret>\nUse `juju debug-log` to see the full traceback.\n", o.Stderr)
				}
			})
		}
	}
}

// TestReportOfAnAction: the author sees a traceback, the user of an action two
// lines, who watches the log a security event.
func TestReportOfAnAction(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
containers: {web: {}}
actions: {backup: {}}
-- charm.star --
def copy():
    model.unit.get_container("web").pull("/nothing")

def on_backup(event):
    copy()

framework.observe(framework.on.backup_action, on_backup)
`)
	o := u.run("backup-action")
	require.Error(t, o.Err)
	require.Equal(t, []string{`ERROR Uncaught exception while in charm code:
Traceback (most recent call last):
  charm.star:5:9: in on_backup
    copy()
  charm.star:2:41: in copy
    model.unit.get_container("web").pull("/nothing")
Error: pebble.PathError: not-found - stat /nothing: no such file or directory`}, logged(o))
	assert.Equal(t, "Uncaught pebble.PathError in charm code: not-found - stat /nothing: no such file or directory\nUse `juju debug-log` to see the full traceback.\n", o.Stderr)
	last := o.Steps[len(o.Steps)-1]
	require.Equal(t, "TRACE", last.What)
	var event map[string]any
	require.NoError(t, json.Unmarshal([]byte(last.Result), &event))
	assert.Equal(t, "sys_crash:pebble.PathError", event["event"])
	assert.Equal(t, "security", event["type"])
	assert.Equal(t, "WARN", event["level"])
}
