package builtins

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/starlarktest"
	"go.starlark.net/syntax"
)

// An example is a value that has a table's members, or some of them.
type example struct {
	event      string // "start update_status follower": as of newWorld
	expression string
}

// examples are expressions that give values of a type, by its name; together
// they have all of its members.
func examples() map[string][]example {
	at := func(expressions ...string) []example {
		var all []example
		for _, e := range expressions {
			all = append(all, example{"start", e})
		}
		return all
	}
	events := func(names ...string) []example {
		var all []example
		for _, name := range names {
			all = append(all, example{name, "event"})
		}
		return all
	}
	const layer = `pebble.Layer({"services": {"a": {}}, "checks": {"c": {}}, "log-targets": {"l": {}}})`
	return map[string][]example{
		"application":         at("model.app"),
		"base64":              at("base64"),
		"binding":             at(`model.get_binding("db")`),
		"certificate":         at(`native.crypto.parse_certificate(native.crypto.generate_ca(native.crypto.generate_private_key("ed25519"), "CA"))`),
		"certificate_request": at(`native.crypto.parse_csr(native.crypto.generate_csr(native.crypto.generate_private_key("ed25519"), "host"))`),
		"change":              at("failed_change"),
		"check":               at(`model.unit.get_container("web").get_check("up")`),
		"check_config":        at(layer+`.checks["c"]`, `model.unit.get_container("web").get_plan().checks["up"]`),
		"cloud_credential":    at("model.get_cloud_spec().credential"),
		"cloud_spec":          at("model.get_cloud_spec()"),
		"client":              at(`pebble.Client("/run/other.socket")`),
		"container":           at(`model.unit.get_container("web")`),
		"crypto":              at("native.crypto"),
		"databag":             append(at(`model.get_relation("db").data[model.unit]`), example{"start follower", `model.get_relation("db").data[model.app]`}),
		"digest":              at(`hashlib.sha256("x")`),
		"event":               events("db_relation_departed", "data_storage_attached", "web_pebble_custom_notice", "web_pebble_check_failed", "secret_remove", "backup_action", "collect_unit_status", "collect_metrics old"),
		"event_source":        at("framework.on.start", `framework.scope("new").define_event("done", "x")`),
		"exec_process":        at(`model.unit.get_container("web").exec(["greet"])`),
		"failure":             at(`catch(throw, model.ModelError, "x")[1]`),
		"file_info":           at(`model.unit.get_container("web").list_files("/etc/app.conf")[0]`),
		"file_stat":           at(`native.fs.stat("/srv/site/index.html")`),
		"framework":           at("framework"),
		"fs":                  at("native.fs"),
		"goal":                at(`model.get_goal_state().units["web/0"]`),
		"goal_state":          at("model.get_goal_state()"),
		"hashlib":             at("hashlib"),
		"headers":             at(`native.http.get("http://app/").headers`),
		"hooktool":            at("hooktool"),
		"http":                at("native.http"),
		"json":                at("json"),
		"juju_version":        at("model.juju_version"),
		"layer":               at(layer),
		"log":                 at("log"),
		"lzma":                at("lzma"),
		"log_target":          at(layer + `.log_targets["l"]`),
		"mapping":             at("model.config", "model.relations", `model.get_relation("db").data`),
		"match":               at(`re.match("a", "a")`),
		"math":                at("math"),
		"model":               at("model"),
		"ip":                  at(`native.net.parse_ip("10.0.0.7")`),
		"net":                 at("native.net"),
		"network":             at(`model.get_binding("db").network`),
		"network_interface":   at(`model.get_binding("db").network.interfaces[0]`),
		"notice":              at(`model.unit.get_container("web").get_notice("1")`),
		"log_entry":           at(`model.unit.get_container("web").get_logs("app")[0]`),
		"private_key":         at(`native.crypto.parse_private_key(native.crypto.generate_private_key("ed25519"))`),
		"process":             at("native.process"),
		"process_result":      at(`native.process.run(["greet"])`),
		"output_stream":       at(`model.unit.get_container("web").exec(["greet"]).stdout`),
		"input_stream":        at(`model.unit.get_container("web").exec(["cat"], pipe_stdin = True).stdin`),
		"pattern":             at(`re.compile("a")`),
		"pebble":              at("pebble"),
		"plan":                at(`model.unit.get_container("web").get_plan()`),
		"pod":                 at("model.pod"),
		"port":                at(`model.Port("tcp", 80)`, `model.Port("icmp")`),
		"re":                  at("re"),
		"relation":            at(`model.get_relation("db")`, `model.get_relation("cluster")`),
		"remote_model":        at(`model.get_relation("db").remote_model`),
		"resources":           at("model.resources"),
		"response":            at(`native.http.get("http://app/")`),
		"schema":              at("schema"),
		"scope":               at(`framework.scope("new")`),
		"secret":              at(`model.get_secret(label = "own")`, `model.get_secret(id = model.config["token"])`),
		"secret_info":         at(`model.get_secret(label = "own").get_info()`, `model.unit.add_secret({"key": "value"}).get_info()`),
		"service":             at(layer+`.services["a"]`, `model.unit.get_container("web").get_plan().services["app"]`),
		"service_info":        at(`model.unit.get_container("web").get_service("app")`),
		"status":              at("model.ActiveStatus()"),
		"storage":             at(`model.storages["data"][0]`),
		"storages":            at("model.storages"),
		"storedstate":         at("storedstate"),
		"task":                at("failed_change.tasks[0]"),
		"template":            at("template"),
		"time":                at("time"),
		"time.time":           at("time.now()"),
		"time.duration":       at("time.hour"),
		"url":                 at(`native.net.parse_url("http://me:x@db:80/?a=b")`, `native.net.parse_url("http://db")`),
		"unit":                at("model.unit"),
		"yaml":                at("yaml"),
	}
}

// TestTablesAreAllDocumented: every table is in the manual, under a name of its
// own, and so is every name that there is without load().
func TestTablesAreAllDocumented(t *testing.T) {
	known := map[string]bool{}
	native := newWorld(t, "start").example(t, Native).AttrNames()
	var predeclared []string
	for _, d := range Documentation() {
		assert.False(t, known[d.Name], "two types are called %s", d.Name)
		known[d.Name] = true
		if d.Module && !slices.Contains(native, d.Name) {
			predeclared = append(predeclared, d.Name)
		}
		for _, m := range d.Members {
			if d.Name == "" && starlark.Universe[m.Name] == nil {
				predeclared = append(predeclared, m.Name)
			}
		}
	}
	assert.ElementsMatch(t, Names(), predeclared)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^var (\w+) = table\[.*\n\ttyp: "(\w+)"`).FindAllSubmatch(source, -1) {
			assert.True(t, known[string(m[2])], "%s of %s is not in Documentation", m[1], file)
		}
		tables := regexp.MustCompile(`(?m)^var \w+ = table\[`)
		typed := regexp.MustCompile(`(?m)^var \w+ = table\[.*\n\ttyp: "`)
		assert.Len(t, typed.FindAll(source, -1), len(tables.FindAll(source, -1)), "%s has a table that does not start with its typ", file)
	}
}

// TestFunctions: the functions that belong to no module take what they say.
func TestFunctions(t *testing.T) {
	w := newWorld(t, "start")
	for _, m := range documentFunctions().Members {
		fn := w.predeclared()[m.Name]
		if fn == nil {
			fn = starlark.Universe[m.Name]
		}
		require.NotNil(t, fn, m.Name)
		assert.Regexp(t, `^\S.*\.$`, m.Doc, m.Name)
		checkMethod(t, w, m, fn)
	}
}

// TestTablesSayWhatIs: what a table says of its members is so: each has a
// signature, a text and a possible name; attributes have the types that they
// should; methods take the arguments of their signatures, and no others.
func TestTablesSayWhatIs(t *testing.T) {
	examples := examples()
	for _, doc := range append(Documentation(), closedDatabagTable.document()) {
		if doc.Name == "" {
			continue // see TestFunctions
		}
		t.Run(doc.Name, func(t *testing.T) {
			assert.Regexp(t, `^\S.*\.$`, doc.Doc)
			missing := map[string]bool{}
			for _, m := range doc.Members {
				missing[m.Name] = true
				assert.False(t, isReserved(m.Name), m.Name)
				assert.NotEmpty(t, m.Signature, m.Name)
				assert.Regexp(t, `^\S.*[.…]$`, m.Doc, m.Name)
				assert.Equal(t, m.Method, strings.HasPrefix(m.Signature, "("), "%s: %s", m.Name, m.Signature)
			}
			for _, e := range examples[doc.Name] {
				words := strings.Fields(e.event)
				w := newWorld(t, words[0], words[1:]...)
				v := w.example(t, e.expression)
				names := v.AttrNames()
				if !strings.HasPrefix(doc.Name, "time.") { // theirs come from elsewhere
					assert.True(t, slices.IsSorted(names))
				}
				for _, m := range doc.Members {
					if !slices.Contains(names, m.Name) {
						continue
					}
					delete(missing, m.Name)
					got, err := v.Attr(m.Name)
					require.NoError(t, err, "%s.%s", doc.Name, m.Name)
					require.NotNil(t, got, "%s.%s", doc.Name, m.Name)
					w.hook.Framework.Loading = m.Name != "emit"
					if m.Method {
						checkMethod(t, w, m, got)
					} else {
						checkAttribute(t, m, got)
					}
				}
				for _, name := range names {
					assert.True(t, slices.ContainsFunc(doc.Members, func(m MemberDoc) bool { return m.Name == name }) || e.expression == "event", "%s is not in the table", name)
				}
			}
			assert.Empty(t, missing, "no example has these")
		})
	}
}

// example is the value of an expression while the charm loads.
func (w *world) example(t testing.TB, expression string) starlark.HasAttrs {
	t.Helper()
	w.hook.Framework.Loading = true
	env := w.hook.PredeclaredNative(w.predeclared())
	env["event"] = w.event
	if strings.Contains(expression, "failed_change") {
		globals, err := starlark.ExecFileOptions(&syntax.FileOptions{}, w.thread, "change.star", `
def f():
    web = model.unit.get_container("web")
    web.add_layer("broken", {"services": {"broken": {"override": "replace", "command": "/bin/false"}}})
    return catch(web.start, "broken")[1].change
change = f()
`, env)
		requireNoEvalError(t, err)
		env["failed_change"] = globals["change"]
	}
	v, err := starlark.EvalOptions(&syntax.FileOptions{Set: true}, w.thread, "expression", expression, env)
	requireNoEvalError(t, err)
	return v.(starlark.HasAttrs)
}

// checkAttribute checks an attribute's type; None is only where it is told of.
func checkAttribute(t *testing.T, m MemberDoc, got starlark.Value) {
	t.Helper()
	typ, _, _ := strings.Cut(m.Signature, "[")
	switch typ {
	case "str":
		typ = "string"
	case "mapping":
		_, isMapping := got.(*mapping)
		_, isEager := got.(*eagerMapping)
		_, isData := got.(*relationData)
		_, isConfig := got.(*config)
		_, isDeclared := got.(*declaredMapping)
		assert.True(t, isMapping || isEager || isData || isConfig || isDeclared, "%s is a %s", m.Name, got.Type())
		return
	case "struct":
		assert.IsType(t, &starlarkstruct.Struct{}, got)
		return
	case "str | bytes":
		assert.Contains(t, []string{"string", "bytes"}, got.Type(), m.Name)
		return
	}
	if got == starlark.None {
		assert.Contains(t, m.Doc, "None", "%s is None", m.Name)
		return
	}
	assert.Equal(t, typ, got.Type(), m.Name)
}

// A sentinel is a value that no builtin has a use for.
type sentinel struct{}

func (sentinel) String() string        { return "sentinel" }
func (sentinel) Type() string          { return "sentinel" }
func (sentinel) Freeze()               {}
func (sentinel) Truth() starlark.Bool  { return true }
func (sentinel) Hash() (uint32, error) { return 1, nil }

func checkMethod(t *testing.T, w *world, m MemberDoc, method starlark.Value) {
	t.Helper()
	params, _, _ := strings.Cut(m.Signature, ") -> ")
	s := parseSignature(strings.TrimSuffix(strings.TrimPrefix(params, "("), ")"))
	call := func(positional int, names ...string) string {
		var kwargs []starlark.Tuple
		for _, name := range names {
			kwargs = append(kwargs, starlark.Tuple{starlark.String(name), sentinel{}})
		}
		args := make(starlark.Tuple, positional)
		for i := range args {
			args[i] = sentinel{}
			if i < len(s.types) {
				args[i] = plausible(s.types[i])
			}
		}
		starlarktest.SetReporter(w.thread, t)
		_, err := starlark.Call(w.thread, method, args, kwargs)
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for _, name := range s.byName {
		// What comes before by position only is given, so that it is not what is
		// complained about.
		message := call(len(s.positionalOnly), name)
		assert.NotContains(t, message, "unexpected keyword argument", "%s%s", m.Name, m.Signature)
	}
	if !s.kwargs {
		assert.Contains(t, call(s.positional, "no_such_argument"), "unexpected keyword argument", "%s%s takes others than it says", m.Name, m.Signature)
	}
	if !s.varargs {
		assert.Regexp(t, `\d positional argument|got \d+ arguments?|unexpected positional argument|want at most|goes without a name`, call(s.positional+1), "%s%s takes more than it says", m.Name, m.Signature)
	}
}

// plausible is a value of a type as signatures name it.
func plausible(typ string) starlark.Value {
	switch regexp.MustCompile(`^\w*`).FindString(typ) {
	case "str":
		return starlark.String("a")
	case "int", "float":
		return starlark.MakeInt(0)
	case "bool":
		return starlark.False
	case "dict":
		return new(starlark.Dict)
	case "list":
		return new(starlark.List)
	case "status":
		return new(Status)
	case "schema_type":
		return &schemaType{kind: "any"}
	case "record_type":
		return &recordType{}
	case "record":
		return &record{typ: &recordType{}}
	}
	return sentinel{}
}

// A signature is what a method takes.
type signature struct {
	types           []string // of those by position
	positional      int      // at most by position
	positionalOnly  []string
	byName          []string
	varargs, kwargs bool
}

func parseSignature(params string) signature {
	var s signature
	var named []string
	star := false
	for _, param := range splitParams(params) {
		name := regexp.MustCompile(`^\**\w*/?`).FindString(param)
		switch {
		case name == "*":
			star = true
		case name == "/":
			s.positionalOnly, named = named, nil
		case strings.HasPrefix(name, "**"):
			s.kwargs = true
		case strings.HasPrefix(name, "*"):
			s.varargs, star = true, true
		default:
			named = append(named, name)
			if !star {
				s.positional++
				_, typ, _ := strings.Cut(param, ": ")
				s.types = append(s.types, typ)
			}
		}
	}
	if s.varargs {
		// What comes before *args is by position.
		named = slices.DeleteFunc(named, func(name string) bool {
			return strings.Contains(params, name+": ") && strings.Index(params, name) < strings.Index(params, "*")
		})
	}
	s.byName = named
	return s
}

// splitParams cuts at the commas outside of brackets and quotes.
func splitParams(params string) []string {
	var all []string
	depth, quoted, start := 0, false, 0
	for i, r := range params {
		switch {
		case r == '"' && (i == 0 || params[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("[({<", r):
			depth++
		case strings.ContainsRune("])}>", r):
			depth--
		case r == ',' && depth == 0:
			all = append(all, strings.TrimSpace(params[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(params[start:]); last != "" {
		all = append(all, last)
	}
	return all
}
