package host_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/testdata/peers"
)

// keeper is a charm with secrets: its option says what it does to them.
const keeper = `
-- charmcraft.yaml --
name: everything
type: charm
summary: Keeps secrets.
description: Keeps secrets.
requires:
  db: {interface: pg}
config:
  options:
    step: {type: string, default: ""}
    token: {type: secret}
-- src/charm.star --
def add():
    s = model.app.add_secret({"password": "first-value"}, label = "db", description = "of the db", rotate = "daily")
    s.grant(model.get_relation("db"))
    s.set_content({"password": "hunter-one"})
    s.set_info(description = "better")
    own = model.unit.ensure_secret("own", {"key": "hunter-own"}, expire = time.parse_time("2030-01-01T00:00:00Z"))
    log.info("added %s %s %s", s.changed, model.get_secret(label = "db").get_content().keys(), own.get_info().owner)
    log.info("masked %s", s.get_content())

def change():
    s = model.get_secret(label = "db")
    s.set_content({"password": "hunter-one"})
    log.info("same %s", s.changed)
    s.set_content({"password": "hunter-two"})
    s.set_info(description = "best")
    model.get_secret(id = s.id).set_info(rotate = "weekly")
    log.info("changed %s %s", s.changed, model.get_secret(id = s.id) == s)
    log.info("reads %s %s", len(s.get_content()), s.peek_content() == {"password": "hunter-two"})

def remove_and_set():
    s = model.get_secret(label = "db")
    s.remove_revision(1)
    s.set_content({"password": "hunter-three"})
    own = model.unit.ensure_secret("own", {"key": "hunter-other"})
    log.info("own %s %s", own.changed, own.get_content() == {"key": "hunter-other"})

def share():
    s = model.get_secret(label = "db")
    s.revoke(model.get_relation("db"))
    _, err = catch(s.grant, model.get_relation("db"))
    log.info("%s", err.kind)
    _, err = catch(s.grant, model.get_relation("db", 99))
    log.info("%s", err.kind)
    model.get_secret(label = "own").grant(model.get_relation("db"), unit = "pg/0")

def refused():
    for call in [lambda: model.app.add_secret({"key": "value"}), lambda: model.app.ensure_secret("db", {"key": "value"})]:
        _, err = catch(call)
        log.info("%s", err.kind)
    token = model.get_secret(id = model.config["token"])
    log.info("token %s", token.get_content())
    for call in [token.get_info, lambda: token.set_content({"key": "value"}), token.remove_all_revisions]:
        _, err = catch(call)
        log.info("%s", err.kind)

def remove():
    model.get_secret(label = "db").remove_all_revisions()
    model.unit.ensure_secret("own", {"key": "hunter-third"})

def absent():
    log.info("%s", model.get_secret(label = "db", default = None))

STEPS = {"add": add, "change": change, "remove_and_set": remove_and_set, "share": share, "refused": refused, "remove": remove, "absent": absent}

def on_config_changed(event):
    if model.config["step"]:
        STEPS[model.config["step"]]()

def on_secret(event):
    content, err = catch(event.secret.get_content)
    log.info("%s %s %s", event.name, event.secret.label, content)
    if event.name == "secret_rotate":
        event.secret.set_content({"password": "hunter-rotated"})
    elif event.name in ["secret_remove", "secret_expired"]:
        event.remove_revision()
        log.info("ensured %s", model.unit.ensure_secret("own", {"key": "hunter-third"}).changed)

on = framework.on
framework.observe(on.config_changed, on_config_changed)
framework.observe([on.secret_changed, on.secret_rotate, on.secret_remove, on.secret_expired], on_secret)
`

// aSecret is what can be compared of a secret, by its label.
type aSecret struct {
	Owner, Description, Rotate string
	Expires                    bool
	Latest                     int
	Content                    map[string]string
	Grants                     map[string]int
}

// TestRealSecrets: the same charm has the same secrets and sees the same under
// the genuine Juju and the simulated one, hook by hook.
func TestRealSecrets(t *testing.T) {
	bothWays(t, func(t *testing.T, tools string) {
		source := t.TempDir()
		for _, f := range txtar.Parse([]byte(keeper)).Files {
			path := filepath.Join(source, f.Name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, f.Data, 0o644))
		}
		u := deploy(t, packed(t, source), tools)
		u.related()
		u.Change(map[string]any{"secrets": map[string]any{
			grantedSecret: map[string]any{"owner": "pg", "latest": 1, "revisions": map[string]any{"1": map[string]string{"token": "hunter-token"}}, "grants": map[string]any{"everything": map[string]any{"relation": "1"}}},
		}})
		s := newUnit(t, keeper)
		s.state.Juju.JujuVersion = "3.5.1"
		s.state.Juju.Relations = []*modeltest.Relation{{Endpoint: "db", ID: 1, RemoteApp: "pg", RemoteUnitsData: map[int]map[string]string{0: {}}}}
		s.state.Juju.Secrets = []*modeltest.Secret{{ID: "secret:" + grantedSecret, LatestContent: map[string]string{"token": "hunter-token"}}}

		id := func(label string) string {
			for id, secret := range u.World.Secrets {
				if secret.Label == label {
					return "secret:" + id
				}
			}
			t.Fatal("no secret has the label " + label)
			return ""
		}
		simulatedID := func(label string) string {
			for _, secret := range s.state.Juju.Secrets {
				if secret.Label == label {
					return secret.ID
				}
			}
			t.Fatal("no simulated secret has the label " + label)
			return ""
		}
		var lines []string
		hook := func(real peers.JujuHook, simulated modeltest.Event) {
			t.Helper()
			outcome := u.runs(real)
			simulated.Name = real.Kind
			o := s.event(simulated)
			require.NoError(t, o.Err)
			lines = []string{}
			for _, line := range outcome.Log() {
				if text, ok := strings.CutPrefix(line, "INFO "); ok {
					lines = append(lines, text)
				}
			}
			assert.Equal(t, lines, slices.DeleteFunc(logged(o), func(line string) bool { return strings.HasPrefix(line, "ERROR") }), real.Kind)
			assert.Equal(t, realSecrets(u), simulatedSecrets(s), real.Kind)
			assert.NotContains(t, strings.Join(lines, "\n"), "hunter")
			for _, call := range outcome.Calls {
				assert.NotContains(t, strings.Join(call.Args, " "), "hunter")
			}
		}
		step := func(name string) {
			t.Helper()
			u.Change(map[string]any{"config": map[string]any{"step": name, "token": "secret:" + grantedSecret}})
			s.state.Juju.Config = map[string]any{"step": name, "token": "secret:" + grantedSecret}
			hook(peers.JujuHook{Kind: "config-changed"}, modeltest.Event{})
		}
		event := func(kind, label string, revision int) {
			t.Helper()
			hook(peers.JujuHook{Kind: kind, SecretURI: id(label), SecretLabel: label, SecretRevision: revision},
				modeltest.Event{SecretID: simulatedID(label), SecretRevision: revision})
		}

		step("add")
		assert.Equal(t, []string{`added True ["password"] unit`, `masked {"password": "<secret>"}`}, lines)
		step("change")
		assert.Equal(t, []string{"same False", "changed True True", "reads 1 True"}, lines)
		db := u.World.Secrets[strings.TrimPrefix(id("db"), "secret:")]
		assert.Equal(t, []any{2, "best", "weekly"}, []any{db.Latest, db.Description, db.Rotate}, "no change is lost to a later one")
		step("remove_and_set")
		assert.Equal(t, []string{"own True True"}, lines)
		assert.Contains(t, u.World.Secrets[strings.TrimPrefix(id("db"), "secret:")].Revisions, 1, "it waits")
		assert.Contains(t, u.state(), `"secret_removals"`)
		step("")
		assert.NotContains(t, u.World.Secrets[strings.TrimPrefix(id("db"), "secret:")].Revisions, 1)
		assert.NotContains(t, u.state(), `"secret_removals"`)
		step("share")
		assert.Equal(t, []string{"model.ModelError", "model.RelationNotFoundError"}, lines)
		event("secret-rotate", "db", 0)
		assert.Equal(t, 4, u.World.Secrets[strings.TrimPrefix(id("db"), "secret:")].Latest)
		hook(peers.JujuHook{Kind: "secret-changed", SecretURI: "secret:" + grantedSecret}, modeltest.Event{SecretID: "secret:" + grantedSecret})
		assert.Equal(t, []string{`secret_changed None {"token": "<secret>"}`}, lines)

		u.Change(map[string]any{"leader": false})
		s.state.Juju.Leader = false
		step("refused")
		assert.Equal(t, []string{"model.NotLeaderError", "model.NotLeaderError", `token {"token": "<secret>"}`,
			"model.SecretNotFoundError", "model.NotLeaderError", "model.NotLeaderError"}, lines)
		u.Change(map[string]any{"leader": true})
		s.state.Juju.Leader = true

		step("remove")
		assert.NotContains(t, realSecrets(u), "db")
		step("absent")
		assert.Equal(t, []string{"None"}, lines)
		event("secret-remove", "own", 1)
		assert.Equal(t, "ensured False", lines[1])
		assert.NotContains(t, u.World.Secrets[strings.TrimPrefix(id("own"), "secret:")].Revisions, 1)
	})
}

func realSecrets(u *unit) map[string]aSecret {
	all := map[string]aSecret{}
	for _, secret := range u.World.Secrets {
		if secret.Owner == "pg" {
			continue
		}
		grants := map[string]int{}
		for name, grant := range secret.Grants {
			grants[name], _ = strconv.Atoi(grant.Relation)
		}
		owner := map[string]string{"everything": "app", "everything/0": "unit"}[secret.Owner]
		all[secret.Label] = aSecret{owner, secret.Description, secret.Rotate, secret.Expire != nil, secret.Latest, secret.Revisions[secret.Latest], grants}
	}
	return all
}

func simulatedSecrets(u *simulatedUnit) map[string]aSecret {
	all := map[string]aSecret{}
	for _, secret := range u.state.Juju.Secrets {
		if secret.Owner == "" {
			continue
		}
		grants := map[string]int{}
		for id, names := range secret.RemoteGrants {
			for _, name := range names {
				grants[name] = id
			}
		}
		all[secret.Label] = aSecret{secret.Owner, secret.Description, secret.Rotate, secret.Expire != nil, secret.LatestRevision, maps.Clone(secret.LatestContent), grants}
	}
	return all
}
