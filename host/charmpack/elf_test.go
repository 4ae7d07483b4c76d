package charmpack_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const amd64 = elf.EM_X86_64

// elfProgram writes a static program that does nothing, and could not: the
// header of one, and what segments it is asked for.
func elfProgram(t testing.TB, machine elf.Machine, segments ...elf.ProgType) string {
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(segments)), Shentsize: 64,
	}
	var file bytes.Buffer
	require.NoError(t, binary.Write(&file, binary.LittleEndian, header))
	for _, kind := range segments {
		require.NoError(t, binary.Write(&file, binary.LittleEndian, elf.Prog64{Type: uint32(kind)}))
	}
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o755))
	return path
}
