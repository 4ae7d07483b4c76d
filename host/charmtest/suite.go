package charmtest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
)

// Options say which tests are run and how.
type Options struct {
	// Run selects tests by their full name, "tests/a_test.star:test_b/case"; nil:
	// all.
	Run *regexp.Regexp
	// Seed is what t.seed comes from, and the order of shuffled tests.
	Seed    uint64
	Shuffle bool
	// FailFast starts no more tests after one that failed.
	FailFast bool
	// Jobs is how many tests run at the same time.
	Jobs int
	// MaxSteps is how many steps of the interpreter a test may take, and each
	// run of the charm in it; Timeout how long a test may take.
	MaxSteps uint64
	Timeout  time.Duration
	// Explore, unless 0, is how many orders of events are tried of each test
	// that simulates a model.
	Explore int
	// Cover counts what of the charm runs.
	Cover bool
	// Pebble, unless "", is the path of the pebble program: each container that
	// can be reached has a genuine Pebble.
	Pebble string
	// DebugAt is what JUJU_DEBUG_AT names, and Debugger, unless nil, holds the
	// charm there.
	DebugAt  []string
	Debugger *host.Debugger
	// Update writes snapshots anew instead of comparing them.
	Update bool
}

// A Suite is a charm and its tests, compiled. It does not change but for the
// other charms that tests ask for.
type Suite struct {
	dir     string
	options Options
	charm   *host.Charm
	tally   *tally // nil: nothing is counted
	// context is the hook that the files of tests are in while no event is run.
	context *model.Context
	files   []*testFile
	tests   []*test

	// snapshotFiles are those of all tests, of the selected ones or not.
	snapshotFiles map[string]bool

	// keys are the RSA keys of all tests.
	keys machinetest.Keys

	mu     sync.Mutex
	charms map[string]*host.Charm
	// taken are the snapshots of tests that passed, by their file.
	taken map[string][]string
}

// A testFile is a compiled file with tests.
type testFile struct {
	name   string
	script *host.Script
}

// A test is one test function, or one case of it.
type test struct {
	file *testFile
	// function is the name of the global, name the test's, "test_port/ssh".
	function, caseName, name string
	line                     int
}

func (t *test) fullName() string { return t.file.name + ":" + t.name }

// A LoadError is about a charm or a test that cannot be loaded.
type LoadError struct{ Diagnostics []host.Diagnostic }

func (e *LoadError) Error() string {
	if len(e.Diagnostics) == 0 {
		return "cannot load the charm"
	}
	return e.Diagnostics[0].Message
}

// Load reads and compiles the charm in dir and its tests: the functions
// test_… of tests/**/*_test.star and src/**/*_test.star.
func Load(ctx context.Context, dir string, o Options) (*Suite, error) {
	s := &Suite{dir: dir, options: o, charms: map[string]*host.Charm{}, snapshotFiles: map[string]bool{}, taken: map[string][]string{}}
	if o.Cover {
		s.tally = newTally()
	}
	files, err := host.DirFS(dir)
	if err != nil {
		return nil, &LoadError{host.Diagnose(err, host.SourceIn(dir))}
	}
	charm, err := s.loadCharm(files)
	if err != nil {
		return nil, &LoadError{host.Diagnose(err, host.SourceIn(dir))}
	}
	s.charm = charm
	juju, err := modeltest.New(charm.Metadata, &modeltest.State{})
	if err != nil {
		return nil, err
	}
	env, err := juju.Env(modeltest.Event{Name: "update-status"})
	if err != nil {
		return nil, err
	}
	if s.context, err = model.ParseContext(env); err != nil {
		return nil, err
	}
	names, err := testFiles(charm.Files())
	if err != nil {
		return nil, err
	}
	var wrong []host.Diagnostic
	for _, name := range names {
		script, err := charm.LoadScript(name, []string{"expect", "testing"}, isTestCode)
		if err != nil {
			wrong = append(wrong, host.Diagnose(err, host.SourceIn(dir))...)
			continue
		}
		file := &testFile{name, script}
		s.files = append(s.files, file)
		tests, err := s.list(ctx, file)
		if err != nil {
			wrong = append(wrong, host.Diagnose(err, script.Source)...)
			continue
		}
		s.tests = append(s.tests, tests...)
	}
	if len(wrong) > 0 {
		return nil, &LoadError{wrong}
	}
	if s.tally != nil {
		s.tally.statements.Unloaded(charm)
	}
	for _, t := range s.tests {
		s.snapshotFiles[snapshotFile(t)] = true
	}
	if o.Run != nil {
		s.tests = slices.DeleteFunc(s.tests, func(t *test) bool { return !o.Run.MatchString(t.fullName()) })
	}
	return s, nil
}

// loadCharm loads the charm, with this metadata or other.
func (s *Suite) loadCharm(files fs.FS) (*host.Charm, error) {
	if s.tally == nil {
		return s.options.Debugger.Load(files)
	}
	return s.tally.statements.Load(files)
}

// isTestCode says which files can use the modules testing and expect.
func isTestCode(file string) bool {
	return strings.HasSuffix(file, "_test.star") || strings.HasPrefix(file, "tests/")
}

// testFiles are the names of the files with tests, sorted.
func testFiles(fsys fs.FS) ([]string, error) {
	var names []string
	for _, root := range []string{"src", "tests"} {
		err := fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist) && name == root:
				return nil
			case err != nil:
				return fmt.Errorf("cannot look for tests: %w", err)
			case d.IsDir() && strings.HasPrefix(path.Base(name), "."):
				return fs.SkipDir
			case !d.IsDir() && strings.HasSuffix(name, "_test.star"):
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// list runs the top level of a file and finds its tests, in their order.
func (s *Suite) list(ctx context.Context, file *testFile) ([]*test, error) {
	session := s.newSession(ctx)
	globals, err := session.load(file)
	if err != nil {
		return nil, err
	}
	var tests []*test
	for name, v := range globals {
		if !strings.HasPrefix(name, "test_") {
			continue
		}
		switch v := v.(type) {
		case *starlark.Function:
			if v.NumParams() != 1 || v.HasKwargs() {
				text, _ := file.script.Source(file.name)
				return nil, &host.SourceError{File: file.name, Source: text, Err: &host.LoadError{
					Pos: v.Position(), Message: fmt.Sprintf("%s takes %d arguments, and a test takes one: def %s(t)", name, v.NumParams(), name),
				}}
			}
			tests = append(tests, &test{file: file, function: name, name: name, line: int(v.Position().Line)})
		case *cases:
			for _, caseName := range v.names {
				tests = append(tests, &test{file: file, function: name, caseName: caseName, name: name + "/" + caseName, line: int(v.at.Line)})
			}
		}
	}
	// The cases of one test are in their order already.
	slices.SortStableFunc(tests, func(a, b *test) int {
		return cmp.Or(a.line-b.line, strings.Compare(a.function, b.function))
	})
	return tests, nil
}

// charmOf is the charm in a directory, relative to the suite's, with other
// metadata. It is compiled once.
func (s *Suite) charmOf(dir string, overrides map[string]*starlark.Dict) (*host.Charm, error) {
	plain := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		dict := overrides[name]
		if dict == nil {
			continue
		}
		if _, twice := plain[name]; twice {
			return nil, fmt.Errorf("testing.Context: %s is given twice: by itself, and in meta", name)
		}
		fields, err := builtins.FromStarlark(name, dict)
		if err != nil {
			return nil, fmt.Errorf("testing.Context: %w", err)
		}
		if name == "" {
			maps.Copy(plain, fields.(map[string]any))
		} else {
			plain[name] = fields
		}
	}
	if dir == "" && len(plain) == 0 {
		return s.charm, nil
	}
	key, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("testing.Context: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := dir + "\x00" + string(key)
	if charm := s.charms[id]; charm != nil {
		return charm, nil
	}
	var charm *host.Charm
	switch {
	case dir == "":
		charm, err = s.loadCharm(overlay{s.charm.Files(), plain})
	case len(plain) == 0:
		charm, err = host.LoadDir(charmPath(s.dir, dir))
	default:
		var files fs.FS
		if files, err = host.DirFS(charmPath(s.dir, dir)); err == nil {
			charm, err = host.Load(overlay{files, plain})
		}
	}
	if _, absent := os.Stat(charmPath(s.dir, dir)); err != nil && dir != "" && errors.Is(absent, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no charm in %q: the directory is looked for from the charm's own, as in testing.charm(\"tests/peer\")", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("testing.Context: %w", err)
	}
	s.charms[id] = charm
	return charm, nil
}

// A session is the world of one test file that is loaded, for one test.
type session struct {
	suite  *Suite
	ctx    context.Context
	thread *starlark.Thread
	hook   *builtins.Hook
	values starlark.StringDict
	output strings.Builder
	notes  []string // what is odd about its runs

	// How many of each were made without an id; of relations the highest id yet.
	relations, secrets, notices int
	// simulations are the simulated models, and variation says how they differ
	// from what the test says.
	simulations []*simulation
	variation   variation
	// last is the run that came last.
	last *simulate.Outcome
	// test is the test that it is for, nil while tests are looked for; running
	// is that one or the innermost one in it; snapshots are those of the test.
	test      *test
	running   *running
	snapshots *snapshots
}

// next counts up, from 1.
func (s *session) next(counter *int) int {
	*counter++
	return *counter
}

// newSession makes the world in which a test file is loaded: the modules of a
// charm's files are there, but no unit that they could work on.
func (s *Suite) newSession(ctx context.Context) *session {
	session := &session{suite: s, ctx: ctx}
	session.thread = &starlark.Thread{
		Name: "test",
		Print: func(_ *starlark.Thread, msg string) {
			left := maxOutput - session.output.Len()
			if left > 0 && len(msg) >= left {
				session.output.WriteString(strings.ToValidUTF8(msg[:left], "") + "…\n(the test printed more, which is left out)\n")
			} else if left > 0 {
				session.output.WriteString(msg + "\n")
			}
		},
	}
	if s.options.MaxSteps > 0 {
		session.thread.SetMaxExecutionSteps(s.options.MaxSteps)
		session.thread.OnMaxSteps = func(thread *starlark.Thread) {
			thread.Cancel(fmt.Sprintf("the test took more than %d steps; is there a loop that does not end?", s.options.MaxSteps))
		}
	}
	nowhere, err := machinetest.New(machinetest.State{})
	if err != nil {
		panic(err) // an empty state has nothing wrong in it
	}
	session.hook = builtins.NewHook(&builtins.Hook{
		Context:  ctx,
		Model:    model.New(ctx, model.Config{Context: s.context, Metadata: s.charm.Metadata, Tools: noUnit{}, Now: nowhere.Now}),
		Metadata: s.charm.Metadata,
		Pebble: func(path string) *pebble.Client {
			return pebble.New(pebble.Config{SocketPath: path, Transport: noUnit{}})
		},
		Machine:  nowhere,
		Files:    s.charm.Files(),
		CharmDir: s.context.CharmDir,
		Store:    noUnit{},
		Log:      func(level, message string) { session.thread.Print(session.thread, level+" "+message) },
		Emit: func(_ *starlark.Thread, e *builtins.Event) error {
			return errNoUnit("emit " + e.Source.QualifiedName())
		},
	})
	session.values = starlark.StringDict{
		"testing": builtins.NewModule(testingTable, session),
		"expect":  builtins.NewModule(expectTable, session),
	}
	return session
}

// maxOutput is how much of what a test prints is kept, in bytes.
const maxOutput = 1 << 20

// load runs the top level of a test file.
func (s *session) load(file *testFile) (starlark.StringDict, error) {
	stop := context.AfterFunc(s.ctx, func() { s.thread.Cancel(context.Cause(s.ctx).Error()) })
	defer stop()
	return file.script.Run(s.thread, s.hook, s.values)
}

// noUnit stands where a test's own code has no unit to work on.
type noUnit struct{}

var errOfNoUnit = errors.New("a test has no unit of its own; ctx.run runs an event on one, and ctx.call a function")

func errNoUnit(what string) error { return fmt.Errorf("cannot %s: %w", what, errOfNoUnit) }

func (noUnit) Run(context.Context, hooktool.Call) (hooktool.Result, error) {
	return hooktool.Result{}, errOfNoUnit
}

func (noUnit) RoundTrip(*http.Request) (*http.Response, error) { return nil, errNoUnit("reach Pebble") }

func (noUnit) Value(object, name string) (json.RawMessage, error) {
	return nil, errNoUnit("read the stored " + object + "." + name)
}

func (noUnit) SetValue(object, name string, _ json.RawMessage) error {
	return errNoUnit("store " + object + "." + name)
}
