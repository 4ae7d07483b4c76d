package builtins

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starcharm/starcharm/pebble"
)

// This file defines container.ensure.

func (c *container) ensure(in invocation) (starlark.Value, error) {
	var layer, restartOn, timeout starlark.Value = starlark.None, starlark.None, starlark.None
	files := new(starlark.Dict)
	options := pebble.EnsureOptions{Label: "charm"}
	err := in.unpack(byName, nil, "layer?", &layer, "files??", &files, "restart_on?", &restartOn, "label?", &options.Label, "timeout?", &timeout)
	if err != nil {
		return nil, err
	}
	if layer != starlark.None {
		if options.Layer, err = layerToAdd(layer); err != nil {
			return nil, fmt.Errorf("%s: layer: %w", in.name, err)
		}
	}
	var paths []string
	for _, item := range files.Items() {
		path, ok := starlark.AsString(item[0])
		if !ok {
			return nil, fmt.Errorf("%s: files has the key %v of type %s, want a path", in.name, item[0], item[0].Type())
		}
		if !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("%s: files: %q is relative; a path in a container starts with /", in.name, path)
		}
		file, err := wantedFile(in, path, item[1])
		if err != nil {
			return nil, err
		}
		paths, options.Files = append(paths, path), append(options.Files, file)
	}
	if options.RestartOn, err = stringsOf(in, "restart_on", restartOn); err != nil {
		return nil, err
	}
	for _, path := range options.RestartOn {
		if !slices.Contains(paths, path) {
			return nil, fmt.Errorf("%s: restart_on has %q, which files does not have%s", in.name, path, didYouMean(path, paths))
		}
	}
	if timeout != starlark.None {
		if options.Timeout, err = seconds(in, "timeout", timeout); err != nil {
			return nil, err
		}
		if options.Timeout == 0 {
			return nil, fmt.Errorf("%s: timeout is 0; ensure waits, so that what it returns is so", in.name)
		}
	}
	changed, err := c.client.Ensure(c.h.Context, options)
	return starlark.Bool(changed), c.h.pebbleFailure(err)
}

// wantedFile reads what a file should be: its content, None, or a dict or
// struct of its content and attributes.
func wantedFile(in invocation, path string, v starlark.Value) (pebble.WantedFile, error) {
	file := pebble.WantedFile{Path: path}
	var fields []starlark.Tuple
	switch v := v.(type) {
	case starlark.NoneType:
		file.Absent = true
		return file, nil
	case *starlark.Dict:
		fields = v.Items()
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			value, err := v.Attr(name)
			if err != nil {
				return file, err
			}
			fields = append(fields, starlark.Tuple{starlark.String(name), value})
		}
	default:
		fields = []starlark.Tuple{{starlark.String("content"), v}}
	}
	var a fileAttributes
	var content starlark.Value = starlark.None
	known := map[string]*starlark.Value{"content": &content}
	pairs := a.pairs()
	for i := 0; i < len(pairs); i += 2 {
		known[strings.TrimSuffix(pairs[i].(string), "?")] = pairs[i+1].(*starlark.Value)
	}
	of := invocation{in.thread, fmt.Sprintf("%s: files[%q]", in.name, path), nil, nil}
	for _, field := range fields {
		name, _ := starlark.AsString(field[0])
		to := known[name]
		if to == nil {
			return file, fmt.Errorf("%s: there is no %v%s", of.name, field[0], didYouMean(name, sortedNames(known)))
		}
		*to = field[1]
	}
	switch content := content.(type) {
	case starlark.String:
		file.Content = []byte(content)
	case starlark.Bytes:
		file.Content = []byte(content)
	case starlark.NoneType:
		return file, fmt.Errorf("%s: it has no content", of.name)
	default:
		return file, fmt.Errorf("%s: content is a %s, want a string or bytes", of.name, content.Type())
	}
	var err error
	file.Permissions, file.Owner, err = a.read(of)
	return file, err
}

// layerToAdd reads a layer that Pebble is to take. A field that it would
// refuse is a mistake of the charm; YAML text is Pebble's to judge, since a
// newer one may have more fields.
func layerToAdd(raw starlark.Value) (*pebble.Layer, error) {
	layer, err := planObjectOf[pebble.Layer](raw)
	if err != nil {
		return nil, err
	}
	if _, isText := raw.(starlark.String); isText {
		return layer, nil
	}
	if u := layer.UnknownField(); u != nil {
		return nil, fmt.Errorf("%s is no field of Pebble's%s; one of a newer Pebble can be given in a layer of YAML text", u.Path, didYouMean(u.Name, u.Known))
	}
	return layer, nil
}
