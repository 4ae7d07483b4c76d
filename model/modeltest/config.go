package modeltest

import "fmt"

func configTools() []tool {
	return []tool{{name: "config-get", use: "[<key>]", prepare: prepareConfigGet}}
}

func prepareConfigGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	all := false
	key := ""
	c.flags.boolean(&all, "a", "all")
	c.formatted()
	parse := func(args []string) error {
		key = shift(&args)
		if key != "" && all {
			return fmt.Errorf("cannot use argument --all together with key %q", key)
		}
		return noMore(args)
	}
	return parse, func() error {
		values := h.juju.options()
		if key != "" {
			return c.print(values[key])
		}
		for name, value := range values {
			if value == nil && !all {
				delete(values, name)
			}
		}
		return c.print(values)
	}
}

// options returns every option's value, nil for those without one.
func (j *Juju) options() map[string]any {
	values := make(map[string]any, len(j.meta.Options))
	for name, option := range j.meta.Options {
		values[name] = option.Default
		if value, ok := j.state.Config[name]; ok && value != nil {
			values[name] = value
		}
	}
	return values
}
