package pebble

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"syscall"
	"time"
)

// reason is an error of Go's libraries in words for those who know Pebble and
// not Go. It wraps the error.
type reason struct {
	text string
	err  error
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.err }

// lapse is the cause of a context's end when something took too long.
func lapse(format string, args ...any) error {
	return &reason{fmt.Sprintf(format, args...), context.DeadlineExceeded}
}

// plainly returns err in plain words if it is of Go's libraries, and as it is
// if it is not known to be.
func plainly(err error) error {
	var (
		known  *Error
		said   *reason
		syntax *json.SyntaxError
		shape  *json.UnmarshalTypeError
		date   *time.ParseError
		errno  syscall.Errno
		text   string
	)
	switch {
	case errors.As(err, &known), errors.As(err, &said):
		return err
	case errors.Is(err, context.Canceled):
		text = "the call was cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		text = "no answer in time"
	case errors.As(err, &syntax):
		text = fmt.Sprintf("no JSON at byte %d", syntax.Offset)
	case errors.As(err, &shape):
		text = "it is " + jsonWord(shape.Value)
		if shape.Field != "" {
			text = fmt.Sprintf("%s is %s", shape.Field, jsonWord(shape.Value))
		}
		text += ", want " + jsonKind(shape.Type)
	case errors.As(err, &date):
		text = fmt.Sprintf("%s is not a time such as 2026-01-02T15:04:05Z", strings.TrimSpace(date.Value))
	case strings.HasPrefix(err.Error(), "Time."):
		// encoding/json gives no type to what package time says.
		text = "a time in it is none"
	case isDropped(err):
		text = "Pebble closed the connection"
		if errors.As(err, &errno) && errno != syscall.ECONNRESET && errno != syscall.EPIPE {
			text = errno.Error()
		}
	case errors.Is(err, io.ErrShortWrite), errors.Is(err, io.ErrNoProgress):
		text = "nothing more can be transferred"
	default:
		return err
	}
	return &reason{text, err}
}

// jsonWord returns what encoding/json calls a value that it found.
func jsonWord(value string) string {
	switch value {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	default:
		return "a " + value
	}
}

// jsonKind returns what a value has to be for t.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Map, reflect.Struct:
		return "an object"
	default:
		return "a whole number"
	}
}
