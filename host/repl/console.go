package repl

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/host"
)

// A Console is where someone looks around in a charm that is held.
type Console struct {
	// Open returns the editor to read with, and what to do with it afterwards.
	Open  func(Completer) (Editor, func() error)
	Out   io.Writer
	Color bool

	welcomed bool
	// last is what an empty line does again.
	last string
}

// commands are those of the console; the rest is evaluated.
var commands = [...]struct{ name, short, does string }{
	{"step", "s", "goes on to the next statement, also into functions"},
	{"next", "n", "goes on to the next statement of this function, or of its caller"},
	{"out", "o", "goes on until this function has returned"},
	{"continue", "c", "goes on until the next breakpoint"},
	{"where", "w", "shows which function called which, and where"},
	{"up", "u", "looks at the caller: its locals, and its names in expressions"},
	{"down", "d", "looks at the function that was called"},
	{"list", "l", "shows the source around"},
	{"locals", "v", "shows the function's variables"},
	{"quit", "q", "ends the hook with an error"},
	{"help", "h", "shows this"},
}

// command is the full name of a command, "" if the text is none.
func command(text string) string {
	for _, c := range commands {
		if text == c.name || text == c.short {
			return c.name
		}
	}
	return ""
}

// Debugger is the host's, which leads here.
func (c *Console) Debugger() *host.Debugger { return &host.Debugger{Stopped: c.Stopped} }

// resumes are the commands with which the charm goes on.
func resume(name string) (host.Resume, bool) {
	switch name {
	case "step":
		return host.StepIn, true
	case "next":
		return host.StepOver, true
	case "out":
		return host.StepOut, true
	case "continue":
		return host.Continue, true
	case "quit":
		return host.Quit, true
	}
	return 0, false
}

// Stopped lets someone look around until the charm is to go on.
func (c *Console) Stopped(stop *host.Stop) host.Resume {
	h := &held{Console: c, stop: stop}
	editor, leave := c.Open(h.complete)
	defer func() {
		if err := leave(); err != nil {
			fmt.Fprintf(c.Out, "starcharm: %s\n", host.Printable(err.Error()))
		}
	}()
	if !c.welcomed {
		c.welcomed = true
		fmt.Fprintln(c.Out, "The charm is held. step, next, out, continue, where, locals, list; help shows all; anything else is evaluated. Ctrl-D lets it run on.")
	}
	h.here()
	for {
		line, err := editor.Line("(debug) >>> ")
		switch {
		case errors.Is(err, errAborted):
			continue
		case err != nil:
			if errors.Is(err, io.EOF) {
				fmt.Fprintln(c.Out)
			}
			return host.Detach
		}
		text := strings.TrimSpace(line)
		if text == "" {
			text = c.last
		} else {
			editor.Remember(text)
		}
		c.last = ""
		name := command(text)
		if how, ok := resume(name); ok {
			if name == "step" || name == "next" {
				c.last = name
			}
			return how
		}
		h.do(name, text)
	}
}

// held is a charm that is held.
type held struct {
	*Console
	stop *host.Stop
	// frame is which function is looked at.
	frame int
}

func (h *held) at() host.StoppedFrame { return h.stop.Frames[h.frame] }

func (h *held) printf(format string, args ...any) {
	fmt.Fprint(h.Out, host.Printable(h.stop.Mask(fmt.Sprintf(format, args...))))
}

// here says where the charm is held.
func (h *held) here() {
	f := h.at()
	why := ""
	if h.stop.Why != "" {
		why = " (" + h.stop.Why + ")"
	}
	h.printf("%s:%d in %s%s\n", f.Pos.Filename(), f.Pos.Line, f.Function, why)
	h.lines(int(f.Pos.Line), int(f.Pos.Line))
}

// lines shows lines of the source.
func (h *held) lines(from, to int) {
	f := h.at()
	n := 0
	for line := range strings.Lines(string(f.Source)) {
		if n++; n < from || n > to {
			continue
		}
		mark := "  "
		if n == int(f.Pos.Line) {
			mark = "->"
		}
		h.printf("%s %4d  %s\n", mark, n, strings.TrimRight(line, "\r\n"))
	}
}

// do does what does not let the charm go on.
func (h *held) do(name, text string) {
	switch name {
	case "":
		h.evaluate(text)
	case "help":
		for _, c := range commands {
			h.printf("  %-9s %s  %s\n", c.name, c.short, c.does)
		}
	case "where":
		for i := len(h.stop.Frames) - 1; i >= 0; i-- {
			f, mark := h.stop.Frames[i], "  "
			if i == h.frame {
				mark = "->"
			}
			h.printf("%s %s:%d in %s\n", mark, f.Pos.Filename(), f.Pos.Line, f.Function)
		}
	case "up", "down":
		next := h.frame + 1
		if name == "down" {
			next = h.frame - 1
		}
		if next < 0 || next >= len(h.stop.Frames) {
			h.printf("there is no further function\n")
			return
		}
		h.frame = next
		h.here()
	case "list":
		line := int(h.at().Pos.Line)
		h.lines(line-5, line+5)
	case "locals":
		locals := h.at().Locals
		for _, name := range slices.Sorted(maps.Keys(locals)) {
			p := &printer{mask: h.stop.Mask}
			h.printf("%s = %s\n", name, p.text(bounded(locals[name]), maxLine))
		}
		if len(locals) == 0 {
			h.printf("there are none\n")
		}
	}
}

// evaluate evaluates an expression or a statement with the names of the
// function that is looked at. Names that it sets are its own.
func (h *held) evaluate(text string) {
	names := maps.Clone(h.at().Names)
	file, err := dialect.Parse("debug", text, 0)
	if err == nil {
		for _, stmt := range file.Stmts {
			if err = h.execute(stmt, names); err != nil {
				break
			}
		}
	}
	if err != nil {
		for _, d := range host.Diagnose(err, func(string) ([]byte, bool) { return []byte(text), true }) {
			h.printf("error: %s\n", d.Message)
		}
	}
}

func (h *held) execute(stmt syntax.Stmt, names starlark.StringDict) error {
	expr, ok := stmt.(*syntax.ExprStmt)
	if !ok {
		return starlark.ExecREPLChunk(&syntax.File{Options: &dialect, Path: "debug", Stmts: []syntax.Stmt{stmt}}, h.stop.Thread, names)
	}
	v, err := starlark.EvalExprOptions(&dialect, h.stop.Thread, expr.X, names)
	if err == nil && v != starlark.None {
		show(h.Out, h.Color, h.stop.Mask, v)
	}
	return err
}

// complete completes commands, names and attributes of names.
func (h *held) complete(text string) (head string, completions []string) {
	i := len(text)
	for i > 0 && isName(rune(text[i-1])) {
		i--
	}
	head, partial := text[:i], text[i:]
	if owner, ok := strings.CutSuffix(head, "."); ok {
		v, ok := h.at().Names[chain(owner)].(starlark.HasAttrs)
		if !ok {
			return head, nil
		}
		return head, matching(partial, v.AttrNames(), "")
	}
	names := h.at().Names.Keys()
	if head == "" {
		for _, c := range commands {
			names = append(names, c.name)
		}
	}
	return head, matching(partial, names, "")
}
