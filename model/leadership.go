package model

import "errors"

// IsLeader tells whether the unit leads its application. Juju is asked once:
// the answer holds for the whole hook.
func (m *Model) IsLeader() (bool, error) {
	if m.leader != nil {
		return *m.leader, nil
	}
	answer, err := m.run("is-leader", nil, "--format=json")
	if err != nil {
		return false, err
	}
	leader, err := decode[*bool]("is-leader", answer)
	if err == nil && leader == nil {
		err = nonsense("is-leader", errors.New("it is neither true nor false"))
	}
	if err != nil {
		return false, err
	}
	m.leader = leader
	return *leader, nil
}

// needLeader is an error unless the unit is the leader. deed completes "cannot
// …"; tool names what would be run, for the security event.
func (m *Model) needLeader(deed, tool string) error {
	leader, err := m.IsLeader()
	if err != nil || leader {
		return err
	}
	// The failure itself is what the charm needs to hear of.
	_ = m.SecurityEvent("CRITICAL", "authz_fail:"+tool, "Tried to "+deed+" without being the leader.")
	return &Error{Kind: NotLeaderError, Message: "cannot " + deed + ": " + m.cfg.Context.UnitName + " is not the leader"}
}
