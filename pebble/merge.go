package pebble

import (
	"maps"
	"time"
)

// setIf sets *field to value unless value is unset.
func setIf[T comparable](field *T, value T) {
	var unset T
	if value != unset {
		*field = value
	}
}

// setDefault sets *field to value if it is unset.
func setDefault[T comparable](field *T, value T) {
	var unset T
	if *field == unset {
		*field = value
	}
}

func setDefaultDuration(field **Duration, value time.Duration) {
	if *field == nil {
		d := Duration(value)
		*field = &d
	}
}

// update returns base with newer's keys set. It changes base, if there is one.
func update[V any](base, newer map[string]V) map[string]V {
	if len(newer) == 0 {
		return base
	}
	if base == nil {
		return maps.Clone(newer)
	}
	maps.Copy(base, newer)
	return base
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// copyExtra copies what YAML decoded into maps, lists and scalars.
func copyExtra(extra map[string]any) map[string]any {
	if extra == nil {
		return nil
	}
	return copyPlain(extra).(map[string]any)
}

func copyPlain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for key, value := range v {
			c[key] = copyPlain(value)
		}
		return c
	case map[any]any:
		c := make(map[any]any, len(v))
		for key, value := range v {
			c[key] = copyPlain(value)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, value := range v {
			c[i] = copyPlain(value)
		}
		return c
	default:
		return v
	}
}
