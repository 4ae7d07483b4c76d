package pki

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"time"
)

// SplitChain reads the certificates of a text, in its order.
func SplitChain(text string) ([]*Certificate, error) {
	if len(text) > maxChainText {
		return nil, unreadable("cannot read the certificates: the text has %d bytes, want at most %d", len(text), maxChainText)
	}
	var all []*Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != certificateBlock {
			continue
		}
		if len(all) == maxCertificates {
			return nil, unreadable("cannot read the certificates: the text has more than %d of them", maxCertificates)
		}
		certificate, err := parseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, certificate)
	}
	if len(all) == 0 {
		return nil, unreadable("cannot read the certificates: there is none in the text, -----BEGIN CERTIFICATE-----")
	}
	return all, nil
}

// issued says whether issuer signed c.
func issued(issuer, c *Certificate) bool {
	return c.certificate.CheckSignatureFrom(issuer.certificate) == nil
}

// OrderChain is a certificate, then the one of others that signed it, and so
// on to the authority at the root or to one whose signer is not there. Others
// are left out.
func OrderChain(leaf *Certificate, others []*Certificate) ([]*Certificate, error) {
	if len(others) > maxCertificates {
		return nil, unreadable("cannot order %d certificates, want at most %d", len(others), maxCertificates)
	}
	chain := []*Certificate{leaf}
	for last := leaf; ; last = chain[len(chain)-1] {
		at := slices.IndexFunc(others, func(c *Certificate) bool {
			return string(c.certificate.RawSubject) == string(last.certificate.RawIssuer) &&
				!slices.ContainsFunc(chain, func(known *Certificate) bool { return known.Fingerprint == c.Fingerprint }) && issued(c, last)
		})
		if at < 0 {
			return chain, nil
		}
		chain = append(chain, others[at])
	}
}

// VerifyChain says whether a certificate leads by those of chain to one of
// roots, and all are valid now; and, unless it is empty, for this host or
// address.
func VerifyChain(leaf *Certificate, chain, roots []*Certificate, host string, now time.Time) error {
	if n := len(chain) + len(roots); n > maxCertificates {
		return unreadable("cannot verify with %d certificates, want at most %d", n, maxCertificates)
	}
	options := x509.VerifyOptions{
		Intermediates: x509.NewCertPool(), Roots: x509.NewCertPool(), CurrentTime: now, DNSName: host,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, c := range chain {
		options.Intermediates.AddCert(c.certificate)
	}
	for _, c := range roots {
		options.Roots.AddCert(c.certificate)
	}
	_, err := leaf.certificate.Verify(options)
	var broken x509.CertificateInvalidError
	var other x509.HostnameError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &other):
		return untrusted("the certificate %s is not for %s", leaf.Subject, shorten(host))
	case errors.As(err, &broken) && broken.Reason == x509.Expired:
		if now.Before(broken.Cert.NotBefore) {
			return untrusted("the certificate %s is not valid before %s", broken.Cert.Subject, broken.Cert.NotBefore.Format(time.RFC3339))
		}
		return untrusted("the certificate %s has expired at %s", broken.Cert.Subject, broken.Cert.NotAfter.Format(time.RFC3339))
	case errors.As(err, &broken) && broken.Reason == x509.NotAuthorizedToSign:
		return untrusted("the certificate %s is not that of an authority, but signed another", broken.Cert.Subject)
	case errors.As(err, &broken):
		return untrusted("the certificate %s is not one that its issuers may issue", leaf.Subject)
	}
	return untrusted("the certificate %s does not lead to one of the roots", leaf.Subject)
}
