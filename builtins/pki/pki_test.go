package pki_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/builtins/pki"
)

func text(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	return string(b)
}

// TestReadsOthers: what Python's cryptography (48.0.0) and OpenSSL (3.0) made,
// as tls_certificates 1.10.0 has the former make it.
func TestReadsOthers(t *testing.T) {
	r, err := pki.ParseRequest(text(t, "python.csr"))
	require.NoError(t, err)
	require.NoError(t, r.Check())
	assert.Equal(t, pki.Attributes{
		CommonName: "web.example.com", UniqueID: "2c38ba64-0c5e-4b07-9a3e-4b6ee7a4a4cc", Organization: "Exämple", OrganizationalUnit: "Ops",
		EmailAddress: "ops@example.com", CountryName: "GB", StateOrProvinceName: "London", LocalityName: "Camden",
		SANsDNS: []string{"*.example.com", "web"}, SANsIP: []string{"10.0.0.7", "fd00::1"}, SANsOID: []string{"1.3.6.1.4.1.55738"},
	}, r.Attributes)
	assert.Equal(t, []string{"2.5.29.15"}, r.CriticalExtensions)
	key, err := pki.ParseKey(text(t, "python.key"))
	require.NoError(t, err)
	assert.True(t, pki.SameKey(key, r))
	assert.Equal(t, text(t, "python.key"), key.PEM()+"\n")
	assert.Equal(t, text(t, "python.csr"), r.PEM+"\n")

	c, err := pki.ParseCertificate(text(t, "python.pem"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ops@example.com"}, c.SANsEmail)
	assert.Equal(t, r.SANsOID, c.SANsOID)
	assert.False(t, c.IsCA)
	assert.True(t, pki.SameKey(key, c))

	openssl, err := pki.ParseRequest(text(t, "openssl.csr"))
	require.NoError(t, err)
	require.NoError(t, openssl.Check())
	assert.Equal(t, "web", openssl.CommonName)
	assert.Equal(t, []string{"1.2.3.4"}, openssl.SANsOID)
}

// TestWritesLikeOthers: the same attributes are the same bytes of DER, but for
// the order of the alternative names and the signature.
func TestWritesLikeOthers(t *testing.T) {
	key, err := pki.ParseKey(text(t, "python.key"))
	require.NoError(t, err)
	theirs, err := pki.ParseRequest(text(t, "python.csr"))
	require.NoError(t, err)
	ours, err := pki.NewRequest(key, theirs.Attributes)
	require.NoError(t, err)
	der := func(r *pki.Request) *x509.CertificateRequest {
		block, _ := pem.Decode([]byte(r.PEM))
		request, err := x509.ParseCertificateRequest(block.Bytes)
		require.NoError(t, err)
		return request
	}
	assert.Equal(t, der(theirs).RawSubject, der(ours).RawSubject)
	var names [2][]asn1.RawValue
	for i, r := range []*x509.CertificateRequest{der(theirs), der(ours)} {
		for _, e := range r.Extensions {
			if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
				assert.False(t, e.Critical)
				_, err := asn1.Unmarshal(e.Value, &names[i])
				require.NoError(t, err)
			}
		}
	}
	assert.Len(t, names[0], 5)
	assert.ElementsMatch(t, names[0], names[1])
	assert.Equal(t, x509.SHA256WithRSA, der(ours).SignatureAlgorithm)
}

// TestReproducible: the same bytes of randomness make the same texts.
func TestReproducible(t *testing.T) {
	made := func() []string {
		random := rand.NewChaCha8([32]byte{1})
		m, err := machinetest.New(machinetest.State{Seed: 7})
		require.NoError(t, err)
		signing := pki.Signing{Random: random, Now: time.Unix(1e9, 0), Validity: time.Hour}
		rsaKey, err := pki.GenerateRSA(2048, m.GenerateRSA)
		require.NoError(t, err)
		ecKey, err := pki.GenerateECDSA("p521", random)
		require.NoError(t, err)
		edKey, err := pki.GenerateEd25519(random)
		require.NoError(t, err)
		var all []string
		for _, key := range []*pki.Key{rsaKey, ecKey, edKey} {
			ca, err := pki.NewAuthority(key, pki.Attributes{CommonName: "CA"}, signing)
			require.NoError(t, err)
			request, err := pki.NewRequest(key, pki.Attributes{SANsDNS: []string{"web"}})
			require.NoError(t, err)
			c, err := pki.Issue(request, ca, key, signing)
			require.NoError(t, err)
			all = append(all, key.PEM(), ca.PEM, request.PEM, c.PEM)
		}
		return all
	}
	first := made()
	assert.Equal(t, first, made())
	block, _ := pem.Decode([]byte(first[0]))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	assert.Equal(t, 2048, key.N.BitLen())
}

// TestIssueRefuses: a request that somebody else signed, and an authority that
// has expired.
func TestIssueRefuses(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	key, err := pki.GenerateEd25519(random)
	require.NoError(t, err)
	signing := pki.Signing{Random: random, Now: time.Unix(1e9, 0), Validity: time.Hour}
	ca, err := pki.NewAuthority(key, pki.Attributes{CommonName: "CA"}, signing)
	require.NoError(t, err)
	request, err := pki.NewRequest(key, pki.Attributes{CommonName: "web"})
	require.NoError(t, err)

	block, _ := pem.Decode([]byte(request.PEM))
	block.Bytes[len(block.Bytes)-1] ^= 1
	forged, err := pki.ParseRequest(string(pem.EncodeToMemory(block)))
	require.NoError(t, err)
	requireProblem(t, pki.Untrusted, second(pki.Issue(forged, ca, key, signing)))

	signing.Now = signing.Now.Add(time.Hour)
	requireProblem(t, pki.Untrusted, second(pki.Issue(request, ca, key, signing)))
	err = pki.VerifyChain(ca, nil, []*pki.Certificate{ca}, "", signing.Now.Add(time.Second))
	requireProblem(t, pki.Untrusted, err)
	assert.Contains(t, err.Error(), "has expired at 2001-09-09T02:46:40Z")
	err = pki.VerifyChain(ca, nil, []*pki.Certificate{ca}, "", time.Unix(1e9-1, 0))
	assert.ErrorContains(t, err, "is not valid before 2001-09-09T01:46:40Z")
}

// TestIssueStrange: a subject of attributes and encodings that nothing here
// writes is certified as it is; an address that no certificate can have among
// the alternative names stays in the subject alone.
func TestIssueStrange(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	key, err := pki.GenerateEd25519(random)
	require.NoError(t, err)
	signing := pki.Signing{Random: random, Now: time.Unix(1e9, 0), Validity: time.Hour}
	ca, err := pki.NewAuthority(key, pki.Attributes{CommonName: "CA"}, signing)
	require.NoError(t, err)
	request, err := pki.ParseRequest(text(t, "strange.csr"))
	require.NoError(t, err)
	c, err := pki.Issue(request, ca, key, signing)
	require.NoError(t, err)
	assert.Equal(t, "ü", c.CountryName)
	assert.Equal(t, "ü@example.com", c.EmailAddress)
	assert.Equal(t, []string{"a@example.com"}, c.SANsEmail)
	assert.Equal(t, []string{"web"}, c.SANsDNS)
	block, _ := pem.Decode([]byte(c.PEM))
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	assert.Contains(t, certificate.Subject.String(), "2.5.4.42=#")
}

// TestShortKey: a key that is too short to sign says so.
func TestShortKey(t *testing.T) {
	_, err := pki.GenerateRSA(512, func(int) (*rsa.PrivateKey, error) { panic("not asked") })
	requireProblem(t, pki.Invalid, err)
}

func second[T any](_ T, err error) error { return err }

func requireProblem(t testing.TB, want pki.Problem, err error) {
	t.Helper()
	var e *pki.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Problem)
}

// FuzzParse: whatever a text is, it is read, or refused in words of this
// package that do not show it.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"python.csr", "python.key", "python.pem", "openssl.csr", "strange.csr"} {
		f.Add(text(f, file))
	}
	f.Add("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := pki.ParseRequest(text)
		check(t, err)
		if err == nil {
			again, err := pki.ParseRequest(r.PEM)
			require.NoError(t, err)
			require.True(t, again.Equal(&r.Attributes))
			_ = r.Check()
		}
		c, err := pki.ParseCertificate(text)
		check(t, err)
		if err == nil {
			again, err := pki.ParseCertificate(c.PEM)
			require.NoError(t, err)
			require.Equal(t, c.Fingerprint, again.Fingerprint)
		}
		key, err := pki.ParseKey(text)
		check(t, err)
		if err == nil {
			again, err := pki.ParseKey(key.PEM())
			require.NoError(t, err)
			require.True(t, pki.SameKey(key, again))
		}
		chain, err := pki.SplitChain(text)
		check(t, err)
		if err == nil {
			_, err := pki.OrderChain(chain[0], chain)
			check(t, err)
			check(t, pki.VerifyChain(chain[0], chain[1:], chain, "", time.Unix(1e9, 0)))
		}
		_, err = pki.ParseHolder(text)
		check(t, err)
	})
}

func check(t *testing.T, err error) {
	var e *pki.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
}
