package builtins

import (
	"fmt"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// A notice is one of Pebble's notices. That of an event knows its id, type and
// key, and asks Pebble for the rest when it is used.
type notice struct {
	handle
	container    *container
	id, typ, key string
	full         *pebble.Notice // nil until it is asked for
}

var noticeTable = table[*notice]{
	typ: "notice",
	doc: "A notice: a message that Pebble keeps, and counts when it repeats.",
	members: []member[*notice]{
		{name: "id", sig: "str", doc: "The notice's id.",
			get: func(n *notice) (starlark.Value, error) { return starlark.String(n.id), nil }},
		{name: "type", sig: "str", doc: "custom, change-update, warning, or what a newer Pebble has.",
			get: func(n *notice) (starlark.Value, error) { return starlark.String(n.typ), nil }},
		{name: "key", sig: "str", doc: "What it is about: \"example.com/path\".",
			get: func(n *notice) (starlark.Value, error) { return starlark.String(n.key), nil }},
		{name: "user_id", sig: "int", doc: "The user that may see it; None for everybody.",
			get: noticeField(func(n *pebble.Notice) starlark.Value { return optionalInt(n.UserID) })},
		{name: "first_occurred", sig: "time.time", doc: "When it first occurred.",
			get: noticeField(func(n *pebble.Notice) starlark.Value { return startime.Time(n.FirstOccurred) })},
		{name: "last_occurred", sig: "time.time", doc: "When it last occurred.",
			get: noticeField(func(n *pebble.Notice) starlark.Value { return startime.Time(n.LastOccurred) })},
		{name: "last_repeated", sig: "time.time", doc: "When it last counted as news.",
			get: noticeField(func(n *pebble.Notice) starlark.Value { return startime.Time(n.LastRepeated) })},
		{name: "occurrences", sig: "int", doc: "How often it occurred.",
			get: noticeField(func(n *pebble.Notice) starlark.Value { return starlark.MakeInt(n.Occurrences) })},
		{name: "last_data", sig: "dict[str, str]", doc: "What came with the last occurrence.",
			get: noticeField(func(n *pebble.Notice) starlark.Value {
				dict := starlark.NewDict(len(n.LastData))
				for _, key := range sortedNames(n.LastData) {
					dict.SetKey(starlark.String(key), starlark.String(n.LastData[key])) // cannot fail: string keys
				}
				dict.Freeze()
				return dict
			})},
		{name: "repeat_after", sig: "str", doc: "How long it is no news again, as a duration; \"\" for not at all.",
			get: noticeField(func(n *pebble.Notice) starlark.Value { return starlark.String(n.RepeatAfter) })},
		{name: "expire_after", sig: "str", doc: "How long Pebble keeps it, as a duration.",
			get: noticeField(func(n *pebble.Notice) starlark.Value { return starlark.String(n.ExpireAfter) })},
	},
}

func noticeField(read func(*pebble.Notice) starlark.Value) func(*notice) (starlark.Value, error) {
	return func(n *notice) (starlark.Value, error) {
		if n.full == nil {
			full, err := n.container.fetchNotice(n.id)
			if err != nil {
				return nil, err
			}
			n.full = full
		}
		return read(n.full), nil
	}
}

func (n *notice) String() string                           { return fmt.Sprintf("<notice %s %s %s>", n.id, n.typ, n.key) }
func (n *notice) Type() string                             { return "notice" }
func (n *notice) Attr(name string) (starlark.Value, error) { return noticeTable.attr(n, name) }
func (n *notice) AttrNames() []string                      { return noticeTable.attrNames(n) }

func (c *container) newNotice(n *pebble.Notice) *notice {
	return &notice{container: c, id: n.ID, typ: n.Type, key: n.Key, full: n}
}

func (c *container) fetchNotice(id string) (*pebble.Notice, error) {
	n, err := c.client.Notice(c.h.Context, id)
	if isStatus(err, 404) {
		return nil, absent(err, "%s has no notice %q any more", c.what(), id)
	}
	return n, c.h.pebbleFailure(err)
}

func (e *Event) notice() (starlark.Value, error) {
	c, err := e.hook.container(e.text("container_name"))
	if err != nil {
		return nil, err
	}
	return &notice{container: c, id: e.text("notice_id"), typ: e.text("notice_type"), key: e.text("notice_key")}, nil
}
