package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxAnswer bounds, in bytes, what is accepted as a tool's answer.
const maxAnswer = 64 << 20

// nonsense is the failure of a tool whose answer cannot be understood.
func nonsense(tool string, err error) error {
	return nonsenseAbout("", tool, err)
}

// nonsenseAbout is nonsense that says what was to be read: "the units in db:1".
func nonsenseAbout(subject, tool string, err error) error {
	if subject != "" {
		subject += " from "
	}
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typed) && typed.Field == "":
		err = fmt.Errorf("a JSON %s was not to be expected", typed.Value)
	case errors.As(err, &typed):
		err = fmt.Errorf("a JSON %s was not to be expected in %q", typed.Value, typed.Field)
	}
	return &Error{Kind: HookToolError, Tool: tool, Message: fmt.Sprintf("cannot read %sthe answer of %s: %v", subject, tool, err), Err: err}
}

// decode reads a JSON answer. Nothing at all and null leave the zero value.
func decode[T any](tool string, answer []byte) (T, error) {
	value, err := decodeJSON[T](answer)
	if err != nil {
		err = nonsense(tool, err)
	}
	return value, err
}

var errMore = errors.New("there is more after the JSON value")

func decodeJSON[T any](answer []byte) (T, error) {
	var value T
	if err := decodeInto(answer, &value); err != nil {
		var zero T
		return zero, err
	}
	return value, nil
}

// decodeInto reads a JSON answer as [Model.Ask] says.
func decodeInto(answer []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	err := decoder.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errMore
		}
	}
	return err
}

// Plain turns JSON that was decoded with its numbers as [json.Number] into plain
// data: int64 for whole numbers that fit, *[big.Int] for those that do not,
// float64 for others. Lists and maps are changed in place.
func Plain(value any) any {
	switch value := value.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return n
		}
		if !strings.ContainsAny(value.String(), ".eE") {
			if n, ok := new(big.Int).SetString(value.String(), 10); ok {
				return n
			}
		}
		if f, err := value.Float64(); err == nil {
			return f
		}
		return value.String() // beyond what a float64 can hold
	case []any:
		for i := range value {
			value[i] = Plain(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = Plain(value[key])
		}
	}
	return value
}

// whole returns a number as an int64 if it is a whole one.
func whole(value any) (int64, bool) {
	switch value := value.(type) {
	case int64:
		return value, true
	case float64:
		if value == math.Trunc(value) && math.Abs(value) < 1<<53 {
			return int64(value), true
		}
	}
	return 0, false
}
