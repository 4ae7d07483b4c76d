package builtins

import (
	"go.starlark.net/lib/math"
	"go.starlark.net/starlark"
)

var mathTable = table[struct{}]{
	typ: "math",
	doc: "Mathematics on floats. Every function takes ints too.",
	members: []member[struct{}]{
		{name: "ceil", sig: "(x, /) -> int", doc: "The least integer that is not less than x.", call: fromMath("ceil")},
		{name: "floor", sig: "(x, /) -> int", doc: "The greatest integer that is not greater than x.", call: fromMath("floor")},
		{name: "round", sig: "(x, /) -> float", doc: "The nearest integer, halves away from zero.", call: fromMath("round")},
		{name: "fabs", sig: "(x, /) -> float", doc: "The absolute value of x.", call: fromMath("fabs")},
		{name: "copysign", sig: "(x, y, /) -> float", doc: "The magnitude of x with the sign of y.", call: fromMath("copysign")},
		{name: "mod", sig: "(x, y, /) -> float", doc: "The remainder of x / y, with the sign of x.", call: fromMath("mod")},
		{name: "remainder", sig: "(x, y, /) -> float", doc: "The IEEE 754 remainder of x / y.", call: fromMath("remainder")},
		{name: "pow", sig: "(x, y, /) -> float", doc: "x to the power of y.", call: fromMath("pow")},
		{name: "sqrt", sig: "(x, /) -> float", doc: "The square root of x.", call: fromMath("sqrt")},
		{name: "exp", sig: "(x, /) -> float", doc: "e to the power of x.", call: fromMath("exp")},
		{name: "log", sig: "(x, base = math.e, /) -> float", doc: "The logarithm of x.", call: fromMath("log")},
		{name: "gamma", sig: "(x, /) -> float", doc: "The gamma function of x.", call: fromMath("gamma")},
		{name: "hypot", sig: "(x, y, /) -> float", doc: "The distance of the point (x, y) from (0, 0).", call: fromMath("hypot")},
		{name: "acos", sig: "(x, /) -> float", doc: "The arc cosine of x, in radians.", call: fromMath("acos")},
		{name: "asin", sig: "(x, /) -> float", doc: "The arc sine of x, in radians.", call: fromMath("asin")},
		{name: "atan", sig: "(x, /) -> float", doc: "The arc tangent of x, in radians.", call: fromMath("atan")},
		{name: "atan2", sig: "(y, x, /) -> float", doc: "The arc tangent of y / x in the right quadrant, in radians.", call: fromMath("atan2")},
		{name: "cos", sig: "(x, /) -> float", doc: "The cosine of x radians.", call: fromMath("cos")},
		{name: "sin", sig: "(x, /) -> float", doc: "The sine of x radians.", call: fromMath("sin")},
		{name: "tan", sig: "(x, /) -> float", doc: "The tangent of x radians.", call: fromMath("tan")},
		{name: "acosh", sig: "(x, /) -> float", doc: "The inverse hyperbolic cosine of x.", call: fromMath("acosh")},
		{name: "asinh", sig: "(x, /) -> float", doc: "The inverse hyperbolic sine of x.", call: fromMath("asinh")},
		{name: "atanh", sig: "(x, /) -> float", doc: "The inverse hyperbolic tangent of x.", call: fromMath("atanh")},
		{name: "cosh", sig: "(x, /) -> float", doc: "The hyperbolic cosine of x.", call: fromMath("cosh")},
		{name: "sinh", sig: "(x, /) -> float", doc: "The hyperbolic sine of x.", call: fromMath("sinh")},
		{name: "tanh", sig: "(x, /) -> float", doc: "The hyperbolic tangent of x.", call: fromMath("tanh")},
		{name: "degrees", sig: "(x, /) -> float", doc: "x radians in degrees.", call: fromMath("degrees")},
		{name: "radians", sig: "(x, /) -> float", doc: "x degrees in radians.", call: fromMath("radians")},
		{name: "e", sig: "float", doc: "The base of natural logarithms.",
			get: func(struct{}) (starlark.Value, error) { return math.Module.Members["e"], nil }},
		{name: "pi", sig: "float", doc: "The circumference of a circle by its diameter.",
			get: func(struct{}) (starlark.Value, error) { return math.Module.Members["pi"], nil }},
	},
}

// newMath returns module math.
func newMath() starlark.Value { return &module[struct{}]{table: &mathTable} }

func fromMath(name string) func(struct{}, invocation) (starlark.Value, error) {
	return func(_ struct{}, in invocation) (starlark.Value, error) {
		return upstream(math.Module, name, in)
	}
}
