package model

import (
	"errors"
	"fmt"
	"os"
)

// SetWorkloadVersion says which version of the workload runs; it takes effect
// at once.
func (m *Model) SetWorkloadVersion(version string) error {
	if m.version != nil && *m.version == version {
		return nil
	}
	if _, err := m.run("application-version-set", nil, "--", version); err != nil {
		return err
	}
	m.version = &version
	return nil
}

// PlannedUnits returns how many units the application is meant to have: those
// that are dying do not count.
func (m *Model) PlannedUnits() (int, error) {
	if m.planned != nil {
		return *m.planned, nil
	}
	answer, err := m.run("goal-state", nil, "--format=json")
	if err != nil {
		return 0, err
	}
	goal, err := decode[struct {
		Units map[string]struct {
			Status string `json:"status"`
		} `json:"units"`
	}]("goal-state", answer)
	if err == nil && goal.Units == nil {
		err = nonsense("goal-state", errors.New("there are no units in it"))
	}
	if err != nil {
		return 0, err
	}
	planned := 0
	for _, unit := range goal.Units {
		if unit.Status != "dying" {
			planned++
		}
	}
	m.planned = &planned
	return planned, nil
}

// Reboot has the machine reboot: after the hook, or with now at once, which
// ends this process and has Juju run the hook again afterwards.
func (m *Model) Reboot(now bool) error {
	args := []string{}
	if now {
		args = append(args, "--now")
	}
	if err := m.SecurityEvent("WARN", fmt.Sprintf("sys_restart:%d", os.Getuid()), "Rebooting unit "+m.cfg.Context.UnitName); err != nil {
		return err
	}
	_, err := m.run("juju-reboot", nil, args...)
	return err
}
