package model

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// actionName is how Juju has actions: without underscores and capitals.
const actionName = `^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`

func (s section) ruleActions(charm string) {
	for name, action := range s.each {
		if !matches(actionName, name) {
			action.refuse("action-name", fmt.Sprintf("%q cannot be the name of an action", shorten(name)),
				"a name has lower-case letters and digits, with dashes between: "+actionCure(name))
		}
		if why := reserved(charm, name); why != "" {
			action.refuse("reserved-name", why, "rename the action")
		}
		if action.node.null() || action.node.kind != mappingKind {
			continue
		}
		for key, value := range action.each {
			switch key {
			case "parallel":
				if _, ok := value.truth(); !ok {
					value.wrong("action", "true or false", "")
				}
			case "execution-group":
				if want, cure := aString(value); want != "" {
					value.wrong("action", want, cure)
				}
			case "params":
				if want, cure := aMapping(value); want != "" {
					value.wrong("action", want, cure)
				}
				for _, param := range value.each {
					param.ruleSchema()
				}
				value.ruleNoReferences()
			case "$ref", "$schema":
				// Juju replaces both itself here, and only refuses them further inside.
				value.refuse("action-schema", "Juju knows no "+key+" here", "write the schema out")
			}
		}
		action.ruleKeywords()
	}
}

// actionCure is a name like the one that was refused.
func actionCure(name string) string {
	like := strings.Trim(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "-")
	if matches(actionName, like) {
		return like
	}
	return "do-it"
}

// ruleNoReferences refuses schemas that lead elsewhere, wherever they are.
func (s section) ruleNoReferences() {
	if s.node == nil {
		return
	}
	if s.node.kind == sequenceKind {
		for _, item := range s.list() {
			item.ruleNoReferences()
		}
	}
	for key, value := range s.each {
		if key == "$ref" || key == "$schema" {
			value.refuse("action-schema", "Juju takes no "+key+" in a schema", "write the schema out")
			continue
		}
		value.ruleNoReferences()
	}
}

// ruleSchema checks a JSON schema of draft 4.
func (s section) ruleSchema() {
	if want, _ := aMapping(s); want != "" {
		s.wrong("action-schema", "a JSON schema, which is a mapping", "write it like {type: string}")
		return
	}
	s.ruleKeywords()
}

// ruleKeywords checks those of a schema that are there.
func (s section) ruleKeywords() {
	for key, value := range s.each {
		switch key {
		case "title", "description", "id":
			if want, cure := aString(value); want != "" {
				value.wrong("action-schema", want, cure)
			}
		case "type":
			value.ruleSchemaType()
		case "pattern":
			value.rulePattern()
		case "properties", "definitions", "patternProperties":
			if want, cure := aMapping(value); want != "" {
				value.wrong("action-schema", want, cure)
			}
			for name, inner := range value.each {
				if _, err := regexp.Compile(name); key == "patternProperties" && err != nil {
					inner.refuse("action-schema", fmt.Sprintf("%q is no regular expression", shorten(name)), "Juju reads those of Go")
				}
				inner.ruleSchema()
			}
		case "additionalProperties", "additionalItems":
			if _, ok := value.truth(); !ok && !value.isMapping() {
				value.wrong("action-schema", "true, false or a JSON schema", "")
			}
			value.ruleInner()
		case "items":
			if value.node.null() || value.node.kind == scalarKind {
				value.wrong("action-schema", "a JSON schema or a list of them", "")
			}
			value.ruleInner()
		case "allOf", "anyOf", "oneOf":
			if want, cure := aList(value); want != "" || len(value.node.items) == 0 {
				value.wrong("action-schema", "a list of JSON schemas", cure)
			}
			value.ruleInner()
		case "not":
			value.ruleSchema()
		case "required":
			if want, cure := aListOfStrings(value); want != "" {
				value.wrong("action-schema", want, cure)
			}
		case "enum":
			if want, cure := aList(value); want != "" || len(value.node.items) == 0 {
				value.wrong("action-schema", "a list of values", cure)
			}
		case "uniqueItems":
			if _, ok := value.truth(); !ok {
				value.wrong("action-schema", "true or false", "")
			}
		case "exclusiveMinimum", "exclusiveMaximum":
			bound := strings.ToLower(strings.TrimPrefix(key, "exclusive"))
			if _, ok := value.truth(); !ok {
				value.wrong("action-schema", "true or false", "the bound itself is "+bound)
			} else if !s.has(bound) {
				value.refuse("action-schema", key+" goes with "+bound, "add "+bound)
			}
		case "minimum", "maximum", "multipleOf":
			if n, ok := value.number(); !ok {
				value.wrong("action-schema", "a number", "")
			} else if key == "multipleOf" && n <= 0 {
				value.wrong("action-schema", "a number above 0", "")
			}
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
			if n, ok := value.number(); !ok || n < 0 || n != math.Trunc(n) {
				value.wrong("action-schema", "a whole number that is not negative", "")
			}
		}
	}
	for _, pair := range [][2]string{{"minimum", "maximum"}, {"minLength", "maxLength"}, {"minProperties", "maxProperties"}, {"minItems", "maxItems"}} {
		low, hasLow := s.at(pair[0]).number()
		high, hasHigh := s.at(pair[1]).number()
		if hasLow && hasHigh && low > high {
			s.at(pair[0]).refuse("action-schema", fmt.Sprintf("%s is more than %s", pair[0], pair[1]), "")
		}
	}
}

// ruleInner checks the schema that a value is, or those in it.
func (s section) ruleInner() {
	if s.isMapping() {
		s.ruleKeywords()
	}
	if s.node != nil && s.node.kind == sequenceKind {
		for _, item := range s.list() {
			item.ruleSchema()
		}
	}
}

func (s section) isMapping() bool { return s.node != nil && s.node.kind == mappingKind }

func (s section) number() (float64, bool) {
	if s.node == nil || s.node.kind != scalarKind {
		return 0, false
	}
	switch n := s.node.value.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func (s section) ruleSchemaType() {
	known := []string{"array", "boolean", "integer", "null", "number", "object", "string"}
	types := []section{s}
	if s.node != nil && s.node.kind == sequenceKind {
		types = s.list()
	}
	for _, one := range types {
		if name := one.string(); !slices.Contains(known, name) || one.node.kind != scalarKind {
			one.refuse("action-schema", fmt.Sprintf("the type cannot be %s%s", one.node.what(), didYouMean(name, known)), "it is one of "+strings.Join(known, ", "))
		}
	}
}

func (s section) rulePattern() {
	if want, cure := aString(s); want != "" {
		s.wrong("action-schema", want, cure)
		return
	}
	if _, err := regexp.Compile(s.string()); err != nil {
		s.refuse("action-schema", fmt.Sprintf("%q is no regular expression", shorten(s.string())), "Juju reads those of Go")
	}
}
