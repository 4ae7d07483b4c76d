package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/pebble"
)

// This file defines layers and plans, and the services, checks and log targets
// in them.

// planObject is one of Pebble's configuration objects. It does not change.
type planObject[T planType] struct {
	v      *T
	fields map[string]any // what the YAML of v decodes to
}

type planType interface {
	pebble.Layer | pebble.Plan | pebble.Service | pebble.Check | pebble.LogTarget
}

// A planField is an attribute that stands for a field of the YAML.
type planField struct {
	name string
	// unset is the value of a field that is not there.
	unset any
	sig   string
	doc   string
}

var (
	noMap  = map[string]any{}
	noList = []any{}
)

// planSections are the attributes that layers and plans share.
func planSections[T planType](services func(*T) map[string]*pebble.Service, checks func(*T) map[string]*pebble.Check, targets func(*T) map[string]*pebble.LogTarget) []member[*planObject[T]] {
	return []member[*planObject[T]]{
		{name: "services", sig: "mapping", doc: "The services by name.",
			get: func(p *planObject[T]) (starlark.Value, error) { return planSection("services", services(p.v)) }},
		{name: "checks", sig: "mapping", doc: "The checks by name.",
			get: func(p *planObject[T]) (starlark.Value, error) { return planSection("checks", checks(p.v)) }},
		{name: "log_targets", sig: "mapping", doc: "The log targets by name.",
			get: func(p *planObject[T]) (starlark.Value, error) { return planSection("log targets", targets(p.v)) }},
	}
}

func planSection[T planType](typ string, objects map[string]*T) (starlark.Value, error) {
	values := make(map[string]starlark.Value, len(objects))
	for name, o := range objects {
		v, err := wrapPlanObject(o)
		if err != nil {
			return nil, err
		}
		values[name] = v
	}
	return fixedMapping(typ, sortedNames(values), values), nil
}

// planFields are the attributes that read a field of the YAML, and the methods
// that all configuration objects have.
func planFields[T planType](fields ...planField) []member[*planObject[T]] {
	members := []member[*planObject[T]]{
		{name: "to_dict", sig: "() -> dict", doc: "The object as a dict, with Pebble's own names and without what is unset.",
			call: func(p *planObject[T], in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				return toStarlark(p.fields)
			}},
		{name: "to_yaml", sig: "() -> str", doc: "The object as YAML.",
			call: func(p *planObject[T], in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				text, err := pebble.ToYAML(p.v)
				return starlark.String(text), err
			}},
	}
	for _, f := range fields {
		members = append(members, member[*planObject[T]]{
			name: strings.ReplaceAll(f.name, "-", "_"), sig: f.sig, doc: f.doc,
			get: func(p *planObject[T]) (starlark.Value, error) {
				if v, ok := p.fields[f.name]; ok {
					return toStarlark(v)
				}
				return toStarlark(f.unset)
			},
		})
	}
	return members
}

var layerTable = table[*planObject[pebble.Layer]]{
	typ: "layer", doc: "A Pebble layer. Layers that mean the same are equal.",
	members: append(planSections(
		func(l *pebble.Layer) map[string]*pebble.Service { return l.Services },
		func(l *pebble.Layer) map[string]*pebble.Check { return l.Checks },
		func(l *pebble.Layer) map[string]*pebble.LogTarget { return l.LogTargets },
	), planFields[pebble.Layer](
		planField{"summary", "", "str", "One line about the layer."},
		planField{"description", "", "str", "More about it."},
	)...),
}

var planTable = table[*planObject[pebble.Plan]]{
	typ: "plan", doc: "What a container's layers come to. Plans that mean the same are equal.",
	members: append(planSections(
		func(p *pebble.Plan) map[string]*pebble.Service { return p.Services },
		func(p *pebble.Plan) map[string]*pebble.Check { return p.Checks },
		func(p *pebble.Plan) map[string]*pebble.LogTarget { return p.LogTargets },
	), planFields[pebble.Plan]()...),
}

var serviceTable = table[*planObject[pebble.Service]]{
	typ: "service", doc: "A service's configuration. Durations are compared by meaning: 60s equals 1m0s.",
	members: planFields[pebble.Service](
		planField{"summary", "", "str", "One line about the service."},
		planField{"description", "", "str", "More about it."},
		planField{"startup", "", "str", "enabled or disabled; \"\" means disabled."},
		planField{"override", "", "str", "replace or merge."},
		planField{"command", "", "str", "The command line."},
		planField{"after", noList, "list[str]", "Services that start before this one."},
		planField{"before", noList, "list[str]", "Services that start after this one."},
		planField{"requires", noList, "list[str]", "Services that this one needs."},
		planField{"environment", noMap, "dict[str, str]", "Environment variables."},
		planField{"user", "", "str", "The user that runs it."},
		planField{"user-id", nil, "int", "The user's number, or None."},
		planField{"group", "", "str", "The group that runs it."},
		planField{"group-id", nil, "int", "The group's number, or None."},
		planField{"working-dir", "", "str", "The directory that it starts in."},
		planField{"on-success", "", "str", "What follows a good end: restart, shutdown, failure-shutdown or ignore."},
		planField{"on-failure", "", "str", "What follows a bad end: restart, shutdown, success-shutdown or ignore."},
		planField{"on-check-failure", noMap, "dict[str, str]", "What follows when a check goes down, by check."},
		planField{"backoff-delay", "", "str", "The first wait before a restart, as a duration."},
		planField{"backoff-factor", nil, "float", "By how much the wait grows, or None."},
		planField{"backoff-limit", "", "str", "The longest wait, as a duration."},
		planField{"kill-delay", "", "str", "How long after SIGTERM it is killed, as a duration."},
	),
}

var checkConfigTable = table[*planObject[pebble.Check]]{
	typ: "check_config", doc: "A check's configuration.",
	members: planFields[pebble.Check](
		planField{"override", "", "str", "replace or merge."},
		planField{"level", "", "str", "alive, ready or \"\"."},
		planField{"startup", "", "str", "enabled or disabled; \"\" means enabled."},
		planField{"period", "", "str", "How often it runs, as a duration."},
		planField{"timeout", "", "str", "How long it may take, as a duration."},
		planField{"threshold", nil, "int", "After how many failures it is down, or None."},
		planField{"http", nil, "dict", "The HTTP request that it makes, or None."},
		planField{"tcp", nil, "dict", "The port that it connects to, or None."},
		planField{"exec", nil, "dict", "The command that it runs, or None."},
	),
}

var logTargetTable = table[*planObject[pebble.LogTarget]]{
	typ: "log_target", doc: "A log target's configuration.",
	members: planFields[pebble.LogTarget](
		planField{"override", "", "str", "replace or merge."},
		planField{"type", "", "str", "loki, opentelemetry or syslog."},
		planField{"location", "", "str", "Where to."},
		planField{"services", noList, "list[str]", "Whose logs: names, all, and -name to leave one out."},
		planField{"labels", noMap, "dict[str, str]", "Labels to add."},
	),
}

func planTableOf[T planType](v *T) *table[*planObject[T]] {
	var t any
	switch any(v).(type) {
	case *pebble.Layer:
		t = &layerTable
	case *pebble.Plan:
		t = &planTable
	case *pebble.Service:
		t = &serviceTable
	case *pebble.Check:
		t = &checkConfigTable
	case *pebble.LogTarget:
		t = &logTargetTable
	}
	return t.(*table[*planObject[T]])
}

func (p *planObject[T]) String() string {
	v, err := toStarlark(p.fields)
	if err != nil {
		return "<" + p.Type() + ">"
	}
	return fmt.Sprintf("<%s %s>", p.Type(), v)
}

func (p *planObject[T]) Type() string          { return planTableOf(p.v).typ }
func (p *planObject[T]) Freeze()               {}
func (p *planObject[T]) Truth() starlark.Bool  { return len(p.fields) > 0 }
func (p *planObject[T]) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", p.Type()) }
func (p *planObject[T]) Attr(name string) (starlark.Value, error) {
	return planTableOf(p.v).attr(p, name)
}
func (p *planObject[T]) AttrNames() []string { return planTableOf(p.v).attrNames(p) }

func (p *planObject[T]) CompareSameType(op syntax.Token, other starlark.Value, _ int) (bool, error) {
	same := any(p.v).(interface{ Equal(*T) bool }).Equal(other.(*planObject[T]).v)
	switch op {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, fmt.Errorf("a %s has no order: cannot compare with %s", p.Type(), op)
}

func wrapPlanObject[T planType](v *T) (*planObject[T], error) {
	fields, err := pebble.ToMap(v)
	if err != nil {
		return nil, err
	}
	return &planObject[T]{v: v, fields: fields}, nil
}

func newPlanObject[T planType](_ *Hook, in invocation) (starlark.Value, error) {
	var raw starlark.Value = starlark.None
	if err := in.unpack("raw?", &raw); err != nil {
		return nil, err
	}
	v, err := planObjectOf[T](raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	return wrapPlanObject(v)
}

// planObjectOf reads one of Pebble's objects from itself, a dict, or YAML.
func planObjectOf[T planType](raw starlark.Value) (*T, error) {
	switch raw := raw.(type) {
	case *planObject[T]:
		return raw.v, nil
	case starlark.NoneType:
		return new(T), nil
	case starlark.String:
		return pebble.Parse[T]([]byte(raw))
	case *starlark.Dict:
		fields, err := fromStarlark("raw", raw)
		if err != nil {
			return nil, err
		}
		return pebble.FromMap[T](fields.(map[string]any))
	}
	return nil, fmt.Errorf("got %s, want a dict, YAML text, or a %s", raw.Type(), planTableOf(new(T)).typ)
}
