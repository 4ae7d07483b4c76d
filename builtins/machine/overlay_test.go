package machine_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine"
)

// TestOverlayFiles changes files of an overlay, which sees the changes, and nobody else does.
func TestOverlayFiles(t *testing.T) {
	home, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, name := range []string{"old/inner/file", "old/other", "page"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(home, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(home, name), []byte(name), 0o644))
	}
	listed := func(d fs.FS, name string) string {
		t.Helper()
		entries, err := fs.ReadDir(d, name)
		require.NoError(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	o := &machine.Overlay{Machine: machine.Real()}
	d, err := o.OpenDir(home, false)
	require.NoError(t, err)
	defer d.Close()
	unchanged := machine.Owner{UID: machine.Unchanged, GID: machine.Unchanged}

	require.NoError(t, d.WriteFile("page", strings.NewReader("new"), 0o600, unchanged))
	require.NoError(t, d.Mkdir("made", 0o700))
	require.NoError(t, d.WriteFile("made/file", strings.NewReader("x"), 0o644, unchanged))
	require.NoError(t, d.Chmod("old/other", 0o640))
	assert.Equal(t, "made old page", listed(d, "."))
	assert.Equal(t, "inner other", listed(d, "old"))
	text, err := fs.ReadFile(d, "page")
	require.NoError(t, err)
	assert.Equal(t, "new", string(text))
	text, err = fs.ReadFile(d, "old/other")
	require.NoError(t, err)
	assert.Equal(t, "old/other", string(text))

	assert.Error(t, d.Remove("old", false), "it is not empty")
	require.NoError(t, d.Remove("old", true))
	assert.Equal(t, "made page", listed(d, "."))
	_, err = d.Lstat("old/inner/file")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = o.OpenDir(filepath.Join(home, "old/inner"), false)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorIs(t, d.WriteFile("old/file", strings.NewReader("x"), 0o644, unchanged), fs.ErrNotExist)
	again, err := o.OpenDir(filepath.Join(home, "old/inner"), true)
	require.NoError(t, err)
	assert.Empty(t, listed(again, "."), "what was there before is gone")
	require.NoError(t, again.WriteFile("here", strings.NewReader("x"), 0o644, unchanged))
	assert.Equal(t, "here", listed(d, "old/inner"))
	assert.Error(t, d.WriteFile("../out", strings.NewReader("x"), 0o644, unchanged))

	before, after := o.Changed()
	assert.Equal(t, "page", string(before[home+"/page"].Content))
	assert.Equal(t, "new", string(after[home+"/page"].Content))
	assert.Nil(t, before[home+"/made/file"])
	assert.Equal(t, "old/inner/file", string(before[home+"/old/inner/file"].Content))
	assert.Nil(t, after[home+"/old/inner/file"])

	assert.Equal(t, "old page", listed(os.DirFS(home), "."))
	text, err = os.ReadFile(filepath.Join(home, "page"))
	require.NoError(t, err)
	assert.Equal(t, "page", string(text))
	assert.FileExists(t, filepath.Join(home, "old/inner/file"))
}

// TestOverlayUnknown asks for what cannot be known without doing it.
func TestOverlayUnknown(t *testing.T) {
	o := &machine.Overlay{Machine: machine.Real(), Allow: func(c machine.Command) bool { return c.Args[0] == "/bin/true" }}
	var unknown *machine.UndescribedError
	_, err := o.Run(t.Context(), machine.Command{Args: []string{"/bin/false"}})
	require.True(t, errors.As(err, &unknown))
	assert.Equal(t, "what comes of the command /bin/false cannot be known without doing it; --allow-exec runs it in earnest", unknown.Error())
	_, err = o.Signal(os.Getpid(), "", 15)
	assert.ErrorContains(t, err, "what comes of a signal to the process")
	there, err := o.Signal(os.Getpid(), "", 0)
	require.NoError(t, err)
	assert.True(t, there)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://user:secret@127.0.0.1:1/", nil)
	require.NoError(t, err)
	_, err = o.Transport(machine.TransportOptions{}).RoundTrip(request)
	assert.EqualError(t, err, "what comes of the request POST http://user:xxxxx@127.0.0.1:1/ cannot be known without doing it")

	began := time.Now()
	require.NoError(t, o.Sleep(t.Context(), time.Hour))
	assert.Less(t, time.Since(began), time.Minute)
	assert.GreaterOrEqual(t, o.Now().Sub(began), time.Hour)
}
