package pki

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"
)

const certificateBlock = "CERTIFICATE"

// A Certificate says whose a public key is.
type Certificate struct {
	Attributes
	// PEM is the text, written in the usual way.
	PEM string
	// Subject and Issuer are names as RFC 2253 writes them.
	Subject, Issuer string
	// Serial is a number in hexadecimal.
	Serial              string
	NotBefore, NotAfter time.Time
	IsCA                bool
	// Fingerprint is the SHA-256 of the certificate in hexadecimal.
	Fingerprint string
	certificate *x509.Certificate
}

// ParseCertificate reads a certificate. Nothing is said of who signed it.
func ParseCertificate(text string) (*Certificate, error) {
	block, err := firstBlock("certificate", text, certificateBlock)
	if err != nil {
		return nil, err
	}
	return parseCertificate(block.Bytes)
}

func parseCertificate(der []byte) (*Certificate, error) {
	const what = "certificate"
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, unreadable("cannot read the %s: what its PEM text holds is damaged", what)
	}
	if err := checkPublicKey(what, certificate.PublicKey); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	c := &Certificate{
		PEM:       encode(certificateBlock, der),
		Subject:   certificate.Subject.String(),
		Issuer:    certificate.Issuer.String(),
		Serial:    certificate.SerialNumber.Text(16),
		NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter,
		IsCA:        certificate.BasicConstraintsValid && certificate.IsCA,
		Fingerprint: hex.EncodeToString(sum[:]),
		certificate: certificate,
	}
	c.Attributes, err = readAttributes(what, certificate.Subject, certificate.Extensions)
	return c, err
}

func (c *Certificate) publicKey() crypto.PublicKey { return c.certificate.PublicKey }

// Signing is how a certificate is made.
type Signing struct {
	Random   io.Reader // of the serial number
	Now      time.Time
	Validity time.Duration
	IsCA     bool
}

// maxValidity keeps dates within what certificates can hold.
const maxValidity = 100 * 366 * 24 * time.Hour

// NewAuthority makes the certificate of an authority that vouches for itself.
func NewAuthority(key *Key, a Attributes, s Signing) (*Certificate, error) {
	if err := a.Normalize(); err != nil {
		return nil, err
	}
	if a.CommonName == "" {
		return nil, invalid("cannot make the certificate of an authority without a common_name")
	}
	a.SANsEmail = nil
	s.IsCA = true
	subject, err := a.subject()
	if err != nil {
		return nil, fmt.Errorf("cannot write the subject: %w", err)
	}
	template, err := s.template(key.Public(), subject, a)
	if err != nil {
		return nil, err
	}
	return s.sign(template, template, key)
}

// Issue makes the certificate that a request asks for, signed by an authority.
// It certifies the request's subject and alternative names; extensions that
// the request asks for besides are left out. It ends with the authority's at
// the latest.
func Issue(r *Request, authority *Certificate, key *Key, s Signing) (*Certificate, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	switch {
	case !authority.IsCA:
		return nil, invalid("cannot sign with the certificate %s: it is not that of an authority", authority.Subject)
	case !SameKey(authority, key):
		return nil, invalid("cannot sign with the certificate %s: the private key is not its own", authority.Subject)
	case !s.Now.Before(authority.NotAfter):
		return nil, untrusted("cannot sign with the certificate %s: it has expired", authority.Subject)
	}
	// The subject as it was written: it may have attributes that are not read here.
	template, err := s.template(r.request.PublicKey, r.request.RawSubject, r.Attributes)
	if err != nil {
		return nil, err
	}
	if template.NotAfter.After(authority.NotAfter) {
		template.NotAfter = authority.NotAfter
	}
	return s.sign(template, authority.certificate, key)
}

func (s Signing) template(public crypto.PublicKey, subject []byte, a Attributes) (*x509.Certificate, error) {
	if s.Validity < time.Second || s.Validity > maxValidity {
		return nil, invalid("validity is %s, want a second to 100 years", s.Validity)
	}
	raw := make([]byte, 16)
	if _, err := io.ReadFull(s.Random, raw); err != nil {
		return nil, fmt.Errorf("cannot get random bytes: %w", err)
	}
	raw[0] |= 0x40 // never zero
	raw[0] &= 0x7f
	id, err := keyID(public)
	if err != nil {
		return nil, err
	}
	now := s.Now.UTC().Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(raw),
		RawSubject:   subject,
		PublicKey:    public,
		SubjectKeyId: id,
		NotBefore:    now, NotAfter: now.Add(s.Validity),
		BasicConstraintsValid: true, IsCA: s.IsCA,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if s.IsCA {
		template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	if a.EmailAddress != "" && isASCII(a.EmailAddress) && !slices.Contains(a.SANsEmail, a.EmailAddress) {
		a.SANsEmail = append([]string{a.EmailAddress}, a.SANsEmail...) // where RFC 5280 wants it
	}
	sans, err := a.sans()
	if err != nil {
		return nil, invalid("the alternative names cannot be written")
	}
	if sans != nil {
		sans.Critical = len(subject) == 2 // an empty sequence
		template.ExtraExtensions = []pkix.Extension{*sans}
	}
	return template, nil
}

func (s Signing) sign(template, parent *x509.Certificate, key *Key) (*Certificate, error) {
	template.SignatureAlgorithm = key.algorithm()
	der, err := x509.CreateCertificate(noRandom{}, template, parent, template.PublicKey, key)
	if err != nil {
		return nil, invalid("cannot sign the certificate with this key, of %d bits: %s", key.Bits, weakKey(key))
	}
	return parseCertificate(der)
}
