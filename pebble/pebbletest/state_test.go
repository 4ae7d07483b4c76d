package pebbletest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const fullState = `name: web
layers:
    two:
        services:
            web:
                startup: enabled
                override: replace
                command: run
                user-id: 0
    one:
        summary: on top
        checks:
            up:
                override: replace
                threshold: 5
                tcp:
                    port: 80
service_statuses:
    other: error
    web: active
started_services:
    web:
        override: replace
        command: old
failing_services:
    bad: 3
files:
    /bin/data: !!binary /wA=
    /etc/link:
        kind: symlink
        target: web.conf
    /etc/web.conf: |
        port: 80
    /run/secret:
        content: x
        mode: "0600"
        user: web
    /srv/empty:
        kind: directory
check_infos:
    - name: up
      startup: enabled
      status: down
      successes: 4
      failures: 5
      threshold: 5
      change_id: "9"
notices:
    - key: example.com/a
      id: "12"
      type: custom
      first_occurred: 2026-01-02T03:04:05Z
      last_occurred: 2026-01-02T03:04:05Z
      last_repeated: 2026-01-02T03:04:05Z
      occurrences: 2
      last_data:
        a: b
      repeat_after: 1h0m0s
      expire_after: 168h0m0s
execs:
    - command_prefix:
        - ls
      exit_code: 2
      stdout: out
`

func parseState(t *testing.T, text string) *pebbletest.State {
	t.Helper()
	state, err := pebbletest.ParseState([]byte(text))
	require.NoError(t, err)
	return state
}

func toYAML(t *testing.T, state *pebbletest.State) string {
	t.Helper()
	text, err := yaml.Marshal(state)
	require.NoError(t, err)
	return string(text)
}

func TestStateRoundTrip(t *testing.T) {
	now := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	given := parseState(t, fullState)
	server := pebbletest.New(pebbletest.Config{State: given, Now: func() time.Time { return now }})
	client := pebble.New(pebble.Config{Transport: server.Transport()})
	next := toYAML(t, server.State())
	again := pebbletest.New(pebbletest.Config{State: parseState(t, next), Now: func() time.Time { return now }})
	assert.Equal(t, next, toYAML(t, again.State()))

	var before, after map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(fullState), &before))
	require.NoError(t, yaml.Unmarshal([]byte(next), &after))
	assert.Equal(t, before, after, "nothing was done")
	assert.Less(t, strings.Index(next, "two:"), strings.Index(next, "one:"), "layers keep their order")

	_, err := client.Replan(context.Background(), pebble.WaitOptions{})
	require.NoError(t, err)
	require.NoError(t, client.Push(context.Background(), "/etc/web.conf", strings.NewReader("changed"), pebble.PushOptions{}))
	changed := server.State()
	assert.Empty(t, changed.StartedServices, "the replan restarted web with the plan's configuration")
	assert.Equal(t, &pebbletest.File{Content: "changed"}, changed.Files["/etc/web.conf"])
	assert.Equal(t, fullState, toYAML(t, given), "the given state is not touched")
}

func TestReplanRemembersAcrossRuns(t *testing.T) {
	ctx := context.Background()
	server, client := connect(t, parseState(t, "layers: {web: {services: {web: {override: replace, command: run, startup: disabled}}}}"))
	_, err := client.Start(ctx, []string{"web"}, pebble.WaitOptions{})
	require.NoError(t, err)
	require.NoError(t, client.AddLayerYAML(ctx, "more", "services: {web: {override: merge, environment: {A: b}}}", pebble.AddLayerOptions{}))

	_, client = connect(t, parseState(t, toYAML(t, server.State())))
	id, err := client.Replan(ctx, pebble.WaitOptions{})
	require.NoError(t, err)
	change, err := client.Change(ctx, id)
	require.NoError(t, err)
	var kinds []string
	for _, task := range change.Tasks {
		kinds = append(kinds, task.Kind)
	}
	assert.Equal(t, []string{"stop", "start"}, kinds)
}

func TestStateErrors(t *testing.T) {
	for text, want := range map[string]string{
		"name: web\ncan_conect: true":                     "line 2: field can_conect not found in type pebbletest.State",
		"files:\n  /x:\n    contents: a":                  "line 3: field contents not found in a file",
		"files: {/x: {mode: 999}}":                        `line 1: mode must be octal, 000 to 777, not "999"`,
		"files: {x: a}":                                   `file "x": the path must be absolute`,
		"files: {/x/../y: a}":                             `file "/x/../y": the path must be absolute`,
		"files: {/x: a, /x/y: b}":                         `file "/x/y": "/x" is not a directory`,
		"files: {/x: {kind: fle}}":                        `file "/x": there is no kind "fle"`,
		"layers: [a]":                                     "line 1: layers must be a map of labels to layers",
		"layers: {a: {services: {x: {overide: merge}}}}":  "field overide not found in type plan.Service",
		"layers: {a: {services: {x: {override: merge}}}}": `plan must define "command" for service "x"`,
		"layers: {a: {servces: {}}}":                      `unknown section "servces"`,
		"service_statuses: {a: up}":                       `service "a" has status "up", want active, inactive, backoff or error`,
		"check_infos: [{name: a, status: ok}]":            `check "a" has status "ok", want up, down or inactive`,
		"check_infos: [{status: up}]":                     "a check info without a name",
		"check_infos: [null]":                             "a check info without a name",
		"notices: [{id: '1'}]":                            "a notice without a key",
		"execs: [null]":                                   "an exec that is null",
		"execs: [{comand: a}]":                            "field comand not found in type pebbletest.Exec",
	} {
		_, err := pebbletest.ParseState([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
	state, err := pebbletest.ParseState(nil)
	require.NoError(t, err)
	assert.True(t, state.Reachable())
}

func TestBrokenState(t *testing.T) {
	_, client := connect(t, &pebbletest.State{Name: "web", Files: map[string]*pebbletest.File{"x": {}}})
	_, err := client.SystemInfo(context.Background())
	assert.ErrorContains(t, err, `container "web": file "x": the path must be absolute`)
	_, client = connect(t, &pebbletest.State{Layers: pebbletest.Layers{{Label: "a"}}})
	_, err = client.Plan(context.Background())
	assert.ErrorContains(t, err, `layer "a" is null`)
}

func TestSymbolicLinks(t *testing.T) {
	ctx := context.Background()
	server, client := connect(t, parseState(t, `files:
  /d/f: content
  /abs: {kind: symlink, target: /d}
  /rel: {kind: symlink, target: abs/../d/f}
  /loop: {kind: symlink, target: loop}
  /gone: {kind: symlink, target: nope}
  /pipe: {kind: named-pipe}
`))
	for _, path := range []string{"/d/f", "/abs/f", "/rel", "/abs/../d/f"} {
		file, err := client.Pull(ctx, path)
		require.NoError(t, err, path)
		content, err := io.ReadAll(file)
		require.NoError(t, err)
		assert.Equal(t, "content", string(content))
	}
	for path, want := range map[string]string{
		"/loop": "too many levels of symbolic links", "/gone": "no such file", "/pipe": "can only read a regular file", "/abs": "can only read a regular file",
	} {
		_, err := client.Pull(ctx, path)
		assert.ErrorContains(t, err, want)
	}
	infos, err := client.ListFiles(ctx, "/", pebble.ListFilesOptions{})
	require.NoError(t, err)
	var types []string
	for _, info := range infos {
		types = append(types, info.Name+" "+string(info.Type))
	}
	assert.Equal(t, []string{"abs symlink", "d directory", "gone symlink", "loop symlink", "pipe named-pipe", "rel symlink"}, types)

	require.NoError(t, client.Push(ctx, "/rel", strings.NewReader("new"), pebble.PushOptions{}), "a push replaces the link")
	require.NoError(t, client.Push(ctx, "/abs/g", strings.NewReader("g"), pebble.PushOptions{}))
	require.NoError(t, client.RemovePath(ctx, "/abs", pebble.RemoveOptions{Recursive: true}), "a removal removes the link alone")
	err = client.MakeDir(ctx, "/gone", pebble.MakeDirOptions{MakeParents: true})
	assert.True(t, pebble.IsKind(err, pebble.PathError))
	files := server.State().Files
	assert.Equal(t, &pebbletest.File{Content: "new"}, files["/rel"])
	assert.Equal(t, &pebbletest.File{Content: "g"}, files["/d/g"])
	assert.Equal(t, &pebbletest.File{Content: "content"}, files["/d/f"])
	assert.NotContains(t, files, "/abs")
}

func TestOwnersWithoutPasswd(t *testing.T) {
	ctx := context.Background()
	server, client := connect(t, nil)
	mode := 0o640
	require.NoError(t, client.Push(ctx, "/x", strings.NewReader(""), pebble.PushOptions{Permissions: &mode, Owner: pebble.Owner{User: "postgres", Group: "ssl"}}))
	infos, err := client.ListFiles(ctx, "/x", pebble.ListFilesOptions{})
	require.NoError(t, err)
	assert.NotZero(t, *infos[0].UserID)

	wanted := pebbletest.Mode(0o640)
	assert.Equal(t, &pebbletest.File{Mode: &wanted, User: "postgres", Group: "ssl"}, server.State().Files["/x"])
}

func TestNoticesByTheClock(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	server := pebbletest.New(pebbletest.Config{Now: func() time.Time { return now }})
	client := pebble.New(pebble.Config{Transport: server.Transport()})
	occur := func() *pebble.Notice {
		id, err := client.Notify(ctx, pebble.NotifyOptions{Key: "example.com/a", RepeatAfter: time.Hour})
		require.NoError(t, err)
		notice, err := client.Notice(ctx, id)
		require.NoError(t, err)
		return notice
	}
	first := occur()
	now = now.Add(time.Minute)
	assert.Equal(t, first.LastRepeated, occur().LastRepeated, "too early to be news")
	now = now.Add(time.Hour)
	assert.Equal(t, now, occur().LastRepeated)

	now = now.Add(8 * 24 * time.Hour)
	notices, err := client.Notices(ctx, pebble.NoticesOptions{})
	require.NoError(t, err)
	assert.Empty(t, notices, "notices expire")
}

func TestOverASocket(t *testing.T) {
	server := pebbletest.New(pebbletest.Config{})
	web := httptest.NewServer(server)
	defer web.Close()
	client := pebble.New(pebble.Config{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("tcp", web.Listener.Addr().String())
		},
	}})
	ctx := context.Background()
	content := strings.Repeat("x", 3<<20)
	require.NoError(t, client.Push(ctx, "/a", strings.NewReader(content), pebble.PushOptions{}))
	// A file can be copied while it is read.
	file, err := client.Pull(ctx, "/a")
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, client.Push(ctx, "/b", file, pebble.PushOptions{}))
	assert.Equal(t, content, server.State().Files["/b"].Content)

	server.SetConnectable(false)
	_, err = client.SystemInfo(ctx)
	assert.True(t, pebble.IsKind(err, pebble.ConnectionError), "%v", err)
}

func FuzzServer(f *testing.F) {
	f.Add("POST", "/v1/layers", `{"action":"add","label":"a","format":"yaml","layer":"services: {x: {override: replace, command: a}}"}`)
	f.Add("POST", "/v1/services", `{"action":"replan"}`)
	f.Add("GET", "/v1/files?action=list&path=/a/../b/&pattern=[", "")
	f.Add("POST", "/v1/files", `{"action":"make-dirs","dirs":[{"path":"/a/b/c","make-parents":true},{"path":"/loop/x"}]}`)
	f.Add("POST", "/v1/files", `{"action":"remove","paths":[{"path":"/","recursive":true}]}`)
	f.Add("POST", "/v1/notices", `{"action":"add","type":"custom","key":"a.b/c","data":{"a":"b"}}`)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		server := pebbletest.New(pebbletest.Config{State: &pebbletest.State{Files: map[string]*pebbletest.File{
			"/loop": {Kind: pebble.TypeSymlink, Target: "loop/loop"}, "/d/f": {Content: "x"},
		}}})
		request, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := server.Transport().RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if err := server.State().Validate(); err != nil {
			t.Fatal(err)
		}
	})
}
