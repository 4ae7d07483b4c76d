package builtins

import (
	"context"
	"errors"
	"fmt"
	gotime "time"

	"go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

// Kinds of failure of module time.
var timeParseError = &Kind{Name: "time.ParseError"}

var timeTable = table[*clock]{
	typ: "time",
	doc: "Points in time and durations, which print, compare and calculate: `time.now() - time.hour`, `30 * time.second`.",
	members: []member[*clock]{
		{name: "now", sig: "() -> time.time", doc: "The present time, of the machine's clock; in a simulation, the now of the state file.",
			call: func(c *clock, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				return time.Time(c.machine.Now()), nil
			}},
		{name: "sleep", sig: "(seconds: float | time.duration) -> None", doc: "Waits, for at most 3600 seconds; not while the charm's files are loaded. Juju does nothing else for the unit meanwhile: wait for moments only, and defer what takes longer. In a simulation the time goes on at once.",
			call: (*clock).sleep},
		{name: "time", sig: "(*, year: int = 0, month: int = 0, day: int = 0, hour: int = 0, minute: int = 0, second: int = 0, nanosecond: int = 0, location: str = \"UTC\") -> time.time", doc: "The time with this date and time of day in the time zone location, such as \"Europe/London\". What is out of range carries over: day 32 of January is February 1. A time zone that the machine does not know is a bug, which catch does not take: see is_valid_timezone.",
			call: timeOf},
		{name: "from_timestamp", sig: "(sec: int, nsec: int = 0, /) -> time.time", doc: "The time so many seconds and nanoseconds after 1970-01-01 UTC.",
			call: fromTime("from_timestamp")},
		{name: "parse_time", sig: "(text: str, format: str = \"2006-01-02T15:04:05Z07:00\", location: str = \"UTC\") -> time.time", doc: "Reads a time, by default as RFC 3339 has it. format shows how Go's reference time, Mon Jan 2 15:04:05 MST 2006, would look. What does not fit is the failure time.ParseError.",
			call: parseTime},
		{name: "parse_duration", sig: "(text: str) -> time.duration", doc: "Reads a duration such as \"1h15m\" or \"300ms\"; the units are h, m, s, ms, us and ns. What is none is the failure time.ParseError.",
			call: parseDuration},
		{name: "is_valid_timezone", sig: "(location: str, /) -> bool", doc: "Whether this machine knows the time zone, for instance \"Europe/London\".",
			call: fromTime("is_valid_timezone")},
		{name: "nanosecond", sig: "time.duration", doc: "One nanosecond.", get: timeConstant("nanosecond")},
		{name: "microsecond", sig: "time.duration", doc: "One microsecond.", get: timeConstant("microsecond")},
		{name: "millisecond", sig: "time.duration", doc: "One millisecond.", get: timeConstant("millisecond")},
		{name: "second", sig: "time.duration", doc: "One second.", get: timeConstant("second")},
		{name: "minute", sig: "time.duration", doc: "One minute.", get: timeConstant("minute")},
		{name: "hour", sig: "time.duration", doc: "One hour.", get: timeConstant("hour")},
		{name: "ParseError", sig: "kind", doc: "The failure when a text is no time or no duration.",
			get: func(*clock) (starlark.Value, error) { return timeParseError, nil }},
	},
}

// newTime returns module time, with the clock of m. ctx ends a sleep when the
// hook ends; loading says whether the charm's files are being loaded.
func newTime(ctx context.Context, m machine.Machine, loading func() bool) starlark.Value {
	return &module[*clock]{table: &timeTable, self: &clock{ctx, m, loading}}
}

// clock is the machine's.
type clock struct {
	ctx     context.Context
	machine machine.Machine
	loading func() bool
}

// maxSleep is how long a charm may sleep at once, in seconds.
const maxSleep = 3600.0

func (c *clock) sleep(in invocation) (starlark.Value, error) {
	var length starlark.Value
	if err := in.unpack("seconds", &length); err != nil {
		return nil, err
	}
	var seconds float64
	ok := true
	if d, isDuration := length.(time.Duration); isDuration {
		seconds = gotime.Duration(d).Seconds()
	} else {
		seconds, ok = starlark.AsFloat(length)
	}
	if !ok || !(seconds >= 0 && seconds <= maxSleep) {
		return nil, fmt.Errorf("%s: got %s, want seconds from 0 to %g, or a duration", in.name, shown(length), maxSleep)
	}
	if c.loading() {
		return nil, fmt.Errorf("%s: the charm's files are being loaded; sleep in a handler", in.name)
	}
	if err := c.machine.Sleep(c.ctx, gotime.Duration(seconds*float64(gotime.Second))); err != nil {
		return nil, fmt.Errorf("cannot finish the sleep: %w", err)
	}
	return starlark.None, nil
}

// documentTime describes the times of go.starlark.net/lib/time.
func documentTime() TypeDoc {
	return TypeDoc{Name: "time.time", Doc: "A point in time, in some time zone. t1 - t2 is a duration; t + d and t - d are times; the earlier one is the lesser.", Members: []MemberDoc{
		{Name: "year", Signature: "int", Doc: "The year."},
		{Name: "month", Signature: "int", Doc: "The month, 1 to 12."},
		{Name: "day", Signature: "int", Doc: "The day of the month, from 1."},
		{Name: "hour", Signature: "int", Doc: "The hour, 0 to 23."},
		{Name: "minute", Signature: "int", Doc: "The minute, 0 to 59."},
		{Name: "second", Signature: "int", Doc: "The second, 0 to 59."},
		{Name: "nanosecond", Signature: "int", Doc: "The nanosecond within the second."},
		{Name: "unix", Signature: "int", Doc: "Seconds since 1970-01-01 UTC."},
		{Name: "unix_nano", Signature: "int", Doc: "Nanoseconds since 1970-01-01 UTC."},
		{Name: "format", Method: true, Signature: "(x: str, /) -> str", Doc: "The time as text, laid out as Go's reference time, Mon Jan 2 15:04:05 MST 2006, is in x: format(\"2006-01-02\") gives \"2026-11-22\"."},
		{Name: "in_location", Method: true, Signature: "(x: str, /) -> time.time", Doc: "The same point in time in the time zone x, such as \"UTC\" or \"Europe/London\"."},
	}}
}

// documentDuration describes the durations of go.starlark.net/lib/time.
func documentDuration() TypeDoc {
	return TypeDoc{Name: "time.duration", Doc: "A length of time, to the nanosecond, up to 292 years. Durations add up, and are multiplied by an int and divided by a number; d1 / d2 is a float, d1 // d2 an int. 0 is false.", Members: []MemberDoc{
		{Name: "hours", Signature: "float", Doc: "The duration in hours."},
		{Name: "minutes", Signature: "float", Doc: "The duration in minutes."},
		{Name: "seconds", Signature: "float", Doc: "The duration in seconds."},
		{Name: "milliseconds", Signature: "int", Doc: "The duration in whole milliseconds."},
		{Name: "microseconds", Signature: "int", Doc: "The duration in whole microseconds."},
		{Name: "nanoseconds", Signature: "int", Doc: "The duration in nanoseconds."},
	}}
}

func fromTime(name string) func(*clock, invocation) (starlark.Value, error) {
	return func(_ *clock, in invocation) (starlark.Value, error) {
		return upstream(time.Module, name, in)
	}
}

func timeOf(c *clock, in invocation) (starlark.Value, error) {
	if len(in.args) > 0 {
		return nil, fmt.Errorf("%s: unexpected positional argument: write time.time(year = 2026, month = 1, day = 31)", in.name)
	}
	return fromTime("time")(c, in)
}

func timeConstant(name string) func(*clock) (starlark.Value, error) {
	return func(*clock) (starlark.Value, error) { return time.Module.Members[name], nil }
}

func parseTime(_ *clock, in invocation) (starlark.Value, error) {
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
		cause := err.Error()
		var misfit *gotime.ParseError
		if errors.As(err, &misfit) {
			cause = fmt.Sprintf("got %s, want a time as %s", shown(starlark.String(text)), shown(starlark.String(misfit.Layout)))
		}
		return nil, &Failure{Kind: timeParseError, Message: "cannot read the time: " + cause, Err: err}
	}
	return v, nil
}

func parseDuration(_ *clock, in invocation) (starlark.Value, error) {
	var text string
	if err := in.unpack("text", &text); err != nil {
		return nil, err
	}
	var d time.Duration
	if err := d.Unpack(starlark.String(text)); err != nil {
		return nil, &Failure{Kind: timeParseError, Message: fmt.Sprintf("cannot read the duration: got %s, want one such as \"1h15m\" or \"300ms\"", shown(starlark.String(text))), Err: err}
	}
	return d, nil
}
