package modeltest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
)

// Juju is a simulated Juju with one unit of a charm in it.
type Juju struct {
	// CharmDir is what JUJU_CHARM_DIR says.
	CharmDir string
	// ReadFile reads the files that tools are told to read, such as
	// secret-add key#file=PATH. The default reads up to 16 MiB from the disk.
	ReadFile func(path string) ([]byte, error)
	// Now is the controller's clock, by which secrets rotate and expire. The
	// default stands still at the start of 2024.
	Now func() time.Time
	// ReadSecret, unless nil, tells of a secret without content in the state, or
	// of one that is not in it: what the charm would be told. One of id and label
	// may be "".
	ReadSecret func(id, label string) (*Secret, error)
	// Secrets is how many secrets the model has besides the state's: the ids of
	// new ones are counted on from there.
	Secrets int

	meta    *model.Metadata
	version model.Version
	found   *consistency.Checker

	mu       sync.Mutex
	state    *State
	contexts int  // how many hooks have begun
	actions  int  // how many of them were actions
	busy     bool // a hook has not ended
}

// New returns a Juju in which things are as state says. The state is copied,
// and what it leaves out is filled in. The error names all that is wrong.
func New(meta *model.Metadata, state *State) (*Juju, error) {
	found := &consistency.Checker{}
	j, err := Checked(meta, state, found)
	if err != nil {
		return nil, err
	}
	return j, found.Err()
}

// Checked is [New] that leaves what is wrong with the state, and later with
// events, to found: it may allow it.
func Checked(meta *model.Metadata, state *State, found *consistency.Checker) (*Juju, error) {
	s := state.Clone()
	if slices.Contains(s.Relations, nil) || slices.Contains(s.Secrets, nil) || slices.Contains(s.Storages, nil) ||
		slices.Contains(s.Resources, nil) || slices.Contains(s.Networks, nil) {
		return nil, errors.New("cannot use the state: a list of it holds an element with nothing in it")
	}
	s.fill(meta)
	version, err := model.ParseVersion(s.JujuVersion)
	if err != nil {
		return nil, fmt.Errorf("cannot use juju_version: %w", err)
	}
	s.check(meta, version, found)
	return &Juju{ReadFile: readFile, Now: epoch, meta: meta, version: version, found: found, state: s}, nil
}

// State returns a copy of the state as it is now: between hooks, all that was
// kept of them.
func (j *Juju) State() *State {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state.Clone()
}

// maxFile is how large a file may be that a tool reads.
const maxFile = 16 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return data, err
}

func (s *State) unit() string { return s.AppName + "/" + strconv.Itoa(s.UnitID) }

// defaultAddress is from the range that is reserved for examples (RFC 5737).
const defaultAddress = "192.0.2.0"

// fill puts the defaults where the state says nothing.
func (s *State) fill(meta *model.Metadata) {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&s.AppName, meta.Name)
	set(&s.JujuVersion, "3.6.11")
	set(&s.Model.Name, "model")
	set(&s.Model.UUID, "f2c1d1a5-1c7b-4b6e-8f0a-9a3b5c7d9e10")
	set(&s.UnitStatus.Name, "unknown")
	set(&s.AppStatus.Name, "unknown")
	set(&s.PrivateAddress, defaultAddress)
	set(&s.PublicAddress, defaultAddress)
	if len(meta.Containers) > 0 {
		set(&s.Model.Type, "kubernetes")
	} else {
		set(&s.Model.Type, "lxd")
	}
	if !s.Model.Kubernetes() {
		set(&s.MachineID, "0")
	}
	for _, r := range s.Relations {
		set(&r.RemoteModelUUID, s.Model.UUID)
		set(&r.RemoteEndpoint, r.Endpoint)
		if endpoint := meta.Relations[r.Endpoint]; endpoint != nil {
			set(&r.Interface, endpoint.Interface)
			if endpoint.Role == model.Peer {
				set(&r.RemoteApp, s.AppName)
			}
		}
		set(&r.RemoteApp, "remote")
		if r.LocalUnitData == nil {
			r.LocalUnitData = map[string]string{
				"egress-subnets":  s.PrivateAddress + "/32",
				"ingress-address": s.PrivateAddress,
				"private-address": s.PrivateAddress,
			}
			if s.juju4() {
				delete(r.LocalUnitData, "private-address")
			}
		}
	}
	for _, secret := range s.Secrets {
		secret.fill()
	}
	for _, storage := range s.Storages {
		if declared := meta.Storages[storage.Name]; declared != nil && declared.Multiple == nil {
			set(&storage.Location, declared.Location)
		}
		set(&storage.Location, fmt.Sprintf("/var/lib/juju/storage/%s/%d", storage.Name, storage.Index))
	}
	for i := range s.OpenedPorts {
		port := &s.OpenedPorts[i]
		set(&port.Protocol, "tcp")
		if port.ToPort == 0 {
			port.ToPort = port.Port
		}
	}
	slices.SortFunc(s.Relations, func(a, b *Relation) int { return a.ID - b.ID })
}

func (s *State) juju4() bool {
	version, err := model.ParseVersion(s.JujuVersion)
	return err == nil && version.Major >= 4
}

func (s *Secret) fill() {
	if s.LatestContent == nil {
		s.LatestContent = s.TrackedContent
	}
	if s.TrackedRevision == 0 && s.TrackedContent != nil {
		s.TrackedRevision = 1
	}
	if s.LatestRevision == 0 {
		s.LatestRevision = max(s.TrackedRevision, 1)
		if s.TrackedContent != nil && !equalContent(s.TrackedContent, s.LatestContent) {
			s.LatestRevision++
		}
	}
}

func (s *State) relation(id int) *Relation {
	for _, r := range s.Relations {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// peer tells whether the relation is among the units of one application.
func (j *Juju) peer(r *Relation) bool { return j.role(r) == model.Peer }

// role is this unit's side of the relation; "" if the charm has no such
// endpoint, which a test may allow.
func (j *Juju) role(r *Relation) model.Role {
	if endpoint := j.meta.Relations[r.Endpoint]; endpoint != nil {
		return endpoint.Role
	}
	return ""
}

// others returns the databags of the units at the other end, by number.
func (j *Juju) others(r *Relation) map[int]map[string]string {
	if j.peer(r) {
		return r.PeersData
	}
	return r.RemoteUnitsData
}

func epoch() time.Time { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) }
