package peers

import (
	"path/filepath"
	"testing"
)

// Pebble is the path of a genuine pebble program.
func Pebble(t testing.TB) string {
	t.Helper()
	return filepath.Join(need(t, "pebble", "github.com/canonical/pebble/cmd/pebble"), "pebble")
}
