package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
)

// phasesVariable makes this test binary one hook that prints a [hookPhases].
const phasesVariable = "STARCHARM_BENCH_PHASES"

// hookPhases are the parts of the first hook of a process, in nanoseconds.
type hookPhases struct {
	Parse, Load, Dispatch time.Duration
}

// phases runs the hook that the environment tells of.
func phases() error {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	start := time.Now()
	hook, err := model.ParseContext(env)
	if err != nil {
		return err
	}
	tools, err := hooktool.Open(env, hooktool.Options{})
	if err != nil {
		return err
	}
	defer tools.Close()
	parsed := time.Now()
	charm, err := host.LoadDir(hook.CharmDir)
	if err != nil {
		return err
	}
	loaded := time.Now()
	if err := charm.Dispatch(context.Background(), host.Options{Context: hook, Tools: tools, Machine: machine.Real(), Stderr: os.Stderr}); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(hookPhases{parsed.Sub(start), loaded.Sub(parsed), time.Since(loaded)})
}

// BenchmarkPhases tells where the time of a hook goes: what each package's
// initialisation takes (logged, and in all), and the three parts of the hook
// when nothing is warm. What is left to BenchmarkDispatch's figure is the
// system and Go's runtime, starting and ending the process.
func BenchmarkPhases(b *testing.B) {
	p := built(b)
	dir := writeCharm(b, logScript, p.starcharm)
	a := newAgent(b, dir, 0)
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	inits := map[string][]float64{}
	var total, parse, load, dispatch []float64
	for b.Loop() {
		cmd := exec.Command(filepath.Join(dir, "dispatch"))
		cmd.Env = append(a.environ(), "GODEBUG=inittrace=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		sum := 0.0
		for name, µs := range initTimes(out) {
			inits[name] = append(inits[name], µs)
			sum += µs
		}
		total = append(total, sum)

		cmd = exec.Command(self)
		cmd.Env = append(a.environ(), phasesVariable+"=1")
		if out, err = cmd.Output(); err != nil {
			b.Fatal(err)
		}
		var part hookPhases
		if err := json.Unmarshal(out, &part); err != nil {
			b.Fatal(err)
		}
		parse = append(parse, microseconds(part.Parse))
		load = append(load, microseconds(part.Load))
		dispatch = append(dispatch, microseconds(part.Dispatch))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(lowerQuartile(total), "init-µs")
	b.ReportMetric(lowerQuartile(parse), "context-µs")
	b.ReportMetric(lowerQuartile(load), "load-µs")
	b.ReportMetric(lowerQuartile(dispatch), "dispatch-µs")
	each := map[string]float64{}
	for name, values := range inits {
		each[name] = lowerQuartile(values)
	}
	slowest := slices.SortedFunc(maps.Keys(each), func(x, y string) int { return cmp.Compare(each[y], each[x]) })
	for _, name := range slowest[:min(9, len(slowest))] { // a benchmark's log has ten lines
		b.Logf("init %6.1f µs  %s", each[name], name)
	}
}

// initTimes reads what GODEBUG=inittrace=1 prints: microseconds by package.
func initTimes(trace []byte) map[string]float64 {
	times := map[string]float64{}
	for _, line := range regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`).FindAllSubmatch(trace, -1) {
		if ms, err := strconv.ParseFloat(string(line[2]), 64); err == nil {
			times[string(line[1])] = ms * 1000
		}
	}
	return times
}
