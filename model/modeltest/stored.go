package modeltest

import (
	"fmt"
	"maps"
	"strings"
)

func storedTools() []tool {
	return []tool{
		{name: "state-get", use: "[<key>]", prepare: prepareStateGet},
		{name: "state-set", use: "key=value [key=value ...]", prepare: prepareStateSet},
		{name: "state-delete", use: "<key>", prepare: prepareStateDelete},
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
		state := h.changeCharmState()
		for _, key := range keys(changes) {
			switch {
			case len(key) > maxStateKey:
				return fmt.Errorf("max allowed key length (%d) exceeded", maxStateKey)
			case len(changes[key]) > maxStateValue:
				return fmt.Errorf("max allowed value length (%d) exceeded", maxStateValue)
			}
			state[key] = changes[key]
		}
		return nil
	}
}

// What Juju keeps of a charm's state, in bytes: of a key, of a value, and, when
// the hook ends, of all in BSON, unless the controller's operator allows more.
const (
	maxStateKey   = 256
	maxStateValue = 64 << 10
	maxState      = 2 << 20
)

// commitStored keeps the charm's state as it was left, or refuses it.
func (h *Hook) commitStored(next *State) error {
	if h.stored == nil {
		return nil
	}
	size := len("\x00\x00\x00\x00" + "\x00")
	for key, value := range h.stored {
		// A dot or dollar sign in a key is kept as a wide one, of three bytes.
		size += len("\x02"+"\x00\x00\x00\x00"+"\x00"+"\x00") + len(key) + len(value)
		size += 2 * (strings.Count(key, ".") + strings.Count(key, "$"))
	}
	if size > maxState {
		return fmt.Errorf("persisting charm state: max allowed size (%d) exceeded", maxState)
	}
	next.Stored = h.stored
	return nil
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
