package machinetest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
)

// A randomness gives the same bytes each time for a seed and a unit.
type randomness struct {
	seed uint64

	mu     sync.Mutex
	stream *rand.ChaCha8
	taken  bool
}

func newRandomness(seed uint64, unit string) *randomness {
	key := sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, unit))
	return &randomness{seed: seed, stream: rand.NewChaCha8(key)}
}

func (r *randomness) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = true
	return r.stream.Read(b)
}

// next is the seed of what comes after the bytes that were taken.
func (r *randomness) next() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.taken {
		return r.seed
	}
	return r.seed + 1
}
