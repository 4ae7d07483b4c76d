package builtins

import (
	"fmt"

	"go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

// Kinds of failure of module time.
var timeParseError = &Kind{Name: "time.ParseError"}

var timeTable = table[machine.Machine]{
	typ: "time",
	doc: "Points in time and durations. t1 - t2 is a duration, t + d a time; both compare with <.",
	members: []member[machine.Machine]{
		{name: "now", sig: "() -> time", doc: "The present time.",
			call: func(m machine.Machine, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				return time.Time(m.Now()), nil
			}},
		{name: "time", sig: "(year: int = 0, month: int = 0, day: int = 0, hour: int = 0, minute: int = 0, second: int = 0, nanosecond: int = 0, location: str = \"UTC\") -> time", doc: "The time with this date and time of day in the time zone location.",
			call: fromTime("time")},
		{name: "from_timestamp", sig: "(sec: int, nsec: int = 0, /) -> time", doc: "The time so many seconds and nanoseconds after 1970-01-01 UTC.",
			call: fromTime("from_timestamp")},
		{name: "parse_time", sig: "(text: str, format: str = \"2006-01-02T15:04:05Z07:00\", location: str = \"UTC\") -> time", doc: "Reads a time, by default as RFC 3339 has it. format shows how Go's reference time, Mon Jan 2 15:04:05 MST 2006, would look. What does not fit is the failure time.ParseError.",
			call: parseTime},
		{name: "parse_duration", sig: "(text: str) -> duration", doc: "Reads a duration such as \"1h15m\" or \"300ms\". What is none is the failure time.ParseError.",
			call: parseDuration},
		{name: "is_valid_timezone", sig: "(location: str, /) -> bool", doc: "Whether this machine knows the time zone, for instance \"Europe/London\".",
			call: fromTime("is_valid_timezone")},
		{name: "nanosecond", sig: "duration", doc: "One nanosecond.", get: timeConstant("nanosecond")},
		{name: "microsecond", sig: "duration", doc: "One microsecond.", get: timeConstant("microsecond")},
		{name: "millisecond", sig: "duration", doc: "One millisecond.", get: timeConstant("millisecond")},
		{name: "second", sig: "duration", doc: "One second.", get: timeConstant("second")},
		{name: "minute", sig: "duration", doc: "One minute.", get: timeConstant("minute")},
		{name: "hour", sig: "duration", doc: "One hour.", get: timeConstant("hour")},
		{name: "ParseError", sig: "kind", doc: "The kind of failure when a text is no time or no duration.",
			get: func(machine.Machine) (starlark.Value, error) { return timeParseError, nil }},
	},
}

// newTime returns module time, with the clock of m.
func newTime(m machine.Machine) starlark.Value {
	return &module[machine.Machine]{table: &timeTable, self: m}
}

func fromTime(name string) func(machine.Machine, invocation) (starlark.Value, error) {
	return func(_ machine.Machine, in invocation) (starlark.Value, error) {
		return upstream(time.Module, name, in)
	}
}

func timeConstant(name string) func(machine.Machine) (starlark.Value, error) {
	return func(machine.Machine) (starlark.Value, error) { return time.Module.Members[name], nil }
}

func parseTime(_ machine.Machine, in invocation) (starlark.Value, error) {
	var text string
	var format, location starlark.String
	if err := in.unpack("text", &text, "format?", &format, "location?", &location); err != nil {
		return nil, err
	}
	args := []starlark.Tuple{{starlark.String("x"), starlark.String(text)}}
	if format != "" {
		args = append(args, starlark.Tuple{starlark.String("format"), format})
	}
	if location != "" {
		args = append(args, starlark.Tuple{starlark.String("location"), location})
	}
	v, err := upstream(time.Module, "parse_time", invocation{in.thread, in.name, nil, args})
	if err != nil {
		return nil, &Failure{Kind: timeParseError, Message: "cannot read the time: " + err.Error(), Err: err}
	}
	return v, nil
}

func parseDuration(_ machine.Machine, in invocation) (starlark.Value, error) {
	var text string
	if err := in.unpack("text", &text); err != nil {
		return nil, err
	}
	var d time.Duration
	if err := d.Unpack(starlark.String(text)); err != nil {
		return nil, &Failure{Kind: timeParseError, Message: fmt.Sprintf("cannot read the duration: %v", err), Err: err}
	}
	return d, nil
}
