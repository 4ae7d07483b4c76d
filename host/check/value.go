package check

import (
	"fmt"
	"slices"

	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

// A value is what is known of an expression's value before the charm runs. Nil
// is nothing. It may be None in any case.
type value interface{}

// A constant is one of a few plain values: strings, int64, float64, bool.
type constant struct {
	any []any
	// at are where they are written.
	at []syntax.Position
	// parameter: they are what the calls of a function give it.
	parameter bool
}

// strings are the constant's, if all of it are strings.
func (k *constant) strings() []string {
	var all []string
	for _, v := range k.any {
		s, ok := v.(string)
		if !ok {
			return nil
		}
		all = append(all, s)
	}
	return all
}

// nothing is None.
type nothing struct{}

// An object is a value of a builtin type, or a module.
type object struct {
	doc *typeDoc
	// keyed says what the keys of a mapping name: an option, an endpoint, ….
	keyed subject
	// elem is the type of its elements.
	elem typeExpr
	// action is whose parameters it holds.
	action *model.ActionMeta
}

// A method is a builtin function: a method of an object, or a function of a
// module or of none.
type method struct {
	self   value
	member *memberDoc
}

func (m *method) String() string {
	if m.member.owner.name == "" {
		return m.member.Name
	}
	return m.member.owner.name + "." + m.member.Name
}

// A function is one of the charm's own, *syntax.DefStmt or *syntax.LambdaExpr.
type function struct {
	file *file
	node syntax.Node
}

func (f *function) params() []syntax.Expr {
	if def, ok := f.node.(*syntax.DefStmt); ok {
		return def.Params
	}
	return f.node.(*syntax.LambdaExpr).Params
}

func (f *function) name() string {
	if def, ok := f.node.(*syntax.DefStmt); ok {
		return def.Name.Name
	}
	return "lambda"
}

// A dictValue is a dict as it is written.
type dictValue struct {
	file *file
	expr *syntax.DictExpr
}

// A listValue is a list as it is written.
type listValue struct {
	file  *file
	elems []syntax.Expr
}

// A tupleValue is a tuple of known values.
type tupleValue struct{ elems []value }

// A fieldsValue has the attributes that were named when it was made: a
// struct, the stored state, a record.
type fieldsValue struct {
	typ      string
	fields   map[string]value
	names    []string
	writable bool
}

// A recordType is what schema.record returns.
type recordType struct {
	fields map[string]*schemaField
	names  []string
}

// A schemaField is a field of a record: by which names it is filled.
type schemaField struct {
	name, alias string
	typ         string // of its value; "" if that is not known
	pos         syntax.Position
	file        *file
}

// eventsValue is framework.on; prefixedValue is framework.on["db"].
type (
	eventsValue   struct{}
	prefixedValue struct {
		subject string
		defs    []model.EventDef
	}
)

// A sourceValue is an event that can be observed.
type sourceValue struct {
	def model.EventDef
	any bool
	// defined: a library's event has the fields; definedIn is the file that
	// defines it, nil if that is not known.
	defined   bool
	definedIn *file
	fields    []string
	open      bool // its fields are not all known
}

// An eventValue is what a handler receives.
type eventValue struct{ set *eventSet }

// An eventSet is what a handler is registered for.
type eventSet struct {
	sources []*sourceValue
	// some: it is registered for others too, which are not known.
	some bool
	// reconciles: it is a reconciler.
	reconciles bool
	// scoped: a library instance registered it.
	scoped bool
}

// typeName is what Starlark's type() says of a value; "" if that is not known.
func typeName(v value) string {
	switch v := v.(type) {
	case *constant:
		name := ""
		for _, one := range v.any {
			this := map[string]string{"string": "str", "int64": "int", "float64": "float", "bool": "bool"}[fmt.Sprintf("%T", one)]
			if name != "" && name != this {
				return ""
			}
			name = this
		}
		return name
	case nothing:
		return "None"
	case *object:
		return v.doc.name
	case *method, *function:
		return "function"
	case *dictValue:
		return "dict"
	case *listValue:
		return "list"
	case *tupleValue:
		return "tuple"
	case *fieldsValue:
		return v.typ
	case *recordType:
		return "record_type"
	case eventsValue, *prefixedValue:
		return "events"
	case *sourceValue:
		return "event_source"
	case *eventValue:
		return "event"
	}
	return ""
}

// join is what is known of a value that is one of these.
func join(values []value) value {
	var known value
	for _, v := range values {
		if v == nil {
			return nil
		}
		if _, none := v.(nothing); none {
			continue
		}
		if known == nil {
			known = v
			continue
		}
		if known = joined(known, v); known == nil {
			return nil
		}
	}
	if known == nil && len(values) > 0 {
		return nothing{}
	}
	return known
}

func joined(a, b value) value {
	if a == b {
		return a
	}
	switch a := a.(type) {
	case *constant:
		if b, ok := b.(*constant); ok && len(a.any)+len(b.any) <= maxChoices {
			return &constant{slices.Concat(a.any, b.any), slices.Concat(a.at, b.at), a.parameter || b.parameter}
		}
	case *object:
		if b, ok := b.(*object); ok && a.doc == b.doc {
			if a.keyed == b.keyed && a.action == b.action {
				return a
			}
			return &object{doc: a.doc}
		}
	case *tupleValue:
		if b, ok := b.(*tupleValue); ok && len(a.elems) == len(b.elems) {
			t := &tupleValue{}
			for i := range a.elems {
				t.elems = append(t.elems, join([]value{a.elems[i], b.elems[i]}))
			}
			return t
		}
	case eventsValue:
		if _, ok := b.(eventsValue); ok {
			return a
		}
	}
	return nil
}

// maxChoices is how many constants a value may be one of.
const maxChoices = 64

// eventDocName says whether the manual lists a member for events of a kind.
func eventDocName(m builtins.MemberDoc, kind model.EventKind) bool {
	for _, name := range m.Only {
		if name == string(kind) {
			return true
		}
		if i := len(name) - len(kind) - 2; i >= 0 && name[i:i+2] == ">_" && name[i+2:] == string(kind) {
			return true
		}
	}
	return len(m.Only) == 0
}
