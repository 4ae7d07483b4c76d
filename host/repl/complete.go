package repl

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/host/simulate"
)

// This file completes what is typed. It reads attributes and entries, and calls
// nothing: nothing is written, and what is asked of Juju are reads.

// completionTime is how long a completion may take.
const completionTime = 2 * time.Second

// Complete implements Completer.
func (sh *Shell) Complete(text string) (head string, completions []string) {
	if sh.completer != nil {
		return sh.completer(text)
	}
	if sh.session == nil {
		return text, nil
	}
	if quote := openQuote(text); quote >= 0 {
		partial := text[quote+1:]
		return text[:quote+1], matching(partial, sh.strings(text[:quote]), text[quote:quote+1])
	}
	i := len(text)
	for i > 0 && isName(rune(text[i-1])) {
		i--
	}
	partial := text[i:]
	head = text[:i]
	if strings.HasSuffix(head, ".") {
		var names []string
		sh.evaluated(chain(head[:i-1]), func(v starlark.Value) {
			if v, ok := v.(starlark.HasAttrs); ok {
				names = v.AttrNames()
			}
		})
		return head, matching(partial, names, "")
	}
	names := sh.names()
	for _, option := range sh.options(head) {
		names = append(names, option+" = ")
	}
	names = append(names, "and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "load", "not", "or", "pass", "return", "while")
	return head, matching(partial, names, "")
}

func isName(r rune) bool {
	return r == '_' || r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// matching are the names that begin so, each with the end added.
func matching(partial string, names []string, end string) []string {
	var found []string
	for _, name := range names {
		if strings.HasPrefix(name, partial) && (partial != "" || !strings.HasPrefix(name, "_")) {
			found = append(found, name+end)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// openQuote is where a string begins that the text does not end; -1: nowhere.
func openQuote(text string) int {
	open := -1
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case open >= 0 && c == '\\':
			i++
		case open >= 0 && c == text[open]:
			open = -1
		case open < 0 && (c == '"' || c == '\''):
			open = i
		case open < 0 && c == '#':
			return -1
		}
	}
	return open
}

// chain is the longest expression at the end of the text that only looks up
// attributes and entries: `model.relations["db"][0]`.
func chain(text string) string {
	i := len(text)
	for i > 0 {
		switch c := text[i-1]; {
		case isName(rune(c)) || c == '.':
			i--
		case c == ']':
			open := strings.LastIndexByte(text[:i-1], '[')
			if open < 0 {
				return ""
			}
			i = open
		default:
			return text[i:]
		}
	}
	return text[i:]
}

// evaluated looks at the value of an expression that calls nothing.
func (sh *Shell) evaluated(text string, f func(starlark.Value)) {
	expr, err := dialect.ParseExpr("completion", text, 0)
	if err != nil || !looks(expr) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	// A value that cannot be had has nothing to complete with.
	_ = sh.Place.look(ctx, func(thread *starlark.Thread) error {
		v, err := starlark.EvalExprOptions(&dialect, thread, expr, sh.globals)
		if err == nil {
			f(v)
		}
		return err
	})
}

// looks says whether an expression only looks up names, attributes and entries.
func looks(expr syntax.Expr) bool {
	switch e := expr.(type) {
	case *syntax.Ident:
		return true
	case *syntax.DotExpr:
		return looks(e.X)
	case *syntax.IndexExpr:
		_, literal := e.Y.(*syntax.Literal)
		return literal && looks(e.X)
	case *syntax.ParenExpr:
		return looks(e.X)
	}
	return false
}

// strings are what a string can be that the text goes on with: the keys of
// what it is an index of, or the names that a function takes.
func (sh *Shell) strings(text string) []string {
	var names []string
	if inner, ok := strings.CutSuffix(text, "["); ok {
		sh.evaluated(chain(inner), func(v starlark.Value) {
			if _, ok := v.(starlark.Mapping); !ok {
				return
			}
			if keys, ok := v.(starlark.Iterable); ok {
				for elem := range starlark.Elements(keys) {
					if key, ok := starlark.AsString(elem); ok {
						names = append(names, key)
					}
				}
			}
		})
		return names
	}
	open := strings.LastIndexByte(text, '(')
	if open < 0 {
		return nil
	}
	_, function, _ := cutLast(chain(text[:open]))
	meta := sh.session.Metadata()
	switch function {
	case "emit":
		names = simulate.EventNames(meta)
	case "integrate", "remove_relation", "add_unit", "remove_unit", "write", "get_relation", "get_binding":
		names = slices.Collect(maps.Keys(meta.Relations))
	case "pebble_ready", "break_container", "check_failed", "check_recovered", "notify", "get_container":
		names = slices.Collect(maps.Keys(meta.Containers))
	case "run_action":
		names = slices.Collect(maps.Keys(meta.Actions))
	case "load":
		for name := range sh.session.Files() {
			names = append(names, name)
		}
	case "help":
		if m, err := sh.manual(); err == nil {
			names = m.Names()
		}
	}
	return names
}

// options are the options of the charm, as arguments of the call of config that
// the text ends in.
func (sh *Shell) options(text string) []string {
	open := strings.LastIndexByte(text, '(')
	if open < 0 {
		return nil
	}
	if _, function, _ := cutLast(chain(text[:open])); function != "config" || strings.Contains(text[open:], ")") {
		return nil
	}
	var names []string
	for name := range sh.session.Metadata().Options {
		names = append(names, strings.ReplaceAll(name, "-", "_"))
	}
	return names
}
