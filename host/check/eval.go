package check

import (
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// This file follows values through a charm's files, as far as they are certain.

// eval is what is known of an expression's value.
func (c *checker) eval(f *file, e syntax.Expr) value {
	if v, ok := c.memo[e]; ok {
		return v
	}
	c.memo[e] = nil // of what leads back to itself, nothing is known
	v := c.evalNew(f, e)
	c.memo[e] = v
	return v
}

func (c *checker) evalNew(f *file, e syntax.Expr) value {
	switch e := e.(type) {
	case *syntax.ParenExpr:
		return c.eval(f, e.X)
	case *syntax.Literal:
		return literal(e)
	case *syntax.Ident:
		return c.evalName(f, e)
	case *syntax.ListExpr:
		return &listValue{f, e.List}
	case *syntax.TupleExpr:
		t := &tupleValue{}
		for _, elem := range e.List {
			t.elems = append(t.elems, c.eval(f, elem))
		}
		return t
	case *syntax.DictExpr:
		return &dictValue{f, e}
	case *syntax.Comprehension:
		if e.Curly {
			return c.typed("dict")
		}
		return c.typed("list")
	case *syntax.CondExpr:
		return join([]value{c.eval(f, e.True), c.eval(f, e.False)})
	case *syntax.LambdaExpr:
		return c.functionOf(f, e)
	case *syntax.UnaryExpr:
		if e.Op == syntax.NOT {
			return c.typed("bool")
		}
	case *syntax.BinaryExpr:
		return c.evalBinary(f, e)
	case *syntax.DotExpr:
		v, _ := c.attribute(c.eval(f, e.X), e.Name.Name)
		return v
	case *syntax.IndexExpr:
		return c.evalIndex(f, e)
	case *syntax.CallExpr:
		fn, args := c.callee(f, e)
		return c.result(f, fn, args)
	}
	return nil
}

// typed is a value of a builtin type.
func (c *checker) typed(name string) value { return c.typeValue(typeExpr{name: name}) }

// typeValue is a value of that type.
func (c *checker) typeValue(t typeExpr) value {
	if len(t.or) > 0 {
		return nil
	}
	if t.name == "tuple" && len(t.of) > 0 {
		v := &tupleValue{}
		for _, inner := range t.of {
			v.elems = append(v.elems, c.typeValue(inner))
		}
		return v
	}
	doc := c.builtins.types[t.name]
	if doc == nil {
		return nil
	}
	o := &object{doc: doc}
	if len(t.of) > 0 {
		o.elem = t.of[len(t.of)-1]
	}
	return o
}

func literal(e *syntax.Literal) value {
	switch e.Token {
	case syntax.STRING, syntax.INT, syntax.FLOAT:
		return &constant{any: []any{e.Value}, at: []syntax.Position{e.TokenPos}}
	}
	return nil
}

func (c *checker) evalName(f *file, id *syntax.Ident) value {
	switch scope(id) {
	case resolve.Predeclared:
		if m := c.builtins.functions.members[id.Name]; m != nil {
			return &method{member: m}
		}
		if m := c.builtins.modules[id.Name]; m != nil {
			return &object{doc: m}
		}
		if f.std && id.Name == "native" {
			return nativeValue{}
		}
		return nil
	case resolve.Universal:
		switch id.Name {
		case "None":
			return nothing{}
		case "True", "False":
			return &constant{any: []any{id.Name == "True"}, at: []syntax.Position{id.NamePos}}
		}
		if m := c.builtins.functions.members[id.Name]; m != nil {
			return &method{member: m}
		}
		return nil
	}
	if key := first(id); key != nil {
		return c.variable(key)
	}
	return nil
}

// nativeValue is native, which files of the standard library see.
type nativeValue struct{}

// variable is what is known of a variable in all of its life.
func (c *checker) variable(key *syntax.Ident) value {
	var all []value
	for _, d := range c.defs[key] {
		all = append(all, c.defined(d))
	}
	v := join(all)
	if v == nil {
		return c.real(key)
	}
	if c.mutated[key] {
		switch v.(type) {
		case *listValue:
			return c.typed("list")
		case *dictValue:
			return c.typed("dict")
		}
	}
	return v
}

// defined is the value that a definition gives.
func (c *checker) defined(d definition) value {
	var v value
	switch {
	case d.grows:
		return nil
	case d.function != nil:
		return c.functionOf(d.file, d.function)
	case d.load != nil:
		return c.global(d.load, d.from)
	case d.of != nil:
		return c.parameter(d)
	case d.value == nil:
		return nil
	case d.each:
		v = c.element(c.eval(d.file, d.value))
	default:
		v = c.eval(d.file, d.value)
	}
	for _, i := range d.path {
		v = c.item(v, i)
	}
	return v
}

// functionOf is the function of a def or lambda, the same for each.
func (c *checker) functionOf(f *file, node syntax.Node) *function {
	fn := c.functions[node]
	if fn == nil {
		fn = &function{f, node}
		c.functions[node] = fn
	}
	return fn
}

// global is the value of a file's global.
func (c *checker) global(f *file, name string) value {
	if m, ok := f.tree.Module.(*resolve.Module); ok {
		for _, g := range m.Globals {
			if g.First.Name == name {
				return c.variable(g.First)
			}
		}
	}
	return nil
}

// parameter is what is known of a function's argument: the event that a
// handler gets, or what all of its calls give.
func (c *checker) parameter(d definition) value {
	switch d.kind {
	case "*":
		return c.typed("tuple")
	case "**":
		return c.typed("dict")
	}
	var all []value
	if set := c.events[d.of]; set != nil {
		if d.parameter > 0 {
			return nil
		}
		all = append(all, &eventValue{set})
	} else if c.escapes[d.of] {
		return nil
	}
	for _, site := range c.calls[d.of] {
		arg, ok := site.argument(d)
		if !ok {
			return nil
		}
		if arg == nil { // the default
			if d.value == nil {
				return nil
			}
			all = append(all, c.eval(d.file, d.value))
			continue
		}
		all = append(all, c.eval(site.file, arg))
	}
	v := join(all)
	if k, ok := v.(*constant); ok {
		return &constant{any: k.any, at: k.at, parameter: true}
	}
	return v
}

// A callSite is a call of one of the charm's functions.
type callSite struct {
	file *file
	args []syntax.Expr
}

// argument is what a call gives for a parameter: nil for its default, and false
// if that is not known.
func (s callSite) argument(d definition) (syntax.Expr, bool) {
	name := paramName((&function{d.file, d.of}).params()[d.parameter])
	for i, arg := range s.args {
		switch arg := arg.(type) {
		case *syntax.UnaryExpr:
			if arg.Op == syntax.STAR || arg.Op == syntax.STARSTAR {
				return nil, false
			}
		case *syntax.BinaryExpr:
			if arg.Op == syntax.EQ {
				if arg.X.(*syntax.Ident).Name == name {
					return arg.Y, true
				}
				continue
			}
		}
		if i == d.parameter {
			return arg, true
		}
	}
	return nil, true
}

// paramName is the name of a parameter; "" for a lone *.
func paramName(p syntax.Expr) string {
	switch p := p.(type) {
	case *syntax.Ident:
		return p.Name
	case *syntax.BinaryExpr:
		return p.X.(*syntax.Ident).Name
	case *syntax.UnaryExpr:
		if id, ok := p.X.(*syntax.Ident); ok {
			return id.Name
		}
	}
	return ""
}

// element is one of the elements of a value.
func (c *checker) element(v value) value {
	switch v := v.(type) {
	case *listValue:
		var all []value
		for _, e := range v.elems {
			all = append(all, c.eval(v.file, e))
		}
		return join(all)
	case *tupleValue:
		return join(v.elems)
	case *object:
		if v.doc.name == "list" {
			return c.typeValue(v.elem)
		}
	}
	return nil
}

// item is v[i] of a list or tuple.
func (c *checker) item(v value, i int) value {
	switch v := v.(type) {
	case *listValue:
		if i >= 0 && i < len(v.elems) {
			return c.eval(v.file, v.elems[i])
		}
	case *tupleValue:
		if i >= 0 && i < len(v.elems) {
			return v.elems[i]
		}
	case *object:
		if v.doc.name == "list" {
			return c.typeValue(v.elem)
		}
	}
	return nil
}

func (c *checker) evalBinary(f *file, e *syntax.BinaryExpr) value {
	switch e.Op {
	case syntax.AND, syntax.OR:
		return join([]value{c.eval(f, e.X), c.eval(f, e.Y)})
	case syntax.EQL, syntax.NEQ, syntax.LT, syntax.LE, syntax.GT, syntax.GE, syntax.IN, syntax.NOT_IN:
		return c.typed("bool")
	case syntax.PERCENT:
		if typeName(c.eval(f, e.X)) == "str" {
			return c.typed("str")
		}
	case syntax.PLUS:
		x, y := c.eval(f, e.X), c.eval(f, e.Y)
		if a, ok := x.(*constant); ok && len(a.any) == 1 {
			if b, ok := y.(*constant); ok && len(b.any) == 1 {
				if s, t := a.strings(), b.strings(); s != nil && t != nil && len(s[0])+len(t[0]) <= maxName {
					return &constant{any: []any{s[0] + t[0]}, at: a.at}
				}
			}
		}
		if name := typeName(x); name == "str" || name == "list" {
			return c.typed(name)
		}
	}
	return nil
}

// maxName is how long a string is that is put together here: names are short.
const maxName = 1000

func (c *checker) evalIndex(f *file, e *syntax.IndexExpr) value {
	x, key := c.eval(f, e.X), c.eval(f, e.Y)
	switch x := x.(type) {
	case eventsValue:
		if k, ok := key.(*constant); ok && c.meta != nil {
			p := &prefixedValue{}
			for _, name := range k.strings() {
				p.subject = name
				p.defs = append(p.defs, c.meta.EventsOf(name)...)
			}
			if len(p.defs) > 0 {
				return p
			}
		}
	case *object:
		if x.doc.name == "list" {
			return c.typeValue(x.elem)
		}
		return c.typeValue(x.elem)
	case *listValue, *tupleValue:
		if k, ok := key.(*constant); ok && len(k.any) == 1 {
			if i, ok := k.any[0].(int64); ok {
				return c.item(x, int(i))
			}
		}
	case *dictValue:
		if k, ok := key.(*constant); ok && len(k.any) == 1 {
			if entry := c.entry(x, k.any[0]); entry != nil {
				return c.eval(x.file, entry)
			}
		}
	}
	return nil
}

// entry is the expression behind a key of a dict as it is written.
func (c *checker) entry(d *dictValue, key any) syntax.Expr {
	for _, e := range d.expr.List {
		entry := e.(*syntax.DictEntry)
		if k, ok := c.eval(d.file, entry.Key).(*constant); ok && len(k.any) == 1 && k.any[0] == key {
			return entry.Value
		}
	}
	return nil
}

// callee is the function that is called, and its arguments: of catch(fn, x)
// they are fn and x.
func (c *checker) callee(f *file, call *syntax.CallExpr) (value, []syntax.Expr) {
	return c.eval(f, call.Fn), call.Args
}

// caught takes catch(fn, x) apart into fn and x.
func (c *checker) caught(f *file, fn value, args []syntax.Expr) (value, []syntax.Expr, bool) {
	m, ok := fn.(*method)
	if !ok || m.String() != "catch" || len(args) == 0 {
		return nil, nil, false
	}
	if _, ok := args[0].(*syntax.UnaryExpr); ok {
		return nil, nil, false
	}
	return c.eval(f, args[0]), args[1:], true
}

// result is what a function returns.
func (c *checker) result(f *file, fn value, args []syntax.Expr) value {
	switch fn := fn.(type) {
	case *function:
		return c.returns(fn)
	case *recordType:
		return c.record(fn)
	case *method:
		if inner, rest, ok := c.caught(f, fn, args); ok {
			return &tupleValue{[]value{c.result(f, inner, rest), c.typed("failure")}}
		}
		return c.methodResult(f, fn, args)
	}
	return nil
}

// record is a record of a type.
func (c *checker) record(t *recordType) value {
	r := &fieldsValue{typ: "record", names: t.names, fields: map[string]value{}}
	for name, field := range t.fields {
		if field.typ != "" {
			r.fields[name] = c.typed(field.typ)
		}
	}
	return r
}

// methodResult is what a builtin returns.
func (c *checker) methodResult(f *file, m *method, args []syntax.Expr) value {
	switch m.String() {
	case "struct", "storedstate.define", "scope.stored":
		v := &fieldsValue{typ: "stored", fields: map[string]value{}, writable: true}
		if m.String() == "struct" {
			v.typ, v.writable = "struct", false
		}
		for _, arg := range args {
			name, inner, ok := named(arg)
			if !ok {
				if u, star := arg.(*syntax.UnaryExpr); star && u.Op == syntax.STARSTAR {
					return nil
				}
				continue
			}
			if m.String() == "storedstate.define" && name == "name" {
				continue
			}
			v.names = append(v.names, name)
			if v.typ == "struct" {
				v.fields[name] = c.eval(f, inner)
			}
		}
		return v
	case "schema.record":
		return c.schema(f, args)
	case "model.load_config", "event.load_params", "relation.load_data":
		if arg := argument(args, 0, "schema"); arg != nil {
			if t, ok := c.eval(f, arg).(*recordType); ok {
				return c.record(t)
			}
		}
		return nil
	case "framework.scope":
		return &object{doc: c.builtins.types["scope"]}
	case "scope.define_event":
		s := &sourceValue{def: model.EventDef{Kind: "custom"}, defined: true, definedIn: f}
		for i, arg := range args {
			k, ok := c.eval(f, arg).(*constant)
			if !ok || len(k.strings()) != 1 {
				s.open = true
			} else if i == 0 {
				s.def.Name = k.strings()[0]
			} else {
				s.fields = append(s.fields, k.strings()[0])
			}
		}
		return s
	}
	if m.member.sig == nil {
		return nil
	}
	if o, ok := m.self.(*object); ok && m.member.Name == "get" && o.elem.name != "" {
		return c.typeValue(o.elem)
	}
	return c.typeValue(m.member.sig.result)
}

// schema is the type that schema.record makes.
func (c *checker) schema(f *file, args []syntax.Expr) value {
	t := &recordType{fields: map[string]*schemaField{}}
	for _, arg := range args {
		name, inner, ok := named(arg)
		if !ok {
			return nil
		}
		if slices.Contains([]string{"doc", "codec", "check"}, name) {
			continue
		}
		field := &schemaField{name: name, pos: arg.(*syntax.BinaryExpr).X.(*syntax.Ident).NamePos, file: f}
		if call, ok := inner.(*syntax.CallExpr); ok {
			if m, ok := c.eval(f, call.Fn).(*method); ok {
				field.typ = schemaTypes[m.String()]
			}
			if alias := argument(call.Args, -1, "alias"); alias != nil {
				k, ok := c.eval(f, alias).(*constant)
				if !ok || len(k.strings()) != 1 {
					return nil
				}
				field.alias = k.strings()[0]
			}
		}
		t.fields[name], t.names = field, append(t.names, name)
	}
	return t
}

// schemaTypes are the types of the values of fields.
var schemaTypes = map[string]string{
	"schema.string": "str", "schema.int": "int", "schema.float": "float", "schema.bool": "bool",
	"schema.list": "list", "schema.dict": "dict", "schema.secret": "secret",
}

// named takes name = value apart.
func named(arg syntax.Expr) (string, syntax.Expr, bool) {
	if b, ok := arg.(*syntax.BinaryExpr); ok && b.Op == syntax.EQ {
		if id, ok := b.X.(*syntax.Ident); ok {
			return id.Name, b.Y, true
		}
	}
	return "", nil, false
}

// argument is what is given for a parameter by its place, from 0, or name.
func argument(args []syntax.Expr, place int, name string) syntax.Expr {
	for i, arg := range args {
		given, inner, ok := named(arg)
		if ok && given == name {
			return inner
		}
		if u, star := arg.(*syntax.UnaryExpr); star && (u.Op == syntax.STAR || u.Op == syntax.STARSTAR) {
			return nil
		}
		if !ok && i == place {
			return arg
		}
	}
	return nil
}

// returns is what one of the charm's functions returns.
func (c *checker) returns(fn *function) value {
	if v, ok := c.results[fn.node]; ok {
		return v
	}
	c.results[fn.node] = nil
	var all []value
	if lambda, ok := fn.node.(*syntax.LambdaExpr); ok {
		all = append(all, c.eval(fn.file, lambda.Body))
	} else {
		for _, result := range returnsOf(fn.node.(*syntax.DefStmt)) {
			if result == nil {
				all = append(all, nothing{})
				continue
			}
			all = append(all, c.eval(fn.file, result))
		}
	}
	v := join(all)
	c.results[fn.node] = v
	return v
}

// returnsOf are the expressions that a function returns; nil for none.
func returnsOf(def *syntax.DefStmt) []syntax.Expr {
	var all []syntax.Expr
	for _, stmt := range def.Body {
		syntax.Walk(stmt, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.ReturnStmt:
				all = append(all, n.Result)
			case *syntax.DefStmt, *syntax.LambdaExpr:
				return false
			}
			return true
		})
	}
	if len(all) == 0 {
		return []syntax.Expr{nil}
	}
	return all
}

// attribute is the value of x.name. known is false if x has no such attribute,
// and true if that is not certain.
func (c *checker) attribute(x value, name string) (v value, known bool) {
	switch x := x.(type) {
	case nil, nothing:
		return nil, true
	case nativeValue:
		if m := c.builtins.modules[name]; m != nil {
			return &object{doc: m}, true
		}
		return nil, true
	case *object:
		return c.member(x, name)
	case *fieldsValue:
		if slices.Contains(x.names, name) {
			return x.fields[name], true
		}
		return nil, false
	case eventsValue:
		if c.meta == nil {
			return nil, true
		}
		if name == "any" {
			return &sourceValue{any: true}, true
		}
		if def, ok := c.meta.Event(name); ok {
			return &sourceValue{def: def}, true
		}
		return nil, false
	case *prefixedValue:
		for _, def := range x.defs {
			if string(def.Kind) == name {
				return &sourceValue{def: def}, true
			}
		}
		return nil, false
	case *sourceValue:
		m := c.builtins.types["event_source"].members[name]
		if m == nil || name == "emit" && !x.defined {
			return nil, false
		}
		if m.Method {
			return &method{x, m}, true
		}
		return c.typeValue(m.typ), true
	case *eventValue:
		return c.eventAttribute(x, name)
	case *tupleValue:
		return nil, false
	}
	if doc := c.builtins.types[typeName(x)]; doc != nil && doc.members != nil {
		return c.member(&object{doc: doc}, name)
	}
	return nil, true
}

// member is an attribute of a builtin's value.
func (c *checker) member(x *object, name string) (value, bool) {
	m := x.doc.members[name]
	if m == nil {
		return nil, x.doc.open && model.Nearest(name, x.doc.names()) == ""
	}
	if m.Method {
		return &method{x, m}, true
	}
	v := c.typeValue(m.typ)
	if len(m.Fields) > 0 {
		v = &fieldsValue{typ: "struct", names: m.Fields, fields: map[string]value{}}
	}
	switch x.doc.name + "." + name {
	case "framework.on":
		return eventsValue{}, true
	case "model.config":
		v = &object{doc: c.builtins.types["mapping"], keyed: anOption}
	case "model.relations":
		v = &object{doc: c.builtins.types["mapping"], keyed: anEndpoint, elem: parseType("list[relation]")}
	case "model.storages":
		v = &object{doc: c.builtins.types["storages"], keyed: aStorage, elem: parseType("list[storage]")}
	case "unit.containers":
		v = &object{doc: c.builtins.types["mapping"], keyed: aContainer, elem: parseType("container")}
	case "relation.data":
		v = &object{doc: c.builtins.types["mapping"], elem: parseType("databag")}
	case "layer.services", "plan.services":
		v = &object{doc: c.builtins.types["mapping"], elem: parseType("service")}
	case "layer.checks", "plan.checks":
		v = &object{doc: c.builtins.types["mapping"], elem: parseType("check_config")}
	case "layer.log_targets", "plan.log_targets":
		v = &object{doc: c.builtins.types["mapping"], elem: parseType("log_target")}
	}
	return v, true
}

// eventAttribute is an attribute of the event that a handler gets: one that
// some of its events have will do.
func (c *checker) eventAttribute(x *eventValue, name string) (value, bool) {
	m := c.builtins.types["event"].members[name]
	set := x.set
	anything := set.some || set.reconciles
	var owner *sourceValue
	for _, s := range set.sources {
		switch {
		case s.any, s.open:
			anything = true
		case s.defined && slices.Contains(s.fields, name):
			return nil, true
		case m != nil && (len(m.Only) == 0 || !s.defined && eventDocName(m.MemberDoc, s.def.Kind)):
			owner = s
		}
	}
	switch {
	case m == nil:
		// The others may be a library's, with any fields.
		others := set.some && model.Nearest(name, c.builtins.types["event"].names()) == ""
		return nil, others || slices.ContainsFunc(set.sources, func(s *sourceValue) bool { return s.open })
	case owner == nil && !anything && len(m.Only) > 0:
		return nil, false
	case m.Method:
		return &method{x, m}, true
	}
	v := c.typeValue(m.typ)
	if name == "params" && c.meta != nil && !anything && len(set.sources) == 1 && owner != nil && owner.def.Kind == model.Action {
		return &object{doc: c.builtins.types["dict"], action: c.meta.Actions[owner.def.Subject]}, true
	}
	return v, true
}

// attributes are the names that a value has.
func (c *checker) attributes(x value) []string {
	switch x := x.(type) {
	case *object:
		return x.doc.names()
	case *fieldsValue:
		return x.names
	case eventsValue:
		names := []string{"any"}
		for _, def := range c.meta.Events() {
			names = append(names, def.Name)
		}
		return names
	case *prefixedValue:
		var names []string
		for _, def := range x.defs {
			names = append(names, string(def.Kind))
		}
		return names
	case *sourceValue:
		return c.builtins.types["event_source"].names()
	case *eventValue:
		var names []string
		for _, name := range c.builtins.types["event"].names() {
			if _, ok := c.eventAttribute(x, name); ok {
				names = append(names, name)
			}
		}
		for _, s := range x.set.sources {
			names = append(names, s.fields...)
		}
		return names
	}
	if doc := c.builtins.types[typeName(x)]; doc != nil {
		return doc.names()
	}
	return nil
}

// describe names a value's type for a message.
func (c *checker) describe(x value) string {
	switch x := x.(type) {
	case *eventValue:
		var names []string
		for _, s := range x.set.sources {
			names = append(names, s.def.Name)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		if len(names) == 1 {
			return "the event " + names[0]
		}
		if len(names) > 4 || len(names) == 0 {
			return "an event"
		}
		return "none of the events " + strings.Join(names, ", ")
	case *prefixedValue:
		return x.subject
	case *object:
		if x.doc.module {
			return x.doc.name
		}
	}
	return article(typeName(x))
}

// article is a noun with a or an.
func article(noun string) string {
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) && !strings.HasPrefix(noun, "un") {
		return "an " + noun
	}
	return "a " + noun
}
