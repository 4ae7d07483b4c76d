package hooktool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/testdata/peers"
)

// dispatch is a charm's: it calls hook tools and writes what they gave.
func dispatch() int {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	client, err := hooktool.Open(env, hooktool.Options{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer client.Close()
	for _, call := range []hooktool.Call{
		{Name: "config-get", Args: []string{"--format=json"}},
		{Name: "is-leader", Args: []string{"--format=json"}},
		{Name: "status-set", Args: []string{"active", "--", "it's up"}},
		{Name: "relation-set", Args: []string{"-r", "db:1", "--file", "-"}, Stdin: []byte(`{"a": "☃"}`)},
		{Name: "relation-get", Args: []string{"-r", "db:1", "--format=json", "-", "web/0"}},
		{Name: "relation-set", Args: []string{"-r", "db:1", "--file", "-"}},
		{Name: "relation-list", Args: []string{"-r", "db:9"}},
		{Name: "no-such-tool"},
	} {
		result, err := client.Run(context.Background(), call)
		var missing *hooktool.Error
		if errors.As(err, &missing) {
			fmt.Println(call.Name, missing.Reason)
			continue
		}
		fmt.Printf("%s %d %q %q\n", call.Name, result.Code, result.Stdout, result.Stderr)
	}
	return 0
}

func TestGenuineJuju(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	agent := peers.Juju(t)
	for _, mode := range []string{"", "rpc", "exec"} {
		t.Run("mode "+mode, func(t *testing.T) {
			agent.SetWorld(peers.JujuWorld{
				Model: peers.JujuModel{Name: "m", UUID: "5f2c0d1e-6b0a-4a56-8a6e-7d9f3a2b1c0d", Type: "iaas"}, Unit: "web/0", Leader: true,
				UnitStatus: peers.JujuStatus{Status: "unknown"}, AppStatus: peers.JujuStatus{Status: "unknown"}, AgentStatus: peers.JujuStatus{Status: "executing"},
				Relations: map[string]*peers.JujuRelation{"1": {Endpoint: "db", RemoteApp: "pg", Data: map[string]map[string]string{"pg": {}, "web": {}, "web/0": {}}}},
				CharmFiles: map[string]string{
					"metadata.yaml": "name: web\nsummary: s\ndescription: d\nrequires: {db: {interface: pgsql}}\n",
					"config.yaml":   "options: {name: {type: string, default: x}}\n",
					"manifest.yaml": "bases: [{name: ubuntu, channel: \"22.04/stable\", architectures: [amd64]}]\n",
					"dispatch":      "#!/bin/sh\n" + toolVariable + "=dispatch exec '" + self + "'\n",
				},
			})
			agent.Env = map[string]string{hooktool.ModeVariable: mode, "GORACE": "atexit_sleep_ms=0", "GOCOVERDIR": t.TempDir()}
			outcome := agent.Hook(peers.JujuHook{Kind: "install"})
			assert.Equal(t, strings.TrimSpace(`
config-get 0 "{\"name\":\"x\"}\n" ""
is-leader 0 "true\n" ""
status-set 0 "" ""
relation-set 0 "" ""
relation-get 0 "{\"a\":\"☃\"}\n" ""
relation-set 0 "" ""
relation-list 2 "" "ERROR invalid value \"db:9\" for option -r: relation not found\n"
no-such-tool missing`), outcome.Stdout())
			assert.Empty(t, outcome.Stderr())
			assert.Empty(t, outcome.Error)
			assert.Equal(t, "☃", agent.World.Relations["1"].Data["web/0"]["a"])
			assert.Equal(t, "it's up", agent.World.UnitStatus.Message)
		})
	}
}
