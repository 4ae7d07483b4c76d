package host

import (
	"fmt"
	"maps"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
)

// A program is the charm's files as they run in one dispatch, each at most
// once and all on one thread.
type program struct {
	charm       *Charm
	predeclared starlark.StringDict
	native      starlark.StringDict // also what only the standard library sees
	scripts     starlark.StringDict // also what only scripts beside the charm see
	loaded      map[string]starlark.StringDict
	// step is called before each statement of files that can be stepped through.
	step *starlark.Builtin
}

func newProgram(c *Charm, hook *builtins.Hook) *program {
	predeclared := hook.Predeclared()
	return &program{
		charm:       c,
		predeclared: predeclared,
		native:      hook.PredeclaredNative(predeclared),
		loaded:      map[string]starlark.StringDict{},
		step:        (*stepper)(nil).step(),
	}
}

// run executes the top level of a module, once, and returns its globals, which
// nothing can change any more.
func (p *program) run(thread *starlark.Thread, name string) (starlark.StringDict, error) {
	if globals, ok := p.loaded[name]; ok {
		return globals, nil
	}
	predeclared := p.predeclared
	switch {
	case strings.HasPrefix(name, std):
		predeclared = p.native
	case p.charm.also.in != nil && p.charm.also.in(name):
		predeclared = p.scripts
	}
	m := p.charm.modules[name]
	if m.counts != nil || m.steps {
		predeclared = maps.Clone(predeclared)
		predeclared[countsName], predeclared[stepName] = m.counts, p.step
	}
	globals, err := m.program.Init(thread, predeclared)
	globals.Freeze()
	if err != nil {
		return nil, err
	}
	p.loaded[name] = globals
	return globals, nil
}

// load implements starlark.Thread.Load. Labels were resolved when the charm
// was compiled.
func (p *program) load(thread *starlark.Thread, label string) (starlark.StringDict, error) {
	from := thread.CallFrame(0).Pos.Filename()
	name, ok := p.charm.modules[from].loads[label]
	if !ok {
		return nil, fmt.Errorf("%s was not there when the charm was compiled", label)
	}
	return p.run(thread, name)
}
