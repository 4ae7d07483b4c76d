package machine_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine"
)

func TestReadOnly(t *testing.T) {
	var refused []string
	m := machine.ReadOnly(machine.Real(), func(what string) error {
		refused = append(refused, what)
		return errors.New("refused")
	})
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(file, []byte("content"), 0o600))

	d, err := m.OpenDir(dir, true)
	require.NoError(t, err)
	f, err := d.Open("f")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Error(t, d.Mkdir("x", 0o755))
	require.Error(t, d.WriteFile("f", strings.NewReader("other"), 0o600, machine.Owner{}))
	require.Error(t, d.Chmod("f", 0o777))
	require.Error(t, d.Chown("f", machine.Owner{}))
	require.Error(t, d.Remove("f", false))
	_, err = m.OpenDir(filepath.Join(dir, "y"), true)
	require.Error(t, err)
	d, err = m.OpenDir(filepath.Join(dir, "y"), false)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Nil(t, d)
	_, err = m.Run(t.Context(), machine.Command{Args: []string{"rm", file}})
	require.Error(t, err)
	_, err = m.Signal(os.Getpid(), "", syscall.SIGTERM)
	require.Error(t, err)
	there, err := m.Signal(os.Getpid(), "", 0)
	require.NoError(t, err)
	require.True(t, there)

	var methods []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { methods = append(methods, r.Method) }))
	defer server.Close()
	client := &http.Client{Transport: m.Transport(machine.TransportOptions{})}
	resp, err := client.Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	_, err = client.Post(server.URL, "text/plain", nil)
	require.Error(t, err)
	require.Equal(t, []string{"GET"}, methods)

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "content", string(text))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Len(t, refused, 9)
}
