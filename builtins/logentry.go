package builtins

import (
	"fmt"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// A logEntry is a line that a service wrote.
type logEntry struct {
	handle
	entry *pebble.LogEntry
}

var logEntryTable = table[*logEntry]{
	typ: "log_entry",
	doc: "A line that a service wrote to its output or error output. As text it is the time, the service and the message.",
	members: []member[*logEntry]{
		{name: "time", sig: "time.time", doc: "When, in milliseconds.",
			get: func(e *logEntry) (starlark.Value, error) { return startime.Time(e.entry.Time), nil }},
		{name: "service", sig: "str", doc: "The service.",
			get: func(e *logEntry) (starlark.Value, error) { return starlark.String(e.entry.Service), nil }},
		{name: "message", sig: "str", doc: "The line without its newline. A very long one is split.",
			get: func(e *logEntry) (starlark.Value, error) { return starlark.String(e.entry.Message), nil }},
	},
}

func (e *logEntry) String() string                           { return e.entry.String() }
func (e *logEntry) Type() string                             { return "log_entry" }
func (e *logEntry) Attr(name string) (starlark.Value, error) { return logEntryTable.attr(e, name) }
func (e *logEntry) AttrNames() []string                      { return logEntryTable.attrNames(e) }

func (c *container) getLogs(in invocation) (starlark.Value, error) {
	var n starlark.Value = starlark.MakeInt(30)
	if err := starlark.UnpackArgs(in.name, nil, in.kwargs, "n?", &n); err != nil {
		return nil, err
	}
	o := pebble.LogsOptions{N: -1}
	if n != starlark.None {
		count, err := starlark.AsInt32(n)
		if err != nil || count < 1 {
			return nil, fmt.Errorf("%s: n is %s, want how many lines, or None for all", in.name, shown(n))
		}
		o.N = count
	}
	var err error
	if o.Services, err = anyNames(in); err != nil {
		return nil, err
	}
	entries, err := c.client.Logs(c.h.Context, o)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	return logEntries(entries), nil
}

// logEntries is the list of entries.
func logEntries(entries []*pebble.LogEntry) *starlark.List {
	list := make([]starlark.Value, len(entries))
	for i, entry := range entries {
		list[i] = &logEntry{entry: entry}
	}
	return starlark.NewList(list)
}
