package charmtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmtest"
	"github.com/starcharm/starcharm/model/consistency"
)

// TestRules runs the tests of testdata/rules: for each rule a run that breaks
// it, one that keeps it, and one that is allowed to break it.
func TestRules(t *testing.T) {
	broken, noted, kept := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, r := range run(t, "testdata/rules", charmtest.Options{Jobs: 4}) {
		test, id, _ := strings.Cut(r.Name, "/")
		switch test {
		case "test_broken":
			broken[id] = true
			if assert.Equal(t, charmtest.Failed, r.Status, r.Name) {
				assert.Equal(t, strings.TrimSpace(r.Output), r.Diagnostics[0].Message)
				assert.Contains(t, r.Diagnostics[0].Suggestion, `allow = ["`+id+`"]`)
				assert.Equal(t, "tests/rules_test.star", r.Diagnostics[0].File)
			}
			continue
		case "test_storage_event", "test_no_rockcraft":
			assert.Equal(t, strings.TrimSpace(r.Output), r.Diagnostics[0].Message)
			continue
		case "test_noted":
			noted[id] = true
		case "test_kept":
			kept[id] = true
		}
		assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true))
	}
	for _, rule := range consistency.Rules() {
		if rule.ID == "SC047" || rule.ID == "SC050" {
			continue // the constructors of a test's State see to it; for a state file see package modeltest
		}
		assert.Equal(t, rule.Note, noted[rule.ID], rule.ID)
		assert.Equal(t, !rule.Note, broken[rule.ID], rule.ID)
		assert.True(t, kept[rule.ID], rule.ID)
		delete(kept, rule.ID)
	}
	require.Empty(t, kept)
}
