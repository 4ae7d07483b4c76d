package builtins

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
)

// This file defines the hooktool module: Juju's hook tools one to one. Its
// functions are those of hookCommands, and run.

var hooktoolTable = table[*Hook]{
	typ: "hooktool",
	doc: "Juju's hook tools, one to one, for what model does not cover: each call runs the tool, nothing is remembered, and databags that were written are sent first. What a tool refuses is a failure of a kind of model's with the fields tool, exit_code and stderr; one that this Juju does not have is model.VersionError.",
	members: append(hookCommandMembers(), member[*Hook]{
		name: "run", sig: "(name: str, /, *args: str, stdin: str = None) -> struct",
		doc:  "Runs any hook tool with these arguments, and returns stdout, stderr (str) and exit_code (int), whatever the code is. Only a tool that gave no answer is a failure. The content of a secret cannot be among the arguments; what secret-get and credential-get print is masked in logs.",
		call: (*Hook).runHookTool,
	}),
}

// A hookCommand describes a function of the module.
type hookCommand struct {
	name, tool string
	params     []hookParam
	returns    hookAnswer
	doc        string
	// prepare, when set, puts what is not simply written as a param says.
	prepare func(v hookValues, call *hookCall) error
}

// A hookParam is a parameter of such a function.
type hookParam struct {
	name   string
	typ    hookType
	value  string // the default as the signature has it; "" for none
	byName bool
	// to is where the value goes: "--flag" before it, "" for an argument, and
	// "prepare" for what the command's prepare puts.
	to string
}

// hookType is the type of a parameter as the signature has it.
type hookType string

const (
	hookText     hookType = "str"
	hookNumber   hookType = "int"
	hookSwitch   hookType = "bool"
	hookTexts    hookType = "list[str]"
	hookPairs    hookType = "dict[str, str]"
	hookCounts   hookType = "dict[str, int]"
	hookNumbers  hookType = "dict[str, int | float]"
	hookAnything hookType = "dict"
)

// hookAnswer is what becomes of the tool's output.
type hookAnswer int

const (
	hookNothing hookAnswer = iota // None
	hookPrinted                   // what was printed
	hookLine                      // the same without blanks around
	hookData                      // JSON of any type
	hookYesNo                     // JSON: a bool
	hookWord                      // JSON: a string
	hookList                      // JSON: a list of strings
	hookMap                       // JSON: a dict
	hookPorts                     // structs of the ports
	hookInfo                      // of one secret
)

// sig is how the signature names it.
func (a hookAnswer) sig() string {
	switch a {
	case hookPrinted, hookLine, hookWord:
		return " -> str"
	case hookYesNo:
		return " -> bool"
	case hookData:
		return " -> value"
	case hookList:
		return " -> list[str]"
	case hookMap, hookInfo:
		return " -> dict"
	case hookPorts:
		return " -> list[struct]"
	}
	return ""
}

// hookValues are the arguments that were given, by parameter: string, int,
// bool, []string, map[string]string or map[string]any.
type hookValues map[string]any

func (v hookValues) text(name string) string {
	text, _ := v[name].(string)
	return text
}

// hookCall is a call of a hook tool in the making.
type hookCall struct {
	name            string // of the function
	flags, operands []string
	stdin           []byte
	settings        map[string]string // go by standard input
	secret          map[string]string // goes by files
	answer          hookAnswer
}

// flag adds a flag with its value.
func (c *hookCall) flag(name, value string) {
	if strings.HasPrefix(name, "--") {
		c.flags = append(c.flags, name+"="+value)
	} else {
		c.flags = append(c.flags, name, value)
	}
}

// call returns the call with flags before arguments, and "--" between them
// where an argument could be taken for a flag.
func (c *hookCall) call(tool string) hooktool.Call {
	args := slices.Clone(c.flags)
	if slices.ContainsFunc(c.operands, func(arg string) bool { return len(arg) > 1 && arg[0] == '-' }) {
		args = append(args, "--")
	}
	return hooktool.Call{Name: tool, Args: append(args, c.operands...), Stdin: c.stdin}
}

// hookCommandMembers makes the functions of the module.
func hookCommandMembers() []member[*Hook] {
	var members []member[*Hook]
	for _, c := range hookCommands() {
		members = append(members, member[*Hook]{name: c.name, sig: c.sig(), doc: c.doc, call: (&c).run})
	}
	return members
}

func (c *hookCommand) sig() string {
	var params []string
	star := false
	for _, p := range c.params {
		if p.byName && !star {
			star = true
			params = append(params, "*")
		}
		text := p.name + ": " + string(p.typ)
		if p.value != "" {
			text += " = " + p.value
		}
		params = append(params, text)
	}
	return "(" + strings.Join(params, ", ") + ")" + c.returns.sig()
}

// run is a call of the function.
func (c *hookCommand) run(h *Hook, in invocation) (starlark.Value, error) {
	values, err := c.unpack(in)
	if err != nil {
		return nil, err
	}
	if c.tool == "status-set" {
		if err := h.refuseInLibrary("status"); err != nil {
			return nil, err
		}
	}
	call := &hookCall{name: in.name, answer: c.returns}
	for _, p := range c.params {
		value, given := values[p.name]
		if !given || p.to == "prepare" {
			continue
		}
		text, _ := value.(string)
		if p.typ == hookNumber {
			text = strconv.Itoa(value.(int))
		}
		switch {
		case p.typ == hookSwitch && value.(bool):
			call.flags = append(call.flags, p.to)
		case p.typ == hookSwitch:
		case p.to != "":
			call.flag(p.to, text)
		default:
			call.operands = append(call.operands, text)
		}
	}
	if c.prepare != nil {
		if err := c.prepare(values, call); err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
	}
	v, err := h.answer(c.tool, call)
	if err == nil && endsHook(c.tool, call.flags) {
		return nil, ErrStop
	}
	return v, failure(err)
}

// endsHook says whether a tool, once it succeeded, ends the hook where it is:
// juju-reboot --now, on which Juju ends the process, too.
func endsHook(tool string, args []string) bool {
	return tool == "juju-reboot" && (slices.Contains(args, "--now") || slices.Contains(args, "--now=true"))
}

// unpack reads the arguments; those that are None are not given.
func (c *hookCommand) unpack(in invocation) (hookValues, error) {
	given := make([]starlark.Value, len(c.params))
	var pairs []any
	star := false
	for i, p := range c.params {
		if p.byName && !star {
			star = true
			pairs = append(pairs, byName, nil)
		}
		name := p.name
		if p.value != "" {
			name += "?"
		}
		pairs = append(pairs, name, &given[i])
	}
	if err := in.unpack(pairs...); err != nil {
		return nil, err
	}
	values := hookValues{}
	for i, p := range c.params {
		v := given[i]
		if v == nil || v == starlark.None && p.value != "" {
			continue
		}
		value, err := p.typ.read(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %s is %w", in.name, p.name, err)
		}
		values[p.name] = value
	}
	return values, nil
}

// read converts an argument; the error is what it is and what is wanted.
func (t hookType) read(v starlark.Value) (any, error) {
	unfit := fmt.Errorf("a %s, want %s", v.Type(), t)
	switch t {
	case hookText:
		if text, ok := starlark.AsString(v); ok {
			return text, nil
		}
	case hookNumber:
		if _, ok := v.(starlark.Int); ok {
			return starlark.AsInt32(v)
		}
	case hookSwitch:
		if on, ok := v.(starlark.Bool); ok {
			return bool(on), nil
		}
	case hookTexts:
		if list, ok := v.(starlark.Iterable); ok {
			texts := []string{}
			for elem := range starlark.Elements(list) {
				text, ok := starlark.AsString(elem)
				if !ok {
					return nil, fmt.Errorf("a %s with a %s in it, want %s", v.Type(), elem.Type(), t)
				}
				texts = append(texts, text)
			}
			return texts, nil
		}
	default:
		if dict, ok := v.(*starlark.Dict); ok {
			return t.readDict(dict)
		}
	}
	return nil, unfit
}

func (t hookType) readDict(dict *starlark.Dict) (any, error) {
	value, err := fromStarlark("a dict that", dict)
	if err != nil {
		return nil, err
	}
	plain := value.(map[string]any)
	if t == hookAnything {
		return plain, nil
	}
	pairs := make(map[string]string, len(plain))
	for key, value := range plain {
		text := ""
		switch value := value.(type) {
		case string:
			if t != hookPairs {
				return nil, fmt.Errorf("a dict with a str under %q, want %s", key, t)
			}
			text = value
		case int64:
			if t == hookPairs {
				return nil, fmt.Errorf("a dict with an int under %q, want %s", key, t)
			}
			text = strconv.FormatInt(value, 10)
		case float64:
			if t != hookNumbers {
				return nil, fmt.Errorf("a dict with a float under %q, want %s", key, t)
			}
			text = strconv.FormatFloat(value, 'f', -1, 64)
		default:
			return nil, fmt.Errorf("a dict with another value under %q, want %s", key, t)
		}
		pairs[key] = text
	}
	return pairs, nil
}

// answer runs the tool and makes a value of what it says.
func (h *Hook) answer(tool string, c *hookCall) (starlark.Value, error) {
	switch c.answer {
	case hookNothing:
		if c.settings != nil {
			return starlark.None, h.Model.CallWithSettings(c.call(tool), c.settings)
		}
		fallthrough
	case hookPrinted, hookLine:
		result, err := h.Model.CallWithSecret(c.call(tool), c.secret)
		switch {
		case err != nil:
			return nil, err
		case c.answer == hookNothing:
			return starlark.None, nil
		case c.answer == hookLine:
			return starlark.String(strings.TrimSpace(string(result.Stdout))), nil
		}
		return starlark.String(result.Stdout), nil
	}
	c.flags = append([]string{"--format=json"}, c.flags...)
	switch c.answer {
	case hookList, hookPorts:
		var list []string
		if err := h.Model.Ask(c.call(tool), &list); err != nil {
			return nil, err
		}
		if c.answer == hookPorts {
			return portStructs(list)
		}
		return stringList(list), nil
	case hookYesNo:
		yes := false
		err := h.Model.Ask(c.call(tool), &yes)
		return starlark.Bool(yes), err
	case hookWord:
		word := ""
		err := h.Model.Ask(c.call(tool), &word)
		return starlark.String(word), err
	case hookMap, hookInfo:
		found := map[string]any{}
		if err := h.Model.Ask(c.call(tool), &found); err != nil {
			return nil, err
		}
		if c.answer == hookInfo {
			found = secretFacts(found)
		}
		return toStarlark(found)
	}
	var found any
	if err := h.Model.Ask(c.call(tool), &found); err != nil {
		return nil, err
	}
	return toStarlark(found)
}

// secretFacts puts the id, under which Juju tells of a secret, beside the rest.
func secretFacts(found map[string]any) map[string]any {
	for id, facts := range found {
		if facts, ok := facts.(map[string]any); ok && len(found) == 1 {
			facts = maps.Clone(facts)
			facts["id"] = id
			return facts
		}
	}
	return found
}

// portStructs reads what opened-ports lists: "80-90/tcp", "icmp", and with
// endpoints "80/tcp (db, website)"; "*" there stands for all.
func portStructs(list []string) (starlark.Value, error) {
	ports := make([]starlark.Value, 0, len(list))
	for _, text := range list {
		text, names, _ := strings.Cut(text, " (")
		port, err := model.ParsePort(text)
		if err != nil {
			return nil, &model.Error{Kind: model.HookToolError, Tool: "opened-ports", Message: "cannot read the answer of opened-ports: " + err.Error(), Err: err}
		}
		number := func(n int) starlark.Value {
			if n == 0 {
				return starlark.None
			}
			return starlark.MakeInt(n)
		}
		last := number(port.To)
		if port.To == port.From {
			last = starlark.None
		}
		var endpoints []string
		if names != "" {
			endpoints = strings.Split(strings.TrimSuffix(names, ")"), ", ")
		}
		ports = append(ports, starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
			"protocol": starlark.String(port.Protocol), "port": number(port.From), "to_port": last, "endpoints": stringList(endpoints),
		}))
	}
	return starlark.NewList(ports), nil
}

// runHookTool is hooktool.run.
func (h *Hook) runHookTool(in invocation) (starlark.Value, error) {
	call := hooktool.Call{}
	for i, arg := range in.args {
		text, ok := starlark.AsString(arg)
		if !ok {
			return nil, fmt.Errorf("%s: argument %d is a %s, want str", in.name, i+1, arg.Type())
		}
		if i == 0 {
			call.Name = text
		} else {
			call.Args = append(call.Args, text)
		}
	}
	var stdin starlark.Value = starlark.None
	if err := starlark.UnpackArgs(in.name, nil, in.kwargs, "stdin?", &stdin); err != nil {
		return nil, err
	}
	if len(in.args) == 0 {
		return nil, fmt.Errorf("%s: missing the name of the hook tool", in.name)
	}
	if text, ok := starlark.AsString(stdin); ok {
		call.Stdin = []byte(text)
	} else if stdin != starlark.None {
		return nil, fmt.Errorf("%s: stdin is a %s, want str", in.name, stdin.Type())
	}
	if call.Name == "status-set" {
		if err := h.refuseInLibrary("status"); err != nil {
			return nil, err
		}
	}
	result, err := h.Model.Call(call)
	var earlier *model.WriteError // not about this call
	var refused *model.Error
	if err != nil && (errors.As(err, &earlier) || !(errors.As(err, &refused) && refused.Code != 0 && refused.Tool == call.Name)) {
		return nil, failure(err)
	}
	if err == nil && endsHook(call.Name, call.Args) {
		return nil, ErrStop
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"stdout": starlark.String(result.Stdout), "stderr": starlark.String(result.Stderr), "exit_code": starlark.MakeInt(result.Code),
	}), nil
}

// pairList writes pairs as arguments, sorted by their keys.
func pairList(pairs map[string]string) []string {
	var list []string
	for _, key := range sortedNames(pairs) {
		list = append(list, key+"="+pairs[key])
	}
	return list
}
