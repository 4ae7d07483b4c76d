package check

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/syntax"
)

// This file checks the arguments of calls.

// call checks a call, and of catch(fn, x) the call of fn too.
func (w *walk) call(e *syntax.CallExpr) {
	c, f := w.c, w.file
	fn := c.eval(f, e.Fn)
	if inner, rest, ok := c.caught(f, fn, e.Args); ok {
		at := e.Args[0]
		if dot, ok := at.(*syntax.DotExpr); ok {
			w.uncaught(dot.X)
		}
		if call, ok := at.(*syntax.CallExpr); ok {
			if _, isFunction := inner.(*method); !isFunction {
				if _, isFunction := inner.(*function); !isFunction && inner != nil {
					start, _ := call.Span()
					c.at(f, start, "wrong-argument", "write catch(fn, arg): the function, and then its arguments", "catch wants a function, and what is given is what a call returned")
					return
				}
			}
		}
		w.arguments(at, inner, rest)
		return
	}
	w.arguments(e.Fn, fn, e.Args)
}

// arguments checks what a function is called with.
func (w *walk) arguments(at syntax.Expr, fn value, args []syntax.Expr) {
	switch fn := fn.(type) {
	case *method:
		w.builtinCall(at, fn, args)
	case *function:
		w.ownCall(at, fn, args)
	case *constant, *dictValue, *listValue, *tupleValue, *fieldsValue, *sourceValue:
		w.c.at(w.file, callPos(at), "wrong-argument", "", "%s cannot be called", article(typeName(fn)))
	case *object:
		if dot, ok := at.(*syntax.DotExpr); ok && slices.Contains([]string{"str", "int", "float", "bool", "bytes", "list", "dict", "mapping"}, fn.doc.name) {
			w.c.at(w.file, callPos(at), "wrong-argument", fmt.Sprintf("write .%s without ()", dot.Name.Name), "%s cannot be called", article(fn.doc.name))
		}
	}
}

// callPos is where the name of a function is.
func callPos(at syntax.Expr) syntax.Position {
	if dot, ok := at.(*syntax.DotExpr); ok {
		return dot.Name.NamePos
	}
	start, _ := at.Span()
	return start
}

func (w *walk) builtinCall(at syntax.Expr, m *method, args []syntax.Expr) {
	c, f := w.c, w.file
	name := m.String()
	if s, ok := m.self.(*sourceValue); ok && m.member.Name == "emit" {
		if !s.open {
			w.bindArguments(at, s.def.Name+".emit", emitSignature(s.fields), args)
		}
		return
	}
	if m.member.sig != nil {
		w.bindArguments(at, name, m.member.sig, args)
	}
	if of, ok := namedArguments[name]; ok {
		if arg := argument(args, of.place, of.name); arg != nil {
			c.checkName(f, arg, of.of, c.eval(f, arg))
		}
	}
	if o, ok := m.self.(*object); ok && (m.member.Name == "get") && (o.keyed != "" || o.action != nil) {
		if arg := argument(args, 0, "key"); arg != nil {
			c.checkKey(f, arg, o, c.eval(f, arg))
		}
	}
	if d, ok := m.self.(*object); ok && d.action == nil {
		w.layerArgument(name, args)
	}
	w.paramsSchema(m, args)
	w.practices(at, m, args)
}

func emitSignature(fields []string) *signature {
	s := &signature{}
	for _, name := range fields {
		s.params = append(s.params, param{name: name, byName: true})
	}
	return s
}

// ownCall checks a call of one of the charm's functions.
func (w *walk) ownCall(at syntax.Expr, fn *function, args []syntax.Expr) {
	s := &signature{}
	byName := false
	for _, p := range fn.params() {
		switch p := p.(type) {
		case *syntax.Ident:
			s.params = append(s.params, param{name: p.Name, byName: byName})
		case *syntax.BinaryExpr:
			s.params = append(s.params, param{name: p.X.(*syntax.Ident).Name, byName: byName, optional: true})
		case *syntax.UnaryExpr:
			switch {
			case p.Op == syntax.STARSTAR:
				s.kwargs = true
			case p.X != nil:
				s.args, byName = true, true
			default:
				byName = true
			}
		}
	}
	w.bindArguments(at, fn.name(), s, args)
}

// bindArguments says which arguments a function does not take, and which it
// lacks.
func (w *walk) bindArguments(at syntax.Expr, name string, s *signature, args []syntax.Expr) {
	c, f := w.c, w.file
	given := map[string]bool{}
	place, open := 0, false
	for _, arg := range args {
		if u, ok := arg.(*syntax.UnaryExpr); ok && (u.Op == syntax.STAR || u.Op == syntax.STARSTAR) {
			open = true
			continue
		}
		start, _ := arg.Span()
		if key, inner, ok := named(arg); ok {
			i, known := s.param(key)
			switch {
			case !known && s.kwargs:
			case !known:
				c.at(f, start, "unknown-argument", nearest(key, s.names()), "%s takes no argument %q", name, key)
			case given[key]:
				c.at(f, start, "wrong-argument", "", "%s gets two values for %q", name, key)
			default:
				w.argumentType(name, s.params[i], inner)
			}
			given[key] = true
			continue
		}
		if most := s.positional(); place < most {
			given[s.params[place].name] = true
			w.argumentType(name, s.params[place], arg)
		} else if place == most && !s.args && !open {
			suggestion := ""
			if rest := s.names()[most:]; len(rest) > 0 && len(rest) < 12 {
				suggestion = "by name: " + strings.Join(rest, ", ")
			}
			c.at(f, start, "wrong-argument", suggestion, "%s takes %s by position", name, count(most, "argument"))
		}
		place++
	}
	if open {
		return
	}
	var missing []string
	for _, p := range s.params {
		if !p.optional && !given[p.name] {
			missing = append(missing, p.name)
		}
	}
	if len(missing) > 0 {
		c.at(f, callPos(at), "wrong-argument", "", "%s is called without %s", name, strings.Join(missing, ", "))
	}
}

func (s *signature) names() []string {
	var names []string
	for _, p := range s.params {
		names = append(names, p.name)
	}
	return names
}

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// argumentType says that an argument is of a wrong type, where both are
// certain.
func (w *walk) argumentType(function string, p param, arg syntax.Expr) {
	given := typeName(w.c.eval(w.file, arg))
	if given == "" || given == "None" || !w.c.comparable(given) {
		return
	}
	wanted := []string{p.typ.name}
	for _, t := range p.typ.or {
		wanted = append(wanted, t.name)
	}
	for _, name := range wanted {
		if name == given || name == "float" && given == "int" || !w.c.comparable(name) {
			return
		}
		if name == "list" && slices.Contains([]string{"tuple", "set", "dict", "range"}, given) {
			return // it can be gone through
		}
	}
	start, _ := arg.Span()
	suggestion := ""
	if p.name == "command" && given == "str" {
		suggestion = "write the program and its arguments as a list: [\"ls\", \"-l\"]"
	}
	if p.name == "status" && given == "str" && slices.Contains(wanted, "status") {
		suggestion = "write model.ActiveStatus(), or another of model's statuses"
	}
	w.c.at(w.file, start, "wrong-argument", suggestion, "%s wants %s for %s, and gets %s", function, strings.Join(wanted, " or "), p.name, given)
}

// comparable says whether a type's name tells what fits it.
func (c *checker) comparable(name string) bool {
	if slices.Contains([]string{"mapping", "struct", "stored", "record", "kind", "value", "function", "events", "databag", "schema_type", "record_type"}, name) {
		return false
	}
	return c.builtins.types[name] != nil
}

// paramsSchema checks the fields of a schema of an action's parameters.
func (w *walk) paramsSchema(m *method, args []syntax.Expr) {
	c, f := w.c, w.file
	if c.meta == nil {
		return
	}
	arg := argument(args, 0, "schema")
	if arg == nil {
		return
	}
	t, ok := c.eval(f, arg).(*recordType)
	if !ok {
		return
	}
	switch m.String() {
	case "event.load_params":
		e, ok := m.self.(*eventValue)
		if !ok || len(e.set.sources) != 1 || e.set.some {
			return
		}
		if a := c.meta.Actions[e.set.sources[0].def.Subject]; a != nil {
			c.checkFields(t, aParameter, parameters(a), "the action "+a.Name)
		}
	case "model.load_config":
		c.checkFields(t, anOption, c.declared(anOption), "the charm")
	}
}

// checkFields says which fields of a schema nothing fills.
func (c *checker) checkFields(t *recordType, of subject, known []string, owner string) {
	for _, name := range t.names {
		field := t.fields[name]
		filled := slices.ContainsFunc(known, func(k string) bool {
			if field.alias != "" {
				return k == field.alias
			}
			return k == name || strings.ReplaceAll(k, "-", "_") == name
		})
		if !filled {
			wanted := field.alias
			if wanted == "" {
				wanted = strings.ReplaceAll(name, "_", "-")
			}
			c.at(field.file, field.pos, of.rule(), nearest(wanted, known), "%s has no %s for the field %s", owner, of, name)
		}
	}
}
