package manual

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// spec is where Starlark itself is described.
const spec = "https://github.com/bazelbuild/starlark/blob/master/spec.md"

// A hit is what a name stands for: a page, a topic, or a member of one.
type hit struct {
	page   *Page
	topic  *Topic
	member *builtins.MemberDoc
	// name is that of the member.
	name string
	// details are more of an event: its attributes.
	details []Item
}

// find returns what a name stands for: a library, a module or type, a member
// with the name of its topic, an event, or a member by its bare name.
func (m *Manual) find(name string) []hit {
	var whole, qualified, bare []hit
	for i := range m.Pages {
		p := &m.Pages[i]
		for j := range p.Topics {
			t := &p.Topics[j]
			switch {
			case t.Kind == Library && isLibraryName(t, name):
				whole = append(whole, hit{page: p, topic: t})
			case t.Name == name && (t.Kind == Module || t.Kind == Type):
				// The page of a library of the same name has it already.
				if p.Topics[0].Kind != Library || p.Topics[0].stem() != name {
					whole = append(whole, hit{topic: t})
				}
			}
			for k := range t.Members {
				member := &t.Members[k]
				switch {
				case t.Kind == Events && fitsEvent(member.Name, name):
					qualified = append(qualified, hit{topic: t, member: member, name: member.Name, details: m.attributes(member.Fields)})
				case t.qualified(*member) == name:
					qualified = append(qualified, hit{topic: t, member: member, name: name})
				case member.Name == name, t.Kind == Rules && strings.EqualFold(member.Name, name):
					bare = append(bare, hit{topic: t, member: member, name: t.qualified(*member)})
				}
			}
		}
	}
	if found := slices.Concat(whole, qualified); len(found) > 0 {
		return found
	}
	return bare
}

// attributes are what the type event says of some of its members.
func (m *Manual) attributes(names []string) []Item {
	var items []Item
	event := m.typ("event")
	for _, name := range names {
		if i := slices.IndexFunc(event.Members, func(m builtins.MemberDoc) bool { return m.Name == strings.TrimSuffix(name, "()") }); i >= 0 {
			items = append(items, Item{name, event.Members[i].Doc})
		}
	}
	return items
}

// isLibraryName says whether a name is a library's: "@std//apt.star",
// "std//apt.star", "apt.star", "interfaces/ingress" or "ingress".
func isLibraryName(t *Topic, name string) bool {
	full := strings.TrimPrefix(t.Name, std)
	return name == t.Name || name == full || name == strings.TrimSuffix(full, ".star") || name == t.stem() || name == t.stem()+".star"
}

// fitsEvent says whether a name is that of an event: db_relation_changed or
// relation-changed of <endpoint>_relation_changed.
func fitsEvent(event, name string) bool {
	name = strings.ReplaceAll(strings.TrimPrefix(name, "framework.on."), "-", "_")
	if _, kind, ok := strings.Cut(event, ">_"); ok {
		return name == event || strings.HasSuffix(name, "_"+kind) || name == kind && kind != "action"
	}
	return name == event
}

// An UnknownError is for a name that nothing is written about.
type UnknownError struct{ Name, Nearest string }

func (e *UnknownError) Error() string {
	text := fmt.Sprintf("nothing is written about %s", e.Name)
	if e.Nearest != "" {
		text += fmt.Sprintf("; did you mean %s?", e.Nearest)
	}
	return text
}

// Text is what the manual says of a name, for a terminal; without a name, what
// it says at all. Its error is an [UnknownError].
func (m *Manual) Text(name string) (string, error) {
	if name == "" {
		return m.overview(), nil
	}
	hits := m.find(strings.TrimSuffix(name, "()"))
	if len(hits) == 0 {
		if _, ok := starlark.Universe[name]; ok {
			return fmt.Sprintf("%s belongs to Starlark itself:\n  %s#%s\n", name, spec, strings.ToLower(name)), nil
		}
		return "", &UnknownError{name, m.nearest(name)}
	}
	return renderHits(hits), nil
}

// nearest is the name that was most likely meant, or "".
func (m *Manual) nearest(name string) string {
	names := m.Names()
	full := map[string]string{} // what names without their beginning stand for
	for _, known := range names {
		short := strings.TrimSuffix(known, ".star")
		short = short[strings.LastIndexAny(short, "./")+1:]
		if _, taken := full[short]; !taken {
			full[short] = known
		}
	}
	if near := model.Nearest(name, names); near != "" {
		return near
	}
	return full[model.Nearest(name, slices.Sorted(maps.Keys(full)))]
}
