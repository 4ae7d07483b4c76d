package charmpack

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxProgram is how large the program that becomes dispatch may be.
const maxProgram = 256 << 20

// A program is the open file that becomes dispatch.
type program struct {
	*os.File
	path string
	size int64
	arch string
}

// openProgram opens a program for Linux that runs on its own.
func openProgram(path string) (*program, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the program for dispatch: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot use %s as dispatch: it is not a regular file", path)
	}
	if info.Size() > maxProgram {
		return nil, fmt.Errorf("cannot use %s as dispatch: it is larger than %d MiB", path, maxProgram>>20)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the program for dispatch: %w", err)
	}
	arch, err := architecture(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot use %s as dispatch: %w", path, err)
	}
	return &program{file, path, info.Size(), arch}, nil
}

// architecture is that of a static program for Linux, by its name in Debian.
func architecture(file io.ReaderAt) (string, error) {
	f, err := elf.NewFile(file)
	if err != nil {
		return "", errors.New("it is no program for Linux; name one with --runtime")
	}
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return "", errors.New("it is no program, but a part of one")
	}
	for _, segment := range f.Progs {
		if segment.Type == elf.PT_INTERP {
			return "", errors.New("it needs libraries that units may not have; build it with CGO_ENABLED=0")
		}
	}
	switch {
	case f.Machine == elf.EM_X86_64:
		return "amd64", nil
	case f.Machine == elf.EM_AARCH64:
		return "arm64", nil
	case f.Machine == elf.EM_PPC64 && f.ByteOrder.String() == "LittleEndian":
		return "ppc64el", nil
	case f.Machine == elf.EM_RISCV && f.Class == elf.ELFCLASS64:
		return "riscv64", nil
	case f.Machine == elf.EM_S390 && f.Class == elf.ELFCLASS64:
		return "s390x", nil
	}
	return "", fmt.Errorf("its architecture, %s, is none that Juju knows", f.Machine)
}
