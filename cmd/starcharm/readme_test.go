package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadmes: what the README of an example says to run, runs in its folder.
func TestReadmes(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(program, filepath.Join(bin, "starcharm")))
	readmes, err := filepath.Glob("../../examples/*/README.md")
	require.NoError(t, err)
	require.NotEmpty(t, readmes)
	for _, readme := range readmes {
		text, err := os.ReadFile(readme)
		require.NoError(t, err)
		commands := regexp.MustCompile(`(?m)^    (starcharm .*)$`).FindAllSubmatch(text, -1)
		assert.NotEmpty(t, commands, "%s names no command", readme)
		for _, command := range commands {
			t.Run(filepath.Base(filepath.Dir(readme))+"/"+string(command[1]), func(t *testing.T) {
				cmd := exec.Command("sh", "-c", string(command[1]))
				cmd.Dir = filepath.Dir(readme)
				cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
				output, err := cmd.CombinedOutput()
				assert.NoError(t, err, "%s", output)
			})
		}
	}
}
