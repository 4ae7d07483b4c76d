package pebble

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Layer is a set of services, checks and log targets that [Client.AddLayer]
// puts on top of the others. Sections that this package does not know are kept
// in Extra.
type Layer struct {
	Summary     string                `yaml:"summary,omitempty"`
	Description string                `yaml:"description,omitempty"`
	Services    map[string]*Service   `yaml:"services,omitempty"`
	Checks      map[string]*Check     `yaml:"checks,omitempty"`
	LogTargets  map[string]*LogTarget `yaml:"log-targets,omitempty"`
	Extra       map[string]any        `yaml:",inline"`
}

// object is what YAML may be parsed into.
type object interface {
	Layer | Plan | Service | Check | LogTarget
}

// Parse parses YAML into a layer, plan or one of their parts. Empty YAML gives
// an empty object. A value of the wrong type is an error that names its line;
// what is unknown is kept, and nothing else is checked: see [Layer.Validate].
func Parse[T object](text []byte) (*T, error) {
	var v T
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("cannot parse %s: %w", objectName(&v), yamlCause(err))
	}
	if err := document.Decode(&v); err != nil && len(document.Content) > 0 {
		field, err := locate(document.Content[0], reflect.TypeOf(v), err)
		if field != "" {
			err = fmt.Errorf("%s: %w", field, yamlCause(err))
		} else {
			err = yamlCause(err)
		}
		return nil, fmt.Errorf("cannot parse %s: %w", objectName(&v), err)
	}
	if err := nullError(&v); err != nil {
		return nil, fmt.Errorf("cannot parse %s: %w", objectName(&v), err)
	}
	return &v, nil
}

// FromMap makes a layer, plan or one of their parts of what the YAML for it
// would decode to. It shares nothing with fields.
func FromMap[T object](fields map[string]any) (*T, error) {
	text, err := yaml.Marshal(fields)
	if err != nil {
		var v T
		return nil, fmt.Errorf("cannot make a %s: %w", objectName(&v), err)
	}
	return Parse[T](text)
}

// ToYAML returns the YAML of a layer, plan or one of their parts, as Pebble
// writes it: fields in Pebble's order, names sorted, what is unset left out,
// "{}\n" for nothing.
func ToYAML[T object](v *T) (string, error) {
	text, err := yaml.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("cannot write the YAML of a %s: %w", objectName(v), err)
	}
	return string(text), nil
}

// ToMap returns what the YAML of v decodes to. It shares nothing with v.
func ToMap[T object](v *T) (map[string]any, error) {
	text, err := ToYAML(v)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		return nil, fmt.Errorf("cannot read the YAML of a %s: %w", objectName(v), err)
	}
	return fields, nil
}

// locate returns the path of the field of t in node that cannot be decoded,
// such as "services.web.kill-delay", and why. What says why the whole cannot.
func locate(node *yaml.Node, t reflect.Type, why error) (string, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode || t.Kind() != reflect.Struct && t.Kind() != reflect.Map {
		return "", why
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i].Value, node.Content[i+1]
		inner, ok := memberType(t, key)
		if !ok {
			continue
		}
		err := value.Decode(reflect.New(inner).Interface())
		if err == nil {
			continue
		}
		field, err := locate(value, inner, err)
		return strings.TrimSuffix(key+"."+field, "."), err
	}
	return "", why
}

// memberType returns the type of the member of a struct or map that a key of
// YAML is decoded into.
func memberType(t reflect.Type, key string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name == key && name != "" {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func objectName(v any) string {
	switch v.(type) {
	case *Layer:
		return "layer"
	case *Plan:
		return "plan"
	case *Service:
		return "service"
	case *Check:
		return "check"
	default:
		return "log target"
	}
}

// yamlCause drops the package's name from an error's text, and the type names
// of Go.
func yamlCause(err error) error {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	lines := make([]string, len(types.Errors))
	for i, line := range types.Errors {
		lines[i] = goTypes.Replace(line)
	}
	return errors.New(strings.Join(lines, "; "))
}

// goTypes puts what a reader of YAML knows in the place of Go's types.
var goTypes = strings.NewReplacer(
	"into map[string]string", "into a map of strings",
	"into []string", "into a list of strings",
	"into string", "into a string",
	"into int", "into a number",
	"into map[string]*pebble.Service", "into a map of services",
	"into map[string]*pebble.Check", "into a map of checks",
	"into map[string]*pebble.LogTarget", "into a map of log targets",
	"into pebble.", "into a ",
)

// nullError reports an object that is null where that has no meaning.
func nullError(v any) error {
	var services map[string]*Service
	var checks map[string]*Check
	var targets map[string]*LogTarget
	switch v := v.(type) {
	case *Layer:
		services, checks, targets = v.Services, v.Checks, v.LogTargets
	case *Plan:
		services, checks, targets = v.Services, v.Checks, v.LogTargets
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if services[name] == nil {
			return fmt.Errorf("service object cannot be null for service %q", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		if checks[name] == nil {
			return fmt.Errorf("check object cannot be null for check %q", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if targets[name] == nil {
			return fmt.Errorf("log target object cannot be null for log target %q", name)
		}
	}
	return nil
}

// Copy returns a copy that shares nothing with l.
func (l *Layer) Copy() *Layer {
	return &Layer{
		Summary:     l.Summary,
		Description: l.Description,
		Services:    copyAll(l.Services, (*Service).Copy),
		Checks:      copyAll(l.Checks, (*Check).Copy),
		LogTargets:  copyAll(l.LogTargets, (*LogTarget).Copy),
		Extra:       copyExtra(l.Extra),
	}
}

func copyAll[T any](objects map[string]*T, copy func(*T) *T) map[string]*T {
	if objects == nil {
		return nil
	}
	copies := make(map[string]*T, len(objects))
	for name, o := range objects {
		copies[name] = copy(o)
	}
	return copies
}

// Equal reports whether l and other mean the same; see [Service.Equal].
func (l *Layer) Equal(other *Layer) bool {
	if l == nil || other == nil {
		return l == other
	}
	return l.Summary == other.Summary && l.Description == other.Description && l.plan().Equal(other.plan())
}

// plan returns the part of l that a plan has. It shares everything with l.
func (l *Layer) plan() *Plan {
	return &Plan{Services: l.Services, Checks: l.Checks, LogTargets: l.LogTargets, Extra: l.Extra}
}

// Validate reports the first thing in l for which Pebble refuses every layer,
// whatever the layers below it hold. It does not report unknown fields.
func (l *Layer) Validate() error {
	for _, name := range slices.Sorted(maps.Keys(l.Services)) {
		if err := l.Services[name].validate(name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Checks)) {
		if err := l.Checks[name].validate(name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.LogTargets)) {
		if err := l.LogTargets[name].validate(name); err != nil {
			return err
		}
	}
	return nil
}

// Combine returns l with newer combined onto it, each object as its override
// says. The label is newer's, for the error of an override that is missing or
// wrong.
func (l *Layer) Combine(label string, newer *Layer) (*Layer, error) {
	c := l.Copy()
	setIf(&c.Summary, newer.Summary)
	setIf(&c.Description, newer.Description)
	var err error
	c.Services, err = combineAll(label, "service", c.Services, newer.Services,
		func(s *Service) Override { return s.Override }, (*Service).Copy, (*Service).Merge)
	if err != nil {
		return nil, err
	}
	c.Checks, err = combineAll(label, "check", c.Checks, newer.Checks,
		func(c *Check) Override { return c.Override }, (*Check).Copy, (*Check).Merge)
	if err != nil {
		return nil, err
	}
	c.LogTargets, err = combineAll(label, "log target", c.LogTargets, newer.LogTargets,
		func(t *LogTarget) Override { return t.Override }, (*LogTarget).Copy, (*LogTarget).Merge)
	if err != nil {
		return nil, err
	}
	c.Extra = update(c.Extra, copyExtra(newer.Extra))
	return c, nil
}

func combineAll[T any](label, noun string, base, newer map[string]*T,
	override func(*T) Override, copy func(*T) *T, merge func(base, newer *T) *T) (map[string]*T, error) {
	for _, name := range slices.Sorted(maps.Keys(newer)) {
		o := newer[name]
		switch override(o) {
		case OverrideReplace:
			o = copy(o)
		case OverrideMerge:
			if old, ok := base[name]; ok {
				o = merge(old, o)
			} else {
				o = copy(o)
			}
		case "":
			return nil, fmt.Errorf("layer %q must define \"override\" for %s %q", label, noun, name)
		default:
			return nil, fmt.Errorf("layer %q has invalid \"override\" value for %s %q", label, noun, name)
		}
		if base == nil {
			base = map[string]*T{}
		}
		base[name] = o
	}
	return base, nil
}
