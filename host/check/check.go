// Package check finds mistakes in a charm before it is deployed, and before it
// runs: names that the metadata, a builtin or a file does not have, handlers
// that cannot be called, observers that never fire, and habits that end badly.
//
// It knows a charm from two sides. The files are read as text: each is parsed,
// its names are resolved, and the values of expressions are followed as far as
// they are certain (eval.go), with the tables of the builtins for the types
// (builtin.go). And the scripts' top level, which touches nothing but a
// simulation, is run to see what it registers (registered.go). The first works
// on a charm with any number of mistakes; the second needs one that loads.
//
// What is not certain is not told: a name that comes from a parameter, or an
// attribute of a value whose type is unknown.
//
// Reading the source: rule.go lists the rules, file.go reads files and
// chunk.go broken ones, definition.go tells where names get their values,
// value.go and eval.go are what is known of them; the other files are the
// rules, by what they are about, and ignore.go and report.go what becomes of
// the findings.
package check

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
)

// Options say what to look for.
type Options struct {
	// Ignore are the names of rules that are not to be told of.
	Ignore []string
	// Listing adds the rules for charms that are to be listed on Charmhub.
	Listing bool
}

// A Finding is a mistake, and the rule that it breaks.
type Finding struct {
	Rule string `json:"rule"`
	host.Diagnostic
}

// Charm checks the charm in fsys. The error says that there is none, or that
// the options name no rule.
func Charm(ctx context.Context, fsys fs.FS, o Options) (*Report, error) {
	for _, name := range o.Ignore {
		if !slices.Contains(ruleNames(), name) {
			return nil, fmt.Errorf("there is no rule %q%s", name, didYouMean(name, ruleNames()))
		}
	}
	c := &checker{
		fsys: fsys, options: o, builtins: newBuiltinDocs(), modules: map[string]*file{},
		defs: map[*syntax.Ident][]definition{}, memo: map[syntax.Expr]value{}, results: map[syntax.Node]value{}, mutated: map[*syntax.Ident]bool{},
		functions: map[syntax.Node]*function{}, calls: map[syntax.Node][]callSite{}, escapes: map[syntax.Node]bool{},
		nodes: map[string]definition{}, globals: map[*syntax.Ident]globalName{},
		binding: map[*syntax.Ident]bool{}, texts: map[string]*file{},
		uses: map[*syntax.Ident]int{}, events: map[syntax.Node]*eventSet{}, rules: rulesByName(), names: map[subject][]string{},
	}
	c.checkMetadata()
	loaded := make(chan loading, 1)
	go func() { loaded <- c.load(ctx) }() // it looks at nothing but the metadata
	entry, err := host.EntryIn(fsys)
	if err != nil {
		if c.meta == nil {
			<-loaded
			return nil, err
		}
		c.add(Finding{"no-script", host.Diagnostic{Message: err.Error(), Suggestion: "write the charm's handlers to src/charm.star"}})
	} else if c.read(entry) == nil {
		_, err := host.ReadModule(fsys, entry)
		c.add(Finding{"no-script", host.Diagnostic{File: entry, Message: fmt.Sprintf("cannot read the charm's script: %v", err)}})
	}
	c.readUnloaded()
	select {
	case c.loaded = <-loaded:
	case <-time.After(maxTime + time.Second): // a value can take forever to freeze, and nothing interrupts that
		c.loaded = loading{failures: []host.Diagnostic{{File: entry, Line: 1, Column: 1, Message: tookTooLong}}}
	}
	c.checkFiles()
	return c.report(), nil
}

// A checker is one check of a charm.
type checker struct {
	fsys    fs.FS
	options Options
	// meta is nil when it could not be read.
	meta     *model.Metadata
	places   *model.MetadataPlaces
	names    map[subject][]string // that the metadata has
	builtins *builtinDocs
	rules    map[string]Rule // by name

	modules   map[string]*file // by name; nil: it could not be read
	order     []*file          // those of the charm itself, as they were read
	defs      map[*syntax.Ident][]definition
	mutated   map[*syntax.Ident]bool // lists and dicts that are changed after they were made
	uses      map[*syntax.Ident]int
	memo      map[syntax.Expr]value
	results   map[syntax.Node]value // of functions
	functions map[syntax.Node]*function
	// calls are those of functions that are only called; escapes says that a
	// function is used otherwise too.
	calls   map[syntax.Node][]callSite
	escapes map[syntax.Node]bool
	// events are those that a function handles.
	events map[syntax.Node]*eventSet
	// nodes are the functions by handlerID; globals the files' own.
	nodes   map[string]definition
	globals map[*syntax.Ident]globalName
	// binding are the names that get a value where they are.
	binding map[*syntax.Ident]bool
	// texts are files of the metadata.
	texts map[string]*file
	// loaded is what came of running the top level.
	loaded loading

	found []Finding
	// cut: there were more than maxFindings.
	cut bool
}

// maxFindings is how many mistakes are told of: nobody reads more, and to look
// for what was meant by each name takes time.
const maxFindings = 1000

func (c *checker) add(f Finding) {
	if c.full() {
		c.cut = true
		return
	}
	c.found = append(c.found, f)
}

// full says that nothing more is told of.
func (c *checker) full() bool { return len(c.found) >= maxFindings }

// at is a finding in a script. Those in the standard library are not the
// charm's.
func (c *checker) at(f *file, pos syntax.Position, rule, suggestion, format string, args ...any) {
	if f.std {
		return
	}
	c.add(Finding{rule, host.Diagnostic{
		File: f.name, Line: int(pos.Line), Column: int(pos.Col),
		Message: fmt.Sprintf(format, args...), Suggestion: suggestion, Source: f.line(int(pos.Line)),
	}})
}

// readUnloaded reads the charm's files that nothing loads, but for tests, which
// see other names.
func (c *checker) readUnloaded() {
	for _, root := range []string{"src", "lib"} {
		_ = fs.WalkDir(c.fsys, root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir() && strings.HasPrefix(path.Base(name), "."):
				return fs.SkipDir
			case d.IsDir() || path.Ext(name) != ".star" || strings.HasSuffix(name, "_test.star"):
				return nil
			}
			c.read(name)
			return nil
		})
	}
}

// checkFiles applies the rules about scripts.
func (c *checker) checkFiles() {
	for _, f := range c.order {
		c.checkLoads(f)
	}
	c.observe()
	for _, f := range c.order {
		c.checkTree(f)
		c.checkUnused(f)
	}
	c.checkDeclared()
	c.checkFailures()
}

// report is what there is to tell, in the order of files and lines.
func (c *checker) report() *Report {
	r := &Report{Findings: []Finding{}, Files: len(c.order), Cut: c.cut || c.full()}
	for _, f := range c.silence() {
		f.Severity = c.rules[f.Rule].Severity
		if f.Severity == host.SeverityError {
			r.Errors++
		} else {
			r.Warnings++
		}
		r.Findings = append(r.Findings, f)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r
}

// didYouMean is the end of a message, or a suggestion: empty, or what was
// likely meant.
func didYouMean(name string, known []string) string {
	if near := model.Nearest(name, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// dashed is a name with - for _.
func dashed(name string) string { return strings.ReplaceAll(name, "_", "-") }

// nearest suggests what was meant by a name, or lists a few that there are.
func nearest(name string, known []string) string {
	if near := model.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return among(known)
}

// among lists what there is, if that is not too much.
func among(known []string) string {
	if len(known) == 0 || len(known) > 12 {
		return ""
	}
	return "it has " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}
