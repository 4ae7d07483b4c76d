package machinetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/starcharm/starcharm/builtins/machine"
)

// Running is a process that runs on the machine.
type Running struct {
	PID int `yaml:"pid"`
	// Name is its program's.
	Name string `yaml:"name"`
	// After is how many seconds it takes until it is there, and Lingers how
	// many it is still there after a signal that ends it.
	After   int `yaml:"after,omitempty"`
	Lingers int `yaml:"lingers,omitempty"`
	// Ignores are the signals that do not end it, without SIG: TERM, INT,
	// QUIT. Others than these and KILL never do.
	Ignores []string `yaml:"ignores,omitempty"`
}

// running is a Running that was started.
type running struct {
	*Running
	from  time.Time
	until time.Time // zero: until it is told to end
}

// ending are the signals that end a process.
func ending() []string { return []string{"TERM", "KILL", "INT", "QUIT"} }

// check says what no process can be.
func (r *Running) check() error {
	switch {
	case r == nil:
		return errors.New("there is nothing")
	case r.PID < 1:
		return fmt.Errorf("its pid is %d, want one from 1", r.PID)
	case r.Name == "":
		return errors.New("it has no name")
	case r.After < 0 || r.Lingers < 0:
		return errors.New("its after and lingers are seconds, from 0")
	}
	for _, name := range r.Ignores {
		if !slices.Contains(ending(), name) || name == "KILL" {
			return fmt.Errorf("it cannot ignore %q, want TERM, INT or QUIT", name)
		}
	}
	return nil
}

// start starts a process, in the place of one of that number. The machine is
// locked, or not in use yet.
func (m *Machine) start(r *Running) {
	m.end(r.PID)
	m.running = append(m.running, &running{Running: r, from: m.now.Add(time.Duration(r.After) * time.Second)})
}

// end ends a process at once. The machine is locked.
func (m *Machine) end(pid int) {
	m.running = slices.DeleteFunc(m.running, func(r *running) bool { return r.PID == pid })
}

// Signal sends a signal to a process of the State.
func (m *Machine) Signal(pid int, name string, s syscall.Signal) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = slices.DeleteFunc(m.running, func(r *running) bool { return !r.until.IsZero() && !r.until.After(m.now) })
	at := slices.IndexFunc(m.running, func(r *running) bool { return r.PID == pid })
	if at < 0 || m.running[at].from.After(m.now) || name != "" && m.running[at].Name != name {
		return false, nil
	}
	if pid == 1 && s != 0 {
		return true, machine.ErrProtected
	}
	r := m.running[at]
	short := strings.TrimPrefix(unix.SignalName(s), "SIG")
	switch {
	case !slices.Contains(ending(), short) || slices.Contains(r.Ignores, short) || !r.until.IsZero():
	case r.Lingers > 0:
		r.until = m.now.Add(time.Duration(r.Lingers) * time.Second)
	default:
		m.end(pid)
	}
	return true, nil
}

// Running returns the processes that run, without those that were told to end.
func (m *Machine) Running() []*Running {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Running
	for _, r := range m.running {
		if !r.until.IsZero() {
			continue
		}
		now := *r.Running
		now.After = max(0, int((r.from.Sub(m.now)+time.Second-1)/time.Second))
		all = append(all, &now)
	}
	return all
}
