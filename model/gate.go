package model

import (
	"fmt"
	"slices"
	"strings"
)

// SupportedJuju are the versions of Juju that charms are supported on. Others
// that run a charm's dispatch, from 2.9 on, work as far as they have the tools.
func SupportedJuju() []string { return []string{"3.6", "4.x"} }

// A ToolGate says which versions of Juju have a hook tool: those from Since up
// to, but not including, Until. The zero Version is no bound.
type ToolGate struct{ Since, Until Version }

// toolGates are the tools that not every Juju has that runs a charm's dispatch.
var toolGates = [...]struct {
	tools string // separated by spaces
	gate  ToolGate
}{
	{"secret-add secret-get secret-grant secret-ids secret-info-get secret-remove secret-revoke secret-set", ToolGate{Since: Version{Major: 3, Patch: 3}}},
	{"relation-model-get", ToolGate{Since: Version{Major: 3, Minor: 6, Patch: 2}}},
	{"add-metric", ToolGate{Until: Version{Major: 3, Minor: 6, Patch: 11}}},
	{"leader-get leader-set payload-register payload-status-set payload-unregister", ToolGate{Until: Version{Major: 4}}},
	{"k8s-raw-get k8s-raw-set k8s-spec-get k8s-spec-set pod-spec-get pod-spec-set", ToolGate{Until: Version{Major: 4}}},
	{"state-delete state-get state-set", ToolGate{Since: Version{Major: 2, Minor: 8}}},
}

// GatedTools are hook tools that not every Juju has, and say which has them.
type GatedTools struct {
	Tools []string
	ToolGate
}

// ToolGates are all gates, in the order of versions.
func ToolGates() []GatedTools {
	var all []GatedTools
	for _, g := range toolGates {
		all = append(all, GatedTools{strings.Fields(g.tools), g.gate})
	}
	slices.SortStableFunc(all, func(a, b GatedTools) int { return a.bound().Compare(b.bound()) })
	return all
}

// bound is the version at which the gate opens, or else closes.
func (g ToolGate) bound() Version {
	if g.Since != (Version{}) {
		return g.Since
	}
	return g.Until
}

// GateOfTool returns the gate of a hook tool; the zero one for a tool that
// every Juju has, and for one that is not known.
func GateOfTool(tool string) ToolGate {
	for _, g := range toolGates {
		for name := range strings.FieldsSeq(g.tools) {
			if name == tool {
				return g.gate
			}
		}
	}
	return ToolGate{}
}

// Open tells whether this version has the tool.
func (g ToolGate) Open(v Version) bool {
	return v.AtLeast(g.Since.Major, g.Since.Minor, g.Since.Patch) &&
		(g.Until == Version{} || !v.AtLeast(g.Until.Major, g.Until.Minor, g.Until.Patch))
}

// String says which versions have the tool, or "" when all have.
func (g ToolGate) String() string {
	switch {
	case g.Since != Version{}:
		return "it came with Juju " + g.Since.String()
	case g.Until != Version{}:
		return "it went with Juju " + g.Until.String()
	}
	return ""
}

// credentialsOnKubernetes is when credential-get came there; on machines every
// Juju has it.
var credentialsOnKubernetes = ToolGate{Since: Version{Major: 3, Minor: 6, Patch: 10}}

// lacking says that this Juju does not have a tool because of its version; ""
// when the version is not the reason.
func (m *Model) lacking(tool string, gate ToolGate) string {
	version := m.cfg.Context.Version
	switch {
	case gate == ToolGate{}, version != Version{} && gate.Open(version):
		return ""
	case version == Version{}:
		return fmt.Sprintf("cannot run %s: this Juju does not have it: %s", tool, gate)
	}
	return fmt.Sprintf("cannot run %s: Juju %s does not have it: %s", tool, version, gate)
}
