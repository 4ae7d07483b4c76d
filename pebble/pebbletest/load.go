package pebbletest

import (
	"github.com/starcharm/starcharm/pebble"
)

// load takes over a valid state.
func (s *Server) load(state *State) {
	for _, l := range state.Layers {
		s.layers = append(s.layers, pebble.LabeledLayer{Label: l.Label, Layer: l.Layer.Copy()})
	}
	if s.plan, s.broken = pebble.CombineLayers(s.layers); s.broken != nil {
		return
	}
	if s.files, s.broken = newTree(state.Files, s.now()); s.broken != nil {
		return
	}
	for _, exec := range state.Execs {
		s.execs = append(s.execs, exec.copy())
	}
	s.identities = copyIdentities(state.Identities)
	s.loadLogs(state)
	s.loadServices(state)
	s.loadNotices(state)
	s.loadChecks(state)
}

// State returns the container as it is now. It shares nothing with the server,
// and is a State to start another server from.
func (s *Server) State() *State {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	state := &State{Name: s.name}
	if !s.reachable {
		state.CanConnect = new(bool)
	}
	for _, l := range s.layers {
		state.Layers = append(state.Layers, pebble.LabeledLayer{Label: l.Label, Layer: l.Layer.Copy()})
	}
	for _, exec := range s.execs {
		state.Execs = append(state.Execs, exec.copy())
	}
	state.Identities = copyIdentities(s.identities)
	s.storeLogs(state)
	s.storeServices(state)
	s.storeChecks(state)
	s.storeNotices(state)
	state.Files = s.files.store()
	return state
}

// Learn adds files that the container has had all along, where nothing is known
// to be.
func (s *Server) Learn(files map[string]*File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	unknown := map[string]*File{}
	for path, f := range files {
		if s.files.nodes[path] == nil {
			unknown[path] = f
		}
	}
	return s.files.add(unknown, s.now())
}
