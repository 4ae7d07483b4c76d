package modeltest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
)

// onModelOf runs do with package model on top of a simulated hook.
func onModelOf(t *testing.T, juju *modeltest.Juju, e modeltest.Event, do func(m *model.Model)) *modeltest.Hook {
	t.Helper()
	juju.CharmDir = t.TempDir()
	env, err := juju.Env(e)
	require.NoError(t, err)
	c, err := model.ParseContext(env)
	require.NoError(t, err)
	hook := begin(t, juju, e)
	do(model.New(t.Context(), model.Config{Context: c, Metadata: loadMeta(t, charmFiles), Tools: hook}))
	require.NoError(t, hook.End(0))
	return hook
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestModelRunsOnIt calls all of package model's operations, in the newest and
// the oldest Juju that have them.
func TestModelRunsOnIt(t *testing.T) {
	for _, v := range []string{"3.5.1", "3.6.11", "4.1.0"} {
		t.Run(v, func(t *testing.T) {
			juju := newJuju(t, func(s *modeltest.State) {
				s.JujuVersion = v
				s.Resources = []*modeltest.Resource{{Name: "app", Path: "/res/app.tgz"}}
				s.Model.CloudSpec = &modeltest.CloudSpec{Type: "lxd", Name: "localhost", Credential: &modeltest.CloudCredential{AuthType: "certificate", Attributes: map[string]string{"a": "b"}}}
				s.PlannedUnits = number(3)
			})
			e := modeltest.Event{Name: "db-relation-changed", RelationID: number(1), RemoteUnit: number(0)}
			var added string
			hook := onModelOf(t, juju, e, func(m *model.Model) {
				assert.Equal(t, map[string]any{"name": "hello", "port": int64(8080), "ratio": 0.5, "debug": false}, must(m.Config()))
				assert.True(t, must(m.IsLeader()))
				assert.Equal(t, model.Status{Name: "waiting", Message: "wait"}, must(m.UnitStatus()))
				require.NoError(t, m.SetUnitStatus(model.Status{Name: "active", Message: "-x"}))
				require.NoError(t, m.SetAppStatus(model.Status{Name: "active"}))
				require.NoError(t, m.SetWorkloadVersion("1.2"))
				assert.Equal(t, 3, must(m.PlannedUnits()))
				assert.Len(t, must(m.Relations("db")), 2)
				r := must(m.RelationByID("db", 1))
				assert.Equal(t, "pg", must(r.App()))
				assert.Equal(t, []string{"pg/0", "pg/1"}, must(r.Units()))
				assert.True(t, must(r.Active()))
				if v != "3.5.1" {
					assert.Equal(t, modelUUID, must(r.RemoteModelUUID()))
				}
				assert.Equal(t, map[string]string{"a": "1", "b": "x"}, must(must(r.Databag("pg/0")).Items()))
				require.NoError(t, must(r.Databag("web-app")).Update(map[string]string{"mine": "☃ \"two\"\n", "other": "x"}))
				require.NoError(t, must(r.Databag("web-app/0")).Delete("z"))
				assert.NotNil(t, must(r.Network()))
				assert.NotNil(t, must(m.Network("admin")))
				require.NoError(t, m.SetPorts([]model.Port{{Protocol: "tcp", From: 80, To: 80}, {Protocol: "udp", From: 1, To: 9}, {Protocol: "icmp"}}))
				assert.Len(t, must(m.OpenedPorts()), 3)
				assert.Equal(t, "/res/app.tgz", must(m.ResourcePath("app")))
				assert.Len(t, must(m.Storages("cache")), 1)
				assert.Equal(t, "/srv", must(m.StorageLocation("data", 0)))
				require.NoError(t, m.RequestStorage("cache", 2))
				require.NoError(t, m.StateSet(map[string]string{"k": "line\nnext", "e": ""}))
				assert.Equal(t, "lxd", must(m.CloudSpec()).Type)
				require.NoError(t, m.Log("INFO", "-- hello"))
				require.NoError(t, m.Reboot(false))

				assert.Equal(t, map[string]string{"user": "u", "password": "p"}, must(must(m.Secret(theirs, "")).Content(false)))
				assert.Equal(t, map[string]string{"user": "u", "password": "p2"}, must(must(m.Secret("", "mylabel")).Content(true)))
				s, err := m.AddSecret("unit", map[string]string{"key": "va\nl"}, model.SecretOptions{})
				require.NoError(t, err)
				added = s.UniqueID()
				ours := must(m.Secret(own, ""))
				require.NoError(t, ours.SetContent(map[string]string{"key": "new"}))
				require.NoError(t, ours.Grant(must(m.RelationByID("website", 10)), ""))
				assert.Equal(t, "own", must(ours.Info()).Label)
				assert.Len(t, must(m.SecretIDs()), 3)
				require.NoError(t, must(m.Secret(ownUnit, "")).RemoveAll())
				require.NoError(t, m.Flush())
				assert.Empty(t, must(m.RemoveSecrets(nil)))
			})
			s := juju.State()
			assert.Equal(t, modeltest.Status{Name: "active", Message: "-x"}, s.UnitStatus)
			assert.Equal(t, map[string]string{"mine": "☃ \"two\"\n", "other": "x"}, s.Relations[0].LocalAppData)
			assert.Equal(t, map[string]string{"ingress-address": "10.0.0.1"}, s.Relations[0].LocalUnitData)
			assert.Len(t, s.OpenedPorts, 3)
			assert.Equal(t, map[string]int{"cache": 2}, s.StorageRequests)
			assert.Equal(t, map[string]string{"k": "line\nnext", "e": ""}, s.Stored)
			assert.Equal(t, modeltest.RebootAfter, hook.Reboot())
			assert.Contains(t, hook.Logs(), modeltest.LogLine{Level: "INFO", Message: "-- hello", Relation: "db:1"})
			byID := map[string]*modeltest.Secret{}
			for _, secret := range s.Secrets {
				byID[secret.ID] = secret
			}
			assert.Equal(t, "new", byID[own].LatestContent["key"])
			assert.Contains(t, byID[own].RemoteGrants[10], "lb")
			assert.NotContains(t, byID, ownUnit)
			assert.Equal(t, map[string]string{"key": "va\nl"}, byID["secret:"+added].LatestContent)

			hook = onModelOf(t, juju, modeltest.Event{Name: "backup", Action: true, Params: map[string]any{"level": 2}}, func(m *model.Model) {
				assert.Equal(t, map[string]any{"level": int64(2), "to": "s3", "opts": map[string]any{"deep": true}}, must(m.ActionParams()))
				require.NoError(t, m.SetActionResults(map[string]any{"a": map[string]any{"b": "1"}, "c": "2"}))
				require.NoError(t, m.ActionLog("-- half"))
				require.NoError(t, m.ActionFail(""))
				value, ok, err := m.StateGet("k")
				require.NoError(t, err)
				assert.True(t, ok)
				assert.Equal(t, "line\nnext", value)
				require.NoError(t, m.StateDelete("k"))
			})
			assert.Equal(t, map[string]any{"a": map[string]any{"b": "1"}, "c": "2"}, hook.ActionResult().Results)
			assert.True(t, hook.ActionResult().Failed)
			assert.NotContains(t, juju.State().Stored, "k")
		})
	}
}
