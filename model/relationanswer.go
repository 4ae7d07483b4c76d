package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// This file reads what the tools for relations answer. What stands in it comes
// from other charms, by way of Juju, so nothing is taken for granted.

const (
	// maxDatabag bounds, in bytes of JSON, a databag that is read. Juju keeps
	// one in a document of its database, which takes 16 MiB.
	maxDatabag = 16 << 20
	// maxDatabags bounds, in bytes of JSON, the databags that a hook reads.
	maxDatabags = 256 << 20
)

// parseDatabag reads an object of strings; nothing at all and null are an empty
// one. The error names the key that is wrong.
func parseDatabag(answer []byte) (map[string]string, error) {
	data := map[string]string{}
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	next := func() (json.Token, error) {
		start := decoder.InputOffset()
		token, err := decoder.Token()
		if err == nil && !utf8.Valid(answer[start:decoder.InputOffset()]) {
			err = errors.New("it is not UTF-8") // the decoder would put U+FFFD there
		}
		return token, err
	}
	first, err := next()
	switch {
	case errors.Is(err, io.EOF):
		return data, nil
	case err != nil:
		return nil, err
	case first == nil:
		return data, finish(decoder)
	case first != json.Delim('{'):
		return nil, fmt.Errorf("%s was not to be expected", describeToken(first))
	}
	for decoder.More() {
		token, err := next()
		if err != nil {
			return nil, fmt.Errorf("in a key: %w", unexpectedEnd(err))
		}
		key := token.(string) // the decoder sees to it
		if _, twice := data[key]; twice {
			return nil, fmt.Errorf("the key %q is there twice", shorten(key))
		}
		token, err = next()
		if err != nil {
			return nil, fmt.Errorf("in the value of %q: %w", shorten(key), unexpectedEnd(err))
		}
		value, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("the value of %q is %s, not a string", shorten(key), describeToken(token))
		}
		data[key] = value
	}
	if _, err := next(); err != nil { // the closing brace
		return nil, unexpectedEnd(err)
	}
	return data, finish(decoder)
}

// finish is an error if there is more to decode.
func finish(decoder *json.Decoder) error {
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errMore
	}
	return nil
}

func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func describeToken(token json.Token) string {
	switch token := token.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case json.Delim:
		if token == '[' {
			return "a list"
		}
	}
	return "an object"
}

// parseRelationIDs reads a list such as ["db:3", "db:10"] of relations of an
// endpoint and returns their numbers, sorted.
func parseRelationIDs(endpoint string, answer []byte) ([]int, error) {
	keys, err := decodeJSON[[]string](answer)
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, key := range keys {
		id, ok := relationNumber(key)
		if !ok || key != endpoint+":"+strconv.Itoa(id) {
			return nil, fmt.Errorf("%q is not a relation of %q", shorten(key), endpoint)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// parseUnits reads a list of units and returns them sorted.
func parseUnits(answer []byte) ([]string, error) {
	units, err := decodeJSON[[]string](answer)
	if err != nil {
		return nil, err
	}
	for _, unit := range units {
		if !isUnitName(unit) {
			return nil, fmt.Errorf("%q is not the name of a unit", shorten(unit))
		}
	}
	slices.SortFunc(units, compareUnits)
	return slices.Compact(units), nil
}

// parseApp reads an application's name; "" if Juju does not say.
func parseApp(answer []byte) (string, error) {
	app, err := decodeJSON[string](answer)
	if err == nil && app != "" && !isAppName(app) {
		err = fmt.Errorf("%q is not the name of an application", shorten(app))
	}
	return app, err
}
