package charmtest_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmtest"
)

// TestCases runs the tests of testdata/cases. Those of refused_test.star fail,
// each with a message that fits what it prints.
func TestCases(t *testing.T) {
	for _, r := range run(t, "testdata/cases", charmtest.Options{Jobs: 4}) {
		if r.File != "tests/refused_test.star" {
			assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true))
			continue
		}
		want, ok := strings.CutPrefix(strings.TrimSpace(r.Output), "want: ")
		require.True(t, ok, "%s prints no want: %q", r.Name, r.Output)
		if r.Status != charmtest.Failed {
			t.Errorf("%s: it is %s, want it to fail with %q", r.Name, r.Status, want)
			continue
		}
		assert.Regexp(t, regexp.MustCompile(want), r.Diagnostics[0].Message, r.Name)
	}
}
