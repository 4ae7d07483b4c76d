package peers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// copyVariable tells a process of a test that it is the one that is to work in
// a copy of the machine, and where.
const copyVariable = "STARCHARM_TEST_COPY"

// OnACopyOfThisMachine runs a test once more, in a copy of this machine in memory that nobody else sees and that is gone with the
// test, processes included. It returns true in the copy, where the test is to do its work, and otherwise, when that is done, false.
// The network is this machine's, or there is none. Where no copy can be made the test is skipped.
func OnACopyOfThisMachine(t *testing.T, network bool) bool {
	t.Helper()
	if dir := os.Getenv(copyVariable); dir != "" {
		enterCopy(t, dir)
		return true
	}
	switch {
	case testing.Short():
		t.Skip("it makes a copy of the machine")
	case os.Getuid() != 0:
		t.Skip("only root can make a copy of the machine")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), copyVariable+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	if !network {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
	}
	output, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		t.Skipf("cannot make a copy of the machine: %v", err)
	case bytes.Contains(output, []byte("--- SKIP: "+t.Name()+" ")):
		t.Skipf("%s", output)
	case err != nil:
		t.Fatalf("%v\n%s", err, output)
	}
	t.Logf("%s", output)
	return false
}

// enterCopy takes this process to a copy of the machine's root file system below dir. What is written to it stays in memory. The
// working directory remains, if it is on the root file system, and is / otherwise.
func enterCopy(t *testing.T, dir string) {
	t.Helper()
	root, upper, work := filepath.Join(dir, "root"), filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	mount := func(source, target, kind string, flags uintptr, data string) {
		if err := unix.Mount(source, target, kind, flags, data); err != nil {
			t.Skipf("cannot make a copy of the machine: cannot mount %s: %v", target, err)
		}
	}
	do := func(err error) {
		if err != nil {
			t.Fatalf("cannot make a copy of the machine: %v", err)
		}
	}
	here, err := os.Getwd()
	do(err)
	resolvers, _ := os.ReadFile("/etc/resolv.conf") // often a link to what is on another file system; none: no network
	mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	mount("tmpfs", dir, "tmpfs", 0, "")
	for _, name := range []string{root, upper, work} {
		do(os.Mkdir(name, 0o755))
	}
	mount("overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=/,upperdir=%s,workdir=%s", upper, work))
	mount("/dev", filepath.Join(root, "dev"), "", unix.MS_BIND|unix.MS_REC, "")
	mount("proc", filepath.Join(root, "proc"), "proc", 0, "")
	do(unix.Chroot(root))
	do(os.Chdir("/"))
	do(os.MkdirAll("/tmp", 0o777))
	do(os.Chmod("/tmp", 0o777|os.ModeSticky))
	if err := os.Remove("/etc/resolv.conf"); err != nil && !errors.Is(err, os.ErrNotExist) {
		do(err)
	}
	do(os.WriteFile("/etc/resolv.conf", resolvers, 0o644))
	_ = os.Chdir(here) // on another file system: it is not there
}
