package builtins

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// A Status is a unit's or application's status: model.ActiveStatus("ready").
type Status struct{ model.Status }

var (
	_ starlark.HasAttrs   = (*Status)(nil)
	_ starlark.Comparable = (*Status)(nil)
	_ starlark.Unpacker   = (*Status)(nil)
)

var statusTable = table[*Status]{
	typ: "status",
	doc: "A status: its name and a message. Statuses of one name and message are equal.",
	members: []member[*Status]{
		{name: "name", sig: "str", doc: "active, blocked, maintenance, waiting, error or unknown.",
			get: func(s *Status) (starlark.Value, error) { return starlark.String(s.Name), nil }},
		{name: "message", sig: "str", doc: "What people see next to the name.",
			get: func(s *Status) (starlark.Value, error) { return starlark.String(s.Message), nil }},
	},
}

func (s *Status) String() string                           { return fmt.Sprintf("%s(%q)", statusTypeName(s.Name), s.Message) }
func (s *Status) Type() string                             { return "status" }
func (s *Status) Freeze()                                  {}
func (s *Status) Truth() starlark.Bool                     { return true }
func (s *Status) Hash() (uint32, error)                    { return starlark.String(s.Name + "\x00" + s.Message).Hash() }
func (s *Status) Attr(name string) (starlark.Value, error) { return statusTable.attr(s, name) }
func (s *Status) AttrNames() []string                      { return statusTable.attrNames(s) }

func (s *Status) CompareSameType(op syntax.Token, other starlark.Value, _ int) (bool, error) {
	same := s.Status == other.(*Status).Status
	switch op {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, fmt.Errorf("statuses have no order: cannot compare with %s", op)
}

// Unpack implements starlark.Unpacker, so that a wrong argument is explained.
func (s *Status) Unpack(v starlark.Value) error {
	status, ok := v.(*Status)
	if !ok {
		return fmt.Errorf("got %s, want a status such as model.ActiveStatus()", v.Type())
	}
	*s = *status
	return nil
}

// Settable says why a charm cannot set this status.
func (s *Status) Settable() error {
	if slices.Contains(model.SettableStatuses(), s.Name) {
		return nil
	}
	return fmt.Errorf("cannot set the status %s: only active, blocked, maintenance and waiting can be set", s.Name)
}

// IsSettableStatus says whether model has a constructor of that name, such as
// BlockedStatus, whose status a charm can set.
func IsSettableStatus(constructor string) bool {
	return slices.ContainsFunc(model.SettableStatuses(), func(name string) bool { return statusTypeName(name) == constructor })
}

// rank orders statuses by how much attention they need.
func (s *Status) rank() int {
	switch s.Name {
	case "blocked":
		return 4
	case "maintenance":
		return 3
	case "waiting":
		return 2
	case "active":
		return 1
	}
	return 0
}

// Worst returns the status that needs the most attention, the first among
// equals; nil if there is none.
func Worst(statuses []*Status) *Status {
	var worst *Status
	for _, s := range statuses {
		if worst == nil || s.rank() > worst.rank() {
			worst = s
		}
	}
	return worst
}

func statusTypeName(name string) string {
	for _, s := range statusTypes {
		if s.name == name {
			return s.typ
		}
	}
	return "Status"
}

var statusTypes = []struct{ name, typ, doc string }{
	{"active", "ActiveStatus", "The unit does its work. A message is allowed, and best left out."},
	{"blocked", "BlockedStatus", "Somebody has to act; the message says who and what."},
	{"maintenance", "MaintenanceStatus", "The charm is at work on something that takes time."},
	{"waiting", "WaitingStatus", "The unit waits for something outside that will come by itself."},
	{"error", "ErrorStatus", "What Juju shows of a unit whose hook failed. It can be read, not set."},
	{"unknown", "UnknownStatus", "The status of what is not ours to know. It can be read, not set."},
}

// newStatus is the constructor of one status.
func newStatus(name string, in invocation) (starlark.Value, error) {
	var message string
	if name == "unknown" {
		return &Status{model.Status{Name: name}}, in.none()
	}
	if err := in.unpack("message?", &message); err != nil {
		return nil, err
	}
	return &Status{model.Status{Name: name, Message: message}}, nil
}

// statusFromName is model.status_from_name.
func statusFromName(_ *Hook, in invocation) (starlark.Value, error) {
	var name, message string
	if err := in.unpack("name", &name, "message?", &message); err != nil {
		return nil, err
	}
	known := make([]string, len(statusTypes))
	for i, s := range statusTypes {
		known[i] = s.name
	}
	switch {
	case !slices.Contains(known, name):
		return nil, fmt.Errorf("%s: there is no status %q%s: use one of %s", in.name, name, didYouMean(name, known), strings.Join(known, ", "))
	case name == "unknown":
		message = ""
	}
	return &Status{model.Status{Name: name, Message: message}}, nil
}
