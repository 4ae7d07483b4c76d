package manual

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
)

func TestStubOfSignature(t *testing.T) {
	for signature, want := range map[string]string{
		"()":                                   "()",
		"(a, *, b = 1, **rest)":                "(a, *, b = 1, **rest)",
		"(sec: int, nsec: int = 0, /) -> bool": "(sec: int, nsec: int = 0, /) -> bool",
		`(text: str = "a, b(", sep = "\"") -> str | None`: `(text: str = "a, b(", sep = "\"") -> str | None`,
		"(d: time.duration = 24h) -> time.time":           "(d: time_duration = ...) -> time_time",
		"(of = schema.any(), default = <fail>)":           "(of = ..., default = ...)",
		"(f: dict[str, list[int]] = {}) -> (a, b)":        "(f: dict[str, list[int]] = {}) -> tuple",
		"(m: list[(str, str)] = [(1, None)])":             `(m: "list[(str, str)]" = [(1, None)])`,
		"(*args, sep: str = \" \")":                       `(*args, sep: str = " ")`,
	} {
		s := &stub{}
		s.member(builtins.MemberDoc{Name: "f", Method: true, Signature: signature}, "")
		assert.Equal(t, "\ndef f"+want+":\n    \"\"\"\"\"\"\n    pass\n", s.text.String(), signature)
	}
}

func TestStubOfText(t *testing.T) {
	assert.Equal(t, `"""A \\n and \"\"\", "quoted" """`, quoted(`A \n and """, "quoted"`, ""))
}

// TestStubs: every module and type is there with all its members, and Python
// can read the files.
func TestStubs(t *testing.T) {
	m, err := New()
	require.NoError(t, err)
	files := m.Stubs(&model.Metadata{Relations: map[string]*model.RelationMeta{"db": {}, "x: int\nimport os #": {}}})
	assert.Contains(t, files["__init__.py"], "\n    db_relation_changed: event_source\n")
	assert.NotContains(t, files["__init__.py"], "import os")
	for _, p := range m.Pages {
		if p.Group == Parts {
			continue
		}
		for _, topic := range p.Topics {
			text := files["__init__.py"]
			switch topic.Kind {
			case Events, Rules:
				continue
			case Module:
				text = files[topic.Name+".py"]
			case Type:
				class := regexp.MustCompile(`(?s)\nclass ` + className(topic.Name) + `:\n(.*?)(\nclass |$)`).FindStringSubmatch(text)
				require.NotNil(t, class, topic.Name)
				text = class[1]
			}
			for _, member := range topic.Members {
				assert.Regexp(t, `(?m)^ *(def )?`+member.Name+`[(:]`, text, "%s of %s", member.Name, topic.Name)
			}
		}
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	const parse = "import ast, glob, sys\nfor name in glob.glob(sys.argv[1] + '/*'): ast.parse(open(name, encoding = 'utf-8').read(), name)"
	output, err := exec.CommandContext(t.Context(), python, "-c", parse, dir).CombinedOutput()
	assert.NoError(t, err, "%s", output)
}
