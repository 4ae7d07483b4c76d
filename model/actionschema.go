package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxParamMistakes is how many mistakes of an action's parameters are told.
const maxParamMistakes = 20

// maxJSONInteger is the largest number that Juju takes for an integer, which
// reads all numbers as floating-point ones.
const maxJSONInteger = 1<<53 - 1

// QueuedParams does what Juju does with the parameters that a user gives,
// before an action runs: it checks them by the JSON schemas of the metadata and
// adds the defaults. It returns what the action gets, even with an error.
//
// It looks at type, enum, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
// multipleOf, minLength, maxLength, pattern, items, additionalItems, minItems,
// maxItems, uniqueItems, properties, patternProperties, additionalProperties,
// required, minProperties, maxProperties, allOf, anyOf, oneOf and not, inside
// of parameters as well, and passes over all other keywords.
func (a *ActionMeta) QueuedParams(given map[string]any, v Version) (map[string]any, error) {
	params := map[string]any{}
	for name, value := range given {
		params[name] = cloneJSON(value)
	}
	schema := map[string]any{"properties": a.Parameters, "required": asList(a.Required)}
	switch {
	case a.AdditionalSchema != nil:
		schema["additionalProperties"] = a.AdditionalSchema
	case a.AdditionalProperties != nil:
		schema["additionalProperties"] = *a.AdditionalProperties
	case v.RefusesExtraActionParams():
		schema["additionalProperties"] = false
	}
	err := checkParams(schema, params)
	if unfilled := insertDefaults(params, a.Parameters, ""); err == nil {
		err = unfilled
	}
	if err == nil && !v.AtLeast(4, 0, 0) { // whose controller adds the defaults, and the unit checks again
		if err = checkParams(schema, params); err != nil {
			err = fmt.Errorf("with the defaults of the schema: %w", err)
		}
	}
	return params, err
}

func checkParams(schema, params map[string]any) error {
	var plain any
	text, err := json.Marshal(params)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil {
		return fmt.Errorf("the parameters cannot be JSON: %w", err)
	}
	c := paramCheck{}
	c.value("", plain, schema)
	return errors.Join(c.mistakes...)
}

// insertDefaults adds what schemas have defaults for, objects' included.
func insertDefaults(into, schemas map[string]any, path string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		schema, _ := schemas[name].(map[string]any)
		properties, hasProperties := schema["properties"].(map[string]any)
		standard, hasDefault := schema["default"]
		value, given := into[name]
		object, isObject := value.(map[string]any)
		inner := inside(path, name)
		switch {
		case isObject && !hasProperties:
			errs = append(errs, fmt.Errorf("the parameter %q is an object, and its schema has no properties: Juju takes none then (add \"properties: {}\")", inner))
		case isObject:
			errs = append(errs, insertDefaults(object, properties, inner))
		case given:
		case hasDefault:
			into[name] = cloneJSON(standard)
		case hasProperties:
			object = map[string]any{}
			errs = append(errs, insertDefaults(object, properties, inner))
			if len(object) > 0 {
				into[name] = object
			}
		}
	}
	return errors.Join(errs...)
}

// cloneJSON copies what can be changed in a value.
func cloneJSON(value any) any {
	switch value := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(value))
		for k, v := range value {
			c[k] = cloneJSON(v)
		}
		return c
	case []any:
		c := make([]any, len(value))
		for i, v := range value {
			c[i] = cloneJSON(v)
		}
		return c
	}
	return value
}

func asList(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}

// inside is the path of a key in an object.
func inside(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// A paramCheck collects how values differ from their schemas.
type paramCheck struct{ mistakes []error }

func (c *paramCheck) add(err error) {
	if len(c.mistakes) < maxParamMistakes {
		c.mistakes = append(c.mistakes, err)
	}
}

// wrong says what a value had to be.
func (c *paramCheck) wrong(path string, value any, want string, args ...any) {
	of := "the parameters"
	is := "they are"
	if path != "" {
		of, is = fmt.Sprintf("the parameter %q", path), "it is"
	}
	c.add(fmt.Errorf("%s must %s, %s %s", of, fmt.Sprintf(want, args...), is, jsonText(value)))
}

func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return shorten(fmt.Sprint(value))
	}
	return shorten(string(text))
}

// value checks one, which was read from JSON, and what is in it.
func (c *paramCheck) value(path string, value any, schema map[string]any) {
	if types := schemaTypes(schema["type"]); len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool { return hasJSONType(value, t) }) {
		c.wrong(path, value, "be of type %s", strings.Join(types, " or "))
		return
	}
	c.combined(path, value, schema)
	switch value := value.(type) {
	case string:
		c.text(path, value, schema)
	case float64:
		c.number(path, value, schema)
	case []any:
		c.list(path, value, schema)
	case map[string]any:
		c.object(path, value, schema)
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.ContainsFunc(enum, func(one any) bool { return sameJSON(one, value) }) {
		names := make([]string, len(enum))
		for i, one := range enum {
			names[i] = jsonText(one)
		}
		c.wrong(path, value, "be %s", shortenTo(strings.Join(names, " or "), 1000))
	}
}

// combined checks a value by the schemas that a schema is made of.
func (c *paramCheck) combined(path string, value any, schema map[string]any) {
	fits := func(inner any) bool {
		var try paramCheck
		if inner, ok := inner.(map[string]any); ok {
			try.value(path, value, inner)
		}
		return len(try.mistakes) == 0
	}
	all, _ := schema["allOf"].([]any)
	for _, inner := range all {
		if inner, ok := inner.(map[string]any); ok {
			c.value(path, value, inner)
		}
	}
	if some, ok := schema["anyOf"].([]any); ok && !slices.ContainsFunc(some, fits) {
		c.wrong(path, value, "fit a schema of anyOf")
	}
	if one, ok := schema["oneOf"].([]any); ok {
		n := 0
		for _, inner := range one {
			if fits(inner) {
				n++
			}
		}
		if n != 1 {
			c.wrong(path, value, "fit one schema of oneOf (%d fit)", n)
		}
	}
	if not, ok := schema["not"].(map[string]any); ok && fits(not) {
		c.wrong(path, value, "not fit the schema of not")
	}
}

func (c *paramCheck) text(path, value string, schema map[string]any) {
	n := float64(utf8.RuneCountInString(value))
	c.count(path, value, n, schema, "Length", "character(s)")
	pattern, ok := schema["pattern"].(string)
	if !ok {
		return
	}
	if re, err := regexp.Compile(pattern); err == nil && !re.MatchString(value) {
		c.wrong(path, value, "match %s", shorten(pattern))
	}
}

// count checks how much there is in a value.
func (c *paramCheck) count(path string, value any, n float64, schema map[string]any, of, nouns string) {
	if low, ok := jsonNumber(schema["min"+of]); ok && n < low {
		c.wrong(path, value, "have at least %s %s", numberText(low), nouns)
	}
	if high, ok := jsonNumber(schema["max"+of]); ok && n > high {
		c.wrong(path, value, "have at most %s %s", numberText(high), nouns)
	}
}

func (c *paramCheck) number(path string, value float64, schema map[string]any) {
	if low, ok := jsonNumber(schema["minimum"]); ok {
		if schema["exclusiveMinimum"] == true && value <= low {
			c.wrong(path, value, "be more than %s", numberText(low))
		} else if value < low {
			c.wrong(path, value, "be at least %s", numberText(low))
		}
	}
	if high, ok := jsonNumber(schema["maximum"]); ok {
		if schema["exclusiveMaximum"] == true && value >= high {
			c.wrong(path, value, "be less than %s", numberText(high))
		} else if value > high {
			c.wrong(path, value, "be at most %s", numberText(high))
		}
	}
	if unit, ok := jsonNumber(schema["multipleOf"]); ok && unit > 0 && !isJSONInteger(value/unit) {
		c.wrong(path, value, "be a multiple of %s", numberText(unit))
	}
}

func (c *paramCheck) list(path string, value []any, schema map[string]any) {
	c.count(path, value, float64(len(value)), schema, "Items", "item(s)")
	item := func(i int, schema any) {
		if schema, ok := schema.(map[string]any); ok {
			c.value(fmt.Sprintf("%s[%d]", path, i), value[i], schema)
		}
	}
	switch items := schema["items"].(type) {
	case map[string]any:
		for i := range value {
			item(i, items)
		}
	case []any:
		switch n := len(items); {
		case n == 0, len(value) < n:
		case len(value) == n: // only then does Juju look at them
			for i := range value {
				item(i, items[i])
			}
		case schema["additionalItems"] == false:
			c.wrong(path, value, "have at most %d item(s)", n)
		default:
			for i := n; i < len(value); i++ {
				item(i, schema["additionalItems"])
			}
		}
	}
	if schema["uniqueItems"] == true {
		seen := map[string]bool{}
		for _, one := range value {
			text, err := json.Marshal(one)
			if err == nil && seen[string(text)] {
				c.wrong(path, value, "have every item once")
				return
			}
			seen[string(text)] = true
		}
	}
}

func (c *paramCheck) object(path string, value, schema map[string]any) {
	c.count(path, value, float64(len(value)), schema, "Properties", "key(s)")
	required, _ := schema["required"].([]any)
	for _, name := range required {
		name, ok := name.(string)
		if _, there := value[name]; ok && !there {
			c.add(fmt.Errorf("the parameter %q is required", inside(path, name)))
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	patterns, _ := schema["patternProperties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(value)) {
		inner, known := properties[name].(map[string]any)
		if known {
			c.value(inside(path, name), value[name], inner)
		}
		for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
			inner, ok := patterns[pattern].(map[string]any)
			if re, err := regexp.Compile(pattern); ok && err == nil && re.MatchString(name) {
				known = true
				c.value(inside(path, name), value[name], inner)
			}
		}
		if known {
			continue
		}
		switch rest := schema["additionalProperties"].(type) {
		case bool:
			if !rest {
				c.unknown(path, name, slices.Sorted(maps.Keys(properties)))
			}
		case map[string]any:
			c.value(inside(path, name), value[name], rest)
		}
	}
}

func (c *paramCheck) unknown(path, name string, known []string) {
	switch hint := didYouMean(name, known); {
	case hint != "":
		c.add(fmt.Errorf("unknown parameter %q%s", inside(path, name), hint))
	case len(known) == 0:
		c.add(fmt.Errorf("unknown parameter %q: there are none", inside(path, name)))
	default:
		c.add(fmt.Errorf("unknown parameter %q: there are %s", inside(path, name), shortenTo(strings.Join(known, ", "), 1000)))
	}
}

// schemaTypes are those that a schema allows; none: all.
func schemaTypes(of any) []string {
	switch of := of.(type) {
	case string:
		return []string{of}
	case []any:
		var types []string
		for _, one := range of {
			if name, ok := one.(string); ok {
				types = append(types, name)
			}
		}
		return types
	}
	return nil
}

// hasJSONType tells whether a value that was read from JSON is of a type.
func hasJSONType(value any, kind string) bool {
	switch value := value.(type) {
	case nil:
		return kind == "null"
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && isJSONInteger(value)
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return false
}

func isJSONInteger(n float64) bool { return n == math.Trunc(n) && math.Abs(n) <= maxJSONInteger }

// jsonNumber reads one of a schema, which is of YAML.
func jsonNumber(value any) (float64, bool) {
	switch n := value.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func numberText(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// sameJSON tells whether a value of a schema is one that was read from JSON.
func sameJSON(schema, value any) bool {
	var plain any
	text, err := json.Marshal(schema)
	if err != nil || json.Unmarshal(text, &plain) != nil {
		return false
	}
	want, err := json.Marshal(plain)
	if err != nil {
		return false
	}
	have, err := json.Marshal(value)
	return err == nil && string(want) == string(have)
}
