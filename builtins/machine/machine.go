// Package machine is the third seam between a charm and the world: the clock,
// HTTP requests, commands, files, randomness, environment and names of the
// machine that the charm runs on. (The other two are
// Juju and Pebble.) Everything above it is the same in production and in tests.
//
// [Real] is the machine itself; package machinetest has a simulated one that a
// test describes as data. What a charm may further do to a machine joins this
// interface as further methods.
package machine

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// A Machine is what the charm runs on. Its methods may be called by many
// goroutines at the same time.
type Machine interface {
	// Now returns the present time.
	Now() time.Time
	// Sleep waits for d, or until ctx ends, whose cause it then returns. The
	// time of a simulated machine goes on at once.
	Sleep(ctx context.Context, d time.Duration) error
	// Transport returns what carries HTTP requests made with these options. A
	// request that a simulated machine was not told about ends in an
	// [UndescribedError].
	Transport(TransportOptions) http.RoundTripper
	// OpenDir opens a directory, and makes it and those above it if make is set
	// and it is not there. For a file the error is ENOTDIR. A directory that a
	// simulated machine was not told about ends in an [UndescribedError].
	OpenDir(path string, make bool) (Dir, error)
	// Follow returns where a path leads without symbolic links, as far as it is
	// known: what there is not leads nowhere else.
	Follow(path string) (string, error)
	// Run runs a command to its end. One that cannot be started has no result,
	// one that timed out or wrote too much ends in [ErrTimeout] or [ErrOutput]
	// and has what it wrote. A command that a simulated machine was not told
	// about ends in an [UndescribedError].
	Run(ctx context.Context, c Command) (*Result, error)
	// LookPath returns the path of a program on PATH; "" if there is none. A
	// program that a simulated machine was not told about ends in an
	// [UndescribedError].
	LookPath(program string) (string, error)
	// Signal sends a signal to a process, unless it is another program than
	// name, and returns whether it is there. An empty name is any program's;
	// signal 0 only asks. The machine's first process and the hook's own process
	// group, where the unit's agent may be, get no signal.
	Signal(pid int, name string, s syscall.Signal) (bool, error)
	// LookupUser and LookupGroup return the number of one that is given by its
	// name or number; OwnerNames returns names, "" for those that have none.
	LookupUser(name string) (int, error)
	LookupGroup(name string) (int, error)
	OwnerNames(Owner) (user, group string)
	// Random returns what gives random bytes, good enough for keys. It never
	// ends and never fails.
	Random() io.Reader
	// GenerateRSA makes an RSA key of at least 2048 bits. Go's own way of it takes no
	// randomness from elsewhere, so that a simulated machine has another.
	GenerateRSA(bits int) (*rsa.PrivateKey, error)
	// Environment returns the variables of the hook, which commands have too.
	Environment() map[string]string
	// Hostname returns the machine's own name.
	Hostname() (string, error)
	// FQDN returns the machine's name with its domain, or without if nothing
	// tells of one.
	FQDN(ctx context.Context) (string, error)
	// Resolve returns the addresses of a host, and [ErrNoHost] if there are
	// none. A host that a simulated machine was not told about ends in an
	// [UndescribedError].
	Resolve(ctx context.Context, host string) ([]netip.Addr, error)
}

// TransportOptions say how HTTP requests leave the machine.
type TransportOptions struct {
	// CA are the authorities to trust instead of the machine's own; nil: the
	// machine's own.
	CA *x509.CertPool
	// Certificate is shown to a server that asks for one; nil: none.
	Certificate *tls.Certificate
	// Proxy is the HTTP proxy to go through; nil: none. The environment's
	// proxy variables are never looked at.
	Proxy *url.URL
}

// An UndescribedError says that the charm wanted something of a simulated
// machine that the simulation was not told of. It is an error of the state or
// of the test, so nothing in the charm can catch it.
type UndescribedError struct {
	// What the charm did: "the request GET http://localhost/version".
	What string
	// Cure is what to add to the description of the machine.
	Cure string
	// Live says that the machine is none of a simulation: what comes of it
	// cannot be known without doing it. Cure, which may be empty, lets it be done.
	Live bool
}

func (e *UndescribedError) Error() string {
	switch {
	case e.Live && e.Cure == "":
		return "what comes of " + e.What + " cannot be known without doing it"
	case e.Live:
		return "what comes of " + e.What + " cannot be known without doing it; " + e.Cure
	}
	return fmt.Sprintf("the simulation was not told of %s: %s", e.What, e.Cure)
}

// Real returns the machine that this process runs on.
func Real() Machine { return real{} }

type real struct{}

func (real) Now() time.Time { return time.Now() }

func (real) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (real) Random() io.Reader { return rand.Reader }

func (real) GenerateRSA(bits int) (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(rand.Reader, bits)
}

func (real) Environment() map[string]string {
	all := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		all[name] = value
	}
	return all
}

func (real) Transport(o TransportOptions) http.RoundTripper {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.CA}
	if o.Certificate != nil {
		// Whatever authorities the server names: it says itself what it does not like.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return o.Certificate, nil }
	}
	transport := &http.Transport{
		DialContext:            (&net.Dialer{}).DialContext,
		TLSClientConfig:        config,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true, // a hook is too short to gain from idle connections
		MaxResponseHeaderBytes: 1 << 20,
	}
	if o.Proxy != nil {
		transport.Proxy = http.ProxyURL(o.Proxy)
	}
	return transport
}
