package model

import (
	"strings"

	"github.com/starcharm/starcharm/model/hooktool"
)

// Call runs any hook tool as it is given, for what the other methods do not
// cover. It comes after what was written to databags before, as [Model.Flush]
// does, whose [WriteError] it may return. What the other methods remember and
// the call may have changed they ask of Juju again: a tool that only reads
// costs nothing but itself.
//
// A tool that fails is an [Error] as from the other methods; the result, with
// what the tool wrote, is there all the same. What secret-get and
// credential-get tell is masked from then on; a secret's content cannot be
// among the arguments.
func (m *Model) Call(call hooktool.Call) (hooktool.Result, error) {
	call, err := m.guard(call)
	if err != nil {
		return hooktool.Result{}, err
	}
	if err := m.Flush(); err != nil {
		return hooktool.Result{}, err
	}
	result, err := m.call(call)
	m.hideAnswer(call.Name, result.Stdout)
	// Also after a failure: the answer may have been lost on the way back.
	m.forget(call, err == nil)
	return result, err
}

// forget drops what is remembered and what the call may have made untrue. done
// says that the tool succeeded.
func (m *Model) forget(call hooktool.Call, done bool) {
	switch call.Name {
	case "relation-set":
		for _, r := range m.relations {
			for _, bag := range r.databags {
				bag.stale = true
			}
		}
	case "status-set":
		clear(m.statuses)
	case "application-version-set":
		m.version = nil
	case "state-set", "state-delete":
		m.state = nil
	case "open-port", "close-port":
		m.ports = nil
		// Juju's list of the open ports leaves out what the hook does.
		for _, arg := range call.Args {
			if port, err := ParsePort(arg); err == nil && done {
				m.portChanges = append(m.portChanges, portChange{port, call.Name == "open-port"})
			}
		}
	case "secret-set", "secret-grant", "secret-revoke":
		// Removals of the secret's revisions have to wait.
		for _, arg := range call.Args {
			if !strings.HasPrefix(arg, "-") && !strings.Contains(arg, "=") {
				m.secretFacts(m.canonicalID(arg)).sent = true
			}
		}
	}
	if strings.HasPrefix(call.Name, "secret-") { // secret-get too: it may move on to a newer revision
		for _, s := range m.secrets {
			s.facts.content, s.facts.newest, s.facts.stale = nil, nil, true
		}
	}
}
