package bench

import (
	"os"
	"path/filepath"
	"testing"
)

// The small charms that are dispatched.
const (
	metadata = `name: small
summary: A small charm.
description: A small charm.
requires:
  db:
    interface: sql
`
	options = `options:
  port:
    type: int
    default: 8080
  host:
    type: string
    default: localhost
`
	noopScript = `"""Does nothing."""

def on_config_changed(event):
    pass

framework.observe(framework.on.config_changed, on_config_changed)
`
	logScript = `"""Writes one line."""

def on_config_changed(event):
    log.info("configured")

framework.observe(framework.on.config_changed, on_config_changed)
`
	databagScript = `"""Reads what every unit says."""

def on_config_changed(event):
    for relation in model.relations["db"]:
        for unit in relation.units:
            if relation.data[unit]["port"] != "5432":
                fail("wrong port")

framework.observe(framework.on.config_changed, on_config_changed)
`
)

// writeCharm makes the directory of a charm, whose dispatch is program.
func writeCharm(b testing.TB, script, program string) string {
	b.Helper()
	dir := b.TempDir()
	for name, text := range map[string]string{"metadata.yaml": metadata, "config.yaml": options, "src/charm.star": script} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.Symlink(program, filepath.Join(dir, "dispatch")); err != nil {
		b.Fatal(err)
	}
	return dir
}
