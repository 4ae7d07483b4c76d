package check

import (
	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// This file tells where names get their values.

// A definition is one of the places where a name gets a value.
type definition struct {
	file *file
	// value is the expression behind =; path are the indices that lead to the
	// name if it is unpacked.
	value syntax.Expr
	path  []int
	// each says that the name stands for the elements of value, one by one.
	each bool
	// function is the def that the name is of.
	function *syntax.DefStmt
	// parameter is the number of a parameter of the function of, which is a
	// DefStmt or LambdaExpr; kind is "", "*" or "**".
	of        syntax.Node
	parameter int
	kind      string
	// load names the global of a file.
	load *file
	from string
	// grows is for x += 1, after which nobody knows.
	grows bool
}

// first identifies the variable that a name stands for; nil if it is none of
// the file's.
func first(id *syntax.Ident) *syntax.Ident {
	if b, ok := id.Binding.(*resolve.Binding); ok {
		return b.First
	}
	return nil
}

// scope is how a name was resolved.
func scope(id *syntax.Ident) resolve.Scope {
	if b, ok := id.Binding.(*resolve.Binding); ok {
		return b.Scope
	}
	return resolve.Undefined
}

// index notes the definitions of a file.
func (c *checker) index(f *file) {
	if m, ok := f.tree.Module.(*resolve.Module); ok {
		for _, g := range m.Globals {
			c.globals[g.First] = globalName{f, g.First.Name}
		}
	}
	syntax.Walk(f.tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			if n.Op == syntax.EQ {
				c.bind(f, n.LHS, definition{file: f, value: n.RHS})
			} else {
				c.bind(f, n.LHS, definition{file: f, grows: true})
			}
		case *syntax.ForStmt:
			c.bind(f, n.Vars, definition{file: f, value: n.X, each: true})
		case *syntax.ForClause:
			c.bind(f, n.Vars, definition{file: f, value: n.X, each: true})
		case *syntax.DefStmt:
			d := definition{file: f, function: n}
			c.bind(f, n.Name, d)
			c.nodes[handlerID(f.name, n.Name.Name, int(n.Def.Line))] = d
			c.parameters(f, n, n.Params)
		case *syntax.LambdaExpr:
			c.parameters(f, n, n.Params)
		case *syntax.LoadStmt:
			for i, to := range n.To {
				if key := first(to); key != nil {
					c.binding[to] = true
					c.defs[key] = append(c.defs[key], definition{file: f, load: f.loads[n.ModuleName()], from: n.From[i].Name})
				}
			}
			return false
		case *syntax.DotExpr:
			if id, ok := n.X.(*syntax.Ident); ok && first(id) != nil {
				switch n.Name.Name {
				case "append", "extend", "insert", "update", "setdefault", "pop", "popitem", "clear", "remove", "add":
					c.mutated[first(id)] = true
				}
			}
		}
		return true
	})
}

// bind notes that a target is assigned to.
func (c *checker) bind(f *file, target syntax.Expr, d definition) {
	switch t := target.(type) {
	case *syntax.Ident:
		if key := first(t); key != nil {
			c.defs[key] = append(c.defs[key], d)
			c.binding[t] = !d.grows // x += 1 uses x
		}
	case *syntax.ParenExpr:
		c.bind(f, t.X, d)
	case *syntax.TupleExpr:
		c.unpack(f, t.List, d)
	case *syntax.ListExpr:
		c.unpack(f, t.List, d)
	case *syntax.IndexExpr:
		if id, ok := t.X.(*syntax.Ident); ok && first(id) != nil {
			c.mutated[first(id)] = true
		}
	}
}

func (c *checker) unpack(f *file, targets []syntax.Expr, d definition) {
	for i, t := range targets {
		inner := d
		inner.path = append(append([]int(nil), d.path...), i)
		c.bind(f, t, inner)
	}
}

func (c *checker) parameters(f *file, of syntax.Node, params []syntax.Expr) {
	for i, p := range params {
		d := definition{file: f, of: of, parameter: i}
		switch p := p.(type) {
		case *syntax.Ident:
			c.bind(f, p, d)
		case *syntax.BinaryExpr:
			d.value = p.Y
			c.bind(f, p.X, d)
		case *syntax.UnaryExpr:
			if id, ok := p.X.(*syntax.Ident); ok {
				d.kind = p.Op.String()
				c.bind(f, id, d)
			}
		}
	}
}
