package modeltest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
)

// yamlBreaks are characters that YAML takes for line breaks, or drops, even
// between quotes, and JSON does not.
const yamlBreaks = "\u0085\u2028\u2029\ufeff"

// FuzzDatabag: what is written by standard input is read back the same, in
// JSON and in YAML.
func FuzzDatabag(f *testing.F) {
	for _, text := range []string{"a", "", " lead", "trail ", "a: b", "- x", "yes", "1e3", "multi\nline\n", "\n", "\t", "☃ \U0001f600", "'\"", "#", "{}", "null", "~", "a\r\nb", "\u0085", "\u2028", "0x1f", strings.Repeat("long words ", 20)} {
		f.Add("key", text)
		f.Add(text, "value")
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		if !utf8.ValidString(key) || !utf8.ValidString(value) || value == "" || strings.ContainsAny(key+value, yamlBreaks) {
			t.Skip()
		}
		want := map[string]string{key: value}
		stdin, err := json.Marshal(want)
		require.NoError(t, err)
		hook := begin(t, newJuju(t, func(s *modeltest.State) { s.Relations[0].LocalUnitData = map[string]string{} }), updateStatus)
		result, err := hook.Run(t.Context(), hooktool.Call{Name: "relation-set", Args: []string{"-r", "1", "--file", "-"}, Stdin: stdin})
		require.NoError(t, err)
		if result.Code != 0 {
			t.Skip() // JSON that is not YAML: escapes of surrogates, DEL
		}
		for _, format := range []string{"json", "yaml"} {
			result, err := hook.Run(t.Context(), hooktool.Call{Name: "relation-get", Args: []string{"--format", format, "-r", "1", "-", "web-app/0"}})
			require.NoError(t, err)
			got := map[string]string{}
			require.NoError(t, yaml.Unmarshal(result.Stdout, &got), "%s", result.Stdout)
			require.Equal(t, want, got, "%s", result.Stdout)
		}
	})
}

// FuzzDecode: no text makes reading or using a state crash.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("leader: true\nrelations: [{id: 1, endpoint: db}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("secrets:\n- {id: x, expire: 2020}"))
	f.Add([]byte("relations: [null]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		state := &modeltest.State{}
		if modeltest.Decode(data, state) != nil {
			return
		}
		juju, err := modeltest.New(loadMeta(t, charmFiles), state)
		if err != nil {
			return
		}
		hook := begin(t, juju, updateStatus)
		for _, line := range []string{"config-get", "relation-ids db", "secret-ids", "storage-list", "opened-ports", "goal-state", "network-get db"} {
			run(t, hook, line)
		}
		_ = hook.End(0)
	})
}
