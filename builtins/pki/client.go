package pki

import "crypto/tls"

// ClientCertificate is what a client shows to a server: a certificate with
// those that lead to an authority, and its private key.
func ClientCertificate(chain []*Certificate, key *Key) (*tls.Certificate, error) {
	if !SameKey(chain[0], key) {
		return nil, unreadable("cannot use the certificate %s with this private key: they do not belong together; the certificate of the key is the first in the text", chain[0].Subject)
	}
	shown := &tls.Certificate{PrivateKey: key.signer, Leaf: chain[0].certificate}
	for _, c := range chain {
		shown.Certificate = append(shown.Certificate, c.certificate.Raw)
	}
	return shown, nil
}
