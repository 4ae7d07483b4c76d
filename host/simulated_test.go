package host_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
)

// A simulatedUnit is one, on which a test runs hooks one after another.
type simulatedUnit struct {
	t     testing.TB
	charm *host.Charm
	state *simulate.State
}

// newUnit returns a leader unit of the charm, whose files are given as a txtar
// archive. Its metadata is charmcraft.yaml.
func newUnit(t testing.TB, archive string) *simulatedUnit {
	t.Helper()
	state := &simulate.State{}
	state.Juju.Leader = true
	u := &simulatedUnit{t: t, state: state}
	u.refresh(archive)
	return u
}

// refresh gives the unit another charm; the state stays.
func (u *simulatedUnit) refresh(archive string) {
	u.t.Helper()
	u.charm = loadArchive(u.t, archive)
}

func loadArchive(t testing.TB, archive string) *host.Charm {
	t.Helper()
	files := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	charm, err := host.Load(files)
	require.NoError(t, err)
	return charm
}

// run runs a hook, or an action ("backup-action"), and keeps what Juju keeps.
func (u *simulatedUnit) run(name string) *simulate.Outcome {
	u.t.Helper()
	name, action := strings.CutSuffix(name, "-action")
	return u.event(modeltest.Event{Name: name, Action: action})
}

func (u *simulatedUnit) event(e modeltest.Event) *simulate.Outcome {
	u.t.Helper()
	o, err := simulate.Run(u.t.Context(), u.charm, u.state, e)
	require.NoError(u.t, err)
	u.state = o.State
	return o
}

// ok runs a hook that succeeds and returns what it logged at INFO and above.
func (u *simulatedUnit) ok(name string) []string {
	u.t.Helper()
	o := u.run(name)
	require.NoError(u.t, o.Err)
	return logged(o)
}

// fails runs a hook that fails, and returns what it logged before.
func (u *simulatedUnit) fails(name, message string) []string {
	u.t.Helper()
	o := u.run(name)
	require.ErrorContains(u.t, o.Err, message)
	require.Equal(u.t, 1, o.ExitCode)
	lines := logged(o)
	require.NotEmpty(u.t, lines)
	require.Contains(u.t, lines[len(lines)-1], "Uncaught exception while in charm code:\n")
	return lines[:len(lines)-1]
}

// logged are the log lines of a hook, without those at DEBUG and TRACE; the
// level is left out at INFO.
func logged(o *simulate.Outcome) []string {
	lines := []string{}
	for _, s := range o.Steps {
		switch {
		case s.Via != "log", s.What == "DEBUG", s.What == "TRACE":
		case s.What == "INFO":
			lines = append(lines, s.Result)
		default:
			lines = append(lines, s.What+" "+s.Result)
		}
	}
	return lines
}

// calls are a hook's calls to Juju and Pebble, log lines aside.
func calls(o *simulate.Outcome) []string {
	made := []string{}
	for _, s := range o.Steps {
		if s.Via != "log" {
			made = append(made, s.What)
		}
	}
	return made
}

// deferred are the names of the events in the queue and their handlers.
func (u *simulatedUnit) deferred() []string {
	queue := []string{}
	for _, d := range u.state.Deferred {
		queue = append(queue, d.Event+" "+d.Handler[strings.LastIndexByte(d.Handler, ':')+1:])
	}
	return queue
}
