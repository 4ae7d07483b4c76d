package check

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
)

// A file is one of the charm's scripts, or one of the standard library.
type file struct {
	name   string
	std    bool
	source []byte
	lines  []string
	tree   *syntax.File
	// loads are the modules behind the labels of its load statements.
	loads map[string]*file
	// maybe are names that broken statements seem to define.
	maybe []string
	// broken are the words in them.
	broken map[string]bool
	// library: the file makes a framework.scope, and is not the entry script.
	library bool
	// ignores are the comments that silence findings, by line.
	ignores []*ignore
	// guarded are the names whose presence in the metadata the file asks about.
	guarded map[string]bool
}

// line is the text of a line, which counts from 1.
func (f *file) line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	return f.lines[n-1]
}

// read reads a module and all that it loads; nil if it cannot be read, of which
// whoever loads it tells.
func (c *checker) read(name string) *file {
	if f, ok := c.modules[name]; ok {
		return f
	}
	c.modules[name] = nil
	source, err := host.ReadModule(c.fsys, name)
	if err != nil {
		return nil
	}
	f := &file{name: name, std: host.InStd(name), source: source, lines: strings.Split(string(source), "\n"), loads: map[string]*file{}}
	c.modules[name] = f
	if !f.std {
		c.order = append(c.order, f)
	}
	c.parse(f)
	f.ignores = ignoresIn(f.lines)
	for _, stmt := range f.tree.Stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok {
			if target, err := host.ResolveLabel(name, load.ModuleName()); err == nil {
				f.loads[load.ModuleName()] = c.read(target)
			}
		}
	}
	c.resolve(f)
	c.index(f)
	f.guarded = c.guards(f)
	return f
}

// parse makes the tree of a file; of a broken one, of the statements that can
// be read.
func (c *checker) parse(f *file) {
	options := host.Dialect()
	tree, err := options.Parse(f.name, f.source, 0)
	if err == nil {
		f.tree = tree
		return
	}
	wrong := []error{err}
	f.tree, f.broken = &syntax.File{Path: f.name, Options: &options}, map[string]bool{}
	at := errorLine(err)
	for _, chunk := range chunks(f.lines) {
		tree, err := options.Parse(f.name, syntax.FilePortion{Content: []byte(chunk.text), FirstLine: int32(chunk.line), FirstCol: 1}, 0)
		if err == nil {
			f.tree.Stmts = append(f.tree.Stmts, tree.Stmts...)
			continue
		}
		f.maybe = append(f.maybe, chunk.defines()...)
		for _, name := range words.FindAllString(chunk.text, -1) {
			f.broken[name] = true
		}
		if errorLine(err) != at {
			wrong = append(wrong, err)
		}
	}
	c.diagnosed(f, "syntax", wrong)
}

// maxBroken is how many broken statements, and how many names that are unknown,
// of a file are told of.
const maxBroken = 100

// errorLine is where the parser stopped.
func errorLine(err error) int {
	var wrong syntax.Error
	if errors.As(err, &wrong) {
		return int(wrong.Pos.Line)
	}
	return 0
}

// resolve binds the names of a file.
func (c *checker) resolve(f *file) {
	known := map[string]bool{builtins.Native: f.std}
	for _, name := range append(builtins.Names(), f.maybe...) {
		known[name] = true
	}
	strange := 0
	err := resolve.File(f.tree, func(name string) bool {
		if known[name] || starlark.Universe.Has(name) {
			return known[name]
		}
		strange++
		return strange > maxBroken+1 // of each that it tells of, the resolver goes through all names
	}, starlark.Universe.Has)
	var all resolve.ErrorList
	errors.As(err, &all)
	var wrong, unknown []error
	for _, one := range all {
		if strings.HasPrefix(one.Msg, "undefined: ") {
			unknown = append(unknown, resolve.ErrorList{one})
		} else {
			wrong = append(wrong, resolve.ErrorList{one})
		}
	}
	c.diagnosed(f, "syntax", wrong)
	c.diagnosed(f, "unknown-name", unknown)
}

// diagnosed adds what the host says of errors in a file's text.
func (c *checker) diagnosed(f *file, rule string, errs []error) {
	if f.std {
		return
	}
	if len(errs) > maxBroken {
		c.cut, errs = true, errs[:maxBroken]
	}
	var placed []error
	for _, err := range errs {
		placed = append(placed, &host.SourceError{File: f.name, Source: f.source, Err: err})
	}
	for _, d := range host.Diagnose(errors.Join(placed...), nil) {
		c.add(Finding{rule, d})
	}
}

// checkLoads says what is wrong with a file's load statements.
func (c *checker) checkLoads(f *file) {
	for _, stmt := range f.tree.Stmts {
		load, ok := stmt.(*syntax.LoadStmt)
		if !ok {
			continue
		}
		label := load.ModuleName()
		target, err := host.ResolveLabel(f.name, label)
		if err == nil {
			_, err = host.ReadModule(c.fsys, target)
		}
		if err == nil {
			err = c.circle(f, target)
		}
		if err != nil {
			c.at(f, load.Module.TokenPos, "unknown-load", "", "cannot load %q: %v", label, err)
			continue
		}
		to := f.loads[label]
		if to == nil {
			continue
		}
		names := to.globals()
		for _, from := range load.From {
			if !slices.Contains(names, from.Name) {
				c.at(f, from.NamePos, "unknown-load", nearest(from.Name, exported(names)), "%s has no global %q", to.name, from.Name)
			}
		}
	}
}

// circle says that a file that f loads leads back to f.
func (c *checker) circle(f *file, target string) error {
	seen := map[*file]bool{}
	var back func(g *file) []string // from f to g, the last one first
	back = func(g *file) []string {
		if g == nil || seen[g] {
			return nil
		}
		seen[g] = true
		if g == f {
			return []string{g.name}
		}
		for _, label := range slices.Sorted(maps.Keys(g.loads)) {
			if found := back(g.loads[label]); found != nil {
				return append(found, g.name)
			}
		}
		return nil
	}
	if chain := back(c.modules[target]); chain != nil {
		chain = append(chain, f.name)
		slices.Reverse(chain)
		return fmt.Errorf("the files load each other in a circle: %s", strings.Join(chain, " → "))
	}
	return nil
}

// globals are the names that other files can load.
func (f *file) globals() []string {
	names := slices.Clone(f.maybe)
	if m, ok := f.tree.Module.(*resolve.Module); ok {
		for _, g := range m.Globals {
			names = append(names, g.First.Name)
		}
	}
	return names
}

func exported(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasPrefix(name, "_") })
}
