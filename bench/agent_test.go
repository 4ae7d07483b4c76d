package bench

import (
	"encoding/json"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// An agent answers hook tools on a unix socket as Juju's does: for a unit with
// one relation, whose remote application has some units.
type agent struct {
	env    map[string]string
	units  []string
	server *Jujuc
}

// Request and Response are the bodies of Juju's RPC; net/rpc wants them public.
type Request struct {
	ContextId, Dir, CommandName string
	Args                        []string
	StdinSet                    bool
	Stdin                       []byte
	Token                       string
}

// Response is the answer to a [Request].
type Response struct {
	Code           int
	Stdout, Stderr []byte
}

// Jujuc is the service's name.
type Jujuc struct {
	answers map[string][]byte
	calls   atomic.Int64
}

// Main runs one hook tool.
func (j *Jujuc) Main(request Request, response *Response) error {
	answer, ok := j.answers[request.CommandName]
	if !ok {
		return fmt.Errorf("bad request: unknown command: %s", request.CommandName)
	}
	j.calls.Add(1)
	response.Stdout = answer
	return nil
}

// newAgent starts an agent; its env is that of a config-changed hook of the
// charm in dir.
func newAgent(b testing.TB, dir string, units int) *agent {
	b.Helper()
	a := &agent{}
	for i := range units {
		a.units = append(a.units, fmt.Sprintf("remote/%d", i))
	}
	encode := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		return append(data, '\n')
	}
	server := rpc.NewServer()
	a.server = &Jujuc{answers: map[string][]byte{
		"juju-log":      nil,
		"relation-ids":  encode([]string{"db:1"}),
		"relation-list": encode(a.units),
		"relation-get": encode(map[string]string{
			"egress-subnets": "10.1.2.3/32", "ingress-address": "10.1.2.3", "private-address": "10.1.2.3",
			"host": "db.example.com", "port": "5432", "user": "relation-1", "version": "16.4",
		}),
	}}
	if err := server.RegisterName("Jujuc", a.server); err != nil {
		b.Fatal(err)
	}
	run, err := os.MkdirTemp("", "agent-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(run) })
	socket := filepath.Join(run, "agent.socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go server.ServeConn(conn)
		}
	}()
	a.env = map[string]string{
		"JUJU_DISPATCH_PATH":        "hooks/config-changed",
		"JUJU_HOOK_NAME":            "config-changed",
		"JUJU_CHARM_DIR":            dir,
		"JUJU_CONTEXT_ID":           "small/0-config-changed-1",
		"JUJU_AGENT_SOCKET_ADDRESS": socket,
		"JUJU_AGENT_SOCKET_NETWORK": "unix",
		"JUJU_UNIT_NAME":            "small/0",
		"JUJU_MODEL_NAME":           "lab",
		"JUJU_MODEL_UUID":           "f47ac10b-58cc-4372-a567-0e02b2c3d479",
		"JUJU_VERSION":              "3.6.11",
		"PATH":                      run + ":/usr/bin:/bin",
		"HOME":                      run,
	}
	return a
}

// calls is how many hook tools the agent has run.
func (a *agent) calls() int64 { return a.server.calls.Load() }

// install puts hook tools that are links to program onto the hook's PATH.
func (a *agent) install(b testing.TB, program string) {
	b.Helper()
	dir := filepath.Dir(a.env["JUJU_AGENT_SOCKET_ADDRESS"])
	for _, name := range []string{"juju-log", "relation-ids", "relation-list", "relation-get"} {
		link := filepath.Join(dir, name)
		if err := os.RemoveAll(link); err != nil {
			b.Fatal(err)
		}
		if err := os.Symlink(program, link); err != nil {
			b.Fatal(err)
		}
	}
}

// environ is the agent's environment for a process.
func (a *agent) environ() []string {
	var env []string
	for name, value := range a.env {
		env = append(env, name+"="+value)
	}
	return env
}
