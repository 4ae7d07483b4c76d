package check

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.starlark.net/syntax"
)

// This file holds the rules about what is allowed and ends badly.

// practices checks a call of a builtin.
func (w *walk) practices(at syntax.Expr, m *method, args []syntax.Expr) {
	c, f := w.c, w.file
	name := m.String()
	switch name {
	case "event.defer":
		if e, ok := m.self.(*eventValue); ok {
			w.checkDefer(callPos(at), e)
		}
	case "template.render":
		if arg := argument(args, 0, "path"); arg != nil {
			w.template(arg)
		}
	case "hooktool.status_set":
		w.librarySets(callPos(at))
	case "log.debug", "log.info", "log.warning", "log.error", "print", "event.log", "event.fail", "event.set_results",
		"model.ActiveStatus", "model.BlockedStatus", "model.MaintenanceStatus", "model.WaitingStatus":
		if m.member.owner.name == "log" && len(args) > 1 {
			w.format(args[0], args[1:])
		}
		for _, arg := range args {
			if found := c.reaches(f, arg, secretContent); found != "" {
				pos, _ := arg.Span()
				c.at(f, pos, "secret-in-log", "leave it out", "%s shows what %s returned, which is secret", name, found)
			}
		}
	case "relation.publish", "relation.save_data", "databag.update":
		if arg := argument(args, 0, "data"); arg != nil {
			w.unstable(arg)
		}
	case "process.run", "process.check", "process.capture", "container.exec":
		if arg := argument(args, 0, "command"); arg != nil {
			w.command(arg)
		}
	}
}

// template says that there is no such template.
func (w *walk) template(arg syntax.Expr) {
	k, ok := w.c.eval(w.file, arg).(*constant)
	if !ok {
		return
	}
	pos, _ := arg.Span()
	for _, name := range k.strings() {
		file := path.Join("templates", name)
		if _, err := fs.Stat(w.c.fsys, file); !errors.Is(err, fs.ErrNotExist) || !fs.ValidPath(file) {
			continue
		}
		var known []string
		there, _ := fs.ReadDir(w.c.fsys, path.Dir(file))
		for _, entry := range there {
			known = append(known, path.Join(path.Dir(name), entry.Name()))
		}
		w.c.at(w.file, pos, "unknown-template", nearest(name, known), "the charm has no template %q", name)
	}
}

// secretContent are the builtins that return what is secret.
var secretContent = []string{"secret.get_content", "secret.peek_content", "crypto.random_password", "crypto.random_token"}

// changing are the builtins that return something else each time.
var changing = []string{"time.now", "crypto.random_password", "crypto.random_token", "crypto.random_bytes"}

// reaches names the builtin among some whose result is in an expression, or in
// a variable that it names; "" if none is.
func (c *checker) reaches(f *file, e syntax.Expr, some []string) string {
	return c.reachesFrom(f, e, some, map[*syntax.Ident]bool{})
}

// reachesFrom is reaches without the variables that were followed already.
func (c *checker) reachesFrom(f *file, e syntax.Expr, some []string, seen map[*syntax.Ident]bool) string {
	found := ""
	syntax.Walk(e, func(n syntax.Node) bool {
		if found != "" {
			return false
		}
		switch n := n.(type) {
		case *syntax.CallExpr:
			fn := c.eval(f, n.Fn)
			if inner, _, ok := c.caught(f, fn, n.Args); ok {
				fn = inner
			}
			if m, ok := fn.(*method); ok {
				if slices.Contains(some, m.String()) {
					found = m.String()
				}
				if strings.HasSuffix(m.String(), ".ensure_secret") || strings.HasSuffix(m.String(), ".add_secret") {
					return false // a secret has an id, whatever is in it
				}
				return m.self == nil || !m.member.owner.module // what a module's function makes of it is another thing
			}
			if _, ok := fn.(*function); ok {
				return false
			}
			if id, ok := n.Fn.(*syntax.Ident); ok && (id.Name == "len" || id.Name == "bool" || id.Name == "type" || id.Name == "sorted") {
				return false
			}
		case *syntax.BinaryExpr:
			switch n.Op {
			case syntax.EQL, syntax.NEQ, syntax.IN, syntax.NOT_IN, syntax.LT, syntax.GT, syntax.LE, syntax.GE:
				return false
			}
		case *syntax.LambdaExpr:
			return false
		case *syntax.CondExpr:
			found = c.reachesFrom(f, n.True, some, seen)
			if found == "" {
				found = c.reachesFrom(f, n.False, some, seen)
			}
			return false
		case *syntax.Ident:
			key := first(n)
			if key == nil || seen[key] {
				return true
			}
			seen[key] = true
			for _, d := range c.defs[key] {
				// Of catch's two values the second is a failure.
				if d.file == f && d.value != nil && d.of == nil && !d.each && !(len(d.path) == 1 && d.path[0] == 1) {
					if found = c.reachesFrom(f, d.value, some, seen); found != "" {
						return false
					}
				}
			}
		}
		return true
	})
	return found
}

// unstable says that a databag gets another value in each hook.
func (w *walk) unstable(e syntax.Expr) {
	if found := w.c.reaches(w.file, e, changing); found != "" {
		pos, _ := e.Span()
		w.c.at(w.file, pos, "unstable-databag", "keep the value in storedstate or a secret, or leave it out",
			"what %s returns is another value in each hook, and each change of a databag wakes all related units", found)
	}
}

// status checks a status of a unit or application that is set directly.
func (w *walk) status(at syntax.Position, of string, v syntax.Expr) {
	c, f := w.c, w.file
	w.librarySets(at)
	collected := "collect_unit_status"
	if of == "application" {
		collected = "collect_app_status"
	}
	call, ok := v.(*syntax.CallExpr)
	if !ok || !c.observed(collected) {
		return
	}
	if m, ok := c.eval(f, call.Fn).(*method); ok {
		switch name := m.String(); name {
		case "model.ActiveStatus", "model.BlockedStatus", "model.WaitingStatus":
			c.at(f, at, "overridden-status", "return the status from a reconciler, or give it to event.add_status in the handler that collects", "%s is overridden at the end of the hook by the collected statuses", name)
		}
	}
}

// observed says whether an event of Juju's, or of a hook's end, has a handler.
func (c *checker) observed(event string) bool {
	for _, set := range c.events {
		for _, s := range set.sources {
			if s.def.Name == event && !s.defined {
				return true
			}
		}
	}
	return false
}

// librarySets says that a library sets a status.
func (w *walk) librarySets(at syntax.Position) {
	inLibrary := w.file.library
	for _, n := range w.above {
		if set := w.c.events[n]; set != nil && set.scoped {
			inLibrary = true
		}
	}
	if inLibrary {
		w.c.at(w.file, at, "library-sets-status", "tell the charm, by an event or by what a function returns", "a library sets the status, which is the charm's to decide")
	}
}

// command checks a command that is written out.
func (w *walk) command(arg syntax.Expr) {
	c, f := w.c, w.file
	words := c.words(f, arg)
	if len(words) == 0 || words[0] == "" {
		return
	}
	pos, _ := arg.Span()
	if !strings.Contains(words[0], "/") {
		c.at(f, pos, "relative-command", "write the path of the program", "what %s is depends on PATH", words[0])
	}
	tool := words[0][strings.LastIndexByte(words[0], '/')+1:]
	install := slices.Index(words, "install")
	if install < 0 || slices.Contains(words, "") {
		return // a part of it is not known
	}
	rest := slices.DeleteFunc(slices.Clone(words[install+1:]), func(word string) bool { return strings.HasPrefix(word, "-") })
	switch tool {
	case "apt-get", "apt":
		if i := slices.IndexFunc(rest, func(word string) bool { return !strings.ContainsAny(word, "=/") }); i >= 0 {
			c.at(f, pos, "unpinned-version", "write "+rest[i]+"=VERSION", "which version of %s is installed depends on the day", rest[i])
		}
	case "snap":
		pinned := slices.ContainsFunc(words, func(word string) bool {
			return strings.HasPrefix(word, "--channel") || strings.HasPrefix(word, "--revision")
		})
		if len(rest) > 0 && !pinned {
			c.at(f, pos, "unpinned-version", "add --channel=… or --revision=…", "which version of %s is installed depends on the day", rest[0])
		}
	}
}

// words are those of a command; "" for what is not known, and nil if nothing is.
func (c *checker) words(f *file, e syntax.Expr) []string {
	list, ok := c.eval(f, e).(*listValue)
	if !ok {
		return nil
	}
	var words []string
	for _, elem := range list.elems {
		word := ""
		if k, ok := c.eval(list.file, elem).(*constant); ok && len(k.strings()) == 1 {
			word = k.strings()[0]
		}
		words = append(words, word)
	}
	return words
}
