package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrProtected is the error of [Machine.Signal] for a process that gets none.
var ErrProtected = errors.New("it is the machine's first process, or of the hook's own process group")

// maxComm is how much of a program's name the kernel keeps, in bytes.
const maxComm = 15

func (real) Signal(pid int, name string, s syscall.Signal) (bool, error) {
	// The handle makes sure that it is still the same process that gets the
	// signal after its name was looked at.
	p, err := os.FindProcess(pid)
	if err != nil {
		return false, err
	}
	defer p.Release()
	comm, alive, err := program(pid)
	if err != nil || !alive || name != "" && comm != name[:min(len(name), maxComm)] {
		return false, err
	}
	if s == 0 {
		return true, nil
	}
	if group, err := unix.Getpgid(pid); pid == 1 || err == nil && group == unix.Getpgrp() {
		return true, ErrProtected
	}
	err = p.Signal(s)
	if errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) {
		return false, nil
	}
	return err == nil, err
}

// program is the name of the program that a process runs, and whether it has
// not ended.
func program(pid int) (name string, alive bool, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if errors.Is(err, syscall.ESRCH) { // it has ended since
		return "", false, nil
	}
	begin, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if err != nil || begin < 0 || end < begin || end+2 >= len(text) {
		return "", false, errors.Join(err, fmt.Errorf("cannot read the state of process %d", pid))
	}
	state := text[end+2]
	return string(text[begin+1 : end]), state != 'Z' && state != 'X', nil
}

func (real) LookPath(program string) (string, error) {
	path, err := exec.LookPath(program)
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return "", nil
	}
	return path, err
}
