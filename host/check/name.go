package check

import (
	"maps"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// This file checks the names that a script has of what the metadata declares.

// A subject is a kind of thing that the metadata names.
type subject string

const (
	anEndpoint  subject = "endpoint"
	anOption    subject = "option"
	aContainer  subject = "container"
	anAction    subject = "action"
	aStorage    subject = "storage"
	aResource   subject = "resource"
	aBinding    subject = "binding"   // an endpoint or extra-binding
	aParameter  subject = "parameter" // of an action
	anEventName subject = "event"
)

// namedArguments are the arguments of builtins that name something, by place
// and name.
var namedArguments = map[string]struct {
	place int
	name  string
	of    subject
}{
	"unit.get_container":    {0, "name", aContainer},
	"model.get_relation":    {0, "endpoint", anEndpoint},
	"model.get_binding":     {0, "key", aBinding},
	"resources.fetch":       {0, "name", aResource},
	"storages.request":      {0, "name", aStorage},
	"hooktool.config_get":   {0, "key", anOption},
	"hooktool.relation_ids": {0, "name", anEndpoint},
	"hooktool.network_get":  {0, "name", aBinding},
	"hooktool.resource_get": {0, "name", aResource},
	"hooktool.storage_list": {0, "name", aStorage},
}

// declared are the names that the metadata has of a kind.
func (c *checker) declared(of subject) []string {
	names, ok := c.names[of]
	if !ok {
		names = c.inMeta(of)
		c.names[of] = names
	}
	return names
}

func (c *checker) inMeta(of subject) []string {
	m := c.meta
	switch of {
	case anEndpoint:
		return slices.Sorted(maps.Keys(m.Relations))
	case anOption:
		return slices.Sorted(maps.Keys(m.Options))
	case aContainer:
		return slices.Sorted(maps.Keys(m.Containers))
	case anAction:
		return slices.Sorted(maps.Keys(m.Actions))
	case aStorage:
		return slices.Sorted(maps.Keys(m.Storages))
	case aResource:
		return slices.Sorted(maps.Keys(m.Resources))
	case aBinding:
		return append(slices.Sorted(maps.Keys(m.Relations)), append([]string{"juju-info"}, m.ExtraBindings...)...)
	}
	return nil
}

// rule is the rule about names of a kind.
func (s subject) rule() string {
	if s == aBinding {
		return "unknown-endpoint"
	}
	return "unknown-" + string(s)
}

// checkName says that the metadata has no such thing.
func (c *checker) checkName(f *file, at syntax.Expr, of subject, v value) {
	if c.meta == nil {
		return
	}
	c.checkAmong(f, at, of, v, c.declared(of), "the charm", false)
}

// checkAmong says that what owner has of a kind does not have that name. loose:
// there may be others.
func (c *checker) checkAmong(f *file, at syntax.Expr, of subject, v value, known []string, owner string, loose bool) {
	k, ok := v.(*constant)
	if !ok {
		return
	}
	pos, _ := at.Span()
	for i, one := range k.any {
		name, ok := one.(string)
		if !ok || slices.Contains(known, name) || f.guarded[name] {
			continue
		}
		if id, ok := at.(*syntax.Ident); ok && f.guarded[variableGuard+id.Name] {
			continue
		}
		if loose && didYouMean(name, known) == "" {
			continue // it may be given without having been declared
		}
		if k.parameter && len(k.any) > 1 && didYouMean(name, known) == "" {
			continue // it may be the name of something else, in another call
		}
		where, file := pos, f
		if from := k.at[i]; from.IsValid() && c.modules[from.Filename()] != nil {
			where, file = from, c.modules[from.Filename()]
		}
		what := string(of)
		if of == aBinding {
			what = "endpoint or extra-binding"
		}
		c.at(file, where, of.rule(), nearest(name, known), "%s has no %s %q", owner, what, name)
	}
}

// variableGuard comes before the name of a variable in file.guarded.
const variableGuard = "variable "

// guards are the names, and variables for names, of which a file asks whether
// there is such a thing: "db" in framework.meta.relations.
func (c *checker) guards(f *file) map[string]bool {
	found := map[string]bool{}
	syntax.Walk(f.tree, func(n syntax.Node) bool {
		b, ok := n.(*syntax.BinaryExpr)
		if !ok || b.Op != syntax.IN && b.Op != syntax.NOT_IN || !asksMetadata(b.Y) {
			return true
		}
		switch x := b.X.(type) {
		case *syntax.Literal:
			if s, ok := x.Value.(string); ok {
				found[s] = true
			}
		case *syntax.Ident:
			found[variableGuard+x.Name] = true
		}
		return true
	})
	return found
}

// asksMetadata says whether an expression is a part of framework.meta, or of
// the model by name.
func asksMetadata(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.DotExpr:
		return slices.Contains([]string{"meta", "config", "relations", "containers", "storages"}, e.Name.Name) || asksMetadata(e.X)
	case *syntax.CallExpr:
		return asksMetadata(e.Fn)
	case *syntax.Ident:
		return scope(e) != resolve.Predeclared && strings.Contains(e.Name, "meta")
	}
	return false
}
