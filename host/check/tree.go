package check

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// This file walks a file's tree and checks what is in it.

// A walk is where the walker is.
type walk struct {
	c    *checker
	file *file
	// above are the nodes around the one that is looked at, outermost first.
	above []syntax.Node
}

// parent is the node around the one that is looked at.
func (w *walk) parent() syntax.Node {
	if len(w.above) < 2 {
		return nil
	}
	return w.above[len(w.above)-2]
}

// function is the innermost function around, nil at the top level.
func (w *walk) function() syntax.Node {
	for i := len(w.above) - 2; i >= 0; i-- {
		switch w.above[i].(type) {
		case *syntax.DefStmt, *syntax.LambdaExpr:
			return w.above[i]
		}
	}
	return nil
}

func (c *checker) checkTree(f *file) {
	w := &walk{c: c, file: f}
	syntax.Walk(f.tree, func(n syntax.Node) bool {
		if n == nil {
			w.above = w.above[:len(w.above)-1]
			return true
		}
		if c.full() {
			return false
		}
		w.above = append(w.above, n)
		w.node(n)
		return true
	})
}

func (w *walk) node(n syntax.Node) {
	c, f := w.c, w.file
	switch n := n.(type) {
	case *syntax.DotExpr:
		w.dot(n)
	case *syntax.IndexExpr:
		w.index(n)
	case *syntax.CallExpr:
		w.call(n)
	case *syntax.AssignStmt:
		w.assign(n)
	case *syntax.IfStmt:
		w.condition(n.Cond)
		c.checkBlock(f, n.True)
		c.checkBlock(f, n.False)
	case *syntax.CondExpr:
		w.condition(n.Cond)
	case *syntax.IfClause:
		w.condition(n.Cond)
	case *syntax.ForStmt:
		c.checkBlock(f, n.Body)
	case *syntax.DefStmt:
		c.checkBlock(f, n.Body)
	case *syntax.UnaryExpr:
		if n.Op == syntax.NOT {
			w.condition(n.X)
		}
	case *syntax.BinaryExpr:
		switch n.Op {
		case syntax.AND, syntax.OR:
			w.condition(n.X)
		case syntax.PERCENT:
			w.percent(n)
		case syntax.EQL, syntax.NEQ, syntax.LT, syntax.GT, syntax.LE, syntax.GE, syntax.PLUS, syntax.MINUS:
			w.operand(n.X)
			w.operand(n.Y)
		}
	case *syntax.ExprStmt:
		w.statement(n)
	}
}

// condition checks what is asked whether it is true.
func (w *walk) condition(e syntax.Expr) { w.operand(e) }

// operand says that a method is used as if it had been called.
func (w *walk) operand(e syntax.Expr) {
	dot, ok := e.(*syntax.DotExpr)
	if !ok {
		return
	}
	if m, ok := w.c.eval(w.file, dot).(*method); ok {
		w.c.at(w.file, dot.Name.NamePos, "method-not-called", fmt.Sprintf("call it: %s()", dot.Name.Name),
			"%s is a function, which is always true; it is not called", m)
	}
}

// statement checks an expression whose value nobody takes.
func (w *walk) statement(n *syntax.ExprStmt) {
	dot, ok := n.X.(*syntax.DotExpr)
	if !ok {
		return
	}
	if m, ok := w.c.eval(w.file, dot).(*method); ok {
		w.c.at(w.file, dot.Name.NamePos, "method-not-called", fmt.Sprintf("call it: %s()", dot.Name.Name), "%s is not called", m)
	}
}

// dot checks that x has the attribute.
func (w *walk) dot(e *syntax.DotExpr) {
	c, f := w.c, w.file
	x := c.eval(f, e.X)
	name := e.Name.Name
	if _, known := c.attribute(x, name); known || w.asksFor(name) {
		return
	}
	names := c.attributes(x)
	switch x := x.(type) {
	case eventsValue:
		if !w.guardedEvent(name) {
			c.at(f, e.Name.NamePos, "unknown-event", nearestEvent(name, names), "the charm has no event %q", name)
		}
		return
	case *prefixedValue:
		c.at(f, e.Name.NamePos, "unknown-event", nearest(name, names), "%s has no event %q", x.subject, name)
		return
	case *eventValue:
		if len(x.set.sources) > 1 {
			c.at(f, e.Name.NamePos, "unknown-attribute", nearest(name, names), "%s has an attribute %q", c.describe(x), name)
			return
		}
	case *tupleValue:
		suggestion := ""
		if len(x.elems) == 2 && typeName(x.elems[1]) == "failure" {
			suggestion = "take apart what catch() returns: value, err = catch(…)"
		}
		c.at(f, e.Name.NamePos, "unknown-attribute", suggestion, "a tuple has no attribute %q", name)
		return
	}
	c.at(f, e.Name.NamePos, "unknown-attribute", nearest(name, names), "%s has no attribute %q", c.describe(x), name)
}

// nearestEvent suggests an event; to list them all would be too much.
func nearestEvent(name string, names []string) string {
	if near := model.Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// guardedEvent says whether the file asks if there is what the event is about.
func (w *walk) guardedEvent(name string) bool {
	for guard := range w.file.guarded {
		if strings.HasPrefix(name, strings.ReplaceAll(guard, "-", "_")+"_") {
			return true
		}
	}
	return false
}

// asksFor says whether the function around asks hasattr or getattr for a name.
func (w *walk) asksFor(name string) bool {
	around := w.function()
	if around == nil {
		return false
	}
	found := false
	syntax.Walk(around, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 1 {
			if fn, ok := call.Fn.(*syntax.Ident); ok && (fn.Name == "hasattr" || fn.Name == "getattr" || fn.Name == "dir") {
				if k, ok := call.Args[1].(*syntax.Literal); !ok || k.Value == name {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// index checks x[key] where x has the names of the metadata as keys.
func (w *walk) index(e *syntax.IndexExpr) {
	c, f := w.c, w.file
	key := c.eval(f, e.Y)
	if x, ok := c.eval(f, e.X).(*fieldsValue); ok && (x.typ == "record" || x.typ == "struct") && typeName(key) == "str" {
		suggestion := "write x.name, or getattr(x, name)"
		if k, ok := key.(*constant); ok && len(k.any) == 1 {
			suggestion = "write ." + k.strings()[0]
		}
		c.at(f, e.Lbrack, "unknown-attribute", suggestion, "%s has no keys, but attributes", article(x.typ))
		return
	}
	if c.meta == nil {
		return
	}
	switch x := c.eval(f, e.X).(type) {
	case eventsValue:
		k, ok := key.(*constant)
		if !ok {
			return
		}
		var known []string
		for _, def := range c.meta.Events() {
			if def.Subject != "" {
				known = append(known, def.Subject)
			}
		}
		slices.Sort(known)
		known = slices.Compact(known)
		for _, name := range k.strings() {
			if len(c.meta.EventsOf(name)) > 0 {
				known = append(known, name) // with _ for -
			}
		}
		c.checkAmong(f, e.Y, anEndpointOrOther(w.parent()), key, known, "the charm", false)
	case *object:
		c.checkKey(f, e.Y, x, key)
	}
}

// anEndpointOrOther is what on["db"].relation_changed names by its event.
func anEndpointOrOther(parent syntax.Node) subject {
	if dot, ok := parent.(*syntax.DotExpr); ok {
		name := dot.Name.Name
		switch {
		case strings.HasPrefix(name, "pebble_"):
			return aContainer
		case strings.HasPrefix(name, "storage_"):
			return aStorage
		case name == "action":
			return anAction
		}
	}
	return anEndpoint
}

// checkKey checks a key of a mapping whose keys are names of the metadata, or
// of an action's parameters.
func (c *checker) checkKey(f *file, at syntax.Expr, x *object, key value) {
	switch {
	case x.keyed != "":
		c.checkName(f, at, x.keyed, key)
	case x.action != nil:
		c.checkAmong(f, at, aParameter, key, parameters(x.action), "the action "+x.action.Name, x.action.AdditionalProperties == nil || *x.action.AdditionalProperties)
	}
}

func parameters(a *model.ActionMeta) []string {
	var names []string
	for name := range a.Parameters {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// assign checks that the target can be assigned to.
func (w *walk) assign(n *syntax.AssignStmt) {
	c, f := w.c, w.file
	if at, ok := n.LHS.(*syntax.IndexExpr); ok {
		switch x := c.eval(f, at.X); typeName(x) {
		case "databag":
			w.unstable(n.RHS)
		case "mapping":
			c.at(f, at.Lbrack, "read-only-attribute", "", "cannot set what is in %s: it is read-only", article(typeName(x)))
		}
	}
	dot, ok := n.LHS.(*syntax.DotExpr)
	if !ok {
		return
	}
	name := dot.Name.Name
	switch x := c.eval(f, dot.X).(type) {
	case *object:
		m := x.doc.members[name]
		if m == nil {
			return // dot tells
		}
		if !m.Writable {
			c.at(f, dot.Name.NamePos, "read-only-attribute", w.insteadOf(m), "cannot set %s.%s: it is read-only", x.doc.name, name)
			return
		}
		w.argumentType(x.doc.name, param{name: name, typ: m.typ}, n.RHS)
		if name == "status" {
			w.status(dot.Name.NamePos, x.doc.name, n.RHS)
		}
	case *fieldsValue:
		if !x.writable && slices.Contains(x.names, name) {
			c.at(f, dot.Name.NamePos, "read-only-attribute", "make a new one", "cannot set .%s: %s does not change", name, article(x.typ))
		}
		if x.writable && w.function() == nil {
			c.at(f, dot.Name.NamePos, "read-only-attribute", "set it in a handler, or give it a default", "cannot set .%s while the charm loads", name)
		}
	case *eventValue:
		c.at(f, dot.Name.NamePos, "read-only-attribute", "", "cannot set .%s of an event", name)
	}
}

func (w *walk) insteadOf(m *memberDoc) string {
	setter := "set_" + m.Name
	if m.owner.members[setter] != nil {
		return "call " + setter + "()"
	}
	return ""
}

// checkBlock says that statements can never run.
func (c *checker) checkBlock(f *file, block []syntax.Stmt) {
	for i, stmt := range block[:max(0, len(block)-1)] {
		if leaves(stmt) {
			start, _ := block[i+1].Span()
			c.at(f, start, "unreachable-code", "delete it, or move what comes before it", "this is never run: the statement before it leaves")
			return
		}
	}
}

// leaves says whether nothing after a statement is run.
func leaves(stmt syntax.Stmt) bool {
	switch s := stmt.(type) {
	case *syntax.ReturnStmt:
		return true
	case *syntax.BranchStmt:
		return s.Token != syntax.PASS
	case *syntax.ExprStmt:
		if call, ok := s.X.(*syntax.CallExpr); ok {
			if fn, ok := call.Fn.(*syntax.Ident); ok && (fn.Name == "fail" || fn.Name == "throw") && first(fn) == nil {
				return true
			}
		}
	case *syntax.IfStmt:
		return len(s.True) > 0 && len(s.False) > 0 && leaves(s.True[len(s.True)-1]) && leaves(s.False[len(s.False)-1])
	}
	return false
}
