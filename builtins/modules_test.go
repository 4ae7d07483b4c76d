package builtins

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/starlarktest"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
)

// moduleFiles are the charm's files that the scripts in testdata see.
var moduleFiles = map[string]string{
	"templates/app.ini.tmpl": "[server]\nport = {{ .port }}\n{{ range .hosts }}host = {{ . }}\n{{ end }}",
	"templates/broken.tmpl":  "one\n{{ if }}\n",
	"secret.txt":             "not a template",
}

// moduleValues are the modules that need no hook.
func moduleValues(ctx context.Context, m machine.Machine) starlark.StringDict {
	files := fstest.MapFS{}
	for name, content := range moduleFiles {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return starlark.StringDict{
		"base64": newBase64(), "hashlib": newHashlib(), "lzma": newLZMA(), "json": newJSON(), "math": newMath(), "re": newRe(),
		"template": newTemplate(files), "time": newTime(ctx, m, func() bool { return false }), "yaml": newYAML(), "http": newHTTP(ctx, m, func(string) {}), "process": newProcess(ctx, m, "/charm", func() error { return nil }), "fs": newFS(m), "environment": newEnvironment(m),
		"crypto": newCrypto(m, func(string) {}), "net": newNet(ctx, m),
		"catch": starlark.NewBuiltin("catch", catch), "throw": starlark.NewBuiltin("throw", throw),
		"struct": starlark.NewBuiltin("struct", starlarkstruct.Make),
	}
}

// runModules executes a script with the modules, and assert.star.
func runModules(t *testing.T, name string, source any, m machine.Machine) (starlark.StringDict, error) {
	t.Helper()
	thread := &starlark.Thread{Name: t.Name(), Load: func(*starlark.Thread, string) (starlark.StringDict, error) {
		return starlarktest.LoadAssertModule()
	}}
	starlarktest.SetReporter(thread, t)
	options := &syntax.FileOptions{Set: true, Recursion: true, GlobalReassign: true, TopLevelControl: true}
	return starlark.ExecFileOptions(options, thread, name, source, moduleValues(t.Context(), m))
}

// TestModules runs the scripts testdata/module_*.star.
func TestModules(t *testing.T) {
	scripts, err := filepath.Glob("testdata/module_*.star")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".star"), func(t *testing.T) {
			m, err := machinetest.New(machinetest.State{HTTP: []machinetest.Route{
				{URL: "http://app/version", JSON: map[string]any{"version": "1.2"}, Headers: map[string]string{"X-Two": "b"}},
				{Method: "POST", URL: "http://app/items", Status: 201, Text: "made"},
				{URL: "http://app/missing", Status: 404, Text: "no such thing"},
				{URL: "http://app/moved", Status: 302, Headers: map[string]string{"Location": "/version"}},
				{URL: "http://app/file", Status: 302, Headers: map[string]string{"Location": "file:///etc/passwd"}},
				{URL: "http://app/loop", Status: 302, Headers: map[string]string{"Location": "/loop"}},
				{URL: "http://app/down", Error: "refused"},
				{URL: "http://app/slow", Error: "timeout"},
				{URL: "http://app/later", Status: 503},
				{URL: "http://app/later", Status: 200},
			}, HostFiles: map[string]*machinetest.File{"/etc/app/a.conf": {Content: "one"}, "/etc/app/raw": {Content: "\xff"},
				"/etc/links/file": {Link: "../../run/app.conf"}, "/etc/links/dir": {Link: "/etc/app"}, "/etc/links/gone": {Link: "none"}, "/etc/links/loop": {Link: "loop"}, "/run/app.conf": {Content: "run", Mode: new(machinetest.Mode(0o600))}}, Processes: []*machinetest.Process{
				{CommandPrefix: []string{"tool"}, Stdout: "1.2\n", Stderr: "note"},
				{CommandPrefix: []string{"tool", "break"}, ExitCode: 4, Stdout: "some", Stderr: "first\nno room\n"},
				{CommandPrefix: []string{"tool", "hang"}, Stdout: "begun", Hangs: true},
				{CommandPrefix: []string{"absent"}, Missing: true},
				{CommandPrefix: []string{"bytes"}, Stdout: "a\xff"},
			}, Environment: map[string]string{"PATH": "/bin", "HTTPS_PROXY": "http://proxy:3128", "JUJU_CONTEXT_ID": "app/0-start-1", "JUJU_AGENT_TOKEN": "token"},
				Running:  []*machinetest.Running{{PID: 1, Name: "init"}, {PID: 7, Name: "tool"}, {PID: 8, Name: "slow", After: 2, Lingers: 3}},
				Hostname: "web-0", FQDN: "web-0.example", Hosts: map[string][]string{"db": {"10.0.0.7", "fd00::7"}, "nowhere": {}}})
			require.NoError(t, err)
			source, err := os.ReadFile(script)
			require.NoError(t, err)
			_, err = runModules(t, script, source, m)
			if eval, ok := err.(*starlark.EvalError); ok {
				t.Fatal(eval.Backtrace())
			}
			require.NoError(t, err)
		})
	}
}

// TestModuleSignatures: every parameter that a module's manual names is one
// that the function knows, and every member is there.
func TestModuleSignatures(t *testing.T) {
	for _, doc := range []TypeDoc{
		base64Table.document(), hashlibTable.document(), lzmaTable.document(), httpTable.document(), commandTable.document(), cryptoTable.document(), hostFileTable.document(), jsonTable.document(), mathTable.document(),
		netTable.document(), reTable.document(), timeTable.document(), yamlTable.document(),
	} {
		module := moduleValues(t.Context(), machine.Real())[doc.Name].(starlark.HasAttrs)
		for _, member := range doc.Members {
			v, err := module.Attr(member.Name)
			require.NoError(t, err)
			fn, callable := v.(starlark.Callable)
			require.Equal(t, member.Method, callable, "%s.%s", doc.Name, member.Name)
			if !callable {
				continue
			}
			params, _, ok := strings.Cut(strings.TrimPrefix(member.Signature, "("), ") -> ")
			require.True(t, ok, "%s.%s%s", doc.Name, member.Name, member.Signature)
			if _, byName, ok := strings.Cut(params, "/, "); ok {
				params = byName
			} else if strings.HasSuffix(params, "/") {
				params = ""
			}
			for _, param := range strings.Split(params, ", ") {
				name, _, _ := strings.Cut(strings.TrimSpace(param), ":")
				name, _, _ = strings.Cut(name, " ")
				if name == "" || name == "*" {
					continue
				}
				_, err := starlark.Call(&starlark.Thread{}, fn, nil, []starlark.Tuple{{starlark.String(name), starlark.NewList(nil)}})
				if err != nil {
					require.NotContains(t, err.Error(), "unexpected keyword", "%s.%s(%s = …)", doc.Name, member.Name, name)
				}
			}
		}
	}
}
