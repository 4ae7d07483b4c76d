package host

import "go.starlark.net/syntax"

// The interpreter has no hook for what counts the statements of a charm or
// stops at them, so the syntax tree of a file gets an expression before each
// statement. These are at the statement's own position and never fail by
// themselves: no position, and no traceback, is another.

// instrumented puts the statement that before returns before each one of a
// block. A text at its beginning is a docstring and has to stay there.
func instrumented(block []syntax.Stmt, before func(syntax.Stmt) syntax.Stmt) []syntax.Stmt {
	all := make([]syntax.Stmt, 0, 2*len(block))
	for i, stmt := range block {
		if i == 0 && isText(stmt) {
			all = append(all, stmt)
			continue
		}
		all = append(all, before(stmt), stmt)
		switch s := stmt.(type) {
		case *syntax.DefStmt:
			s.Body = instrumented(s.Body, before)
		case *syntax.IfStmt:
			s.True, s.False = instrumented(s.True, before), instrumented(s.False, before)
		case *syntax.ForStmt:
			s.Body = instrumented(s.Body, before)
		case *syntax.WhileStmt:
			s.Body = instrumented(s.Body, before)
		}
	}
	return all
}

func isText(stmt syntax.Stmt) bool {
	e, ok := stmt.(*syntax.ExprStmt)
	if !ok {
		return false
	}
	literal, ok := e.X.(*syntax.Literal)
	return ok && literal.Token == syntax.STRING
}
