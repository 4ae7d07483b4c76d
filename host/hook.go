package host

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime/debug"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/pebble"
)

// nestedVariable marks the environment of what a hook starts, so that a charm
// that calls itself does not wait for itself.
const nestedVariable = "OPERATOR_DISPATCH"

// RunHook is one hook of a unit, from environment to exit code: it loads the
// charm in JUJU_CHARM_DIR (else in dir), and dispatches the event that env
// tells of with Juju's own hook tools, real Pebbles and this machine.
//
// debugger, unless nil, holds the charm where JUJU_DEBUG_AT says.
//
// Mistakes are told in Juju's log; what the log cannot take goes to stderr.
func RunHook(ctx context.Context, env map[string]string, dir string, stderr io.Writer, debugger *Debugger) (exitCode int) {
	hook, err := model.ParseContext(env)
	if err != nil {
		fmt.Fprintf(stderr, "starcharm: %v\n", err)
		return 1
	}
	if hook.UnitName == "" {
		fmt.Fprintln(stderr, "starcharm: JUJU_UNIT_NAME is not set: hooks are run by Juju; to try one out, use starcharm run")
		return 1
	}
	if hook.CharmDir == "" {
		hook.CharmDir = dir
	}
	if hook.CharmDir, err = filepath.Abs(hook.CharmDir); err != nil {
		fmt.Fprintf(stderr, "starcharm: cannot find the charm: %v\n", err)
		return 1
	}
	nested := env[nestedVariable] != ""
	env = maps.Clone(env)
	env[nestedVariable] = "1"
	tools, err := hooktool.Open(env, hooktool.Options{})
	if err != nil {
		fmt.Fprintf(stderr, "starcharm: %v\n", err)
		return 1
	}
	defer tools.Close()

	if len(hook.DebugAt) == 0 {
		debugger = nil
	}
	files, err := DirFS(hook.CharmDir)
	var charm *Charm
	if err == nil {
		// What loading allocates is kept, so that collecting it, several times as it
		// grows, takes time and frees little.
		usual := debug.SetGCPercent(400)
		charm, err = debugger.Load(files)
		debug.SetGCPercent(usual)
	}
	if err != nil || nested {
		// There is nothing to dispatch, only something to say.
		m := model.New(ctx, model.Config{Context: hook, Metadata: &model.Metadata{}, Tools: tools, Now: machine.Real().Now})
		r := &reporter{context: hook, model: m, stderr: stderr}
		if err != nil {
			r.report(err, SourceIn(hook.CharmDir))
			return 1
		}
		r.log("DEBUG", "The charm called itself; there is nothing to do.")
		return 0
	}
	err = charm.Dispatch(ctx, Options{
		Context:  hook,
		Tools:    tools,
		Pebble:   func(path string) *pebble.Client { return pebble.New(pebble.Config{SocketPath: path}) },
		Machine:  machine.Real(),
		Stderr:   stderr,
		Debugger: debugger,
	})
	if err != nil {
		return 1
	}
	return 0
}
