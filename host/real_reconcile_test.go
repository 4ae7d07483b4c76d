package host_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

// An authority signs what units ask for.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	text        string
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(raw)
	require.NoError(t, err)
	return &authority{key, certificate, pemText("CERTIFICATE", raw)}
}

func pemText(kind string, raw []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}))
}

// answer is the databag that answers the one request in a unit's, and the name that is asked for.
func (a *authority) answer(t testing.TB, asked map[string]string, serial int64) (bag map[string]string, name string) {
	t.Helper()
	var requests []struct {
		CSR string `json:"certificate_signing_request"`
	}
	require.NoError(t, json.Unmarshal([]byte(asked["certificate_signing_requests"]), &requests))
	require.Len(t, requests, 1)
	block, _ := pem.Decode([]byte(requests[0].CSR))
	require.NotNil(t, block)
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(t, err)
	require.NotEmpty(t, csr.DNSNames)
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: csr.Subject, DNSNames: csr.DNSNames, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}, a.certificate, csr.PublicKey, a.key)
	require.NoError(t, err)
	given := pemText("CERTIFICATE", raw)
	text, err := json.Marshal([]map[string]any{{
		"ca": a.text, "certificate": given, "certificate_signing_request": requests[0].CSR, "chain": []string{given, a.text},
	}})
	require.NoError(t, err)
	return map[string]string{"certificates": string(text)}, csr.DNSNames[0]
}

// TestRealReconcileExample gives k8s-6-reconcile a database, an ingress and, last, certificates: the server speaks HTTPS then, and goes
// over to a new certificate.
func TestRealReconcileExample(t *testing.T) {
	port := freePort(t)
	dir := packed(t, "../examples/k8s-6-reconcile")
	workload := filepath.Join(dir, "src", "workload.star")
	etc := t.TempDir()
	replace(t, workload, "/bin/uvicorn", self(t))
	replace(t, workload, "/etc/demo-server/tls.key", filepath.Join(etc, "tls.key"))
	replace(t, workload, "/etc/demo-server/tls.pem", filepath.Join(etc, "tls.pem"))
	replace(t, workload, `environment = {"DEMO_SERVER_LOGFILE"`, fmt.Sprintf(`environment = {%q: "workload", "DEMO_SERVER_LOGFILE"`, roleVariable))
	p := startPod(t, port)
	u := demo(t, dir, p)
	u.Change(map[string]any{"leader": true, "config": map[string]any{"server-port": port}, "relations": map[string]any{
		"2": map[string]any{"endpoint": "ingress", "remote-app": "traefik"},
	}})
	environment := func() map[string]string {
		plan, err := p.client.Plan(context.Background())
		require.NoError(t, err)
		return plan.Services["fastapi"].Environment
	}

	u.runs(ready)
	current, _ := p.service(t)
	assert.Equal(t, "active", current)
	assert.Equal(t, peers.JujuStatus{Status: "blocked", Message: "needs a relation with a database"}, u.World.UnitStatus)
	assert.Equal(t, fmt.Sprint(port), u.databag("2", "demo")["port"])
	assert.NotContains(t, u.databag("2", "demo"), "scheme")

	u.Change(map[string]any{"relations": map[string]any{"1": map[string]any{
		"endpoint": "database", "remote-app": "postgresql-k8s",
		"data": map[string]any{"postgresql-k8s": map[string]string{"endpoints": "10.1.1.1:5432", "username": "names", "password": "a-password"}},
	}}})
	u.relation(1, "changed", "postgresql-k8s", "")
	assert.Equal(t, "a-password", environment()["DEMO_SERVER_DB_PASSWORD"])
	u.Write(2, "traefik", map[string]string{"ingress": `{"url": "http://example.com/lab-demo"}`})
	u.relation(2, "changed", "traefik", "")
	assert.Equal(t, "/lab-demo", environment()["UVICORN_ROOT_PATH"])
	assert.Equal(t, peers.JujuStatus{Status: "active"}, u.World.UnitStatus)

	u.Change(map[string]any{"relations": map[string]any{"3": map[string]any{"endpoint": "certificates", "remote-app": "authority"}}})
	u.relation(3, "created", "authority", "")
	assert.Equal(t, peers.JujuStatus{Status: "waiting", Message: "for a certificate"}, u.World.UnitStatus)
	current, _ = p.service(t)
	assert.Equal(t, "active", current, "it goes on in plain text")

	authority := newAuthority(t)
	served := func(serial int64) {
		t.Helper()
		bag, name := authority.answer(t, u.databag("3", "demo/0"), serial)
		u.Write(3, "authority", bag)
		u.relation(3, "changed", "authority", "")
		roots := x509.NewCertPool()
		roots.AddCert(authority.certificate)
		connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{RootCAs: roots, ServerName: name})
		require.NoError(t, err)
		defer connection.Close()
		assert.Equal(t, big.NewInt(serial), connection.ConnectionState().PeerCertificates[0].SerialNumber)
		assert.Equal(t, peers.JujuStatus{Status: "active"}, u.World.UnitStatus)
	}
	served(2)
	assert.Equal(t, `"https"`, u.databag("2", "demo")["scheme"])
	key, err := os.Stat(filepath.Join(etc, "tls.key"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), key.Mode())
	served(3)

	u.relation(3, "broken", "authority", "")
	assert.NoFileExists(t, filepath.Join(etc, "tls.key"))
	assert.NotContains(t, u.databag("2", "demo"), "scheme")
	_, err = tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{InsecureSkipVerify: true})
	assert.ErrorContains(t, err, "first record does not look like a TLS handshake")
}
