package charmtest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model/consistency"
)

// A gap is something that ops.testing simulates otherwise than Juju and Pebble
// do it, or not at all. It is as they do it here, and tests show it.
type gap struct {
	ops  string
	here string
	// tests are functions of .star files ("gap_test.star:test_rotates"), or
	// rules, which TestRules tests.
	tests []string
}

var gaps = []gap{
	{"removed_secret_revisions does not say of which secret", "they are with the secret",
		[]string{"secret_test.star:test_367_removed_revisions_by_secret"}},
	{"requested_storages has the last request only", "requests add up, in a chain of runs too",
		[]string{"basics_test.star:test_369_storage_requests_add_up", "gap_test.star:test_requests_add_up"}},
	{"departing_unit = 0 is the remote unit", "it is unit 0",
		[]string{"relation_test.star:test_358_departing_unit_zero", "gap_test.star:test_departing_unit_zero"}},
	{"a container that the State leaves out raises RuntimeError", "it cannot be connected to",
		[]string{"pebble_test.star:test_107_one_that_the_state_leaves_out"}},
	{"planned_units is 1 whatever the peers", "it is the unit and its peers, unless given",
		[]string{"gap_test.star:test_planned_units", "SC052"}},
	{"length and membership of a databag skip the check of access", "they are checked", []string{"relation.star:test_start__follower_databags"}},
	{"a bool passes as an int, and an int does not as a float", "Juju's rules for options", []string{"SC011"}},
	{"an event of a storage of a charm without storages is a KeyError", "it says that there are none", []string{"gap_test.star:test_storage_event"}},
	{"a port out of range is an error of the test's", "it is one of the charm's", []string{"basics_test.star:test_378_port_out_of_range"}},
	{"a follower may add a secret of the application", "Juju refuses", []string{"secret_test.star:test_365_follower_app_secret"}},
	{"two secrets of an owner may have one label", "Juju refuses", []string{"secret_test.star:test_364_duplicate_label", "SC036"}},
	{"when a secret rotates is never told", "it is", []string{"gap_test.star:test_rotates", "secret.star:test_start__info"}},
	{"any change of a secret makes a revision", "new content does", []string{"secret_test.star:test_362_info_makes_no_revision"}},
	{"what is empty is left out of a change of a secret without a word", "as Juju leaves it out, a change of nothing is refused",
		[]string{"secret.star:test_start__mistakes"}},
	{"to revoke what was not granted is a KeyError", "it does nothing", []string{"secret_test.star:test_366_revoke_of_non_granted"}},
	{"an action's defaults and required parameters are not looked at", "the controller's check is made",
		[]string{"action_test.star:test_353_defaults_are_merged", "refused_test.star:test_354_required_param", "refused_test.star:test_355_additional_params", "SC074"}},
	{"juju-reboot is run on the machine of the test", "it is told, and now ends the hook", []string{"basics_test.star:test_359_reboot"}},
	{"hook tools called one to one are run on the machine of the test", "they are simulated", []string{"gap_test.star:test_hook_tools"}},
	{"plan, checks and notices can be read of a container that cannot be connected to", "they cannot",
		[]string{"pebble_test.star:test_357_reads_without_connection", "pebble_test.star:test_356_exec_without_connection"}},
	{"a layer is not checked", "it is, as Pebble does", []string{"pebble_test.star:test_370_invalid_layer"}},
	{"replan starts what runs not, and restarts nothing", "it restarts what changed", []string{"pebble_test.star:test_371_replan_restarts_changed_services_only"}},
	{"a restart leaves no trace", "every call is in out.calls", []string{"pebble_test.star:test_372_calls_are_recorded"}},
	{"services start in any order", "in that of before, after and requires", []string{"pebble_test.star:test_373_start_order"}},
	{"notices of the charm are lost", "they are in the State afterwards", []string{"pebble_test.star:test_360_notices_of_the_charm"}},
	{"files are gone in the next run", "they are part of the State", []string{"pebble_test.star:test_380_files_stay_in_a_chain"}},
	{"a file belongs to whoever runs the test", "to whom the charm gave it", []string{"pebble_test.star:test_381_file_owner_and_mode"}},
	{"deferred events are sorted by name", "they keep their order", []string{"deferred_test.star:test_361_order_is_that_of_the_queue"}},
	{"a charm's error leaves no State", "it leaves what Juju keeps", []string{"basics_test.star:test_379_error_discards_what_juju_discards"}},
	{"another interface than the metadata's passes", "it does not", []string{"SC024"}},
	{"more relations than the limit pass", "they do not", []string{"SC025"}},
	{"more or fewer storages than multiple.range pass", "more do not, fewer are noted", []string{"SC042", "SC043"}},
	{"a secret's keys, and relations it is granted to, may be any", "the first are noted, the second checked", []string{"SC034", "SC035"}},
	{"any unit is told of the application's secrets, and elected", "the leader is", []string{"SC068", "SC069"}},
	{"a relation that is created may have been written to", "it is noted", []string{"SC071"}},
	{"any unit may depart", "one of the relation, or this one", []string{"SC067"}},
	{"a check that failed may be up", "it is noted", []string{"SC065"}},
	{"services that the plan does not have may have a status", "it is noted", []string{"SC008"}},
	{"a deferred event may be about what is gone", "it is noted", []string{"SC057"}},
	{"assumes is not looked at", "it is", []string{"SC055"}},
	{"events of containers run in a model of machines", "they do not", []string{"SC073"}},
	{"a subordinate needs no principal", "it is noted", []string{"SC027"}},
}

// TestGaps: each gap has tests that exist.
func TestGaps(t *testing.T) {
	exists := map[string]bool{}
	for _, rule := range consistency.Rules() {
		exists[rule.ID] = true
	}
	starTest := regexp.MustCompile(`(?m)^(?:def )?(test_\w+)(?:\(| = )`)
	for _, dir := range []string{"testdata", "../../builtins/testdata"} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".star") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range starTest.FindAllSubmatch(text, -1) {
				exists[filepath.Base(path)+":"+string(match[1])] = true
			}
			return err
		}))
	}
	for _, g := range gaps {
		assert.NotEmpty(t, g.here, g.ops)
		assert.NotEmpty(t, g.tests, g.ops)
		for _, test := range g.tests {
			assert.True(t, exists[test], "%s: there is no test %s", g.ops, test)
		}
	}
}
