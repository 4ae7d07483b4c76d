package pebble_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
	"github.com/starcharm/starcharm/testdata/peers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// The conformance test runs the same cases against a genuine Pebble and
// against the simulated one. What each answers, without times and the like,
// must be what testdata/conformance.txtar says, which -update-conformance
// takes from the genuine one.
var updateConformance = flag.Bool("update-conformance", false, "take testdata/conformance.txtar from the genuine Pebble")

const conformanceFile = "testdata/conformance.txtar"

// conformanceCase is a conversation with a daemon over an empty plan. The
// directory w.dir exists.
type conformanceCase struct {
	name string
	run  func(w *world)
	// failing are the services that the simulated daemon is told of, because
	// it runs no commands that could fail.
	failing map[string]int
	// execs and logs are what it is told of for the same reason.
	execs []*pebbletest.Exec
	logs  []*pebbletest.Log
	// files are in w.dir before the first request.
	files map[string]*pebbletest.File
}

// world is one daemon, and the record of what it was asked and answered.
type world struct {
	client    *pebble.Client
	transport http.RoundTripper
	dir       string
	// socket is the path of a genuine daemon's socket.
	socket string
	record strings.Builder
}

func TestConformance(t *testing.T) {
	cases := conformanceCases()
	t.Logf("%d cases", len(cases))
	require.GreaterOrEqual(t, len(cases), 250)
	archive, err := txtar.ParseFile(conformanceFile)
	if !*updateConformance {
		require.NoError(t, err)
	}
	want := map[string]string{}
	if archive != nil {
		for _, file := range archive.Files {
			want[file.Name] = string(file.Data)
		}
	}

	t.Run("genuine", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("the daemon must be root, as in a container")
		}
		binary := peers.Pebble(t)
		got := runAll(t, cases, func(c conformanceCase) (*world, func()) {
			w, stop := genuineWorld(t, binary, c.name)
			for path, file := range c.files {
				if err := makeFile(filepath.Join(w.dir, path), file); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			return w, stop
		})
		if *updateConformance {
			updated := &txtar.Archive{Comment: []byte("What Pebble " + pebbletest.Version + " answers, from go test ./pebble -run Conformance -update-conformance.\n")}
			for _, c := range cases {
				updated.Files = append(updated.Files, txtar.File{Name: c.name, Data: []byte(got[c.name])})
			}
			require.NoError(t, os.WriteFile(conformanceFile, txtar.Format(updated), 0o644))
			want = got
		}
		compareAll(t, cases, want, got)
	})
	t.Run("simulated", func(t *testing.T) {
		compareAll(t, cases, want, runAll(t, cases, simulatedWorld))
	})
	assert.Len(t, want, len(cases), "%s holds other cases than the test", conformanceFile)
}

func compareAll(t *testing.T, cases []conformanceCase, want, got map[string]string) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, want[c.name], got[c.name]) })
	}
}

// runAll runs cases at the same time, since a genuine daemon takes a second to
// start a service.
func runAll(t *testing.T, cases []conformanceCase, start func(c conformanceCase) (*world, func())) map[string]string {
	var (
		mu      sync.Mutex
		group   sync.WaitGroup
		got     = map[string]string{}
		running = make(chan struct{}, 16)
	)
	for _, c := range cases {
		running <- struct{}{}
		group.Add(1)
		go func() {
			defer group.Done()
			defer func() { <-running }()
			w, stop := start(c)
			c.run(w)
			w.client.Close()
			stop()
			mu.Lock()
			defer mu.Unlock()
			got[c.name] = w.record.String()
		}()
	}
	group.Wait()
	return got
}

// genuineWorld starts a daemon.
func genuineWorld(t *testing.T, binary, name string) (*world, func()) {
	// A socket's path must be short.
	home, err := os.MkdirTemp("", "pb")
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	dir := filepath.Join(home, "files")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if err := os.Mkdir(filepath.Join(home, "layers"), 0o755); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	daemon := exec.Command(binary, "run", "--hold")
	daemon.Env = append(os.Environ(), "PEBBLE="+home, "PEBBLE_PERSIST=never", "TZ=UTC")
	daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := daemon.Start(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	socket := filepath.Join(home, ".pebble.socket")
	w := &world{
		client: pebble.New(pebble.Config{SocketPath: socket, Timeout: 30 * time.Second}),
		transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", socket) },
		},
		dir:    dir,
		socket: socket,
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, err := w.client.SystemInfo(context.Background())
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: the daemon does not start: %v", name, err)
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return w, func() {
		// Ask for an end so that the daemon stops its services too.
		_ = daemon.Process.Signal(syscall.SIGTERM)
		// It waits for what a command left behind, as long as that takes.
		late := time.AfterFunc(20*time.Second, func() { _ = daemon.Process.Kill() })
		_ = daemon.Wait()
		late.Stop()
		_ = os.RemoveAll(home)
	}
}

// makeFile makes a file that a genuine daemon finds.
func makeFile(path string, file *pebbletest.File) error {
	switch file.Kind {
	case pebble.TypeSymlink:
		return os.Symlink(file.Target, path)
	case pebble.TypeNamedPipe:
		return syscall.Mkfifo(path, 0o644)
	default:
		return os.WriteFile(path, []byte(file.Content), 0o644)
	}
}

// clock moves by a microsecond each time that it is looked at.
func clock() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Microsecond)
		return now
	}
}

func simulatedWorld(c conformanceCase) (*world, func()) {
	dir := "/tmp/simulated/files"
	files := map[string]*pebbletest.File{
		dir:           {Kind: pebble.TypeDirectory},
		"/etc/passwd": {Content: "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
		"/etc/group":  {Content: "root:x:0:\nnogroup:x:65534:\n"},
	}
	for path, file := range c.files {
		files[dir+"/"+path] = file
	}
	server := pebbletest.New(pebbletest.Config{
		Now:   clock(),
		State: &pebbletest.State{FailingServices: c.failing, Execs: c.execs, Logs: c.logs, Files: files},
	})
	return &world{client: pebble.New(pebble.Config{Transport: server.Transport()}), transport: server.Transport(), dir: dir}, func() {}
}

// raw sends a request and records the answer. In path and body $DIR stands for
// w.dir.
func (w *world) raw(method, path, body string, header ...string) {
	fmt.Fprintf(&w.record, "%s %s %s\n", method, path, body)
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(w.expand(body))
	}
	request, err := http.NewRequest(method, "http://localhost"+w.expand(path), reader)
	if err != nil {
		w.note("cannot make the request: %v", err)
		return
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := w.transport.RoundTrip(request)
	if err != nil {
		w.note("no answer: %v", err)
		return
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		w.note("no whole answer: %v", err)
	}
	contentType, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	w.note("%d %s %s", response.StatusCode, contentType, pretty(answer))
}

func (w *world) get(path string) { w.raw("GET", path, "") }
func (w *world) post(path, body string) {
	w.raw("POST", path, body, "Content-Type", "application/json")
}

// pretty shows JSON one member a line, and what has no order sorted.
func pretty(answer []byte) string {
	var fields map[string]any
	if json.Unmarshal(answer, &fields) != nil {
		return string(answer)
	}
	if list, ok := fields["result"].([]any); ok {
		slices.SortStableFunc(list, func(a, b any) int {
			ids := [2]int{}
			for i, v := range []any{a, b} {
				if object, ok := v.(map[string]any); ok && object["spawn-time"] != nil {
					ids[i], _ = strconv.Atoi(fmt.Sprint(object["id"]))
				}
			}
			return ids[0] - ids[1]
		})
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(fields); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// result records what a call of the client returned.
func (w *world) result(call string, value any, err error) {
	if err != nil {
		var e *pebble.Error
		if ok := pebble.IsKind(err, pebble.RootError); !ok {
			w.note("%s: not a pebble.Error: %v", call, err)
			return
		}
		e = asError(err)
		w.note("%s: %s %s %d %s: %v", call, e.Kind, e.PathKind, e.Code, e.APIKind, err)
		return
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		w.note("%s: %v", call, err)
		return
	}
	w.note("%s: %s", call, strings.TrimSpace(out.String()))
}

func (w *world) expand(text string) string { return strings.ReplaceAll(text, "$DIR", w.dir) }

var replacements = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`), "TIME"},
	{regexp.MustCompile(`\.\d+~`), ".N~"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\b[0-9a-f]{60}\b`), "BOUNDARY"},
	// Checks start in no order.
	{regexp.MustCompile(`"change-id": ?"\d+"`), `"change-id":"N"`},
}

func (w *world) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), w.dir, "$DIR")
	for _, r := range replacements {
		text = r.pattern.ReplaceAllString(text, r.with)
	}
	// A file in txtar ends with a newline.
	w.record.WriteString(strings.TrimSuffix(text, "\n") + "\n")
}

// layer adds a layer under a label.
func (w *world) layer(label, text string, combine bool) {
	err := w.client.AddLayerYAML(context.Background(), label, text, pebble.AddLayerOptions{Combine: combine})
	w.result("add-layer "+label+" "+strconv.Quote(text), combine, err)
}

func (w *world) plan() {
	plan, err := w.client.Plan(context.Background())
	if err != nil {
		w.result("plan", nil, err)
		return
	}
	text, err := pebble.ToYAML(plan)
	if err != nil {
		w.result("plan", nil, err)
		return
	}
	w.note("plan:\n%s", text)
}

// change sends a services action, and records the change when it is ready.
func (w *world) change(action string, names ...string) {
	ctx := context.Background()
	actions := map[string]func() (string, error){
		"start":     func() (string, error) { return w.client.Start(ctx, names, pebble.WaitOptions{}) },
		"stop":      func() (string, error) { return w.client.Stop(ctx, names, pebble.WaitOptions{}) },
		"restart":   func() (string, error) { return w.client.Restart(ctx, names, pebble.WaitOptions{}) },
		"replan":    func() (string, error) { return w.client.Replan(ctx, pebble.WaitOptions{}) },
		"autostart": func() (string, error) { return w.client.Autostart(ctx, pebble.WaitOptions{}) },
	}
	id, err := actions[action]()
	call := strings.Join(append([]string{action}, names...), " ")
	if err != nil {
		w.result(call, nil, err)
		return
	}
	w.note("%s:", call)
	w.get("/v1/changes/" + id)
	w.services()
}

func (w *world) services() {
	infos, err := w.client.Services(context.Background())
	if err != nil {
		w.result("services", nil, err)
		return
	}
	for _, info := range infos {
		since := "never changed"
		if !info.CurrentSince.IsZero() {
			since = "changed"
		}
		w.note("  %s %s %s %s", info.Name, info.Startup, info.Current, since)
	}
}
