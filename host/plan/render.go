package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/host"
)

// maxShown is how much of one value is shown, in characters; maxLines how many
// lines of how a text differs.
const (
	maxShown = 100
	maxLines = 200
)

// Render writes the plan for a person; explain says that what was read on the way
// to each change is shown.
func (p *Plan) Render(color, explain bool) string {
	paint := host.Painter(color)
	var b strings.Builder
	var reads []Read
	var numbers map[Read]int // nil: not explained
	if explain {
		reads, numbers = p.numbered()
	}
	b.WriteString(paint(host.Bold, shown(p.Event)))
	if p.Unit != "" { // else the charm could not be loaded
		b.WriteString(" on " + shown(p.Unit))
	}
	b.WriteByte('\n')
	for _, place := range p.Places {
		fmt.Fprintf(&b, "\n%s\n", paint(host.Bold, shown(place.Name)))
		for _, c := range place.Changes {
			b.WriteString(c.render(paint, numbers))
		}
	}
	for i, r := range reads {
		if i == 0 {
			fmt.Fprintf(&b, "\n%s\n", paint(host.Bold, "what was read"))
		}
		at := ""
		if r.At != "" {
			at = "  (" + shown(r.At) + ")"
		}
		fmt.Fprintf(&b, "  %2d %s%s\n", i+1, shown(r.What), paint(host.Dim, at))
	}
	for i, missing := range p.Missing {
		if i == 0 {
			fmt.Fprintf(&b, "\n%s\n", paint(host.Bold, "could not be read"))
		}
		fmt.Fprintf(&b, "  %s\n", shown(missing))
	}
	b.WriteByte('\n')
	for _, d := range p.Diagnostics {
		b.WriteString(d.Render(color))
	}
	fmt.Fprintf(&b, "%s\n", p.verdict(paint))
	return b.String()
}

// verdict is the last line.
func (p *Plan) verdict(paint func(host.Color, string) string) string {
	changes := "no changes"
	switch n := p.Changes(); {
	case n == 1:
		changes = "1 change"
	case n > 1:
		changes = fmt.Sprintf("%d changes", n)
	}
	switch {
	case p.Unknown != "":
		return paint(host.Amber, changes+" so far; the rest is not known, and nothing has been done")
	case p.ExitCode != 0:
		return paint(host.Red, changes+"; the hook would fail, and Juju keep only what takes effect at once")
	}
	return paint(host.Green, changes+"; nothing has been done")
}

func (c Change) render(paint func(host.Color, string) string, numbers map[Read]int) string {
	var b strings.Builder
	sign, code := "~", host.Amber
	switch c.Action {
	case Add:
		sign, code = "+", host.Green
	case Remove:
		sign, code = "-", host.Red
	case Do:
		sign = "!"
	}
	fmt.Fprintf(&b, "  %s %s", paint(code, sign), shown(c.What))
	switch {
	case c.Before != nil && c.After != nil:
		fmt.Fprintf(&b, ": %s → %s", shownValue(*c.Before), paint(code, shownValue(*c.After)))
	case c.After != nil:
		fmt.Fprintf(&b, ": %s", paint(code, shownValue(*c.After)))
	case c.Before != nil:
		fmt.Fprintf(&b, ": %s", shownValue(*c.Before))
	}
	if c.At != "" {
		fmt.Fprintf(&b, "  %s", paint(host.Dim, "("+shown(c.At)+")"))
	}
	b.WriteByte('\n')
	for i, line := range c.Diff {
		if i == maxLines {
			fmt.Fprintf(&b, "      … and %d lines more\n", len(c.Diff)-i)
			break
		}
		code := host.Color("")
		switch {
		case strings.HasPrefix(line, "+"):
			code = host.Green
		case strings.HasPrefix(line, "-"):
			code = host.Red
		case strings.HasPrefix(line, "@@"):
			code = host.Dim
		}
		text := shown(line)
		if code != "" {
			text = paint(code, text)
		}
		fmt.Fprintf(&b, "      %s\n", text)
	}
	if numbers == nil || c.At == "" {
		return b.String()
	}
	handler := "the top level"
	if c.Handler != "" {
		handler = shown(c.Handler)
	}
	fmt.Fprintf(&b, "      %s\n", paint(host.Dim, "by "+handler+", having read "+ranges(c.Reads, numbers)))
	return b.String()
}

// numbered are all that was read on the way to a change, in order, and their
// numbers from 1.
func (p *Plan) numbered() ([]Read, map[Read]int) {
	numbers := map[Read]int{}
	for _, place := range p.Places {
		for _, c := range place.Changes {
			for _, r := range c.Reads {
				numbers[r] = 0
			}
		}
	}
	all := slices.SortedFunc(maps.Keys(numbers), func(a, b Read) int { return a.order - b.order })
	for i, r := range all {
		numbers[r] = i + 1
	}
	return all, numbers
}

// ranges are the numbers of reads: "1-3, 5".
func ranges(reads []Read, numbers map[Read]int) string {
	if len(reads) == 0 {
		return "nothing"
	}
	var parts []string
	for i := 0; i < len(reads); {
		first := numbers[reads[i]]
		last := first
		for i++; i < len(reads) && numbers[reads[i]] == last+1; i++ {
			last++
		}
		if first == last {
			parts = append(parts, strconv.Itoa(first))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", first, last))
		}
	}
	return strings.Join(parts, ", ")
}

// shownValue is a value: quoted where it would not be seen otherwise.
func shownValue(text string) string {
	if text == "" || text != strings.TrimSpace(text) || text != host.Printable(text) || strings.ContainsAny(text, "\n\t") {
		return shown(fmt.Sprintf("%q", text))
	}
	return shown(text)
}

// shown is text on one line, without what could steer a terminal, and not longer
// than maxShown.
func shown(text string) string {
	count := 0
	for i := range text {
		if count == maxShown {
			text = text[:i] + "…"
			break
		}
		count++
	}
	return strings.NewReplacer("\n", "⏎", "\t", " ").Replace(host.Printable(text))
}
