package builtins

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/pki"
)

// A holder has a certificate and its key.
type holder struct {
	key         *pki.Key
	certificate *pki.Certificate
}

// signed makes a certificate; without an authority, that of one.
func signed(t *testing.T, name string, authority *holder, isCA bool) *holder {
	t.Helper()
	key, err := pki.GenerateRSA(2048, machine.Real().GenerateRSA)
	require.NoError(t, err)
	attributes, signing := pki.Attributes{CommonName: name}, pki.Signing{Random: rand.Reader, Now: time.Now(), Validity: time.Hour, IsCA: isCA}
	if authority == nil {
		certificate, err := pki.NewAuthority(key, attributes, signing)
		require.NoError(t, err)
		return &holder{key, certificate}
	}
	request, err := pki.NewRequest(key, attributes)
	require.NoError(t, err)
	certificate, err := pki.Issue(request, authority.certificate, authority.key, signing)
	require.NoError(t, err)
	return &holder{key, certificate}
}

func cert(pem ...string) starlark.Tuple {
	text := ""
	for _, p := range pem {
		text += p + "\n"
	}
	return option("cert", starlark.String(text))
}

// TestHTTPClientCertificate: a server that wants certificates believes one that
// leads to its authority, and sees no other way in.
func TestHTTPClientCertificate(t *testing.T) {
	root, stranger := signed(t, "Root", nil, true), signed(t, "Stranger", nil, true)
	between := signed(t, "Between", root, true)
	client := signed(t, "client-7", between, false)
	clients := x509.NewCertPool()
	require.True(t, clients.AppendCertsFromPEM([]byte(root.certificate.PEM)))
	server, ca := serveTLS(t, clients, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	})
	for _, form := range []string{client.key.PEM(), client.key.PKCS8()} {
		answer, err := send(t.Context(), server.URL, ca, cert(client.certificate.PEM, between.certificate.PEM), option("key", starlark.String(form)))
		require.NoError(t, err)
		assert.Equal(t, "client-7", string(answer.body))
	}
	key := option("key", starlark.String(client.key.PEM()))
	for message, options := range map[string][]starlark.Tuple{
		"certificate required":          {ca},
		"unknown certificate authority": {ca, cert(client.certificate.PEM), key}, // without the one between
		"certificate authority":         {ca, cert(stranger.certificate.PEM), option("key", starlark.String(stranger.key.PEM()))},
	} {
		_, err := send(t.Context(), server.URL, options...)
		assert.Contains(t, wantFailure(t, err, httpConnectionError).Message, message)
	}
	for message, options := range map[string][]starlark.Tuple{
		"they do not belong together":     {cert(between.certificate.PEM, client.certificate.PEM), key},
		"there is none in the text":       {cert("-----BEGIN CERTIFICATE-----"), key},
		"what its PEM text holds":         {cert("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), key},
		"cannot read the private key: it": {cert(client.certificate.PEM), option("key", starlark.String("hunter2"))},
	} {
		_, err := send(t.Context(), server.URL, options...)
		failure := wantFailure(t, err, httpCertError)
		assert.Contains(t, failure.Message, message)
		assert.NotContains(t, failure.Message, "hunter2")
	}
	for _, half := range []starlark.Tuple{cert(client.certificate.PEM), key} {
		_, err := send(t.Context(), server.URL, half)
		assert.ErrorContains(t, err, "got one of cert and key, want both or neither")
	}
}
