package check

import (
	"slices"
	"strings"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// This file checks handlers and what they are registered for.

// An observation is a call of framework.observe or its like.
type observation struct {
	file    *file
	call    *syntax.CallExpr
	sources []*sourceValue
	some    bool // there are others
	handler *function
	// reconciles: it is framework.reconcile; scoped: a library instance's;
	// asked: whether it is called depends on a condition.
	reconciles, scoped, asked bool
	// line is that of the statement.
	line int
}

// in notes what the call is in, outermost first.
func (o *observation) in(above []syntax.Node) {
	for _, around := range above {
		switch s := around.(type) {
		case *syntax.IfStmt, *syntax.ForStmt, *syntax.CondExpr, *syntax.Comprehension:
			o.asked = true
		case *syntax.ExprStmt:
			start, _ := s.Span()
			o.line = int(start.Line)
		}
	}
}

// observe finds who handles what, first from the text and then, if the charm
// can be loaded, as it is.
func (c *checker) observe() {
	var observations []*observation
	total := map[syntax.Node]int{}
	called := map[syntax.Node]int{}
	for _, f := range c.modules {
		if f == nil {
			continue
		}
		var above []syntax.Node
		syntax.Walk(f.tree, func(n syntax.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return true
			}
			above = append(above, n)
			switch n := n.(type) {
			case *syntax.CallExpr:
				fn, args := c.callee(f, n)
				if m, ok := fn.(*method); ok && m.String() == "framework.scope" && f != c.order[0] {
					f.library = true
				}
				if o := c.observation(f, n, fn); o != nil {
					o.in(above)
					observations = append(observations, o)
					if o.handler != nil {
						called[o.handler.node]++
					}
				}
				if inner, rest, ok := c.caught(f, fn, args); ok {
					fn, args = inner, rest
				}
				if own, ok := fn.(*function); ok {
					c.calls[own.node] = append(c.calls[own.node], callSite{f, args})
					called[own.node]++
				}
			case *syntax.Ident:
				if key := first(n); key != nil && !c.binding[n] {
					c.uses[key]++
					if own, ok := c.eval(f, n).(*function); ok {
						total[own.node]++
					}
				}
			}
			return true
		})
	}
	for node, n := range total {
		c.escapes[node] = n > called[node]
	}
	clear(c.memo)
	clear(c.results)

	for _, o := range observations {
		c.checkHandler(o)
		if o.handler != nil {
			set := c.eventSet(o.handler.node)
			set.sources = append(set.sources, o.sources...)
			set.some = set.some || o.some
			set.reconciles = set.reconciles || o.reconciles
			set.scoped = set.scoped || o.scoped
		}
	}
	if c.loaded.registered != nil {
		c.events = c.loaded.registered.events(c)
	}
	c.checkNeverFires(observations)
	c.checkUnobserved()
}

func (c *checker) eventSet(node syntax.Node) *eventSet {
	set := c.events[node]
	if set == nil {
		set = &eventSet{}
		c.events[node] = set
	}
	return set
}

// observation is what a call registers; nil if it is another call.
func (c *checker) observation(f *file, call *syntax.CallExpr, fn value) *observation {
	m, ok := fn.(*method)
	if !ok {
		return nil
	}
	o := &observation{file: f, call: call}
	place := 1
	switch m.String() {
	case "framework.observe":
	case "scope.observe":
		o.scoped = true
	case "framework.reconcile":
		o.reconciles, place = true, 0
	default:
		return nil
	}
	if arg := argument(call.Args, place, "handler"); arg != nil {
		o.handler, _ = c.eval(f, arg).(*function)
	}
	if !o.reconciles {
		arg := argument(call.Args, 0, "event")
		if arg == nil {
			o.some = true
		} else {
			o.add(c, c.eval(f, arg))
		}
	}
	return o
}

// add notes an event, or a list of them.
func (o *observation) add(c *checker, v value) {
	switch v := v.(type) {
	case *sourceValue:
		o.sources = append(o.sources, v)
	case *listValue:
		for _, elem := range v.elems {
			o.add(c, c.eval(v.file, elem))
		}
	case *tupleValue:
		for _, elem := range v.elems {
			o.add(c, elem)
		}
	default:
		o.some = true
	}
}

// checkHandler says what is wrong with the arguments of observe.
func (c *checker) checkHandler(o *observation) {
	f := o.file
	place, example := 1, "framework.observe(framework.on.install, on_install)"
	if o.reconciles {
		place, example = 0, "framework.reconcile(reconcile)"
	}
	arg := argument(o.call.Args, place, "handler")
	if arg != nil {
		pos, _ := arg.Span()
		if call, ok := arg.(*syntax.CallExpr); ok && o.handler == nil {
			if fn, ok := c.eval(f, call.Fn).(*function); ok && typeName(c.returns(fn)) != "function" && c.returns(fn) != nil {
				c.at(f, pos, "handler-signature", "leave out the brackets: "+fn.name(), "the handler is what %s() returns, not the function", fn.name())
				return
			}
		}
		if o.handler != nil {
			c.checkSignature(f, pos, o.handler)
		} else if name := typeName(c.eval(f, arg)); name != "" && name != "function" {
			c.at(f, pos, "handler-signature", "write "+example, "the handler is %s, want a function", article(name))
		}
	}
	if o.reconciles {
		return
	}
	if arg := argument(o.call.Args, 0, "event"); arg != nil {
		pos, _ := arg.Span()
		v := c.eval(f, arg)
		switch name := typeName(v); name {
		case "", "event_source", "list", "tuple":
		default:
			c.at(f, pos, "handler-signature", "write "+example, "the event is %s, want one such as framework.on.install, or a list of them", article(name))
		}
	}
}

// checkSignature says that a function cannot be called with an event alone.
func (c *checker) checkSignature(f *file, pos syntax.Position, fn *function) {
	if fn.name() == "lambda" {
		c.at(f, pos, "handler-signature", "define it with def and a name", "the handler is a lambda: a deferred event finds its handler again by name")
		return
	}
	required, positional, args, byName := 0, 0, false, false
	for _, p := range fn.params() {
		switch p := p.(type) {
		case *syntax.Ident:
			if byName {
				c.at(f, pos, "handler-signature", "give it a default", "%s wants the keyword argument %s, but a handler is called with the event alone", fn.name(), p.Name)
				return
			}
			required++
			positional++
		case *syntax.BinaryExpr:
			if !byName {
				positional++
			}
		case *syntax.UnaryExpr:
			if p.Op == syntax.STAR {
				byName = true
				args = p.X != nil
			}
		}
	}
	if required > 1 || positional == 0 && !args {
		c.at(f, pos, "handler-signature", "write def "+fn.name()+"(event):", "%s takes %s, but a handler is called with the event alone", fn.name(), count(required, "argument"))
	}
}

// checkDefer says that an event cannot be deferred.
func (w *walk) checkDefer(at syntax.Position, e *eventValue) {
	c, f := w.c, w.file
	set := e.set
	if set.reconciles && len(set.sources) == 0 {
		c.at(f, at, "cannot-defer", "leave it out", "cannot defer in a reconciler: it runs in every hook anyway")
		return
	}
	var cannot []*sourceValue
	for _, s := range set.sources {
		if !s.any && s.def.Kind.CannotDefer() != "" {
			cannot = append(cannot, s)
		}
	}
	if len(cannot) == 0 || len(cannot) < len(set.sources) && w.asksWhich() {
		return
	}
	s := cannot[0]
	suggestion := "leave it out"
	if s.def.Kind == model.Action {
		suggestion = "tell the user: event.fail(\"…\")"
	} else if len(cannot) < len(set.sources) {
		suggestion = "defer only where event.name is another one"
	}
	c.at(f, at, "cannot-defer", suggestion, "cannot defer %s: %s", s.def.Name, s.def.Kind.CannotDefer())
}

// asksWhich says whether a condition around is about an event.
func (w *walk) asksWhich() bool {
	for _, n := range w.above {
		if s, ok := n.(*syntax.IfStmt); ok {
			found := false
			syntax.Walk(s.Cond, func(n syntax.Node) bool {
				if id, ok := n.(*syntax.Ident); ok && typeName(w.c.eval(w.file, id)) == "event" {
					found = true
				}
				return !found
			})
			if found {
				return true
			}
		}
	}
	return false
}

// goneIn are the events that newer Jujus do not have.
var goneIn = map[model.EventKind]string{
	model.LeaderSettingsChanged: "4.0.0", model.PreSeriesUpgrade: "4.0.0", model.PostSeriesUpgrade: "4.0.0",
	model.CollectMetrics: "3.6.11", model.MeterStatusChanged: "3.6.11",
}

// checkNeverFires says which observers are called by nothing.
func (c *checker) checkNeverFires(observations []*observation) {
	emits := false
	for _, f := range c.modules {
		if f == nil {
			continue
		}
		syntax.Walk(f.tree, func(n syntax.Node) bool {
			if dot, ok := n.(*syntax.DotExpr); ok && dot.Name.Name == "emit" && !f.std {
				emits = true
			}
			if lit, ok := n.(*syntax.Literal); ok && lit.Value == "emit" {
				emits = true // for getattr
			}
			return true
		})
	}
	oldest, known := c.oldestJuju()
	for _, o := range observations {
		pos, _ := o.call.Span()
		if c.loaded.registered != nil && c.loaded.registered.missed(o) {
			c.at(o.file, pos, "never-fires", "call it at the top level of a file, or in a function that is called from there", "this observer is never registered: nothing calls it while the charm loads")
			continue
		}
		for _, s := range o.sources {
			if gone := goneIn[s.def.Kind]; gone != "" && known {
				if v, err := model.ParseVersion(gone); err == nil && oldest.Compare(v) >= 0 {
					c.at(o.file, pos, "never-fires", "leave it out, or let the charm assume an older Juju", "%s never happens: the charm assumes Juju %s, and it is gone since %s", s.def.Name, oldest, strings.TrimSuffix(gone, ".0"))
				}
			}
			if s.definedIn != nil && !s.definedIn.std && !emits {
				c.at(o.file, pos, "never-fires", "emit it: event_source.emit(…)", "%s never happens: nothing emits it", s.def.Name)
			}
		}
	}
}

// oldestJuju is the oldest Juju that the charm assumes.
func (c *checker) oldestJuju() (model.Version, bool) {
	if c.meta == nil || c.meta.Assumes == nil {
		return model.Version{}, false
	}
	for _, a := range c.meta.Assumes.AllOf {
		if a.Feature == "juju" && a.Operator == ">=" {
			v, err := model.ParseVersion(a.Version)
			return v, err == nil
		}
	}
	return model.Version{}, false
}

// checkUnobserved says which functions look like handlers and are none.
func (c *checker) checkUnobserved() {
	for _, f := range c.order {
		for _, stmt := range f.tree.Stmts {
			def, ok := stmt.(*syntax.DefStmt)
			if !ok || !looksLikeHandler(def) || c.uses[first(def.Name)] > 0 || c.loadedElsewhere(f, def.Name.Name) {
				continue
			}
			c.at(f, def.Name.NamePos, "unobserved-handler", "register it: framework.observe(framework.on.…, "+def.Name.Name+"); or delete it",
				"%s looks like a handler, but nothing registers or calls it", def.Name.Name)
		}
	}
}

// looksLikeHandler: def on_install(event), def reconcile(event).
func looksLikeHandler(def *syntax.DefStmt) bool {
	if len(def.Params) != 1 {
		return false
	}
	name := strings.TrimPrefix(def.Name.Name, "_")
	return paramName(def.Params[0]) == "event" || strings.HasPrefix(name, "on_")
}

// loadedElsewhere says whether another file loads a global.
func (c *checker) loadedElsewhere(f *file, name string) bool {
	for _, other := range c.modules {
		if other == nil {
			continue
		}
		for _, stmt := range other.tree.Stmts {
			if load, ok := stmt.(*syntax.LoadStmt); ok && other.loads[load.ModuleName()] == f {
				if slices.ContainsFunc(load.From, func(id *syntax.Ident) bool { return id.Name == name }) {
					return true
				}
			}
		}
	}
	return false
}
