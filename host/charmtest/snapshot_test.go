package charmtest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.starlark.net/starlark"
)

// FuzzSnapshots writes texts to a file of snapshots and reads them again.
func FuzzSnapshots(f *testing.F) {
	f.Add("value", "x\n", "other:", "a\n\n  b:\n")
	f.Add("a b", "", "c", " \n")
	f.Add("x", "\n\n", "y", "x\ny")
	f.Fuzz(func(t *testing.T, a, first, b, second string) {
		parseSnapshots(first) // whatever a file holds
		if isName(a) && isName(b) && a != b {
			all := map[string]string{a: snapshotText(starlark.String(first)), b: snapshotText(starlark.String(second))}
			assert.Equal(t, all, parseSnapshots(writeSnapshots(all)))
			assert.Equal(t, first == second, all[a] == all[b])
		}
	})
}
