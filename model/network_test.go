package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const networkAnswer = `{"bind-addresses": [
	{"mac-address": "00:16", "interface-name": "eth0", "addresses": [
		{"hostname": "", "value": "10.0.0.7", "cidr": "10.0.0.0/24"}, {"value": "fd00::1"}, {"address": "10.1.0.1", "cidr": ""}, {"value": "host.example"}, {}, null]},
	{"interface-name": "lo", "addresses": null}],
	"egress-subnets": ["10.0.0.7/32"], "ingress-addresses": ["lb.example", "10.0.0.7"]}`

func TestNetwork(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"network-get": networkAnswer, "network-get --format=json -r 9 db": failed("relation not found")})
	for range 2 {
		network, err := m.Network("admin")
		require.NoError(t, err)
		assert.Equal(t, &Network{
			Interfaces: []NetworkInterface{
				{"eth0", "00:16", "10.0.0.7", "10.0.0.0/24"}, {"eth0", "00:16", "fd00::1", "fd00::1/128"},
				{"eth0", "00:16", "10.1.0.1", "10.1.0.1/32"}, {"eth0", "00:16", "host.example", ""}},
			IngressAddresses: []string{"lb.example", "10.0.0.7"},
			EgressSubnets:    []string{"10.0.0.7/32"},
		}, network)
		assert.Equal(t, "10.0.0.7", network.BindAddress())
		assert.Equal(t, "lb.example", network.IngressAddress())
	}
	_, err := relation(t, m, "db", 3).Network()
	require.NoError(t, err)
	for range 2 {
		_, err = relation(t, m, "db", 9).Network()
		require.NoError(t, err, "of a relation that is gone the endpoint's")
	}
	assert.Equal(t, []string{"network-get --format=json admin", "network-get --format=json -r 3 db",
		"network-get --format=json -r 9 db", "network-get --format=json db"}, s.take())
	_, err = m.Network("admim")
	requireUsage(t, err, `the charm has no binding "admim" (did you mean "admin"?)`)
	for _, answer := range []string{`{}`, `null`, ``, `{"bind-addresses": null, "egress-subnets": null, "ingress-addresses": null}`,
		`{"bind-addresses": [null, {"addresses": null}]}`} {
		m, _ := newModel(t, nil, map[string]any{"network-get": answer})
		network, err := m.Network("juju-info")
		require.NoError(t, err, answer)
		assert.Equal(t, &Network{}, network, answer)
	}
	assert.Empty(t, (&Network{}).BindAddress())
	assert.Empty(t, (&Network{}).IngressAddress())
}

func TestCloudSpec(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"credential-get": `{"type": "lxd", "name": "localhost", "region": "r", "endpoint": "https://e",
		"credential": {"auth-type": "certificate", "attrs": {"client-key": "topsecret"}, "redacted": ["x"]},
		"cacertificates": ["pem"], "skip-tls-verify": true, "is-controller-cloud": true}`})
	for range 2 {
		spec, err := m.CloudSpec()
		require.NoError(t, err)
		assert.Equal(t, &CloudSpec{Type: "lxd", Name: "localhost", Region: "r", Endpoint: "https://e",
			Credential:     &CloudCredential{AuthType: "certificate", Attributes: map[string]string{"client-key": "topsecret"}, Redacted: []string{"x"}},
			CACertificates: []string{"pem"}, SkipTLSVerify: true, IsControllerCloud: true}, spec)
	}
	assert.Len(t, s.take(), 1)
	assert.Equal(t, "<secret>", m.Mask("topsecret"))
}
