package host

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/stdlib"
)

// This file holds the advice for those who write Python in a charm: what
// Starlark has instead. Advice is given only when it is certainly apt.

const noTypes = "Starlark has no type annotations"

// keywordAdvice is for the words that Starlark reserves but does not use.
func keywordAdvice(word string) (message, suggestion string) {
	message = fmt.Sprintf("Starlark has no %q", word)
	switch word {
	case "try", "except", "finally":
		suggestion = "call what may fail through catch: value, err = catch(fn, arg)"
	case "raise":
		suggestion = "throw(kind, message) raises a failure that catch() returns; fail(message) ends the hook on a bug"
	case "class":
		suggestion = "keep data in a dict or struct(name = value), and write functions that take it"
	case "with":
		suggestion = "call the steps one after the other"
	case "del":
		suggestion = "to drop a key write d.pop(key), to drop an element l.pop(index)"
	case "global":
		suggestion = "globals are read-only once the charm has loaded: return the value, or keep what must live on in storedstate"
	case "nonlocal":
		suggestion = "an inner function cannot assign an outer variable: return the value, or change a dict that both can see"
	case "yield":
		suggestion = "collect the values in a list and return it"
	case "async", "await":
		suggestion = "calls return when they are done: leave the word out"
	case "is":
		suggestion = "write == or !=, for instance x == None"
	case "import", "from":
		suggestion = "load what is in another file: load(\"other.star\", \"name\")"
	}
	return message, suggestion
}

// moduleAdvice is for a Python module by its name: how to come by it, or by
// what does the same; empty when nothing does.
func moduleAdvice(name string) string {
	if name != "struct" && slices.Contains(builtins.Names(), name) { // Python's struct is another thing
		return name + " is there without an import: delete the line"
	}
	return libraryAdvice(name)
}

// libraryAdvice is for a name that would come from a Python library.
func libraryAdvice(name string) string {
	switch name {
	case "ops":
		return "model, framework, pebble and storedstate are there without an import"
	case "logging", "logger":
		return "use the log module, which is there without an import"
	case "datetime":
		return "use the time module, which is there without an import"
	case "crypto", "random", "secrets":
		return "write load(\"@std//crypto.star\", \"random_bytes\", \"random_token\", \"random_password\") at the top of the file, for those that are used"
	case "environ":
		return "write load(\"@std//process.star\", \"environment\") at the top of the file"
	case "requests", "urllib", "httpx":
		name = "http"
	case "subprocess":
		name = "process"
	case "os", "pathlib", "Path", "shutil", "open":
		name = "fs"
	}
	if _, err := fs.Stat(stdlib.FS, name+".star"); err != nil {
		return "" // no such library, or not even a name
	}
	return fmt.Sprintf("write load(\"@std//%s.star\", %q) at the top of the file", name, name)
}

// adviseSyntax moves the diagnostic to the token that is wrong, where the
// parser points behind it, and says what Starlark has instead.
func adviseSyntax(d *Diagnostic, s *script) {
	at := place{d.Line, d.Column}
	got, want, expected := strings.Cut(strings.TrimPrefix(d.Message, "got "), ", want ")
	var i int
	switch {
	case len(s.tokens) == 0:
		return
	case expected && got == "newline" || got == "end of file":
		i = s.before(at)
		if i < 0 {
			return
		}
		d.Line, d.Column = s.token(i).end.line, s.token(i).end.column
		adviseEnd(d, s, i, got, want)
		return
	case expected && want == "primary expression",
		!expected && d.Message != "not an identifier" && !strings.Contains(d.Message, "does not associate"):
		i = s.holding(at)
	default:
		i = s.endingAt(at)
	}
	if i < 0 {
		adviseIndent(d, s)
		return
	}
	t, before := s.token(i), s.token(i-1)
	d.Line, d.Column = t.start.line, t.start.column
	switch {
	case got == "indent", want == "indent", strings.HasPrefix(d.Message, "unindent "):
		adviseIndent(d, s)
	case t.kind == tokenName && (got == t.text || d.Message == "not an identifier"):
		adviseKeyword(d, s, i)
	case t.kind == tokenString && expected:
		adviseString(d, before, t)
	case t.kind == tokenName && expected:
		adviseIdentifier(d, s, i)
	case t.kind == tokenOperator:
		adviseOperator(d, s, i, want)
	case d.Message == "unexpected newline in string":
		d.Suggestion = "close the string on its line, or write it in three quotes: \"\"\"…\"\"\""
	case strings.HasPrefix(d.Message, "invalid escape sequence"):
		d.Suggestion = "write \\\\ for a backslash, or the whole string raw: r\"…\""
	case d.Message == "conditional expression without else clause":
		d.Suggestion = "add what it is otherwise: a if condition else None"
	}
	if d.Suggestion == "" && d.Note == "" && expected {
		noteOpen(d, s, i, want)
	}
}

// before is the last token that ends at or before a place; -1 if none does.
func (s *script) before(at place) int {
	for i := len(s.tokens) - 1; i >= 0; i-- {
		if !after(s.tokens[i].end, at) {
			return i
		}
	}
	return -1
}

// adviseEnd is for a line or file that ends too early, behind token i.
func adviseEnd(d *Diagnostic, s *script, i int, got, want string) {
	first := s.token(s.first(i))
	switch {
	case want == "':'" && (first.is("def") || first.is("if") || first.is("elif") || first.is("else") || first.is("for")):
		d.Suggestion = fmt.Sprintf("end the line that starts with %q in a colon", first.text)
	case want == "primary expression" && (s.token(i).is("++") || s.token(i).is("--") || s.token(i).is("+") && s.token(i-1).is("+")):
		d.Suggestion = "write += 1 or -= 1"
	case got == "end of file":
		noteOpen(d, s, i+1, want)
	}
}

// noteOpen points at the bracket, opened on an earlier line, that something
// at token i should close or follow in a list.
func noteOpen(d *Diagnostic, s *script, i int, want string) {
	open := s.open(i)
	if open < 0 || want != "')'" && want != "']'" && want != "'}'" && want != "','" {
		return
	}
	b := s.token(open)
	closer := map[string]string{"(": ")", "[": "]", "{": "}"}[b.text]
	switch {
	case i >= len(s.tokens):
		d.Note = fmt.Sprintf("the %s that opens at line %d, column %d is never closed", b.text, b.start.line, b.start.column)
	case s.token(i).start.line > b.start.line:
		d.Note = fmt.Sprintf("before this a comma is missing, or the %s for the %s at line %d, column %d", closer, b.text, b.start.line, b.start.column)
	}
}

func adviseIndent(d *Diagnostic, s *script) {
	line := s.line(d.Line)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(indent, "\t"):
		d.Suggestion = "indent with four spaces, not with tabs"
	case strings.HasSuffix(d.Message, "want indent"):
		d.Suggestion = "indent the body of the statement above by four spaces; an empty body is the word pass"
	case strings.HasPrefix(d.Message, "got indent"):
		d.Suggestion = "this line is indented further than the one before it, without a statement that ends in a colon"
	}
}

// adviseKeyword is for a word that Starlark reserves, where none may be.
func adviseKeyword(d *Diagnostic, s *script, i int) {
	word, next := s.token(i).text, s.token(i+1)
	switch word {
	case "else":
		if s.first(i) == i {
			d.Note = "else goes with an if at the same indentation; loops have none"
		}
		return
	case "for":
		if open := s.open(i); open >= 0 && s.token(open).is("(") {
			d.Message, d.Suggestion = "Starlark has no generator expressions", "write a list: [… for … in …]"
		}
		return
	}
	message, suggestion := keywordAdvice(word)
	inExpression := word == "yield" || word == "await" || word == "async" || word == "is" && s.token(i-1).value()
	if suggestion == "" || s.first(i) != i && !inExpression {
		if word == "as" || suggestion != "" {
			d.Message, d.Suggestion = fmt.Sprintf("%q is a reserved word", word), "choose another name"
		}
		return
	}
	switch word {
	case "is":
		if next.is("not") {
			suggestion = "write !=, for instance x != None"
		} else {
			suggestion = "write ==, for instance x == None"
		}
	case "import", "from":
		if own := moduleAdvice(next.text); own != "" {
			suggestion = own
		}
	}
	d.Message, d.Suggestion = message, suggestion
}

// adviseString is for a string where none may be.
func adviseString(d *Diagnostic, before, t token) {
	switch adjacent := before.end == t.start; {
	case before.kind == tokenString:
		d.Message, d.Suggestion = "strings next to each other are not joined", "write + between them"
	case before.kind != tokenName:
	case adjacent && strings.EqualFold(strings.Trim(before.text, "rR"), "f"):
		d.Message, d.Suggestion = "Starlark has no f-strings", `write "…{}…".format(value) or "…%s…" % value`
		d.Column = before.start.column
	case adjacent && strings.EqualFold(before.text, "u"):
		d.Message, d.Suggestion = "Starlark has no u-strings", "leave the u out: strings are UTF-8"
		d.Column = before.start.column
	case before.text == "print":
		d.Suggestion = "print is a function: print(…)"
	case before.text == "assert":
		adviseAssert(d, before)
	}
}

func adviseAssert(d *Diagnostic, word token) {
	d.Column = word.start.column
	d.Message, d.Suggestion = `Starlark has no "assert" statement`, `write if not condition: fail("message"), with the fail on a line of its own`
}

// adviseIdentifier is for a name where none may be.
func adviseIdentifier(d *Diagnostic, s *script, i int) {
	t, before := s.token(i), s.token(i-1)
	isFirst := s.first(i) == i-1
	switch {
	case before.is("assert") && isFirst:
		adviseAssert(d, before)
	case before.is("print") && isFirst:
		d.Suggestion = "print is a function: print(…)"
	case before.is("match") && isFirst:
		d.Message, d.Suggestion = `Starlark has no "match" statement`, "write if, elif and else"
		d.Column = before.start.column
	case before.kind == tokenNumber && before.end == t.start && strings.Trim(t.text, "_0123456789") == "":
		d.Message, d.Suggestion = "numbers have no underscores in Starlark", "write "+before.text+strings.ReplaceAll(t.text, "_", "")
		d.Column = before.start.column
	}
}

// adviseOperator is for punctuation where none may be.
func adviseOperator(d *Diagnostic, s *script, i int, want string) {
	t, before, next := s.token(i), s.token(i-1), s.token(i+1)
	open, first := s.open(i), s.token(s.first(i))
	bracket := s.token(open).text
	element := before.is(",") || open >= 0 && open == i-1
	switch {
	case strings.Contains(d.Message, "does not associate"):
		d.Message = "comparisons cannot be chained"
		d.Suggestion = "write both, joined with and: a < b and b < c"
	case t.is("**") && element && bracket == "{":
		d.Message, d.Suggestion = "Starlark cannot unpack a dict into another", "join them with |: a | {\"key\": value}"
	case t.is("**") && want != "primary expression":
		d.Message, d.Suggestion = "Starlark has no ** operator", "write math.pow(x, y), which gives a float; for a power of two, 1 << n"
	case t.is("*") && element && bracket == "[":
		d.Message, d.Suggestion = "Starlark cannot unpack into a list", "join lists with +: [x] + list(more)"
	case t.is("*") && element && bracket == "{":
		d.Message, d.Suggestion = "Starlark has no set literals", "write set(…); sets join with |"
	case want == "':'" && bracket == "{" && (t.is(",") || t.is("}")):
		d.Message, d.Suggestion = "Starlark has no set literals", "write set([…])"
	case t.is(":=") || t.is(":") && next.is("=") && t.end == next.start:
		d.Message, d.Suggestion = "Starlark has no := operator", "assign on a line of its own"
	case t.is(":") && bracket == "(" && s.token(open-2).is("def"):
		d.Message, d.Suggestion = noTypes, "write the name alone, and the type in the docstring"
	case t.is(":") && want == "newline" && s.first(i) == i-1 && before.kind == tokenName:
		d.Message, d.Suggestion = noTypes, "write "+before.text+" = …, and the type in a comment"
	case t.is("->") && first.is("def"):
		d.Message, d.Suggestion = noTypes, "end the line behind the ): and say the type in the docstring"
	case t.is("=") && want == "':'" && (first.is("if") || first.is("elif")):
		d.Message, d.Suggestion = "an assignment is no condition", "write == to compare"
	case t.is("&&") && want == "primary expression":
		d.Message, d.Suggestion = "Starlark has no &&", "write and"
	case t.is("||") && want == "primary expression":
		d.Message, d.Suggestion = "Starlark has no ||", "write or"
	case t.is("<>"):
		d.Message, d.Suggestion = "Starlark has no <>", "write !="
	case t.is("..."):
		d.Message, d.Suggestion = "Starlark has no ...", "an empty body is the word pass"
	case d.Message == "unexpected input character '!'":
		d.Message, d.Suggestion = "Starlark has no ! operator", "write not"
	case d.Message == "unexpected input character '@'" && s.first(i) == i:
		d.Message = "Starlark has no decorators"
		d.Suggestion = "call the function instead; to observe an event write framework.observe(event, handler)"
	}
}

// adviseName is for what the resolver refuses.
func adviseName(d *Diagnostic, s *script) {
	i := s.holding(place{d.Line, d.Column})
	switch {
	case strings.HasSuffix(d.Message, "does not support while loops"):
		d.Message, d.Suggestion = "Starlark has no while loops", "loop a bounded number of times: for _ in range(100): with a break in it"
	case d.Message == "if statement not within a function" && i >= 0 && s.token(i+1).is("__name__"):
		d.Suggestion = "delete it: the charm's file is run for each hook, and framework.observe says what to call"
	case d.Message == "if statement not within a function":
		d.Suggestion = "put it into a function, or write a conditional expression: x = a if condition else b"
	case d.Message == "for loop not within a function":
		d.Suggestion = "put it into a function, or write a comprehension: x = [f(y) for y in z]"
	case strings.HasPrefix(d.Message, "cannot reassign"):
		if s.token(i - 1).is("def") {
			d.Suggestion = "a file defines a name once: give one of the two another name"
		} else {
			d.Suggestion = "a global is assigned once: use another name, or work the value out in a function"
		}
	case strings.HasPrefix(d.Message, "load statement within"):
		d.Suggestion = "put it at the top of the file"
	case strings.HasPrefix(d.Message, "load: names with leading underscores"):
		d.Suggestion = "a leading underscore makes a name the file's own: rename it there to share it"
	default:
		adviseUndefined(d)
	}
}

// adviseUndefined is for a name that nothing defines.
func adviseUndefined(d *Diagnostic) {
	rest, ok := strings.CutPrefix(d.Message, "undefined: ")
	if !ok {
		return
	}
	name, hint, hinted := strings.Cut(rest, " (did you mean ")
	suggestion := nameAdvice(name)
	if suggestion == "" && hinted {
		suggestion = "did you mean " + strings.TrimSuffix(hint, ")")
	}
	if suggestion == "" {
		known := slices.Concat(builtins.Names(), slices.Sorted(maps.Keys(starlark.Universe)))
		if near := model.Nearest(name, known); near != "" {
			suggestion = "did you mean " + near + "?"
		}
	}
	if suggestion != "" {
		d.Message, d.Suggestion = "undefined: "+name, suggestion
	}
}

// nameAdvice is for a name of Python's that Starlark does not have.
func nameAdvice(name string) string {
	switch name {
	case "isinstance", "issubclass":
		return `compare the type's name: type(x) == "dict"`
	case "callable":
		return `compare the type's name: type(x) == "function"`
	case "sum":
		return "add the values up in a for loop"
	case "round":
		return "write math.round(x), which gives a float"
	case "pow":
		return "write math.pow(x, y), which gives a float"
	case "divmod":
		return "write (x // y, x % y)"
	case "format":
		return `write "{}".format(x)`
	case "map", "filter":
		return "write a comprehension: [f(x) for x in list if condition]"
	case "next", "iter":
		return "loop over it with for, or take list(x)[0]"
	case "frozenset":
		return "write set(x), or tuple(x) for a dict's key"
	case "xrange":
		return "write range"
	case "long":
		return "write int, which has no bounds"
	case "unicode", "basestring":
		return "write str"
	case "bytearray":
		return "write bytes"
	case "true":
		return "write True"
	case "false":
		return "write False"
	case "none", "null", "nil":
		return "write None"
	case "input":
		return "a hook has nobody to ask: take the value from the charm's config or an action's parameters"
	case "exit", "quit":
		return "return from the handler; fail(message) ends the hook with an error"
	case "super", "object", "self", "property", "staticmethod", "classmethod", "dataclass":
		return "Starlark has no classes: keep data in a dict or struct(name = value), and write functions that take it"
	case "__name__", "__file__":
		return "a file has no such name: framework.charm_dir is where the charm is"
	case "ActiveStatus", "BlockedStatus", "WaitingStatus", "MaintenanceStatus", "UnknownStatus", "ErrorStatus":
		return "write model." + name
	case "StoredState":
		return "write stored = storedstate.define(name = default)"
	case "CharmBase":
		return "Starlark has no classes: write functions and register them with framework.observe(event, handler)"
	}
	if strings.HasSuffix(name, "Error") || name == "Exception" || name == "KeyboardInterrupt" {
		return "Starlark has no exceptions: fail(message) ends the hook, throw(kind, message) raises what catch() returns"
	}
	return libraryAdvice(name)
}

// adviseRun is for an error of a running charm.
func adviseRun(d *Diagnostic, s *script) {
	switch m := d.Message; {
	case strings.HasPrefix(m, "unknown conversion %"):
		d.Suggestion = "% formats have no width, padding or precision: " + formatAdvice
	case strings.HasPrefix(m, "format spec features not supported"):
		d.Suggestion = "replacement fields have no format after the colon: " + formatAdvice
	case m == "string value is not iterable", strings.HasSuffix(m, "got string, want iterable"):
		d.Suggestion = "a string is not iterable: take its characters with s.elems()"
	case m == "unknown binary op: dict + dict":
		d.Suggestion = "join dicts with |"
	case m == "unknown binary op: string + int", m == "unknown binary op: int + string",
		m == "unknown binary op: string + float", m == "unknown binary op: float + string":
		d.Suggestion = "make a string of the number: str(n)"
	case strings.HasPrefix(m, "int: invalid literal"), strings.HasPrefix(m, "invalid float literal"):
		d.Note = "catch() does not take this: it is for what is certainly a number"
		d.Suggestion = "look first, for instance text.isdigit(), or let a schema read it: schema.int(), schema.float()"
	case strings.HasPrefix(m, "print: unexpected keyword argument"):
		d.Suggestion = "print takes nothing but sep; each call is a line of Juju's log"
	case strings.Contains(m, "frozen"):
		adviseFrozen(d, s)
	case strings.HasPrefix(m, "function "):
		adviseCall(d)
	case strings.HasPrefix(m, "local variable ") && strings.HasSuffix(m, " referenced before assignment"):
		name := strings.TrimSuffix(strings.TrimPrefix(m, "local variable "), " referenced before assignment")
		if s.global(name) >= 0 {
			d.Note = fmt.Sprintf("the function assigns %s, so %s is local to it, whatever the global %s is", name, name, name)
			d.Suggestion = "give the local variable another name; what must live on goes to storedstate"
		}
	case strings.HasPrefix(m, "NoneType has no ."):
		d.Note = "what stands before the dot is None here"
	case strings.HasPrefix(m, "unhandled index operation NoneType["):
		d.Note = "what stands before the bracket is None here"
	case strings.HasPrefix(m, "unhandled index operation record["), strings.HasPrefix(m, "unhandled index operation struct["):
		d.Suggestion = "its fields are attributes: write x.name"
	case strings.HasPrefix(m, "tuple has no ."):
		d.Suggestion = "a tuple has no attributes; catch() returns one of two: value, err = catch(fn, arg)"
	case m == "invalid call of non-function (NoneType)":
		d.Note = "what stands before the brackets is None here"
	case strings.HasPrefix(m, "invalid call of non-function ("):
		d.Suggestion = fmt.Sprintf("what stands before the brackets is a %s: leave them out", between(m, "non-function (", ")"))
	case m == "unhashable type: list":
		d.Suggestion = "make a tuple of it: tuple(x)"
	case strings.Contains(m, "during iteration"):
		d.Suggestion = "loop over a copy: for x in list(values)"
	case strings.HasPrefix(m, "can't assign to .") && strings.HasSuffix(m, " field of dict"):
		d.Suggestion = fmt.Sprintf("write d[%q] = …", between(m, "can't assign to .", " field"))
	case strings.HasSuffix(m, "value does not support item assignment"):
		d.Suggestion = "strings and tuples never change: make a new one"
	case strings.Contains(m, " has no .") && strings.Contains(m, " field or method"):
		adviseAttribute(d)
	}
}

const formatAdvice = `pad with ("00000" + str(n))[-5:], round with math.round(x * 100) / 100`

// adviseFrozen is for a change of a value that cannot change any more.
func adviseFrozen(d *Diagnostic, s *script) {
	d.Note = "globals, default values and what storedstate gives cannot be changed in place"
	root, attribute := s.changed(d.Line, d.Column)
	if root == "" {
		return
	}
	if i := s.global(root); i >= 0 && s.token(i+1).is("=") {
		stored := s.token(i+2).is("storedstate") && s.token(i+3).is(".")
		switch {
		case stored && attribute != "":
			d.Note = "storedstate gives copies that cannot be changed, so that no change gets lost"
			d.Suggestion = fmt.Sprintf("assign the new value: %s.%s = …", root, attribute)
			if strings.HasPrefix(d.Message, "cannot apply +=") {
				d.Suggestion = fmt.Sprintf("write %s.%s = %s.%s + …", root, attribute, root, attribute)
			}
		case !stored && attribute == "":
			d.Note = fmt.Sprintf("%s is a global, assigned at line %d", root, s.token(i).start.line)
			d.Suggestion = "globals are read-only once the charm has loaded: keep what must live on in storedstate"
		}
	}
}

// changed finds what a statement such as root.append(x), root.attribute[k] = v
// or root += x changes. Its root is empty when that is not plain.
func (s *script) changed(line, column int) (root, attribute string) {
	i := s.holding(place{line, column})
	if i < 0 {
		return "", ""
	}
	i = s.first(i)
	if s.token(i).kind != tokenName {
		return "", ""
	}
	root = s.token(i).text
	switch next, name, then := s.token(i+1), s.token(i+2), s.token(i+3); {
	case next.is("[") || strings.HasSuffix(next.text, "=") && next.kind == tokenOperator:
		return root, ""
	case next.is(".") && then.is("("): // root.append(
		return root, ""
	case next.is(".") && name.kind == tokenName && (then.is(".") || then.is("[") || then.is("+=")):
		return root, name.text
	}
	return "", ""
}

// adviseCall is for a function that was called with the wrong arguments.
func adviseCall(d *Diagnostic) {
	if len(d.Frames) != 1 || d.Frames[0].Function == topLevel {
		return // the charm calls it, and knows better
	}
	if name := d.Frames[0].Function; strings.HasPrefix(d.Message, "function "+name+" accepts no arguments (1 given)") {
		d.Suggestion = fmt.Sprintf("a handler takes the event: def %s(event):", name)
	}
}

// adviseAttribute is for an attribute that Python's types have.
func adviseAttribute(d *Diagnostic) {
	typ, rest, _ := strings.Cut(d.Message, " has no .")
	name, _, _ := strings.Cut(rest, " ")
	switch typ + "." + name {
	case "list.sort":
		d.Suggestion = "write sorted(l), which returns a new list"
	case "list.reverse":
		d.Suggestion = "write reversed(l), which returns a new list"
	case "list.add":
		d.Suggestion = "write l.append(x)"
	case "list.copy":
		d.Suggestion = "write list(l)"
	case "dict.copy":
		d.Suggestion = "write dict(d)"
	case "dict.has_key":
		d.Suggestion = "write key in d"
	case "dict.iteritems":
		d.Suggestion = "write d.items()"
	case "dict.iterkeys":
		d.Suggestion = "write d.keys()"
	case "dict.itervalues":
		d.Suggestion = "write d.values()"
	case "string.encode":
		d.Suggestion = "write bytes(s)"
	case "bytes.decode":
		d.Suggestion = "write str(b)"
	case "string.decode":
		d.Suggestion = "leave it out: a string is text"
	case "string.isnumeric", "string.isdecimal":
		d.Suggestion = "write s.isdigit()"
	case "string.ljust", "string.rjust", "string.center", "string.zfill":
		d.Suggestion = `pad by hand: ("00000" + s)[-5:]`
	default:
		if typ == "dict" {
			d.Suggestion = fmt.Sprintf("write d[%q], or d.get(%q) if it may be missing", name, name)
		}
	}
	if d.Suggestion != "" {
		d.Message, _, _ = strings.Cut(d.Message, " (did you mean ")
	}
}

// between is what stands between two parts of a text.
func between(text, before, behind string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, behind)
	return text
}
