package machine

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
)

// ErrNoHost is the error of [Machine.Resolve] for a name that has no address.
var ErrNoHost = errors.New("no such host")

func (real) Hostname() (string, error) { return os.Hostname() }

func (real) FQDN(ctx context.Context) (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", err
	}
	return qualified(ctx, name, &net.Resolver{PreferGo: true}), nil
}

// lookups are what [qualified] asks of a net.Resolver.
type lookups interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// qualified is the first name with a domain among those of the host's first
// address, or else the host's name itself.
func qualified(ctx context.Context, name string, r lookups) string {
	if strings.Contains(name, ".") {
		return name
	}
	addresses, err := r.LookupNetIP(ctx, "ip", name)
	if err != nil || len(addresses) == 0 {
		return name
	}
	names, _ := r.LookupAddr(ctx, addresses[0].Unmap().String()) // none: it has no name
	for _, full := range names {
		full = strings.TrimSuffix(full, ".")
		if strings.Contains(full, ".") {
			return full
		}
	}
	return name
}

func (real) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	addresses, err := (&net.Resolver{PreferGo: true}).LookupNetIP(ctx, "ip", host)
	var failed *net.DNSError
	if errors.As(err, &failed) && failed.IsNotFound {
		return nil, ErrNoHost
	}
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return addresses, err
}
