package charmfmt

import "bytes"

// A scan is what the formatter has to know of a file's text besides its
// syntax. The file has been parsed, so its literals are closed.
type scan struct {
	comments []string // without the space after them
	// kept are the literals that stay as they are: b"…" and rb"…", which
	// buildtools cannot read, and what it would spell in octal.
	kept []part
	tabs []part // indentation with tabs, which it cannot read either
}

// A part of a file's text.
type part struct{ start, end int }

// scanText looks through a file's text once.
func scanText(src []byte) scan {
	var s scan
	for i := 0; i < len(src); {
		if i == 0 || src[i-1] == '\n' {
			end := i + len(src[i:]) - len(bytes.TrimLeft(src[i:], " \t"))
			if bytes.IndexByte(src[i:end], '\t') >= 0 {
				s.tabs = append(s.tabs, part{i, end})
				i = end
				continue
			}
		}
		switch c := src[i]; {
		case c == '#':
			comment, _, _ := bytes.Cut(src[i:], []byte("\n"))
			s.comments = append(s.comments, string(bytes.TrimRight(comment, " \t\r")))
			i += len(comment)
		case c == '"' || c == '\'':
			end := endOfString(src, i)
			if c == '\'' && bytes.ContainsFunc(src[i:end], notPlain) {
				s.kept = append(s.kept, part{i, end})
			}
			i = end
		case isWord(c):
			start := i
			for i < len(src) && isWord(src[i]) {
				i++
			}
			if i < len(src) && (src[i] == '"' || src[i] == '\'') {
				end := endOfString(src, i)
				if prefix := string(src[start:i]); prefix == "b" || prefix == "rb" {
					s.kept = append(s.kept, part{start, end})
				}
				i = end
			}
		default:
			i++
		}
	}
	return s
}

// notPlain tells which characters make a string in single quotes one to keep.
func notPlain(r rune) bool { return r >= 0x80 || r == '\\' }

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// endOfString is the index behind the string whose first quote is at i. A
// backslash keeps the character after it from closing the string, in raw
// strings too.
func endOfString(src []byte, i int) int {
	quote := src[i : i+1]
	if triple := bytes.Repeat(quote, 3); bytes.HasPrefix(src[i:], triple) {
		quote = triple
	}
	for i += len(quote); i < len(src); i++ {
		if src[i] == '\\' {
			i++
		} else if bytes.HasPrefix(src[i:], quote) {
			return i + len(quote)
		}
	}
	return len(src)
}
