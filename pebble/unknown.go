package pebble

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// UnknownField is a field that no Pebble known to this package has.
type UnknownField struct {
	// Path is where it is: "services.web.comand".
	Path string
	// Name is the field's own name.
	Name string
	// Known are the fields that there are in its place.
	Known []string
}

// UnknownField returns the first field in l that Pebble would refuse, or nil.
// [Parse] keeps such fields, because a newer Pebble may have them.
func (l *Layer) UnknownField() *UnknownField {
	if u := unknownField("", l.Extra, l, "workloads", "pairing"); u != nil {
		return u
	}
	for _, name := range slices.Sorted(maps.Keys(l.Services)) {
		if u := unknownField("services."+name+".", l.Services[name].Extra, l.Services[name], "workload"); u != nil {
			return u
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Checks)) {
		check, at := l.Checks[name], "checks."+name+"."
		if u := unknownField(at, check.Extra, check); u != nil {
			return u
		}
		var u *UnknownField
		switch {
		case check.HTTP != nil:
			u = unknownField(at+"http.", check.HTTP.Extra, check.HTTP)
		case check.TCP != nil:
			u = unknownField(at+"tcp.", check.TCP.Extra, check.TCP)
		case check.Exec != nil:
			u = unknownField(at+"exec.", check.Exec.Extra, check.Exec)
		}
		if u != nil {
			return u
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.LogTargets)) {
		if u := unknownField("log-targets."+name+".", l.LogTargets[name].Extra, l.LogTargets[name]); u != nil {
			return u
		}
	}
	return nil
}

// unknownField returns the first of the extra fields of the struct behind v
// that is not one of others.
func unknownField(at string, extra map[string]any, v any, others ...string) *UnknownField {
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if slices.Contains(others, name) {
			continue
		}
		u := &UnknownField{Path: at + name, Name: name, Known: others}
		t := reflect.TypeOf(v).Elem()
		for i := range t.NumField() {
			if known, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); known != "" {
				u.Known = append(u.Known, known)
			}
		}
		return u
	}
	return nil
}
