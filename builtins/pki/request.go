package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
)

const requestBlock = "CERTIFICATE REQUEST"

// A Request asks an authority for a certificate (CSR).
type Request struct {
	Attributes
	// PEM is the text, written in the usual way.
	PEM string
	// CriticalExtensions are the identifiers of the extensions, besides the
	// alternative names, that the request says are critical.
	CriticalExtensions []string
	request            *x509.CertificateRequest
}

// NewRequest makes a request for a key.
func NewRequest(key *Key, a Attributes) (*Request, error) {
	if err := a.Normalize(); err != nil {
		return nil, err
	}
	if !a.named() {
		return nil, invalid("cannot request a certificate for nothing: want at least one of common_name, sans_dns, sans_ip and sans_oid")
	}
	a.SANsEmail = nil
	subject, err := a.subject()
	if err != nil {
		return nil, fmt.Errorf("cannot write the subject: %w", err)
	}
	template := &x509.CertificateRequest{RawSubject: subject, SignatureAlgorithm: key.algorithm()}
	sans, err := a.sans()
	if err != nil {
		return nil, fmt.Errorf("cannot write the alternative names: %w", err)
	}
	if sans != nil {
		template.ExtraExtensions = []pkix.Extension{*sans}
	}
	der, err := x509.CreateCertificateRequest(noRandom{}, template, key)
	if err != nil {
		return nil, invalid("cannot sign the request with this key, of %d bits: %s", key.Bits, weakKey(key))
	}
	return ParseRequest(encode(requestBlock, der))
}

// weakKey says why a key cannot sign.
func weakKey(key *Key) string {
	if key.Kind == "rsa" && key.Bits < 2048 {
		return "it is too short"
	}
	return "the key is damaged"
}

// noRandom is the randomness of what takes none.
type noRandom struct{}

func (noRandom) Read([]byte) (int, error) {
	return 0, fmt.Errorf("signatures take no randomness")
}

// ParseRequest reads a request. Its signature is not checked: see Check.
func ParseRequest(text string) (*Request, error) {
	const what = "certificate signing request"
	block, err := firstBlock(what, text, requestBlock, "NEW CERTIFICATE REQUEST")
	if err != nil {
		return nil, err
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, unreadable("cannot read the %s: what its PEM text holds is damaged", what)
	}
	if err := checkPublicKey(what, request.PublicKey); err != nil {
		return nil, err
	}
	r := &Request{PEM: encode(requestBlock, block.Bytes), request: request}
	if r.Attributes, err = readAttributes(what, request.Subject, request.Extensions); err != nil {
		return nil, err
	}
	for _, extension := range request.Extensions {
		if extension.Critical && !extension.Id.Equal(oidSANs) {
			r.CriticalExtensions = append(r.CriticalExtensions, extension.Id.String())
		}
	}
	return r, nil
}

// Check says whether whoever wrote the request has its private key.
func (r *Request) Check() error {
	if r.request.CheckSignature() != nil {
		return untrusted("the signature of the certificate signing request is not by its own key")
	}
	return nil
}

func (r *Request) publicKey() crypto.PublicKey { return r.request.PublicKey }
