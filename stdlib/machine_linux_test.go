package stdlib_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/testdata/peers"
)

// TestOnACopyOfThisMachine has the libraries do to a machine what they are for:
// to a copy of this one, without a network.
func TestOnACopyOfThisMachine(t *testing.T) {
	charm, err := host.LoadDir("testdata/machine")
	require.NoError(t, err)
	juju, err := modeltest.New(charm.Metadata, &modeltest.State{})
	require.NoError(t, err)
	if peers.OnACopyOfThisMachine(t, false) {
		m := &machineCopy{charm, juju}
		t.Run("passwd", m.passwd)
		t.Run("apt", m.apt)
		t.Run("sysctl", m.sysctl)
		t.Run("systemd", m.systemd)
	}
}

// A machineCopy is a copy of the machine, which this process is in, with a charm
// on it.
type machineCopy struct {
	charm *host.Charm
	juju  *modeltest.Juju
}

// call calls a function of a library, and returns what it returned and the kind
// of failure that it met.
func (m *machineCopy) call(t *testing.T, library, function string, args starlark.Tuple, named ...starlark.Tuple) (value, kind string) {
	t.Helper()
	event := modeltest.Event{Name: "start"}
	env, err := m.juju.Env(event)
	require.NoError(t, err)
	context, err := model.ParseContext(env)
	require.NoError(t, err)
	context.CharmDir = "/"
	hook, err := m.juju.Begin(event)
	require.NoError(t, err)
	out, err := m.charm.Call(t.Context(), host.Options{
		Context: context, Tools: hook, Machine: machine.Real(), Store: &host.MemoryStore{}, Stderr: io.Discard,
	}, "src/charm.star", "use", append(starlark.Tuple{starlark.String(library), starlark.String(function)}, args...), named)
	require.NoError(t, err)
	require.NoError(t, hook.End(0))
	result := out.(starlark.Tuple)
	if failure, ok := result[1].(starlark.Tuple); ok {
		t.Logf("%s.%s: %s", library, function, failure[1])
		return "", string(failure[0].(starlark.String))
	}
	return result[0].String(), ""
}

// expect calls a function that meets no failure.
func (m *machineCopy) expect(t *testing.T, want, library, function string, args starlark.Tuple, named ...starlark.Tuple) {
	t.Helper()
	value, kind := m.call(t, library, function, args, named...)
	assert.Equal(t, []string{want, ""}, []string{value, kind}, "%s.%s%v", library, function, args)
}

// refuse calls a function that meets a failure.
func (m *machineCopy) refuse(t *testing.T, kind, library, function string, args starlark.Tuple, named ...starlark.Tuple) {
	t.Helper()
	_, got := m.call(t, library, function, args, named...)
	assert.Equal(t, kind, got, "%s.%s%v", library, function, args)
}

func text(values ...string) starlark.Tuple {
	var all starlark.Tuple
	for _, value := range values {
		all = append(all, starlark.String(value))
	}
	return all
}

func named(name string, value starlark.Value) starlark.Tuple {
	return starlark.Tuple{starlark.String(name), value}
}

func needs(t *testing.T, programs ...string) {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s here", program)
		}
	}
}

func (m *machineCopy) passwd(t *testing.T) {
	needs(t, "getent", "useradd", "usermod", "userdel", "groupadd", "groupdel", "id")
	const user = "starcharm-test"
	groups := named("groups", starlark.NewList([]starlark.Value{starlark.String("starcharm-more")}))
	shell := named("shell", starlark.String("/usr/sbin/nologin"))
	m.expect(t, "None", "passwd", "get_user", text(user))
	m.refuse(t, "passwd.NotFoundError", "passwd", "ensure_user", text(user), groups)
	m.expect(t, "True", "passwd", "ensure_group", text("starcharm-more"))
	m.expect(t, "False", "passwd", "ensure_group", text("starcharm-more"))
	m.expect(t, "True", "passwd", "ensure_user", text(user), groups, named("system", starlark.True), named("home", starlark.String("/srv/a")))
	m.expect(t, "False", "passwd", "ensure_user", text(user), groups, named("home", starlark.String("/srv/a")))
	m.expect(t, "True", "passwd", "ensure_user", text(user), groups, shell)
	m.expect(t, "False", "passwd", "ensure_user", text(user), groups, shell)
	m.refuse(t, "passwd.InUseError", "passwd", "ensure_user", text("starcharm-other"), named("uid", starlark.MakeInt(0)))
	found, _ := m.call(t, "passwd", "get_user", text(user))
	assert.Contains(t, found, `home = "/srv/a"`)
	assert.Contains(t, found, `shell = "/usr/sbin/nologin"`)
	m.refuse(t, "passwd.InUseError", "passwd", "remove_group", text(user))
	m.expect(t, "True", "passwd", "remove_user", text(user))
	m.expect(t, "False", "passwd", "remove_user", text(user))
	m.expect(t, "True", "passwd", "remove_group", text("starcharm-more"))
}

func (m *machineCopy) apt(t *testing.T) {
	needs(t, "apt-get", "apt-mark", "dpkg-query", "dpkg-deb")
	for _, pattern := range []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/*", "/var/lib/apt/lists/*"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range names {
			require.NoError(t, os.RemoveAll(name))
		}
	}
	const name = "starcharm-example"
	publish(t, name, "1.0", "2.0")
	repository := []starlark.Tuple{
		named("uris", starlark.String("file:///srv/repository")), named("suites", starlark.String("./")), named("trusted", starlark.True),
	}
	m.refuse(t, "apt.PackageNotFoundError", "apt", "ensure_packages", text(name))
	m.expect(t, "True", "apt", "ensure_repository", text("starcharm-test"), repository...)
	m.expect(t, "False", "apt", "ensure_repository", text("starcharm-test"), repository...)
	m.expect(t, "None", "apt", "installed_version", text(name))

	version := func(version string) starlark.Tuple {
		versions := new(starlark.Dict)
		require.NoError(t, versions.SetKey(starlark.String(name), starlark.String(version)))
		return starlark.Tuple{versions}
	}
	m.refuse(t, "apt.VersionNotFoundError", "apt", "ensure_packages", version("3.0"))
	m.expect(t, "True", "apt", "ensure_packages", text(name))
	m.expect(t, "False", "apt", "ensure_packages", text(name))
	m.expect(t, `"2.0"`, "apt", "installed_version", text(name))
	m.expect(t, "True", "apt", "ensure_packages", version("1.0"))
	m.expect(t, "False", "apt", "ensure_packages", version("1.0"))
	m.expect(t, `"1.0"`, "apt", "installed_version", text(name+":all"))
	m.expect(t, "True", "apt", "hold_packages", text(name))
	m.expect(t, "False", "apt", "hold_packages", text(name))
	m.expect(t, "False", "apt", "hold_packages", text(name+":all"))
	m.expect(t, "False", "apt", "hold_packages", text(name+":native"))
	m.expect(t, "True", "apt", "hold_packages", text(name), named("hold", starlark.False))

	lock, err := os.OpenFile("/var/lib/dpkg/lock-frontend", os.O_RDWR|os.O_CREATE, 0o640)
	require.NoError(t, err)
	require.NoError(t, unix.FcntlFlock(lock.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}))
	m.refuse(t, "apt.LockError", "apt", "remove_packages", text(name), named("lock_timeout", starlark.MakeInt(0)))
	require.NoError(t, lock.Close())

	m.expect(t, "True", "apt", "remove_packages", text(name), named("purge", starlark.True))
	m.expect(t, "False", "apt", "remove_packages", text(name))
	require.NoError(t, os.RemoveAll("/srv/repository"))
	m.refuse(t, "apt.FetchError", "apt", "update", nil)
	m.expect(t, "True", "apt", "remove_repository", text("starcharm-test"))
	m.expect(t, "None", "apt", "update", nil)
}

// publish makes a repository of a package in some versions.
func publish(t *testing.T, name string, versions ...string) {
	const repository = "/srv/repository"
	require.NoError(t, os.MkdirAll(repository, 0o755))
	var index strings.Builder
	for _, version := range versions {
		control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: An example\n", name, version)
		tree := t.TempDir()
		require.NoError(t, os.Chmod(tree, 0o755))
		require.NoError(t, os.Mkdir(filepath.Join(tree, "DEBIAN"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(tree, "DEBIAN", "control"), []byte(control), 0o644))
		file := fmt.Sprintf("%s_%s_all.deb", name, version)
		output, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", tree, filepath.Join(repository, file)).CombinedOutput()
		require.NoError(t, err, "%s", output)
		content, err := os.ReadFile(filepath.Join(repository, file))
		require.NoError(t, err)
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", control, file, len(content), sha256.Sum256(content))
	}
	require.NoError(t, os.WriteFile(filepath.Join(repository, "Packages"), []byte(index.String()), 0o644))
	release := fmt.Sprintf("Date: %s\nSHA256:\n %x %d Packages\n", time.Now().UTC().Format(time.RFC1123), sha256.Sum256([]byte(index.String())), index.Len())
	require.NoError(t, os.WriteFile(filepath.Join(repository, "Release"), []byte(release), 0o644))
}

func (m *machineCopy) sysctl(t *testing.T) {
	needs(t, "sysctl")
	if err := os.WriteFile("/proc/sys/kernel/hostname", []byte("starcharm-before"), 0); err != nil {
		t.Skipf("no setting of the kernel can be changed here: %v", err)
	}
	settings := func(key, value string) starlark.Tuple {
		values := new(starlark.Dict)
		require.NoError(t, values.SetKey(starlark.String("kernel.hostname"), starlark.String("starcharm-after")))
		if key != "" {
			require.NoError(t, values.SetKey(starlark.String(key), starlark.String(value)))
		}
		return starlark.Tuple{values}
	}
	m.refuse(t, "sysctl.NotFoundError", "sysctl", "ensure", settings("kernel.starcharm", "1"))
	m.refuse(t, "sysctl.ApplyError", "sysctl", "ensure", settings("kernel.ostype", "1"))
	m.expect(t, `"starcharm-before"`, "sysctl", "get", text("kernel.hostname"))
	m.expect(t, "True", "sysctl", "ensure", settings("", ""))
	m.expect(t, "False", "sysctl", "ensure", settings("", ""))
	m.expect(t, `"starcharm-after"`, "sysctl", "get", text("kernel.hostname"))
	content, err := os.ReadFile("/etc/sysctl.d/90-juju-machine.conf")
	require.NoError(t, err)
	assert.Contains(t, string(content), "\nkernel.hostname = starcharm-after\n")
	m.expect(t, "True", "sysctl", "remove", nil)
}

// systemd does not run in the copy, which is what the library has to tell.
func (m *machineCopy) systemd(t *testing.T) {
	needs(t, "systemctl")
	m.refuse(t, "systemd.NotBootedError", "systemd", "ensure_running", text("starcharm-test"))
	m.refuse(t, "systemd.NotBootedError", "systemd", "ensure_unit", text("starcharm-test.service", "[Service]\n"))
}
