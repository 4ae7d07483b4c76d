package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

func (m *Model) needAction(deed string) error {
	if m.cfg.Context.IsAction() {
		return nil
	}
	return usage("cannot %s: this hook is not an action", deed)
}

// ActionParams returns the action's parameters, with the defaults that Juju
// adds, as plain data: int64 for whole numbers, float64 where the metadata says
// number. The map is not to be changed.
func (m *Model) ActionParams() (map[string]any, error) {
	if m.actionParams != nil {
		return m.actionParams, nil
	}
	if err := m.needAction("read action parameters"); err != nil {
		return nil, err
	}
	answer, err := m.run("action-get", nil, "--format=json")
	if err != nil {
		return nil, err
	}
	params, err := decode[map[string]any]("action-get", answer)
	if err != nil {
		return nil, err
	}
	if params == nil {
		params = map[string]any{}
	}
	Plain(params)
	if action := m.action(); action != nil {
		typedProperties(params, action.Parameters)
	}
	m.actionParams = params
	return params, nil
}

// action returns what the metadata says of the action that is being run; nil
// when it does not have it.
func (m *Model) action() *ActionMeta {
	for name, action := range m.cfg.Metadata.Actions {
		if normal(name)+"_"+string(Action) == m.cfg.Context.EventName() {
			return action
		}
	}
	return nil
}

// typedProperties makes the numbers among values what their JSON schemas say:
// JSON itself does not tell 2 from 2.0, and Juju writes both as 2.
func typedProperties(values map[string]any, schemas map[string]any) {
	for name, value := range values {
		if schema, ok := schemas[name].(map[string]any); ok {
			values[name] = typedBySchema(value, schema)
		}
	}
}

func typedBySchema(value any, schema map[string]any) any {
	switch value := value.(type) {
	case int64:
		if schema["type"] == "number" {
			return float64(value)
		}
	case float64:
		if n, ok := whole(value); ok && schema["type"] == "integer" {
			return n
		}
	case map[string]any:
		if properties, ok := schema["properties"].(map[string]any); ok {
			typedProperties(value, properties)
		}
	case []any:
		if items, ok := schema["items"].(map[string]any); ok {
			for i := range value {
				value[i] = typedBySchema(value[i], items)
			}
		}
	}
	return value
}

var resultKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`) })

// reservedResults are the keys that Juju refuses, wherever they are.
var reservedResults = [...]string{"stderr", "stderr-encoding", "stdout", "stdout-encoding"}

// overwrittenResult is a key that Juju takes, and puts the exit code there.
const overwrittenResult = "return-code"

const (
	// maxResultDepth bounds how deep results may be nested.
	maxResultDepth = 64
	// maxResultBytes is how much one call of action-set carries.
	maxResultBytes = 512 << 10
)

// SetActionResults adds to the action's results. Nested maps become keys with
// dots. Strings stay as they are, True, False and None are written like that,
// lists as JSON. Keys are checked before anything is sent: lower-case letters,
// digits, dots and dashes, none twice, none that Juju keeps for itself.
func (m *Model) SetActionResults(results map[string]any) error {
	if err := m.needAction("set action results"); err != nil {
		return err
	}
	flat := make(map[string]string)
	if err := flattenResults(flat, "", results, 0); err != nil {
		return err
	}
	keys := slices.Sorted(maps.Keys(flat))
	for _, key := range keys {
		for parent := key; strings.Contains(parent, "."); {
			parent = parent[:strings.LastIndexByte(parent, '.')]
			if _, ok := flat[parent]; ok {
				return usage("the action results %q and %q exclude each other: a result is either a value or a map", parent, key)
			}
		}
	}
	var args []string
	size := 0
	send := func() error {
		if len(args) == 0 {
			return nil
		}
		_, err := m.run("action-set", nil, args...)
		args, size = nil, 0
		return err
	}
	// Nothing is sent when one of them cannot be.
	for _, key := range keys {
		if size := len(key) + 1 + len(flat[key]); size > maxArgument {
			return &Error{Kind: ModelError, Tool: "action-set", Message: fmt.Sprintf("cannot set the action result %q: with its key it has %d bytes, more than the %d "+
				"that a hook tool takes: shorten it, or put it into a file and give the file's path", shorten(key), size, maxArgument)}
		}
	}
	for _, key := range keys {
		arg := key + "=" + flat[key]
		if size+len(arg) > maxResultBytes {
			if err := send(); err != nil {
				return err
			}
		}
		args = append(args, arg)
		size += len(arg)
	}
	return send()
}

func flattenResults(flat map[string]string, prefix string, results map[string]any, depth int) error {
	if depth > maxResultDepth {
		return usage("action results are nested deeper than %d levels", maxResultDepth)
	}
	for _, key := range slices.Sorted(maps.Keys(results)) {
		path := prefix + key
		for part := range strings.SplitSeq(key, ".") {
			if !resultKey().MatchString(part) {
				return usage("%q cannot be the key of an action result: use lower-case letters, digits, dots and dashes, with a letter or digit at both ends and beside each dot", shorten(path))
			}
			if slices.Contains(reservedResults[:], part) || path == overwrittenResult || strings.HasPrefix(path, overwrittenResult+".") {
				return usage("%q cannot be the key of an action result: Juju keeps that for itself", shorten(path))
			}
		}
		if nested, ok := results[key].(map[string]any); ok {
			if err := flattenResults(flat, path+".", nested, depth+1); err != nil {
				return err
			}
			continue
		}
		text, err := resultText(results[key])
		if err != nil {
			return usage("the action result %q cannot be sent: %v", path, err)
		}
		if _, ok := flat[path]; ok {
			return usage("the action result %q is there twice", path)
		}
		flat[path] = text
	}
	return nil
}

func resultText(value any) (string, error) {
	switch value := value.(type) {
	case nil:
		return "None", nil
	case string:
		return cleanText(value), nil
	case bool:
		if value {
			return "True", nil
		}
		return "False", nil
	case int:
		return strconv.Itoa(value), nil
	case int64:
		return strconv.FormatInt(value, 10), nil
	case *big.Int:
		return value.String(), nil
	case float64:
		text := strconv.FormatFloat(value, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0" // a whole number that is a float: as str() has it
		}
		return text, nil
	case []any:
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		err := enc.Encode(value)
		return strings.TrimSpace(text.String()), err
	}
	return "", fmt.Errorf("it is of the Go type %T, which is not plain data", value)
}

// ActionLog sends a message to the user who waits for the action. Secrets are
// masked; an empty message is not sent.
func (m *Model) ActionLog(message string) error {
	if err := m.needAction("log an action's progress"); err != nil {
		return err
	}
	message = cleanText(m.Mask(message))
	for chunk := 0; message != "" && chunk < maxLogChunks; chunk++ {
		line := shortenTo(message, maxArgument)
		if _, err := m.run("action-log", nil, "--", line); err != nil {
			return err
		}
		message = message[len(line):]
	}
	return nil
}

// ActionFail marks the action as failed; of several messages the last one
// holds. Secrets are masked. Without a message Juju has one of its own.
func (m *Model) ActionFail(message string) error {
	if err := m.needAction("fail an action"); err != nil {
		return err
	}
	var args []string
	if message != "" {
		args = []string{"--", shortenTo(cleanText(m.Mask(message)), maxArgument)}
	}
	_, err := m.run("action-fail", nil, args...)
	return err
}
