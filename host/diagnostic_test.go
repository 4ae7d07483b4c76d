package host

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
	"golang.org/x/tools/txtar"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

var updateDiagnostics = flag.Bool("update-diagnostics", false, "write what is rendered to testdata/diagnostic")

// diagnosticPredeclared are the names that the scripts of these tests see.
// storedstate gives frozen values, as the real one does.
func diagnosticPredeclared() starlark.StringDict {
	kind := &builtins.Kind{Name: "model.ModelError"}
	return starlark.StringDict{
		"kind": kind,
		"storedstate": starlarkstruct.FromStringDict(starlark.String("storedstate"), starlark.StringDict{
			"define": starlark.NewBuiltin("define", func(_ *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
				v := starlarkstruct.FromKeywords(starlark.String("stored"), kwargs)
				v.Freeze()
				return v, nil
			}),
		}),
		"throw": starlark.NewBuiltin("throw", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			if again, ok := args[0].(*builtins.Failure); ok {
				return nil, again
			}
			message, _ := starlark.AsString(args[1])
			return nil, &builtins.Failure{Kind: args[0].(*builtins.Kind), Message: message}
		}),
		"catch": starlark.NewBuiltin("catch", func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			v, err := starlark.Call(thread, args[0], nil, nil)
			var failure *builtins.Failure
			if !errors.As(err, &failure) {
				return starlark.Tuple{v, starlark.None}, err
			}
			caught := *failure
			var eval *starlark.EvalError
			errors.As(err, &eval)
			caught.Backtrace = eval.CallStack.String()
			return starlark.Tuple{starlark.None, &caught}, nil
		}),
	}
}

// runDiagnosed loads files on one thread, starting with the first, and calls
// its function handler with an event whose relation is None.
func runDiagnosed(files []txtar.File) error {
	predeclared := diagnosticPredeclared()
	options := &syntax.FileOptions{Set: true, Recursion: true}
	thread := &starlark.Thread{Print: func(*starlark.Thread, string) {}}
	run := func(name string) (starlark.StringDict, error) {
		for _, f := range files {
			if f.Name != name {
				continue
			}
			_, program, err := starlark.SourceProgramOptions(options, name, f.Data, predeclared.Has)
			if err != nil {
				return nil, fmt.Errorf("cannot read the charm: %w", err)
			}
			globals, err := program.Init(thread, predeclared)
			globals.Freeze()
			return globals, err
		}
		return nil, fs.ErrNotExist
	}
	thread.Load = func(_ *starlark.Thread, name string) (starlark.StringDict, error) { return run(name) }
	thread.SetMaxExecutionSteps(1_000_000)
	globals, err := run(files[0].Name)
	if err != nil {
		return err
	}
	handler, ok := globals["handler"]
	if !ok {
		return nil
	}
	event := starlarkstruct.FromStringDict(starlark.String("event"), starlark.StringDict{"relation": starlark.None})
	_, err = starlark.Call(thread, handler, starlark.Tuple{event}, nil)
	return err
}

func sourceOf(files []txtar.File) func(string) ([]byte, bool) {
	return func(name string) ([]byte, bool) {
		for _, f := range files {
			if f.Name == name {
				return f.Data, true
			}
		}
		return nil, false
	}
}

// TestDiagnostics renders what is wrong with the scripts of
// testdata/diagnostic/*.txtar: NAME.star is the charm, NAME.want the text.
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/diagnostic/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		require.NoError(t, err)
		for i := 0; i+1 < len(archive.Files); i += 2 {
			script, want := archive.Files[i], &archive.Files[i+1]
			name := strings.TrimSuffix(script.Name, ".star")
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+name, func(t *testing.T) {
				require.Equal(t, name+".want", want.Name)
				files := []txtar.File{{Name: "src/charm.star", Data: script.Data}}
				err := runDiagnosed(files)
				require.Error(t, err)
				var out strings.Builder
				for _, d := range Diagnose(err, sourceOf(files)) {
					out.WriteString(d.Render(false))
				}
				if *updateDiagnostics {
					want.Data = []byte(out.String())
				}
				assert.Equal(t, string(want.Data), out.String())
			})
		}
		if *updateDiagnostics {
			require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
		}
	}
}

func TestDiagnoseNothing(t *testing.T) {
	assert.Empty(t, Diagnose(nil, nil))
	assert.Empty(t, Traceback(nil, nil))
}

// An error in a loaded file shows the stack of both files, once.
func TestTracebackAcrossFiles(t *testing.T) {
	files := txtar.Parse([]byte(`
-- src/charm.star --
load("src/workload.star", "version")

print(version())
-- src/workload.star --
def parse(text):
    return text["major"]

def version():
    return parse(None)

default = version()
`)).Files
	assert.Equal(t, `Traceback (most recent call last):
  src/charm.star:1:1: in <toplevel>
    load("src/workload.star", "version")
  src/workload.star:7:18: in <toplevel>
    default = version()
  src/workload.star:5:17: in version
    return parse(None)
  src/workload.star:2:16: in parse
    return text["major"]
Note: what stands before the bracket is None here
Error: unhandled index operation NoneType[string]`, Traceback(runDiagnosed(files), sourceOf(files)))
}

// The same holds when the loaded file ran on a thread of its own.
func TestStackOfSeparateThreads(t *testing.T) {
	options := &syntax.FileOptions{}
	thread := &starlark.Thread{Load: func(*starlark.Thread, string) (starlark.StringDict, error) {
		return starlark.ExecFileOptions(options, &starlark.Thread{}, "b.star", "x = [][0]\n", nil)
	}}
	_, err := starlark.ExecFileOptions(options, thread, "a.star", `load("b.star", "x")`, nil)
	found := Diagnose(err, nil)
	require.Len(t, found, 1)
	assert.Equal(t, []Frame{
		{Function: topLevel, File: "a.star", Line: 1, Column: 1},
		{Function: topLevel, File: "b.star", Line: 1, Column: 7},
	}, found[0].Frames)
	assert.Equal(t, "b.star", found[0].File)
}

func TestTracebackOfUnreadableFile(t *testing.T) {
	files := []txtar.File{{Name: "src/charm.star", Data: []byte("x = 1\nimport os\n")}}
	assert.Equal(t, `Traceback (most recent call last):
  src/charm.star:2:1
    import os
Help: write load("@std//fs.star", "fs") at the top of the file
Error: Starlark has no "import"`, Traceback(runDiagnosed(files), sourceOf(files)))
}

func TestTracebackIsBounded(t *testing.T) {
	files := []txtar.File{{Name: "a.star", Data: []byte("def f(n):\n    return f(n - 1) if n else fail(\"deep\")\n\ndef handler(event):\n    f(5000)\n")}}
	text := Traceback(runDiagnosed(files), sourceOf(files))
	assert.Equal(t, maxFrames, strings.Count(text, ": in "))
	assert.Contains(t, text, "  … 4982 more calls …\n")
	assert.True(t, strings.HasSuffix(text, "\nError: deep"), text)
}

func TestDiagnoseOtherErrors(t *testing.T) {
	metadata := &model.MetadataError{File: "charmcraft.yaml", Line: 2, Column: 1, Message: "requires is a list", Note: "want a mapping"}
	source := sourceOf([]txtar.File{{Name: "charmcraft.yaml", Data: []byte("name: x\nrequires: []\n")}})
	found := Diagnose(errors.Join(fmt.Errorf("cannot load: %w", metadata), errors.New("no charm here")), source)
	require.Len(t, found, 2)
	assert.Equal(t, "charmcraft.yaml:2:1: error: requires is a list\n    requires: []\n    ^\nnote: want a mapping\n", found[0].Render(false))
	assert.Equal(t, "error: no charm here\n", found[1].Render(false))
}

// What the host says around an error of the charm is kept.
func TestDiagnoseWrapped(t *testing.T) {
	files := []txtar.File{{Name: "a.star", Data: []byte("def handler(event):\n    fail(\"boom\")\n")}}
	err := fmt.Errorf("cannot run the deferred install: %w", runDiagnosed(files))
	found := Diagnose(err, sourceOf(files))
	require.Len(t, found, 1)
	assert.Equal(t, "cannot run the deferred install: boom", found[0].Message)
}

func TestRenderings(t *testing.T) {
	d := Diagnostic{
		Severity: SeverityWarning, File: "src/a,b.star", Line: 3, Column: 7,
		Message: "100% odd\nreally", Note: "why", Suggestion: "do", Source: "\tx = é + y",
	}
	assert.Equal(t, "src/a,b.star:3:7: warning: 100% odd\n    really\n    \tx = é + y\n    \t     ^\nnote: why\nhelp: do\n", d.Render(false))
	assert.Equal(t, "\x1b[1msrc/a,b.star:3:7:\x1b[0m \x1b[1;33mwarning:\x1b[0m 100% odd\n    really\n    \tx = é + y\n    \x1b[1;33m\t     ^\x1b[0m\n\x1b[1;36mnote:\x1b[0m why\n\x1b[1;36mhelp:\x1b[0m do\n", d.Render(true))
	assert.Equal(t, "::warning file=src/a%2Cb.star,line=3,col=7::100%25 odd%0Areally%0Anote: why%0Ahelp: do", d.GitHub())
	assert.Equal(t, "::error::x", Diagnostic{Message: "x"}.GitHub())
	text, err := json.Marshal(d)
	require.NoError(t, err)
	assert.JSONEq(t, `{"severity": "warning", "file": "src/a,b.star", "line": 3, "column": 7, "message": "100% odd\nreally",
		"note": "why", "suggestion": "do", "source": "\tx = é + y"}`, string(text))
}

func TestLongLinesAreCut(t *testing.T) {
	d := Diagnostic{File: "a", Line: 1, Column: 5000, Message: "m", Source: strings.Repeat("x", 4999) + "!" + strings.Repeat("y", 5000)}
	lines := strings.Split(d.Render(false), "\n")
	require.Len(t, lines, 4)
	assert.Less(t, utf8.RuneCountInString(lines[1]), 180)
	assert.Equal(t, []rune(lines[1])[strings.IndexByte(lines[2], '^')], '!')
}

// FuzzDiagnose: whatever is in a file, there is a diagnostic for each error,
// inside the file, and it can be rendered.
func FuzzDiagnose(f *testing.F) {
	archives, err := filepath.Glob("testdata/diagnostic/*.txtar")
	require.NoError(f, err)
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		require.NoError(f, err)
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Add([]byte("x = \"\\"))
	f.Add([]byte("x = '''\\\n"))
	f.Add([]byte("\xff"))
	f.Add([]byte("x = (\r\n"))
	f.Add([]byte("x = 1\r\ry := 2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		files := []txtar.File{{Name: "a.star", Data: data}}
		err := runDiagnosed(files)
		found := Diagnose(err, sourceOf(files))
		require.Equal(t, err == nil, len(found) == 0)
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		for _, d := range found {
			require.NotEmpty(t, d.Message)
			require.LessOrEqual(t, d.Line, lines+1)
			require.GreaterOrEqual(t, d.Column, 0)
			require.True(t, utf8.ValidString(d.Render(true)+d.GitHub()))
		}
		Traceback(err, sourceOf(files))
	})
}
