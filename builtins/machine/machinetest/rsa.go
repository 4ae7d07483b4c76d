package machinetest

import (
	"crypto/rsa"
	"io"
	"math/big"
	"math/rand/v2"
	"sync"
)

// Keys remembers the RSA keys that simulated machines made. They are costly, and
// machines of one seed ask for the same ones. Many goroutines may use it.
type Keys struct {
	mu   sync.Mutex
	made map[keySeed]*rsa.PrivateKey
}

// A keySeed is what decides which key is made.
type keySeed struct {
	bits   int
	random [32]byte
}

// ShareKeys has the machine look for its RSA keys among those of others first;
// nil: it makes its own.
func (m *Machine) ShareKeys(k *Keys) { m.keys = k }

// GenerateRSA makes the key that the seed chooses. Anybody could make it again:
// it is for simulations alone.
func (m *Machine) GenerateRSA(bits int) (*rsa.PrivateKey, error) {
	seed := keySeed{bits: bits}
	if _, err := io.ReadFull(m.random, seed.random[:]); err != nil {
		return nil, err
	}
	if m.keys == nil {
		return seed.generate()
	}
	m.keys.mu.Lock()
	defer m.keys.mu.Unlock()
	if key := m.keys.made[seed]; key != nil {
		return key, nil
	}
	key, err := seed.generate()
	if err != nil {
		return nil, err
	}
	if m.keys.made == nil {
		m.keys.made = map[keySeed]*rsa.PrivateKey{}
	}
	m.keys.made[seed] = key
	return key, nil
}

func (s keySeed) generate() (*rsa.PrivateKey, error) {
	random := rand.NewChaCha8(s.random)
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, err := prime(random, s.bits/2)
		if err != nil {
			return nil, err
		}
		q, err := prime(random, s.bits-s.bits/2)
		if err != nil {
			return nil, err
		}
		totient := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, totient)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		return key, key.Validate()
	}
}

// prime is a prime number of so many bits, of which the two highest are set.
func prime(random io.Reader, bits int) (*big.Int, error) {
	raw := make([]byte, bits/8)
	if _, err := io.ReadFull(random, raw); err != nil {
		return nil, err
	}
	raw[0] |= 0xc0
	raw[len(raw)-1] |= 1
	// Numbers with a small factor are passed over before the costly tests, and
	// what is not prime fails the first of them.
	start, p := new(big.Int).SetBytes(raw), new(big.Int)
	factors := smallPrimes(1 << 16)
	remainders := make([]uint64, len(factors))
	for i, f := range factors {
		remainders[i] = p.Mod(start, p.SetUint64(f)).Uint64()
	}
	one, two, power := big.NewInt(1), big.NewInt(2), new(big.Int)
search:
	for step := uint64(0); ; step += 2 {
		for i, f := range factors {
			if (remainders[i]+step)%f == 0 {
				continue search
			}
		}
		p.Add(start, p.SetUint64(step))
		if power.Exp(two, power.Sub(p, one), p).Cmp(one) == 0 && p.ProbablyPrime(0) {
			return p, nil
		}
	}
}

// smallPrimes are the odd prime numbers below a bound.
func smallPrimes(bound int) []uint64 {
	composite := make([]bool, bound)
	var primes []uint64
	for n := 3; n < bound; n += 2 {
		if composite[n] {
			continue
		}
		primes = append(primes, uint64(n))
		for multiple := n * n; multiple < bound; multiple += 2 * n {
			composite[multiple] = true
		}
	}
	return primes
}
