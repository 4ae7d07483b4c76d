package charmtest

import (
	"math/big"
	"reflect"
	"time"

	"github.com/starcharm/starcharm/pebble"
)

// isEmpty says whether a field holds nothing.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len() == 0
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	}
	return v.IsZero()
}

// equal compares two fields by their meaning: a nil map is an empty one, and
// whole numbers are the same in any type.
func equal(a, b reflect.Value) bool {
	for a.Kind() == reflect.Interface && !a.IsNil() {
		a = a.Elem()
	}
	for b.Kind() == reflect.Interface && !b.IsNil() {
		b = b.Elem()
	}
	if a.Kind() != b.Kind() || a.Type() != b.Type() {
		return a.CanInt() && b.CanInt() && a.Int() == b.Int() || isNil(a) && isNil(b)
	}
	switch x := a.Interface().(type) {
	case time.Time:
		return x.Equal(b.Interface().(time.Time))
	case *big.Int:
		return x.Cmp(b.Interface().(*big.Int)) == 0
	case *pebble.Layer:
		return x.Equal(b.Interface().(*pebble.Layer))
	case *processHandler:
		other := b.Interface().(*processHandler)
		return x != nil && other != nil && x.fn == other.fn
	case *handler:
		other := b.Interface().(*handler)
		return x != nil && other != nil && x.fn == other.fn
	case *pebble.Service:
		return x.Equal(b.Interface().(*pebble.Service))
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return equal(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for key, value := range a.Seq2() {
			other := b.MapIndex(key)
			if !other.IsValid() || !equal(value, other) {
				return false
			}
		}
		return true
	}
	if a.Kind() == reflect.Func {
		return a.Pointer() == b.Pointer()
	}
	return a.Equal(b)
}

func isNil(v reflect.Value) bool {
	return !v.IsValid() || v.Kind() == reflect.Interface && v.IsNil()
}
