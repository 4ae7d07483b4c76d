package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/starcharm/starcharm/testdata/peers"
)

// TestPebbleScript runs the scripts in testdata/pebble, which have a genuine
// pebble on PATH.
func TestPebbleScript(t *testing.T) {
	genuine := filepath.Dir(peers.Pebble(t))
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/pebble",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			bin := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(bin, 0o777); err != nil {
				return err
			}
			env.Setenv("PATH", bin+":"+genuine+":"+env.Getenv("PATH"))
			env.Setenv("NO_COLOR", "1")
			return os.Symlink(program, filepath.Join(bin, "starcharm"))
		},
	})
}
