package peers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keep is how long a build that nobody uses any more stays in the cache.
const keep = 7 * 24 * time.Hour

// need builds the packages of the nested module name and returns the directory of the programs, which are named as the last
// elements of the packages' paths. It ends the test when that fails, and skips it under -short.
func need(t testing.TB, name string, packages ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skipf("the genuine %s is not used under -short", name)
	}
	dir, err := build(name, packages...)
	if err != nil {
		t.Fatalf("cannot build the genuine %s: %v", name, err)
	}
	return dir
}

// build returns the directory with the programs of the nested module name, from the user's cache.
func build(name string, packages ...string) (string, error) {
	module, err := source(name)
	if err != nil {
		return "", err
	}
	cache, env, err := cacheDir()
	if err != nil {
		return "", err
	}
	return cached(cache, module, env, packages)
}

// cached returns the directory in cache with the programs of a module, building them when they are not there yet. Test binaries
// that run at the same time wait for one of them to build.
func cached(cache, module string, env, packages []string) (string, error) {
	key, err := fingerprint(module, packages)
	if err != nil {
		return "", err
	}
	name := filepath.Base(module)
	target := filepath.Join(cache, name+"-"+key)
	if used(target) {
		return target, nil
	}
	unlock, err := lock(filepath.Join(cache, name+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if used(target) {
		return target, nil
	}
	if err := compile(module, target, env, packages); err != nil {
		return "", err
	}
	return target, forget(cache, name)
}

// compile builds into a directory beside target and renames it, so that target is whole or absent.
func compile(module, target string, env, packages []string) error {
	partial, err := os.MkdirTemp(filepath.Dir(target), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	args := append([]string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", partial + string(filepath.Separator)}, packages...)
	command := exec.Command("go", args...)
	command.Dir = module
	command.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="), env...)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, output)
	}
	return os.Rename(partial, target)
}

// source finds the nested module beside this file, or, in a test built with -trimpath, from the working directory upwards.
func source(name string) (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		if dir := filepath.Join(filepath.Dir(file), name); isFile(filepath.Join(dir, "go.mod")) {
			return dir, nil
		}
	}
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if dir := filepath.Join(at, "testdata", "peers", name); isFile(filepath.Join(dir, "go.mod")) {
			return dir, nil
		}
		parent := filepath.Dir(at)
		if parent == at {
			return "", fmt.Errorf("testdata/peers/%s/go.mod was not found above the working directory", name)
		}
		at = parent
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// fingerprint tells builds apart: by what is built, from which sources, with which Go, for which machine.
func fingerprint(module string, packages []string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH, packages)
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isSource(path) {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		fmt.Fprintln(sum, strings.TrimPrefix(path, module))
		_, err = io.Copy(sum, file)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}

func isSource(path string) bool {
	switch filepath.Ext(path) {
	case ".go", ".mod", ".sum":
		return !strings.HasSuffix(path, "_test.go")
	}
	return false
}

// cacheDir is where builds are kept. Without a home directory that is a temporary one, and Go's own caches (env) lie there too.
func cacheDir() (dir string, env []string, err error) {
	home, err := os.UserCacheDir()
	if err != nil {
		home = filepath.Join(os.TempDir(), fmt.Sprintf("starcharm-%d", os.Getuid()))
		env = []string{"GOCACHE=" + filepath.Join(home, "go-build"), "GOPATH=" + filepath.Join(home, "go")}
	}
	dir = filepath.Join(home, "starcharm", "peers")
	return dir, env, os.MkdirAll(dir, 0o700)
}

// used says whether a build is there, and notes that it is in use.
func used(dir string) bool {
	now := time.Now()
	return os.Chtimes(dir, now, now) == nil
}

// forget removes builds of the same peer that were not used for long.
func forget(cache, name string) error {
	builds, err := filepath.Glob(filepath.Join(cache, name+"-*"))
	if err != nil {
		return err
	}
	for _, dir := range builds {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if time.Since(info.ModTime()) > keep {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// lock waits for the lock file at path.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}
