package host_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// aptVariable allows tests to fetch packages from where apt gets them on this machine.
const aptVariable = "STARCHARM_TEST_APT"

// TestRealMachineExample takes machine-tinyproxy from install to remove on a copy of this machine, with the package that this
// machine's distribution has, which runs and passes requests on. (The example's own is that of Ubuntu 24.04.)
func TestRealMachineExample(t *testing.T) {
	if os.Getenv(aptVariable) != "1" {
		t.Skipf("it fetches a package: %s=1 allows that", aptVariable)
	}
	peers.BuildJuju(t)
	if !peers.OnACopyOfThisMachine(t, true) {
		return
	}
	if _, err := os.Stat("../examples/machine-tinyproxy"); err != nil {
		t.Skipf("the copy is of the root file system alone, and the sources are on another: %v", err)
	}
	version := fetched(t, "tinyproxy-bin", "1.11.1-3")
	if path, err := exec.LookPath("tinyproxy"); err == nil {
		t.Skipf("%s is there without the charm", path)
	}
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "behind: ", r.URL) }))
	defer behind.Close()
	port := freePort(t)

	dir := packed(t, "../examples/machine-tinyproxy")
	replace(t, filepath.Join(dir, "src", "charm.star"), "PORT = 8000", fmt.Sprintf("PORT = %d", port))
	replace(t, filepath.Join(dir, "src", "tinyproxy.star"), `"1.11.1-3"`, fmt.Sprintf("%q", version))
	template := filepath.Join(dir, "templates", "tinyproxy.conf.tmpl")
	replace(t, template, "Timeout 600", "Timeout 600\nListen 127.0.0.1") // the network is this machine's
	replace(t, template, "http://www.example.com", behind.URL)
	u := demo(t, dir, nil)
	u.Change(map[string]any{"model": map[string]any{"type": "iaas"}})
	get := func(path string) (int, string) {
		t.Helper()
		answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(text)
	}
	status := func(status, message string) {
		t.Helper()
		assert.Equal(t, peers.JujuStatus{Status: status, Message: message}, u.World.UnitStatus)
	}

	u.hook("install")
	status("maintenance", "Waiting for tinyproxy to start")
	upstream, _, _ := strings.Cut(version, "-")
	assert.Equal(t, upstream, u.World.WorkloadVersion)
	installed, err := exec.Command("dpkg-query", "--show", "--showformat=${Version}", "tinyproxy-bin").Output()
	require.NoError(t, err)
	assert.Equal(t, version, string(installed))

	u.hook("config-changed")
	u.hook("start")
	status("active", "")
	_, text := get("/example/x?y=1")
	assert.Equal(t, "behind: /x?y=1", text)
	code, _ := get("/other/x")
	assert.Equal(t, http.StatusBadRequest, code)
	first, err := os.ReadFile("/var/run/tinyproxy.pid")
	require.NoError(t, err)

	u.Change(map[string]any{"config": map[string]any{"slug": "other"}})
	u.hook("config-changed")
	status("active", "")
	for limit := time.Now().Add(10 * time.Second); text != "behind: /x" && time.Now().Before(limit); {
		_, text = get("/other/x") // it heeds the signal in its own time
	}
	assert.Equal(t, "behind: /x", text)
	second, err := os.ReadFile("/var/run/tinyproxy.pid")
	require.NoError(t, err)
	assert.Equal(t, string(first), string(second))

	u.Change(map[string]any{"config": map[string]any{"slug": "not/one"}})
	u.hook("config-changed")
	assert.Equal(t, "blocked", u.World.UnitStatus.Status)
	_, text = get("/other/x")
	assert.Equal(t, "behind: /x", text)
	u.Change(map[string]any{"config": map[string]any{"slug": "other"}})

	u.hook("stop")
	status("maintenance", "Waiting for tinyproxy to start")
	_, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	require.Error(t, err)

	u.hook("remove")
	status("maintenance", "Waiting for tinyproxy to be installed")
	for _, path := range []string{"/usr/bin/tinyproxy", "/etc/tinyproxy", "/var/run/tinyproxy.pid"} {
		_, err := os.Stat(path)
		assert.ErrorIs(t, err, os.ErrNotExist, path)
	}
}

// fetched has apt fetch a package, in the version that is wanted or, where the distribution has none such, in its own, which it
// returns. Where apt cannot fetch it, the test is skipped.
func fetched(t *testing.T, name, wanted string) (version string) {
	t.Helper()
	apt := func(program string, args ...string) string {
		t.Helper()
		output, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
		if err != nil {
			t.Skipf("apt cannot fetch %s: %v\n%s", name, err, output)
		}
		return string(output)
	}
	apt("apt-get", "--yes", "--quiet", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "update")
	for line := range strings.Lines(apt("apt-cache", "madison", name)) { // the newest first
		if columns := strings.Split(line, "|"); len(columns) == 3 {
			if found := strings.TrimSpace(columns[1]); version == "" || found == wanted {
				version = found
			}
		}
	}
	apt("apt-get", "--yes", "--quiet", "--download-only", "install", name+"="+version)
	return version
}
