package check

import (
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// This file finds what nobody uses.

// checkUnused says which names of a file are never used.
func (c *checker) checkUnused(f *file) {
	syntax.Walk(f.tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.LoadStmt:
			from := f.loads[n.ModuleName()]
			if from == nil {
				return false
			}
			names := from.globals()
			for i, to := range n.To {
				if !slices.Contains(names, n.From[i].Name) || strings.HasPrefix(n.From[i].Name, "_") {
					continue
				}
				if key := first(to); key != nil && c.uses[key] == 0 && !f.broken[to.Name] {
					c.at(f, to.NamePos, "unused-load", "delete it", "%s is loaded, and not used", to.Name)
				}
			}
			return false
		case *syntax.AssignStmt:
			c.unusedVariable(f, n)
		}
		return true
	})
}

func (c *checker) unusedVariable(f *file, n *syntax.AssignStmt) {
	if n.Op != syntax.EQ {
		return
	}
	unused := func(e syntax.Expr) *syntax.Ident {
		id, ok := e.(*syntax.Ident)
		if !ok || strings.HasPrefix(id.Name, "_") || first(id) == nil || c.uses[first(id)] > 0 || f.broken[id.Name] {
			return nil
		}
		if s := scope(id); s != resolve.Local && s != resolve.Cell {
			return nil
		}
		return id
	}
	if id := unused(n.LHS); id != nil {
		if !slices.ContainsFunc(c.defs[first(id)], func(d definition) bool { return d.of != nil || d.grows }) {
			c.at(f, id.NamePos, "unused-variable", "delete it, or start its name with _", "%s gets a value that is never used", id.Name)
		}
		return
	}
	tuple, ok := n.LHS.(*syntax.TupleExpr)
	call, isCall := n.RHS.(*syntax.CallExpr)
	if !ok || !isCall || len(tuple.List) != 2 {
		return
	}
	if _, _, caught := c.caught(f, c.eval(f, call.Fn), call.Args); caught {
		if id := unused(tuple.List[1]); id != nil {
			c.at(f, id.NamePos, "unchecked-failure", "look at it, or call it _ if it does not matter", "nobody looks at the failure %s", id.Name)
		}
	}
}

// A usage is what scripts mention.
type usage struct {
	texts, names map[string]bool
	// metadata: they go through the metadata; options, endpoints: through all of
	// these.
	metadata, options, endpoints bool
}

func (c *checker) usage() *usage {
	u := &usage{texts: map[string]bool{}, names: map[string]bool{}}
	for _, f := range c.modules {
		if f == nil {
			continue
		}
		syntax.Walk(f.tree, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.Literal:
				if s, ok := n.Value.(string); ok {
					u.texts[s] = true
				}
			case *syntax.Ident:
				u.names[n.Name] = true
			case *syntax.DotExpr:
				if x, ok := n.X.(*syntax.Ident); ok && scope(x) == resolve.Predeclared && !f.std {
					u.metadata = u.metadata || x.Name == "framework" && n.Name.Name == "meta"
				}
				u.all(c, f, n)
			case *syntax.IndexExpr:
				u.keyed(c, f, n.X, n.Y)
			case *syntax.ForStmt:
				u.through(c, f, n.X)
			case *syntax.ForClause:
				u.through(c, f, n.X)
			case *syntax.CallExpr:
				for _, arg := range n.Args {
					u.through(c, f, arg)
				}
				if dot, ok := n.Fn.(*syntax.DotExpr); ok && dot.Name.Name == "get" && len(n.Args) > 0 {
					u.keyed(c, f, dot.X, n.Args[0])
				}
			}
			return true
		})
	}
	return u
}

// all notes m.keys(), m.items() and m.values().
func (u *usage) all(c *checker, f *file, dot *syntax.DotExpr) {
	if name := dot.Name.Name; name == "keys" || name == "items" || name == "values" {
		u.through(c, f, dot.X)
	}
}

// keyed notes m[key] with a key that is not known.
func (u *usage) keyed(c *checker, f *file, x, key syntax.Expr) {
	if c.eval(f, key) == nil || typeName(c.eval(f, key)) == "str" && c.constantOf(f, key) == nil {
		u.through(c, f, x)
	}
}

func (c *checker) constantOf(f *file, e syntax.Expr) *constant {
	k, _ := c.eval(f, e).(*constant)
	return k
}

// through notes that all of a mapping may be used.
func (u *usage) through(c *checker, f *file, e syntax.Expr) {
	if o, ok := c.eval(f, e).(*object); ok && !f.std {
		u.options = u.options || o.keyed == anOption
		u.endpoints = u.endpoints || o.keyed == anEndpoint
	}
}

// checkDeclared says what the metadata declares and no script uses.
func (c *checker) checkDeclared() {
	if c.meta == nil || len(c.order) == 0 || slices.ContainsFunc(c.order, func(f *file) bool { return len(f.maybe) > 0 }) {
		return
	}
	u := c.usage()
	if u.metadata {
		return
	}
	observed := map[string]bool{}
	anyObserved := false
	for _, set := range c.events {
		anyObserved = anyObserved || set.some
		for _, s := range set.sources {
			anyObserved = anyObserved || s.any
			observed[s.def.Subject] = true
		}
	}
	underscored := func(name string) string { return strings.ReplaceAll(name, "-", "_") }
	for _, name := range c.declared(anOption) {
		if !c.full() && !u.options && !u.texts[name] && !u.names[underscored(name)] {
			c.inMetadata("unused-option", []string{"config", "options", name}, "use it, or delete it", "no script uses the option %q", name)
		}
	}
	for _, name := range c.declared(anEndpoint) {
		meta := c.meta.Relations[name]
		if !c.full() && !u.endpoints && !u.texts[name] && !observed[name] && !c.mentionsEvent(u, name) && meta.Interface != "juju-info" {
			c.inMetadata("unused-endpoint", []string{string(roleKey(meta.Role)), name}, "use it, or delete it", "no script uses the endpoint %q", name)
		}
	}
	for _, name := range c.declared(anAction) {
		if !c.full() && !observed[name] && !anyObserved && !u.names[underscored(name)+"_action"] {
			c.inMetadata("unobserved-action", []string{"actions", name}, "observe framework.on."+underscored(name)+"_action, or delete it", "nothing handles the action %q", name)
		}
	}
}

// mentionsEvent says whether a name of an endpoint's event is in a script.
func (c *checker) mentionsEvent(u *usage, endpoint string) bool {
	return slices.ContainsFunc(c.meta.EventsOf(endpoint), func(def model.EventDef) bool { return u.names[def.Name] })
}

func roleKey(r model.Role) model.Role {
	if r == model.Peer {
		return "peers"
	}
	return r
}
