package host

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
)

// This file counts what of a charm runs, by expressions in the syntax tree.

// A Coverage counts how often the statements, the status constructors and the
// handlers of a charm run. One may count for several charms that are loaded
// from the same files, and for any number of dispatches at the same time.
type Coverage struct {
	// Exclude says which files are not counted; nil: none. Those of the
	// standard library never are.
	Exclude func(file string) bool

	mu       sync.Mutex
	files    map[string]*countedFile
	handlers map[observation]int
}

// A FileCoverage is what ran of one file.
type FileCoverage struct {
	Name       string
	Source     []byte
	Statements []Counted
	// Statuses are the calls of model.ActiveStatus and its like.
	Statuses []Counted
}

// Counted is a part of a file, and how often it ran.
type Counted struct {
	Start, End syntax.Position
	Count      int64
}

// A HandlerCoverage is one registration of a handler, and how often it ran.
type HandlerCoverage struct {
	// Event is the event's name, with its scope if it has one; "" for a
	// reconciler.
	Event string
	// Handler is the function, File and Line where it is.
	Handler string
	File    string
	Line    int
	Count   int
}

// An observation is a registration of a handler.
type observation struct {
	event, handler, file string
	line                 int
}

// A countedFile is a file whose tree counts.
type countedFile struct {
	source               []byte
	statements, statuses []Counted // without counts
	counts               counts
}

// counts is how often things ran: first the statements, then the statuses.
// Scripts see it as a list; to look at an element is to count it.
type counts []atomic.Int64

func (c counts) Index(i int) starlark.Value {
	c[i].Add(1)
	return starlark.True
}
func (c counts) Len() int              { return len(c) }
func (c counts) String() string        { return "<counts>" }
func (c counts) Type() string          { return "counts" }
func (c counts) Freeze()               {}
func (c counts) Truth() starlark.Bool  { return true }
func (c counts) Hash() (uint32, error) { return 0, errors.New("unhashable: counts") }

// countsName is what counts is called in a counted file. No script can write
// that name.
const countsName = "$counts"

// Load is [Load], of a charm that is counted.
func (c *Coverage) Load(fsys fs.FS) (*Charm, error) { return load(fsys, c, false) }

// Counts says whether the charm is counted here.
func (c *Coverage) Counts(charm *Charm) bool { return charm.coverage == c }

// count puts the counting expressions into a file's tree. Nil: the file is not
// counted.
func (c *Coverage) count(name string, source []byte, file *syntax.File) counts {
	if c == nil || strings.HasPrefix(name, std) || c.Exclude != nil && c.Exclude(name) {
		return nil
	}
	in := &instrumenter{}
	file.Stmts = instrumented(file.Stmts, in.before)
	in.status(file)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files = map[string]*countedFile{}
	}
	f := c.files[name]
	if f == nil || !bytes.Equal(f.source, source) {
		f = &countedFile{source, in.statements, in.statuses, make(counts, len(in.statements)+len(in.statuses))}
		c.files[name] = f
	}
	return f.counts
}

// An instrumenter puts counting expressions into a tree.
type instrumenter struct{ statements, statuses []Counted }

// before is the counting expression that comes before a statement.
func (in *instrumenter) before(stmt syntax.Stmt) syntax.Stmt {
	start, end := stmt.Span()
	switch s := stmt.(type) {
	case *syntax.DefStmt:
		end = s.Rparen
	case *syntax.IfStmt:
		_, end = s.Cond.Span()
	case *syntax.ForStmt:
		_, end = s.X.Span()
	case *syntax.WhileStmt:
		_, end = s.Cond.Span()
	}
	counted := &syntax.ExprStmt{X: counting(len(in.statements), start)}
	in.statements = append(in.statements, Counted{Start: start, End: end})
	return counted
}

// status makes each model.BlockedStatus that is called ($counts[N] and
// model.BlockedStatus), whatever expression it is in. It comes after the statements'.
func (in *instrumenter) status(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok {
			return true
		}
		dot, ok := call.Fn.(*syntax.DotExpr)
		if !ok || !builtins.IsSettableStatus(dot.Name.Name) {
			return true
		}
		if module, ok := dot.X.(*syntax.Ident); !ok || module.Name != "model" {
			return true
		}
		start, end := call.Span()
		call.Fn = &syntax.BinaryExpr{
			X: counting(len(in.statements)+len(in.statuses), start), OpPos: start, Op: syntax.AND, Y: dot,
		}
		in.statuses = append(in.statuses, Counted{Start: start, End: end})
		return true
	})
}

// counting is the expression $counts[i].
func counting(i int, at syntax.Position) syntax.Expr {
	return &syntax.IndexExpr{
		X: &syntax.Ident{NamePos: at, Name: countsName}, Lbrack: at,
		Y: &syntax.Literal{Token: syntax.INT, TokenPos: at, Value: int64(i)}, Rbrack: at,
	}
}

// registered notes the handlers of a hook, whose scripts are loaded.
func (c *Coverage) registered(f *builtins.Framework) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handlers == nil {
		c.handlers = map[observation]int{}
	}
	for _, o := range slices.Concat(f.Observers, f.Reconcilers) {
		c.handlers[observed(o)] += 0
	}
}

// ran counts a handler.
func (c *Coverage) ran(o *builtins.Observer) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.handlers[observed(o)]; ok {
		c.handlers[observed(o)]++
	}
}

func observed(o *builtins.Observer) observation {
	at := o.Handler.Position()
	is := observation{handler: o.Handler.Name(), file: at.Filename(), line: int(at.Line)}
	if o.Source != nil {
		is.event = o.Source.QualifiedName()
	}
	return is
}

// Files are the files that were counted, by name.
func (c *Coverage) Files() []FileCoverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []FileCoverage
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		f := c.files[name]
		file := FileCoverage{Name: name, Source: f.source, Statements: slices.Clone(f.statements), Statuses: slices.Clone(f.statuses)}
		for i := range file.Statements {
			file.Statements[i].Count = f.counts[i].Load()
		}
		for i := range file.Statuses {
			file.Statuses[i].Count = f.counts[len(f.statements)+i].Load()
		}
		all = append(all, file)
	}
	return all
}

// Handlers are the registrations of handlers that dispatches made, by event.
// Those of the standard library's files are left out.
func (c *Coverage) Handlers() []HandlerCoverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []HandlerCoverage
	for o, count := range c.handlers {
		if !strings.HasPrefix(o.file, std) {
			all = append(all, HandlerCoverage{o.event, o.handler, o.file, o.line, count})
		}
	}
	slices.SortFunc(all, func(a, b HandlerCoverage) int {
		return strings.Compare(a.Event+"\x00"+a.Handler, b.Event+"\x00"+b.Handler)
	})
	return all
}

// Unloaded adds the files of the charm that nothing loaded: those below src and
// lib. A file that cannot be read or parsed, which nobody noticed so far, is
// left out.
func (c *Coverage) Unloaded(charm *Charm) {
	for _, root := range []string{"src", "lib"} {
		_ = fs.WalkDir(charm.files, root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir() && strings.HasPrefix(path.Base(name), "."):
				return fs.SkipDir
			case d.IsDir() || path.Ext(name) != ".star":
				return nil
			}
			c.mu.Lock()
			_, counted := c.files[name]
			c.mu.Unlock()
			if counted {
				return nil
			}
			source, err := ReadModule(charm.files, name)
			if err != nil {
				return nil
			}
			options := dialect
			if file, err := options.Parse(name, source, 0); err == nil {
				c.count(name, source, file)
			}
			return nil
		})
	}
}

var _ starlark.Indexable = counts(nil)
