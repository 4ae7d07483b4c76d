package builtins

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starcharm/starcharm/model"
)

// metadataStruct shows the charm's metadata as structs, dicts and lists, with
// the Go field names in snake case.
func metadataStruct(m *model.Metadata) (starlark.Value, error) {
	v, err := reflected(reflect.ValueOf(m))
	if err != nil {
		return nil, err
	}
	v.Freeze()
	return v, nil
}

func reflected(v reflect.Value) (starlark.Value, error) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return starlark.None, nil
		}
		if v.Kind() == reflect.Interface {
			return toStarlark(v.Interface())
		}
		return reflected(v.Elem())
	case reflect.Struct:
		fields := starlark.StringDict{}
		for i := 0; i < v.NumField(); i++ {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			value, err := reflected(v.Field(i))
			if err != nil {
				return nil, err
			}
			fields[snakeCase(v.Type().Field(i).Name)] = value
		}
		return starlarkstruct.FromStringDict(starlark.String(snakeCase(v.Type().Name())), fields), nil
	case reflect.Map:
		dict := starlark.NewDict(v.Len())
		keys := map[string]reflect.Value{}
		for iter := v.MapRange(); iter.Next(); {
			keys[iter.Key().String()] = iter.Value()
		}
		for _, key := range sortedNames(keys) {
			value, err := reflected(keys[key])
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(starlark.String(key), value); err != nil {
				return nil, err
			}
		}
		return dict, nil
	case reflect.Slice:
		elems := make([]starlark.Value, v.Len())
		for i := range elems {
			elem, err := reflected(v.Index(i))
			if err != nil {
				return nil, err
			}
			elems[i] = elem
		}
		return starlark.NewList(elems), nil
	case reflect.String:
		return starlark.String(v.String()), nil
	case reflect.Bool:
		return starlark.Bool(v.Bool()), nil
	case reflect.Int:
		return starlark.MakeInt64(v.Int()), nil
	}
	return nil, fmt.Errorf("metadata holds a %s", v.Type())
}

// snakeCase turns "MinJujuVersion" into "min_juju_version", "UID" into "uid".
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
