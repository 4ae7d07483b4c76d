package charmtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// A difference is one place in which two values differ. A value that is nil is
// not there.
type difference struct {
	path      string
	got, want starlark.Value
	// text is what was got where it is a part of a text, and textPath where
	// that text is.
	text     starlark.Value
	textPath string
}

// maxDifferences is how many differences are told of.
const maxDifferences = 20

// differences finds the smallest parts in which two values differ.
func differences(got, want starlark.Value) ([]difference, error) {
	d := differ{}
	err := d.compare("", got, want, 0)
	return d.found, err
}

type differ struct{ found []difference }

func (d *differ) add(path string, got, want starlark.Value) {
	d.found = append(d.found, difference{path: path, got: got, want: want})
}

// maxNested bounds how deep values are compared.
const maxNested = 100

func (d *differ) compare(path string, got, want starlark.Value, depth int) error {
	if depth > maxNested {
		return fmt.Errorf("cannot compare values that are nested more than %d deep", maxNested)
	}
	same, err := starlark.Equal(got, want)
	if err != nil {
		return err
	}
	if same {
		return nil
	}
	if a, b := builtins.PlanFields(got), builtins.PlanFields(want); a != nil && b != nil {
		return d.comparePlain(path, a, b, depth)
	}
	switch got := got.(type) {
	case *component:
		if want, ok := want.(*component); ok && got.kind == want.kind {
			for _, f := range got.kind.fields {
				a, err := got.Attr(f.name)
				if err != nil {
					return err
				}
				b, err := want.Attr(f.name)
				if err != nil {
					return err
				}
				if err := d.compare(path+"."+f.name, a, b, depth+1); err != nil {
					return err
				}
			}
			return nil
		}
	case starlark.IterableMapping:
		if want, ok := want.(starlark.IterableMapping); ok {
			return d.compareMappings(path, got, want, depth)
		}
	case *starlark.List, starlark.Tuple:
		if got.Type() == want.Type() {
			return d.compareLists(path, got.(starlark.Indexable), want.(starlark.Indexable), depth)
		}
	case starlark.String:
		if want, ok := want.(starlark.String); ok {
			return d.compareTexts(path, got, want, depth)
		}
	}
	d.add(path, got, want)
	return nil
}

func (d *differ) comparePlain(path string, got, want any, depth int) error {
	a, err := builtins.ToStarlark(got)
	if err != nil {
		return err
	}
	b, err := builtins.ToStarlark(want)
	if err != nil {
		return err
	}
	return d.compare(path, a, b, depth+1)
}

func (d *differ) compareMappings(path string, got, want starlark.IterableMapping, depth int) error {
	for _, item := range got.Items() {
		at := fmt.Sprintf("%s[%s]", path, item[0])
		other, ok, err := want.Get(item[0])
		switch {
		case err != nil:
			return err
		case !ok:
			d.add(at, item[1], nil)
		default:
			if err := d.compare(at, item[1], other, depth+1); err != nil {
				return err
			}
		}
	}
	for _, item := range want.Items() {
		if _, ok, err := got.Get(item[0]); err != nil {
			return err
		} else if !ok {
			d.add(fmt.Sprintf("%s[%s]", path, item[0]), nil, item[1])
		}
	}
	return nil
}

func (d *differ) compareLists(path string, got, want starlark.Indexable, depth int) error {
	for i := range max(got.Len(), want.Len()) {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case i >= want.Len():
			d.add(at, got.Index(i), nil)
		case i >= got.Len():
			d.add(at, nil, want.Index(i))
		default:
			if err := d.compare(at, got.Index(i), want.Index(i), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareTexts compares what texts mean if both are JSON, else line by line.
func (d *differ) compareTexts(path string, got, want starlark.String, depth int) error {
	a, isJSON := document(string(got))
	b, bothJSON := document(string(want))
	if isJSON && bothJSON {
		before := len(d.found)
		if err := d.comparePlain(path+" (JSON)", a, b, depth); err != nil {
			return err
		}
		for i := before; i < len(d.found); i++ {
			d.found[i].text, d.found[i].textPath = got, path
		}
		if len(d.found) > before {
			return nil
		}
	}
	have, need := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	if len(have) == 1 && len(need) == 1 {
		d.add(path, got, want)
		return nil
	}
	// What is the same at the start and at the end is left out.
	start := 0
	for start < len(have) && start < len(need) && have[start] == need[start] {
		start++
	}
	end := 0
	for end < len(have)-start && end < len(need)-start && have[len(have)-1-end] == need[len(need)-1-end] {
		end++
	}
	d.add(fmt.Sprintf("%s line %d", path, start+1), lines(have[start:len(have)-end]), lines(need[start:len(need)-end]))
	return nil
}

func lines(some []string) starlark.Value {
	if len(some) == 0 {
		return nil
	}
	return starlark.String(strings.Join(some, "\n"))
}

// document is the object or list that a text is in JSON.
func document(text string) (any, bool) {
	if text = strings.TrimSpace(text); text == "" || text[0] != '{' && text[0] != '[' {
		return nil, false
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		return nil, false
	}
	return model.Plain(v), true
}

// maxValue is how much of a value is shown, in characters.
const maxValue = 600

// shown is a value in a message.
func shown(v starlark.Value) string {
	if v == nil {
		return "nothing"
	}
	text := v.String()
	count := 0
	for i := range text {
		if count == maxValue {
			return text[:i] + "…"
		}
		count++
	}
	return text
}

// explain writes differences for a message. where, unless nil, tells which line
// of the charm wrote what differs.
func explain(found []difference, where func(difference) string) string {
	var b strings.Builder
	for i, d := range found {
		if i == maxDifferences {
			fmt.Fprintf(&b, "\n… and %d more differences", len(found)-i)
			break
		}
		path, indent := strings.TrimSpace(strings.TrimPrefix(d.path, ".")), ""
		if path != "" {
			fmt.Fprintf(&b, "\n%s", path)
			indent = "  "
		}
		fmt.Fprintf(&b, "\n%sgot:  %s\n%swant: %s", indent, shown(d.got), indent, shown(d.want))
		if where == nil {
			continue
		}
		if at := where(d); at != "" {
			fmt.Fprintf(&b, "\n%sset at %s", indent, at)
		}
	}
	return strings.TrimPrefix(b.String(), "\n")
}
