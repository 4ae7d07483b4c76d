package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Config returns the application's configuration: string, int64, float64 or
// bool as the option's type wants; a secret is its URI. Options that are unset
// and have no default are absent. The map is not to be changed.
func (m *Model) Config() (map[string]any, error) {
	if m.config != nil {
		return m.config, nil
	}
	answer, err := m.run("config-get", nil, "--format=json")
	if err != nil {
		return nil, err
	}
	values, err := decode[map[string]any]("config-get", answer)
	if err != nil {
		return nil, err
	}
	config := make(map[string]any, len(values))
	for name, value := range values {
		value = Plain(value)
		if option, ok := m.cfg.Metadata.Options[name]; ok && value != nil {
			if value, ok = option.typed(value); !ok {
				return nil, nonsense("config-get", fmt.Errorf("the option %q is of type %s, but its value is %v", name, option.Type, values[name]))
			}
		}
		if value != nil {
			config[name] = value
		}
	}
	m.config = config
	return config, nil
}

// typed returns the value as the type that the option has.
func (o *OptionMeta) typed(value any) (any, bool) {
	switch o.Type {
	case "int":
		n, ok := whole(value)
		return n, ok
	case "float":
		if n, ok := value.(int64); ok {
			return float64(n), true
		}
		f, ok := value.(float64)
		return f, ok
	case "boolean":
		b, ok := value.(bool)
		return b, ok
	}
	s, ok := value.(string)
	return s, ok
}

// Option returns one option, and false when it is unset and has no default. A
// name that is not in the charm's metadata is a [UsageError].
func (m *Model) Option(name string) (any, bool, error) {
	if _, ok := m.cfg.Metadata.Options[name]; !ok {
		return nil, false, m.unknown("option", name, maps.Keys(m.cfg.Metadata.Options))
	}
	config, err := m.Config()
	if err != nil {
		return nil, false, err
	}
	m.looked(nil, name)
	value, ok := config[name]
	return value, ok, nil
}

// unknown is the mistake of naming what the metadata does not have.
func (m *Model) unknown(noun, name string, known func(yield func(string) bool)) error {
	return usage("the charm has no %s %q%s", noun, shorten(name), didYouMean(name, slices.Sorted(known)))
}

// ParseOption reads the value of an option from text, as juju config does:
// numbers and booleans as they are written, anything for a string.
func (m *Metadata) ParseOption(name, text string) (any, error) {
	option := m.Options[name]
	if option == nil {
		return nil, usage("the charm has no option %q%s", shorten(name), didYouMean(name, slices.Sorted(maps.Keys(m.Options))))
	}
	var value any = text
	var err error
	switch option.Type {
	case "int":
		value, err = strconv.ParseInt(text, 10, 64)
	case "float":
		value, err = strconv.ParseFloat(text, 64)
	case "boolean":
		value, err = strconv.ParseBool(text)
	}
	if err != nil {
		return nil, usage("the option %q is of type %s, and %q is none", name, option.Type, shorten(text))
	}
	return value, nil
}

// looked tells who wants to know what is looked up.
func (m *Model) looked(bag *Databag, key string) {
	if m.cfg.Looked != nil {
		m.cfg.Looked(bag, key)
	}
}
