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
	var data map[string]string
	if err := json.Unmarshal(answer, &data); err != nil || !utf8.Valid(answer) || countStrings(answer) != 2*len(data) {
		// Nothing, or something that the decoder did not say: an object has a
		// key twice, a null, or bytes that became U+FFFD.
		if err := diagnoseDatabag(answer); err != nil {
			return nil, err
		}
	}
	if data == nil {
		data = map[string]string{}
	}
	return data, nil
}

// countStrings counts the strings in an object of strings and nulls; -1 if there
// is a null in it.
func countStrings(object []byte) int {
	count := 0
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case 'n':
			return -1
		case '"':
			count++
			for i++; i < len(object) && object[i] != '"'; i++ {
				if object[i] == '\\' {
					i++
				}
			}
		}
	}
	return count
}

// diagnoseDatabag says what is wrong with an answer, if anything is.
func diagnoseDatabag(answer []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	next := func() (json.Token, error) {
		start := decoder.InputOffset()
		token, err := decoder.Token()
		if err == nil && !utf8.Valid(answer[start:decoder.InputOffset()]) {
			err = errors.New("it is not UTF-8")
		}
		return token, err
	}
	first, err := next()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	case first == nil:
		return finish(decoder)
	case first != json.Delim('{'):
		return fmt.Errorf("%s was not to be expected", describeToken(first))
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := next()
		if err != nil {
			return fmt.Errorf("in a key: %w", unexpectedEnd(err))
		}
		key := token.(string) // the decoder sees to it
		if seen[key] {
			return fmt.Errorf("the key %q is there twice", shorten(key))
		}
		seen[key] = true
		token, err = next()
		if err != nil {
			return fmt.Errorf("in the value of %q: %w", shorten(key), unexpectedEnd(err))
		}
		if _, ok := token.(string); !ok {
			return fmt.Errorf("the value of %q is %s, not a string", shorten(key), describeToken(token))
		}
	}
	if _, err := next(); err != nil { // the closing brace
		return unexpectedEnd(err)
	}
	return finish(decoder)
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
