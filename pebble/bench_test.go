package pebble_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
)

// BenchmarkFiles moves files to and from a genuine Pebble, and shows how much
// longer that takes than copying as many bytes over a unix socket.
func BenchmarkFiles(b *testing.B) {
	home, err := os.MkdirTemp("", "pb")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(home) })
	daemon := exec.Command(peers.Pebble(b), "run", "--hold", "--create-dirs")
	daemon.Env = append(os.Environ(), "PEBBLE="+home, "PEBBLE_PERSIST=never")
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

	path := filepath.Join(home, "file")
	for _, size := range []int{1 << 20, 64 << 20} {
		content := bytes.Repeat([]byte("0123456789abcdef"), size/16)
		push := func() error { return client.Push(ctx, path, bytes.NewReader(content), pebble.PushOptions{}) }
		pull := func() error {
			file, err := client.Pull(ctx, path)
			if err != nil {
				return err
			}
			defer file.Close()
			n, err := io.Copy(io.Discard, file)
			if err == nil && n != int64(size) {
				err = fmt.Errorf("read %d bytes, want %d", n, size)
			}
			return err
		}
		for _, transfer := range []struct {
			name string
			do   func() error
		}{{"push", push}, {"pull", pull}} {
			b.Run(fmt.Sprintf("%s-%dMB", transfer.name, size>>20), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				var copying time.Duration
				for range b.N {
					if err := transfer.do(); err != nil {
						b.Fatal(err)
					}
					b.StopTimer()
					copying += copyOverSocket(b, home, content)
					b.StartTimer()
				}
				b.ReportMetric(float64(b.Elapsed())/float64(copying), "times-socket-copy")
			})
		}
	}
}

// copyOverSocket says how long it takes to copy content over a unix socket.
func copyOverSocket(b *testing.B, dir string, content []byte) time.Duration {
	listener, err := net.Listen("unix", filepath.Join(dir, "copy"))
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	begin := time.Now()
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			conn.Write(content)
			conn.Close()
		}
	}()
	conn, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	if n, err := io.Copy(io.Discard, conn); err != nil || n != int64(len(content)) {
		b.Fatalf("copied %d bytes: %v", n, err)
	}
	return time.Since(begin)
}
