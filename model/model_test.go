package model

import (
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfig(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"config-get": `{"port": 80, "ratio": 1, "half": 0.5, "title": "x", "tls": true, "key": "secret:a", "n": 9007199254740993, "old": 2, "gone": null}`})
	config, err := m.Config()
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"port": int64(80), "ratio": 1.0, "half": 0.5, "title": "x", "tls": true, "key": "secret:a",
		"n": int64(9007199254740993), "old": int64(2)}, config)
	value, ok, err := m.Option("port")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, int64(80), value)
	_, ok, err = m.Option("plain")
	require.NoError(t, err)
	assert.False(t, ok)
	_, _, err = m.Option("prot")
	requireUsage(t, err, `the charm has no option "prot" (did you mean "port"?)`)
	assert.Equal(t, []string{"config-get --format=json"}, s.take(), "asked once")

	m, _ = newModel(t, nil, map[string]any{"config-get": `{"port": "80"}`})
	_, err = m.Config()
	requireKind(t, err, HookToolError, `cannot read the answer of config-get: the option "port" is of type int, but its value is 80`)
}

func TestLeadershipIsAskedOnce(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"is-leader": leader})
	for range 3 {
		is, err := m.IsLeader()
		require.NoError(t, err)
		assert.True(t, is)
	}
	assert.Len(t, s.take(), 1)
}

func TestUnitStatus(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"status-get": `{"status": "maintenance", "message": "m", "status-data": {}}`})
	status, err := m.UnitStatus()
	require.NoError(t, err)
	assert.Equal(t, Status{"maintenance", "m"}, status)
	require.NoError(t, m.SetUnitStatus(Status{"maintenance", "m"}))
	assert.Equal(t, []string{"status-get --include-data --format=json --application=false"}, s.take(), "what it is already is not set")
	require.NoError(t, m.SetUnitStatus(Status{Name: "active"}))
	require.NoError(t, m.SetUnitStatus(Status{Name: "active"}))
	assert.Equal(t, []string{"status-set --application=false active -- "}, s.take())
	status, err = m.UnitStatus()
	require.NoError(t, err)
	assert.Equal(t, Status{Name: "active"}, status)
	assert.Empty(t, s.take())

	requireUsage(t, m.SetUnitStatus(Status{Name: "blokced"}), `there is no status "blokced" (did you mean "blocked"?): use one of active, blocked, maintenance, waiting`)
	requireUsage(t, m.SetUnitStatus(Status{Name: "error"}), `a charm cannot set the status "error", only Juju can: use one of active, blocked, maintenance, waiting`)
}

func TestAppStatus(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"is-leader": leader,
		"status-get": `{"application-status": {"status": "waiting", "message": "w", "units": {"web/0": {"status": "active"}}}}`})
	status, err := m.AppStatus()
	require.NoError(t, err)
	assert.Equal(t, Status{"waiting", "w"}, status)
	require.NoError(t, m.SetAppStatus(Status{"blocked", "b"}))
	assert.Equal(t, []string{"is-leader --format=json", "status-get --include-data --format=json --application=true",
		"status-set --application=true blocked -- b"}, s.take())

	m, s = newModel(t, nil, map[string]any{"is-leader": follower})
	_, err = m.AppStatus()
	requireKind(t, err, NotLeaderError, "cannot read the application's status: web/0 is not the leader")
	requireKind(t, m.SetAppStatus(Status{Name: "active"}), NotLeaderError, "cannot set the application's status: web/0 is not the leader")
	calls := s.take()
	require.Len(t, calls, 3)
	assert.Contains(t, calls[1], `"event":"authz_fail:status-get"`)
	assert.Contains(t, calls[2], `"event":"authz_fail:status-set"`)
}

func TestUnit(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{
		"goal-state": `{"units": {"web/0": {"status": "active", "since": "x"}, "web/1": {"status": "dying"}, "web/2": {"status": "waiting"}}, "relations": {"db": {}}}`})
	for range 2 {
		planned, err := m.PlannedUnits()
		require.NoError(t, err)
		assert.Equal(t, 2, planned)
	}
	require.NoError(t, m.SetWorkloadVersion("-1"))
	require.NoError(t, m.SetWorkloadVersion("-1"))
	m.hide(map[string]string{"password": "hunter22"})
	require.NoError(t, m.SetWorkloadVersion("hunter22"))
	require.NoError(t, m.Reboot(true))
	require.NoError(t, m.Reboot(false))
	calls := s.take()
	require.Len(t, calls, 7)
	assert.Equal(t, "application-version-set -- -1", calls[1])
	assert.Equal(t, "application-version-set -- <secret>", calls[2])
	assert.Contains(t, calls[3], `"event":"sys_restart:`)
	assert.Equal(t, "juju-reboot --now", calls[4])
	assert.Equal(t, "juju-reboot", calls[6])
}

func TestLog(t *testing.T) {
	m, s := newModel(t, nil, nil)
	require.NoError(t, m.Log("info", "hello"))
	require.NoError(t, m.Log("DEBUG", ""))
	require.NoError(t, m.Log("ERROR", "-x\x00\xffy"))
	assert.Equal(t, []string{"juju-log --log-level INFO -- hello", "juju-log --log-level ERROR -- -x\uFFFD\uFFFDy"}, s.take())
	requireUsage(t, m.Log("warn", "x"), `there is no log level "warn": use one of TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL`)

	long := "a" + strings.Repeat("é", maxArgument)
	require.NoError(t, m.Log("INFO", long))
	calls := s.take()
	require.Len(t, calls, 4)
	assert.Equal(t, "juju-log --log-level INFO -- The next message has 262143 bytes, more than the 131071 that fit into a line. It is split:", calls[0])
	rest := ""
	for _, call := range calls[1:] {
		line := strings.TrimPrefix(call, "juju-log --log-level INFO -- ")
		assert.LessOrEqual(t, len(line), maxArgument)
		assert.True(t, utf8.ValidString(line), "no character is split")
		rest += line
	}
	assert.Equal(t, long, rest)

	require.NoError(t, m.Log("INFO", strings.Repeat("x", 100*maxArgument)))
	calls = s.take()
	assert.Len(t, calls, maxLogChunks+2)
	assert.Equal(t, "juju-log --log-level INFO -- 8912828 more bytes of the message were left out.", calls[len(calls)-1])
}

func TestSecurityEventIsOneLine(t *testing.T) {
	m, s := newModel(t, nil, nil)
	require.NoError(t, m.SecurityEvent("WARN", "sys_crash:X", "a\nb\xff"+strings.Repeat("c", 1<<20)))
	call := s.take()[0]
	assert.NotContains(t, call, "\n")
	assert.Less(t, len(call), maxArgument)
	assert.Contains(t, call, `"level":"WARN","type":"security","appid":"uuid-1-web/0","event":"sys_crash:X","description":"a\nb`)
}

func TestActions(t *testing.T) {
	m, s := newModel(t, map[string]string{"JUJU_DISPATCH_PATH": "actions/back-up", "JUJU_ACTION_UUID": "1"},
		map[string]any{"action-get": `{"y": "x", "depth": 3, "nested": {"list": [1, 2.5, true]}}`})
	params, err := m.ActionParams()
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"y": "x", "depth": int64(3), "nested": map[string]any{"list": []any{int64(1), 2.5, true}}}, params)
	_, err = m.ActionParams()
	require.NoError(t, err)
	require.NoError(t, m.SetActionResults(map[string]any{
		"b": true, "a": map[string]any{"x": "1=2", "y-z": int64(2)}, "n": nil, "f": 0.5, "l": []any{"p", int64(1)}, "empty": map[string]any{},
		"big": new(big.Int).Lsh(big.NewInt(1), 70), "whole": 2.0}))
	require.NoError(t, m.SetActionResults(map[string]any{}))
	require.NoError(t, m.ActionLog("half"))
	require.NoError(t, m.ActionLog(""))
	require.NoError(t, m.ActionFail(""))
	assert.Equal(t, []string{"action-get --format=json", `action-set a.x=1=2 a.y-z=2 b=True big=1180591620717411303424 f=0.5 l=["p",1] n=None whole=2.0`,
		"action-log -- half", "action-fail"}, s.take())

	for _, test := range []struct {
		results map[string]any
		want    string
	}{
		{map[string]any{"Upper": 1}, `"Upper" cannot be the key of an action result: use lower-case letters, digits, dots and dashes, with a letter or digit at both ends and beside each dot`},
		{map[string]any{"a": map[string]any{"b_c": 1}}, `"a.b_c" cannot be the key of an action result: use lower-case letters, digits, dots and dashes, with a letter or digit at both ends and beside each dot`},
		{map[string]any{"a..b": 1}, `"a..b" cannot be the key of an action result: use lower-case letters, digits, dots and dashes, with a letter or digit at both ends and beside each dot`},
		{map[string]any{"stdout": "x"}, `"stdout" cannot be the key of an action result: Juju keeps that for itself`},
		{map[string]any{"a": map[string]any{"b.stderr-encoding": "x"}}, `"a.b.stderr-encoding" cannot be the key of an action result: Juju keeps that for itself`},
		{map[string]any{"return-code": 1}, `"return-code" cannot be the key of an action result: Juju keeps that for itself`},
		{map[string]any{"return-code.x": 1}, `"return-code.x" cannot be the key of an action result: Juju keeps that for itself`},
		{map[string]any{"a": map[string]any{"b": 1}, "a.b": 2}, `the action result "a.b" is there twice`},
		{map[string]any{"a": "1", "a.b": 2}, `the action results "a" and "a.b" exclude each other: a result is either a value or a map`},
		{map[string]any{"a": struct{}{}}, `the action result "a" cannot be sent: it is of the Go type struct {}, which is not plain data`},
	} {
		requireUsage(t, m.SetActionResults(test.results), test.want)
	}
	assert.Empty(t, s.take(), "nothing is sent of results with a mistake")

	long := strings.Repeat("x", 100_000)
	require.NoError(t, m.SetActionResults(map[string]any{"a": long, "b": long, "c": long, "d": long, "e": long, "f": long}))
	assert.Len(t, s.take(), 2, "large results are sent in several calls")
	require.NoError(t, m.SetActionResults(map[string]any{"a": map[string]any{"return-code": strings.Repeat("x", maxArgument-len("a.return-code="))}}))
	assert.Len(t, s.take(), 1)
	err = m.SetActionResults(map[string]any{"a": "1", "big": strings.Repeat("x", maxArgument-3)})
	requireKind(t, err, ModelError, `cannot set the action result "big": with its key it has 131072 bytes, more than the 131071 that a hook tool takes: shorten it, or put it into a file and give the file's path`)
	assert.Empty(t, s.take(), "nothing is sent of results one of which is too long")
	require.NoError(t, m.ActionFail("no"))
	require.NoError(t, m.ActionFail("-x"))
	assert.Equal(t, []string{"action-fail -- no", "action-fail -- -x"}, s.take())

	m, _ = newModel(t, nil, nil)
	requireUsage(t, m.ActionFail("x"), "cannot fail an action: this hook is not an action")
}

func TestPorts(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"opened-ports": `["8080/tcp", "443", "53-60/udp", "icmp"]`})
	require.NoError(t, m.OpenPort(Port{"TCP", 80, 80}))
	require.NoError(t, m.ClosePort(Port{"icmp", 0, 0}))
	ports, err := m.OpenedPorts()
	require.NoError(t, err)
	assert.Equal(t, []Port{{"tcp", 80, 80}, {"tcp", 443, 443}, {"tcp", 8080, 8080}, {"udp", 53, 60}}, ports, "with what this hook did")
	assert.Equal(t, []string{"open-port 80/tcp", "close-port icmp", "opened-ports --format=json"}, s.take())

	require.NoError(t, m.SetPorts([]Port{{"tcp", 443, 443}, {"udp", 50, 60}, {"icmp", 0, 0}}))
	assert.Equal(t, []string{"close-port 80/tcp", "close-port 8080/tcp", "close-port 53-60/udp", "open-port icmp", "open-port 50-60/udp"}, s.take())
	require.NoError(t, m.SetPorts([]Port{{"tcp", 443, 443}, {"udp", 50, 60}, {"icmp", 0, 0}}))
	require.NoError(t, m.OpenPort(Port{"tcp", 443, 443}))
	assert.Empty(t, s.take(), "nothing changed")

	requireUsage(t, m.OpenPort(Port{"tpc", 1, 1}), `there is no protocol "tpc" (did you mean "tcp"?): use one of tcp, udp, icmp`)
	requireUsage(t, m.OpenPort(Port{"tcp", 0, 0}), `tcp needs a port, a number from 1 to 65535`)
	requireUsage(t, m.OpenPort(Port{"icmp", 1, 1}), `icmp has no ports: leave them out`)
	_, err = ParsePort("80/tcp/x")
	assert.Error(t, err)
}

func TestResources(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"resource-get": "/var/lib/blob.tgz\n"})
	for range 2 {
		path, err := m.ResourcePath("blob")
		require.NoError(t, err)
		assert.Equal(t, "/var/lib/blob.tgz", path)
	}
	assert.Equal(t, []string{"resource-get blob"}, s.take())
	_, err := m.ResourcePath("blub")
	requireUsage(t, err, `the charm has no resource "blub" (did you mean "blob"?)`)
}

func TestStorages(t *testing.T) {
	m, s := newModel(t, map[string]string{"JUJU_STORAGE_ID": "data/1", "JUJU_STORAGE_LOCATION": "/srv/1"},
		map[string]any{"storage-list": `["data/10", "data/2"]`, "storage-get": `{"kind": "filesystem", "location": "/srv/2"}`})
	for range 2 {
		list, err := m.Storages("data")
		require.NoError(t, err)
		assert.Equal(t, []Storage{{"data", 2}, {"data", 10}}, list)
		location, err := m.StorageLocation("data", 2)
		require.NoError(t, err)
		assert.Equal(t, "/srv/2", location)
	}
	location, err := m.StorageLocation("data", 1)
	require.NoError(t, err)
	assert.Equal(t, "/srv/1", location, "the hook itself says so")
	require.NoError(t, m.RequestStorage("data", 2))
	assert.Equal(t, []string{"storage-list --format=json data", "storage-get --format=json -s data/2", "storage-add data=2"}, s.take())
	requireUsage(t, m.RequestStorage("date", 1), `the charm has no storage "date" (did you mean "data"?)`)
	requireUsage(t, m.RequestStorage("data", 0), `cannot request 0 instances of the storage "data"`)
}

func TestMetrics(t *testing.T) {
	m, s := newModel(t, nil, nil)
	require.NoError(t, m.AddMetrics(map[string]float64{"users": 3, "load": 0.25}, map[string]string{"zone": "a", "az": "b"}))
	assert.Equal(t, []string{"add-metric --labels az=b,zone=a load=0.25 users=3"}, s.take())
	requireUsage(t, m.AddMetrics(map[string]float64{"users": -1}, nil), `the metric "users" cannot be -1: it must be a finite number that is not negative`)
	requireUsage(t, m.AddMetrics(map[string]float64{"users": 1}, map[string]string{"a": "b,c"}),
		`the label "a" of a metric cannot be "b,c": it must not be empty, and have neither comma nor equals sign`)
}

func TestState(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"state-get": `{"a": "1", "empty": ""}`})
	value, ok, err := m.StateGet("empty")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Empty(t, value)
	_, ok, err = m.StateGet("gone")
	require.NoError(t, err)
	assert.False(t, ok)
	require.NoError(t, m.StateSet(map[string]string{"a": "1", "b": "x\ny: 😀"}))
	assert.Equal(t, []string{`{"b": "x\ny: 😀"}` + "\n"}, s.stdin)
	require.NoError(t, m.StateSet(map[string]string{"b": "x\ny: 😀"}))
	require.NoError(t, m.StateDelete("a"))
	require.NoError(t, m.StateDelete("a"))
	assert.Equal(t, []string{"state-get --format=json", "state-set --file -", "state-delete a"}, s.take())
	_, ok, err = m.StateGet("a")
	require.NoError(t, err)
	assert.False(t, ok)
	assert.Error(t, m.StateDelete("--help"))

	m, _ = newModel(t, nil, map[string]any{"state-get": "null\n"})
	_, ok, err = m.StateGet("a")
	require.NoError(t, err)
	assert.False(t, ok)
}
