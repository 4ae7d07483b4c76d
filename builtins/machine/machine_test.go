package machine_test

import (
	"io"
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
		// Nothing has this address, so only a proxy can answer.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://charm.invalid/x", nil)
		require.NoError(t, err)
		return machine.Real().Transport(o).RoundTrip(req)
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

// TestSurroundings: the real machine has this process's environment, which its
// commands have too, and random bytes that differ.
func TestSurroundings(t *testing.T) {
	t.Setenv("SURROUNDINGS", "a=b")
	m := machine.Real()
	require.Equal(t, "a=b", m.Environment()["SURROUNDINGS"])
	result, err := m.Run(t.Context(), machine.Command{Args: []string{"printenv", "SURROUNDINGS"}, MaxOutput: 100})
	require.NoError(t, err)
	require.Equal(t, "a=b\n", string(result.Stdout))

	one, two := make([]byte, 32), make([]byte, 32)
	for _, b := range [][]byte{one, two} {
		_, err := io.ReadFull(m.Random(), b)
		require.NoError(t, err)
	}
	require.NotEqual(t, one, two)
	require.NotEqual(t, make([]byte, 32), one)
}
