package modeltest

import (
	"fmt"
	"maps"
)

func storedTools() []tool {
	since := [3]int{2, 8, 0}
	return []tool{
		{name: "state-get", use: "[<key>]", since: since, prepare: prepareStateGet},
		{name: "state-set", use: "key=value [key=value ...]", since: since, prepare: prepareStateSet},
		{name: "state-delete", use: "<key>", since: since, prepare: prepareStateDelete},
	}
}

// charmState returns the controller's part of the charm's state as the hook
// left it.
func (h *Hook) charmState() map[string]string {
	if h.stored != nil {
		return h.stored
	}
	return h.state().Stored
}

// changeCharmState returns it for writing.
func (h *Hook) changeCharmState() map[string]string {
	if h.stored == nil {
		if h.stored = maps.Clone(h.state().Stored); h.stored == nil {
			h.stored = map[string]string{}
		}
	}
	return h.stored
}

func prepareStateGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	strict, key := false, ""
	c.flags.boolean(&strict, "strict")
	c.formatted()
	parse := func(args []string) error {
		if key = shift(&args); key == "-" {
			key = ""
		}
		return noMore(args)
	}
	return parse, func() error {
		state := h.charmState()
		if key == "" {
			if len(state) == 0 && c.format == "json" {
				return c.print(nil)
			}
			return c.print(state)
		}
		value, ok := state[key]
		if !ok && strict {
			return fmt.Errorf("%q not found", key)
		}
		return c.print(value)
	}
}

func prepareStateSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	file := ""
	var changes map[string]string
	c.flags.text(&file, "file")
	parse := func(args []string) (err error) {
		changes, err = parsePairs(args, true)
		return err
	}
	return parse, func() error {
		changes, err := h.fromFile(c, file, changes)
		if err != nil {
			return err
		}
		maps.Copy(h.changeCharmState(), changes)
		return nil
	}
}

func prepareStateDelete(h *Hook, c *invocation) (func([]string) error, func() error) {
	key := ""
	parse := func(args []string) error {
		key = shift(&args)
		return noMore(args)
	}
	return parse, func() error {
		delete(h.changeCharmState(), key)
		return nil
	}
}
