package machinetest_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	yaml "gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
)

func parse(t *testing.T, text string) (*machinetest.Machine, error) {
	t.Helper()
	var s machinetest.State
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&s))
	return machinetest.New(s)
}

func do(t *testing.T, m machine.Machine, method, url, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	answer, err := m.Transport(machine.TransportOptions{}).RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, answer.Header.Get("Content-Type") + "|" + string(text), nil
}

func TestState(t *testing.T) {
	m, err := parse(t, `
now: 2026-03-04T05:06:07Z
http:
  - {url: "http://app", json: {version: "1"}}
  - {method: post, url: "http://app/items?kind=a", status: 201, text: made, headers: {content-type: text/plain}}
  - {url: "http://app/items", text: any query}
`)
	require.NoError(t, err)
	assert.Equal(t, "2026-03-04T05:06:07Z", m.Now().Format("2006-01-02T15:04:05Z07:00"))
	for _, c := range []struct {
		method, url string
		status      int
		body        string
	}{
		{"GET", "http://app/", 200, `application/json|{"version":"1"}`},
		{"GET", "http://APP", 200, `application/json|{"version":"1"}`},
		{"POST", "http://app/items?kind=a", 201, "text/plain|made"},
		{"GET", "http://app/items?x=1", 200, "|any query"},
	} {
		status, body, err := do(t, m, c.method, c.url, "sent")
		require.NoError(t, err)
		assert.Equal(t, c.status, status)
		assert.Equal(t, c.body, body)
	}
	requests := m.Requests()
	require.Len(t, requests, 4)
	assert.Equal(t, "POST http://app/items?kind=a sent", requests[2].Method+" "+requests[2].URL+" "+string(requests[2].Body))
}

func TestUndescribedRequest(t *testing.T) {
	m, err := parse(t, `http: [{url: "http://app/a"}, {url: "http://app/q?x=1"}]`)
	require.NoError(t, err)
	for _, c := range [][2]string{{"POST", "http://app/a"}, {"GET", "https://app/a"}, {"GET", "http://app/a/"}, {"GET", "http://app:81/a"}, {"GET", "http://app/q?x=2"}} {
		_, _, err := do(t, m, c[0], c[1], "")
		var undescribed *machine.UndescribedError
		require.ErrorAs(t, err, &undescribed, "%s %s", c[0], c[1])
	}
	_, _, err = do(t, m, "GET", "http://u:hunter2@app/b", "")
	assert.EqualError(t, err, `the simulation was not told of the request GET http://u:xxxxx@app/b: add a route to http, {method: GET, url: "http://app/b", …}`)
	assert.Len(t, m.Requests(), 6)
}

func TestBadRoutes(t *testing.T) {
	for text, want := range map[string]string{
		`http: [{url: /a}]`:                                "cannot use http[0] (GET /a): its url is not like http://host/path",
		`http: [{url: "ftp://a"}]`:                         "cannot use http[0] (GET ftp://a): its url is not like http://host/path",
		`http: [{url: "http://a", status: 99}]`:            "cannot use http[0] (GET http://a): its status 99 is not between 200 and 599",
		`http: [{url: "http://a", text: x, json: 1}]`:      "cannot use http[0] (GET http://a): it has both text and json",
		`http: [{url: "http://a", error: slowly}]`:         `cannot use http[0] (GET http://a): error is "slowly", want refused or timeout`,
		`http: [{url: "https://a", client_cert: x}]`:       "cannot use http[0] (GET https://a): its client_cert is of no use: cannot read the certificate: it is not PEM text, -----BEGIN CERTIFICATE-----",
		`http: [{url: "http://a", client_cert: x}]`:        "cannot use http[0] (GET http://a): a client_cert is shown to https://… only",
		`http: [{method: PUT, url: "http://a"}, {url: x}]`: "cannot use http[1] (GET x): its url is not like http://host/path",
	} {
		_, err := parse(t, text)
		assert.EqualError(t, err, want)
	}
}

func TestBadEnvironment(t *testing.T) {
	for text, want := range map[string]string{
		`environment: {"": x}`:     `cannot use environment: no variable can have the name ""`,
		`environment: {a=b: x}`:    `cannot use environment: no variable can have the name "a=b"`,
		`environment: {a: "b\0c"}`: "cannot use environment: a has a zero byte",
	} {
		_, err := parse(t, text)
		assert.EqualError(t, err, want)
	}
}

func TestBadProcesses(t *testing.T) {
	for text, want := range map[string]string{
		`processes: [null]`:                            "cannot use processes[0]: there is nothing",
		`processes: [{removes: [a]}]`:                  `cannot use processes[0]: it removes "a": the path must be absolute, without ".", ".." and a slash at the end`,
		`processes: [{starts: [{name: a}]}]`:           "cannot use processes[0]: it starts what cannot run: its pid is 0, want one from 1",
		`processes: [{files: {a: b}}]`:                 `cannot use processes[0]: it writes what cannot be: cannot use host_files[a]: its path must be absolute, without ".", ".." and a slash at the end`,
		`running: [null]`:                              "cannot use running[0]: there is nothing",
		`running: [{pid: 1}]`:                          "cannot use running[0]: it has no name",
		`running: [{pid: 1, name: a, after: -1}]`:      "cannot use running[0]: its after and lingers are seconds, from 0",
		`running: [{pid: 1, name: a, ignores: [HUP]}]`: `cannot use running[0]: it cannot ignore "HUP", want TERM, INT or QUIT`,
		`hosts: {db: [x]}`:                             `cannot use hosts[db]: "x" is no IP address`,
		"host_files: {/etc/passwd: \"root:x:0:0\", /a: {content: b, owner: app}}": `cannot use host_files[/a]: there is no user "app"`,
	} {
		_, err := parse(t, text)
		assert.EqualError(t, err, want)
	}
}

func TestAccounts(t *testing.T) {
	m, err := parse(t, "host_files: {/etc/passwd: \"root:x:0:0\\napp:x:990:991::/:/bin/sh\\nbroken\", /etc/group: \"app:x:991:\", /a: {content: b, owner: app, group: app}, /c: {content: d, owner: 5}}")
	require.NoError(t, err)
	id, err := m.LookupUser("app")
	require.NoError(t, err)
	assert.Equal(t, 990, id)
	_, err = m.LookupGroup("other")
	assert.EqualError(t, err, `there is no group "other"`)
	assert.Equal(t, &machinetest.File{Content: "b", Owner: "app", Group: "app"}, m.Files()["/a"])
	assert.Equal(t, &machinetest.File{Content: "d", Owner: "5"}, m.Files()["/c"])
	user, group := m.OwnerNames(machine.Owner{UID: 5, GID: 991})
	assert.Equal(t, []string{"", "app"}, []string{user, group})
}

func TestEpoch(t *testing.T) {
	m, err := machinetest.New(machinetest.State{})
	require.NoError(t, err)
	assert.Equal(t, machinetest.Epoch(), m.Now())
}

func TestManyGoroutines(t *testing.T) {
	m, err := parse(t, `http: [{url: "http://app/a"}]`)
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			req, _ := http.NewRequest("GET", "http://app/a", nil)
			_, err := m.Transport(machine.TransportOptions{}).RoundTrip(req)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Len(t, m.Requests(), 20)
}
