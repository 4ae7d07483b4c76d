package stdlib_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/host/charmtest"
)

// How much [TestHostileDatabags] tries, on each side of each library, and with
// which random numbers: -hostile-rounds=500 -hostile-seed=7 looks for more.
var (
	hostileRounds = flag.Int("hostile-rounds", 6, "how many databags TestHostileDatabags spoils on each side of a library")
	hostileSeed   = flag.Uint64("hostile-seed", 0, "what chooses how TestHostileDatabags spoils them")
)

// hostileFetches are what the charms of libraries of interfaces call to learn
// what the other side tells, by the directory of the charm.
func hostileFetches() map[string]string {
	return map[string]string{
		"catalogue":               "fetched()",
		"certificate_transfer":    "fetched()",
		"cos_agent":               "fetched(), receivers()",
		"data_interfaces":         "[(requirers[name].fetch_all(), requirers[name].is_resource_created()) for name in requirers], [p.fetch() for p in providers.values()]",
		"grafana_dashboard":       "fetch()",
		"grafana_source":          "fetch(), to_delete(), fetch_grafanas()",
		"ingress":                 "fetched(), requested()",
		"ingress_per_unit":        "fetched(), requested()",
		"loki_push_api":           "fetch_rules(), fetch_targets(), fetch_urls()",
		"nginx_route":             "fetched()",
		"oauth":                   "fetched()",
		"otlp":                    "sending(), forwarder.fetch(), received()",
		"prometheus_remote_write": "endpoints(), alerts()",
		"prometheus_scrape":       "fetch()",
		"s3":                      "fetch_all(\"s3-credentials\"), fetch_all(\"backups\"), requests()",
		"tls_certificates":        "[c.fetch() for c in [certificates, app_certificates]], both.fetch(\"unit\"), denied_requests(), known_capabilities(), asking(), outstanding(), issued()",
		"tracing":                 "fetched(), requested()",
		"traefik_route":           "fetched(), requested()",
	}
}

// TestHostileDatabags has every library of an interface, on each side, meet
// databags that the other side has spoiled, in every event.
func TestHostileDatabags(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	fetches, packed := hostileFetches(), bomb(t)
	libraries, err := filepath.Glob("testdata/*/src/charm.star")
	require.NoError(t, err)
	loads := regexp.MustCompile(`"@std//interfaces/\w+.star", .*_(requires|provides)"|^load\(\n    "@std//interfaces/`)
	for _, script := range libraries {
		text, err := os.ReadFile(script)
		require.NoError(t, err)
		dir := filepath.Dir(filepath.Dir(script))
		name := filepath.Base(dir)
		if fetch, ok := fetches[name]; ok {
			delete(fetches, name)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				spoil(t, dir, packed, string(text)+"\ndef everything():\n    return "+fetch+"\n")
			})
		} else {
			assert.False(t, loads.Match(text), "hostileFetches has no %s", name)
		}
	}
	assert.Empty(t, slices.Collect(maps.Keys(fetches)), "there are no such charms")
}

// spoil runs testdata/hostile_test.star with the charm of a directory, which
// gets another script.
func spoil(t *testing.T, dir, bomb, script string) {
	charm := t.TempDir()
	require.NoError(t, os.CopyFS(charm, os.DirFS(dir)))
	require.NoError(t, os.RemoveAll(filepath.Join(charm, "tests")))
	require.NoError(t, os.Mkdir(filepath.Join(charm, "tests"), 0o755))
	test, err := os.ReadFile("testdata/hostile_test.star")
	require.NoError(t, err)
	for name, text := range map[string]string{
		"src/charm.star":          script,
		"tests/hostile_test.star": string(test),
		"tests/endpoints.star":    fmt.Sprintf("BOMB = %q\nENDPOINTS = %s\nROUNDS = %d\n", bomb, endpoints(t, dir), *hostileRounds),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(charm, name), []byte(text), 0o644))
	}
	suite, err := charmtest.Load(t.Context(), charm, charmtest.Options{Timeout: time.Duration(*hostileRounds) * 20 * time.Second, MaxSteps: 1_000_000_000, Jobs: 2, Seed: *hostileSeed})
	require.NoError(t, err)
	require.NotEmpty(t, suite.Names())
	suite.Run(t.Context(), func(r *charmtest.Result) {
		assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true))
	})
}

// bomb is JSON of nearly 16 MiB that ends too early, in very little xz and base64.
func bomb(t *testing.T) string {
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	require.NoError(t, err)
	_, err = w.Write([]byte("[" + strings.Repeat("0,", 8<<20-1)))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return base64.StdEncoding.EncodeToString(packed.Bytes())
}

// endpoints lists a charm's endpoints: the name, the role, and the endpoint of
// the other side, if the charm has it.
func endpoints(t *testing.T, dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "charmcraft.yaml"))
	require.NoError(t, err)
	type endpoint struct{ Interface string }
	var meta map[string]yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &meta))
	roles := map[string]map[string]endpoint{"requires": {}, "provides": {}, "peers": {}}
	for role, named := range roles {
		if node, ok := meta[role]; ok {
			require.NoError(t, node.Decode(&named))
		}
	}
	all := []map[string]string{}
	for role, other := range map[string]string{"requires": "provides", "provides": "requires", "peers": ""} {
		for name, e := range roles[role] {
			one := map[string]string{"name": name, "role": role, "partner": ""}
			for _, partner := range slices.Sorted(maps.Keys(roles[other])) {
				if roles[other][partner].Interface == e.Interface {
					one["partner"] = partner
					break
				}
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b map[string]string) int { return slices.Compare([]string{a["name"]}, []string{b["name"]}) })
	shown, err := json.Marshal(all)
	require.NoError(t, err)
	return string(shown)
}
