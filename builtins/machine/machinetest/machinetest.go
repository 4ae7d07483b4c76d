// Package machinetest is a simulated machine: what the charm would find on it
// is described by data, and what it does not describe is an error.
package machinetest

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/starcharm/starcharm/builtins/machine"
)

// State describes a simulated machine.
type State struct {
	// Now is the present time, which stands still. Zero: [Epoch].
	Now time.Time `yaml:"now"`
	// HTTP lists the requests that get an answer. Routes with the same method
	// and URL answer one after the other; the last of them answers ever after.
	HTTP []Route `yaml:"http"`
	// HostFiles are the machine's files by absolute path, but for the charm's
	// own.
	HostFiles map[string]*File `yaml:"host_files"`
	// Processes are the commands that the machine has.
	Processes []*Process `yaml:"processes"`
}

// Epoch is the time on a machine whose State gives none.
func Epoch() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Machine is a simulated [machine.Machine].
type Machine struct {
	now    time.Time
	routes []route

	mu       sync.Mutex
	requests []Request
	served   map[string]int   // answers given so far, by "METHOD url" of the route
	nodes    map[string]*node // by absolute path, without "/"

	processes []*Process
	ran       map[string]int // commands run so far, by the prefix of the process
}

var _ machine.Machine = (*Machine)(nil)

// New returns the machine that s describes, or an error that names the route or
// file that makes no sense.
func New(s State) (*Machine, error) {
	m := &Machine{now: s.Now, served: make(map[string]int), nodes: make(map[string]*node), processes: s.Processes, ran: make(map[string]int)}
	if m.now.IsZero() {
		m.now = Epoch()
	}
	for i, described := range s.HTTP {
		r, err := described.parse(i)
		if err != nil {
			return nil, err
		}
		m.routes = append(m.routes, r)
	}
	for i, p := range s.Processes {
		if p == nil {
			return nil, fmt.Errorf("cannot use processes[%d]: there is nothing", i)
		}
	}
	return m, m.readFiles(s.HostFiles)
}

// Now returns the time that the State gives.
func (m *Machine) Now() time.Time { return m.now }

// Transport answers requests from the routes. The options are accepted as they
// are: no certificate is looked at and no proxy asked.
func (m *Machine) Transport(machine.TransportOptions) (http.RoundTripper, error) {
	return (*transport)(m), nil
}

// Requests returns the HTTP requests made so far, those without a route
// included, in order.
func (m *Machine) Requests() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Request(nil), m.requests...)
}
