package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// JujuAgent is a running unit agent. It serves one test, one request at a time.
type JujuAgent struct {
	// Env is added to the environment that Juju gives to a dispatch.
	Env map[string]string
	// Timeout is how long a request may take; default two minutes. A process that outlives its hook with a connection to the
	// agent's socket keeps the agent waiting, as it does in Juju.
	Timeout time.Duration
	// World is the world after the last request.
	World *JujuWorld

	t       testing.TB
	process *exec.Cmd
	stdin   io.WriteCloser
	answers chan []byte
	stderr  bytes.Buffer
}

// BuildJuju builds the unit agent, if need be, for a test that starts it where that cannot be done or would be lost.
func BuildJuju(t testing.TB) (programs string) {
	t.Helper()
	return need(t, "juju", ".", "github.com/juju/juju/cmd/jujuc")
}

// Juju starts a unit agent, which ends with the test. Set up its world first.
func Juju(t testing.TB) *JujuAgent {
	t.Helper()
	programs := BuildJuju(t)
	dir, err := os.MkdirTemp(shortTemp(), "juju-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	a := &JujuAgent{t: t, Timeout: 2 * time.Minute, answers: make(chan []byte)}
	a.process = exec.Command(filepath.Join(programs, "juju"), "-dir", dir, "-jujuc", filepath.Join(programs, "jujuc"))
	a.process.Stderr = &a.stderr
	a.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.stdin, err = a.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := a.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(a.answers)
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			a.answers <- line
		}
	}()
	t.Cleanup(a.stop)
	return a
}

// shortTemp is a directory with a path short enough for the names of sockets below it.
func shortTemp() string {
	if info, err := os.Stat("/tmp"); err == nil && info.IsDir() {
		return "/tmp"
	}
	return ""
}

// stop ends the agent, and with it the processes that its hooks left behind.
func (a *JujuAgent) stop() {
	_ = a.stdin.Close()
	if a.process.ProcessState == nil { // nobody waited for it yet
		patience := time.AfterFunc(5*time.Second, a.kill)
		for range a.answers {
		}
		patience.Stop()
		a.kill()
		_ = a.process.Wait()
	}
}

// kill ends the agent and what it started, which are one process group.
func (a *JujuAgent) kill() { _ = syscall.Kill(-a.process.Process.Pid, syscall.SIGKILL) }

// JujuHook names a hook. Which fields a kind needs is checked by Juju.
type JujuHook struct {
	Kind           string `json:"kind"` // such as install, relation-changed, pebble-ready
	RelationID     int    `json:"relation-id,omitempty"`
	RemoteUnit     string `json:"remote-unit,omitempty"`
	RemoteApp      string `json:"remote-app,omitempty"`
	DepartingUnit  string `json:"departing-unit,omitempty"`
	StorageID      string `json:"storage-id,omitempty"`
	Workload       string `json:"workload,omitempty"`
	NoticeID       string `json:"notice-id,omitempty"`
	NoticeType     string `json:"notice-type,omitempty"`
	NoticeKey      string `json:"notice-key,omitempty"`
	TargetBase     string `json:"target-base,omitempty"`
	SecretURI      string `json:"secret-uri,omitempty"`
	SecretRevision int    `json:"secret-revision,omitempty"`
	SecretLabel    string `json:"secret-label,omitempty"`
	// Restricted runs collect-metrics or meter-status-changed as Juju 3.5 does, in the restricted context of its metrics
	// workers: most tools are refused, few variables are set, and JUJU_UNIT_NAME is the unit's tag (unit-web-0). Without it
	// they are run like the other hooks.
	Restricted bool `json:"restricted,omitempty"`
}

// JujuCall is one call of a hook tool.
type JujuCall struct {
	Name  string   `json:"name"`
	Args  []string `json:"args,omitempty"`
	Stdin *string  `json:"stdin,omitempty"` // nil: none is supplied
	Via   string   `json:"via,omitempty"`   // rpc (the default): through the server's socket; exec: Juju's jujuc program
	Dir   string   `json:"dir,omitempty"`   // working directory; default the charm's
}

// JujuResult is what a call of a hook tool gave.
type JujuResult struct {
	Code   int    `json:"code"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	Error  string `json:"error,omitempty"` // over rpc: why the server did not run the tool at all
}

// JujuTools asks for a hook's context, or an action's, in which tools are called.
type JujuTools struct {
	Hook   JujuHook
	Action string         // instead of Hook
	Params map[string]any // of Action
	Calls  []JujuCall
	Fail   bool // end the hook as a failure
}

// JujuOutcome is how a hook or an action ended.
type JujuOutcome struct {
	Error   string         `json:"error,omitempty"`   // Juju's, when the hook failed or its changes were refused
	Exit    int            `json:"exit"`              // the dispatch's exit code; -1 when it did not run or died of a signal
	Handler string         `json:"handler,omitempty"` // dispatch, explicit (hooks/*) or invalid
	Flushed bool           `json:"flushed"`           // Juju accepted what the hook changed
	Commits int            `json:"commits"`           // accepted requests to commit; none is made when nothing changed
	Logs    []JujuLogLine  `json:"logs,omitempty"`
	Calls   []JujuToolCall `json:"calls,omitempty"` // in order; a tool that reads standard input shows twice
	Env     []string       `json:"env,omitempty"`   // what the dispatch was given

	Results []JujuResult      `json:"-"` // of the calls of JujuTools
	Action  *JujuActionRecord `json:"-"` // the action that ran
}

// JujuLogLine is one line of the unit's log: module unit.<unit>.juju-log for juju-log, unit.<unit>.<hook> for the dispatch's
// output (DEBUG from stdout, WARNING from stderr), and warnings and errors of the agent itself.
type JujuLogLine struct {
	Level   string `json:"level"`
	Module  string `json:"module"`
	Message string `json:"message"`
}

// JujuToolCall is a hook tool that was run, over the socket or by exec.
type JujuToolCall struct {
	Name string   `json:"name"`
	Args []string `json:"args,omitempty"`
}

// Log is what juju-log wrote: "LEVEL message", line by line.
func (o JujuOutcome) Log() []string {
	var lines []string
	for _, line := range o.Logs {
		if strings.HasSuffix(line.Module, ".juju-log") {
			lines = append(lines, line.Level+" "+line.Message)
		}
	}
	return lines
}

// Stdout and Stderr are what the dispatch wrote, as the agent logged it, without the last line's end.
func (o JujuOutcome) Stdout() string { return o.output("DEBUG") }

// Stderr is described at Stdout.
func (o JujuOutcome) Stderr() string { return o.output("WARNING") }

func (o JujuOutcome) output(level string) string {
	var lines []string
	for _, line := range o.Logs {
		if line.Level == level && strings.HasPrefix(line.Module, "unit.") && !strings.HasSuffix(line.Module, ".juju-log") {
			lines = append(lines, line.Message)
		}
	}
	return strings.Join(lines, "\n")
}

// Getenv is a variable of the dispatch's environment, and whether it was set.
func (o JujuOutcome) Getenv(name string) (string, bool) {
	for _, variable := range slices.Backward(o.Env) {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// request and answer are what goes over the wire, a JSON document a line.
type request struct {
	Op     string            `json:"op"`
	World  any               `json:"world,omitempty"`
	Hook   *JujuHook         `json:"hook,omitempty"`
	Action string            `json:"action,omitempty"`
	Params map[string]any    `json:"params,omitempty"`
	Env    map[string]string `json:"env,omitempty"`
	Calls  []JujuCall        `json:"calls,omitempty"`
	Fail   bool              `json:"fail,omitempty"`
}

type answer struct {
	Error   string       `json:"error,omitempty"`
	Outcome *JujuOutcome `json:"outcome,omitempty"`
	Action  string       `json:"action,omitempty"`
	Results []JujuResult `json:"results,omitempty"`
	World   *JujuWorld   `json:"world,omitempty"`
}

// SetWorld starts the unit afresh in this world.
func (a *JujuAgent) SetWorld(world JujuWorld) {
	a.t.Helper()
	a.must(a.do(request{Op: "world", World: world}))
}

// Change applies a merge patch (RFC 7396) to the world: {"leader": true, "relations": {"3": nil}}. Another charm-dir or other
// charm-files are an upgrade of the charm.
func (a *JujuAgent) Change(patch map[string]any) {
	a.t.Helper()
	a.must(a.do(request{Op: "change", World: patch}))
}

// Join brings a remote unit into a relation's scope, with its databag. The relation-joined hook is the test's to run.
func (a *JujuAgent) Join(relation int, unit string, data map[string]string) {
	a.t.Helper()
	if data == nil {
		data = map[string]string{}
	}
	members := slices.Clone(a.relation(relation).Members)
	if !slices.Contains(members, unit) {
		members = append(members, unit)
	}
	a.changeRelation(relation, map[string]any{"members": members, "data": map[string]any{unit: data}})
}

// Leave takes a remote unit out of a relation's scope. Its databag stays readable.
func (a *JujuAgent) Leave(relation int, unit string) {
	a.t.Helper()
	members := slices.DeleteFunc(slices.Clone(a.relation(relation).Members), func(member string) bool { return member == unit })
	a.changeRelation(relation, map[string]any{"members": members})
}

// Write changes the databag of a unit or an application in a relation; an empty value removes the key.
func (a *JujuAgent) Write(relation int, owner string, data map[string]string) {
	a.t.Helper()
	patch := map[string]any{}
	for key, value := range data {
		patch[key] = value
		if value == "" {
			patch[key] = nil
		}
	}
	a.changeRelation(relation, map[string]any{"data": map[string]any{owner: patch}})
}

func (a *JujuAgent) relation(id int) *JujuRelation {
	a.t.Helper()
	if a.World == nil || a.World.Relations[strconv.Itoa(id)] == nil {
		a.t.Fatalf("the world has no relation %d", id)
	}
	return a.World.Relations[strconv.Itoa(id)]
}

func (a *JujuAgent) changeRelation(id int, patch map[string]any) {
	a.t.Helper()
	a.relation(id)
	a.Change(map[string]any{"relations": map[string]any{strconv.Itoa(id): patch}})
}

// Hook runs the charm's dispatch for a hook. That the hook fails is an outcome; that Juju would not open it ends the test.
func (a *JujuAgent) Hook(hook JujuHook) JujuOutcome {
	a.t.Helper()
	outcome, err := a.TryHook(hook)
	a.must(outcome, err)
	return outcome
}

// TryHook is Hook, with Juju's error when it would not open the hook's context.
func (a *JujuAgent) TryHook(hook JujuHook) (JujuOutcome, error) {
	a.t.Helper()
	return a.do(request{Op: "hook", Hook: &hook, Env: a.Env})
}

// Action runs the charm's dispatch for an action. How it went is in the outcome's Action.
func (a *JujuAgent) Action(name string, params map[string]any) JujuOutcome {
	a.t.Helper()
	outcome, err := a.TryAction(name, params)
	a.must(outcome, err)
	return outcome
}

// TryAction is Action, with Juju's error when the action is not defined or its parameters do not fit.
func (a *JujuAgent) TryAction(name string, params map[string]any) (JujuOutcome, error) {
	a.t.Helper()
	return a.do(request{Op: "action", Action: name, Params: params, Env: a.Env})
}

// Tools opens the context of a hook or an action, calls hook tools in it, one after the other, and ends it.
func (a *JujuAgent) Tools(tools JujuTools) JujuOutcome {
	a.t.Helper()
	req := request{Op: "tools", Action: tools.Action, Params: tools.Params, Calls: tools.Calls, Fail: tools.Fail, Env: a.Env}
	if tools.Action == "" {
		req.Hook = &tools.Hook
	}
	outcome, err := a.do(req)
	a.must(outcome, err)
	return outcome
}

func (a *JujuAgent) must(_ JujuOutcome, err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("the Juju agent refused: %v", err)
	}
}

// do asks the agent and waits for its answer. Only the agent's own errors are returned; a broken agent ends the test.
func (a *JujuAgent) do(req request) (JujuOutcome, error) {
	a.t.Helper()
	line, err := json.Marshal(req)
	if err != nil {
		a.t.Fatal(err)
	}
	if _, err := a.stdin.Write(append(line, '\n')); err != nil {
		a.t.Fatalf("cannot ask the Juju agent: %v", err)
	}
	var reply answer
	select {
	case line, ok := <-a.answers:
		if !ok {
			_ = a.process.Wait()
			a.t.Fatalf("the Juju agent died:\n%s", a.stderr.String())
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&reply); err != nil {
			a.t.Fatalf("cannot read the Juju agent's answer: %v", err)
		}
	case <-time.After(a.Timeout):
		a.kill()
		a.t.Fatalf("the Juju agent did not answer within %v: does a process still hold a connection to its socket?", a.Timeout)
	}
	a.World = reply.World
	var outcome JujuOutcome
	if reply.Outcome != nil {
		outcome = *reply.Outcome
	}
	outcome.Results = reply.Results
	if reply.Action != "" {
		if outcome.Action = reply.World.Actions[reply.Action]; outcome.Action == nil {
			a.t.Fatalf("the Juju agent's world has no action %s", reply.Action)
		}
	}
	if reply.Error != "" {
		return outcome, errors.New(reply.Error)
	}
	return outcome, nil
}
