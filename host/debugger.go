package host

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
)

// A Debugger holds a charm, for someone to look around, where JUJU_DEBUG_AT
// tells it to: at the breakpoints of that name (framework.breakpoint), for "hook"
// at each handler of a hook or action, for "all" at both. One serves one dispatch
// at a time.
type Debugger struct {
	// Everywhere says to stop at each framework.breakpoint, whatever
	// JUJU_DEBUG_AT says.
	Everywhere bool
	// Stopped is called when the charm stops, which waits until it returns.
	Stopped func(*Stop) Resume
}

// Resume says how a charm goes on that was stopped.
type Resume int

// How it goes on: until the next breakpoint; to the next statement, wherever;
// to the next one of the function or of a caller's; to the next one of a caller's;
// without ever stopping again; not at all.
const (
	Continue Resume = iota
	StepIn
	StepOver
	StepOut
	Detach
	Quit
)

// A Stop is a place where a charm is held.
type Stop struct {
	// Why says what held it: `breakpoint "db"`, "on_install handles install",
	// "" for a step.
	Why    string
	Thread *starlark.Thread
	// Frames are the functions that run, the innermost first.
	Frames []StoppedFrame
	// Mask hides the values of secrets.
	Mask func(string) string
}

// A StoppedFrame is a function that runs while its charm is held.
type StoppedFrame struct {
	Function string
	Pos      syntax.Position
	Source   []byte
	// Locals are its variables that have a value; Names are all that its code
	// can use, but for variables that an inner function uses.
	Locals, Names starlark.StringDict
}

// ErrQuit ends a charm from where it is held.
var ErrQuit = errors.New("the debugger has ended the charm")

// Load is [Load], of a charm that can be stepped through.
func (g *Debugger) Load(fsys fs.FS) (*Charm, error) { return load(fsys, nil, g != nil) }

// stepName is what is called before each statement of a charm that can be
// stepped through. No script can write that name.
const stepName = "$step"

// steppable puts the calls into a file's tree.
func steppable(file *syntax.File) {
	file.Stmts = instrumented(file.Stmts, func(stmt syntax.Stmt) syntax.Stmt {
		start, _ := stmt.Span()
		return &syntax.ExprStmt{X: &syntax.CallExpr{Fn: &syntax.Ident{NamePos: start, Name: stepName}, Lparen: start, Rparen: start}}
	})
}

// A stepper is a debugger in one dispatch.
type stepper struct {
	*Debugger
	d *dispatch
	// resume is how the charm goes on, since it was depth calls deep.
	resume Resume
	depth  int
	// held says that the charm is held now: what someone evaluates does not stop.
	held bool
	// why is what the next stop is for.
	why string
}

// step is what a charm calls before each statement.
func (s *stepper) step() *starlark.Builtin {
	return starlark.NewBuiltin(stepName, func(thread *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		if s == nil || s.held || thread != s.d.thread {
			return starlark.None, nil
		}
		depth := thread.CallStackDepth()
		switch {
		case s.resume == StepIn, s.resume == StepOver && depth <= s.depth, s.resume == StepOut && depth < s.depth:
			return starlark.None, s.stop(s.why)
		}
		return starlark.None, nil
	})
}

// wants says whether to stop at one of these names.
func (s *stepper) wants(names ...string) bool {
	return s != nil && !s.held && s.resume != Detach && slices.ContainsFunc(names, func(name string) bool { return name != "" && slices.Contains(s.d.options.Context.DebugAt, name) })
}

// handler is told of a handler of a hook or action that is about to run: it
// stops at its first statement.
func (s *stepper) handler(o *builtins.Observer, e *builtins.Event) {
	if s.wants("hook", "all") && e.Source.Scope == "" && !e.Source.Kind.Lifecycle() {
		s.resume, s.why = StepIn, fmt.Sprintf("%s handles %s", o.Handler.Name(), e.Source.Name)
	}
}

// breakpoint is framework.breakpoint.
func (d *dispatch) breakpoint(_ *starlark.Thread, name string) error {
	at := d.options.Context.DebugAt
	label := "A breakpoint without a name"
	if name != "" {
		label = fmt.Sprintf("Breakpoint %q", name)
	}
	s := d.stepper
	switch {
	case s == nil && len(at) == 0:
	case s == nil && (slices.Contains(at, "all") || slices.Contains(at, name)):
		d.reporter.log("WARNING", label+" skipped: there is no terminal.")
	case s == nil:
		d.reporter.log("WARNING", fmt.Sprintf("%s skipped: JUJU_DEBUG_AT names %s.", label, strings.Join(at, ", ")))
	case s.held || s.resume == Detach:
	case s.Everywhere || s.wants("all", name):
		return s.stop(strings.ToLower(label[:1]) + label[1:])
	}
	return nil
}

// stop holds the charm where it calls a builtin.
func (s *stepper) stop(why string) error {
	thread := s.d.thread
	depth := thread.CallStackDepth()
	stop := &Stop{Why: why, Thread: thread, Mask: s.d.model.Mask}
	for i := 1; i < depth; i++ {
		if fn, ok := thread.DebugFrame(i).Callable().(*starlark.Function); ok {
			stop.Frames = append(stop.Frames, s.frame(thread.DebugFrame(i), fn))
		}
	}
	s.why, s.held = "", true
	s.resume = s.Stopped(stop)
	s.held, s.depth = false, depth
	if s.resume == Quit {
		return ErrQuit
	}
	return nil
}

// frame is what a frame of the interpreter holds.
func (s *stepper) frame(f starlark.DebugFrame, fn *starlark.Function) StoppedFrame {
	frame := StoppedFrame{Function: fn.Name(), Pos: f.Position(), Locals: starlark.StringDict{}, Names: starlark.StringDict{}}
	frame.Source, _ = s.d.charm.Source(frame.Pos.Filename())
	for name, v := range fn.Module().Predeclared() {
		if !strings.HasPrefix(name, "$") {
			frame.Names[name] = v
		}
	}
	for name, v := range fn.Globals() {
		frame.Names[name] = v
	}
	for i := range fn.NumFreeVars() {
		if b, v := fn.FreeVar(i); v != nil {
			frame.Names[b.Name] = v
		}
	}
	for i := range f.NumLocals() {
		b, v := f.Local(i)
		if v == nil || b.Name == "" {
			continue
		}
		frame.Locals[b.Name] = v
		if v.Type() != "cell" { // one that an inner function uses has no value outside
			frame.Names[b.Name] = v
		}
	}
	return frame
}
