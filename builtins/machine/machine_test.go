package machine_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine"
)

// A proxy is used when the options name one, and never because the
// environment does. (The environment is looked at once in a process: this is
// the only test here that makes requests.)
func TestProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proxied", r.URL.String())
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)

	get := func(o machine.TransportOptions) (*http.Response, error) {
		transport, err := machine.Real().Transport(o)
		require.NoError(t, err)
		// Nothing has this address, so only a proxy can answer.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://charm.invalid/x", nil)
		require.NoError(t, err)
		return transport.RoundTrip(req)
	}
	answer, err := get(machine.TransportOptions{})
	if !assert.Error(t, err) {
		answer.Body.Close()
	}
	answer, err = get(machine.TransportOptions{Proxy: address})
	require.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, "http://charm.invalid/x", answer.Header.Get("X-Proxied"))
}

func TestTransportWithoutCertificate(t *testing.T) {
	_, err := machine.Real().Transport(machine.TransportOptions{CA: []byte("nothing")})
	assert.EqualError(t, err, "cannot find a certificate in ca: want PEM text, -----BEGIN CERTIFICATE-----")
}
