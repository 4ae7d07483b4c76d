package modeltest

func leaderTools() []tool {
	return []tool{{name: "is-leader", prepare: func(h *Hook, c *invocation) (func([]string) error, func() error) {
		c.formatted()
		return noMore, func() error { return c.print(h.state().Leader) }
	}}}
}
