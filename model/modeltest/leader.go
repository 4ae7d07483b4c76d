package modeltest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
)

func leaderTools() []tool {
	return []tool{
		{name: "is-leader", prepare: func(h *Hook, c *invocation) (func([]string) error, func() error) {
			c.formatted()
			return noMore, func() error { return c.print(h.state().Leader) }
		}},
		{name: "leader-get", use: "[<key>]", prepare: prepareLeaderGet},
		{name: "leader-set", use: "<key>=<value> [...]", prepare: prepareLeaderSet},
	}
}

func prepareLeaderGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	key := ""
	c.formatted()
	parse := func(args []string) error {
		key = shift(&args)
		if strings.Contains(key, "=") {
			return fmt.Errorf("invalid key %q", key)
		}
		if key == "-" {
			key = ""
		}
		return noMore(args)
	}
	return parse, func() error {
		settings := h.state().LeaderSettings
		if key == "" {
			all := map[string]string{}
			maps.Copy(all, settings)
			return c.print(all)
		}
		if value, ok := settings[key]; ok {
			return c.print(value)
		}
		return c.print(nil)
	}
}

// prepareLeaderSet writes the settings at once, whatever becomes of the hook.
func prepareLeaderSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	var changes map[string]string
	parse := func(args []string) (err error) {
		changes, err = parsePairs(args, true)
		return err
	}
	return parse, func() error {
		s := h.state()
		if !s.Leader {
			return errors.New("cannot write leadership settings: cannot write settings: not the leader")
		}
		if s.LeaderSettings == nil {
			s.LeaderSettings = map[string]string{}
		}
		for key, value := range changes {
			if value == "" {
				delete(s.LeaderSettings, key)
			} else {
				s.LeaderSettings[key] = value
			}
		}
		return nil
	}
}
