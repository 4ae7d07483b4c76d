package builtins

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarktest"
	"go.starlark.net/syntax"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// A world is one hook of the charm in testdata/charm, without the host's order
// of things: what a test calls, and nothing else, happens.
type world struct {
	hook   *Hook
	event  *Event
	juju   *modeltest.Hook
	pebble map[string]*pebbletest.Server
	thread *starlark.Thread
	logs   []string
	store  memory
}

// cat is a command that says what it hears, as it comes.
func cat(_ context.Context, c *pebbletest.Command) int {
	if _, err := io.Copy(c.Stdout, c.Stdin); err != nil {
		return 1
	}
	return 0
}

// show is a command that says how it was started.
func show(_ context.Context, c *pebbletest.Command) int {
	fmt.Fprintf(c.Stdout, "%s in %s as %d:%d A=%s B=%s", strings.Join(c.Args, " "), c.WorkingDir, c.UserID, c.GroupID, c.Environment["A"], c.Environment["B"])
	fmt.Fprint(c.Stderr, "; shown")
	return 0
}

// memory is a Store.
type memory map[string]json.RawMessage

func (m memory) Value(object, name string) (json.RawMessage, error) {
	return m[object+"."+name], nil
}

func (m memory) SetValue(object, name string, value json.RawMessage) error {
	m[object+"."+name] = value
	return nil
}

// newWorld begins the hook or action whose event is of that name. words say
// what is not as usual: "follower", "app" for a change by the application, "departing"
// when this unit leaves, "old" for Juju 3.5, "release" before the three
// numbers of another Juju, "secretless", "untrusted", "machine" for a model that
// is not on Kubernetes.
func newWorld(t testing.TB, name string, words ...string) *world {
	t.Helper()
	has := func(word string) bool { return slices.Contains(words, word) }
	dir := "testdata/charm"
	metadata, err := model.LoadMetadata(os.DirFS(dir))
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "state.yaml"))
	require.NoError(t, err)
	var state struct {
		modeltest.State `yaml:",inline"`
		Containers      []*pebbletest.State
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&state))
	state.Leader = !has("follower")
	if has("old") {
		state.JujuVersion = "3.5.7"
	}
	if at := slices.Index(words, "release"); at >= 0 {
		state.JujuVersion = strings.Join(words[at+1:at+4], ".")
	}
	if has("machine") {
		state.Model.Type = "lxd"
	}
	if has("untrusted") || has("old") || has("release") {
		state.Model.CloudSpec = nil // older versions do not tell it to a pod
	}
	if has("secretless") {
		state.Secrets = nil
		delete(state.Config, "token")
	}
	juju, err := modeltest.New(metadata, &state.State)
	require.NoError(t, err)
	juju.CharmDir = "/charm"

	def, ok := metadata.Event(name)
	require.True(t, ok, "the charm has no event %s", name)
	e := modeltest.Event{Name: strings.TrimSuffix(name, "_action"), Action: def.Kind == model.Action, Params: map[string]any{}}
	zero, one, two := 0, 1, 2
	switch {
	case def.Kind.Lifecycle():
		e.Name = "update-status"
	case def.Kind == model.RelationJoined, def.Kind == model.RelationDeparted, def.Kind == model.RelationChanged && !has("app"):
		e.RemoteUnit = &zero
		if def.Subject == "cluster" {
			e.RemoteUnit = &one
		}
		e.Departing = has("departing")
	case def.Subject == "data":
		e.StorageIndex = &two
	case def.Kind == model.SecretRemove, def.Kind == model.SecretExpired:
		e.SecretRevision = 1
	}
	if def.Subject == "http" {
		e.RelationID = new(int)
		*e.RelationID = 4
	}
	e.NoticeID, e.NoticeKey, e.CheckName = "1", "example.com/a", "down"

	env, err := juju.Env(e)
	require.NoError(t, err)
	hookContext, err := model.ParseContext(env)
	require.NoError(t, err)
	w := &world{store: memory{}, pebble: map[string]*pebbletest.Server{}}
	w.juju, err = juju.Begin(e)
	require.NoError(t, err)
	m, err := machinetest.New(machinetest.State{
		HTTP:      []machinetest.Route{{URL: "http://app/", Headers: map[string]string{"A": "b"}}},
		Processes: []*machinetest.Process{{CommandPrefix: []string{"greet"}, Stdout: "hello\n"}},
		HostFiles: map[string]*machinetest.File{
			"/srv/site/index.html": {Content: "hello"}, "/srv/site/css/a.css": {Content: "a"}, "/srv/site/empty": {Dir: true},
		},
	})
	require.NoError(t, err)
	for _, c := range state.Containers {
		require.NoError(t, c.Validate())
		if c.Name == "web" {
			c.Execs = append(c.Execs, &pebbletest.Exec{CommandPrefix: []string{"cat"}, Handler: pebbletest.HandlerFunc(cat)}, &pebbletest.Exec{CommandPrefix: []string{"show"}, Handler: pebbletest.HandlerFunc(show)})
		}
		w.pebble[c.Name] = pebbletest.New(pebbletest.Config{State: c, Now: m.Now})
	}
	w.hook = NewHook(&Hook{
		Context:  t.Context(),
		Model:    model.New(t.Context(), model.Config{Context: hookContext, Metadata: metadata, Tools: w.juju, Now: m.Now}),
		Metadata: metadata,
		Pebble: func(path string) *pebble.Client {
			name := filepath.Base(filepath.Dir(path))
			if !strings.HasPrefix(path, "/charm/") {
				name = "web" // its own socket in the container, say
			}
			return pebble.New(pebble.Config{SocketPath: path, Transport: w.pebble[name].Transport()})
		},
		Machine:  m,
		Files:    os.DirFS(dir),
		CharmDir: "/charm",
		Store:    w.store,
		Log:      func(level, message string) { w.logs = append(w.logs, level+" "+message) },
		Emit:     w.emit,
	})
	happened, known, err := hookContext.Event(metadata)
	require.NoError(t, err)
	require.True(t, known)
	if def.Kind.Lifecycle() {
		happened = model.Event{EventDef: def}
	}
	w.event = w.newEvent(w.hook.Framework.Source(happened.EventDef), happened.Data)
	w.thread = &starlark.Thread{Name: name, Load: func(*starlark.Thread, string) (starlark.StringDict, error) {
		return starlarktest.LoadAssertModule()
	}}
	starlarktest.SetReporter(w.thread, t)
	t.Cleanup(w.hook.End)
	return w
}

func (w *world) newEvent(source *EventSource, data map[string]any) *Event {
	e := NewEvent(w.hook, source, data)
	e.ChangedOptions = func() ([]string, error) { return []string{"ratio", "port"}, nil }
	return e
}

// emit calls the observers of a library's event.
func (w *world) emit(thread *starlark.Thread, e *Event) error {
	for _, o := range w.hook.Framework.Observers {
		if o.Observes(e.Source) {
			if err := w.handle(thread, o, w.newEvent(e.Source, e.Data)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) handle(thread *starlark.Thread, o *Observer, e *Event) error {
	f := w.hook.Framework
	outer := f.Running
	f.Running = o
	defer func() { f.Running = outer }()
	_, err := starlark.Call(thread, o.Handler, starlark.Tuple{e}, nil)
	return err
}

// predeclared are the names that the scripts see: those of a charm, and
//
//	calls()       the hook tools that were run since it was last asked, as command lines
//	flush()       ends the hook's work: what was written to databags is sent
//	logs()        the lines that were logged since then, after their level
//	observers()   what was registered: (event, scope, handler)
//	handle(event) calls the handlers of an event of framework.on
//	restored(e)   e as it is when it was deferred and comes back
//	end()         ends the hook, for what it leaves behind
//	gone(e)       what e is about that is not there any more, or ""
//	removals()    sends the removals of secrets, as the host does at the end of a hook; those that have to wait
func (w *world) predeclared() starlark.StringDict {
	names := w.hook.Predeclared()
	asked := 0
	add := func(name string, f func(args starlark.Tuple) (starlark.Value, error)) {
		names[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return f(args)
		})
	}
	add("calls", func(starlark.Tuple) (starlark.Value, error) {
		var lines []string
		all := w.juju.Calls()
		for _, c := range all[asked:] {
			lines = append(lines, strings.TrimSpace(strings.Join(append([]string{c.Name}, c.Args...), " ")+" "+strings.TrimSpace(string(c.Stdin))))
		}
		asked = len(all)
		return stringList(lines), nil
	})
	add("flush", func(starlark.Tuple) (starlark.Value, error) { return starlark.None, w.hook.Model.Flush() })
	add("logs", func(starlark.Tuple) (starlark.Value, error) {
		lines := w.logs
		w.logs = nil
		return stringList(lines), nil
	})
	add("observers", func(starlark.Tuple) (starlark.Value, error) {
		var all []string
		for _, o := range w.hook.Framework.Observers {
			all = append(all, o.Source.QualifiedName()+" "+o.Scope+" "+o.ID[strings.LastIndexByte(o.ID, ':')+1:])
		}
		return stringList(all), nil
	})
	add("handle", func(args starlark.Tuple) (starlark.Value, error) {
		source := args[0].(*EventSource)
		return starlark.None, w.emit(w.thread, w.newEvent(source, nil))
	})
	add("restored", func(args starlark.Tuple) (starlark.Value, error) {
		e := args[0].(*Event)
		snapshot, err := e.Snapshot()
		if err != nil {
			return nil, err
		}
		back := w.newEvent(e.Source, nil)
		return back, back.Restore(snapshot)
	})
	add("end", func(starlark.Tuple) (starlark.Value, error) {
		w.hook.End()
		return starlark.None, nil
	})
	add("gone", func(args starlark.Tuple) (starlark.Value, error) {
		what, err := args[0].(*Event).Gone()
		return starlark.String(what), err
	})
	add("removals", func(starlark.Tuple) (starlark.Value, error) {
		var waiting []string
		left, err := w.hook.Model.RemoveSecrets(nil)
		for _, id := range sortedNames(left) {
			waiting = append(waiting, fmt.Sprint(id, " ", left[id]))
		}
		return stringList(waiting), failure(err)
	})
	return names
}

// load runs a script's top level as a charm's.
func (w *world) load(name string, source any) (starlark.StringDict, error) {
	w.hook.Framework.Loading = true
	defer func() { w.hook.Framework.Loading = false }()
	globals, err := starlark.ExecFileOptions(&syntax.FileOptions{Set: true, Recursion: true}, w.thread, name, source, w.predeclared())
	globals.Freeze()
	return globals, err
}

// TestCharms runs the scripts of testdata as charms. Each function in them that is
// called test_EVENT, or test_EVENT__words, is one hook or action of its own, in
// the world of testdata/charm/state.yaml; it gets the event. See newWorld for
// the words; others only tell tests of one event apart. A function whose words
// start with "load" runs while the charm loads.
func TestCharms(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.star")
	require.NoError(t, err)
	ran := 0
	for _, script := range scripts {
		if strings.HasPrefix(filepath.Base(script), "module_") {
			continue // see TestModules
		}
		source, err := os.ReadFile(script)
		require.NoError(t, err)
		options := &syntax.FileOptions{Set: true, Recursion: true}
		file, err := options.Parse(script, source, 0)
		require.NoError(t, err)
		for _, stmt := range file.Stmts {
			def, ok := stmt.(*syntax.DefStmt)
			if !ok {
				continue
			}
			event, words, _ := strings.Cut(strings.TrimPrefix(def.Name.Name, "test_"), "__")
			if !strings.HasPrefix(def.Name.Name, "test_") {
				continue
			}
			ran++
			t.Run(filepath.Base(script)+"/"+def.Name.Name, func(t *testing.T) {
				w := newWorld(t, event, strings.Split(words, "_")...)
				globals, err := w.load(script, source)
				requireNoEvalError(t, err)
				w.hook.Framework.Loading = strings.HasPrefix(words, "load")
				fn := globals[def.Name.Name].(*starlark.Function)
				w.hook.Framework.Running = &Observer{Source: w.event.Source, Handler: fn}
				_, err = starlark.Call(w.thread, fn, starlark.Tuple{w.event}, nil)
				requireNoEvalError(t, err)
			})
		}
	}
	require.NotZero(t, ran)
}

func requireNoEvalError(t testing.TB, err error) {
	t.Helper()
	if eval, ok := err.(*starlark.EvalError); ok {
		t.Fatal(eval.Backtrace())
	}
	require.NoError(t, err)
}
