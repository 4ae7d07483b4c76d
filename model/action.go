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

// ActionParams returns the action's parameters, with defaults, as plain data:
// int64 for whole numbers. The map is not to be changed.
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
	plain(params)
	m.actionParams = params
	return params, nil
}

var resultKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$`) })

// reservedResults are the keys that Juju keeps for itself.
var reservedResults = [...]string{"return-code", "stderr", "stderr-encoding", "stdout", "stdout-encoding"}

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
		if !resultKey().MatchString(key) {
			return usage("%q cannot be the key of an action result: use lower-case letters, digits, dots and dashes, with a letter or digit at both ends", shorten(key))
		}
		path := prefix + key
		if slices.Contains(reservedResults[:], path) {
			return usage("%q cannot be the key of an action result: Juju keeps it for itself", path)
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

// ActionFail marks the action as failed. Secrets are masked.
func (m *Model) ActionFail(message string) error {
	if err := m.needAction("fail an action"); err != nil {
		return err
	}
	_, err := m.run("action-fail", nil, "--", shortenTo(cleanText(m.Mask(message)), maxArgument))
	return err
}
