package model

import (
	"strings"
	"unicode/utf8"
)

// maxNearest bounds, in bytes, the names that [Nearest] compares: longer ones
// are no slips of the keyboard.
const maxNearest = 80

// maxKnown bounds how many names one is compared with.
const maxKnown = 2000

// Nearest returns the element of known that name was most likely meant to be,
// or "" when none is close. Case and the difference between "-" and "_" cost
// nothing; else one edit (a letter more, less, another, or two swapped) is
// allowed for every three letters. Of equally close names the first wins.
func Nearest(name string, known []string) string {
	if len(name) > maxNearest || len(known) > maxKnown {
		return ""
	}
	plain := fold(name)
	limit := max(1, utf8.RuneCountInString(plain)/3)
	best := ""
	for _, candidate := range known {
		if candidate == name || len(candidate) > maxNearest {
			continue
		}
		if d := distance(plain, fold(candidate)); d <= limit {
			best, limit = candidate, d-1
		}
		if limit < 0 {
			break
		}
	}
	return best
}

// didYouMean is the end of a message about an unknown name: empty, or a hint.
func didYouMean(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return " (did you mean \"" + near + "\"?)"
	}
	return ""
}

func fold(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// distance counts the edits between a and b: insertions, deletions,
// substitutions and swaps of neighbours.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before := make([]int, len(t)+1)
	last := make([]int, len(t)+1)
	row := make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
