package builtins

import (
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

// newEnvironment returns the variables of the hook as a dict that cannot be
// changed. What gives access to the unit's agent is left out, so that a charm
// that logs its environment does not give it away.
func newEnvironment(m machine.Machine) starlark.Value {
	all := m.Environment()
	delete(all, "JUJU_CONTEXT_ID")
	delete(all, "JUJU_AGENT_TOKEN")
	dict := starlark.NewDict(len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		// A new dict whose keys are strings takes them.
		_ = dict.SetKey(starlark.String(strings.ToValidUTF8(name, "\uFFFD")), starlark.String(strings.ToValidUTF8(all[name], "\uFFFD")))
	}
	dict.Freeze()
	return dict
}
