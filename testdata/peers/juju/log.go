package main

import (
	"strconv"
	"strings"
	"sync"

	"github.com/juju/loggo"
)

// LogLine is one line of the unit's log.
type LogLine struct {
	Level   string `json:"level"`
	Module  string `json:"module"`
	Message string `json:"message"`
}

// ToolCall is one request that the jujuc server ran. A tool that reads standard input is asked twice: without, then with it.
type ToolCall struct {
	Name string   `json:"name"`
	Args []string `json:"args,omitempty"`
}

// unitLog collects what Juju logs: the unit's own lines, warnings and errors of the agent, and the calls of hook tools.
type unitLog struct {
	mu    sync.Mutex
	lines []LogLine
	calls []ToolCall
}

// Write implements loggo.Writer.
func (l *unitLog) Write(entry loggo.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if entry.Module == "jujuc" {
		if call, ok := parseToolCall(entry.Message); ok && entry.Level == loggo.TRACE {
			l.calls = append(l.calls, call)
		}
		return
	}
	if strings.HasPrefix(entry.Module, "unit.") || entry.Level >= loggo.WARNING {
		l.lines = append(l.lines, LogLine{Level: entry.Level.String(), Module: entry.Module, Message: entry.Message})
	}
}

// drain gives what was collected since the last time.
func (l *unitLog) drain() ([]LogLine, []ToolCall) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines, calls := l.lines, l.calls
	l.lines, l.calls = nil, nil
	return lines, calls
}

// parseToolCall reads the server's trace line: running hook tool "name" ["arg" …].
func parseToolCall(message string) (ToolCall, bool) {
	rest, ok := strings.CutPrefix(message, "running hook tool ")
	if !ok {
		return ToolCall{}, false
	}
	name, rest, ok := cutQuoted(rest)
	if !ok || !strings.HasPrefix(rest, " [") {
		return ToolCall{}, false
	}
	call := ToolCall{Name: name}
	rest = rest[len(" ["):]
	for rest != "]" {
		var arg string
		if arg, rest, ok = cutQuoted(rest); !ok {
			return ToolCall{}, false
		}
		call.Args = append(call.Args, arg)
		rest = strings.TrimPrefix(rest, " ")
	}
	return call, true
}

func cutQuoted(s string) (value, rest string, ok bool) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", s, false
	}
	value, err = strconv.Unquote(quoted)
	return value, s[len(quoted):], err == nil
}
