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
	if testing.Short() {
		t.Skip("the examples' own tests take long")
	}
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

// TestReadmeCharm: the charm in the README is a whole one, without mistakes.
func TestReadmeCharm(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	bin := filepath.Join(dir, "starcharm")
	require.NoError(t, os.Symlink(program, bin))
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	files := regexp.MustCompile("(?s)```[a-z]+\n# (\\S+)\n(.*?)```").FindAllSubmatch(text, -1)
	require.Len(t, files, 2)
	for _, file := range files {
		name := filepath.Join(dir, string(file[1]))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, file[2], 0o644))
	}
	for _, command := range []string{"check --strict --ignore missing-optional,missing-description", "fmt --check src", "run config-changed"} {
		cmd := exec.Command("sh", "-c", "./starcharm "+command)
		cmd.Dir = dir
		output, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%s: %s", command, output)
		if command == "run config-changed" {
			assert.Contains(t, string(output), "waiting -- 'for the database'")
		}
	}
}
