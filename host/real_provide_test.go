package host_test

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// playValkey stands in for valkey-server CONFIG and for valkey-cli -e -p PORT --user USER ACL LOAD. It knows of users and of nothing
// else; a line is "USER PASSWORD COMMAND", and the answer OK or not.
func playValkey() error {
	if i := slices.Index(os.Args, "--user"); i > 0 {
		answer, err := askValkey(os.Args[slices.Index(os.Args, "-p")+1], os.Args[i+1], os.Getenv("VALKEYCLI_AUTH"), strings.Join(os.Args[i+2:], " "))
		if err == nil && answer != "OK" {
			err = errors.New(answer)
		}
		return err
	}
	raw, err := os.ReadFile(os.Args[len(os.Args)-1])
	if err != nil {
		return err
	}
	settings := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		settings[name] = value
	}
	users, err := os.ReadFile(settings["aclfile"])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+settings["port"])
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		var user, password, command string
		_, _ = fmt.Fscan(connection, &user, &password, &command)
		known := regexp.MustCompile(fmt.Sprintf(`(?m)^user %s on .*#%x `, regexp.QuoteMeta(user), sha256.Sum256([]byte(password))))
		answer := "OK"
		if !known.Match(users) {
			answer = "WRONGPASS"
		} else if command == "ACL" {
			if users, err = os.ReadFile(settings["aclfile"]); err != nil {
				answer = err.Error()
			}
		}
		fmt.Fprintln(connection, answer)
		_ = connection.Close()
	}
}

// askValkey gives the server a command as a user, and returns its answer.
func askValkey(port, user, password, command string) (string, error) {
	connection, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	fmt.Fprintln(connection, user, password, command)
	answer, err := bufio.NewReader(connection).ReadString('\n')
	return strings.TrimSpace(answer), err
}

// TestRealProvideExample has k8s-7-provide give an application a user, which goes when the relation does, and follow another unit.
func TestRealProvideExample(t *testing.T) {
	port := fmt.Sprint(freePort(t))
	dir := packed(t, "../examples/k8s-7-provide")
	valkey := filepath.Join(dir, "src", "valkey.star")
	etc := t.TempDir()
	replace(t, valkey, "6379", port)
	replace(t, valkey, `"valkey-server "`, fmt.Sprintf(`"%s "`, self(t)))
	replace(t, valkey, `"valkey-cli"`, fmt.Sprintf("%q", self(t)))
	replace(t, valkey, "/etc/valkey/valkey.conf", filepath.Join(etc, "valkey.conf"))
	replace(t, valkey, "/etc/valkey/users.acl", filepath.Join(etc, "users.acl"))
	replace(t, valkey, `"startup": "enabled",`, fmt.Sprintf(`"startup": "enabled", "environment": {%q: "valkey"},`, roleVariable))
	replace(t, valkey, "environment = {", fmt.Sprintf(`environment = {%q: "valkey", `, roleVariable))
	u := demo(t, dir, startPod(t, freePort(t)))
	u.Change(map[string]any{"leader": true, "relations": map[string]any{"1": map[string]any{"endpoint": "cluster"}}})
	primary := peers.JujuStatus{Status: "active", Message: "primary"}

	u.runs(peers.JujuHook{Kind: "pebble-ready", Workload: "valkey"})
	assert.Equal(t, primary, u.World.UnitStatus)

	// An application gets a user.
	u.Change(map[string]any{"relations": map[string]any{"2": map[string]any{
		"endpoint": "valkey-client", "remote-app": "web", "members": []string{"web/0"},
		"data": map[string]any{"web": map[string]string{"prefix": "web:", "requested-secrets": `["username", "password"]`}, "web/0": map[string]string{}},
	}}})
	u.relation(2, "changed", "web", "")
	told := func() (user, password string) {
		t.Helper()
		bag := u.databag("2", "demo")
		assert.Regexp(t, `^.+:`+port+`$`, bag["endpoints"])
		secret := u.World.Secrets[strings.TrimPrefix(bag["secret-user"], "secret:")]
		require.NotNil(t, secret, bag)
		assert.Contains(t, secret.Grants, "web")
		return secret.Revisions[secret.Latest]["username"], secret.Revisions[secret.Latest]["password"]
	}
	ask := func(user, password string) string {
		t.Helper()
		answer, err := askValkey(port, user, password, "PING")
		require.NoError(t, err)
		return answer
	}
	user, password := told()
	assert.Equal(t, "OK", ask(user, password))
	assert.Equal(t, "WRONGPASS", ask(user, "another"))

	// Another password; the former one stays.
	rotated := u.act("rotate-passwords", nil)
	assert.Equal(t, "completed", rotated.Action.Status, rotated.Action.Message)
	_, second := told()
	assert.NotEqual(t, password, second)
	assert.Equal(t, "OK", ask(user, second))
	assert.Equal(t, "OK", ask(user, password))
	_ = u.act("rotate-passwords", nil)
	assert.Equal(t, "WRONGPASS", ask(user, password))
	_, third := told()

	// Another unit, which comes to lead, takes writes, and is told of.
	u.Join(1, "demo/1", map[string]string{"host": "demo-1.example"})
	u.relation(1, "changed", "demo", "demo/1")
	assert.Equal(t, "demo-1.example:"+port, u.databag("2", "demo")["read-only-endpoints"])
	u.Change(map[string]any{"leader": false})
	u.Write(1, "demo", map[string]string{"primary": "demo/1"})
	u.relation(1, "changed", "demo", "")
	assert.Equal(t, peers.JujuStatus{Status: "active"}, u.World.UnitStatus)
	text, err := os.ReadFile(filepath.Join(etc, "valkey.conf"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "replicaof demo-1.example "+port+"\n")
	assert.Equal(t, "OK", ask(user, third))

	// It goes again.
	u.Change(map[string]any{"leader": true})
	u.Leave(1, "demo/1")
	u.relation(1, "departed", "demo", "demo/1")
	assert.Equal(t, primary, u.World.UnitStatus)

	u.relation(2, "broken", "web", "")
	assert.Equal(t, "WRONGPASS", ask(user, third))
	for _, secret := range u.World.Secrets {
		assert.Equal(t, "users", secret.Label)
	}
}
