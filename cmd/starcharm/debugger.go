package main

import (
	"os"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/repl"
	"github.com/starcharm/starcharm/model"
)

// debugger holds a charm where JUJU_DEBUG_AT says, for the person at this
// process's terminal; nil when nobody is, or nothing is named.
func debugger(env map[string]string) *host.Debugger {
	if len(model.ParseDebugAt(env)) == 0 || !repl.IsInteractive() {
		return nil
	}
	console := &repl.Console{Out: os.Stdout, Color: isTerminal(os.Stdout), Open: func(complete repl.Completer) (repl.Editor, func() error) {
		editor := repl.NewTerminal(repl.HistoryFile(os.Getenv), complete)
		return editor, editor.Close
	}}
	return console.Debugger()
}
