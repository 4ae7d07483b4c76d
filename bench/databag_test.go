package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/rpc"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/testdata/peers"
)

var genuineModel = peers.JujuModel{Name: "lab", UUID: "f47ac10b-58cc-4372-a567-0e02b2c3d479", Type: "iaas"}

// unitCounts are how many remote units are read.
var unitCounts = []int{1, 10, 100}

// hook runs the hook of a's environment in this process, with its own client
// of the hook tools, which mode chooses.
func (a *agent) hook(charm *host.Charm, mode string) func() error {
	env := maps.Clone(a.env)
	env[hooktool.ModeVariable] = mode
	return func() error {
		hook, err := model.ParseContext(env)
		if err != nil {
			return err
		}
		tools, err := hooktool.Open(env, hooktool.Options{})
		if err != nil {
			return err
		}
		defer tools.Close()
		return charm.Dispatch(context.Background(), host.Options{Context: hook, Tools: tools, Machine: machine.Real(), Stderr: os.Stderr})
	}
}

// bare makes the calls of the hook in Go, and decodes the answers.
func (a *agent) bare() error {
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
	var ids, units []string
	if err := call(&ids, "relation-ids", "db", "--format=json"); err != nil {
		return err
	}
	if err := call(&units, "relation-list", "-r", ids[0], "--format=json"); err != nil {
		return err
	}
	for _, unit := range units {
		var bag map[string]string
		if err := call(&bag, "relation-get", "-r", ids[0], "--format=json", "-", unit); err != nil {
			return err
		}
		if bag["port"] != "5432" {
			return errors.New("wrong port")
		}
	}
	return nil
}

// BenchmarkDatabags is a hook that reads what each of some remote units says,
// in a process that runs already. Times are of one call; there is one for each
// unit and two to find them.
func BenchmarkDatabags(b *testing.B) {
	p := built(b)
	dir := writeCharm(b, databagScript, p.starcharm)
	charm, err := host.LoadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range unitCounts {
		for _, tool := range []string{"small", "jujuc"} {
			b.Run(fmt.Sprintf("units=%d/tool=%s", n, tool), func(b *testing.B) {
				program := p.tool
				if tool == "jujuc" {
					program = genuineTool(b)
				}
				a := newAgent(b, dir, n)
				a.install(b, program)
				compare(b,
					contestant{name: "rpc", units: n + 2, run: a.hook(charm, "rpc")},
					contestant{name: "exec", units: n + 2, slower: true, run: a.hook(charm, "exec")},
					contestant{name: "bare", units: n + 2, run: a.bare},
				)
			})
		}
	}
}

// genuineTool is the path of Juju's own hook tool program.
func genuineTool(b *testing.B) string {
	b.Helper()
	genuine := peers.Juju(b)
	genuine.SetWorld(peers.JujuWorld{Model: genuineModel, Unit: "small/0", CharmDir: writeCharm(b, noopScript, built(b).starcharm)})
	outcome := genuine.Hook(peers.JujuHook{Kind: "config-changed"})
	path, _ := outcome.Getenv("PATH")
	for _, dir := range strings.Split(path, ":") {
		if program, err := filepath.EvalSymlinks(filepath.Join(dir, "relation-get")); err == nil {
			return program
		}
	}
	b.Fatalf("no relation-get on the hook's PATH: %s", path)
	return ""
}

// BenchmarkGenuine is the same hook as Juju's own unit agent runs it: the
// agent prepares the hook, starts the charm's dispatch, answers its calls and
// commits.
func BenchmarkGenuine(b *testing.B) {
	p := built(b)
	for _, n := range unitCounts {
		b.Run(fmt.Sprintf("units=%d", n), func(b *testing.B) {
			genuine := peers.Juju(b)
			data := map[string]map[string]string{"small/0": {}, "small": {}, "remote": {}}
			var members []string
			for i := range n {
				unit := fmt.Sprintf("remote/%d", i)
				members = append(members, unit)
				data[unit] = map[string]string{"host": "db.example.com", "port": "5432"}
			}
			genuine.SetWorld(peers.JujuWorld{
				Model:     genuineModel,
				Unit:      "small/0",
				CharmDir:  writeCharm(b, databagScript, p.starcharm),
				Relations: map[string]*peers.JujuRelation{"1": {Endpoint: "db", RemoteApp: "remote", Members: members, Data: data}},
			})
			hook := func(mode string) func() error {
				return func() error {
					genuine.Env = map[string]string{hooktool.ModeVariable: mode}
					outcome := genuine.Hook(peers.JujuHook{Kind: "config-changed"})
					if outcome.Error != "" || len(outcome.Calls) != n+2 {
						return fmt.Errorf("%s, %d calls, %v", outcome.Error, len(outcome.Calls), outcome.Logs)
					}
					return nil
				}
			}
			compare(b, contestant{name: "rpc", run: hook("rpc")}, contestant{name: "exec", slower: true, run: hook("exec")})
		})
	}
}
