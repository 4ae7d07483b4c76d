package manual

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/starcharm/starcharm/builtins"
)

const introduction = `# Reference

Everything that a charm's files and their tests can use; [charms.md](../charms.md) and [testing.md](../testing.md) are the guides,
and ` + "`starcharm doc NAME`" + ` shows the same in a terminal. The language itself is
[Starlark](` + spec + `), with its own functions and methods of strings, lists
and dicts. These pages are made from the program: ` + "`go test ./host/manual -run TestReference -update`" + `.

In a signature, what comes before ` + "`/`" + ` is given by position only, and what comes after ` + "`*`" + ` by name only; ` + "`<none>`" + ` is an
argument that is left out by default, and ` + "`default = <fail>`" + ` one without which there is a failure. A failure is what
` + "`catch()`" + ` returns; other errors, such as an argument of the wrong type, end the hook.
`

// Markdown is the manual as the files of docs/reference, by their paths there.
func (m *Manual) Markdown() map[string]string {
	files := map[string]string{"README.md": m.index()}
	for i := range m.Pages {
		if p := &m.Pages[i]; p.File != "" {
			files[p.File] = p.markdown()
		}
	}
	return files
}

// index is the page that leads to all others.
func (m *Manual) index() string {
	var b strings.Builder
	b.WriteString(introduction)
	var group Group
	for _, p := range m.Pages {
		if p.File == "" {
			continue
		}
		if p.Group != group {
			group = p.Group
			fmt.Fprintf(&b, "\n## %s\n\n| | | types |\n|---|---|---|\n", group)
		}
		first := p.Topics[0]
		var types []string
		for _, t := range p.Topics[1:] {
			if t.Kind == Type {
				types = append(types, fmt.Sprintf("[%s](%s#%s)", t.Name, p.File, anchor(t.Name)))
			}
		}
		fmt.Fprintf(&b, "| [%s](%s) | %s | %s |\n", first.Name, p.File, prose(ReadDocstring(first.Doc).Summary()), strings.Join(types, ", "))
	}
	return b.String()
}

// anchor is how Markdown's readers link to a heading.
func anchor(title string) string {
	kept := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(title), "")
	return strings.ReplaceAll(kept, " ", "-")
}

func (p *Page) markdown() string {
	var b strings.Builder
	for i := range p.Topics {
		t := &p.Topics[i]
		level := "##"
		if i == 0 {
			level = "#"
		}
		title := t.Name
		if t.Kind == Functions || t.Kind == Events || t.Kind == Rules {
			title = strings.ToUpper(title[:1]) + title[1:]
		}
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s %s\n", level, title)
		if t.From != "" {
			fmt.Fprintf(&b, "\n`load(%q, %q)`\n", t.From, t.Name)
		}
		b.WriteString(markdownDoc(t.Doc, ""))
		for j, m := range t.Members {
			if j == 0 {
				b.WriteString("\n")
			}
			b.WriteString(t.markdownMember(m))
		}
	}
	fmt.Fprintf(&b, "\n[All pages](%sREADME.md)\n", strings.Repeat("../", strings.Count(p.File, "/")))
	return b.String()
}

// markdownMember is a member as an item of a list.
func (t *Topic) markdownMember(m builtins.MemberDoc) string {
	name := m.Name
	if t.Kind == Module {
		name = t.qualified(m)
	}
	var remarks []string
	if m.Writable {
		remarks = append(remarks, "Can be assigned.")
	}
	if len(m.Only) > 0 {
		remarks = append(remarks, "Only of `"+strings.Join(m.Only, "`, `")+"`.")
	}
	if t.Kind == Events && len(m.Fields) > 0 {
		remarks = append(remarks, "Its event has `"+strings.Join(m.Fields, "`, `")+"`.")
	}
	doc := strings.TrimPrefix(markdownDoc(m.Doc, "  "), "\n  ")
	text := fmt.Sprintf("* `%s%s`", name, signature(m))
	if doc != "" {
		text += "<br>" + doc
	}
	text = strings.TrimSuffix(text, "\n")
	if len(remarks) > 0 {
		separator := " "
		if strings.Contains(doc, "\n\n") {
			separator = "\n\n  "
		}
		text += separator + strings.Join(remarks, " ")
	}
	return text + "\n"
}

// markdownDoc is a docstring in Markdown; an empty line comes before each part.
func markdownDoc(doc, indent string) string {
	d := ReadDocstring(doc)
	var b strings.Builder
	for i, block := range d.Blocks {
		switch {
		case block.Item && i > 0 && d.Blocks[i-1].Item:
			fmt.Fprintf(&b, "%s* %s\n", indent, prose(block.Text))
			continue
		case block.Item:
			fmt.Fprintf(&b, "\n%s* %s\n", indent, prose(block.Text))
			continue
		case !block.Example:
			fmt.Fprintf(&b, "\n%s%s\n", indent, prose(block.Text))
			continue
		}
		fmt.Fprintf(&b, "\n%s```python\n", indent)
		for line := range strings.SplitSeq(block.Text, "\n") {
			b.WriteString(strings.TrimRight(indent+line, " ") + "\n")
		}
		fmt.Fprintf(&b, "%s```\n", indent)
	}
	for _, s := range d.Sections {
		b.WriteString(strings.TrimRight(fmt.Sprintf("\n%s%s: %s", indent, s.Title, prose(s.Text)), " "))
		if len(s.Items) > 0 {
			b.WriteString("\n")
		}
		for _, item := range s.Items {
			fmt.Fprintf(&b, "\n%s* `%s`: %s", indent, item.Name, prose(item.Text))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// prose escapes what Markdown would take for its own, outside of `code`.
func prose(text string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = regexp.MustCompile(`[\\<*|]`).ReplaceAllString(parts[i], `\$0`)
	}
	return strings.Join(parts, "`")
}
