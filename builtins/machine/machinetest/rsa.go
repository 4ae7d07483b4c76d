package machinetest

import (
	"crypto/rsa"
	"io"
	"math/big"
)

// GenerateRSA makes the key that the seed chooses. Anybody could make it again:
// it is for simulations alone.
func (m *Machine) GenerateRSA(bits int) (*rsa.PrivateKey, error) {
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, err := m.prime(bits / 2)
		if err != nil {
			return nil, err
		}
		q, err := m.prime(bits - bits/2)
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
func (m *Machine) prime(bits int) (*big.Int, error) {
	raw := make([]byte, bits/8)
	if _, err := io.ReadFull(m.random, raw); err != nil {
		return nil, err
	}
	raw[0] |= 0xc0
	raw[len(raw)-1] |= 1
	start, p := new(big.Int).SetBytes(raw), new(big.Int)
	// Numbers with a small factor are passed over before the costly test.
	var factors, remainders []uint64
	for f := uint64(3); f < 4096; f += 2 {
		if new(big.Int).SetUint64(f).ProbablyPrime(0) {
			factors = append(factors, f)
			remainders = append(remainders, p.Mod(start, p.SetUint64(f)).Uint64())
		}
	}
search:
	for step := uint64(0); ; step += 2 {
		for i, f := range factors {
			if (remainders[i]+step)%f == 0 {
				continue search
			}
		}
		if p.Add(start, p.SetUint64(step)).ProbablyPrime(0) {
			return p, nil
		}
	}
}
