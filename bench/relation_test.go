package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/rpc"
	"testing"

	"github.com/starcharm/starcharm/host"
)

// relationScript reads all that a relation holds, as a charm does that
// configures itself from it.
const relationScript = `"""Reads everything."""

def on_db_changed(event):
    found = dict(event.relation.data[event.app])
    for unit in event.relation.units:
        for key, value in event.relation.data[unit].items():
            found[unit.name + " " + key] = value
    if len(found) != 7 * (1 + len(event.relation.units)):
        fail("found %d" % len(found))

framework.observe(framework.on["db"].relation_changed, on_db_changed)
`

// relationCounts are how many units the relation has.
var relationCounts = []int{1, 100, 1000}

// ideal makes the calls that reading a relation cannot do without, one for
// the list of units and one for each databag, and decodes the answers.
func (a *agent) ideal() error {
	client, err := rpc.Dial("unix", a.env["JUJU_AGENT_SOCKET_ADDRESS"])
	if err != nil {
		return err
	}
	defer client.Close()
	call := func(answer any, tool string, args ...string) error {
		var response Response
		request := Request{ContextId: a.env["JUJU_CONTEXT_ID"], Dir: a.env["JUJU_CHARM_DIR"], CommandName: tool, Args: args}
		if err := client.Call("Jujuc.Main", request, &response); err != nil {
			return err
		}
		return json.Unmarshal(response.Stdout, answer)
	}
	var units []string
	if err := call(&units, "relation-list", "-r", "db:1", "--format=json"); err != nil {
		return err
	}
	for _, entity := range append([]string{"remote"}, units...) {
		var bag map[string]string
		if err := call(&bag, "relation-get", "-r", "db:1", "--format=json", "-", entity); err != nil {
			return err
		}
		if len(bag) != 7 {
			return errors.New("data is missing")
		}
	}
	return nil
}

// BenchmarkRelation is a relation-changed hook that reads the databags of all
// units and of the application at the other end, against the calls that this
// cannot do without: how many are made, and the time for one unit.
func BenchmarkRelation(b *testing.B) {
	dir := writeCharm(b, relationScript, "/bin/false")
	charm, err := host.LoadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range relationCounts {
		b.Run(fmt.Sprintf("units=%d", n), func(b *testing.B) {
			a := newAgent(b, dir, n)
			for name, value := range map[string]string{"JUJU_DISPATCH_PATH": "hooks/db-relation-changed", "JUJU_HOOK_NAME": "db-relation-changed",
				"JUJU_RELATION": "db", "JUJU_RELATION_ID": "db:1", "JUJU_REMOTE_UNIT": "remote/0", "JUJU_REMOTE_APP": "remote"} {
				a.env[name] = value
			}
			run := a.hook(charm, "rpc")
			before := a.calls()
			if err := run(); err != nil {
				b.Fatal(err)
			}
			made := a.calls() - before
			if err := a.ideal(); err != nil {
				b.Fatal(err)
			}
			needed := a.calls() - before - made
			compare(b,
				contestant{name: "rpc", units: n, run: run},
				contestant{name: "ideal", units: n, run: a.ideal},
			)
			b.ReportMetric(float64(made), "calls")
			b.ReportMetric(float64(made)/float64(needed), "calls-x-ideal")
		})
	}
}
