package builtins

import (
	"encoding/binary"
	"math/bits"
)

// maxBlake2b is how long a BLAKE2b digest may be, in bytes.
const maxBlake2b = 64

// blake2b returns the BLAKE2b digest (RFC 7693) of data, without a key and
// size bytes long. The Python libraries of charms name things by it.
func blake2b(data []byte, size int) []byte {
	h := blake2bIV()
	h[0] ^= 0x01010000 ^ uint64(size)
	var done uint64
	for len(data) > blake2bBlock {
		done += blake2bBlock
		blake2bCompress(&h, data[:blake2bBlock], done, false)
		data = data[blake2bBlock:]
	}
	last := make([]byte, blake2bBlock)
	copy(last, data)
	blake2bCompress(&h, last, done+uint64(len(data)), true)
	var sum []byte
	for _, word := range h {
		sum = binary.LittleEndian.AppendUint64(sum, word)
	}
	return sum[:size]
}

const blake2bBlock = 128

func blake2bIV() [8]uint64 {
	return [8]uint64{
		0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
		0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
	}
}

// blake2bCompress is the RFC's function F: done counts the bytes up to the
// end of this block.
func blake2bCompress(h *[8]uint64, block []byte, done uint64, last bool) {
	schedule := [10][16]byte{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
		{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
		{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
		{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
		{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
		{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
		{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
		{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
		{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
	}
	var m, v [16]uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(block[8*i:])
	}
	iv := blake2bIV()
	copy(v[:8], h[:])
	copy(v[8:], iv[:])
	v[12] ^= done
	if last {
		v[14] = ^v[14]
	}
	mix := func(a, b, c, d int, x, y uint64) {
		v[a] += v[b] + x
		v[d] = bits.RotateLeft64(v[d]^v[a], -32)
		v[c] += v[d]
		v[b] = bits.RotateLeft64(v[b]^v[c], -24)
		v[a] += v[b] + y
		v[d] = bits.RotateLeft64(v[d]^v[a], -16)
		v[c] += v[d]
		v[b] = bits.RotateLeft64(v[b]^v[c], -63)
	}
	for round := range 12 {
		s := schedule[round%10]
		for i := range 4 {
			mix(i, 4+i, 8+i, 12+i, m[s[2*i]], m[s[2*i+1]])
		}
		for i := range 4 {
			mix(i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4, m[s[8+2*i]], m[s[9+2*i]])
		}
	}
	for i := range h {
		h[i] ^= v[i] ^ v[8+i]
	}
}
