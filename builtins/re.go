package builtins

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// Kinds of failure of module re.
var rePatternError = &Kind{Name: "re.PatternError"}

// The flags of Python's re, by their values there.
const (
	reIgnoreCase = 2
	reMultiline  = 8
	reDotAll     = 16
)

const (
	maxRePattern = 64 << 10 // of a pattern, in bytes
	maxReResult  = 64 << 20 // of what sub returns, in bytes
	maxReCache   = 256      // compiled patterns kept
)

var reTable = table[*reCache]{
	typ: "re",
	doc: "Regular expressions, in RE2 syntax: Python's without look-around and back-references inside a pattern. Matching takes time linear in the text, whatever the pattern. Unlike in Python, $ matches at the very end only, offsets count bytes, and an empty match right after another match is left out. A pattern that cannot be compiled is the failure re.PatternError.",
	members: []member[*reCache]{
		{name: "compile", sig: "(pattern: str, flags: int = 0) -> pattern", doc: "Compiles a pattern, to use it several times. flags combine with |: `re.compile(p, re.IGNORECASE | re.MULTILINE)`.",
			call: func(c *reCache, in invocation) (starlark.Value, error) {
				var text string
				var flags int
				if err := in.unpack("pattern", &text, "flags?", &flags); err != nil {
					return nil, err
				}
				return c.compile(in.name, starlark.String(text), flags)
			}},
		{name: "search", sig: "(pattern: str | pattern, text: str, flags: int = 0) -> match | None", doc: "The first match anywhere in text.", call: reCall((*rePattern).search, 1)},
		{name: "match", sig: "(pattern: str | pattern, text: str, flags: int = 0) -> match | None", doc: "The match at the start of text.", call: reCall((*rePattern).match, 1)},
		{name: "fullmatch", sig: "(pattern: str | pattern, text: str, flags: int = 0) -> match | None", doc: "The match that is the whole of text.", call: reCall((*rePattern).fullmatch, 1)},
		{name: "findall", sig: "(pattern: str | pattern, text: str, flags: int = 0) -> list", doc: "Every match, left to right: strings, or the group if the pattern has one, or tuples if it has more.", call: reCall((*rePattern).findall, 1)},
		{name: "finditer", sig: "(pattern: str | pattern, text: str, flags: int = 0) -> list[match]", doc: "Every match, left to right.", call: reCall((*rePattern).finditer, 1)},
		{name: "split", sig: "(pattern: str | pattern, text: str, maxsplit: int = 0, flags: int = 0) -> list", doc: "text cut at the matches, at most maxsplit times unless 0. Groups of the pattern are among the results.", call: reCall((*rePattern).split, 2)},
		{name: "sub", sig: "(pattern: str | pattern, repl: str | function, text: str, count: int = 0, flags: int = 0) -> str", doc: "text with matches replaced, at most count of them unless 0. In repl, `\\1` and `\\g<name>` stand for groups; a function gets the match and returns the string.", call: reCall((*rePattern).sub, 3)},
		{name: "escape", sig: "(text: str) -> str", doc: "A pattern that matches exactly text.",
			call: func(_ *reCache, in invocation) (starlark.Value, error) {
				var text string
				if err := in.unpack("text", &text); err != nil {
					return nil, err
				}
				return starlark.String(regexp.QuoteMeta(text)), nil
			}},
		{name: "IGNORECASE", sig: "int", doc: "Flag: letters match in either case, as (?i).", get: reFlag(reIgnoreCase)},
		{name: "MULTILINE", sig: "int", doc: "Flag: ^ and $ match at each line, as (?m).", get: reFlag(reMultiline)},
		{name: "DOTALL", sig: "int", doc: "Flag: . matches a line break too, as (?s).", get: reFlag(reDotAll)},
		{name: "PatternError", sig: "kind", doc: "The failure when a pattern cannot be compiled.",
			get: func(*reCache) (starlark.Value, error) { return rePatternError, nil }},
	},
}

// newRe returns module re with a cache of its own: it serves one dispatch.
func newRe() starlark.Value {
	return &module[*reCache]{table: &reTable, self: &reCache{make(map[reKey]*rePattern)}}
}

func reFlag(flag int) func(*reCache) (starlark.Value, error) {
	return func(*reCache) (starlark.Value, error) { return starlark.MakeInt(flag), nil }
}

type reKey struct {
	text  string
	flags int
}

type reCache struct{ compiled map[reKey]*rePattern }

// compile returns the pattern that a script gave as text or compiled.
func (c *reCache) compile(function string, pattern starlark.Value, flags int) (*rePattern, error) {
	var text string
	switch pattern := pattern.(type) {
	case *rePattern:
		if flags != 0 {
			return nil, fmt.Errorf("%s: the pattern is compiled, give its flags to re.compile", function)
		}
		return pattern, nil
	case starlark.String:
		text = string(pattern)
	default:
		return nil, fmt.Errorf("%s: for parameter pattern: got %s, want string or pattern", function, pattern.Type())
	}
	key := reKey{text, flags}
	if p, ok := c.compiled[key]; ok {
		return p, nil
	}
	if flags&^(reIgnoreCase|reMultiline|reDotAll) != 0 {
		return nil, fmt.Errorf("%s: flags is %d, want re.IGNORECASE, re.MULTILINE and re.DOTALL combined with |", function, flags)
	}
	if len(text) > maxRePattern {
		return nil, &Failure{Kind: rePatternError, Message: fmt.Sprintf("cannot compile a pattern of more than %d bytes", maxRePattern)}
	}
	if _, err := regexp.Compile(text); err != nil {
		return nil, &Failure{Kind: rePatternError, Message: fmt.Sprintf("cannot compile the pattern %.200q: %s", text, patternProblem(err)), Err: err}
	}
	var letters string
	for _, f := range []struct {
		flag   int
		letter string
	}{{reIgnoreCase, "i"}, {reMultiline, "m"}, {reDotAll, "s"}} {
		if flags&f.flag != 0 {
			letters += f.letter
		}
	}
	p := &rePattern{text: text, flags: letters}
	var err error
	if p.anywhere, err = p.wrapped("", ""); err != nil {
		return nil, err
	}
	if len(c.compiled) >= maxReCache {
		clear(c.compiled)
	}
	c.compiled[key] = p
	return p, nil
}

// patternProblem is the reason alone: "missing closing ): `(`".
func patternProblem(err error) string {
	problem := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	if strings.Contains(problem, "`(?=`") || strings.Contains(problem, "`(?!`") || strings.Contains(problem, "`(?<`") {
		problem += " (RE2 has no look-around)"
	}
	return problem
}

// reCall makes the function of the module out of the pattern's method, which
// takes so many parameters.
func reCall(method func(*rePattern, invocation) (starlark.Value, error), params int) func(*reCache, invocation) (starlark.Value, error) {
	return func(c *reCache, in invocation) (starlark.Value, error) {
		var pattern starlark.Value
		var flags int
		rest := make([]starlark.Tuple, 0, len(in.kwargs))
		for _, kw := range in.kwargs {
			switch name, _ := starlark.AsString(kw[0]); name {
			case "pattern":
				pattern = kw[1]
			case "flags":
				if err := starlark.AsInt(kw[1], &flags); err != nil {
					return nil, fmt.Errorf("%s: for parameter flags: %w", in.name, err)
				}
			default:
				rest = append(rest, kw)
			}
		}
		args := in.args
		switch {
		case pattern == nil && len(args) == 0:
			return nil, fmt.Errorf("%s: missing argument for pattern", in.name)
		case pattern == nil:
			pattern, args = args[0], args[1:]
		}
		if len(args) == params+1 { // flags is the last parameter
			if err := starlark.AsInt(args[params], &flags); err != nil {
				return nil, fmt.Errorf("%s: for parameter flags: %w", in.name, err)
			}
			args = args[:params]
		}
		p, err := c.compile(in.name, pattern, flags)
		if err != nil {
			return nil, err
		}
		return method(p, invocation{in.thread, in.name, args, rest})
	}
}

var rePatternTable = table[*rePattern]{
	typ: "pattern",
	doc: "A compiled regular expression.",
	members: []member[*rePattern]{
		{name: "pattern", sig: "str", doc: "The text that was compiled.",
			get: func(p *rePattern) (starlark.Value, error) { return starlark.String(p.text), nil }},
		{name: "groups", sig: "int", doc: "How many groups the pattern has.",
			get: func(p *rePattern) (starlark.Value, error) { return starlark.MakeInt(p.anywhere.NumSubexp()), nil }},
		{name: "search", sig: "(text: str) -> match | None", doc: "The first match anywhere in text.", call: (*rePattern).search},
		{name: "match", sig: "(text: str) -> match | None", doc: "The match at the start of text.", call: (*rePattern).match},
		{name: "fullmatch", sig: "(text: str) -> match | None", doc: "The match that is the whole of text.", call: (*rePattern).fullmatch},
		{name: "findall", sig: "(text: str) -> list", doc: "Every match, as re.findall gives them.", call: (*rePattern).findall},
		{name: "finditer", sig: "(text: str) -> list[match]", doc: "Every match, left to right.", call: (*rePattern).finditer},
		{name: "split", sig: "(text: str, maxsplit: int = 0) -> list", doc: "text cut at the matches, as by re.split.", call: (*rePattern).split},
		{name: "sub", sig: "(repl: str | function, text: str, count: int = 0) -> str", doc: "text with matches replaced, as by re.sub.", call: (*rePattern).sub},
	},
}

// A rePattern is a compiled pattern. Those for the start and the whole of a
// text are compiled when they are first wanted.
type rePattern struct {
	text, flags            string
	anywhere, start, whole *regexp.Regexp
}

func (p *rePattern) String() string        { return fmt.Sprintf("<pattern %q>", p.text) }
func (p *rePattern) Type() string          { return rePatternTable.typ }
func (p *rePattern) Freeze()               {}
func (p *rePattern) Truth() starlark.Bool  { return true }
func (p *rePattern) Hash() (uint32, error) { return starlark.String(p.text).Hash() }
func (p *rePattern) AttrNames() []string   { return rePatternTable.attrNames(p) }
func (p *rePattern) Attr(name string) (starlark.Value, error) {
	return rePatternTable.attr(p, name)
}

// wrapped compiles the pattern, which is known to be sound, between before and
// after.
func (p *rePattern) wrapped(before, after string) (*regexp.Regexp, error) {
	r, err := regexp.Compile(before + "(?" + p.flags + ":" + p.text + ")" + after)
	if err != nil {
		return nil, &Failure{Kind: rePatternError, Message: fmt.Sprintf("cannot compile the pattern %.200q: %s", p.text, patternProblem(err)), Err: err}
	}
	return r, nil
}

// first is the first match of r in the one parameter of a method, or None.
func (p *rePattern) first(in invocation, r *regexp.Regexp) (starlark.Value, error) {
	var text string
	if err := in.unpack("text", &text); err != nil {
		return nil, err
	}
	at := r.FindStringSubmatchIndex(text)
	if at == nil {
		return starlark.None, nil
	}
	return &reMatch{p, text, at}, nil
}

func (p *rePattern) search(in invocation) (starlark.Value, error) { return p.first(in, p.anywhere) }

func (p *rePattern) match(in invocation) (starlark.Value, error) {
	if p.start == nil {
		var err error
		if p.start, err = p.wrapped(`\A`, ""); err != nil {
			return nil, err
		}
	}
	return p.first(in, p.start)
}

func (p *rePattern) fullmatch(in invocation) (starlark.Value, error) {
	if p.whole == nil {
		var err error
		if p.whole, err = p.wrapped(`\A`, `\z`); err != nil {
			return nil, err
		}
	}
	return p.first(in, p.whole)
}

func (p *rePattern) findall(in invocation) (starlark.Value, error) {
	var text string
	if err := in.unpack("text", &text); err != nil {
		return nil, err
	}
	var found []starlark.Value
	for _, at := range p.anywhere.FindAllStringSubmatchIndex(text, -1) {
		m := &reMatch{p, text, at}
		switch n := p.anywhere.NumSubexp(); n {
		case 0, 1:
			found = append(found, m.groupOr(n, starlark.String("")))
		default:
			groups := make(starlark.Tuple, n)
			for i := range groups {
				groups[i] = m.groupOr(i+1, starlark.String(""))
			}
			found = append(found, groups)
		}
	}
	return starlark.NewList(found), nil
}

func (p *rePattern) finditer(in invocation) (starlark.Value, error) {
	var text string
	if err := in.unpack("text", &text); err != nil {
		return nil, err
	}
	var found []starlark.Value
	for _, at := range p.anywhere.FindAllStringSubmatchIndex(text, -1) {
		found = append(found, &reMatch{p, text, at})
	}
	return starlark.NewList(found), nil
}

func (p *rePattern) split(in invocation) (starlark.Value, error) {
	var text string
	var limit int
	if err := in.unpack("text", &text, "maxsplit?", &limit); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = -1
	}
	var parts []starlark.Value
	from := 0
	for _, at := range p.anywhere.FindAllStringSubmatchIndex(text, limit) {
		parts = append(parts, starlark.String(text[from:at[0]]))
		m := &reMatch{p, text, at}
		for i := range p.anywhere.NumSubexp() {
			parts = append(parts, m.groupOr(i+1, starlark.None))
		}
		from = at[1]
	}
	return starlark.NewList(append(parts, starlark.String(text[from:]))), nil
}

func (p *rePattern) sub(in invocation) (starlark.Value, error) {
	var repl starlark.Value
	var text string
	var count int
	if err := in.unpack("repl", &repl, "text", &text, "count?", &count); err != nil {
		return nil, err
	}
	if count <= 0 {
		count = -1
	}
	replacement, err := p.replacement(in, repl)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	from := 0
	for _, at := range p.anywhere.FindAllStringSubmatchIndex(text, count) {
		out.WriteString(text[from:at[0]])
		if err := replacement(&out, &reMatch{p, text, at}); err != nil {
			return nil, err
		}
		if out.Len() > maxReResult {
			return nil, fmt.Errorf("%s: the result has more than %d bytes", in.name, maxReResult)
		}
		from = at[1]
	}
	out.WriteString(text[from:])
	return starlark.String(out.String()), nil
}

// replacement is what writes the replacement of one match.
func (p *rePattern) replacement(in invocation, repl starlark.Value) (func(*strings.Builder, *reMatch) error, error) {
	switch repl := repl.(type) {
	case starlark.Callable:
		return func(out *strings.Builder, m *reMatch) error {
			v, err := starlark.Call(in.thread, repl, starlark.Tuple{m}, nil)
			if err != nil {
				return err
			}
			s, ok := starlark.AsString(v)
			if !ok {
				return fmt.Errorf("%s: %s returned a %s, want a string", in.name, repl.Name(), v.Type())
			}
			out.WriteString(s)
			return nil
		}, nil
	case starlark.String:
		parts, err := p.parseReplacement(string(repl))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		return func(out *strings.Builder, m *reMatch) error {
			for _, part := range parts {
				out.WriteString(part.literal)
				if part.group >= 0 {
					group, _ := starlark.AsString(m.groupOr(part.group, starlark.String("")))
					out.WriteString(group)
				}
			}
			return nil
		}, nil
	}
	return nil, fmt.Errorf("%s: for parameter repl: got %s, want string or function", in.name, repl.Type())
}

// A rePart of a replacement is literal text and then a group, or -1.
type rePart struct {
	literal string
	group   int
}

// parseReplacement reads \1, \g<1>, \g<name>, \n, \t and \\ in a replacement.
func (p *rePattern) parseReplacement(repl string) ([]rePart, error) {
	var parts []rePart
	var literal strings.Builder
	for i := 0; i < len(repl); i++ {
		if repl[i] != '\\' {
			literal.WriteByte(repl[i])
			continue
		}
		if i++; i == len(repl) {
			return nil, errors.New("repl ends in a single backslash: write \\\\")
		}
		name := ""
		switch c := repl[i]; {
		case c == '\\':
			literal.WriteByte('\\')
			continue
		case c == 'n':
			literal.WriteByte('\n')
			continue
		case c == 't':
			literal.WriteByte('\t')
			continue
		case '0' <= c && c <= '9':
			end := i + 1
			if end < len(repl) && '0' <= repl[end] && repl[end] <= '9' {
				end++
			}
			name = repl[i:end]
			i = end - 1
		case c == 'g' && strings.HasPrefix(repl[i:], "g<") && strings.Contains(repl[i:], ">"):
			end := i + strings.Index(repl[i:], ">")
			name = repl[i+2 : end]
			i = end
		default:
			return nil, fmt.Errorf("repl holds \\%c: want \\1, \\g<name>, \\n, \\t or \\\\", c)
		}
		group, err := p.groupNumber(starlark.String(name))
		if err != nil {
			return nil, err
		}
		parts = append(parts, rePart{literal.String(), group})
		literal.Reset()
	}
	return append(parts, rePart{literal.String(), -1}), nil
}

// groupNumber finds a group by number, its digits, or name.
func (p *rePattern) groupNumber(which starlark.Value) (int, error) {
	n := -1
	switch which := which.(type) {
	case starlark.Int:
		if i, err := starlark.AsInt32(which); err == nil {
			n = i
		}
	case starlark.String:
		if i, err := strconv.Atoi(string(which)); err == nil {
			n = i
		} else if which != "" {
			n = p.anywhere.SubexpIndex(string(which))
		}
	}
	if n < 0 || n > p.anywhere.NumSubexp() {
		return 0, fmt.Errorf("the pattern %.200q has no group %s", p.text, which)
	}
	return n, nil
}

var reMatchTable = table[*reMatch]{
	typ: "match",
	doc: "Where a pattern matched. m[1] and m[\"name\"] are m.group(1) and m.group(\"name\"). Groups go by number, 0 being the whole match, or by name. Offsets count bytes.",
	members: []member[*reMatch]{
		{name: "group", sig: "(*groups: int | str) -> str | None | tuple", doc: "The text of a group, by default of the whole match; None if it took no part. With several groups, a tuple.",
			call: func(m *reMatch, in invocation) (starlark.Value, error) {
				if len(in.kwargs) > 0 {
					return nil, fmt.Errorf("%s: unexpected keyword argument %s", in.name, in.kwargs[0][0])
				}
				if len(in.args) == 0 {
					return m.groupOr(0, starlark.None), nil
				}
				var found starlark.Tuple
				for _, which := range in.args {
					n, err := m.pattern.groupNumber(which)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", in.name, err)
					}
					found = append(found, m.groupOr(n, starlark.None))
				}
				if len(found) == 1 {
					return found[0], nil
				}
				return found, nil
			}},
		{name: "groups", sig: "(default = None) -> tuple", doc: "The text of every group, default for one that took no part.",
			call: func(m *reMatch, in invocation) (starlark.Value, error) {
				var fallback starlark.Value = starlark.None
				if err := in.unpack("default?", &fallback); err != nil {
					return nil, err
				}
				groups := make(starlark.Tuple, m.pattern.anywhere.NumSubexp())
				for i := range groups {
					groups[i] = m.groupOr(i+1, fallback)
				}
				return groups, nil
			}},
		{name: "groupdict", sig: "(default = None) -> dict", doc: "The text of every named group, default for one that took no part.",
			call: func(m *reMatch, in invocation) (starlark.Value, error) {
				var fallback starlark.Value = starlark.None
				if err := in.unpack("default?", &fallback); err != nil {
					return nil, err
				}
				dict := new(starlark.Dict)
				for i, name := range m.pattern.anywhere.SubexpNames() {
					if name == "" {
						continue
					}
					if err := dict.SetKey(starlark.String(name), m.groupOr(i, fallback)); err != nil {
						return nil, err
					}
				}
				return dict, nil
			}},
		{name: "start", sig: "(group: int | str = 0) -> int", doc: "Where the group starts, -1 if it took no part.",
			call: func(m *reMatch, in invocation) (starlark.Value, error) {
				from, _, err := m.span(in)
				return starlark.MakeInt(from), err
			}},
		{name: "end", sig: "(group: int | str = 0) -> int", doc: "Where the group ends, -1 if it took no part.",
			call: func(m *reMatch, in invocation) (starlark.Value, error) {
				_, to, err := m.span(in)
				return starlark.MakeInt(to), err
			}},
		{name: "span", sig: "(group: int | str = 0) -> (int, int)", doc: "Where the group starts and ends.",
			call: func(m *reMatch, in invocation) (starlark.Value, error) {
				from, to, err := m.span(in)
				return starlark.Tuple{starlark.MakeInt(from), starlark.MakeInt(to)}, err
			}},
		{name: "string", sig: "str", doc: "The text that was searched.",
			get: func(m *reMatch) (starlark.Value, error) { return starlark.String(m.text), nil }},
		{name: "re", sig: "pattern", doc: "The pattern that matched.",
			get: func(m *reMatch) (starlark.Value, error) { return m.pattern, nil }},
	},
}

type reMatch struct {
	pattern *rePattern
	text    string
	at      []int // pairs of offsets, -1 for a group that took no part
}

var _ starlark.Mapping = (*reMatch)(nil)

func (m *reMatch) String() string        { return fmt.Sprintf("<match %q>", m.text[m.at[0]:m.at[1]]) }
func (m *reMatch) Type() string          { return reMatchTable.typ }
func (m *reMatch) Freeze()               {}
func (m *reMatch) Truth() starlark.Bool  { return true }
func (m *reMatch) Hash() (uint32, error) { return 0, errors.New("unhashable: match") }
func (m *reMatch) AttrNames() []string   { return reMatchTable.attrNames(m) }
func (m *reMatch) Attr(name string) (starlark.Value, error) {
	return reMatchTable.attr(m, name)
}

// Get implements m[group].
func (m *reMatch) Get(which starlark.Value) (starlark.Value, bool, error) {
	n, err := m.pattern.groupNumber(which)
	if err != nil {
		return nil, false, err
	}
	return m.groupOr(n, starlark.None), true, nil
}

// groupOr is the text of group n, or fallback if it took no part.
func (m *reMatch) groupOr(n int, fallback starlark.Value) starlark.Value {
	if m.at[2*n] < 0 {
		return fallback
	}
	return starlark.String(m.text[m.at[2*n]:m.at[2*n+1]])
}

func (m *reMatch) span(in invocation) (from, to int, err error) {
	var which starlark.Value = starlark.MakeInt(0)
	if err := in.unpack("group?", &which); err != nil {
		return 0, 0, err
	}
	n, err := m.pattern.groupNumber(which)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", in.name, err)
	}
	return m.at[2*n], m.at[2*n+1], nil
}
