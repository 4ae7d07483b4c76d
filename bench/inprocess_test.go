package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/fstest"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
)

// A handled is an event, and a charm's handler of it. The script runs as it is
// in bare Starlark too.
type handled struct {
	name   string
	event  modeltest.Event
	script string
	// endpoints is how many the charm has besides db: end-0, end-1, …
	endpoints int
}

var handledEvents = []handled{
	{name: "noop", event: modeltest.Event{Name: "config-changed"}, script: noopScript},
	{name: "config", event: modeltest.Event{Name: "config-changed"}, script: `"""Follows its options."""

def on_config_changed(event):
    address = "%s:%d" % (model.config["host"], model.config["port"])
    model.unit.status = model.ActiveStatus("at " + address)

framework.observe(framework.on.config_changed, on_config_changed)
`},
	{name: "relation", event: modeltest.Event{Name: "db-relation-changed"}, script: `"""Follows its database."""

def on_db_changed(event):
    data = event.relation.data[event.unit]
    dsn = "postgresql://%s@%s:%s/app" % (data["user"], data["host"], data["port"])
    model.unit.status = model.ActiveStatus("uses " + dsn)

framework.observe(framework.on["db"].relation_changed, on_db_changed)
`},
	{name: "endpoints", event: modeltest.Event{Name: "config-changed"}, endpoints: 30, script: noopScript + `
def on_changed(event):
    pass

def observe_all():
    for i in range(30):
        framework.observe(framework.on["end-%d" % i].relation_changed, on_changed)

observe_all()
`},
}

var remoteData = map[string]string{"user": "app", "host": "10.1.2.3", "port": "5432"}

// world is what the charm finds.
func world() *modeltest.State {
	return &modeltest.State{
		Leader:    true,
		Config:    map[string]any{"port": 9090},
		Relations: []*modeltest.Relation{{ID: 1, Endpoint: "db", RemoteUnitsData: map[int]map[string]string{0: remoteData}}},
	}
}

func files(script string, endpoints int) fstest.MapFS {
	text := metadata
	for i := range endpoints {
		text += fmt.Sprintf("  end-%d:\n    interface: sql\n", i)
	}
	return fstest.MapFS{
		"metadata.yaml":  {Data: []byte(text)},
		"config.yaml":    {Data: []byte(options)},
		"src/charm.star": {Data: []byte(script)},
	}
}

// dispatcher loads the charm of h and returns a function that runs its event
// on one simulated Juju, again and again.
func (h handled) dispatcher(b testing.TB) func() error {
	b.Helper()
	charm, err := host.Load(files(h.script, h.endpoints))
	if err != nil {
		b.Fatal(err)
	}
	juju, err := modeltest.New(charm.Metadata, world())
	if err != nil {
		b.Fatal(err)
	}
	simulated, err := machinetest.New(machinetest.State{})
	if err != nil {
		b.Fatal(err)
	}
	unit := 0
	event := h.event
	if event.Name == "db-relation-changed" {
		event.RemoteUnit = &unit
	}
	return func() error {
		env, err := juju.Env(event)
		if err != nil {
			return err
		}
		hookContext, err := model.ParseContext(env)
		if err != nil {
			return err
		}
		hook, err := juju.Begin(event)
		if err != nil {
			return err
		}
		code := 0
		err = charm.Dispatch(context.Background(), host.Options{
			Context: hookContext,
			Tools:   hook,
			Pebble:  func(path string) *pebble.Client { return pebble.New(pebble.Config{SocketPath: path}) },
			Machine: simulated,
			Store:   &host.MemoryStore{},
			Stderr:  io.Discard,
		})
		if err != nil {
			code = 1
		}
		return errors.Join(err, hook.End(code))
	}
}

// bare compiles the script of h and returns a function that runs its top level
// and its handler in Starlark alone, with plain values for what starcharm gives.
func (h handled) bare(b testing.TB) func() error {
	b.Helper()
	attrs := func(d starlark.StringDict) *starlarkstruct.Struct {
		return starlarkstruct.FromStringDict(starlarkstruct.Default, d)
	}
	dict := func(of map[string]string) *starlark.Dict {
		d := starlark.NewDict(len(of))
		for key, value := range of {
			if err := d.SetKey(starlark.String(key), starlark.String(value)); err != nil {
				b.Fatal(err)
			}
		}
		return d
	}
	config := dict(map[string]string{"host": "localhost"})
	if err := config.SetKey(starlark.String("port"), starlark.MakeInt(9090)); err != nil {
		b.Fatal(err)
	}
	endpoints := starlark.NewDict(1 + h.endpoints)
	for i := range 1 + h.endpoints {
		name := "db"
		if i > 0 {
			name = fmt.Sprintf("end-%d", i-1)
		}
		if err := endpoints.SetKey(starlark.String(name), attrs(starlark.StringDict{"relation_changed": starlark.None})); err != nil {
			b.Fatal(err)
		}
	}
	databags := starlark.NewDict(1)
	if err := databags.SetKey(starlark.String("remote/0"), dict(remoteData)); err != nil {
		b.Fatal(err)
	}
	event := attrs(starlark.StringDict{
		"unit":     starlark.String("remote/0"),
		"relation": attrs(starlark.StringDict{"data": databags}),
	})
	var handler starlark.Value
	predeclared := starlark.StringDict{
		"framework": attrs(starlark.StringDict{
			"on": &sources{attrs(starlark.StringDict{"config_changed": starlark.None}), endpoints},
			"observe": starlark.NewBuiltin("observe", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
				handler = args[1]
				return starlark.None, nil
			}),
		}),
		"model": attrs(starlark.StringDict{
			"config": config,
			"unit":   &settable{},
			"ActiveStatus": starlark.NewBuiltin("ActiveStatus", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
				return args[0], nil
			}),
		}),
	}
	_, program, err := starlark.SourceProgramOptions(&syntax.FileOptions{Recursion: true}, "charm.star", h.script, predeclared.Has)
	if err != nil {
		b.Fatal(err)
	}
	return func() error {
		thread := &starlark.Thread{}
		globals, err := program.Init(thread, predeclared)
		if err != nil {
			return err
		}
		globals.Freeze()
		_, err = starlark.Call(thread, handler, starlark.Tuple{event}, nil)
		return err
	}
}

// sources is framework.on: fields, and endpoints by name.
type sources struct {
	*starlarkstruct.Struct
	endpoints *starlark.Dict
}

func (s *sources) Get(key starlark.Value) (starlark.Value, bool, error) { return s.endpoints.Get(key) }

// settable is model.unit, whose status can be set.
type settable struct{ status starlark.Value }

func (*settable) String() string                              { return "unit" }
func (*settable) Type() string                                { return "unit" }
func (*settable) Freeze()                                     {}
func (*settable) Truth() starlark.Bool                        { return true }
func (*settable) Hash() (uint32, error)                       { return 0, nil }
func (u *settable) Attr(string) (starlark.Value, error)       { return u.status, nil }
func (*settable) AttrNames() []string                         { return []string{"status"} }
func (u *settable) SetField(_ string, v starlark.Value) error { u.status = v; return nil }

// BenchmarkInProcess is one event of a charm that is loaded. "dispatch" is the
// runtime on a simulated Juju, "simulate" what starcharm run does, which also
// copies the world and compares it with what comes out.
func BenchmarkInProcess(b *testing.B) {
	for _, h := range handledEvents {
		b.Run(h.name, func(b *testing.B) {
			charm, err := host.Load(files(h.script, h.endpoints))
			if err != nil {
				b.Fatal(err)
			}
			state := &simulate.State{Juju: *world()}
			compare(b,
				contestant{name: "dispatch", run: h.dispatcher(b)},
				contestant{name: "bare", run: h.bare(b)},
				contestant{name: "simulate", slower: true, run: func() error {
					outcome, err := simulate.Run(context.Background(), charm, state, h.event)
					return errors.Join(err, outcome.Err)
				}},
			)
		})
	}
}

// TestMemoryStaysFlat runs ten thousand dispatches of one charm.
func TestMemoryStaysFlat(t *testing.T) {
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC() // what finalizers kept
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	for _, h := range handledEvents {
		t.Run(h.name, func(t *testing.T) {
			run := h.dispatcher(t)
			times := func(n int) {
				for range n {
					if err := run(); err != nil {
						t.Fatal(err)
					}
				}
			}
			times(100)
			before := inUse()
			times(10_000)
			if after := inUse(); after > before+1<<20 {
				t.Errorf("10,000 dispatches keep %d KiB, want less than 1 MiB", (after-before)>>10)
			}
		})
	}
}
