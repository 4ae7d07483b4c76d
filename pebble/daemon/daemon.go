// Package daemon runs genuine Pebble daemons, for tests: each in a container of
// its own, which begins as a [pebbletest.State] and is read back into one.
//
//	d, err := daemon.Start(ctx, program, state)
//	client := pebble.New(pebble.Config{Transport: d.Transport()})
//	… use the client …
//	next, err := d.End(ctx)
//
// A container has a root directory in a temporary one, processes, mounts and
// network of its own. Of the machine it has the programs (/usr, /bin, /sbin and
// the libraries), which it cannot write, and nothing else: what its services do,
// and what is pushed, stays in the temporary directory, and ends with the
// daemon. Who is not root needs user namespaces, and has files and processes of
// root alone.
//
// A simulated Pebble goes along. It is asked the same, and tells what a daemon
// does not: the layers by their labels, and a request in a few words.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// EnterCommand is the argument with which a program that starts daemons is
// started again, to become one by [Enter] with the arguments that follow.
const EnterCommand = "enter-pebble-container"

const (
	// maxStart is how long a daemon may take until it answers, maxRequest how
	// long a request of ours, in which services start.
	maxStart   = 20 * time.Second
	maxRequest = 30 * time.Second
	// maxSaid is how much is kept of what a daemon says, in bytes.
	maxSaid = 64 << 10
)

// Find returns the path of the pebble program on PATH.
func Find() (string, error) {
	path, err := exec.LookPath("pebble")
	if err != nil {
		return "", fmt.Errorf("cannot find pebble on PATH: install it (go install github.com/canonical/pebble/cmd/pebble@%s), or add the directory that it is in", pebbletest.Version)
	}
	return path, nil
}

// A Daemon is a genuine Pebble in its container.
type Daemon struct {
	// Notes are what of the State it is not, each in a sentence.
	Notes []string

	name      string
	root      *root
	shadow    *pebbletest.Server
	transport *http.Transport
	client    *pebble.Client
	process   *exec.Cmd
	said      *tail
	ended     chan struct{} // closed when the process is gone
	stop      func()
	forget    func() bool // the context

	mu      sync.Mutex
	last    *pebbletest.Request
	execs   []*execution
	notices map[string]*notice
}

// Start starts the pebble program as the daemon of a container that is as state
// says. It ends with ctx, if [Daemon.End] does not end it before.
func Start(ctx context.Context, program string, state *pebbletest.State) (*Daemon, error) {
	d, err := start(ctx, program, state)
	if err != nil {
		return nil, fmt.Errorf("cannot start Pebble for the container %s: %w", state.Name, err)
	}
	return d, nil
}

func start(ctx context.Context, program string, state *pebbletest.State) (*Daemon, error) {
	if err := state.Validate(); err != nil {
		return nil, err
	}
	d := &Daemon{
		name: state.Name, shadow: pebbletest.New(pebbletest.Config{State: state}),
		said: &tail{}, ended: make(chan struct{}), notices: map[string]*notice{},
	}
	// With what the state leaves unsaid.
	state = d.shadow.State()
	var err error
	if d.root, err = newRoot(ctx, d.shadow, state.Files); err != nil {
		return nil, err
	}
	d.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", d.root.socket())
		},
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	d.client = pebble.New(pebble.Config{SocketPath: d.root.dir + socketPath, Transport: d.transport, Timeout: maxRequest})
	if err := d.launch(program); err != nil {
		return nil, errors.Join(err, d.root.remove())
	}
	d.stop = sync.OnceFunc(func() {
		_ = d.process.Process.Kill() // and with it all that is in the container
		<-d.ended
		d.transport.CloseIdleConnections()
	})
	d.forget = context.AfterFunc(ctx, d.stop)
	err = d.await(ctx)
	if err == nil {
		err = d.furnish(ctx, state)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// await waits until the daemon answers.
func (d *Daemon) await(ctx context.Context) error {
	late := time.NewTimer(maxStart)
	defer late.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := d.client.SystemInfo(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-d.ended:
			return fmt.Errorf("it ended at once: %s", d.said)
		case <-late.C:
			return fmt.Errorf("it does not answer after %s: %w", maxStart, err)
		case <-again.C:
		}
	}
}

// furnish gives the daemon what state has, and starts the services that are
// active.
func (d *Daemon) furnish(ctx context.Context, state *pebbletest.State) error {
	note := func(format string, args ...any) {
		d.Notes = append(d.Notes, fmt.Sprintf("container %s: ", d.name)+fmt.Sprintf(format, args...))
	}
	for _, given := range state.Notices {
		if given.Type != pebble.NoticeCustom {
			note("the notice %s is of type %s, which a genuine Pebble makes by itself: it is left out", given.Key, given.Type)
			continue
		}
		id, err := d.client.Notify(ctx, pebble.NotifyOptions{Key: given.Key, Data: given.LastData, RepeatAfter: time.Duration(given.RepeatAfter)})
		if err != nil {
			return err
		}
		if id != given.ID {
			note("the notice %s has id %s, not %s: ids count from 1", given.Key, id, given.ID)
		}
		d.notices[id] = &notice{given: given}
	}
	if len(d.notices) > 0 {
		found, err := d.customNotices(ctx)
		if err != nil {
			return err
		}
		for _, n := range found {
			if known := d.notices[n.ID]; known != nil {
				known.last = n.LastOccurred
			}
		}
	}
	if len(state.Identities) > 0 {
		if err := d.client.AddIdentities(ctx, state.Identities); err != nil {
			return err
		}
	}
	for _, l := range state.Layers {
		if err := d.client.AddLayer(ctx, l.Label, l.Layer, pebble.AddLayerOptions{}); err != nil {
			return err
		}
	}
	var active []string
	for _, name := range slices.Sorted(maps.Keys(state.ServiceStatuses)) {
		switch status := state.ServiceStatuses[name]; status {
		case pebble.ServiceActive:
			active = append(active, name)
			if state.StartedServices[name] != nil {
				note("the service %s is started as the plan has it now, not as started_services says", name)
			}
		case pebble.ServiceBackoff, pebble.ServiceError:
			note("the service %s is inactive at first, not in %s: only its command can bring it there", name, status)
		}
	}
	if len(active) > 0 {
		if _, err := d.client.Start(ctx, active, pebble.WaitOptions{}); err != nil {
			return err
		}
	}
	checks, err := d.client.Checks(ctx, pebble.ChecksOptions{})
	if err != nil {
		return err
	}
	var performed, stopped []string
	for _, info := range checks {
		i := slices.IndexFunc(state.CheckInfos, func(given *pebbletest.CheckInfo) bool { return given.Name == info.Name })
		switch {
		case i < 0:
		case state.CheckInfos[i].Status == pebble.CheckInactive:
			stopped = append(stopped, info.Name)
		default:
			performed = append(performed, info.Name)
			if state.CheckInfos[i].Status == pebble.CheckDown {
				note("the check %s is performed: that the State says it is down has no effect", info.Name)
			}
		}
	}
	if len(performed) > 0 {
		if _, err := d.client.StartChecks(ctx, performed); err != nil {
			return err
		}
	}
	if len(stopped) > 0 {
		if _, err := d.client.StopChecks(ctx, stopped); err != nil {
			return err
		}
	}
	if len(state.Execs) > 0 {
		note("execs are not used: commands are run, and have to be on this machine")
	}
	if len(state.FailingServices) > 0 {
		note("failing_services are not used: services are run")
	}
	return nil
}

// State is the container as it is now, but with the files that it began with.
func (d *Daemon) State(ctx context.Context) (*pebbletest.State, error) {
	s, err := d.state(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot tell what became of the container %s: %w", d.name, err)
	}
	return s, nil
}

func (d *Daemon) state(ctx context.Context) (*pebbletest.State, error) {
	s := d.shadow.State()
	s.Files = d.root.given
	plan, err := d.client.Plan(ctx)
	if err != nil {
		return nil, d.lost(err)
	}
	if expected, err := pebble.CombineLayers(s.Layers); err != nil || !plan.Equal(expected) {
		return nil, fmt.Errorf("its Pebble makes another plan of the layers than Pebble %s: use that version", pebbletest.Version)
	}
	services, err := d.client.Services(ctx)
	if err != nil {
		return nil, d.lost(err)
	}
	known := s.ServiceStatuses
	s.ServiceStatuses = nil
	for _, info := range services {
		if _, ok := known[info.Name]; ok || info.Current != pebble.ServiceInactive {
			if s.ServiceStatuses == nil {
				s.ServiceStatuses = map[string]pebble.ServiceStatus{}
			}
			s.ServiceStatuses[info.Name] = info.Current
		}
	}
	checks, err := d.client.Checks(ctx, pebble.ChecksOptions{})
	if err != nil {
		return nil, d.lost(err)
	}
	s.CheckInfos = nil
	for _, info := range checks {
		s.CheckInfos = append(s.CheckInfos, &pebbletest.CheckInfo{
			Name: info.Name, Level: info.Level, Startup: info.Startup, Status: info.Status,
			Successes: info.Successes, Failures: info.Failures, Threshold: info.Threshold, ChangeID: info.ChangeID,
		})
	}
	if s.Notices, err = d.keptNotices(ctx); err != nil {
		return nil, err
	}
	logs, err := d.client.Logs(ctx, pebble.LogsOptions{N: -1})
	if err != nil {
		return nil, d.lost(err)
	}
	for _, e := range logs {
		s.Logs = append(s.Logs, &pebbletest.Log{Service: e.Service, Message: e.Message, Time: e.Time})
	}
	return s, nil
}

// lost is err, or that the daemon has ended.
func (d *Daemon) lost(err error) error {
	select {
	case <-d.ended:
		return fmt.Errorf("its Pebble has ended: %s", d.said)
	default:
		return err
	}
}

// End ends the daemon and its services, and returns the container as it was
// last, with its files.
func (d *Daemon) End(ctx context.Context) (*pebbletest.State, error) {
	s, err := d.State(ctx)
	if err == nil {
		d.endExecutions(ctx)
		d.stop() // so that nobody writes while files are read
		if s.Files, err = d.root.files(); err != nil {
			err = fmt.Errorf("cannot read the files of the container %s: %w", d.name, err)
		}
	}
	if cannot := d.Close(); err == nil {
		err = cannot
	}
	if err != nil {
		return nil, err
	}
	// A State has no directories that files imply.
	return pebbletest.New(pebbletest.Config{State: s}).State(), nil
}

// Close ends the daemon and its services, and removes all that it left. After
// End there is nothing to do.
func (d *Daemon) Close() error {
	d.forget()
	d.stop()
	return d.root.remove()
}

// tail holds the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, data...)
	if past := len(t.text) - maxSaid; past > 0 {
		t.text = slices.Clone(t.text[past:])
	}
	return len(data), nil
}

// String is the last line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.text))
	if text == "" {
		return "it said nothing"
	}
	return text[strings.LastIndexByte(text, '\n')+1:]
}
