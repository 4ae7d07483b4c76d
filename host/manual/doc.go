// Package manual is the reference manual of what a charm's files and their
// tests can use: the builtins, from their tables, and the libraries of @std//,
// from their docstrings.
//
// [New] puts it together. [Manual.Text] answers a name for a terminal, for
// starcharm doc and for help() of the REPL alike; [Manual.Markdown] is the
// folder docs/reference, and [Manual.Stubs] what editors read.
package manual
