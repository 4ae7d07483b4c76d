package modeltest

import (
	"errors"
	"fmt"
)

func resourceTools() []tool {
	return []tool{{name: "resource-get", use: "<name>", prepare: func(h *Hook, c *invocation) (func([]string) error, func() error) {
		name := ""
		parse := func(args []string) error {
			if len(args) == 0 {
				return errors.New("missing required resource name")
			}
			name = shift(&args)
			return noMore(args)
		}
		return parse, func() error {
			for _, resource := range h.state().Resources {
				if resource.Name == name {
					c.stdout.WriteString(resource.Path)
					return nil
				}
			}
			return fmt.Errorf("could not download resource: resource#%s/%s not found", h.state().AppName, name)
		}
	}}}
}
