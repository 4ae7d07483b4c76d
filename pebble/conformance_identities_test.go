package pebble_test

import (
	"context"

	"github.com/starcharm/starcharm/pebble"
)

// passwordHash is of "secret".
const passwordHash = "$6$F9cFSVEKyO4gB1Wh$8S1BSKsNkF.jBAixGc4W7l80OpfCNk65LZBDHBng3NAmbcHuMj4RIm7992rrJ8YA.SJ0hvm.vGk2z483am4Ym1"

func withIdentities(w *world) {
	w.post("/v1/identities", `{"action":"add","identities":{"bob":{"access":"admin","local":{"user-id":42}},"mary":{"access":"metrics","basic":{"password":"`+passwordHash+`"}}}}`)
}

func identityCases() []conformanceCase {
	cases := gets("identities", withIdentities, "/v1/identities")
	cases = append(cases, gets("identities/none", nil, "/v1/identities")...)
	cases = append(cases, posts("identities", "/v1/identities", func(w *world) { withIdentities(w) },
		`{}`, `{`, ``, `null`, `{"action":"foo"}`, `{"action":"add"}`, `{"action":"remove"}`, `{"action":"update","identities":{}}`,
		`{"action":"add","identities":{"bob":{"access":"read","local":{"user-id":1}}}}`,
		`{"action":"add","identities":{"bob":{"access":"read","local":{"user-id":1}},"mary":{"access":"read","local":{"user-id":2}}}}`,
		`{"action":"add","identities":{"x":null}}`, `{"action":"update","identities":{"bob":null}}`,
		`{"action":"add","identities":{"x":{"local":{"user-id":1}}}}`, `{"action":"add","identities":{"x":{"access":"root","local":{"user-id":1}}}}`,
		`{"action":"add","identities":{"x":{"access":"read"}}}`, `{"action":"add","identities":{"x":{"access":"read","local":{}}}}`,
		`{"action":"add","identities":{"x":{"access":"read","local":null}}}`,
		`{"action":"add","identities":{"x":{"access":"read","basic":{"password":"plain"}}}}`, `{"action":"add","identities":{"x":{"access":"read","basic":{}}}}`,
		`{"action":"add","identities":{"x":{"access":"read","cert":{"pem":"x"}}}}`,
		`{"action":"add","identities":{"":{"access":"read","local":{"user-id":1}}}}`, `{"action":"add","identities":{"a b":{"access":"read","local":{"user-id":1}}}}`,
		`{"action":"add","identities":{"x":{"access":"read","local":{"user-id":42}}}}`,
		`{"action":"add","identities":{"x":{"access":"untrusted","local":{"user-id":1}}}}`,
		`{"action":"update","identities":{"x":{"access":"read","local":{"user-id":1}},"a":{"access":"read","local":{"user-id":1}}}}`,
		`{"action":"update","identities":{"bob":{"access":"read","local":{"user-id":1}}}}`,
		`{"action":"update","identities":{"bob":{"access":"sudo","local":{"user-id":1}}}}`,
		`{"action":"replace","identities":{"bob":null,"x":null,"y":{"access":"read","local":{"user-id":1}}}}`,
		`{"action":"remove","identities":{"x":null,"bob":null}}`, `{"action":"remove","identities":{"bob":{"access":"read","local":{"user-id":1}}}}`,
		`{"action":"remove","identities":{"bob":null}}`,
	)...)
	return append(cases, conformanceCase{name: "identities/client", run: func(w *world) {
		ctx := context.Background()
		list := func() {
			found, err := w.client.Identities(ctx)
			w.result("identities", found, err)
		}
		local := func(access pebble.IdentityAccess, id int) *pebble.Identity {
			return &pebble.Identity{Access: access, Local: &pebble.LocalIdentity{UserID: id}}
		}
		list()
		w.result("add", nil, w.client.AddIdentities(ctx, map[string]*pebble.Identity{
			"bob": local(pebble.AccessAdmin, 42), "mary": {Access: pebble.AccessMetrics, Basic: &pebble.BasicIdentity{Password: passwordHash}},
		}))
		list()
		w.result("add again", nil, w.client.AddIdentities(ctx, map[string]*pebble.Identity{"bob": local(pebble.AccessAdmin, 42)}))
		w.result("update", nil, w.client.UpdateIdentities(ctx, map[string]*pebble.Identity{"bob": local(pebble.AccessRead, 43)}))
		w.result("update nobody", nil, w.client.UpdateIdentities(ctx, map[string]*pebble.Identity{"nobody": local(pebble.AccessRead, 7)}))
		list()
		w.result("replace", nil, w.client.ReplaceIdentities(ctx, map[string]*pebble.Identity{"bob": nil, "nobody": nil, "new": local(pebble.AccessRead, 9)}))
		list()
		w.result("remove nobody", nil, w.client.RemoveIdentities(ctx, []string{"new", "nobody"}))
		w.result("remove", nil, w.client.RemoveIdentities(ctx, []string{"new", "mary"}))
		list()
	}})
}

func metricsCases() []conformanceCase {
	return []conformanceCase{{name: "metrics", run: func(w *world) {
		ctx := context.Background()
		show := func() {
			text, err := w.client.Metrics(ctx)
			w.note("%s%v", text, err)
		}
		show()
		abc(w)
		withChecks(w)
		show()
		w.change("start", "c")
		w.change("restart", "c")
		_, err := w.client.StopChecks(ctx, []string{"a"})
		w.result("stop a", nil, err)
		show()
		w.raw("POST", "/v1/metrics", "{}")
	}}}
}

func refreshCases() []conformanceCase {
	cases := posts("checks/refresh", "/v1/checks/refresh", withChecks,
		`{}`, `{`, ``, `{"name":"zz"}`, `{"name":""}`, `{"name":"a"}`, `{"name":"b"}`)
	return append(cases, conformanceCase{name: "checks/refresh-client", run: func(w *world) {
		withChecks(w)
		for _, name := range []string{"a", "b", "zz"} {
			info, problem, err := w.client.RefreshCheck(context.Background(), name)
			w.note("%q", problem)
			w.result("refresh "+name, info, err)
		}
		w.checks()
	}})
}
