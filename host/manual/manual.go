package manual

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host/charmtest"
	"github.com/starcharm/starcharm/model/consistency"
)

// A Manual is all that there is to read, by page.
type Manual struct{ Pages []Page }

// A Page is about one module or library, and the types that belong to it.
type Page struct {
	// File is the page's file below docs/reference: "std/apt.md".
	File  string
	Group Group
	// Topics are the module or library itself, and then the types.
	Topics []Topic
}

// A Group is a part of the manual.
type Group string

const (
	Builtins   Group = "Builtins"
	Libraries  Group = "Libraries"
	Interfaces Group = "Interfaces"
	Parts      Group = "What interfaces are made of"
	Tests      Group = "Tests"
	Shell      Group = "Shell"
)

// A Kind is what a topic is about.
type Kind string

const (
	Functions Kind = "functions"
	Module    Kind = "module"
	Type      Kind = "type"
	Events    Kind = "events"
	Library   Kind = "library"
	Rules     Kind = "rules"
)

// A Topic is a module, a type, a library, or some functions, events or rules.
type Topic struct {
	// Name is as Starlark shows it, a library's as load() takes it, and a title
	// for the rest.
	Name string
	Kind Kind
	// From names the library that a module is loaded from.
	From string
	// Doc is a docstring; see [ReadDocstring].
	Doc     string
	Members []builtins.MemberDoc
}

// New puts the manual together. The shell are topics of a shell's own.
func New(shell ...builtins.TypeDoc) (*Manual, error) {
	docs := builtins.Documentation()
	s, err := newShelf(docs)
	if err != nil {
		return nil, err
	}
	libraries := s.pages()
	m := &Manual{}
	for _, d := range docs {
		switch {
		case d.Of != d.Name, s.native[d.Name]:
			continue
		case d.Name == "model": // after framework, whose attributes they are
			m.Pages = append(m.Pages, Page{"events.md", Builtins, []Topic{events()}})
		}
		m.Pages = append(m.Pages, Page{cmp.Or(d.Name, "functions") + ".md", Builtins, topicsOf(docs, d.Name)})
	}
	m.Pages = append(m.Pages, libraries...)
	m.Pages = append(m.Pages, tests())
	for _, d := range shell {
		m.Pages = append(m.Pages, Page{Group: Shell, Topics: []Topic{topic(d)}})
	}
	return m, nil
}

// topicsOf are a module of the tables and its types.
func topicsOf(docs []builtins.TypeDoc, module string) []Topic {
	var topics []Topic
	for _, d := range docs {
		if d.Of == module {
			topics = append(topics, topic(d))
		}
	}
	return topics
}

// topic is what a table describes.
func topic(d builtins.TypeDoc) Topic {
	t := Topic{Name: d.Name, Kind: Type, Doc: d.Doc, Members: d.Members}
	switch {
	case d.Module:
		t.Kind = Module
	case d.Name == "":
		t.Name, t.Kind = "functions", Functions
	}
	return t
}

// events are the topic about all events. The fields of its members are the
// attributes that not every event has.
func events() Topic {
	t := Topic{
		Name: "events of a charm", Kind: Events,
		Doc: "The attributes of framework.on. A handler gets an event, which has name, defer(), deferred and changed_config, and besides what is told here.",
	}
	for _, e := range builtins.EventDocumentation() {
		doc := e.Doc
		if e.CannotDefer != "" {
			doc += " It cannot be deferred: " + e.CannotDefer + "."
		}
		t.Members = append(t.Members, builtins.MemberDoc{Name: e.Name, Doc: doc, Fields: e.Attributes})
	}
	return t
}

// tests are the page about what tests can use besides.
func tests() Page {
	p := Page{File: "testing.md", Group: Tests}
	for _, d := range charmtest.Documentation() {
		p.Topics = append(p.Topics, topic(d))
	}
	rules := Topic{
		Name: "rules of consistency", Kind: Rules,
		Doc: "What is so of every unit that Juju runs, and so of the State and the event of `ctx.run`. A rule that is only odd to break is a note.",
	}
	for _, r := range consistency.Rules() {
		doc := r.Says + " " + r.Cure
		if r.Note {
			doc += " A note."
		}
		rules.Members = append(rules.Members, builtins.MemberDoc{Name: r.ID, Doc: doc})
	}
	p.Topics = append(p.Topics, rules)
	return p
}

// qualified is the name of a member with that of what it belongs to.
func (t *Topic) qualified(m builtins.MemberDoc) string {
	if t.Kind == Module || t.Kind == Type {
		return t.Name + "." + m.Name
	}
	return m.Name
}

// stem is the short name of a library: "apt" of "@std//apt.star".
func (t *Topic) stem() string {
	name := strings.TrimSuffix(t.Name, ".star")
	return name[strings.LastIndexByte(name, '/')+1:]
}

// Names are what one can ask for: topics, and then their members.
func (m *Manual) Names() []string {
	var topics, members []string
	for _, p := range m.Pages {
		for _, t := range p.Topics {
			if t.Kind == Module || t.Kind == Type || t.Kind == Library {
				topics = append(topics, t.Name)
			}
			for _, member := range t.Members {
				members = append(members, t.qualified(member))
			}
		}
	}
	return slices.Concat(topics, members)
}

// Beginning are the names that begin so, with what they are for, sorted: topics,
// and, once something was typed, members of modules and types after their names,
// and functions of libraries also without.
func (m *Manual) Beginning(typed string) []Item {
	found := map[string]string{}
	add := func(name, doc string) {
		if _, known := found[name]; !known && strings.HasPrefix(name, typed) && !strings.Contains(name, "<") {
			found[name] = ReadDocstring(doc).Summary()
		}
	}
	for _, p := range m.Pages {
		for _, t := range p.Topics {
			if t.Kind == Module || t.Kind == Type || t.Kind == Library {
				add(t.Name, cmp.Or(t.Doc, p.Topics[0].Doc))
			}
			for _, member := range t.Members {
				switch name := t.qualified(member); {
				case typed == "" && t.Kind != Functions:
				case name == member.Name, strings.Contains(typed, "."):
					add(name, member.Doc)
				case t.From != "":
					add(member.Name, member.Doc)
				}
			}
		}
	}
	var items []Item
	for _, name := range slices.Sorted(maps.Keys(found)) {
		items = append(items, Item{name, found[name]})
	}
	return items
}

// typ is a type, by its name.
func (m *Manual) typ(name string) *Topic {
	for i := range m.Pages {
		for j := range m.Pages[i].Topics {
			if t := &m.Pages[i].Topics[j]; t.Kind == Type && t.Name == name {
				return t
			}
		}
	}
	return nil
}
