// Package host runs charms: it loads a charm's .star files once, and
// dispatches hooks and actions to the handlers that they register.
//
// [Load] compiles a charm into an immutable [Charm], which any number of
// goroutines may dispatch at the same time. [Charm.Dispatch] is one hook, from
// environment to exit code:
//
//	environment → load the entry script, which registers its observers →
//	re-emit deferred events → emit the event → reconcile → collect statuses →
//	commit
//
// Reading the source: charm.go compiles, module.go runs the compiled files,
// dispatch.go is the order of a hook, queue.go delivers events and keeps the
// deferred ones, state.go is what lives on and statefile.go where, report.go
// is what people see when it goes wrong, diagnostic.go how that is written.
package host

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/stdlib"
)

// Entries are the files that a charm may start with, the first one that exists.
var entries = [...]string{"src/charm.star", "charm.star"}

// std is the prefix of the standard library's labels and module names.
const std = "@std//"

// maxScript is how large a .star file may be.
const maxScript = 1 << 20

// dialect is the Starlark of charms: the standard one with sets, and with
// recursion, because an emitted event may lead back to the function that
// emitted it.
var dialect = syntax.FileOptions{Set: true, Recursion: true}

// A Charm is a charm whose files are read and compiled. It does not change.
type Charm struct {
	Metadata *model.Metadata

	files   fs.FS
	entry   string
	modules map[string]*module // by name: "src/charm.star", "@std//http.star"
	// also are names that some files can use besides what all can.
	also alsoUsable
	// tracksConfig says that a script asks for event.changed_config.
	tracksConfig bool
	// coverage counts what runs; nil: nobody wants to know.
	coverage *Coverage
	// steps says that it can be stepped through.
	steps bool
}

// A module is one compiled file.
type module struct {
	name    string
	source  []byte
	program *starlark.Program
	counts  counts // nil: it is not counted
	steps   bool   // it can be stepped through
	// loads are the names of the modules behind its load labels.
	loads map[string]string
	// configLoads are its calls of model.load_config.
	configLoads []configLoad
}

// Load reads and compiles the charm in fsys: its metadata, its entry script
// (src/charm.star, else charm.star) and all that it loads. Nothing runs.
//
// The error holds every mistake that was found; [Diagnose] takes it apart.
func Load(fsys fs.FS) (*Charm, error) { return load(fsys, nil, false) }

func load(fsys fs.FS, coverage *Coverage, steps bool) (*Charm, error) {
	metadata, err := model.LoadMetadata(fsys)
	if err != nil {
		return nil, err
	}
	entry, err := EntryIn(fsys)
	if err != nil {
		return nil, err
	}
	c := &Charm{Metadata: metadata, files: fsys, entry: entry, modules: map[string]*module{}, coverage: coverage, steps: steps}
	l := loader{charm: c}
	if err := l.load(c.entry, nil); err != nil {
		return nil, fmt.Errorf("cannot load the charm: %w", err)
	}
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return c, nil
}

// LoadDir is [Load] for a directory of this machine. Links in it that lead out
// of it are not followed.
func LoadDir(dir string) (*Charm, error) {
	files, err := DirFS(dir)
	if err != nil {
		return nil, err
	}
	return Load(files)
}

// DirFS is a directory of this machine as a charm's: links that lead out of it
// are not followed.
func DirFS(dir string) (fs.FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the charm: %w", err)
	}
	return charmFS{root.FS()}, nil
}

// A charmFS is a charm's directory. It opens regular files and directories, and
// nothing that would wait for somebody to write to it.
type charmFS struct{ fs.FS }

func (f charmFS) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(f.FS, name) }
func (f charmFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.FS, name) }

func (f charmFS) Open(name string) (fs.File, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNoFile}
	}
	return f.FS.Open(name)
}

var errNoFile = errors.New("it is not a regular file")

// SourceIn gives the text of the files in a charm's directory, for messages
// about a charm that could not be loaded.
func SourceIn(dir string) func(name string) ([]byte, bool) {
	return func(name string) ([]byte, bool) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, false
		}
		defer root.Close()
		f, err := charmFS{root.FS()}.Open(name)
		if err != nil {
			return nil, false
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxScript))
		return text, err == nil
	}
}

// Source returns the text of a compiled file, for messages.
func (c *Charm) Source(name string) ([]byte, bool) {
	m, ok := c.modules[name]
	if !ok {
		return nil, false
	}
	return m.source, true
}

// A LoadError is what is wrong at a place in a file: a load statement that
// cannot be followed, a schema that does not fit the metadata.
type LoadError struct {
	Pos     syntax.Position
	Message string
}

func (e *LoadError) Error() string { return fmt.Sprintf("%s: %s", e.Pos, e.Message) }

// A SourceError is a mistake in a file's text; it carries the text, because
// the charm that would is not there.
type SourceError struct {
	File   string
	Source []byte
	Err    error
}

func (e *SourceError) Error() string { return e.Err.Error() }
func (e *SourceError) Unwrap() error { return e.Err }

// A loader compiles a file and all that it loads.
type loader struct {
	charm *Charm
	errs  []error
}

// load compiles the module of that name, which chain led to. Its error says
// that the file cannot be read; mistakes in the text are added to errs.
func (l *loader) load(name string, chain []string) error {
	if _, ok := l.charm.modules[name]; ok {
		return nil
	}
	source, err := ReadModule(l.charm.files, name)
	if err != nil {
		return err
	}
	m := &module{name: name, source: source, loads: map[string]string{}}
	l.charm.modules[name] = m

	options := dialect
	file, err := options.Parse(name, source, 0)
	if err != nil {
		l.errs = append(l.errs, &SourceError{File: name, Source: source, Err: err})
		return nil
	}
	l.charm.tracksConfig = l.charm.tracksConfig || mentions(file, "changed_config")
	// The files that it loads are compiled even if it is wrong itself: all
	// mistakes are to be told at once.
	chain = append(chain, name)
	for _, stmt := range file.Stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok {
			l.follow(m, load, chain)
		}
	}
	m.counts = l.charm.coverage.count(name, source, file)
	if m.steps = l.charm.steps && !strings.HasPrefix(name, std); m.steps {
		steppable(file)
	}
	if m.program, err = starlark.FileProgram(file, l.charm.isPredeclared(m)); err != nil {
		l.errs = append(l.errs, &SourceError{File: name, Source: source, Err: err})
		return nil
	}
	m.configLoads = configLoads(name, file, m.loads)
	return nil
}

// follow compiles what a load statement of m names.
func (l *loader) follow(m *module, load *syntax.LoadStmt, chain []string) {
	label := load.ModuleName()
	target, err := ResolveLabel(m.name, label)
	if err == nil && slices.Contains(chain, target) {
		cycle := append(slices.Clone(chain[slices.Index(chain, target):]), target)
		err = fmt.Errorf("the files load each other in a circle: %s", strings.Join(cycle, " → "))
	}
	if err == nil {
		m.loads[label] = target
		err = l.load(target, chain)
	}
	if err != nil {
		l.errs = append(l.errs, &SourceError{File: m.name, Source: m.source, Err: &LoadError{
			Pos: load.Module.TokenPos, Message: fmt.Sprintf("cannot load %q: %v", label, err),
		}})
	}
}

// isPredeclared says which names a module can use.
func (c *Charm) isPredeclared(m *module) func(string) bool {
	names := builtins.Names()
	if c.also.in != nil && c.also.in(m.name) {
		names = append(names, c.also.names...)
	}
	if strings.HasPrefix(m.name, std) {
		names = append(names, builtins.Native)
	}
	if m.counts != nil {
		names = append(names, countsName)
	}
	if m.steps {
		names = append(names, stepName)
	}
	return func(s string) bool { return slices.Contains(names, s) }
}

// EntryIn is the name of the script that the charm in fsys starts with.
func EntryIn(fsys fs.FS) (string, error) {
	for _, name := range entries {
		if _, err := fs.Stat(fsys, name); err == nil {
			return name, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("cannot load the charm: %w", unreadable(name, err))
		}
	}
	return "", fmt.Errorf("the charm has no script: there is neither %s", strings.Join(entries[:], " nor "))
}

// Dialect is the Starlark of charms.
func Dialect() syntax.FileOptions { return dialect }

// InStd says whether a module is one of the standard library.
func InStd(module string) bool { return strings.HasPrefix(module, std) }

// ResolveLabel turns the label of a load statement in the file from into the name
// of a module: relative to the file, //… relative to the charm's root, @std//…
// in the standard library.
func ResolveLabel(from, label string) (string, error) {
	prefix, dir := "", path.Dir(from)
	if strings.HasPrefix(from, std) {
		prefix, dir = std, path.Dir(strings.TrimPrefix(from, std))
	}
	target := ""
	switch {
	case strings.HasPrefix(label, std):
		prefix, target = std, strings.TrimPrefix(label, std)
	case strings.HasPrefix(label, "@"):
		return "", fmt.Errorf("there is no such library; the standard library's files are %s…", std)
	case strings.HasPrefix(label, "//"):
		target = strings.TrimPrefix(label, "//")
	case strings.HasPrefix(label, "/"):
		return "", errors.New("an absolute path leads out of the charm; a path from the charm's root starts with //")
	default:
		target = path.Join(dir, label)
	}
	switch {
	case !fs.ValidPath(target) || target == ".":
		return "", errors.New("it leads out of the charm; nothing outside can be loaded")
	case !strings.HasSuffix(target, ".star"):
		return "", errors.New("the name of a file to load ends in .star")
	}
	return prefix + target, nil
}

// ReadModule returns the text of a module of the charm in fsys.
func ReadModule(fsys fs.FS, name string) ([]byte, error) {
	file := name
	if strings.HasPrefix(name, std) {
		fsys, file = stdlib.FS, strings.TrimPrefix(name, std)
	}
	f, err := fsys.Open(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(name, std):
		return nil, fmt.Errorf("the standard library has no %s%s", name, nearestFile(stdlib.FS, file, std))
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the charm has no file %s%s", name, nearestFile(fsys, file, ""))
	case err != nil:
		return nil, unreadable(name, err)
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, maxScript+1))
	switch {
	case err != nil:
		return nil, unreadable(name, err)
	case len(source) > maxScript:
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxScript>>20)
	case bytes.IndexByte(source, 0) >= 0: // where the interpreter would stop to read
		return nil, fmt.Errorf("%s has a byte that is zero in line %d, and is no text", name, 1+bytes.Count(source[:bytes.IndexByte(source, 0)], []byte("\n")))
	}
	return bytes.TrimPrefix(source, []byte("\ufeff")), nil
}

// unreadable says why a file cannot be read, without the path that the system
// has for it.
func unreadable(name string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	text := ""
	if err.Error() == "path escapes from parent" { // what an os.Root says
		text = "; a link that leads out of the charm is not followed"
	}
	return fmt.Errorf("%s cannot be read: %w%s", name, err, text)
}

// nearestFile names the .star file in the same folder that is nearest to file.
func nearestFile(fsys fs.FS, file, prefix string) string {
	siblings, err := fs.Glob(fsys, path.Join(path.Dir(file), "*.star"))
	if err != nil {
		return ""
	}
	if near := model.Nearest(file, siblings); near != "" {
		return "; did you mean " + prefix + near + "?"
	}
	return ""
}

// mentions says whether the file asks for an attribute of that name, or has the
// name as a string, with which getattr does.
func mentions(file *syntax.File, attribute string) bool {
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DotExpr:
			found = found || n.Name.Name == attribute
		case *syntax.Literal:
			found = found || n.Value == attribute
		}
		return !found
	})
	return found
}
