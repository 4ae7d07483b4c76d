package builtins

import (
	"bytes"
	"encoding/base64"
	"hash/crc32"
	"io"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
)

// TestCompressedIsXZ: other programs read what lzma.compress writes.
func TestCompressedIsXZ(t *testing.T) {
	for _, text := range []string{"", "a", `{"title": "FastAPI"}`, string(bytes.Repeat([]byte("dashboard "), 20_000))} {
		packed, err := compressXZ([]byte(text))
		require.NoError(t, err)
		r, err := xz.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
		if program, err := exec.LookPath("xz"); err == nil {
			cmd := exec.Command(program, "-dc")
			cmd.Stdin = bytes.NewReader(packed)
			got, err := cmd.Output()
			require.NoError(t, err)
			require.Equal(t, text, string(got))
		}
	}
}

// TestDecompressBlocks: a stream may have several blocks, each with a
// dictionary of its own, but not any number.
func TestDecompressBlocks(t *testing.T) {
	blocks := func(n int) []byte {
		var packed bytes.Buffer
		w, err := xz.WriterConfig{BlockSize: 10, DictCap: 1 << 16}.NewWriter(&packed)
		require.NoError(t, err)
		_, err = w.Write(bytes.Repeat([]byte("0123456789"), n))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return packed.Bytes()
	}
	got, err := decompressXZ(blocks(5), 100)
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte("0123456789"), 5), got)
	_, err = decompressXZ(blocks(5), 49)
	require.ErrorContains(t, err, "more than 49 bytes")
	_, err = decompressXZ(blocks(maxXZBlocks+1), 1000)
	require.ErrorContains(t, err, "more than 64 blocks")
}

// TestDecompressDictionary: a stream that asks for a dictionary of 4 GiB does
// not get it.
func TestDecompressDictionary(t *testing.T) {
	packed, err := compressXZ([]byte("small"))
	require.NoError(t, err)
	header := packed[12 : 12+int(packed[12]+1)*4]
	require.EqualValues(t, xzLZMA2, header[2])
	header[4] = 40 // 4 GiB - 1
	sum := crc32.ChecksumIEEE(header[:len(header)-4])
	copy(header[len(header)-4:], []byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := decompressXZ(packed, 1<<20)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Equal(t, "small", string(got))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20))
}

func FuzzDecompress(f *testing.F) {
	for _, text := range []string{"", "a", "abcabcabcabc"} {
		packed, err := compressXZ([]byte(text))
		require.NoError(f, err)
		f.Add(packed)
	}
	python, err := base64.StdEncoding.DecodeString("/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4AfPABNdADCYq/wd//f/1IEKn3RzgdJvugAAAHOrt8kAASvQDwAAACdOqH8+MA2LAgAAAAABWVo=")
	require.NoError(f, err)
	f.Add(python)
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 16
		got, err := decompressXZ(data, limit)
		if err == nil && len(got) > limit {
			t.Fatalf("%d bytes, want at most %d", len(got), limit)
		}
		// What is read is what the library reads.
		if err == nil {
			r, err := xz.NewReader(bytes.NewReader(data))
			require.NoError(t, err)
			want, err := io.ReadAll(io.LimitReader(r, limit+1))
			require.NoError(t, err)
			require.Equal(t, want, append([]byte{}, got...))
		}
	})
}
