package builtins

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// This file reads options and action parameters by a schema.

// ErrEndHandler ends the handler that runs, and nothing else: the hook goes on
// as if the handler had returned.
var ErrEndHandler = errors.New("the handler ends here")

// loadConfig is model.load_config.
func (h *Hook) loadConfig(in invocation) (starlark.Value, error) {
	var t *recordType
	onError := "raise"
	if err := in.unpack("schema", &t, byName, nil, "errors?", &onError); err != nil {
		return nil, err
	}
	if err := h.canEnd(in, onError, "blocked"); err != nil {
		return nil, err
	}
	if onError == "blocked" {
		if err := h.refuseInLibrary("status"); err != nil {
			return nil, err
		}
	}
	if err := t.checkOptions(h.Metadata); err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	values, err := h.Model.Config()
	if err != nil {
		return nil, failure(err)
	}
	for i := range t.fields {
		if name, ok := t.fields[i].among(sortedNames(h.Metadata.Options)); ok {
			h.looks("option " + name)
		}
	}
	rec, err := h.loadNamed(in.thread, t, sortedNames(h.Metadata.Options), values)
	var invalid *Failure
	if onError == "raise" || !errors.As(err, &invalid) || invalid.Kind != schemaValidationError {
		return rec, err
	}
	status := &Status{model.Status{Name: "blocked", Message: "Invalid config: " + invalid.Message}}
	if err := h.Model.SetUnitStatus(status.Status); err != nil {
		return nil, failure(err)
	}
	h.Collected = append(h.Collected, status)
	h.writes(StatusPath(status))
	return nil, ErrEndHandler
}

// loadParams is event.load_params.
func (e *Event) loadParams(in invocation) (starlark.Value, error) {
	var t *recordType
	onError := "raise"
	if err := in.unpack("schema", &t, byName, nil, "errors?", &onError); err != nil {
		return nil, err
	}
	if err := e.hook.canEnd(in, onError, "fail"); err != nil {
		return nil, err
	}
	action := e.hook.Metadata.Actions[e.Source.Subject]
	if err := t.checkParams(action); err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	values, err := e.hook.Model.ActionParams()
	if err != nil {
		return nil, failure(err)
	}
	rec, err := e.hook.loadNamed(in.thread, t, sortedNames(action.Parameters), values)
	var invalid *Failure
	if onError == "raise" || !errors.As(err, &invalid) || invalid.Kind != schemaValidationError {
		return rec, err
	}
	if err := e.hook.Model.ActionFail("Error in action parameters: " + invalid.Message); err != nil {
		return nil, failure(err)
	}
	return nil, ErrEndHandler
}

// canEnd checks the argument errors: "raise", or what ends the handler that
// runs.
func (h *Hook) canEnd(in invocation, onError, end string) error {
	switch {
	case onError == "raise":
		return nil
	case onError != end:
		return fmt.Errorf("%s: errors is %q, want \"raise\" or %q", in.name, onError, end)
	case h.Framework.Running == nil:
		return fmt.Errorf("%s: errors = %q ends the handler, and none is running while the charm loads", in.name, end)
	}
	return nil
}

// loadNamed reads values that are known outside by names, some of them fixed.
func (h *Hook) loadNamed(thread *starlark.Thread, t *recordType, known []string, values map[string]any) (starlark.Value, error) {
	r := &schemaReading{thread: thread, hook: h, names: dashNames}
	var unfit error
	rec, err := r.record(t, "", func(f *recordField) (starlark.Value, string, bool) {
		name, _ := f.among(known)
		value, found := values[name]
		if !found || f.kind == "secret" && value == "" {
			return nil, name, true
		}
		v, err := toStarlark(value)
		if err != nil {
			unfit = fmt.Errorf("%s: %w", name, err)
			return nil, name, false
		}
		if text, isText := starlark.AsString(v); isText && f.decodesOptions() {
			if v, err = f.decode(f.codec, text); err != nil {
				r.mistake(name, "%v", err)
				return nil, name, false
			}
		}
		return v, name, true
	})
	if unfit != nil {
		return nil, unfit
	}
	if err != nil {
		return nil, err
	}
	if err := r.failure(""); err != nil {
		return nil, err
	}
	return rec, nil
}

// among is the name of a field among those that are known outside: its alias,
// its own name, or that with dashes. A name that is not known is false.
func (f *recordField) among(known []string) (string, bool) {
	dashed := strings.ReplaceAll(f.name, "_", "-")
	switch {
	case slices.Contains(known, f.wire()):
		return f.wire(), true
	case f.alias == "" && slices.Contains(known, dashed):
		return dashed, true
	}
	return f.wire(), false
}

// decodesOptions says whether a string that is an option or a parameter is
// decoded: when the field is no string itself, and says how.
func (f *recordField) decodesOptions() bool {
	return f.codec != "" && f.kind != "string" && f.kind != "enum" && f.kind != "secret"
}

// CheckOptions says which field of a schema no option of the charm fills. What
// is no schema is left to the call that uses it.
func CheckOptions(schema starlark.Value, metadata *model.Metadata) error {
	t, ok := schema.(*recordType)
	if !ok {
		return nil
	}
	return t.checkOptions(metadata)
}

// checkOptions says which field no option of the charm fills.
func (t *recordType) checkOptions(metadata *model.Metadata) error {
	known := sortedNames(metadata.Options)
	for i := range t.fields {
		f := &t.fields[i]
		name, ok := f.among(known)
		if !ok {
			return fmt.Errorf("the charm has no option for the field %s%s", f.name, didYouMean(name, known))
		}
		if option := metadata.Options[name]; !f.takes(option.Type) {
			return fmt.Errorf("the option %q is of type %s, but the field %s wants %s", name, option.Type, f.name, f.wanted())
		}
	}
	return nil
}

// takes says whether values of an option's type may fit the field.
func (f *recordField) takes(optionType string) bool {
	kinds := []string{"any"}
	switch optionType {
	case "int":
		kinds = append(kinds, "int", "float", "enum")
	case "float":
		kinds = append(kinds, "float")
	case "boolean":
		kinds = append(kinds, "bool")
	case "secret":
		kinds = append(kinds, "secret", "string")
	default:
		kinds = append(kinds, "string", "enum")
	}
	return slices.Contains(kinds, f.kind) || optionType == "string" && f.decodesOptions()
}

// checkParams says which field no parameter of the action fills.
func (t *recordType) checkParams(action *model.ActionMeta) error {
	if extra := action.AdditionalProperties; extra != nil && *extra {
		return nil
	}
	known := sortedNames(action.Parameters)
	for i := range t.fields {
		if name, ok := t.fields[i].among(known); !ok {
			return fmt.Errorf("the action %s has no parameter for the field %s%s", action.Name, t.fields[i].name, didYouMean(name, known))
		}
	}
	return nil
}
