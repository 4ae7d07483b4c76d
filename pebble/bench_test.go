package pebble_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
)

// genuineClient is a client of a genuine Pebble, and a directory for files.
func genuineClient(b *testing.B) (*pebble.Client, string) {
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
	return client, home
}

// BenchmarkFiles moves files to and from a genuine Pebble, and shows how much
// longer that takes than copying as many bytes over a unix socket.
func BenchmarkFiles(b *testing.B) {
	client, home := genuineClient(b)
	ctx := context.Background()
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

// BenchmarkSmallFiles moves 1,000 files of 100 bytes to and from a genuine
// Pebble, one by one and 100 in a request, and shows how much faster the latter
// is.
func BenchmarkSmallFiles(b *testing.B) {
	client, home := genuineClient(b)
	ctx := context.Background()
	const count, batch = 1000, 100
	content := strings.Repeat("x", 100)
	var paths []string
	for i := range count {
		paths = append(paths, filepath.Join(home, fmt.Sprintf("file-%d", i)))
	}
	check := func(failures []error, err error) error { return errors.Join(append(failures, err)...) }
	pushOne := func() (err error) {
		for i := 0; i < count && err == nil; i++ {
			err = client.Push(ctx, paths[i], strings.NewReader(content), pebble.PushOptions{})
		}
		return err
	}
	pushMany := func() (err error) {
		for i := 0; i < count && err == nil; i += batch {
			var files []pebble.PushFile
			for _, path := range paths[i : i+batch] {
				files = append(files, pebble.PushFile{Path: path, Content: strings.NewReader(content)})
			}
			err = check(client.PushFiles(ctx, files))
		}
		return err
	}
	pullOne := func() (err error) {
		for i := 0; i < count && err == nil; i++ {
			var file *pebble.File
			if file, err = client.Pull(ctx, paths[i]); err == nil {
				_, err = io.Copy(io.Discard, file)
				file.Close()
			}
		}
		return err
	}
	pullMany := func() (err error) {
		for i := 0; i < count && err == nil; i += batch {
			err = check(client.PullFiles(ctx, paths[i:i+batch], func(_ string, content io.Reader) error {
				_, err := io.Copy(io.Discard, content)
				return err
			}))
		}
		return err
	}
	for _, transfer := range []struct {
		name      string
		one, many func() error
	}{{"push", pushOne, pushMany}, {"pull", pullOne, pullMany}} {
		b.Run(transfer.name, func(b *testing.B) {
			var single time.Duration
			for range b.N {
				if err := transfer.many(); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				begin := time.Now()
				if err := transfer.one(); err != nil {
					b.Fatal(err)
				}
				single += time.Since(begin)
				b.StartTimer()
			}
			b.ReportMetric(float64(single)/float64(b.Elapsed()), "times-faster")
			b.ReportMetric(float64(single.Milliseconds())/float64(b.N), "ms-one-by-one")
		})
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
