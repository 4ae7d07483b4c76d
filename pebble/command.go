package pebble

import (
	"errors"
	"strings"
)

// splitCommand splits a command line into words, as Pebble does: quotes and
// backslashes as in a POSIX shell, nothing expanded, and [ … ] around default
// arguments only at the end.
func splitCommand(line string) ([]string, error) {
	words, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	inGroup, groupDone := false, false
	for i, word := range words {
		switch {
		case groupDone:
			return nil, errors.New("cannot have any arguments after [ ... ] group")
		case word == "[" && inGroup:
			return nil, errors.New("cannot nest [ ... ] groups")
		case word == "[" && i == 0:
			return nil, errors.New("cannot start command with [ ... ] group")
		case word == "[":
			inGroup = true
		case word == "]" && !inGroup:
			return nil, errors.New("cannot have ] outside of [ ... ] group")
		case word == "]":
			inGroup, groupDone = false, true
		}
	}
	return words, nil
}

func splitWords(line string) ([]string, error) {
	var (
		words  []string
		word   strings.Builder
		inWord bool
		quote  rune
		escape bool
	)
	for _, r := range line {
		switch {
		case escape:
			if quote == '"' && !strings.ContainsRune("\"\\$`", r) {
				word.WriteRune('\\')
			}
			word.WriteRune(r)
			escape = false
		case r == '\\' && quote != '\'':
			escape, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case strings.ContainsRune(" \t\r\n", r):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	switch {
	case escape:
		return nil, errors.New("EOF found after escape character")
	case quote != 0:
		return nil, errors.New("EOF found when expecting closing quote")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
