package manual

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/stdlib"
)

// This file reads the libraries of @std//, as text: nothing is run.

// std is what the names of libraries begin with.
const std = "@std//"

// A library is one file of @std//.
type library struct {
	name   string
	source []byte
	doc    string
	// symbols are what the file defines or loads, in order.
	symbols []*symbol
}

// A symbol is a name of a library's top level.
type symbol struct {
	name string
	of   *library
	// Exactly one of these is set: a function, a value, or the name that
	// it has in another library.
	def    *syntax.DefStmt
	value  syntax.Expr
	loaded string
	from   string // the library that it is loaded from
	// comment is what stands above a value.
	comment string
}

func (l *library) symbol(name string) *symbol {
	for _, s := range l.symbols {
		if s.name == name {
			return s
		}
	}
	return nil
}

// A shelf is all libraries, by name, and the tables of native's modules.
type shelf struct {
	libraries map[string]*library
	docs      []builtins.TypeDoc
	// elsewhere are symbols that another library passes on, which is where they
	// are described.
	elsewhere map[*symbol]bool
	// native are the modules of native that a library hands out.
	native map[string]bool
}

// newShelf reads all libraries.
func newShelf(docs []builtins.TypeDoc) (*shelf, error) {
	s := &shelf{libraries: map[string]*library{}, docs: docs, elsewhere: map[*symbol]bool{}, native: map[string]bool{}}
	err := fs.WalkDir(stdlib.FS, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		l, err := readLibrary(std + file)
		if err == nil {
			s.libraries[l.name] = l
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the libraries: %w", err)
	}
	for _, l := range s.libraries {
		for _, at := range l.symbols {
			if found := s.resolve(at); at.value != nil && isPublic(at.name) && found.of != l {
				s.elsewhere[found] = true
			}
		}
	}
	return s, nil
}

// pages are the libraries' pages: first those for machines, then the interfaces.
func (s *shelf) pages() []Page {
	var pages []Page
	for _, name := range slices.Sorted(maps.Keys(s.libraries)) {
		if page := s.page(s.libraries[name]); len(page.Topics) > 1 || len(page.Topics[0].Members) > 0 {
			pages = append(pages, page)
		}
	}
	order := []Group{Libraries, Interfaces, Parts}
	slices.SortStableFunc(pages, func(a, b Page) int { return slices.Index(order, a.Group) - slices.Index(order, b.Group) })
	return pages
}

// readLibrary reads a library of @std//.
func readLibrary(name string) (*library, error) {
	source, err := host.ReadModule(nil, name)
	if err != nil {
		return nil, err
	}
	dialect := host.Dialect()
	file, err := dialect.Parse(name, source, syntax.RetainComments)
	if err != nil {
		return nil, err
	}
	l := &library{name: name, source: source, doc: docOf(file.Stmts)}
	for _, stmt := range file.Stmts {
		switch stmt := stmt.(type) {
		case *syntax.DefStmt:
			l.symbols = append(l.symbols, &symbol{name: stmt.Name.Name, of: l, def: stmt})
		case *syntax.AssignStmt:
			if target, ok := stmt.LHS.(*syntax.Ident); ok && stmt.Op == syntax.EQ {
				l.symbols = append(l.symbols, &symbol{name: target.Name, of: l, value: stmt.RHS, comment: commentOf(stmt)})
			}
		case *syntax.LoadStmt:
			module, err := host.ResolveLabel(name, stmt.ModuleName())
			if err != nil {
				return nil, err
			}
			for i, to := range stmt.To {
				l.symbols = append(l.symbols, &symbol{name: to.Name, of: l, loaded: stmt.From[i].Name, from: module})
			}
		}
	}
	return l, nil
}

// docOf is the docstring that statements begin with.
func docOf(stmts []syntax.Stmt) string {
	if len(stmts) == 0 {
		return ""
	}
	if expr, ok := stmts[0].(*syntax.ExprStmt); ok {
		text, _ := stringOf(expr.X)
		return text
	}
	return ""
}

func stringOf(e syntax.Expr) (string, bool) {
	literal, ok := e.(*syntax.Literal)
	if !ok {
		return "", false
	}
	text, ok := literal.Value.(string)
	return text, ok && literal.Token == syntax.STRING
}

// commentOf is the comment on the lines above a statement.
func commentOf(stmt syntax.Stmt) string {
	var lines []string
	next, _ := stmt.Span()
	if comments := stmt.Comments(); comments != nil {
		for _, c := range slices.Backward(comments.Before) {
			if c.Start.Line != next.Line-1 {
				break
			}
			next = c.Start
			lines = append(lines, strings.TrimPrefix(strings.TrimPrefix(c.Text, "#"), " "))
		}
	}
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

func isPublic(name string) bool { return !strings.HasPrefix(name, "_") }

// resolve follows a symbol to where it is defined.
func (s *shelf) resolve(at *symbol) *symbol {
	for range 100 { // a file that loads itself ends here, and everywhere else with an error
		next := (*symbol)(nil)
		if name, ok := at.value.(*syntax.Ident); ok {
			next = at.of.symbol(name.Name)
		} else if at.from != "" {
			if l := s.libraries[at.from]; l != nil {
				next = l.symbol(at.loaded)
			}
		}
		if next == nil || next == at {
			return at
		}
		at = next
	}
	return at
}

// page is what a library has for those who load it.
func (s *shelf) page(l *library) Page {
	rest := strings.TrimPrefix(l.name, std)
	p := Page{File: "std/" + strings.TrimSuffix(rest, ".star") + ".md", Group: Libraries}
	own := Topic{Name: l.name, Kind: Library, Doc: l.doc}
	inside := map[*symbol]bool{} // those that a struct of the library has
	var modules []Topic
	var types []Topic
	for _, at := range l.symbols {
		if !isPublic(at.name) || at.from != "" {
			continue
		}
		if call, function := callOf(at.value); function == "struct" && !s.elsewhere[at] {
			t := Topic{Name: at.name, Kind: Module, From: l.name, Doc: at.comment}
			for _, arg := range call.Args {
				if name, value, ok := keyword(arg); ok {
					found := s.resolve(&symbol{name: name, value: value, of: l})
					inside[found] = true
					t.Members = append(t.Members, s.member(name, found))
				}
			}
			modules = append(modules, t)
		}
		if d := s.nativeModule(at); d != nil {
			found := topicsOf(s.docs, d.Name)
			found[0].From = l.name
			modules = append(modules, found...)
		}
	}
	for _, at := range l.symbols {
		found := s.resolve(at)
		_, function := callOf(at.value)
		switch {
		case !isPublic(at.name), at.from != "", s.elsewhere[at], inside[found], function == "struct", s.nativeModule(at) != nil:
			continue
		}
		own.Members = append(own.Members, s.member(at.name, found))
		if module, _, ok := nativeMember(found.value); ok && types == nil {
			types = topicsOf(s.docs, module)[1:]
			s.native[module] = true
		}
	}
	p.Topics = slices.Concat([]Topic{own}, modules, types)
	if path.Dir(rest) == "interfaces" {
		p.Group = Parts
		if slices.ContainsFunc(own.Members, func(m builtins.MemberDoc) bool {
			return strings.HasSuffix(m.Name, "_requires") || strings.HasSuffix(m.Name, "_provides")
		}) {
			p.Group = Interfaces
		}
	}
	return p
}

// nativeModule is the table of a symbol that is a module of native.
func (s *shelf) nativeModule(at *symbol) *builtins.TypeDoc {
	dot, ok := at.value.(*syntax.DotExpr)
	if !ok {
		return nil
	}
	if x, ok := dot.X.(*syntax.Ident); !ok || x.Name != builtins.Native {
		return nil
	}
	for i := range s.docs {
		if s.docs[i].Module && s.docs[i].Name == dot.Name.Name {
			s.native[dot.Name.Name] = true
			return &s.docs[i]
		}
	}
	return nil
}

// nativeMember takes native.MODULE.NAME apart.
func nativeMember(e syntax.Expr) (module, name string, ok bool) {
	outer, ok := e.(*syntax.DotExpr)
	if !ok {
		return "", "", false
	}
	inner, ok := outer.X.(*syntax.DotExpr)
	if !ok {
		return "", "", false
	}
	x, ok := inner.X.(*syntax.Ident)
	return inner.Name.Name, outer.Name.Name, ok && x.Name == builtins.Native
}

// member describes what a symbol is, under a name.
func (s *shelf) member(name string, at *symbol) builtins.MemberDoc {
	m := builtins.MemberDoc{Name: name, Doc: at.comment}
	if at.def != nil {
		m.Method, m.Signature, m.Doc = true, s.signature(at), docOf(at.def.Body)
		return m
	}
	if module, native, ok := nativeMember(at.value); ok {
		for _, d := range s.docs {
			if i := slices.IndexFunc(d.Members, func(m builtins.MemberDoc) bool { return m.Name == native }); d.Module && d.Name == module && i >= 0 {
				m = d.Members[i]
				m.Name = name
				return m
			}
		}
	}
	call, function := callOf(at.value)
	switch value := at.value.(type) {
	case *syntax.CallExpr:
		switch function {
		case builtins.Native + ".kind":
			m.Signature, m.Doc = "kind", "A kind of failure."
			if len(call.Args) > 1 {
				m.Doc += " Of the family " + s.kindName(call.Args[1], at.of) + "."
			}
		case "schema.record":
			m.Signature, m.Doc = "record_type", recordDoc(call)
		case "struct":
			m.Signature = "struct"
		}
	case *syntax.Literal:
		m.Signature = map[syntax.Token]string{syntax.STRING: "str", syntax.BYTES: "bytes", syntax.INT: "int", syntax.FLOAT: "float"}[value.Token]
	case *syntax.ListExpr:
		m.Signature = "list"
	case *syntax.DictExpr:
		m.Signature = "dict"
	case *syntax.Comprehension:
		m.Signature = "list"
		if value.Curly {
			m.Signature = "dict"
		}
	}
	return m
}

// kindName is the name of a kind, which native.kind was given.
func (s *shelf) kindName(e syntax.Expr, of *library) string {
	found := s.resolve(&symbol{value: e, of: of})
	if call, function := callOf(found.value); function == builtins.Native+".kind" && len(call.Args) > 0 {
		if name, ok := stringOf(call.Args[0]); ok {
			return name
		}
	}
	return found.of.text(e)
}

// recordDoc says what schema.record was told of a record and its fields.
func recordDoc(call *syntax.CallExpr) string {
	doc := ""
	var fields strings.Builder
	for _, arg := range call.Args {
		name, value, ok := keyword(arg)
		text, isText := stringOf(value)
		inner, _ := callOf(value)
		switch {
		case !ok:
		case name == "doc" && isText:
			doc = text
		case inner != nil:
			for _, arg := range inner.Args {
				if key, value, ok := keyword(arg); ok && key == "doc" {
					text, _ := stringOf(value)
					fmt.Fprintf(&fields, "\n  %s: %s", name, text)
				}
			}
		}
	}
	if fields.Len() > 0 {
		doc += "\n\nFields:" + fields.String()
	}
	return doc
}

// callOf is a call of a function that is called by its name, and that name:
// "struct", "native.kind".
func callOf(e syntax.Expr) (*syntax.CallExpr, string) {
	call, ok := e.(*syntax.CallExpr)
	if !ok {
		return nil, ""
	}
	switch fn := call.Fn.(type) {
	case *syntax.Ident:
		return call, fn.Name
	case *syntax.DotExpr:
		if x, ok := fn.X.(*syntax.Ident); ok {
			return call, x.Name + "." + fn.Name.Name
		}
	}
	return call, ""
}

// keyword takes an argument name = value apart.
func keyword(arg syntax.Expr) (string, syntax.Expr, bool) {
	binary, ok := arg.(*syntax.BinaryExpr)
	if !ok || binary.Op != syntax.EQ {
		return "", nil, false
	}
	name, ok := binary.X.(*syntax.Ident)
	if !ok {
		return "", nil, false
	}
	return name.Name, binary.Y, true
}

// signature is what a function takes: "(name, *, update = True)". A default
// that is a constant of the library is shown by its value.
func (s *shelf) signature(at *symbol) string {
	var params []string
	for _, param := range at.def.Params {
		switch param := param.(type) {
		case *syntax.BinaryExpr:
			text := at.of.text(param.Y)
			if found := s.resolve(&symbol{value: param.Y, of: at.of}); isConstant(found.value) {
				text = found.of.text(found.value)
			}
			params = append(params, at.of.text(param.X)+" = "+text)
		default:
			params = append(params, at.of.text(param))
		}
	}
	return "(" + strings.Join(params, ", ") + ")"
}

func isConstant(e syntax.Expr) bool {
	switch e.(type) {
	case *syntax.Literal, *syntax.ListExpr:
		return true
	}
	return false
}

// text is an expression as it is written, on one line.
func (l *library) text(e syntax.Node) string {
	start, end := e.Span()
	lines := strings.Split(string(l.source), "\n")[start.Line-1 : end.Line]
	lines = slices.Clone(lines)
	last := len(lines) - 1
	lines[last] = string([]rune(lines[last])[:end.Col-1])
	lines[0] = string([]rune(lines[0])[start.Col-1:])
	return strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
}
