package modeltest_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/testdata/peers"
)

// output are the flags of tools that print a value.
const output = "--format -o --output"

// toolFlags are the hook tools of Juju 3.5.1 and their flags.
var toolFlags = map[string]string{
	"action-fail":             "",
	"action-get":              output,
	"action-log":              "",
	"action-set":              "",
	"add-metric":              "-l --labels",
	"application-version-set": "",
	"close-port":              "--endpoints --format",
	"config-get":              "-a --all " + output,
	"credential-get":          output,
	"goal-state":              output,
	"is-leader":               output,
	"juju-log":                "--debug --format -l --log-level",
	"juju-reboot":             "--now",
	"k8s-raw-get":             "",
	"k8s-raw-set":             "--file",
	"k8s-spec-get":            "",
	"k8s-spec-set":            "--file --k8s-resources",
	"leader-get":              output,
	"leader-set":              "",
	"network-get":             "--bind-address --egress-subnets --ingress-address --primary-address -r --relation " + output,
	"open-port":               "--endpoints --format",
	"opened-ports":            "--endpoints " + output,
	"payload-register":        "",
	"payload-status-set":      "",
	"payload-unregister":      "",
	"pod-spec-get":            "",
	"pod-spec-set":            "--file --k8s-resources",
	"relation-get":            "--app -r --relation " + output,
	"relation-ids":            output,
	"relation-list":           "--app -r --relation " + output,
	"relation-set":            "--app --file --format -r --relation",
	"resource-get":            "",
	"secret-add":              "--description --expire --file --label --owner --rotate",
	"secret-get":              "--label --peek --refresh " + output,
	"secret-grant":            "-r --relation --unit",
	"secret-ids":              output,
	"secret-info-get":         "--label " + output,
	"secret-remove":           "--revision",
	"secret-revoke":           "--app --application -r --relation --unit",
	"secret-set":              "--description --expire --file --label --owner --rotate",
	"state-delete":            "",
	"state-get":               "--strict " + output,
	"state-set":               "--file",
	"status-get":              "--application --include-data " + output,
	"status-set":              "--application",
	"storage-add":             "",
	"storage-get":             "-s " + output,
	"storage-list":            output,
	"unit-get":                output,
}

// notCompared are the flags without a case, of a tool or of all, and why.
var notCompared = map[string]string{
	"juju-reboot --now": "the genuine Juju kills the dispatch, and here is none",
	"-o":                "the simulated Juju writes no files",
	"--output":          "the simulated Juju writes no files",
}

// TestCoverage: every tool is called with success and in error, and every flag
// that it has is used.
func TestCoverage(t *testing.T) {
	cases, names := 0, map[string]bool{}
	used := map[string]bool{}
	for _, s := range scenarios() {
		for i, call := range parseCalls(t, s.lines()) {
			if _, differs := differences[s.lines()[i]]; !differs {
				cases++
				names[s.name+": "+s.lines()[i]] = true
			}
			used[call.Name] = true
			for _, arg := range call.Args {
				if arg == "--" {
					break
				}
				if strings.HasPrefix(arg, "--") {
					name, _, _ := strings.Cut(arg, "=")
					used[call.Name+" "+name] = true
				} else if len(arg) > 1 && arg[0] == '-' {
					used[call.Name+" "+arg[:2]] = true
				}
			}
		}
	}
	for tool, flags := range toolFlags {
		assert.True(t, used[tool], "no case calls %s", tool)
		for _, flag := range strings.Fields(flags) {
			name := tool + " " + flag
			_, one := notCompared[name]
			_, all := notCompared[flag]
			assert.True(t, used[name] || one || all, "no case has %s, and no reason is given", name)
		}
	}
	assert.GreaterOrEqual(t, len(names), 300)
	t.Logf("%d calls compared, %d different ones", cases, len(names))
}

// TestToolsAreThoseOfJuju351: the table above, and the simulated Juju, have the
// tools and flags of the genuine one.
func TestToolsAreThoseOfJuju351(t *testing.T) {
	genuine := peers.Juju(t)
	genuine.SetWorld(jujuWorld(loadMeta(t, charmFiles), world()))
	var calls []peers.JujuCall
	tools := slices.Sorted(maps.Keys(toolFlags))
	for _, tool := range tools {
		calls = append(calls, peers.JujuCall{Name: tool, Args: []string{"--help"}})
	}
	outcome := genuine.Tools(peers.JujuTools{Hook: peers.JujuHook{Kind: "start"}, Calls: calls})
	assert.Equal(t, tools, toolsOnPath(t, outcome))
	hook := begin(t, newJuju(t, nil), modeltest.Event{Name: "start"})
	for i, tool := range tools {
		want := strings.Fields(toolFlags[tool])
		slices.Sort(want)
		assert.Equal(t, want, flagsOf(outcome.Results[i].Stdout), "%s of Juju", tool)
		result, err := hook.Run(t.Context(), hooktool.Call{Name: tool, Args: []string{"--help"}})
		require.NoError(t, err)
		assert.Equal(t, want, flagsOf(string(result.Stdout)), "%s of the simulated Juju", tool)
	}
}

// toolsOnPath lists the directory of hook tools that a hook finds on its PATH.
func toolsOnPath(t *testing.T, outcome peers.JujuOutcome) []string {
	path, ok := outcome.Getenv("PATH")
	require.True(t, ok)
	first, _, _ := strings.Cut(path, string(filepath.ListSeparator))
	entries, err := os.ReadDir(first)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// flagsOf reads the flags from a help text: a line a flag, its names first.
func flagsOf(help string) []string {
	flags := []string{}
	help, _, _ = strings.Cut(help, "\nDetails:") // prose
	for line := range strings.SplitSeq(help, "\n") {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-") {
			continue
		}
		names, _, _ := strings.Cut(line, " (")
		for name := range strings.SplitSeq(names, ",") {
			flags = append(flags, strings.TrimSpace(name))
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}
