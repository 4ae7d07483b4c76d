package manual

import (
	"regexp"
	"strings"
)

// maxDocstring is how much of a docstring is read, in bytes.
const maxDocstring = 1 << 16

// A Docstring is the text that a module, a function or a value is documented
// with, taken apart.
type Docstring struct {
	// Blocks are its paragraphs and examples, in order.
	Blocks []Block
	// Sections are what stands below the titles Args:, Returns: and Fields:.
	Sections []Section
}

// A Block is a paragraph, or an item of a list, whose lines are one text, or an
// example, whose lines are as they are written.
type Block struct {
	Text          string
	Example, Item bool
}

// A Section is what comes below a title.
type Section struct {
	Title string
	// Text comes before the items.
	Text  string
	Items []Item
}

// An Item is one thing that a section tells of: an argument, an attribute.
type Item struct{ Name, Text string }

// sectionTitles are the lines that begin a section.
var sectionTitles = [...]string{"Args:", "Returns:", "Fields:"}

// ReadDocstring takes a docstring apart. A paragraph ends at an empty line; what
// is indented by four spaces or more is an example, and "* " begins an item of a
// list. Anything can be read: what is no section is text.
func ReadDocstring(text string) Docstring {
	if len(text) > maxDocstring {
		text = strings.ToValidUTF8(text[:maxDocstring], "")
	}
	var d Docstring
	lines := dedent(text)
	for len(lines) > 0 {
		if lines[0] == "" {
			lines = lines[1:]
			continue
		}
		if title, ok := sectionTitle(lines); ok {
			inner := indentedBelow(lines[1:])
			d.Sections = append(d.Sections, readSection(title, inner))
			lines = lines[1+len(inner):]
			continue
		}
		var b Block
		b, lines = readBlock(lines)
		d.Blocks = append(d.Blocks, b)
	}
	return d
}

// Summary is the first sentence of the first paragraph, without its full stop.
func (d Docstring) Summary() string {
	for _, b := range d.Blocks {
		if b.Example {
			continue
		}
		text := b.Text
		if end := sentenceEnd.FindStringIndex(text); end != nil {
			text = text[:end[0]]
		}
		return strings.TrimRight(text, ".:")
	}
	return ""
}

// dedent returns the lines of a text without the indentation that all but the
// first have in common, and without spaces at their ends. What comes before the
// quotes at the end counts, where they are on a line of their own.
func dedent(text string) []string {
	lines := strings.Split(strings.ReplaceAll(text, "\t", "        "), "\n")
	common := -1
	if last := lines[len(lines)-1]; len(lines) > 1 && strings.Trim(last, " ") == "" {
		common = len(last)
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \r")
		if n := indentation(lines[i]); i > 0 && lines[i] != "" && (common < 0 || n < common) {
			common = n
		}
	}
	lines[0] = strings.TrimLeft(lines[0], " ")
	for i := 1; i < len(lines); i++ {
		if lines[i] != "" {
			lines[i] = lines[i][common:]
		}
	}
	return lines
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// sectionTitle says whether the lines begin with a title and what belongs to it.
func sectionTitle(lines []string) (string, bool) {
	for _, title := range sectionTitles {
		if lines[0] == title && len(lines) > 1 && indentation(lines[1]) > 0 {
			return strings.TrimSuffix(title, ":"), true
		}
	}
	return "", false
}

// indentedBelow are the lines up to the next one that is not indented.
func indentedBelow(lines []string) []string {
	end := 0
	for end < len(lines) && (lines[end] == "" || indentation(lines[end]) > 0) {
		end++
	}
	return lines[:end]
}

// itemPattern is how an item begins: a name, or a name with what it takes, or
// several of these.
var itemPattern = func() *regexp.Regexp {
	const name = `\*{0,2}[A-Za-z_]\w*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?`
	return regexp.MustCompile(`^ *(` + name + `(?:, ` + name + `)*): +(\S.*)$`)
}()

// sentenceEnd is where a sentence ends, or leads to a list.
var sentenceEnd = regexp.MustCompile(`[.!?:] +\P{Ll}`)

// readSection reads what is below a title: lines that begin with a name and a
// colon are items, the first of which says how far they are indented, and those
// that are indented further go on with what comes before.
func readSection(title string, lines []string) Section {
	s := Section{Title: title}
	text := &s.Text
	depth := -1
	for _, line := range lines {
		match := itemPattern.FindStringSubmatch(line)
		if match != nil && (depth < 0 || indentation(line) <= depth) {
			depth = indentation(line)
			s.Items = append(s.Items, Item{match[1], match[2]})
			text = &s.Items[len(s.Items)-1].Text
			continue
		}
		if line = strings.TrimSpace(line); line != "" {
			*text = strings.TrimSpace(*text + " " + line)
		}
	}
	return s
}

// readBlock reads a paragraph, an item or an example, and returns the lines
// after it.
func readBlock(lines []string) (Block, []string) {
	if indentation(lines[0]) >= 4 {
		return readExample(lines)
	}
	text, isItem := strings.CutPrefix(strings.TrimSpace(lines[0]), "* ")
	end := 1
	for ; end < len(lines) && lines[end] != ""; end++ {
		line := strings.TrimSpace(lines[end])
		if _, ok := sectionTitle(lines[end:]); ok || strings.HasPrefix(line, "* ") {
			break
		}
		text += " " + line
	}
	return Block{Text: text, Item: isItem}, lines[end:]
}

func readExample(lines []string) (Block, []string) {
	var kept []string
	for _, line := range lines {
		if line != "" && indentation(line) < 4 {
			break
		}
		kept = append(kept, strings.TrimPrefix(line, "    "))
	}
	return Block{Text: strings.TrimRight(strings.Join(kept, "\n"), "\n"), Example: true}, lines[len(kept):]
}
