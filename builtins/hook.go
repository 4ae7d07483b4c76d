package builtins

import (
	"context"
	"io/fs"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/pebble"
)

// A Hook is what the builtins of one dispatch work on: the three seams, the
// charm's own files, and the registrations that its scripts make.
type Hook struct {
	Context  context.Context
	Model    *model.Model
	Metadata *model.Metadata
	// Pebble connects to the Pebble on a socket path.
	Pebble  func(socketPath string) *pebble.Client
	Machine machine.Machine
	// Files is the charm's root, CharmDir its path on the machine.
	Files    fs.FS
	CharmDir string
	Store    Store
	// Log sends a line to Juju's log; level is DEBUG, INFO, WARNING or ERROR.
	Log func(level, message string)
	// Emit runs the observers of a custom event.
	Emit func(thread *starlark.Thread, e *Event) error

	// Breakpoint, unless nil, is called by framework.breakpoint, with "" for one
	// that has no name.
	Breakpoint func(thread *starlark.Thread, name string) error

	// Touched, unless nil, is told of what the charm looks at and changes.
	Touched func(Touch)

	Framework *Framework
	// Collected are statuses for the end of the hook, of which the worst is set.
	Collected []*Status

	// Handles are made once, so that a unit or relation that is reached in
	// two ways is the same value.
	units      map[string]*unit
	apps       map[string]*application
	relations  map[*model.Relation]*relation
	containers map[string]*container
	pod        *pod
	secrets    map[*model.Secret]*secret
	// processes are the commands that were started in containers.
	processes []*process
}

// NewHook completes h, whose exported fields but Framework the caller has set.
func NewHook(h *Hook) *Hook {
	h.Framework = newFramework(h)
	h.units = map[string]*unit{}
	h.apps = map[string]*application{}
	h.relations = map[*model.Relation]*relation{}
	h.containers = map[string]*container{}
	h.pod = &pod{h: h}
	h.secrets = map[*model.Secret]*secret{}
	return h
}

// Names are the names that every .star file of a charm can use without load().
func Names() []string {
	return []string{
		"base64", "catch", "framework", "hashlib", "hooktool", "json", "log", "lzma", "math", "model",
		"pebble", "re", "schema", "storedstate", "struct", "template", "throw", "time", "yaml",
	}
}

// Predeclared are the values behind [Names], bound to this hook.
func (h *Hook) Predeclared() starlark.StringDict {
	return starlark.StringDict{
		"base64":      newBase64(),
		"catch":       starlark.NewBuiltin("catch", catch),
		"framework":   &module[*Framework]{table: &frameworkTable, self: h.Framework},
		"hashlib":     newHashlib(),
		"hooktool":    &module[*Hook]{table: &hooktoolTable, self: h},
		"json":        newJSON(),
		"log":         &module[*Hook]{table: &logTable, self: h},
		"lzma":        newLZMA(),
		"math":        newMath(),
		"model":       &module[*Hook]{table: &modelTable, self: h},
		"pebble":      &module[*Hook]{table: &pebbleTable, self: h},
		"re":          newRe(),
		"schema":      newSchema(),
		"storedstate": &module[*Hook]{table: &storedstateTable, self: h},
		"struct":      starlark.NewBuiltin("struct", starlarkstruct.Make),
		"template":    newTemplate(h.Files),
		"throw":       starlark.NewBuiltin("throw", throw),
		"time":        newTime(h.Context, h.Machine, func() bool { return h.Framework.Loading }),
		"yaml":        newYAML(),
	}
}

// Native is what the files of the standard library, and only they, can use
// besides [Names]: the modules that have an effect on the machine.
const Native = "native"

// PredeclaredNative are the predeclared values of a standard library file.
func (h *Hook) PredeclaredNative(predeclared starlark.StringDict) starlark.StringDict {
	all := make(starlark.StringDict, len(predeclared)+1)
	for name, v := range predeclared {
		all[name] = v
	}
	all[Native] = starlarkstruct.FromStringDict(starlark.String(Native), starlark.StringDict{
		"crypto":      newCrypto(h.Machine, h.Model.Hide),
		"environment": newEnvironment(h.Machine),
		"fs":          newFS(h.Machine),
		"http":        newHTTP(h.Context, h.Machine, h.Model.Hide),
		"kind":        starlark.NewBuiltin("kind", newKind),
		"net":         newNet(h.Context, h.Machine),
		"process":     newProcess(h.Context, h.Machine, h.CharmDir, h.Model.Flush),
	})
	return all
}
