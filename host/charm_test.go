package host_test

import (
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model/modeltest"
)

// TestWhatIsNoFile: a FIFO in a charm is refused; to open it would be to wait
// for somebody to write to it.
func TestWhatIsNoFile(t *testing.T) {
	for _, name := range []string{"charmcraft.yaml", "charm.star", "lib.star"} {
		dir := t.TempDir()
		files := map[string]string{
			"charmcraft.yaml": "name: web\n",
			"charm.star":      "load(\"lib.star\", \"x\")\n",
			"lib.star":        "x = 1\n",
		}
		for file, text := range files {
			if file != name {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
			}
		}
		require.NoError(t, unix.Mkfifo(filepath.Join(dir, name), 0o600))
		_, err := host.LoadDir(dir)
		assert.ErrorContains(t, err, name)
		assert.ErrorContains(t, err, "not a regular file")
	}
}

func TestStateThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, ".starcharm-state.json"), 0o600))
	store := host.FileStore(dir, nil)
	defer store.Close()
	_, err := store.Load(t.Context())
	assert.ErrorContains(t, err, "not a regular file")
}

// TestNumbersOfAnAction: integers of any size and whole floats arrive as what
// they are, and go back so.
func TestNumbersOfAnAction(t *testing.T) {
	u := newUnit(t, `
-- charmcraft.yaml --
name: web
actions: {count: {params: {n: {}, f: {type: number}, l: {type: array}}}}
-- charm.star --
def on_count(event):
    print(type(event.params["n"]), event.params["n"], type(event.params["f"]), event.params["f"], event.params["l"])
    event.set_results({"n": event.params["n"] + 1, "f": event.params["f"], "l": ["<&>"]})
framework.observe(framework.on.count_action, on_count)
`)
	n, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	o := u.event(modeltest.Event{Name: "count", Action: true, Params: map[string]any{"n": n, "f": 2.5, "l": []any{"x", int64(1)}}})
	require.NoError(t, o.Err)
	assert.Equal(t, []string{`int 123456789012345678901234567890 float 2.5 ["x", 1]`}, logged(o))
	assert.Equal(t, map[string]any{"n": "123456789012345678901234567891", "f": "2.5", "l": `["<&>"]`}, o.Action.Results)
}
