package check

import (
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
)

// This file makes of the builtins' tables what the checks ask of them: members
// by name, and signatures taken apart.

// builtinDocs are the types and modules that scripts can use.
type builtinDocs struct {
	types map[string]*typeDoc
	// modules are there without load(), or in the standard library's native.
	modules map[string]*typeDoc
	// functions belong to no module.
	functions *typeDoc
}

// A typeDoc is a type or module.
type typeDoc struct {
	name    string
	module  bool
	members map[string]*memberDoc
	// open says that values have attributes that the table does not list; one
	// that is nearly one of those that it lists is a mistake all the same.
	open bool
}

// A memberDoc is an attribute or method.
type memberDoc struct {
	builtins.MemberDoc
	owner *typeDoc
	sig   *signature // of a method; nil: unknown
	typ   typeExpr   // of an attribute
}

func (t *typeDoc) names() []string { return slices.Sorted(maps.Keys(t.members)) }

func newBuiltinDocs() *builtinDocs {
	b := &builtinDocs{types: map[string]*typeDoc{}, modules: map[string]*typeDoc{}}
	for _, doc := range builtins.Documentation() {
		t := &typeDoc{name: doc.Name, module: doc.Module, members: map[string]*memberDoc{}}
		for _, m := range doc.Members {
			inner := &memberDoc{MemberDoc: m, owner: t}
			if m.Method {
				inner.sig = parseSignature(m.Signature)
			} else {
				inner.typ = parseType(m.Signature)
			}
			t.members[m.Name] = inner
		}
		switch {
		case doc.Name == "":
			b.functions = t
		case doc.Module:
			b.modules[doc.Name] = t
		default:
			// A failure has fields that its kind brings along.
			t.open = len(doc.Members) == 0 || doc.Name == "failure"
			b.types[doc.Name] = t
		}
	}
	for _, v := range []starlark.HasAttrs{
		starlark.String(""), starlark.Bytes(""), starlark.NewList(nil), starlark.NewDict(0), starlark.NewSet(0),
	} {
		t := &typeDoc{name: v.(starlark.Value).Type(), members: map[string]*memberDoc{}}
		if t.name == "string" {
			t.name = "str"
		}
		for _, name := range v.AttrNames() {
			t.members[name] = &memberDoc{MemberDoc: builtins.MemberDoc{Name: name, Method: true}, owner: t}
		}
		b.types[t.name] = t
	}
	for _, name := range []string{"int", "float", "bool", "tuple"} {
		b.types[name] = &typeDoc{name: name}
	}
	return b
}

// A signature is what a function takes and returns.
type signature struct {
	params []param
	// args and kwargs say that it takes any number of further arguments.
	args, kwargs bool
	result       typeExpr
}

// A param is a parameter.
type param struct {
	name string
	typ  typeExpr
	// optional: it has a default.
	optional bool
	// byName: by name only; byPosition: by position only.
	byName, byPosition bool
}

func (s *signature) param(name string) (int, bool) {
	for i, p := range s.params {
		if p.name == name && !p.byPosition {
			return i, true
		}
	}
	return 0, false
}

// positional is how many arguments can be given by position.
func (s *signature) positional() int {
	n := 0
	for _, p := range s.params {
		if !p.byName {
			n++
		}
	}
	return n
}

// parseSignature reads "(path: str, *, encoding: str = \"utf-8\") -> str".
func parseSignature(text string) *signature {
	s := &signature{}
	inner, result := text, ""
	if end := closing(text); end > 0 {
		inner, result = text[1:end], text[end+1:]
	}
	s.result = parseType(strings.TrimPrefix(strings.TrimSpace(result), "-> "))
	byName := false
	for _, part := range split(inner, ',') {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
		case part == "*":
			byName = true
		case part == "/":
			for i := range s.params {
				s.params[i].byPosition = true
			}
		case strings.HasPrefix(part, "**"):
			s.kwargs = true
		case strings.HasPrefix(part, "*"):
			s.args, byName = true, true
		default:
			p := param{byName: byName}
			halves := split(part, '=')
			p.optional = len(halves) > 1
			name, typ, _ := strings.Cut(halves[0], ":")
			p.name, p.typ = strings.TrimSpace(name), parseType(typ)
			s.params = append(s.params, p)
		}
	}
	return s
}

// closing is where the bracket closes with which text starts.
func closing(text string) int {
	depth := 0
	for i, r := range text {
		switch r {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// split cuts text at a character that is outside of brackets and quotes.
func split(text string, at rune) []string {
	var parts []string
	depth, from, quoted := 0, 0, false
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth--
		case r == at && depth == 0:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// A typeExpr is a type as signatures write it; the zero value is not known.
type typeExpr struct {
	name string
	of   []typeExpr // of list[T], dict[K, V], (T, U)
	// or are further types that it may be instead, None left out.
	or []typeExpr
	// none: it may be None.
	none bool
}

// parseType reads "list[unit]", "match | None", "(str, str)".
func parseType(text string) typeExpr {
	var all []typeExpr
	none := false
	for _, part := range split(strings.TrimSpace(text), '|') {
		part = strings.TrimSpace(part)
		switch {
		case part == "None":
			none = true
		case strings.HasPrefix(part, "("):
			t := typeExpr{name: "tuple"}
			for _, inner := range split(strings.Trim(part, "()"), ',') {
				t.of = append(t.of, parseType(inner))
			}
			all = append(all, t)
		case strings.Contains(part, "["):
			name, inner, _ := strings.Cut(strings.TrimSuffix(part, "]"), "[")
			t := typeExpr{name: name}
			for _, one := range split(inner, ',') {
				t.of = append(t.of, parseType(one))
			}
			all = append(all, t)
		default:
			all = append(all, typeExpr{name: part})
		}
	}
	if len(all) == 0 {
		return typeExpr{none: none}
	}
	t := all[0]
	t.or, t.none = all[1:], none
	return t
}
