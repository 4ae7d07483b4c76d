package builtins

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"text/template"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

const (
	templateDir       = "templates"
	maxTemplateSource = 1 << 20  // of a template file, in bytes
	maxTemplateOutput = 16 << 20 // of what it renders to, in bytes
)

var templateTable = table[fs.FS]{
	typ: "template",
	doc: "Text from templates, in the language of Go's text/template: `{{ .name }}` with the dot, `{{ .db.host }}` of a dict or struct, `{{ if .tls }}…{{ else }}…{{ end }}`, `{{ range .hosts }}{{ . }}{{ end }}`, `{{ $.name }}` inside a range; `{{-` and `-}}` trim white space. The keyword arguments are the values: None, bools, numbers, strings, lists, dicts with string keys, structs. Printing one that is None, or was not given, is an error; what may be missing is given as None and asked for with `{{ if .name }}`. Besides the functions of text/template: `{{ join .list \", \" }}`, `{{ lower .s }}`, `{{ upper .s }}`, `{{ quote .s }}` (a JSON string), `{{ json .x }}`, `{{ indent 4 .text }}`. Nothing is escaped. What is wrong with a template ends the hook: catch does not take it.",
	members: []member[fs.FS]{
		{name: "render", sig: "(path: str, **values) -> str", doc: "The text of the file at path, relative to the charm's templates folder, with the values put in. The file may have 1 MiB, the result 16 MiB.",
			call: func(files fs.FS, in invocation) (starlark.Value, error) {
				name, err := templateArgument(in, "path")
				if err != nil {
					return nil, err
				}
				full := path.Join(templateDir, name)
				if !fs.ValidPath(name) || full == templateDir {
					return nil, fmt.Errorf("%s: the path %q does not lead to a file inside %s/", in.name, name, templateDir)
				}
				source, err := readTemplate(files, full)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", in.name, err)
				}
				return renderTemplate(full, source, in.kwargs)
			}},
		{name: "render_string", sig: "(text: str, **values) -> str", doc: "The same for a template that is a string.",
			call: func(_ fs.FS, in invocation) (starlark.Value, error) {
				text, err := templateArgument(in, "text")
				if err != nil {
					return nil, err
				}
				return renderTemplate("template text", text, in.kwargs)
			}},
	},
}

// newTemplate returns module template; files is the charm's root.
func newTemplate(files fs.FS) starlark.Value {
	return &module[fs.FS]{table: &templateTable, self: files}
}

// templateArgument is the one positional argument: named values are the
// template's own.
func templateArgument(in invocation, param string) (string, error) {
	if len(in.args) != 1 {
		return "", fmt.Errorf("%s: got %d positional arguments, want the %s, and the template's values by name", in.name, len(in.args), param)
	}
	text, ok := starlark.AsString(in.args[0])
	if !ok {
		return "", fmt.Errorf("%s: for parameter %s: got %s, want string", in.name, param, in.args[0].Type())
	}
	return text, nil
}

func readTemplate(files fs.FS, name string) (string, error) {
	f, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no file %s in the charm", name)
	} else if err != nil {
		return "", fmt.Errorf("cannot open %s: %w", name, err)
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, maxTemplateSource+1))
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", name, err)
	}
	if len(source) > maxTemplateSource {
		return "", fmt.Errorf("%s has more than %d bytes", name, maxTemplateSource)
	}
	return string(source), nil
}

func renderTemplate(name, source string, kwargs []starlark.Tuple) (starlark.Value, error) {
	values := make(map[string]any, len(kwargs))
	for _, kw := range kwargs {
		key, _ := starlark.AsString(kw[0])
		if err := boundEncode(kw[1], key); err != nil {
			return nil, err
		}
		v, err := templateValue(kw[1])
		if err != nil {
			return nil, fmt.Errorf("cannot use %s in %s: %w", key, name, err)
		}
		values[key] = v
	}
	parsed, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{
		"join":   templateJoin,
		"lower":  strings.ToLower,
		"upper":  strings.ToUpper,
		"json":   templateJSON,
		"quote":  func(s string) (string, error) { return templateJSON(s) },
		"indent": templateIndent,
	}).Parse(source)
	if err != nil {
		return nil, templateError(err)
	}
	var out templateOutput
	if err := parsed.Execute(&out, values); err != nil {
		return nil, templateError(err)
	}
	return starlark.String(out.text.String()), nil
}

// templateOutput collects what a template renders, up to a bound.
type templateOutput struct{ text strings.Builder }

func (o *templateOutput) Write(p []byte) (int, error) {
	if o.text.Len()+len(p) > maxTemplateOutput {
		return 0, fmt.Errorf("the result has more than %d bytes", maxTemplateOutput)
	}
	return o.text.Write(p)
}

// templateNone is None in a template: false, and an error when printed, since
// text/template refuses to print channels.
type templateNone chan struct{}

// templateValue is v as text/template wants it.
func templateValue(v starlark.Value) (any, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return templateNone(nil), nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		if i, ok := v.Int64(); ok {
			return i, nil
		}
		return v.BigInt(), nil
	case starlark.Float:
		return float64(v), nil
	case starlark.String:
		return string(v), nil
	case starlark.Bytes:
		return string(v), nil
	case starlark.IterableMapping:
		m := make(map[string]any)
		for _, item := range v.Items() {
			key, ok := starlark.AsString(item[0])
			if !ok {
				return nil, fmt.Errorf("a dict has a %s as a key, want strings", item[0].Type())
			}
			var err error
			if m[key], err = templateValue(item[1]); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		return m, nil
	case starlark.Iterable:
		list := []any{}
		for elem := range starlark.Elements(v) {
			converted, err := templateValue(elem)
			if err != nil {
				return nil, err
			}
			list = append(list, converted)
		}
		return list, nil
	case *starlarkstruct.Struct, *record:
		fields := v.(starlark.HasAttrs)
		m := make(map[string]any)
		for _, name := range fields.AttrNames() {
			field, err := fields.Attr(name)
			if err != nil {
				return nil, err
			}
			if m[name], err = templateValue(field); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		return m, nil
	}
	return nil, fmt.Errorf("it is a %s, want None, a bool, a number, a string, a list, a dict or a struct", v.Type())
}

func templateJoin(list []any, separator string) (string, error) {
	texts := make([]string, len(list))
	for i, v := range list {
		if v == any(templateNone(nil)) {
			return "", fmt.Errorf("element %d is None", i)
		}
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, separator), nil
}

func templateJSON(v any) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(jsonOf(v)); err != nil {
		return "", err
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// jsonOf is v with null for None.
func jsonOf(v any) any {
	switch v := v.(type) {
	case templateNone:
		return nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, elem := range v {
			m[key] = jsonOf(elem)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, elem := range v {
			list[i] = jsonOf(elem)
		}
		return list
	}
	return v
}

// templateIndent puts spaces before every line of text but empty ones.
func templateIndent(spaces int, text string) (string, error) {
	if spaces < 0 || spaces > 100 {
		return "", fmt.Errorf("indent: %d spaces, want 0 to 100", spaces)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = strings.Repeat(" ", spaces) + line
		}
	}
	return strings.Join(lines, "\n"), nil
}

// templateError rewrites an error of text/template for people who do not know
// Go: "templates/app.ini:3: nothing is given for .port".
func templateError(err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	where, problem, ok := strings.Cut(text, ": executing ")
	if !ok {
		return errors.New("cannot read " + templateSyntax(text))
	}
	if at := regexp.MustCompile(`^(.*:\d+):\d+$`).FindStringSubmatch(where); at != nil {
		where = at[1] // Go counts columns in its own way
	}
	expression := ""
	if at := regexp.MustCompile(`^".*?" at <(.*?)>: (?s:(.*))$`).FindStringSubmatch(problem); at != nil {
		expression, problem = strings.Trim(at[1], "{}"), at[2]
	}
	switch {
	case strings.Contains(problem, "map has no entry for key"):
		return fmt.Errorf("cannot render %s: nothing is given for %s", where, expression)
	case strings.Contains(problem, "of type builtins.templateNone"):
		return fmt.Errorf("cannot render %s: %s is None", where, expression)
	case strings.HasPrefix(problem, "nil data"):
		return fmt.Errorf("cannot render %s: %s is not there", where, expression)
	case strings.HasPrefix(problem, "can't evaluate field "):
		return fmt.Errorf("cannot render %s: there is no %s: only dicts and structs have fields", where, expression)
	case expression == "":
		return fmt.Errorf("cannot render %s: %s", where, templateTypes.Replace(problem))
	}
	return fmt.Errorf("cannot render %s: {{%s}}: %s", where, expression, templateTypes.Replace(problem))
}

// templateTypes gives the types in an error of text/template the names that
// they have in Starlark.
var templateTypes = strings.NewReplacer(
	"map[string]interface {}", "dict", "[]interface {}", "list", "builtins.templateNone", "None", "*big.Int", "int",
	"int64", "int", "float64", "float", "slice/array", "list", "item of type", "a value of type", "wrong type for value; ", "",
)

// templateSyntax adds to an error of reading a template what to write instead.
func templateSyntax(text string) string {
	if at := regexp.MustCompile(`^(.*): function "(.*)" not defined$`).FindStringSubmatch(text); at != nil {
		return fmt.Sprintf("%s: there is no function %s: to show the value, write {{ .%s }}", at[1], at[2], at[2])
	}
	if where, ok := strings.CutSuffix(text, ": unexpected EOF"); ok {
		return where + ": an {{ if }}, {{ range }} or {{ with }} has no {{ end }}"
	}
	if where, ok := strings.CutSuffix(text, ": unclosed action"); ok {
		return where + ": a {{ has no }}"
	}
	return text
}
