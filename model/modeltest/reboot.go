package modeltest

import "errors"

func rebootTools() []tool {
	return []tool{{name: "juju-reboot", use: "[--now]", prepare: func(h *Hook, c *invocation) (func([]string) error, func() error) {
		now := false
		c.flags.boolean(&now, "now")
		return noMore, func() error {
			if h.result != nil {
				//lint:ignore ST1005 the text is Juju's
				return errors.New("juju-reboot is not supported when running an action.")
			}
			h.reboot = RebootAfter
			if now {
				h.reboot = RebootNow
			}
			return nil
		}
	}}}
}
