package machine

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hosts is an /etc/hosts: addresses by name, names by address.
type hosts struct {
	addresses map[string]string
	names     map[string][]string
}

func (h hosts) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if address, ok := h.addresses[host]; ok {
		return []netip.Addr{netip.MustParseAddr(address)}, nil
	}
	return nil, errors.New("no such host")
}

func (h hosts) LookupAddr(_ context.Context, address string) ([]string, error) {
	if names, ok := h.names[address]; ok {
		return names, nil
	}
	return nil, errors.New("no such address")
}

// TestQualified: a host's full name is the one that its address has, as in a
// pod's /etc/hosts.
func TestQualified(t *testing.T) {
	pod := "web-0.web-endpoints.model.svc.cluster.local"
	for _, c := range []struct {
		name string
		h    hosts
		want string
	}{
		{"web-0", hosts{map[string]string{"web-0": "::ffff:10.0.0.7"}, map[string][]string{"10.0.0.7": {"web-0", pod + ".", "other.name"}}}, pod},
		{"web-0", hosts{map[string]string{"web-0": "10.0.0.7"}, nil}, "web-0"},
		{"web-0", hosts{map[string]string{"web-0": "10.0.0.7"}, map[string][]string{"10.0.0.7": {"localhost"}}}, "web-0"},
		{"web-0", hosts{}, "web-0"},
		{"web-0.example", hosts{}, "web-0.example"},
	} {
		assert.Equal(t, c.want, qualified(t.Context(), c.name, c.h))
	}
}

func TestResolve(t *testing.T) {
	addresses, err := Real().Resolve(t.Context(), "127.0.0.1")
	require.NoError(t, err)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, addresses)
	addresses, err = Real().Resolve(t.Context(), "localhost")
	require.NoError(t, err)
	assert.NotEmpty(t, addresses)
	_, err = Real().Resolve(t.Context(), "no such..host")
	assert.ErrorIs(t, err, ErrNoHost)

	hostname, err := Real().Hostname()
	require.NoError(t, err)
	want, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, want, hostname)
}
