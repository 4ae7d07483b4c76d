package check

import (
	"fmt"
	"maps"
	"slices"

	"go.starlark.net/syntax"
)

// This file checks the keys of layers that are written as dicts.

// layerArguments are the arguments of builtins that take a layer, by place and
// name.
var layerArguments = map[string]struct {
	place int
	name  string
}{
	"container.add_layer": {1, "layer"}, "client.add_layer": {1, "layer"},
	"container.ensure": {-1, "layer"}, "client.ensure": {-1, "layer"},
	"pebble.Layer": {0, "raw"}, "pebble.Plan": {0, "raw"},
}

// layerParts are the keys of a layer, and the types whose members its parts
// have.
var layerParts = map[string]string{"services": "service", "checks": "check_config", "log-targets": "log_target"}

func (w *walk) layerArgument(name string, args []syntax.Expr) {
	of, ok := layerArguments[name]
	if !ok {
		return
	}
	if arg := argument(args, of.place, of.name); arg != nil {
		if d, ok := w.c.eval(w.file, arg).(*dictValue); ok {
			w.c.checkLayer(d)
		}
	}
}

func (c *checker) checkLayer(layer *dictValue) {
	known := append(slices.Sorted(maps.Keys(layerParts)), "summary", "description")
	c.eachEntry(layer, func(pos syntax.Position, key string, v value) {
		if !slices.Contains(known, key) {
			c.at(layer.file, pos, "unknown-layer-key", nearest(key, known), "a layer has no %q", key)
			return
		}
		part := layerParts[key]
		parts, ok := v.(*dictValue)
		if part == "" || !ok {
			return
		}
		fields := c.partKeys(part)
		c.eachEntry(parts, func(_ syntax.Position, name string, v value) {
			one, ok := v.(*dictValue)
			if !ok {
				return
			}
			c.eachEntry(one, func(pos syntax.Position, key string, _ value) {
				if !slices.Contains(fields, key) {
					what := map[string]string{"service": "service", "check_config": "check", "log_target": "log target"}[part]
					c.at(one.file, pos, "unknown-layer-key", nearest(key, fields), "a %s has no %q", what, key)
				}
			})
			if part == "service" && name != "" {
				if v := c.entry(one, "override"); v == nil && len(one.expr.List) > 0 {
					pos, _ := one.expr.Span()
					c.at(one.file, pos, "unknown-layer-key", `add "override": "replace" or "merge"`, "the service %q has no override", name)
				}
			}
		})
	})
}

// partKeys are Pebble's names for the fields of a part of a layer.
func (c *checker) partKeys(part string) []string {
	var keys []string
	for name, m := range c.builtins.types[part].members {
		if !m.Method {
			keys = append(keys, dashed(name))
		}
	}
	return keys
}

// eachEntry calls do for the keys of a dict that are known.
func (c *checker) eachEntry(d *dictValue, do func(pos syntax.Position, key string, v value)) {
	for _, e := range d.expr.List {
		entry := e.(*syntax.DictEntry)
		if k, ok := c.eval(d.file, entry.Key).(*constant); ok && len(k.strings()) == 1 {
			pos, _ := entry.Key.Span()
			do(pos, fmt.Sprint(k.any[0]), c.eval(d.file, entry.Value))
		}
	}
}
