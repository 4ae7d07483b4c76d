// Package repl is starcharm repl: someone types Starlark, and sees what it does
// in the model of a charm.
//
// The model is a place. [Simulated] is the one of starcharm run, which moves:
// its functions set options, add relations, run hooks and take them back. [Live]
// is that of a unit, in one of its hook contexts. In both, what is typed is
// evaluated in a [host.Session]: the charm's scripts are loaded, and each input
// is a turn that sees the model as it is then.
//
// Reading the source: repl.go reads and evaluates, editor.go is the terminal,
// show.go prints values, help.go and complete.go tell what there is, simulated.go
// and sim.go are the model that moves, live.go the one that lives, save.go
// and savetest.go write down what was done.
package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/manual"
)

// A Place is where a shell evaluates.
type Place interface {
	// open loads the charm for a shell.
	open(ctx context.Context, sh *Shell) (*host.Session, error)
	// turn does one thing in the model.
	turn(ctx context.Context, f func(*starlark.Thread) error) error
	// look is turn for what must not change anything.
	look(ctx context.Context, f func(*starlark.Thread) error) error
	// functions are what there is besides the names of charms: a module, and the
	// names of its members as if they were loaded.
	functions() (name string, module starlark.HasAttrs, doc builtins.TypeDoc)
	// prompt is what a person is asked with, banner what is said at first.
	prompt() string
	banner() string
	// mask is text as it is shown.
	mask(text string) string
	close() error
}

// A Shell reads, evaluates and prints.
type Shell struct {
	Place Place
	// Out takes what values are, and what hooks did; Err what is wrong.
	Out, Err io.Writer
	Color    bool

	session *host.Session
	thread  *starlark.Thread
	globals starlark.StringDict
	// given are the names that the shell itself set.
	given starlark.StringDict
	// sources are the texts of the inputs, by the names of their files.
	sources map[string][]byte
	// manual is put together when somebody asks for it.
	manual func() (*manual.Manual, error)
	// debugger holds the charm at its breakpoints; nil where nobody could look.
	debugger *host.Debugger
	// completer, unless nil, completes what is typed while the charm is held.
	completer Completer
}

// dialect is that of charms, less strict: names can be set again, and all
// statements can be at the top level.
var dialect = syntax.FileOptions{
	Set: true, Recursion: true, While: true, TopLevelControl: true, GlobalReassign: true, LoadBindsGlobally: true,
}

// maxScript is how large a script on standard input may be.
const maxScript = 1 << 20

// start loads the charm.
func (sh *Shell) start(ctx context.Context) error {
	sh.thread = &starlark.Thread{}
	if sh.sources == nil {
		sh.sources = map[string][]byte{}
	}
	session, err := sh.Place.open(ctx, sh)
	if err != nil {
		return err
	}
	return sh.adopt(session)
}

// adopt takes over the names of a charm that is loaded.
func (sh *Shell) adopt(session *host.Session) (err error) {
	sh.session = session
	sh.thread.Name = "repl"
	sh.thread.Print = func(_ *starlark.Thread, text string) { fmt.Fprintln(sh.Out, host.Printable(sh.Place.mask(text))) }
	module, functions, doc := sh.Place.functions()
	sh.manual = sync.OnceValues(func() (*manual.Manual, error) { return manual.New(shellTable.Document(), doc) })
	sh.given = starlark.StringDict{module: functions}
	for _, name := range functions.AttrNames() {
		if sh.given[name], err = functions.Attr(name); err != nil {
			return err
		}
	}
	for _, name := range shellTable.AttrNames(sh) {
		if sh.given[name], err = shellTable.Attr(sh, name); err != nil {
			return err
		}
	}
	sh.globals = starlark.StringDict{}
	for name, v := range sh.given {
		sh.globals[name] = v
	}
	for name, v := range session.Globals() { // the charm's own names come first
		sh.globals[name] = v
	}
	return nil
}

// Interact talks to a person until she leaves.
func (sh *Shell) Interact(ctx context.Context, editor Editor) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	console := &Console{Out: sh.Out, Color: sh.Color, Open: func(c Completer) (Editor, func() error) {
		sh.completer = c
		return editor, func() error { sh.completer = nil; return nil }
	}}
	sh.debugger = console.Debugger()
	sh.debugger.Everywhere = true
	if err := sh.start(ctx); err != nil {
		return err
	}
	defer sh.Place.close()
	fmt.Fprint(sh.Out, sh.Place.banner())
	for n := 1; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("input %d", n)
		prompt := sh.Place.prompt()
		var text []byte
		var ended error
		file, err := dialect.ParseCompoundStmt(name, func() ([]byte, error) {
			line, err := editor.Line(prompt)
			if err != nil {
				ended = err
				return nil, err
			}
			prompt = strings.Repeat(".", max(len(prompt)-1, 3)) + " "
			text = append(append(text, line...), '\n')
			return []byte(line + "\n"), nil
		})
		switch {
		case errors.Is(ended, errAborted):
			continue
		case errors.Is(ended, io.EOF):
			fmt.Fprintln(sh.Out)
			return nil
		case ended != nil:
			return fmt.Errorf("cannot read what is typed: %w", ended)
		}
		editor.Remember(strings.TrimRight(string(text), "\n"))
		sh.sources[name] = text
		if err == nil {
			for len(interrupts) > 0 {
				<-interrupts
			}
			err = sh.evaluate(ctx, name, file.Stmts, interrupts)
		}
		sh.report(err)
	}
	return context.Cause(ctx)
}

// A ScriptError is what ended a script, of which was told already.
type ScriptError struct{ Err error }

func (e *ScriptError) Error() string { return e.Err.Error() }
func (e *ScriptError) Unwrap() error { return e.Err }

// Script evaluates the statements that in holds, one after the other, until
// one fails. name is what positions in it are given with.
func (sh *Shell) Script(ctx context.Context, name string, in io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(in, maxScript+1))
	switch {
	case err != nil:
		return fmt.Errorf("cannot read the script: %w", err)
	case len(text) > maxScript:
		return fmt.Errorf("cannot read the script: it is larger than %d MiB", maxScript>>20)
	}
	if err := sh.start(ctx); err != nil {
		return err
	}
	defer sh.Place.close()
	sh.sources[name] = text
	file, err := dialect.Parse(name, text, 0)
	if err == nil {
		for stmts := file.Stmts; len(stmts) > 0 && err == nil; {
			n := 1
			for n < len(stmts) && syntax.Start(stmts[n]).Line == syntax.Start(stmts[0]).Line {
				n++
			}
			err = sh.evaluate(ctx, name, stmts[:n], nil)
			stmts = stmts[n:]
		}
	}
	if err != nil {
		sh.report(err)
		return &ScriptError{err}
	}
	return nil
}

// evaluate runs the statements of one input in one turn, and shows the values
// of those that are expressions.
func (sh *Shell) evaluate(ctx context.Context, name string, stmts []syntax.Stmt, interrupts <-chan os.Signal) error {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-interrupts:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
		if errors.Is(context.Cause(ctx), errInterrupted) {
			sh.thread.Cancel(errInterrupted.Error())
		}
	}()
	err := sh.Place.turn(ctx, func(thread *starlark.Thread) error {
		for _, stmt := range stmts {
			if err := sh.execute(thread, name, stmt); err != nil {
				return err
			}
		}
		return nil
	})
	interrupted := errors.Is(context.Cause(ctx), errInterrupted)
	cancel(nil)
	<-done
	sh.thread.Uncancel()
	if interrupted {
		return errInterrupted
	}
	return err
}

// errInterrupted is Ctrl-C while something is evaluated.
var errInterrupted = errors.New("interrupted")

// execute runs one statement.
func (sh *Shell) execute(thread *starlark.Thread, name string, stmt syntax.Stmt) error {
	expr, ok := stmt.(*syntax.ExprStmt)
	if !ok {
		return starlark.ExecREPLChunk(&syntax.File{Options: &dialect, Path: name, Stmts: []syntax.Stmt{stmt}}, thread, sh.globals)
	}
	v, err := starlark.EvalExprOptions(&dialect, thread, expr.X, sh.globals)
	if err != nil {
		return err
	}
	if v != starlark.None {
		sh.globals["_"] = v
		sh.show(v)
	}
	return nil
}

// source is the text of an input or of a file of the charm.
func (sh *Shell) source(name string) ([]byte, bool) {
	if text, ok := sh.sources[name]; ok {
		return text, true
	}
	return sh.session.Source(name)
}

// report tells what is wrong.
func (sh *Shell) report(err error) {
	if err == nil {
		return
	}
	if errors.Is(err, errInterrupted) {
		fmt.Fprintln(sh.Err, "interrupted")
		return
	}
	for _, d := range host.Diagnose(err, sh.source) {
		fmt.Fprint(sh.Err, sh.Place.mask(d.Render(sh.Color)))
	}
}

// names are those that can be typed, sorted.
func (sh *Shell) names() []string {
	all := sh.globals.Keys()
	for name := range starlark.Universe {
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
