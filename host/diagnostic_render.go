package host

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// This file renders diagnostics: for a terminal, for CI, and as the traceback
// that goes to Juju's log. For JSON, encode the Diagnostic itself.

// maxSourceLen is how much of a source line is shown, in characters.
const maxSourceLen = 160

// Render writes the diagnostic for a terminal, over several lines that end in
// a line break: where and what, the source line with a caret, the call stack
// when it has more than one function, note and help.
func (d Diagnostic) Render(color bool) string {
	paint := Painter(color)
	var out strings.Builder
	if where := d.position(); where != "" {
		out.WriteString(paint(Bold, where+":") + " ")
	}
	severity := BoldRed
	if d.Severity == SeverityWarning {
		severity = BoldAmber
	}
	out.WriteString(paint(severity, d.Severity.String()+":") + " " + indented(d.Message, "    ") + "\n")
	if source, caret := excerpt(d.Source, d.Column); strings.TrimSpace(source) != "" {
		out.WriteString("    " + source + "\n")
		if caret != "" {
			out.WriteString("    " + paint(severity, caret) + "\n")
		}
	}
	if len(d.Frames) > 1 {
		out.WriteString(traceback(d.Frames, d.Skipped))
	}
	if d.Note != "" {
		out.WriteString(paint(BoldCyan, "note:") + " " + indented(d.Note, "    ") + "\n")
	}
	if d.Suggestion != "" {
		out.WriteString(paint(BoldCyan, "help:") + " " + indented(d.Suggestion, "    ") + "\n")
	}
	return out.String()
}

// GitHub writes the diagnostic as a workflow command of GitHub Actions, one
// line without a line break, which annotates the line of the file.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func (d Diagnostic) GitHub() string {
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	var where []string
	if d.File != "" {
		where = append(where, "file="+property.Replace(Printable(d.File)))
	}
	if d.Line > 0 {
		where = append(where, fmt.Sprintf("line=%d", d.Line))
	}
	if d.Column > 0 {
		where = append(where, fmt.Sprintf("col=%d", d.Column))
	}
	command := "::" + d.Severity.String()
	if len(where) > 0 {
		command += " " + strings.Join(where, ",")
	}
	text := Printable(d.Message)
	if d.Note != "" {
		text += "\nnote: " + Printable(d.Note)
	}
	if d.Suggestion != "" {
		text += "\nhelp: " + Printable(d.Suggestion)
	}
	return command + "::" + data.Replace(text)
}

// position is "file:line:column", as far as it is known.
func (d Diagnostic) position() string {
	where := Printable(d.File)
	if where != "" && d.Line > 0 {
		where += fmt.Sprintf(":%d", d.Line)
		if d.Column > 0 {
			where += fmt.Sprintf(":%d", d.Column)
		}
	}
	return where
}

// Traceback writes what err is about for Juju's log: the charm's own call
// stack, outermost first, and at the end the error. source is that of
// [Diagnose]. It is empty for no error.
func Traceback(err error, source func(file string) ([]byte, bool)) string {
	return tracebackOf(Diagnose(err, source))
}

func tracebackOf(found []Diagnostic) string {
	var out strings.Builder
	for _, d := range found {
		frames := d.Frames
		if len(frames) == 0 && d.File != "" {
			frames = []Frame{{File: d.File, Line: d.Line, Column: d.Column, Source: d.Source}}
		}
		if len(frames) > 0 {
			out.WriteString("Traceback (most recent call last):\n")
			out.WriteString(traceback(frames, d.Skipped))
		}
		if d.Note != "" {
			out.WriteString("Note: " + indented(d.Note, "  ") + "\n")
		}
		if d.Suggestion != "" {
			out.WriteString("Help: " + indented(d.Suggestion, "  ") + "\n")
		}
		out.WriteString("Error: " + indented(d.Message, "  ") + "\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// traceback writes frames, two lines for each.
func traceback(frames []Frame, skipped int) string {
	var out strings.Builder
	for i, frame := range frames {
		if skipped > 0 && i == maxFrames/2 {
			fmt.Fprintf(&out, "  … %d more calls …\n", skipped)
		}
		where := Diagnostic{File: frame.File, Line: frame.Line, Column: frame.Column}.position()
		if frame.Function != "" {
			where += ": in " + Printable(frame.Function)
		}
		out.WriteString("  " + where + "\n")
		if source, _ := excerpt(strings.TrimLeft(frame.Source, " \t"), 0); source != "" {
			out.WriteString("    " + source + "\n")
		}
	}
	return out.String()
}

// excerpt is the line as it is shown, and below it the caret for a column. Of
// a long line it is the part around the column.
func excerpt(line string, column int) (source, caret string) {
	line = strings.TrimRight(line, " \t\r")
	runes := []rune(line)
	at := column - 1
	if at > len(runes) || at < 0 {
		at = -1
	}
	from, to := 0, len(runes)
	if len(runes) > maxSourceLen {
		from = min(max(0, at-maxSourceLen/2), len(runes)-maxSourceLen)
		to = from + maxSourceLen
	}
	var above, below strings.Builder
	if from > 0 {
		above.WriteString("…")
		below.WriteByte(' ')
	}
	for i := from; i < to; i++ {
		r := runes[i]
		pad := ' '
		switch {
		case r == '\t':
			pad = '\t'
		case steers(r):
			r = utf8.RuneError
		}
		above.WriteRune(r)
		if i < at {
			below.WriteRune(pad)
		}
	}
	if to < len(runes) {
		above.WriteString("…")
	}
	if at < 0 {
		return above.String(), ""
	}
	return above.String(), below.String() + "^"
}

// indented is text for a place that starts in the middle of a line.
func indented(text, indent string) string {
	return strings.ReplaceAll(strings.TrimRight(Printable(text), "\n"), "\n", "\n"+indent)
}
