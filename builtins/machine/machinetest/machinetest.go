// Package machinetest is a simulated machine: what the charm would find on it
// is described by data, and what it does not describe is an error.
package machinetest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/starcharm/starcharm/builtins/machine"
)

// State describes a simulated machine.
type State struct {
	// Now is the present time, which stands still but for what the charm
	// sleeps. Zero: [Epoch].
	Now time.Time `yaml:"now"`
	// HTTP lists the requests that get an answer. Routes with the same method
	// and URL answer one after the other; the last of them answers ever after.
	HTTP []Route `yaml:"http"`
	// HostFiles are the machine's files by absolute path, but for the charm's
	// own.
	HostFiles map[string]*File `yaml:"host_files"`
	// Environment holds variables that a hook has besides those that Juju sets,
	// or with another value.
	Environment map[string]string `yaml:"environment"`
	// Seed chooses the random bytes: those of one seed and unit are the same
	// each time.
	Seed uint64 `yaml:"seed"`
	// Processes are the commands that the machine has.
	Processes []*Process `yaml:"processes"`
	// Running are the processes that run when the hook begins.
	Running []*Running `yaml:"running"`
	// Hostname is the machine's name; "": the unit's, "app-0".
	Hostname string `yaml:"hostname"`
	// FQDN is the name with its domain; "": in a pod the one that Kubernetes
	// gives it, elsewhere Hostname.
	FQDN string `yaml:"fqdn"`
	// Hosts are the names that can be resolved, with their addresses; a name
	// without addresses is not found.
	Hosts map[string][]string `yaml:"hosts"`
}

// Epoch is the time on a machine whose State gives none.
func Epoch() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Machine is a simulated [machine.Machine].
type Machine struct {
	began  time.Time
	routes []route

	mu       sync.Mutex
	now      time.Time
	requests []Request
	served   map[string]int   // answers given so far, by "METHOD url" of the route
	nodes    map[string]*node // by absolute path, without "/"

	described map[string]bool // the paths of the State's files

	environment map[string]string
	random      *randomness
	keys        *Keys // nil: not shared

	processes []*Process
	ran       map[string]int // commands run so far, by the prefix of the process

	running       []*running // in the order of their start
	users, groups accounts

	hostname, fqdn string
	hosts          map[string][]netip.Addr
}

var _ machine.Machine = (*Machine)(nil)

// New returns the machine that s describes, or an error that names the route file
// or variable that makes no sense.
func New(s State) (*Machine, error) {
	m := &Machine{now: s.Now, users: newAccounts("user"), groups: newAccounts("group"), served: make(map[string]int), nodes: make(map[string]*node), processes: s.Processes, ran: make(map[string]int)}
	if m.now.IsZero() {
		m.now = Epoch()
	}
	m.began = m.now
	for i, described := range s.HTTP {
		r, err := described.parse(i)
		if err != nil {
			return nil, err
		}
		m.routes = append(m.routes, r)
	}
	for i, p := range s.Processes {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("cannot use processes[%d]: %w", i, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Environment)) {
		switch value := s.Environment[name]; {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return nil, fmt.Errorf("cannot use environment: no variable can have the name %q", name)
		case strings.ContainsRune(value, 0):
			return nil, fmt.Errorf("cannot use environment: %s has a zero byte", name)
		}
	}
	m.environment, m.random = maps.Clone(s.Environment), newRandomness(s.Seed, "")
	if err := m.readNames(s); err != nil {
		return nil, err
	}
	for i, r := range s.Running {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("cannot use running[%d]: %w", i, err)
		}
		m.start(r)
	}
	m.described = map[string]bool{}
	for name := range s.HostFiles {
		m.described[name] = true
	}
	m.readAccounts(s.HostFiles)
	return m, m.readFiles(s.HostFiles)
}

// ForUnit makes it the machine of a hook of the unit: environment are the variables that Juju sets
// for it, and pod says whether the unit is one of Kubernetes. Its random bytes
// are others than those of another unit. It is called before the hook.
func (m *Machine) ForUnit(unit string, environment map[string]string, pod bool) {
	m.nameFor(unit, environment["JUJU_MODEL_NAME"], pod)
	all := maps.Clone(environment)
	maps.Copy(all, m.environment)
	m.environment, m.random = all, newRandomness(m.random.seed, unit)
}

// Environment returns the variables of the hook.
func (m *Machine) Environment() map[string]string { return maps.Clone(m.environment) }

// Random returns the bytes that the seed chooses.
func (m *Machine) Random() io.Reader { return m.random }

// Seed returns what chooses the random bytes of the next hook: another seed than
// the State's if this hook took some, so that not the same ones come again.
func (m *Machine) Seed() uint64 { return m.random.next() }

// Now returns the time that the State gives, and what was slept since.
func (m *Machine) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Sleep lets the time go on, without waiting.
func (m *Machine) Sleep(ctx context.Context, d time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.now = m.now.Add(d)
	return nil
}

// Slept is how long the charm has slept.
func (m *Machine) Slept() time.Duration { return m.Now().Sub(m.began) }

// Transport answers requests from the routes. Of the options, the certificate
// is looked at, by routes that want one: no proxy is asked.
func (m *Machine) Transport(o machine.TransportOptions) http.RoundTripper {
	return transport{m, o.Certificate}
}

// Requests returns the HTTP requests made so far, those without a route
// included, in order.
func (m *Machine) Requests() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Request(nil), m.requests...)
}
