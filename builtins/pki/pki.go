// Package pki makes and reads X.509 certificates, the requests for them, and
// private keys, as PEM text. It knows neither Starlark nor Juju.
//
// What it reads may come from anywhere: sizes and numbers are bounded, and what
// does not fit is an [Error] in this package's own words.
//
// Randomness and time are given by the caller. The same input makes the same
// key, request and certificate: signatures take no randomness (RFC 6979).
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

const (
	maxText         = 64 << 10 // of one certificate, request or key, in bytes
	maxChainText    = 1 << 20
	maxCertificates = 100
	maxRSABits      = 8192 // what checking a signature may cost
)

// A Problem is what kind of thing went wrong.
type Problem int

// The problems.
const (
	// Invalid: what is asked for makes no key, request or certificate.
	Invalid Problem = iota
	// Unreadable: a text is not what it should be.
	Unreadable
	// Untrusted: a signature or chain does not hold.
	Untrusted
)

// An Error says what is wrong with a text, or with what was asked for.
type Error struct {
	Problem Problem
	Message string
}

func (e *Error) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &Error{Invalid, fmt.Sprintf(format, args...)}
}

func unreadable(format string, args ...any) error {
	return &Error{Unreadable, fmt.Sprintf(format, args...)}
}

func untrusted(format string, args ...any) error {
	return &Error{Untrusted, fmt.Sprintf(format, args...)}
}

// firstBlock finds the first PEM block of one of these types; what is called
// so in messages, which never show the text: it may be a key.
func firstBlock(what, text string, types ...string) (*pem.Block, error) {
	if len(text) > maxText {
		return nil, unreadable("cannot read the %s: it has %d bytes, want at most %d", what, len(text), maxText)
	}
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, unreadable("cannot read the %s: it is not PEM text, -----BEGIN %s-----", what, types[0])
		}
		if slices.Contains(types, block.Type) {
			return block, nil
		}
	}
}

// encode is PEM text without white space around it.
func encode(kind string, der []byte) string {
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// checkPublicKey refuses a public key that nothing here can work with.
func checkPublicKey(what string, key any) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits > maxRSABits {
			return unreadable("cannot read the %s: its RSA key has %d bits, want at most %d", what, bits, maxRSABits)
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return unreadable("cannot read the %s: its public key is none of RSA, ECDSA and Ed25519", what)
	}
	return nil
}

// A Holder has a public key: a [Key], [Request] or [Certificate].
type Holder interface{ publicKey() crypto.PublicKey }

// SameKey says whether two have the same public key, for instance a certificate
// and the private key that it is for.
func SameKey(a, b Holder) bool {
	key, ok := a.publicKey().(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b.publicKey())
}

// ParseHolder reads a certificate, a request or a private key.
func ParseHolder(text string) (Holder, error) {
	block, err := firstBlock("text", text, append([]string{"CERTIFICATE", "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}, keyBlocks...)...)
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case "CERTIFICATE":
		return ParseCertificate(text)
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return ParseRequest(text)
	}
	return ParseKey(text)
}

// keyID is the identifier of a public key in certificates (RFC 7093, method 1).
func keyID(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, invalid("cannot use the public key")
	}
	sum := sha256.Sum256(der)
	return sum[:20], nil
}
