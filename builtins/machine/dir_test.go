package machine_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
)

// openers are the real and the simulated machine, each with a directory that
// holds a/b.
func openers(t *testing.T) map[string]func(name string, make bool) (machine.Dir, error) {
	base := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(base, "a"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(base, "a", "b"), []byte("content"), 0o640))
	mode := machinetest.Mode(0o640)
	simulated, err := machinetest.New(machinetest.State{HostFiles: map[string]*machinetest.File{base + "/a/b": {Content: "content", Mode: &mode}}})
	require.NoError(t, err)
	at := func(m machine.Machine) func(string, bool) (machine.Dir, error) {
		return func(name string, make bool) (machine.Dir, error) { return m.OpenDir(filepath.Join(base, name), make) }
	}
	return map[string]func(string, bool) (machine.Dir, error){"real": at(machine.Real()), "simulated": at(simulated)}
}

// same leaves the owner as it is.
var same = machine.Owner{UID: machine.Unchanged, GID: machine.Unchanged}

func TestDir(t *testing.T) {
	for name, open := range openers(t) {
		t.Run(name, func(t *testing.T) {
			_, err := open("missing", false)
			assert.Error(t, err)
			_, err = open("a/b", false)
			assert.ErrorIs(t, err, unix.ENOTDIR)
			d, err := open(".", false)
			require.NoError(t, err)
			defer d.Close()

			content, err := fs.ReadFile(d, "a/b")
			require.NoError(t, err)
			assert.Equal(t, "content", string(content))
			info, err := fs.Stat(d, "a/b")
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o640), info.Mode())

			require.NoError(t, d.Mkdir("a", 0o700))
			require.NoError(t, d.Mkdir("new", 0o700))
			assert.ErrorIs(t, d.Mkdir("a/b", 0o700), fs.ErrExist)
			assert.ErrorIs(t, d.Mkdir("x/y", 0o700), fs.ErrNotExist)
			require.NoError(t, d.WriteFile("new/file", strings.NewReader("one"), 0o600, same))
			require.NoError(t, d.WriteFile("new/file", strings.NewReader("two"), 0o444, same))
			assert.Error(t, d.WriteFile("new", strings.NewReader("x"), 0o600, same), "it is a directory")
			assert.ErrorIs(t, d.WriteFile("x/y", strings.NewReader("x"), 0o600, same), fs.ErrNotExist)

			broken := io.MultiReader(strings.NewReader("three"), iotest.ErrReader(errors.New("broken")))
			assert.EqualError(t, d.WriteFile("new/file", broken, 0o600, same), "broken")
			content, err = fs.ReadFile(d, "new/file")
			require.NoError(t, err)
			assert.Equal(t, "two", string(content))
			entries, err := fs.ReadDir(d, "new")
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing is left behind")
			info, err = entries[0].Info()
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o444), info.Mode())

			for _, owner := range []machine.Owner{same, {UID: os.Getuid(), GID: os.Getgid()}} {
				require.NoError(t, d.WriteFile("new/file", strings.NewReader("two"), 0o600, owner))
				require.NoError(t, d.Chown("new/file", owner))
				require.NoError(t, d.Chmod("new/file", 0o444))
				info, err = d.Lstat("new/file")
				require.NoError(t, err)
				assert.Equal(t, fs.FileMode(0o444), info.Mode())
				if owner != same {
					assert.Equal(t, owner, machine.OwnerOf(info))
				}
			}
			assert.ErrorIs(t, d.Chmod("none", 0o600), fs.ErrNotExist)
			assert.ErrorIs(t, d.Chown("none", same), fs.ErrNotExist)
			_, err = d.Readlink("new/file")
			assert.ErrorIs(t, err, unix.EINVAL)

			for _, out := range []string{"../x", "/etc/x", "a/../../x", ".."} {
				assert.Error(t, d.WriteFile(out, strings.NewReader("x"), 0o600, same), out)
				assert.Error(t, d.Mkdir(out, 0o700), out)
				assert.Error(t, d.Chmod(out, 0o700), out)
				assert.Error(t, d.Chown(out, same), out)
				_, err = d.Lstat(out)
				assert.Error(t, err, out)
				_, err := d.Open(out)
				assert.Error(t, err, out)
			}
			assert.ErrorIs(t, d.Remove("none", true), fs.ErrNotExist)
			assert.ErrorIs(t, d.Remove("new", false), unix.ENOTEMPTY)
			assert.Error(t, d.Remove("../x", true))
			require.NoError(t, d.Remove("new/file", false))
			require.NoError(t, d.WriteFile("new/other", strings.NewReader(""), 0o600, same))
			require.NoError(t, d.Remove("new", true))
			_, err = fs.Stat(d, "new")
			assert.ErrorIs(t, err, fs.ErrNotExist)
			made, err := open("deep/er", true)
			require.NoError(t, err)
			require.NoError(t, made.WriteFile("f", strings.NewReader(""), 0o600, same))
			require.NoError(t, made.Close())
			_, err = fs.Stat(d, "deep/er/f")
			assert.NoError(t, err)
			_, err = open("a/b/c", true)
			assert.ErrorIs(t, err, unix.ENOTDIR)
		})
	}
}

// TestDirIsNotLeft: links that lead out of a directory are no way out, and a
// FIFO is nothing to wait for.
func TestDirIsNotLeft(t *testing.T) {
	outside, inside := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(inside, "dir")))
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(inside, "file")))
	require.NoError(t, unix.Mkfifo(filepath.Join(inside, "fifo"), 0o600))
	d, err := machine.Real().OpenDir(inside, false)
	require.NoError(t, err)
	defer d.Close()
	for _, name := range []string{"dir/secret", "file", "fifo"} {
		_, err := d.Open(name)
		assert.Error(t, err, name)
	}
	assert.Error(t, d.WriteFile("dir/new", strings.NewReader("x"), 0o600, same))
	assert.Error(t, d.Mkdir("dir/new", 0o700))
	assert.Error(t, d.Chmod("file", 0o777))
	assert.Error(t, d.Chown("file", same))
	info, err := d.Lstat("file")
	require.NoError(t, err)
	assert.Equal(t, fs.ModeSymlink, info.Mode().Type())
	target, err := d.Readlink("file")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(outside, "secret"), target)
	// A link is replaced, and what it leads to stays.
	require.NoError(t, d.WriteFile("file", strings.NewReader("mine"), 0o600, same))
	content, err := os.ReadFile(filepath.Join(outside, "secret"))
	require.NoError(t, err)
	assert.Equal(t, "s", string(content))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}
