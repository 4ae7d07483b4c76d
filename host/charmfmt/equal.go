package charmfmt

import (
	"fmt"
	"math/big"
	"reflect"

	"go.starlark.net/syntax"
)

// equal tells whether two files are the same program: the same tree, but for
// places, the spelling of literals, and brackets, which the tree does without.
func equal(a, b *syntax.File) bool {
	return sameValue(reflect.ValueOf(a.Stmts), reflect.ValueOf(b.Stmts))
}

func sameValue(a, b reflect.Value) bool {
	if a.Kind() == reflect.Interface || a.Kind() == reflect.Pointer {
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		if a.Kind() == reflect.Interface {
			a, b = inParens(a), inParens(b)
		}
		if a.Elem().Type() != b.Elem().Type() {
			return false
		}
		if n, ok := a.Interface().(*big.Int); ok {
			return n.Cmp(b.Interface().(*big.Int)) == 0
		}
		return sameValue(a.Elem(), b.Elem())
	}
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameValue(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if place(a.Type().Field(i)) {
				continue
			}
			if !sameValue(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

// inParens is the expression in brackets, which mean nothing to the tree.
func inParens(v reflect.Value) reflect.Value {
	for {
		p, ok := v.Interface().(*syntax.ParenExpr)
		if !ok {
			return v
		}
		v = reflect.ValueOf(p).Elem().FieldByName("X")
	}
}

// place tells whether a field says where something is, or how it is spelt.
func place(f reflect.StructField) bool {
	return !f.IsExported() || f.Type == reflect.TypeFor[syntax.Position]() || f.Name == "Raw"
}
