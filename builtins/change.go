package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// A change is one of Pebble's changes: what it did, in tasks.
type change struct {
	handle
	*pebble.Change
}

var changeTable = table[*change]{
	typ: "change",
	doc: "Something that Pebble did in the background, in tasks.",
	members: []member[*change]{
		{name: "id", sig: "str", doc: "The change's id.",
			get: func(c *change) (starlark.Value, error) { return starlark.String(c.ID), nil }},
		{name: "kind", sig: "str", doc: "What was done: start, replan, …",
			get: func(c *change) (starlark.Value, error) { return starlark.String(c.Kind), nil }},
		{name: "summary", sig: "str", doc: "The same in words.",
			get: func(c *change) (starlark.Value, error) { return starlark.String(c.Summary), nil }},
		{name: "status", sig: "str", doc: "Do, Doing, Done, Error, …",
			get: func(c *change) (starlark.Value, error) { return starlark.String(c.Status), nil }},
		{name: "ready", sig: "bool", doc: "Whether nothing is left to do.",
			get: func(c *change) (starlark.Value, error) { return starlark.Bool(c.Ready), nil }},
		{name: "err", sig: "str", doc: "What failed; \"\" for nothing.",
			get: func(c *change) (starlark.Value, error) { return starlark.String(c.Err), nil }},
		{name: "tasks", sig: "list[task]", doc: "The tasks, in order.",
			get: func(c *change) (starlark.Value, error) {
				tasks := make([]starlark.Value, len(c.Tasks))
				for i, t := range c.Tasks {
					tasks[i] = &task{Task: t}
				}
				list := starlark.NewList(tasks)
				list.Freeze()
				return list, nil
			}},
	},
}

func (c *change) String() string                           { return fmt.Sprintf("<change %s %s %s>", c.ID, c.Kind, c.Status) }
func (c *change) Type() string                             { return "change" }
func (c *change) Attr(name string) (starlark.Value, error) { return changeTable.attr(c, name) }
func (c *change) AttrNames() []string                      { return changeTable.attrNames(c) }

// A task is one task of a change.
type task struct {
	handle
	*pebble.Task
}

var taskTable = table[*task]{
	typ: "task",
	doc: "A step of a change.",
	members: []member[*task]{
		{name: "id", sig: "str", doc: "The task's id.",
			get: func(t *task) (starlark.Value, error) { return starlark.String(t.ID), nil }},
		{name: "kind", sig: "str", doc: "What was done.",
			get: func(t *task) (starlark.Value, error) { return starlark.String(t.Kind), nil }},
		{name: "summary", sig: "str", doc: "The same in words.",
			get: func(t *task) (starlark.Value, error) { return starlark.String(t.Summary), nil }},
		{name: "status", sig: "str", doc: "Do, Doing, Done, Error, …",
			get: func(t *task) (starlark.Value, error) { return starlark.String(t.Status), nil }},
		{name: "log", sig: "list[str]", doc: "The last lines of the task's log; for a service that did not start, of its output.",
			get: func(t *task) (starlark.Value, error) { return stringList(t.Log), nil }},
	},
}

func (t *task) String() string                           { return fmt.Sprintf("<task %s %s %s>", t.ID, t.Kind, t.Status) }
func (t *task) Type() string                             { return "task" }
func (t *task) Attr(name string) (starlark.Value, error) { return taskTable.attr(t, name) }
func (t *task) AttrNames() []string                      { return taskTable.attrNames(t) }
