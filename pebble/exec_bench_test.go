package pebble_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
)

// BenchmarkExec runs commands by a genuine Pebble, and shows how much longer
// that takes than by Pebble's own command line, with its start, in the same run.
func BenchmarkExec(b *testing.B) {
	home, err := os.MkdirTemp("", "pb")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(home) })
	binary := peers.Pebble(b)
	env := append(os.Environ(), "PEBBLE="+home, "PEBBLE_PERSIST=never")
	daemon := exec.Command(binary, "run", "--hold", "--create-dirs")
	daemon.Env = env
	if err := daemon.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		daemon.Process.Kill()
		daemon.Wait()
	})
	client := pebble.New(pebble.Config{SocketPath: filepath.Join(home, ".pebble.socket")})
	ctx := context.Background()
	for _, err := client.SystemInfo(ctx); err != nil; _, err = client.SystemInfo(ctx) {
		time.Sleep(5 * time.Millisecond)
	}
	for _, bench := range []struct {
		name    string
		command []string
		output  int64
	}{{"true", []string{"true"}, 0}, {"64MB", []string{"head", "-c", "64000000", "/dev/zero"}, 64000000}} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(bench.output)
			b.ReportAllocs()
			var line time.Duration
			for range b.N {
				p, err := client.Exec(ctx, pebble.ExecOptions{Command: bench.command, Stdout: io.Discard, Stderr: io.Discard})
				if err != nil {
					b.Fatal(err)
				}
				if err := p.Wait(); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				begin := time.Now()
				cli := exec.Command(binary, append([]string{"exec", "-T", "--"}, bench.command...)...)
				cli.Env, cli.Stdout = env, struct{ io.Writer }{io.Discard}
				if err := cli.Run(); err != nil {
					b.Fatal(err)
				}
				line += time.Since(begin)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(line), "times-command-line")
		})
	}
}
