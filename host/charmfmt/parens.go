package charmfmt

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"go.starlark.net/syntax"
)

// withParens puts brackets around conditions that are items of a tuple without
// any, as in `return a, b if c else d`, which buildtools cannot read.
func withParens(src []byte, file *syntax.File) []byte {
	type insertion struct {
		at   syntax.Position
		text string
	}
	var insertions []insertion
	inParens := map[syntax.Expr]bool{}
	syntax.Walk(file, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParenExpr); ok {
			inParens[p.X] = true
		}
		tuple, ok := n.(*syntax.TupleExpr)
		if !ok || tuple.Lparen.IsValid() || inParens[tuple] {
			return true
		}
		for _, item := range tuple.List {
			if _, ok := item.(*syntax.CondExpr); ok {
				start, _ := item.Span()
				insertions = append(insertions, insertion{start, "("}, insertion{endOf(item), ")"})
			}
		}
		return true
	})
	if len(insertions) == 0 {
		return src
	}
	slices.SortStableFunc(insertions, func(a, b insertion) int {
		if a.at.Line != b.at.Line {
			return int(a.at.Line - b.at.Line)
		}
		return int(a.at.Col - b.at.Col)
	})
	var out []byte
	for i, line := range bytes.SplitAfter(src, []byte("\n")) {
		column := int32(1)
		for len(line) > 0 || len(insertions) > 0 {
			for len(insertions) > 0 && insertions[0].at.Line == int32(i+1) && insertions[0].at.Col <= column {
				out = append(out, insertions[0].text...)
				insertions = insertions[1:]
			}
			if len(line) == 0 {
				break
			}
			_, size := utf8.DecodeRune(line)
			out = append(out, line[:size]...)
			line = line[size:]
			column++
		}
	}
	return out
}

// endOf is the place behind an expression. Span leaves out the last bracket of
// x[i] and x[i:j].
func endOf(e syntax.Expr) syntax.Position {
	switch e := e.(type) {
	case *syntax.CondExpr:
		return endOf(e.False)
	case *syntax.BinaryExpr:
		return endOf(e.Y)
	case *syntax.UnaryExpr:
		if e.X != nil {
			return endOf(e.X)
		}
	case *syntax.LambdaExpr:
		return endOf(e.Body)
	case *syntax.IndexExpr:
		return behind(e.Rbrack)
	case *syntax.SliceExpr:
		return behind(e.Rbrack)
	}
	_, end := e.Span()
	return end
}

func behind(bracket syntax.Position) syntax.Position {
	bracket.Col++
	return bracket
}
