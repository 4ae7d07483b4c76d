package builtins

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// FuzzDatabag: whatever a databag holds, it is read as a record that can be
// written and read again, or refused with schema.ValidationError.
func FuzzDatabag(f *testing.F) {
	for _, text := range []string{
		"", "1", "-0", "1e999", "null", "true", "TRUE", `"x"`, `{"a":1,"a":2}`, `{"host":"h","port":1}`, `[[1,[2.5]]]`,
		"[", "]", "{", `{"a"`, `"\ud800"`, "\xff", "a: *a", "&a [*a]", "<<: 1", "--- 1\n--- 2", "!!binary x", "? [a]\n: b", "0x10", "1_000", "nan",
		"secret:9m4e2mr0ui3e8a215n40", `"secret:9m4e2mr0ui3e8a215n40"`, "99999999999999999999999999",
	} {
		f.Add(text)
	}
	w := newWorld(f, "start")
	options := &syntax.FileOptions{Set: true, Recursion: true}
	globals, err := starlark.ExecFileOptions(options, w.thread, "fuzz.star", `
def types(**kwargs):
    any = schema.optional(schema.any(), **kwargs)
    endpoint = schema.record(host = schema.string(min_length = 1), port = schema.optional(schema.int(min = 0), alias = "po-rt"))
    return [any, schema.int(**kwargs), schema.list(schema.float(), **kwargs), schema.dict(schema.bool(), **kwargs),
        schema.field(endpoint, **kwargs), schema.list(endpoint, **kwargs), schema.secret(**kwargs), schema.enum("a", 1, **kwargs)]

def raw():
    return [t(codec = "raw") for t in [schema.string, schema.int, schema.float, schema.bool, schema.secret]] + [schema.enum("a", 1, codec = "raw")]

schemas = [schema.record(x = t) for t in types() + types(codec = "yaml") + raw()]
relation = model.get_relation("db")
`, w.predeclared())
	requireNoEvalError(f, err)
	relation := globals["relation"].(*relation)
	bag, err := relation.r.Databag("web/0")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		if bag.Update(map[string]string{"x": text}) != nil {
			return // not UTF-8: Juju would not have it either
		}
		for typ := range starlark.Elements(globals["schemas"].(*starlark.List)) {
			load := func() (starlark.Value, error) {
				return relation.loadRecord(invocation{w.thread, "load", starlark.Tuple{typ, starlark.String("web/0")}, nil})
			}
			require.NoError(t, bag.Update(map[string]string{"x": text}))
			rec, err := load()
			var invalid *Failure
			if errors.As(err, &invalid) {
				require.Equal(t, schemaValidationError, invalid.Kind, "%v", err)
				require.LessOrEqual(t, len(invalid.Message), 10000)
				continue
			}
			require.NoError(t, err)
			_, err = relation.saveRecord(invocation{w.thread, "save", starlark.Tuple{rec, starlark.String("web/0")}, nil})
			require.NoError(t, err, "%v", rec)
			again, err := load()
			require.NoError(t, err, "%v", rec)
			if same, err := starlark.Equal(rec, again); !same || err != nil {
				_, isSecret := rec.(*record).values[0].(*secret)
				require.True(t, isSecret, "%v became %v", rec, again)
			}
		}
	})
}
