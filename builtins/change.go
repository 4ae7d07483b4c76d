package builtins

import (
	"encoding/json"
	"fmt"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

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
		{name: "spawn_time", sig: "time.time", doc: "When it began.",
			get: func(c *change) (starlark.Value, error) { return startime.Time(c.SpawnTime), nil }},
		{name: "ready_time", sig: "time.time", doc: "When it was ready; None before.",
			get: func(c *change) (starlark.Value, error) { return optionalTime(c.ReadyTime), nil }},
		{name: "data", sig: "dict", doc: "What Pebble keeps with it: the check's name, for instance.",
			get: func(c *change) (starlark.Value, error) { return changeData(c.Data) }},
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
		{name: "spawn_time", sig: "time.time", doc: "When it began.",
			get: func(t *task) (starlark.Value, error) { return startime.Time(t.SpawnTime), nil }},
		{name: "ready_time", sig: "time.time", doc: "When it was ready; None before.",
			get: func(t *task) (starlark.Value, error) { return optionalTime(t.ReadyTime), nil }},
		{name: "progress", sig: "struct", doc: "How far it is: label, done and total.",
			get: func(t *task) (starlark.Value, error) {
				return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
					"label": starlark.String(t.Progress.Label), "done": starlark.MakeInt(t.Progress.Done), "total": starlark.MakeInt(t.Progress.Total),
				}), nil
			}},
		{name: "data", sig: "dict", doc: "What it left behind: \"exit-code\", for instance.",
			get: func(t *task) (starlark.Value, error) { return changeData(t.Data) }},
		{name: "log", sig: "list[str]", doc: "The last lines of the task's log; for a service that did not start, of its output.",
			get: func(t *task) (starlark.Value, error) { return stringList(t.Log), nil }},
	},
}

func (t *task) String() string                           { return fmt.Sprintf("<task %s %s %s>", t.ID, t.Kind, t.Status) }
func (t *task) Type() string                             { return "task" }
func (t *task) Attr(name string) (starlark.Value, error) { return taskTable.attr(t, name) }
func (t *task) AttrNames() []string                      { return taskTable.attrNames(t) }

// changeData is what came with a change or task, as JSON.
func changeData(data map[string]any) (starlark.Value, error) {
	if data == nil {
		data = map[string]any{}
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	return decodePlain(raw)
}

// optionalTime is None for the zero time.
func optionalTime(t time.Time) starlark.Value {
	if t.IsZero() {
		return starlark.None
	}
	return startime.Time(t)
}
