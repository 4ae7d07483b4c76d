// Package charmfmt formats .star files: one layout, that of buildifier's
// default mode. It changes the space between tokens, the quotes of strings and
// the comma after the last item of a list that goes over several lines, the ends of
// lines, and nothing else; [Source] makes sure of it.
package charmfmt
