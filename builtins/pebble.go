package builtins

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/pebble"
)

// This file defines the pebble module and turns Pebble's failures into
// Starlark's.

var pebbleTable = table[*Hook]{
	typ: "pebble",
	doc: "Pebble's own terms: layers and plans, constants, and the kinds of failure. Containers come from model.unit.get_container.",
	members: slices.Concat([]member[*Hook]{
		{name: "Layer", sig: "(raw: dict | str = {}) -> layer", doc: "A layer, from a dict or from YAML.", call: newPlanObject[pebble.Layer]},
		{name: "Plan", sig: "(raw: dict | str = {}) -> plan", doc: "A plan, from a dict or from YAML.", call: newPlanObject[pebble.Plan]},
		{name: "Service", sig: "(raw: dict | str = {}) -> service", doc: "A service's configuration, from a dict or from YAML.", call: newPlanObject[pebble.Service]},
		{name: "Check", sig: "(raw: dict | str = {}) -> check_config", doc: "A check's configuration, from a dict or from YAML.", call: newPlanObject[pebble.Check]},
		{name: "LogTarget", sig: "(raw: dict | str = {}) -> log_target", doc: "A log target's configuration, from a dict or from YAML.", call: newPlanObject[pebble.LogTarget]},
		{name: "Client", sig: "(socket_path: str) -> client", doc: "A Pebble that is not that of a container of the metadata: a second one in a container, or that of a snap. It need not be there yet.", call: newPebbleClient},
	}, pebbleEnums(), kindMembers[*Hook](pebbleKinds, map[string]string{
		"Error":           "The family of all failures of Pebble.",
		"ConnectionError": "Pebble cannot be reached, or went away: the container is not ready yet, or restarts.",
		"TimeoutError":    "No answer in time, or a change that was not done within its timeout.",
		"ProtocolError":   "The answer is not what Pebble promises.",
		"PathError":       "A file or directory could not be read, written, made or removed. Its field path is the path, path_kind the reason: \"not-found\", \"permission-denied\", \"generic-file-error\".",
		"APIError":        "Pebble refused the request. Its field code is the HTTP status as a number, status as text.",
		"ChangeError":     "Pebble took the request and could not carry it out: a service does not start, for instance. Its field err says why, change is the change, with the log of each task, or None; output is the list of log_entry that the services which failed have written last, at most 20, where the log of the task does not have them.",
		"ExecError":       "A command ended with an exit code other than 0. Its field exit_code is that, above 128 after a signal; command is the list that was run, of which the message has the executable only; stdout and stderr are what wait_output() would have returned, None after wait().",

		"MultiPushPullError": "Some files or directories could not be copied. Its field errors lists them: (path of the source, failure).",
	})),
}

// pebbleKinds are the kinds of failure of package pebble, by their names there.
var pebbleKinds = kindFamily("pebble", pebble.Kinds())

// pebbleFailure turns a failure of package pebble into one that catch takes.
// A call that ended because the hook was told to stop is not one.
func (h *Hook) pebbleFailure(err error) error {
	var e *pebble.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	if h.Context.Err() != nil {
		return context.Cause(h.Context)
	}
	var undescribed *machine.UndescribedError
	if errors.As(err, &undescribed) {
		return undescribed
	}
	return newPebbleFailure(e, err)
}

// newPebbleFailure is the failure that e is. err is e, or wraps it.
func newPebbleFailure(e *pebble.Error, err error) *Failure {
	f := &Failure{Kind: pebbleKinds[string(e.Kind)], Message: e.Error(), Err: err}
	switch e.Kind {
	case pebble.APIError:
		f.Fields = starlark.StringDict{"code": starlark.MakeInt(e.Code), "status": starlark.String(e.Status)}
	case pebble.PathError:
		f.Fields = starlark.StringDict{"path": starlark.String(e.Path), "path_kind": starlark.String(e.PathKind)}
	case pebble.MultiPushPullError:
		list := make([]starlark.Value, len(e.Failures))
		for i, failed := range e.Failures {
			inner := &pebble.Error{Kind: pebble.RootError, Message: failed.Err.Error()}
			errors.As(failed.Err, &inner)
			list[i] = starlark.Tuple{starlark.String(failed.Path), newPebbleFailure(inner, failed.Err)}
		}
		errs := starlark.NewList(list)
		errs.Freeze()
		f.Fields = starlark.StringDict{"errors": errs}
	case pebble.ExecError:
		f.Fields = starlark.StringDict{"exit_code": starlark.MakeInt(e.ExitCode), "command": stringList(e.Command)}
	case pebble.ChangeError:
		f.Fields = starlark.StringDict{"err": starlark.String(e.Message), "change": starlark.None, "output": logEntries(e.Output)}
		if e.Change != nil {
			f.Fields["change"] = &change{Change: e.Change}
		}
	}
	return f
}

// absent is the failure of asking a container for what it does not have: a
// ModelError, as in ops. err is Pebble's own, if it said so.
func absent(err error, format string, args ...any) error {
	return &Failure{Kind: modelKinds[string(model.ModelError)], Message: fmt.Sprintf(format, args...), Err: err}
}

// isStatus says whether Pebble refused a request with this HTTP status.
func isStatus(err error, code int) bool {
	var e *pebble.Error
	return errors.As(err, &e) && e.Kind == pebble.APIError && e.Code == code
}
