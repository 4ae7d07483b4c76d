package host

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// This file defines diagnostics: what went wrong in a charm, as data. Load
// errors, findings, failed tests and failed hooks all become diagnostics;
// rendering is apart (diagnostic_render.go), and so is the advice on habits
// that come from Python (diagnostic_advice.go).

// A Severity says how bad a diagnostic is. The zero value is an error.
type Severity int

const (
	SeverityError   Severity = iota // the charm does not work
	SeverityWarning                 // it works, but not as it seems
)

func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// MarshalText implements encoding.TextMarshaler: "error" or "warning".
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Diagnostic is one thing that is wrong in a charm, and where.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	// File is the path within the charm; empty when nothing is known.
	File string `json:"file,omitempty"`
	// Line and Column count from 1, Column in characters; 0 when the whole
	// file or line is meant.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Note adds what the reader may not know.
	Note string `json:"note,omitempty"`
	// Suggestion says what to do about it.
	Suggestion string `json:"suggestion,omitempty"`
	// Source is the text of the line.
	Source string `json:"source,omitempty"`
	// Frames is the Starlark call stack, outermost first, without builtins.
	// It is empty for what is wrong before the charm runs.
	Frames []Frame `json:"frames,omitempty"`
	// Skipped counts the calls left out in the middle of Frames, of which
	// there are at most 20.
	Skipped int `json:"skipped,omitempty"`
}

// A Frame is one function of a Starlark call stack and where it was.
type Frame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column,omitempty"`
	Source   string `json:"source,omitempty"` // the text of the line
}

// topLevel is the name that the interpreter gives to a file's own statements.
const topLevel = "<toplevel>"

// maxFrames is how many calls of a stack are kept, half of them from each end.
const maxFrames = 20

// Diagnose turns an error of loading or running a charm into diagnostics, at
// least one unless err is nil. source gives the text of a file by the name
// that positions in it have; it may be nil.
func Diagnose(err error, source func(file string) ([]byte, bool)) []Diagnostic {
	d := diagnosis{source: source, files: map[string]*script{}}
	return d.all(err)
}

// A diagnosis is one call of Diagnose.
type diagnosis struct {
	source func(file string) ([]byte, bool)
	files  map[string]*script // what was read of source so far
}

func (d *diagnosis) all(err error) []Diagnostic {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
		var found []Diagnostic
		for _, one := range many.Unwrap() {
			found = append(found, d.all(one)...)
		}
		return found
	}
	var text *SourceError
	if errors.As(err, &text) && d.files[text.File] == nil {
		d.files[text.File] = newScript(text.Source)
	}
	var frames []Frame
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		frames = d.stack(err)
	}
	var load *LoadError
	var state *StateError
	var write *WriteError
	var parse syntax.Error
	var names resolve.ErrorList
	var metadata *model.MetadataError
	switch {
	case errors.As(err, &parse):
		return []Diagnostic{d.syntax(parse, frames)}
	case errors.As(err, &names) && len(names) > 0:
		found := make([]Diagnostic, 0, len(names))
		for i, name := range names {
			if name.Msg == "undefined: __name__" && i > 0 && names[i-1].Pos.Line == name.Pos.Line {
				continue // the if that is refused already
			}
			found = append(found, d.name(name, frames))
		}
		return found
	case errors.As(err, &metadata):
		found := Diagnostic{
			File: metadata.File, Line: metadata.Line, Column: metadata.Column,
			Message: metadata.Message, Note: metadata.Note, Frames: frames,
		}
		found.Source = d.file(found.File).line(found.Line)
		return []Diagnostic{found}
	case errors.As(err, &load):
		found := Diagnostic{
			File: load.Pos.Filename(), Line: int(load.Pos.Line), Column: int(load.Pos.Col),
			Message: load.Message, Frames: frames,
		}
		found.Source = d.file(found.File).line(found.Line)
		return []Diagnostic{found}
	case errors.As(err, &state):
		return []Diagnostic{{
			Message: fmt.Sprintf("cannot read the state in %s: %s", state.Store, state.Message), Suggestion: state.Cure, Frames: frames,
		}}
	case errors.As(err, &write):
		return []Diagnostic{d.write(write)}
	case eval != nil:
		return []Diagnostic{d.run(err, eval, frames)}
	}
	return []Diagnostic{{Message: err.Error()}}
}

// syntax diagnoses what the parser could not read.
func (d *diagnosis) syntax(err syntax.Error, frames []Frame) Diagnostic {
	found := Diagnostic{
		File: err.Pos.Filename(), Line: int(err.Pos.Line), Column: int(err.Pos.Col),
		Message: err.Msg, Frames: frames,
	}
	s := d.file(found.File)
	adviseSyntax(&found, s)
	found.Source = s.line(found.Line)
	return found
}

// name diagnoses what the resolver refused: an unknown name, a statement where
// none may be.
func (d *diagnosis) name(err resolve.Error, frames []Frame) Diagnostic {
	found := Diagnostic{
		File: err.Pos.Filename(), Line: int(err.Pos.Line), Column: int(err.Pos.Col),
		Message: err.Msg, Frames: frames,
	}
	s := d.file(found.File)
	found.Source = s.line(found.Line)
	adviseName(&found, s)
	return found
}

// run diagnoses an error of a running charm.
func (d *diagnosis) run(err error, outer *starlark.EvalError, frames []Frame) Diagnostic {
	inner := outer
	for next := outer; errors.As(errors.Unwrap(next), &next); {
		inner = next
	}
	found := Diagnostic{Message: failText(inner.Msg), Frames: frames}
	// What the host said around the error: "cannot run install again: ".
	if around, ok := strings.CutSuffix(err.Error(), outer.Msg); ok {
		found.Message = around + found.Message
	}
	var failure *builtins.Failure
	if errors.As(err, &failure) && failure.Backtrace != "" {
		// It was caught and thrown again: what matters is where it came from.
		if original := d.parseBacktrace(failure.Backtrace); len(original) > 0 {
			if n := len(frames); n > 0 && frames[n-1] != original[len(original)-1] {
				last := frames[n-1]
				found.Note = fmt.Sprintf("it was caught, and thrown again at %s:%d:%d", last.File, last.Line, last.Column)
			}
			found.Frames = original
		}
	}
	if n := len(found.Frames); n > 1 && strings.HasPrefix(inner.Msg, "function "+found.Frames[n-1].Function+" ") {
		found.Frames = found.Frames[:n-1] // the arguments are wrong: what matters is the call
	}
	found.locate()
	adviseRun(&found, d.file(found.File))
	found.locateOutsideLibrary()
	found.shortenFrames()
	return found
}

// write diagnoses a databag that Juju refused: what matters is the line that
// wrote it, not where it was sent.
func (d *diagnosis) write(err *WriteError) Diagnostic {
	found := Diagnostic{Message: err.Error(), Frames: d.frames(err.At)}
	found.locate()
	found.locateOutsideLibrary()
	found.shortenFrames()
	return found
}

// locate places the diagnostic where the innermost call was.
func (d *Diagnostic) locate() {
	if n := len(d.Frames); n > 0 {
		last := d.Frames[n-1]
		d.File, d.Line, d.Column, d.Source = last.File, last.Line, last.Column, last.Source
	}
}

// locateOutsideLibrary places a diagnostic of the standard library where it was
// called from: that line is the author's to change.
func (d *Diagnostic) locateOutsideLibrary() {
	for _, frame := range slices.Backward(d.Frames) {
		if !strings.HasPrefix(frame.File, std) {
			d.File, d.Line, d.Column, d.Source = frame.File, frame.Line, frame.Column, frame.Source
			return
		}
	}
}

// shortenFrames leaves out the middle of a long call stack.
func (d *Diagnostic) shortenFrames() {
	if skipped := len(d.Frames) - maxFrames; skipped > 0 {
		d.Frames = slices.Concat(d.Frames[:maxFrames/2], d.Frames[maxFrames/2+skipped:])
		d.Skipped = skipped
	}
}

// failText is the message of an error of the interpreter; of fail(), what it
// was given.
func failText(message string) string {
	message = strings.TrimPrefix(message, "Starlark computation cancelled: ") // it goes on to say why
	if text, ok := strings.CutPrefix(message, "fail: "); ok {
		return cmp.Or(text, "fail() was called without a message")
	}
	return message
}

// stack is the call stack of err, from the first statement of the outermost
// file to the innermost call: an error in a loaded file has a stack for each
// load(), of which the inner may or may not contain the outer.
func (d *diagnosis) stack(err error) []Frame {
	var all []Frame
	var eval *starlark.EvalError
	for errors.As(err, &eval) {
		frames := d.frames(eval.CallStack)
		if len(frames) >= len(all) && slices.Equal(frames[:len(all)], all) {
			all = frames
		} else if len(frames) > len(all) || !slices.Equal(frames, all[:len(frames)]) {
			all = append(all, frames...)
		}
		err = eval.Unwrap()
	}
	return all
}

// frames are the calls of a stack that are in a file.
func (d *diagnosis) frames(stack starlark.CallStack) []Frame {
	var frames []Frame
	for _, call := range stack {
		if call.Pos.Line > 0 { // a builtin has no position
			frames = append(frames, d.frame(call.Name, call.Pos.Filename(), int(call.Pos.Line), int(call.Pos.Col)))
		}
	}
	return frames
}

func (d *diagnosis) frame(function, file string, line, column int) Frame {
	return Frame{Function: function, File: file, Line: line, Column: column, Source: d.file(file).line(line)}
}

// parseBacktrace reads the text of a starlark.CallStack, whose lines are like
// "  src/charm.star:12:5: in on_install".
func (d *diagnosis) parseBacktrace(text string) []Frame {
	var frames []Frame
	for line := range strings.Lines(text) {
		where, function, ok := strings.Cut(strings.TrimSpace(line), ": in ")
		if !ok {
			continue
		}
		where, column, ok := cutNumber(where)
		if !ok {
			continue // a builtin has no position
		}
		if file, number, ok := cutNumber(where); ok {
			frames = append(frames, d.frame(function, file, number, column))
		} else {
			frames = append(frames, d.frame(function, where, column, 0))
		}
	}
	return frames
}

// cutNumber cuts ":12" off the end of text.
func cutNumber(text string) (string, int, bool) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return text, 0, false
	}
	n, err := strconv.Atoi(text[at+1:])
	if err != nil || n < 1 {
		return text, 0, false
	}
	return text[:at], n, true
}

// A script is the text of one file, cut up as far as was wanted.
type script struct {
	text   string
	lines  []string
	tokens []token
}

// file reads a file once. A file that is not there, or that is not text, is
// empty.
func (d *diagnosis) file(name string) *script {
	if s, ok := d.files[name]; ok {
		return s
	}
	s := &script{}
	if d.source != nil && name != "" {
		if text, ok := d.source(name); ok {
			s = newScript(text)
		}
	}
	d.files[name] = s
	return s
}

func newScript(source []byte) *script {
	if !utf8.Valid(source) {
		return &script{}
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(source)) // as the interpreter does
	return &script{text: text, lines: strings.Split(text, "\n"), tokens: scanTokens(text)}
}

// line is the text of line n, counted from 1; empty when there is none.
func (s *script) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}
