package modeltest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LogLine is a line that the hook has logged.
type LogLine struct {
	Level   string // "TRACE", "DEBUG", "INFO", "WARNING", "ERROR" or "CRITICAL"
	Message string
	// Relation is the hook's, such as "db:1"; Juju puts it in front of the
	// message. Empty outside relation hooks.
	Relation string
}

func logTools() []tool {
	return []tool{{name: "juju-log", use: "<message>", prepare: prepareJujuLog}}
}

func prepareJujuLog(h *Hook, c *invocation) (func([]string) error, func() error) {
	level, debug, message := "INFO", false, ""
	c.flags.boolean(&debug, "debug")
	c.flags.text(&level, "l", "log-level")
	c.oldFormat()
	parse := func(args []string) error {
		if len(args) == 0 {
			return errors.New("no message specified")
		}
		message = strings.Join(args, " ")
		return nil
	}
	return parse, func() error {
		c.warnFormat("juju-log")
		line := LogLine{Level: "INFO", Message: message}
		if debug {
			level = "DEBUG"
		}
		if level != "" {
			if known, ok := logLevel(level); ok {
				line.Level = known
			} else {
				h.logs = append(h.logs, LogLine{
					Level: "WARNING", Message: fmt.Sprintf("Specified log level of %q is not valid", level),
				})
			}
		}
		if h.plan.relation != nil {
			line.Relation = relationKey(h.plan.relation)
		}
		h.logs = append(h.logs, line)
		return nil
	}
}

func logLevel(name string) (string, bool) {
	name = strings.ToUpper(name)
	if name == "WARN" {
		name = "WARNING"
	}
	return name, slices.Contains([]string{"TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}, name)
}
