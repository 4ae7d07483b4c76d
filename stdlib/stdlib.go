// Package stdlib holds the libraries for charms that come with starcharm,
// written in Starlark: load("@std//http.star", "http") reads http.star here.
//
// A library of this package, and no other file, sees the predeclared name
// "native": the builtins that have an effect on the machine.
package stdlib

import "embed"

// FS holds the libraries by path: "http.star", "interfaces/ingress.star".
//
//go:embed *.star interfaces/*.star
var FS embed.FS
