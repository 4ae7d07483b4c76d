package builtins

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// This file says in words what a schema wants.

// wanted is the type in a message: "an int from 1 to 65535".
func (t *schemaType) wanted() string {
	if t.kind == "enum" || t.kind == "any" {
		return t.phrase()
	}
	return article(t.phrase())
}

// phrase is the type without an article: "int from 1 to 65535".
func (t *schemaType) phrase() string {
	switch t.kind {
	case "int", "float":
		return t.kind + between(t.min, t.max, "")
	case "string":
		text := t.kind + between(t.minLength, t.maxLength, "character")
		if t.pattern != nil {
			text += " that matches " + t.pattern.String()
		}
		return text
	case "enum":
		var choices []string
		for _, choice := range t.choices {
			choices = append(choices, choice.String())
		}
		if len(choices) == 1 {
			return choices[0]
		}
		return "one of " + strings.Join(choices, ", ")
	case "list", "dict":
		text := t.kind + between(t.minLength, t.maxLength, "element")
		if t.of.kind != "any" {
			text += ", each " + t.of.wanted()
		}
		return text
	case "record":
		var keys []string
		for i := range t.record.fields {
			keys = append(keys, t.record.fields[i].wire())
		}
		return "dict with " + strings.Join(keys, ", ")
	case "secret":
		return "secret:…"
	case "any":
		return "plain data"
	}
	return t.kind
}

// between is a bound in words; noun is what is counted.
func between(low, high starlark.Value, noun string) string {
	counted := func(n starlark.Value) string {
		switch {
		case noun == "":
			return n.String()
		case n.String() == "1":
			return "1 " + noun
		}
		return n.String() + " " + noun + "s"
	}
	switch {
	case low != nil && high != nil && noun == "":
		return fmt.Sprintf(" from %v to %v", low, high)
	case low != nil && high != nil && less(low, high):
		return fmt.Sprintf(" of %v to %s", low, counted(high))
	case low != nil && high != nil:
		return " of " + counted(low)
	case low != nil:
		return " of at least " + counted(low)
	case high != nil:
		return " of at most " + counted(high)
	}
	return ""
}

// article puts "a" or "an" before a noun.
func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func (t *schemaType) String() string {
	text := t.phrase()
	if t.optional {
		text += ", or None"
	}
	return "<schema " + text + ">"
}

// String is the record's documentation: a table with a line for each field.
func (t *recordType) String() string {
	rows := t.rows("")
	var widths [3]int
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	var b strings.Builder
	if t.doc != "" {
		b.WriteString(t.doc + "\n")
	}
	for _, row := range rows {
		line := row[3]
		for i := len(widths) - 1; i >= 0; i-- {
			line = row[i] + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(row[i])+2) + line
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// rows are the table's lines: name, type, default and text; those of a record
// in a field come after the field, indented.
func (t *recordType) rows(indent string) [][4]string {
	var rows [][4]string
	for i := range t.fields {
		f := &t.fields[i]
		name := indent + f.name
		if f.alias != "" {
			name += fmt.Sprintf(" (%q)", f.alias)
		}
		typ := f.phrase()
		if f.forbid != nil {
			for _, item := range f.forbid.Items() {
				typ += fmt.Sprintf(", not %v", item[0])
			}
		}
		fallback := "required"
		if f.optional {
			typ += ", or None"
		}
		if f.fallback != nil {
			fallback = "default " + f.fallback.String()
		}
		rows = append(rows, [4]string{name, typ, fallback, f.doc})
		inner := f.schemaType
		for inner.of != nil {
			inner = inner.of
		}
		if inner.record != nil {
			rows = append(rows, inner.record.rows(indent+"  ")...)
		}
	}
	return rows
}
