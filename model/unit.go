package model

import (
	"fmt"
	"os"
)

// CheckUnitName says why a name cannot be that of a unit.
func CheckUnitName(name string) error {
	if isUnitName(name) {
		return nil
	}
	return usage("%q is not the name of a unit, such as web/0", shorten(name))
}

// CheckAppName says why a name cannot be that of an application.
func CheckAppName(name string) error {
	if isAppName(name) {
		return nil
	}
	return usage("%q is not the name of an application: use letters, digits and dashes", shorten(name))
}

// SetWorkloadVersion says which version of the workload runs; it takes effect
// at once. Secrets in it are masked.
func (m *Model) SetWorkloadVersion(version string) error {
	version = m.Mask(version)
	if m.version != nil && *m.version == version {
		return nil
	}
	if _, err := m.run("application-version-set", nil, "--", version); err != nil {
		return err
	}
	m.version = &version
	return nil
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
