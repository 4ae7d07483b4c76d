package charmtest_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmtest"
)

// TestCases runs the tests of testdata/cases. Those of refused_test.star fail,
// each with a message that fits what it prints.
func TestCases(t *testing.T) { testCases(t, "testdata/cases", charmtest.Options{Jobs: 4}) }

// TestModel runs the tests of testdata/model, which simulate a model with it
// and testdata/database, in one order and in several.
func TestModel(t *testing.T) {
	for _, explore := range []int{0, 2} {
		testCases(t, "testdata/model", charmtest.Options{Jobs: 4, Explore: explore})
	}
}

func testCases(t *testing.T, dir string, o charmtest.Options) {
	for _, r := range run(t, dir, o) {
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

// An elsewhere is a case of ops.testing, or one that it should have, that no
// test of testdata/cases has the number of, or that is another here than there.
type elsewhere struct {
	verdict verdict
	// why it differs or is left out, shortly.
	why string
	// tests are those of other charms of testdata that show it:
	// "rules/tests/rules_test.star:test_broken/SC001".
	tests []string
}

type verdict string

const (
	covered verdict = "covered"
	differs verdict = "differs"
	skipped verdict = "skipped"
)

// lastCase is the number of the last case.
const lastCase = 381

// The reasons that many have in common.
const (
	noManager  = "there is no live charm object to look at between set-up and event: ctx.call calls a function of the charm, ctx.run runs an event"
	byName     = "an event of a library is run by its name, so that there is no class of it to get wrong"
	noObjects  = "stored state is a dict of plain data, not an object"
	noEnv      = "a run has its own environment; that of the process is never written to"
	noCopies   = "values are frozen, and are shared instead of copied"
	noWrapping = "an error of the charm is never wrapped: it fails the test with the charm's own traceback, and error = True expects one"
	noExtra    = "the extensions of charmcraft bring Python charms of their own along, which there is nothing to write a .star file for"
	noFiles    = "the metadata is read in place; no directory is written"
	noMistake  = "a mistake of the charm ends the hook; only what a running charm may meet is a failure to catch"
	noMerge    = "what a Context is given takes the place of single keys of the charm's metadata, the rest of which stays"
	noLife     = "there is no framework to close: what a run made is gone with it"
)

// elsewheres are the cases that have no test of their number, and those whose
// test shows what differs. The numbers are
// those of the order in which the upstream tests were read.
var elsewheres = map[int]elsewhere{
	20:  {skipped, noCopies, nil},
	57:  {differs, "that it was not said which unit is meant is a note of the report (SC066), not a line of Juju's log", nil},
	66:  {skipped, "there is no base class of relations", nil},
	84:  {differs, "an owner goes on to track the former revision whatever the version, as with Juju since 3.3.1", nil},
	97:  {differs, "as with Juju, a revision can be removed that is still in use", nil},
	120: {differs, "the simulated Pebble counts successes: None is 0", nil},
	129: {skipped, "files are in the State and stay: there is no directory to warn of", nil},
	130: {skipped, "files are in the State and stay: there is no directory to warn of", nil},
	133: {differs, noMistake, nil},
	137: {differs, noManager, nil},
	162: {differs, noMistake, nil},
	164: {differs, "an endpoint of scope container has a network, as with Juju", nil},
	165: {differs, noMistake, nil},
	169: {differs, noMistake, nil},
	170: {differs, noMistake, nil},
	179: {skipped, "the kinds of events are told apart by name in one table, which the events of the charm are made of", nil},
	181: {differs, "events of the framework itself are not among out.events; statuses are collected after all others", nil},
	185: {differs, byName, nil},
	186: {differs, byName, nil},
	187: {skipped, byName, nil},
	188: {differs, noManager, nil},
	189: {differs, noManager, nil},
	190: {differs, noManager, nil},
	191: {differs, noManager, nil},
	192: {differs, noManager, nil},
	198: {skipped, "a port needs its number by signature", nil},
	204: {differs, noObjects, nil},
	205: {differs, noObjects, nil},
	209: {skipped, noFiles, nil},
	210: {skipped, noFiles, nil},
	211: {skipped, "there is no debugger of the language", nil},
	212: {skipped, "there is no debugger of the language", nil},
	213: {differs, "spans are not part of an outcome; out.calls and out.events tell what was done, in order", nil},
	214: {covered, "", []string{"charm/tests/event_test.star:test_event/install", "charm/tests/event_test.star:test_event/ready"}},
	215: {covered, "", []string{"cases/tests/action_test.star:test_140_own_id"}},
	221: {skipped, noEnv, nil},
	222: {skipped, noEnv, nil},
	223: {skipped, noLife, nil},
	227: {covered, "", []string{"cases/tests/refused_test.star:test_226_uncaught_error/plain", "cases/tests/basics_test.star:test_379_error_discards_what_juju_discards"}},
	228: {skipped, noEnv, nil},
	229: {skipped, noEnv, nil},
	230: {skipped, "there is no charm_spec", nil},
	231: {differs, noMerge, nil},
	232: {differs, noMerge, nil},
	233: {differs, noMerge, nil},
	242: {skipped, noLife, nil},
	243: {skipped, noLife, nil},
	245: {differs, "they are run as others are; docs say that Juju 4 has them no more", nil},
	261: {differs, byName, nil},
	262: {differs, "the fields of an event are plain data", nil},
	263: {covered, "", []string{"cases/tests/context_test.star:test_180_juju_names/ready"}},
	264: {covered, "", []string{"cases/tests/context_test.star:test_310_endpoint_keeps_its_spelling/underscores"}},
	265: {covered, "", []string{"cases/tests/context_test.star:test_180_juju_names/attached"}},
	309: {skipped, noEnv, nil},
	312: {skipped, "a charm ends a hook by fail() or an error; there is no exit code for it to choose", nil},
	313: {differs, noWrapping, nil},
	314: {differs, noWrapping, nil},
	322: {covered, "", []string{"cases/tests/refused_test.star:test_320_no_metadata/bare"}},
	325: {covered, "", []string{"cases/tests/context_test.star:test_323_legacy", "cases/tests/basics_test.star:test_177_config_defaults"}},
	326: {covered, "", []string{"cases/tests/refused_test.star:test_234_no_metadata/bare", "cases/tests/refused_test.star:test_234_no_metadata/nowhere"}},
	329: {skipped, noExtra, nil},
	330: {skipped, noExtra, nil},
	331: {skipped, noExtra, nil},
	332: {skipped, noExtra, nil},
	333: {skipped, noExtra, nil},
	334: {skipped, noExtra, nil},
	335: {skipped, noExtra, nil},
	336: {skipped, noExtra, nil},
	337: {skipped, noExtra, nil},
	338: {skipped, noExtra, nil},
	339: {skipped, noExtra, nil},
	340: {skipped, noExtra, nil},
	341: {skipped, noExtra, nil},
	342: {skipped, noExtra, nil},
	347: {differs, "a threshold is a number, as in the plan; 3 by default", nil},
	348: {differs, "events of the framework itself are not among out.events; statuses are collected after all others", nil},
	351: {differs, "deferred events are always among out.events; their field again tells them", nil},
	352: {covered, "", []string{"go:BenchmarkTest"}},
	363: {differs, "Juju can unset neither label nor description: set_info changes what is given, and nothing can be unset", nil},
	368: {differs, "a container's files are its own: what is mounted is described with them", nil},
	374: {covered, "", []string{
		"effects/tests/exec_test.star:test_handler", "effects/tests/exec_test.star:test_sequence", "effects/tests/exec_test.star:test_timeout",
		"effects/tests/exec_test.star:test_bytes", "effects/tests/exec_test.star:test_combined", "effects/tests/exec_test.star:test_service_context",
	}},
	378: {differs, noMistake, nil},
}

// TestCasesTable checks that every case has a test of its number, or a line
// that says where else it is shown or why it is not.
func TestCasesTable(t *testing.T) {
	tests := map[string]bool{"go:BenchmarkTest": true}
	numbered := map[int]bool{}
	number := regexp.MustCompile(`:test_(\d{3})_`)
	for _, charm := range []string{"cases", "charm", "effects", "rules"} {
		suite, err := charmtest.Load(t.Context(), "testdata/"+charm, charmtest.Options{})
		require.NoError(t, err)
		for _, name := range suite.Names() {
			tests[charm+"/"+name] = true
			if part := number.FindStringSubmatch(name); part != nil && charm == "cases" {
				n, err := strconv.Atoi(part[1])
				require.NoError(t, err)
				assert.True(t, n >= 1 && n <= lastCase, name)
				numbered[n] = true
			}
		}
	}
	count := map[verdict]int{covered: len(numbered)}
	for n := 1; n <= lastCase; n++ {
		line, ok := elsewheres[n]
		switch {
		case ok && numbered[n] && line.verdict != differs:
			t.Errorf("case %d has a test, and a line that says why not", n)
		case !ok && !numbered[n]:
			t.Errorf("case %d has neither a test nor a line", n)
		case ok:
			count[line.verdict]++
			assert.Equal(t, line.verdict == covered, line.why == "", "case %d: what is not covered says why", n)
			assert.Equal(t, line.verdict == covered, len(line.tests) > 0, "case %d: what is covered names its tests", n)
			if numbered[n] {
				count[covered]--
			}
		}
		for _, name := range line.tests {
			assert.True(t, tests[name], "case %d: there is no test %s", n, name)
		}
	}
	for n := range elsewheres {
		assert.True(t, n >= 1 && n <= lastCase, fmt.Sprint(n))
	}
	t.Logf("%d cases are covered, %d differ, %d are skipped", count[covered], count[differs], count[skipped])
}
