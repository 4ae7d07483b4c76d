package check

import (
	"strings"

	"go.starlark.net/syntax"
)

// This file checks formats against the values that they are given.

// percent checks format % values.
func (w *walk) percent(e *syntax.BinaryExpr) {
	y := e.Y
	for {
		paren, ok := y.(*syntax.ParenExpr)
		if !ok {
			break
		}
		y = paren.X
	}
	if tuple, ok := y.(*syntax.TupleExpr); ok {
		w.format(e.X, tuple.List)
		return
	}
	switch typeName(w.c.eval(w.file, y)) {
	case "str", "int", "float", "bool", "list":
		w.format(e.X, []syntax.Expr{y})
	}
}

// format says that a format that is written out wants more or fewer values.
func (w *walk) format(at syntax.Expr, values []syntax.Expr) {
	k, ok := w.c.eval(w.file, at).(*constant)
	if !ok || len(k.any) != 1 || len(k.strings()) != 1 {
		return
	}
	for _, v := range values {
		if u, ok := v.(*syntax.UnaryExpr); ok && u.Op == syntax.STAR {
			return
		}
		if _, _, ok := named(v); ok {
			return
		}
	}
	wants, ok := conversions(k.strings()[0])
	if !ok || wants == len(values) {
		return
	}
	suggestion := ""
	if wants > len(values) {
		suggestion = "a % sign itself is written %%"
	}
	start, _ := at.Span()
	w.c.at(w.file, start, "wrong-format", suggestion, "the format wants %s, and gets %s", count(wants, "value"), count(len(values), "value"))
}

// conversions counts the values that a format wants; false if they have names,
// or if it is no format.
func conversions(format string) (int, bool) {
	n := 0
	for {
		_, after, found := strings.Cut(format, "%")
		if !found {
			return n, true
		}
		if after == "" || !strings.ContainsRune("%srdioxXeEfFgGc", rune(after[0])) {
			return 0, false
		}
		if after[0] != '%' {
			n++
		}
		format = after[1:]
	}
}
