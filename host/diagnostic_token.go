package host

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file cuts Starlark, and Python that somebody takes for Starlark, into
// tokens. Unlike the parser it never fails: advice needs to see what is around
// a mistake.

type tokenKind int

const (
	tokenName     tokenKind = iota // a keyword too
	tokenNumber                    //
	tokenString                    // without a prefix such as f, which is a name
	tokenOperator                  // one character, or one of the longer ones
)

// A place is a line and a column of a file, both from 1, in characters.
type place struct{ line, column int }

type token struct {
	kind       tokenKind
	text       string
	start, end place // end is just behind it
}

func (t token) is(text string) bool { return t.text == text && t.kind != tokenString }

// value says whether a token may be the end of an expression.
func (t token) value() bool {
	return t.kind != tokenOperator || t.text == ")" || t.text == "]" || t.text == "}"
}

func scanTokens(text string) []token {
	s := tokenScanner{rest: text, at: place{1, 1}}
	for {
		s.skip()
		if s.rest == "" {
			return s.found
		}
		start, before := s.at, s.rest
		kind := s.next()
		s.found = append(s.found, token{kind, before[:len(before)-len(s.rest)], start, s.at})
	}
}

type tokenScanner struct {
	rest  string
	at    place
	found []token
}

// advance moves n bytes on.
func (s *tokenScanner) advance(n int) {
	for _, r := range s.rest[:n] {
		if r == '\n' {
			s.at = place{s.at.line + 1, 1}
		} else {
			s.at.column++
		}
	}
	s.rest = s.rest[n:]
}

// skip moves past white space, line breaks and comments.
func (s *tokenScanner) skip() {
	for s.rest != "" {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.advance(1)
		case '#':
			if end := strings.IndexByte(s.rest, '\n'); end >= 0 {
				s.advance(end)
			} else {
				s.advance(len(s.rest))
			}
		default:
			return
		}
	}
}

// next moves past one token.
func (s *tokenScanner) next() tokenKind {
	first, size := utf8.DecodeRuneInString(s.rest)
	switch {
	case first == '"' || first == '\'':
		s.advance(s.stringLength())
		return tokenString
	case first == '_' || unicode.IsLetter(first):
		s.advance(wordLength(s.rest))
		return tokenName
	case unicode.IsDigit(first):
		n := strings.IndexFunc(s.rest, func(r rune) bool { return !unicode.IsDigit(r) && r != '.' })
		if n < 0 {
			n = len(s.rest)
		}
		s.advance(n)
		return tokenNumber
	}
	for _, operator := range [...]string{"**=", "//=", "<<=", ">>=", "...", "**", "//", "<<", ">>", "==", "!=", "<=", ">=", ":=", "->", "&&", "||", "<>", "++", "--", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^="} {
		if strings.HasPrefix(s.rest, operator) {
			s.advance(len(operator))
			return tokenOperator
		}
	}
	s.advance(size)
	return tokenOperator
}

func wordLength(text string) int {
	n := strings.IndexFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if n < 0 {
		return len(text)
	}
	return n
}

// stringLength is how far the string that rest starts with goes; one that is
// not closed goes to the end of its line, or of the file.
func (s *tokenScanner) stringLength() int {
	quote := s.rest[:1]
	long := strings.HasPrefix(s.rest, strings.Repeat(quote, 3))
	if long {
		quote = s.rest[:3]
	}
	for i := len(quote); i < len(s.rest); i++ {
		switch {
		case s.rest[i] == '\\':
			i++
		case strings.HasPrefix(s.rest[i:], quote):
			return i + len(quote)
		case s.rest[i] == '\n' && !long:
			return i
		}
	}
	return len(s.rest)
}

// endingAt finds the token that ends at, or holds, a place; -1 if none does.
func (s *script) endingAt(p place) int {
	for i, t := range s.tokens {
		if t.end == p {
			return i
		}
	}
	return s.holding(p)
}

// holding finds the token that starts at, or holds, a place; -1 if none does.
func (s *script) holding(p place) int {
	for i, t := range s.tokens {
		if !after(t.start, p) && after(t.end, p) {
			return i
		}
	}
	return -1
}

func after(a, b place) bool {
	return a.line > b.line || a.line == b.line && a.column > b.column
}

// token returns token i, or an empty one when there is none.
func (s *script) token(i int) token {
	if i < 0 || i >= len(s.tokens) {
		return token{kind: tokenOperator}
	}
	return s.tokens[i]
}

// first is the first token of the line on which token i starts.
func (s *script) first(i int) int {
	for i > 0 && s.tokens[i-1].start.line == s.tokens[i].start.line {
		i--
	}
	return i
}

// open finds the innermost bracket that is open before token i; -1 if none is.
func (s *script) open(i int) int {
	depth := 0
	for i--; i >= 0; i-- {
		switch t := s.token(i); {
		case t.is(")") || t.is("]") || t.is("}"):
			depth++
		case t.is("(") || t.is("[") || t.is("{"):
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return -1
}

// global finds the token that gives a name its value at the top level of the
// file: "x" in "x = 1" or "def x(…)"; -1 if none does.
func (s *script) global(name string) int {
	for i, t := range s.tokens {
		if !t.is(name) || t.kind != tokenName {
			continue
		}
		if t.start.column == 1 && s.token(i+1).is("=") && s.open(i) < 0 {
			return i
		}
		if before := s.token(i - 1); before.is("def") && before.start.column == 1 {
			return i
		}
	}
	return -1
}
