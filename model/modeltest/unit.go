package modeltest

import (
	"errors"
	"fmt"
)

func unitTools() []tool {
	return []tool{{name: "unit-get", use: "<private-address | public-address>", prepare: func(h *Hook, c *invocation) (func([]string) error, func() error) {
		address := ""
		c.formatted()
		parse := func(args []string) error {
			if len(args) == 0 {
				return errors.New("no setting specified")
			}
			switch key := shift(&args); key {
			case "private-address":
				address = h.state().PrivateAddress
			case "public-address":
				address = h.state().PublicAddress
			default:
				return fmt.Errorf("unknown setting %q", key)
			}
			return noMore(args)
		}
		return parse, func() error { return c.print(address) }
	}}}
}
