package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const (
	rsaBlock   = "RSA PRIVATE KEY"
	ecBlock    = "EC PRIVATE KEY"
	pkcs8Block = "PRIVATE KEY"
)

var keyBlocks = []string{rsaBlock, ecBlock, pkcs8Block}

// A Key is a private key.
type Key struct {
	signer crypto.Signer
	// Kind is "rsa", "ecdsa" or "ed25519".
	Kind string
	// Bits is the size of an RSA key's modulus or of an ECDSA key's curve, 256
	// for Ed25519.
	Bits int
}

func newKey(signer any) (*Key, error) {
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		return &Key{key, "rsa", key.N.BitLen()}, checkPublicKey("private key", &key.PublicKey)
	case *ecdsa.PrivateKey:
		return &Key{key, "ecdsa", key.Curve.Params().BitSize}, nil
	case ed25519.PrivateKey:
		return &Key{key, "ed25519", 256}, nil
	}
	return nil, unreadable("cannot read the private key: it is none of RSA, ECDSA and Ed25519")
}

// GenerateRSA makes an RSA key with what generates them on this machine.
func GenerateRSA(bits int, generate func(bits int) (*rsa.PrivateKey, error)) (*Key, error) {
	if !slices.Contains([]int{2048, 3072, 4096}, bits) {
		return nil, invalid("cannot generate an RSA key of %d bits, want 2048, 3072 or 4096", bits)
	}
	key, err := generate(bits)
	if err != nil {
		return nil, fmt.Errorf("cannot generate an RSA key: %w", err)
	}
	return newKey(key)
}

// GenerateECDSA makes an ECDSA key on a curve: "p256", "p384" or "p521".
func GenerateECDSA(curve string, random io.Reader) (*Key, error) {
	curves := map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()}
	c := curves[curve]
	if c == nil {
		return nil, invalid("cannot generate an ECDSA key on the curve %q, want one of %s", curve, strings.Join(slices.Sorted(maps.Keys(curves)), ", "))
	}
	order := c.Params().N
	raw := make([]byte, (order.BitLen()+7)/8)
	for {
		if _, err := io.ReadFull(random, raw); err != nil {
			return nil, fmt.Errorf("cannot get random bytes: %w", err)
		}
		// Of numbers with as many bits as the order, those out of its range are
		// passed over: all keys have the same chance.
		raw[0] &= byte(0xff >> (8*len(raw) - order.BitLen()))
		if key, err := ecdsa.ParseRawPrivateKey(c, raw); err == nil {
			return newKey(key)
		}
	}
}

// GenerateEd25519 makes an Ed25519 key.
func GenerateEd25519(random io.Reader) (*Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("cannot get random bytes: %w", err)
	}
	return newKey(ed25519.NewKeyFromSeed(seed))
}

// ParseKey reads a private key: PKCS #1, SEC 1 or PKCS #8, not encrypted.
func ParseKey(text string) (*Key, error) {
	block, err := firstBlock("private key", text, keyBlocks...)
	if err != nil {
		return nil, err
	}
	if block.Headers["DEK-Info"] != "" {
		return nil, unreadable("cannot read the private key: it is encrypted")
	}
	var key any
	switch block.Type {
	case rsaBlock:
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case ecBlock:
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, unreadable("cannot read the private key: what its PEM text holds is damaged, or of a kind other than RSA, ECDSA and Ed25519")
	}
	return newKey(key)
}

// PEM is the key in the form that is usual for its kind: PKCS #1 for RSA, SEC 1
// for ECDSA, PKCS #8 for Ed25519.
func (k *Key) PEM() string {
	switch key := k.signer.(type) {
	case *rsa.PrivateKey:
		return encode(rsaBlock, x509.MarshalPKCS1PrivateKey(key))
	case *ecdsa.PrivateKey:
		if der, err := x509.MarshalECPrivateKey(key); err == nil { // always, for the curves there are
			return encode(ecBlock, der)
		}
	}
	return k.PKCS8()
}

// PKCS8 is the key as PKCS #8.
func (k *Key) PKCS8() string {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		panic(err) // newKey takes no key that cannot be marshalled
	}
	return encode(pkcs8Block, der)
}

func (k *Key) publicKey() crypto.PublicKey { return k.signer.Public() }

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return k.signer.Public() }

// Sign implements crypto.Signer. It takes no randomness.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.signer.Sign(nil, digest, opts)
}

func (k *Key) algorithm() x509.SignatureAlgorithm {
	switch k.Kind {
	case "rsa":
		return x509.SHA256WithRSA
	case "ecdsa":
		return x509.ECDSAWithSHA256
	}
	return x509.PureEd25519
}
