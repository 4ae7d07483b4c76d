// Package charmpack puts a charm's source tree into a .charm file, which Juju
// deploys: the files, the metadata taken apart, and as dispatch the program that
// runs it all. The same files and the same program give the same bytes.
package charmpack
