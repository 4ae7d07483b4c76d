package host_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
)

// socketVariable is the path of the Pebble that every container of the charm is, when the test binary is the dispatch.
const socketVariable = "STARCHARM_TEST_PEBBLE"

// playDispatch is the product's dispatch but for the place of Pebble's socket, which is below /charm in a pod.
func playDispatch() error {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	hook, err := model.ParseContext(env)
	if err != nil {
		return err
	}
	tools, err := hooktool.Open(env, hooktool.Options{})
	if err != nil {
		return err
	}
	defer tools.Close()
	charm, err := host.LoadDir(hook.CharmDir)
	if err != nil {
		return err
	}
	return charm.Dispatch(context.Background(), host.Options{
		Context: hook,
		Tools:   tools,
		Pebble:  func(string) *pebble.Client { return pebble.New(pebble.Config{SocketPath: env[socketVariable]}) },
		Machine: machine.Real(),
		Stderr:  os.Stderr,
	})
}

// playWorkload stands in for the FastAPI demo server: uvicorn APP --host ADDRESS --port PORT, by HTTPS if uvicorn would.
func playWorkload() error {
	http.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"version": "2.1.0"}`) })
	address := "127.0.0.1:" + os.Args[len(os.Args)-1]
	if certificate := os.Getenv("UVICORN_SSL_CERTFILE"); certificate != "" {
		return http.ListenAndServeTLS(address, certificate, os.Getenv("UVICORN_SSL_KEYFILE"), nil)
	}
	return http.ListenAndServe(address, nil)
}

// freePort is a port that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// A pod is a container's genuine Pebble, with the layer of the demo server's image.
type pod struct {
	socket string
	client *pebble.Client
	// stop ends Pebble and its services.
	stop func()
}

// startPod starts Pebble, which ends with the test. The image's layer runs the test binary in the place of the server.
func startPod(t testing.TB, port int) *pod {
	t.Helper()
	program := peers.Pebble(t)
	home, err := os.MkdirTemp("", "pb") // short, for the socket's name
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	require.NoError(t, os.Mkdir(filepath.Join(home, "layers"), 0o755))
	layer, err := yaml.Marshal(map[string]any{
		"services": map[string]any{"fastapi": map[string]any{
			"override":    "replace",
			"summary":     "FastAPI demo service",
			"command":     fmt.Sprintf("%s api_demo_server.app:app --host 0.0.0.0 --port %d", self(t), port),
			"startup":     "enabled",
			"environment": map[string]string{roleVariable: "workload", "DEMO_SERVER_LOGFILE": "/tmp/demo_server.log"},
			"on-success":  "shutdown",
			"on-failure":  "shutdown",
		}},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "layers", "001-rock.yaml"), layer, 0o644))
	daemon := exec.Command(program, "run", "--hold")
	daemon.Env = append(os.Environ(), "PEBBLE="+home)
	daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output, err := daemon.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, daemon.Start())
	stop := sync.OnceFunc(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait()
	})
	t.Cleanup(stop)
	started := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "Started daemon") {
				started <- true
			}
		}
	}()
	select {
	case <-started:
	case <-time.After(20 * time.Second):
		t.Fatal("Pebble did not start")
	}
	p := &pod{socket: filepath.Join(home, ".pebble.socket"), stop: stop}
	p.client = pebble.New(pebble.Config{SocketPath: p.socket})
	return p
}

// service is how the demo server is, and the command that runs it.
func (p *pod) service(t testing.TB) (current, command string) {
	t.Helper()
	services, err := p.client.Services(context.Background(), "fastapi")
	require.NoError(t, err)
	require.Len(t, services, 1)
	plan, err := p.client.Plan(context.Background())
	require.NoError(t, err)
	return string(services[0].Current), plan.Services["fastapi"].Command
}

// self is the path of the test binary.
func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	return path
}

// replace changes a text that a charm's file has once.
func replace(t testing.TB, path, old, new string) {
	t.Helper()
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), old), "%s in %s", old, path)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(source), old, new, 1)), 0o644))
}

// demo deploys an example as demo/0. Its Pebble is p's, by way of the test binary as the dispatch; with a nil p the dispatch is
// the program.
func demo(t testing.TB, dir string, p *pod) *unit {
	t.Helper()
	u := &unit{JujuAgent: peers.Juju(t), t: t, dir: dir, noted: map[string]string{}}
	if p != nil {
		u.Env = map[string]string{roleVariable: "dispatch", socketVariable: p.socket}
		require.NoError(t, os.Remove(filepath.Join(dir, "dispatch")))
		require.NoError(t, os.Symlink(self(t), filepath.Join(dir, "dispatch")))
	}
	u.SetWorld(peers.JujuWorld{
		Model:    peers.JujuModel{Name: "lab", UUID: "f47ac10b-58cc-4372-a567-0e02b2c3d479", Type: "caas"},
		Unit:     "demo/0",
		CharmDir: dir,
	})
	return u
}

// ready is the hook that tells that Pebble has started.
var ready = peers.JujuHook{Kind: "pebble-ready", Workload: "demo-server"}

func TestRealMinimalExample(t *testing.T) {
	port := freePort(t)
	dir := packed(t, "../examples/k8s-1-minimal")
	replace(t, filepath.Join(dir, "src", "charm.star"), "8000", fmt.Sprint(port))
	p := startPod(t, port)
	u := demo(t, dir, p)

	for _, kind := range []string{"install", "leader-elected", "config-changed", "start"} {
		u.hook(kind)
	}
	current, _ := p.service(t)
	assert.Equal(t, "inactive", current)
	u.runs(ready)
	current, _ = p.service(t)
	assert.Equal(t, "active", current)
	assert.Equal(t, "active", u.World.UnitStatus.Status)
	assert.Equal(t, "2.1.0", u.World.WorkloadVersion)
}

func TestRealConfigurableExample(t *testing.T) {
	first, second := freePort(t), freePort(t)
	dir := packed(t, "../examples/k8s-2-configurable")
	replace(t, filepath.Join(dir, "src", "workload.star"), "/bin/uvicorn", self(t))
	p := startPod(t, first)
	u := demo(t, dir, p)
	configure(t, u, p, first, second)

	// The container is gone for a while.
	p.stop()
	u.Change(map[string]any{"config": map[string]any{"server-port": second}})
	u.hook("config-changed")
	assert.Equal(t, peers.JujuStatus{Status: "maintenance", Message: "Waiting for Pebble in workload container"}, u.World.UnitStatus)
	p = startPod(t, first)
	u.Env[socketVariable] = p.socket
	u.runs(ready)
	_, command := p.service(t)
	assert.Contains(t, command, fmt.Sprintf("--port %d", second))
	assert.Equal(t, peers.JujuStatus{Status: "active"}, u.World.UnitStatus)
}

// TestRealServiceThatDoesNotStart has a server that ends at once. The failure is none of those that the example waits out: the
// hook fails and shows what the service wrote.
func TestRealServiceThatDoesNotStart(t *testing.T) {
	dir := packed(t, "../examples/k8s-2-configurable")
	replace(t, filepath.Join(dir, "src", "workload.star"), "/bin/uvicorn", "/bin/sh -c 'echo no such app >&2; exit 3' --")
	p := startPod(t, freePort(t))
	u := demo(t, dir, p)
	failed := u.fails(ready)
	require.NotEmpty(t, failed.Log())
	told := ""
	for _, line := range failed.Log() {
		if strings.HasPrefix(line, "ERROR ") {
			told += line + "\n"
		}
	}
	assert.Contains(t, told, "pebble.ChangeError")
	assert.Contains(t, told, "no such app")
	assert.Contains(t, told, "src/charm.star")
	assert.Equal(t, "maintenance", u.World.UnitStatus.Status)
}

// TestRealConfigurableExampleInItsPod runs the program itself, with Pebble's socket where it is in a pod.
func TestRealConfigurableExampleInItsPod(t *testing.T) {
	const container = "/charm/containers/demo-server"
	if os.Getuid() != 0 {
		t.Skip("only root can make /charm")
	}
	if err := os.Mkdir("/charm", 0o755); errors.Is(err, os.ErrExist) {
		t.Skip("there is a /charm already")
	} else {
		require.NoError(t, err)
	}
	t.Cleanup(func() { _ = os.RemoveAll("/charm") })
	require.NoError(t, os.MkdirAll(container, 0o755))
	first, second := freePort(t), freePort(t)
	dir := packed(t, "../examples/k8s-2-configurable")
	replace(t, filepath.Join(dir, "src", "workload.star"), "/bin/uvicorn", self(t))
	u := demo(t, dir, nil)

	// Before Pebble is there, the charm waits.
	u.hook("config-changed")
	assert.Equal(t, peers.JujuStatus{Status: "maintenance", Message: "Waiting for Pebble in workload container"}, u.World.UnitStatus)
	p := startPod(t, first)
	require.NoError(t, os.Symlink(p.socket, filepath.Join(container, "pebble.socket")))
	configure(t, u, p, first, second)
}

// configure takes k8s-2-configurable from one port to another, by way of one that it refuses.
func configure(t *testing.T, u *unit, p *pod, first, second int) {
	t.Helper()
	set := func(port int) { u.Change(map[string]any{"config": map[string]any{"server-port": port}}) }
	active := peers.JujuStatus{Status: "active"}

	set(first)
	u.hook("install")
	u.runs(ready)
	current, command := p.service(t)
	assert.Equal(t, "active", current)
	assert.Contains(t, command, fmt.Sprintf("--port %d", first))
	assert.Equal(t, active, u.World.UnitStatus)
	assert.Equal(t, "2.1.0", u.World.WorkloadVersion)

	set(second)
	changed := u.hook("config-changed")
	_, command = p.service(t)
	assert.Contains(t, command, fmt.Sprintf("--port %d", second))
	assert.Equal(t, active, u.World.UnitStatus)
	assert.Equal(t, []string{"INFO Added updated layer 'fastapi_demo' to Pebble plan", "INFO Replanned with 'fastapi_demo'"}, changed.Log())
	_, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", first))
	assert.Error(t, err, "the server was restarted")

	set(22)
	u.hook("config-changed")
	assert.Equal(t, peers.JujuStatus{Status: "blocked", Message: "server-port: 22 is reserved for SSH"}, u.World.UnitStatus)
	_, command = p.service(t)
	assert.Contains(t, command, fmt.Sprintf("--port %d", second), "what runs stays as it is")

	plan, err := p.client.Plan(context.Background())
	require.NoError(t, err)
	assert.Equal(t, "/tmp/demo_server.log", plan.Services["fastapi"].Environment["DEMO_SERVER_LOGFILE"], "the image's layer is merged with")
}
