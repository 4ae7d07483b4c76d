// Package charmfmt formats .star files: one layout, that of buildifier's
// default mode. It changes the space between tokens, the quotes of strings and
// the comma after the last item of a list that goes over several lines, the ends of
// lines, puts brackets around a condition in a tuple without any, and does
// nothing else; [Source] makes sure of it.
package charmfmt
