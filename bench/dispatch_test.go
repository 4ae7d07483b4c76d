package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// process runs a program once, as Juju runs a dispatch.
func process(path, dir string, env []string, args ...string) func() error {
	return func() error {
		cmd := exec.Command(path, args...)
		cmd.Dir, cmd.Env, cmd.Stderr = dir, env, os.Stderr
		return cmd.Run()
	}
}

// BenchmarkDispatch is a hook from the start of its process to its end.
func BenchmarkDispatch(b *testing.B) {
	p := built(b)
	for _, c := range []struct{ name, script string }{{"noop", noopScript}, {"log", logScript}} {
		b.Run(c.name, func(b *testing.B) {
			dir := writeCharm(b, c.script, p.starcharm)
			a := newAgent(b, dir, 0)
			compare(b,
				contestant{name: "hook", run: process(filepath.Join(dir, "dispatch"), dir, a.environ())},
				contestant{name: "hello", run: process(p.hello, dir, a.environ())},
			)
		})
	}
}

// BenchmarkFootprint is what a hook takes of a disk and of memory.
func BenchmarkFootprint(b *testing.B) {
	p := built(b)
	info, err := os.Stat(p.starcharm)
	if err != nil {
		b.Fatal(err)
	}
	peak := func(env []string, program string) (float64, error) {
		cmd := exec.Command(p.peak, program)
		cmd.Env, cmd.Stderr = env, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return 0, err
		}
		kib, err := strconv.Atoi(string(out))
		return float64(kib) / 1024, err
	}
	dir := writeCharm(b, noopScript, p.starcharm)
	a := newAgent(b, dir, 0)
	var hook, hello []float64
	for b.Loop() {
		for _, c := range []struct {
			program string
			peaks   *[]float64
		}{{filepath.Join(dir, "dispatch"), &hook}, {p.hello, &hello}} {
			mib, err := peak(a.environ(), c.program)
			if err != nil {
				b.Fatal(fmt.Errorf("%s: %w", c.program, err))
			}
			*c.peaks = append(*c.peaks, mib)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
	b.ReportMetric(lowerQuartile(hook), "MiB-hook")
	b.ReportMetric(lowerQuartile(hello), "MiB-hello")
}
