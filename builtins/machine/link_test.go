package machine_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
)

// linked are the real and the simulated machine, with the same links.
func linked(t *testing.T, base string) map[string]machine.Machine {
	files := map[string]*machinetest.File{base + "/run/conf": {Content: "c"}, base + "/etc/plain": {Content: "p"}}
	for name, target := range map[string]string{
		"etc/relative": "../run/conf", "etc/absolute": base + "/run", "etc/chain": "absolute/conf", "etc/gone": "nowhere/x",
		"etc/loop": "loop", "etc/ping": "pong", "etc/pong": "ping/x", "etc/near": "plain",
	} {
		files[filepath.Join(base, name)] = &machinetest.File{Link: target}
	}
	for name, f := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		if f.Link != "" {
			require.NoError(t, os.Symlink(f.Link, name))
		} else {
			require.NoError(t, os.WriteFile(name, []byte(f.Content), 0o644))
		}
	}
	simulated, err := machinetest.New(machinetest.State{HostFiles: files})
	require.NoError(t, err)
	assert.Equal(t, files, simulated.Files())
	return map[string]machine.Machine{"real": machine.Real(), "simulated": simulated}
}

func TestFollow(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, m := range linked(t, base) {
		t.Run(name, func(t *testing.T) {
			for path, want := range map[string]string{
				"etc/relative": "run/conf", "etc/absolute": "run", "etc/absolute/conf": "run/conf", "etc/chain": "run/conf",
				"etc/plain": "etc/plain", "etc/none": "etc/none", "etc/plain/x": "etc/plain/x", "none/x": "none/x", "etc": "etc",
			} {
				at, err := m.Follow(filepath.Join(base, path))
				require.NoError(t, err, path)
				assert.Equal(t, filepath.Join(base, want), at, path)
			}
			for _, path := range []string{"etc/loop", "etc/ping", "etc/loop/x"} {
				_, err := m.Follow(filepath.Join(base, path))
				var failed *fs.PathError
				assert.ErrorAs(t, err, &failed, path)
			}
			root, err := m.Follow("/")
			require.NoError(t, err)
			assert.Equal(t, "/", root)

			d, err := m.OpenDir(filepath.Join(base, "etc", "absolute"), false)
			require.NoError(t, err)
			content, err := fs.ReadFile(d, "conf")
			require.NoError(t, err)
			assert.Equal(t, "c", string(content))

			// Links within a directory are followed, those out of it are not.
			d, err = m.OpenDir(filepath.Join(base, "etc"), false)
			require.NoError(t, err)
			content, err = fs.ReadFile(d, "near")
			require.NoError(t, err)
			assert.Equal(t, "p", string(content))
			for _, out := range []string{"relative", "absolute/conf", "chain", "gone", "loop"} {
				_, err := d.Open(out)
				assert.Error(t, err, out)
				assert.Error(t, d.Chmod(out, 0o600), out)
				info, err := d.Lstat(strings.TrimSuffix(out, "/conf"))
				require.NoError(t, err)
				assert.Equal(t, fs.ModeSymlink, info.Mode().Type())
			}
			assert.Error(t, d.WriteFile("absolute/new", strings.NewReader(""), 0o600, same))
			assert.Error(t, d.Remove("absolute/conf", false))

			// A link itself is what is written and removed.
			require.NoError(t, d.WriteFile("near", strings.NewReader("mine"), 0o600, same))
			require.NoError(t, d.Remove("relative", true))
			content, err = fs.ReadFile(d, "plain")
			require.NoError(t, err)
			assert.Equal(t, "p", string(content))
			at, err := m.Follow(filepath.Join(base, "run", "conf"))
			require.NoError(t, err)
			assert.Equal(t, filepath.Join(base, "run", "conf"), at)
		})
	}
}

func TestPermissions(t *testing.T) {
	for n := range uint32(machine.MaxPermissions + 1) {
		mode := machine.Permissions(n)
		only, number := machine.PermissionsOf(mode | fs.ModeDir)
		require.Equal(t, n, number)
		require.Equal(t, mode, only)
	}
	for name, open := range openers(t) {
		t.Run(name, func(t *testing.T) {
			d, err := open(".", false)
			require.NoError(t, err)
			require.NoError(t, d.WriteFile("f", strings.NewReader(""), machine.Permissions(0o4711), same))
			require.NoError(t, d.Chmod("a", machine.Permissions(0o3750)))
			for name, want := range map[string]uint32{"f": 0o4711, "a": 0o3750} {
				info, err := d.Lstat(name)
				require.NoError(t, err)
				_, number := machine.PermissionsOf(info.Mode())
				assert.Equal(t, want, number, name)
			}
		})
	}
}
