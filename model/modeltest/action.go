package modeltest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// ActionResult is what an action leaves for the user.
type ActionResult struct {
	ID, Name string
	// Results are nested as Juju shows them: action-set a.b=1 is {a: {b: "1"}}.
	Results map[string]any
	Log     []string // progress, by action-log
	Failed  bool     // by action-fail, or by the exit code
	Message string   // why it failed
}

func (r *ActionResult) clone() *ActionResult {
	if r == nil {
		return nil
	}
	c := *r
	c.Results = cloneMap(r.Results, cloneValue)
	c.Log = slices.Clone(r.Log)
	return &c
}

func (r *ActionResult) end(exitCode int) {
	if exitCode != 0 {
		r.Failed = true
		r.Message = fmt.Sprintf("exit status %d", exitCode)
	}
}

func actionTools() []tool {
	return []tool{
		{name: "action-get", use: "[<key>[.<key>.<key>...]]", prepare: prepareActionGet},
		{name: "action-set", use: "<key>=<value> [<key>=<value> ...]", prepare: prepareActionSet},
		{name: "action-log", use: "<message>", prepare: prepareActionLog},
		{name: "action-fail", use: "[<message>]", prepare: prepareActionFail},
	}
}

// inAction makes a tool fail outside actions.
func (h *Hook) inAction(do func() error) func() error {
	return func() error {
		if h.result == nil {
			return errors.New("not running an action")
		}
		return do()
	}
}

func prepareActionGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	key, all := "", false
	c.formatted()
	parse := func(args []string) error {
		all = len(args) == 0
		key = shift(&args)
		return noMore(args)
	}
	return parse, h.inAction(func() error {
		var value any = h.plan.params
		if !all {
			for _, part := range strings.Split(key, ".") {
				mapping, ok := value.(map[string]any)
				if value = nil; ok {
					value = mapping[part]
				}
			}
		}
		return c.print(value)
	})
}

var (
	actionKey       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$`) })
	reservedResults = []string{"stdout", "stdout-encoding", "stderr", "stderr-encoding"}
)

func prepareActionSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	type result struct {
		path  []string
		value string
	}
	var results []result
	parse := func(args []string) error {
		for _, arg := range args {
			key, value, ok := strings.Cut(arg, "=")
			if !ok {
				return fmt.Errorf("argument %q must be of the form key...=value", arg)
			}
			path := strings.Split(key, ".")
			for _, part := range path {
				if slices.Contains(reservedResults, part) {
					return fmt.Errorf("cannot set reserved action key %q", part)
				}
				if !actionKey().MatchString(part) {
					allowed := "lowercase alphanumeric, hyphens and periods"
					if h.juju.version.AtLeast(3, 6, 0) {
						allowed = "lowercase alphanumeric and hyphens"
					}
					return fmt.Errorf("key %q must start and end with lowercase alphanumeric, and contain only %s", part, allowed)
				}
			}
			results = append(results, result{path, value})
		}
		return nil
	}
	return parse, h.inAction(func() error {
		for _, r := range results {
			into := h.result.Results
			last := len(r.path) - 1
			for _, part := range r.path[:last] {
				next, ok := into[part].(map[string]any)
				if !ok {
					next = map[string]any{}
					into[part] = next
				}
				into = next
			}
			into[r.path[last]] = r.value
		}
		return nil
	})
}

func prepareActionLog(h *Hook, c *invocation) (func([]string) error, func() error) {
	message := ""
	parse := func(args []string) error {
		if len(args) == 0 {
			return errors.New("no message specified")
		}
		message = strings.Join(args, " ")
		return nil
	}
	return parse, h.inAction(func() error {
		h.result.Log = append(h.result.Log, message)
		return nil
	})
}

func prepareActionFail(h *Hook, c *invocation) (func([]string) error, func() error) {
	message := "action failed without reason given, check action for errors"
	parse := func(args []string) error {
		if len(args) > 0 {
			message = shift(&args)
		}
		return noMore(args)
	}
	return parse, h.inAction(func() error {
		h.result.Failed, h.result.Message = true, message
		return nil
	})
}
