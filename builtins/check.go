package builtins

import (
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// A check is the state of one of Pebble's checks. That of an event knows its
// name, and asks Pebble for the rest when it is used.
type check struct {
	handle
	container *container
	name      string
	full      *pebble.CheckInfo // nil until it is asked for
}

var checkTable = table[*check]{
	typ: "check",
	doc: "The state of a check.",
	members: []member[*check]{
		{name: "name", sig: "str", doc: "The check's name.",
			get: func(c *check) (starlark.Value, error) { return starlark.String(c.name), nil }},
		{name: "level", sig: "str", doc: "alive, ready or \"\".",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value { return starlark.String(c.Level) })},
		{name: "startup", sig: "str", doc: "enabled or disabled.",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value { return starlark.String(c.Startup) })},
		{name: "status", sig: "str", doc: "up, down or inactive.",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value { return starlark.String(c.Status) })},
		{name: "successes", sig: "int", doc: "How often it succeeded; None where Pebble does not say.",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value { return optionalInt(c.Successes) })},
		{name: "failures", sig: "int", doc: "How often it failed in a row.",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value { return starlark.MakeInt(c.Failures) })},
		{name: "threshold", sig: "int", doc: "After how many failures it is down.",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value { return starlark.MakeInt(c.Threshold) })},
		{name: "change_id", sig: "str", doc: "The change that runs it; \"\" when it is inactive.",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value { return starlark.String(c.ChangeID) })},
		{name: "prev_change_id", sig: "str", doc: "The change that ran it before its status changed; \"\" for none.",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value { return starlark.String(c.PrevChangeID) })},
		{name: "has_run", sig: "bool", doc: "Whether it has run since it was started; None where Pebble does not count successes and there is no failure.",
			get: checkField(func(c *pebble.CheckInfo) starlark.Value {
				if c.Successes == nil && c.Failures == 0 {
					return starlark.None
				}
				return starlark.Bool(c.Failures > 0 || *c.Successes > 0)
			})},
	},
}

func checkField(read func(*pebble.CheckInfo) starlark.Value) func(*check) (starlark.Value, error) {
	return func(c *check) (starlark.Value, error) {
		if c.full == nil {
			full, err := c.container.fetchCheck(c.name)
			if err != nil {
				return nil, err
			}
			c.full = full
		}
		return read(c.full), nil
	}
}

func (c *check) String() string                           { return "<check " + c.name + ">" }
func (c *check) Type() string                             { return "check" }
func (c *check) Attr(name string) (starlark.Value, error) { return checkTable.attr(c, name) }
func (c *check) AttrNames() []string                      { return checkTable.attrNames(c) }

func (c *container) fetchCheck(name string) (*pebble.CheckInfo, error) {
	infos, err := c.client.Checks(c.h.Context, pebble.ChecksOptions{Names: []string{name}})
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	for _, info := range infos {
		if info.Name == name {
			return info, nil
		}
	}
	return nil, absent(nil, "%s has no check %q", c.what(), name)
}

func (e *Event) check() (starlark.Value, error) {
	c, err := e.hook.container(e.text("container_name"))
	if err != nil {
		return nil, err
	}
	return &check{container: c, name: e.text("check_name")}, nil
}
