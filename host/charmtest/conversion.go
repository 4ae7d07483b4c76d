package charmtest

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file converts the fields of the simulation's structs to Starlark and
// back, by their Go types.

var (
	typeTime     = reflect.TypeFor[time.Time]()
	typeDuration = reflect.TypeFor[pebble.Duration]()
	typeStatus   = reflect.TypeFor[modeltest.Status]()
	typeLayers   = reflect.TypeFor[pebbletest.Layers]()
	typeFile     = reflect.TypeFor[pebbletest.File]()
	typeMode     = reflect.TypeFor[pebbletest.Mode]()
	typeHostFile = reflect.TypeFor[machinetest.File]()
	typeHandler  = reflect.TypeFor[pebbletest.Handler]()
	typeProcess  = reflect.TypeFor[machinetest.Handler]()
	typeHostMode = reflect.TypeFor[machinetest.Mode]()
)

// toStarlark shows a field. What it returns is frozen.
func toStarlark(v reflect.Value) (starlark.Value, error) {
	switch v.Type() {
	case typeTime:
		if t := v.Interface().(time.Time); !t.IsZero() {
			return startime.Time(t), nil
		}
		return starlark.None, nil
	case typeDuration:
		return startime.Duration(v.Int()), nil
	case typeStatus:
		s := v.Interface().(modeltest.Status)
		return statusValue(s), nil
	case typeLayers:
		layers := v.Interface().(pebbletest.Layers)
		dict := starlark.NewDict(len(layers))
		for _, l := range layers {
			layer, err := builtins.NewLayer(l.Layer)
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(starlark.String(l.Label), layer); err != nil {
				return nil, err
			}
		}
		dict.Freeze()
		return dict, nil
	case typeProcess:
		if h, ok := v.Interface().(*processHandler); ok {
			return h.fn, nil
		}
		return starlark.None, nil
	case typeHandler:
		if h, ok := v.Interface().(*handler); ok {
			return h.fn, nil
		}
		return starlark.None, nil
	case typeFile:
		if f := v.Interface().(pebbletest.File); f == (pebbletest.File{Content: f.Content}) {
			return starlark.String(f.Content), nil
		}
	case typeHostFile:
		if f := v.Interface().(machinetest.File); f == (machinetest.File{Content: f.Content}) {
			return starlark.String(f.Content), nil
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return starlark.None, nil
		}
		return toStarlark(v.Elem())
	case reflect.Struct:
		if k := kindOf(v); k != nil {
			p := reflect.New(v.Type()).Elem()
			p.Set(v)
			if v.CanAddr() {
				p = v
			}
			return &component{k, p}, nil
		}
		return written(v)
	case reflect.String:
		return starlark.String(v.String()), nil
	case reflect.Bool:
		return starlark.Bool(v.Bool()), nil
	case reflect.Int, reflect.Int64:
		return starlark.MakeInt64(v.Int()), nil
	case reflect.Uint32, reflect.Uint64:
		return starlark.MakeUint64(v.Uint()), nil
	case reflect.Interface:
		return builtins.ToStarlark(v.Interface())
	case reflect.Slice:
		elems := make([]starlark.Value, v.Len())
		for i := range elems {
			elem, err := toStarlark(v.Index(i))
			if err != nil {
				return nil, err
			}
			elems[i] = elem
		}
		list := starlark.NewList(elems)
		list.Freeze()
		return list, nil
	case reflect.Map:
		dict := starlark.NewDict(v.Len())
		for _, key := range sortedKeys(v) {
			k, err := toStarlark(key)
			if err != nil {
				return nil, err
			}
			value, err := toStarlark(v.MapIndex(key))
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(k, value); err != nil {
				return nil, err
			}
		}
		dict.Freeze()
		return dict, nil
	}
	return nil, fmt.Errorf("cannot show a %s", v.Type())
}

func statusValue(s modeltest.Status) *builtins.Status {
	name := s.Name
	if name == "" {
		name = "unknown"
	}
	return &builtins.Status{Status: model.Status{Name: name, Message: s.Message}}
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.Kind() == reflect.String {
			return strings.Compare(a.String(), b.String())
		}
		return int(a.Int() - b.Int())
	})
	return keys
}

// fromStarlark sets a field. path is its name in messages.
func fromStarlark(path string, v starlark.Value, into reflect.Value) error {
	wrong := func(want string) error {
		got := v.Type()
		if s, ok := v.(starlark.String); ok && len(s) < 60 {
			got = v.String()
		}
		return fmt.Errorf("%s: got %s, want %s", path, got, want)
	}
	if into.Kind() == reflect.Pointer {
		if v == starlark.None {
			into.SetZero()
			return nil
		}
		p := reflect.New(into.Type().Elem())
		if c, ok := v.(*component); ok && c.kind.typ == p.Elem().Type() {
			into.Set(c.v.Addr())
			return nil
		}
		if err := fromStarlark(path, v, p.Elem()); err != nil {
			return err
		}
		into.Set(p)
		return nil
	}
	switch into.Type() {
	case typeTime:
		switch t := v.(type) {
		case startime.Time:
			into.Set(reflect.ValueOf(time.Time(t)))
			return nil
		case starlark.String:
			parsed, err := time.Parse(time.RFC3339, string(t))
			if err != nil {
				return wrong("a time such as \"2026-01-31T12:00:00Z\"")
			}
			into.Set(reflect.ValueOf(parsed))
			return nil
		case starlark.NoneType:
			into.SetZero()
			return nil
		}
		return wrong("a time such as \"2026-01-31T12:00:00Z\"")
	case typeDuration:
		d, ok := v.(startime.Duration)
		if !ok {
			return wrong("a duration such as 30 * time.second")
		}
		into.SetInt(int64(d))
		return nil
	case typeStatus:
		s, ok := v.(*builtins.Status)
		if !ok {
			return wrong("a status such as model.ActiveStatus()")
		}
		into.Set(reflect.ValueOf(modeltest.Status{Name: s.Name, Message: s.Message}))
		return nil
	case typeLayers:
		return layersFrom(path, v, into)
	case typeHandler, typeProcess:
		fn, ok := v.(starlark.Callable)
		switch {
		case v == starlark.None:
			into.SetZero()
		case !ok:
			return wrong("a function handler(call)")
		case into.Type() == typeProcess:
			into.Set(reflect.ValueOf(&processHandler{fn: fn}))
		default:
			into.Set(reflect.ValueOf(&handler{fn: fn}))
		}
		return nil
	case typeMode, typeHostMode:
		most := 0o777
		if into.Type() == typeHostMode {
			most = machine.MaxPermissions
		}
		n, err := starlark.AsInt32(v)
		if err != nil || n < 0 || n > most {
			return wrong(fmt.Sprintf("permissions from 0o000 to %O", most))
		}
		if into.CanUint() {
			into.SetUint(uint64(n))
		} else {
			into.SetInt(int64(n))
		}
		return nil
	case typeFile:
		if s, ok := v.(starlark.String); ok {
			into.Set(reflect.ValueOf(pebbletest.File{Content: string(s)}))
			return nil
		}
	case typeHostFile:
		if s, ok := v.(starlark.String); ok {
			into.Set(reflect.ValueOf(machinetest.File{Content: string(s)}))
			return nil
		}
	}
	switch into.Kind() {
	case reflect.Struct:
		c, ok := v.(*component)
		if k := kindNames(into.Type()); k != "" {
			if !ok || c.kind.typ != into.Type() {
				return wrong("a " + k)
			}
			into.Set(c.v)
			return nil
		}
		return read(path, v, into)
	case reflect.String:
		s, ok := starlark.AsString(v)
		if !ok {
			return wrong("a string")
		}
		into.SetString(s)
		return nil
	case reflect.Bool:
		b, ok := v.(starlark.Bool)
		if !ok {
			return wrong("a bool")
		}
		into.SetBool(bool(b))
		return nil
	case reflect.Int, reflect.Int64:
		n, err := starlark.AsInt32(v)
		if err != nil {
			return wrong("a whole number")
		}
		into.SetInt(int64(n))
		return nil
	case reflect.Uint64:
		if n, ok := v.(starlark.Int); ok {
			if number, fits := n.Uint64(); fits {
				into.SetUint(number)
				return nil
			}
		}
		return wrong("a whole number from 0, less than 2^64")
	case reflect.Interface:
		plain, err := builtins.FromStarlark(path, v)
		if err != nil {
			return err
		}
		if plain != nil {
			into.Set(reflect.ValueOf(plain))
		} else {
			into.SetZero()
		}
		return nil
	case reflect.Slice:
		items, ok := v.(starlark.Iterable)
		if _, isDict := v.(*starlark.Dict); !ok || isDict {
			return wrong("a list of " + elementName(into.Type().Elem()))
		}
		list := reflect.MakeSlice(into.Type(), 0, starlark.Len(v))
		for elem := range starlark.Elements(items) {
			p := reflect.New(into.Type().Elem()).Elem()
			if err := fromStarlark(fmt.Sprintf("%s[%d]", path, list.Len()), elem, p); err != nil {
				return err
			}
			if p.Kind() == reflect.Pointer && p.IsNil() {
				return fmt.Errorf("%s[%d]: got None, want a %s", path, list.Len(), elementName(p.Type()))
			}
			list = reflect.Append(list, p)
		}
		into.Set(list)
		return nil
	case reflect.Map:
		dict, ok := v.(starlark.IterableMapping)
		if !ok {
			return wrong("a dict")
		}
		m := reflect.MakeMap(into.Type())
		for _, item := range dict.Items() {
			key := reflect.New(into.Type().Key()).Elem()
			if err := fromStarlark(path+": the key", item[0], key); err != nil {
				return err
			}
			value := reflect.New(into.Type().Elem()).Elem()
			if err := fromStarlark(fmt.Sprintf("%s[%s]", path, item[0]), item[1], value); err != nil {
				return err
			}
			m.SetMapIndex(key, value)
		}
		into.Set(m)
		return nil
	}
	return fmt.Errorf("%s cannot be set", path)
}

func layersFrom(path string, v starlark.Value, into reflect.Value) error {
	dict, ok := v.(starlark.IterableMapping)
	if !ok {
		return fmt.Errorf("%s: got %s, want a dict of layers by label", path, v.Type())
	}
	layers := pebbletest.Layers{}
	for _, item := range dict.Items() {
		label, ok := starlark.AsString(item[0])
		if !ok {
			return fmt.Errorf("%s: the label %v is a %s, want a string", path, item[0], item[0].Type())
		}
		layer, err := builtins.LayerOf(item[1])
		if err != nil {
			return fmt.Errorf("%s[%q]: %w", path, label, err)
		}
		layers = append(layers, pebble.LabeledLayer{Label: label, Layer: layer})
	}
	into.Set(reflect.ValueOf(layers))
	return nil
}

// written is a struct that is no component as plain data: what its YAML
// decodes to.
func written(v reflect.Value) (starlark.Value, error) {
	text, err := yaml.Marshal(v.Interface())
	if err != nil {
		return nil, err
	}
	var plain any
	if err := yaml.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	return builtins.ToStarlark(plain)
}

// read sets a struct that is no component from plain data.
func read(path string, v starlark.Value, into reflect.Value) error {
	plain, err := builtins.FromStarlark(path, v)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(plain)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fresh := reflect.New(into.Type())
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(fresh.Interface()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	into.Set(fresh.Elem())
	return nil
}

// elementName is how a list's elements are called in messages.
func elementName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name := kindNames(t); name != "" {
		return name
	}
	if t.Kind() == reflect.String {
		return "strings"
	}
	return t.Kind().String()
}
